import type { ContainerSeed, WorkloadSeed } from './build.js';

/** The spec of a seeded workload's pods. */
export function podSpecOf(seed: WorkloadSeed): Record<string, unknown> {
  return {
    containers: seed.containers.map((container) => containerOf(container, seed.name)),
    ...(seed.serviceAccount === undefined ? {} : { serviceAccountName: seed.serviceAccount }),
    ...(seed.hostNetwork === true ? { hostNetwork: true } : {}),
    ...(seed.priorityClass === undefined ? {} : { priorityClassName: seed.priorityClass }),
    ...(seed.volumes === undefined ? {} : { volumes: seed.volumes.map((volume) => ({ ...volume })) }),
  };
}

function containerOf(seed: ContainerSeed, workload: string): Record<string, unknown> {
  const env = [
    ...Object.entries(seed.env ?? {}).map(([name, value]) => ({ name, value })),
    ...Object.entries(seed.secretEnv ?? {}).map(([name, source]) => {
      const [secret, key] = source.split('/');
      return { name, valueFrom: { secretKeyRef: { name: secret, key } } };
    }),
  ];
  const resources = {
    ...(seed.requests === undefined ? {} : { requests: { ...seed.requests } }),
    ...(seed.limits === undefined ? {} : { limits: { ...seed.limits } }),
  };
  return {
    name: seed.name ?? workload,
    image: seed.image,
    ...(seed.command === undefined ? {} : { command: [...seed.command] }),
    ...(seed.args === undefined ? {} : { args: [...seed.args] }),
    ...(seed.ports === undefined
      ? {}
      : {
          ports: Object.entries(seed.ports).map(([name, containerPort]) => ({
            name,
            containerPort,
            protocol: name === 'dns' || name.endsWith('-udp') ? 'UDP' : 'TCP',
          })),
        }),
    ...(env.length === 0 ? {} : { env }),
    ...(seed.securityContext === undefined ? {} : { securityContext: { ...seed.securityContext } }),
    ...(seed.volumeMounts === undefined
      ? {}
      : { volumeMounts: seed.volumeMounts.map((mount) => ({ ...mount })) }),
    resources,
  };
}
