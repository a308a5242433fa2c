import { createHash } from 'node:crypto';
import { at, listAt, type Manifest, type ObjectMeta, stringsAt } from '../../model/manifest.js';
import type { ContainerSeed, SecretSeed, ServiceSeed, WorkloadSeed } from './build.js';

/** Turns seeds into the objects that a cluster would have: workloads with their pods, Services with endpoints. */
export class Expander {
  readonly #salt: string;
  readonly #nodes: readonly { name: string; ip: string }[];
  #pods = 0;

  constructor(salt: string, nodes: readonly { name: string; ip: string }[]) {
    this.#salt = salt;
    this.#nodes = nodes;
  }

  /** A UID of its own for each object of each seeded cluster. */
  uid(...names: string[]): string {
    const hex = createHash('sha256')
      .update([this.#salt, ...names].join('\n'))
      .digest('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }

  short(...names: string[]): string {
    const digits = 'bcdfghjklmnpqrstvwxz2456789';
    const bytes = createHash('sha256').update(names.join('\n')).digest();
    return Array.from({ length: 5 }, (_, index) => digits[bytes[index]! % digits.length]).join('');
  }

  workload(seed: WorkloadSeed): Manifest[] {
    const { kind = 'Deployment', namespace, name } = seed;
    const podLabels = { app: name, ...seed.podLabels };
    const spec = this.#podSpec(seed);
    const meta = {
      name,
      namespace,
      labels: { ...seed.labels, app: name },
      ...(seed.annotations === undefined ? {} : { annotations: { ...seed.annotations } }),
    };
    const template = { metadata: { labels: podLabels }, spec };
    const selector = { matchLabels: podLabels };
    if (kind === 'Pod') return [this.#pod(seed, name, podLabels, spec)];
    if (kind === 'CronJob')
      return [
        {
          apiVersion: 'batch/v1',
          kind,
          metadata: meta,
          spec: {
            schedule: seed.schedule ?? '0 3 * * *',
            jobTemplate: {
              spec: { template: { ...template, spec: { ...spec, restartPolicy: 'OnFailure' } } },
            },
          },
        },
      ];
    const count = kind === 'DaemonSet' ? this.#nodes.length : (seed.replicas ?? 1);
    const owner: Manifest = {
      apiVersion: 'apps/v1',
      kind,
      metadata: meta,
      spec: {
        ...(kind === 'DaemonSet' ? {} : { replicas: count }),
        ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
        selector,
        template,
      },
      status: statusOf(kind, count),
    };
    if (kind !== 'Deployment') {
      const pods = Array.from({ length: count }, (_, index) =>
        this.#pod(
          seed,
          kind === 'StatefulSet' ? `${name}-${index}` : `${name}-${this.short(name, String(index))}`,
          podLabels,
          spec,
          { kind, name },
          index,
        ),
      );
      return [owner, ...pods];
    }
    const hash = `${this.short(namespace, name, 'hash')}${this.short(name, namespace)}`.slice(0, 9);
    const hashed = { ...podLabels, 'pod-template-hash': hash };
    const setName = `${name}-${hash}`;
    const set: Manifest = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: setName,
        namespace,
        labels: hashed,
        ownerReferences: [this.#owner('apps/v1', 'Deployment', namespace, name)],
      },
      spec: {
        replicas: count,
        selector: { matchLabels: hashed },
        template: { metadata: { labels: hashed }, spec },
      },
      status: statusOf('ReplicaSet', count),
    };
    const pods = Array.from({ length: count }, (_, index) =>
      this.#pod(seed, `${setName}-${this.short(setName, String(index))}`, hashed, spec, {
        kind: 'ReplicaSet',
        name: setName,
      }),
    );
    return [owner, set, ...pods];
  }

  service(seed: ServiceSeed, pods: readonly Manifest[]): Manifest[] {
    const { namespace, name, selector } = seed;
    const ports = seed.ports.map((port) => ({
      protocol: 'TCP',
      ...port,
      targetPort: port.targetPort ?? port.port,
    }));
    const service: Manifest = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, ...(seed.labels === undefined ? {} : { labels: { ...seed.labels } }) },
      spec: {
        type: seed.type ?? 'ClusterIP',
        selector: { ...selector },
        ports,
        ...(seed.clusterIP === undefined ? {} : { clusterIP: seed.clusterIP }),
      },
      status:
        seed.type === 'LoadBalancer'
          ? { loadBalancer: { ingress: [{ hostname: 'shop-lb.elb.eu-central-1.amazonaws.com' }] } }
          : { loadBalancer: {} },
    };
    const backends = pods.filter(
      (pod) =>
        pod.metadata.namespace === namespace &&
        Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value),
    );
    const resolved = ports.map(({ name: portName, protocol, targetPort }) => ({
      ...(portName === undefined ? {} : { name: portName }),
      protocol,
      port: typeof targetPort === 'number' ? targetPort : portNumber(backends[0], targetPort),
    }));
    const target = (pod: Manifest) => ({
      kind: 'Pod',
      name: pod.metadata.name,
      namespace,
      uid: String(pod.metadata.uid),
    });
    const ipOf = (pod: Manifest): string => String(at(pod, 'status', 'podIP'));
    return [
      service,
      {
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: { name, namespace },
        subsets: [
          {
            addresses: backends.map((pod) => ({
              ip: ipOf(pod),
              nodeName: at(pod, 'spec', 'nodeName'),
              targetRef: target(pod),
            })),
            ports: resolved,
          },
        ],
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: `${name}-${this.short(namespace, name, 'slice')}`,
          namespace,
          labels: {
            'kubernetes.io/service-name': name,
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          },
        },
        addressType: 'IPv4',
        endpoints: backends.map((pod) => ({
          addresses: [ipOf(pod)],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: at(pod, 'spec', 'nodeName'),
          targetRef: target(pod),
        })),
        ports: resolved,
      },
    ];
  }

  secret(seed: SecretSeed, secretValue: (key: string) => string): Manifest {
    const data = Object.fromEntries(seed.keys.map((key) => [key, secretValue(key)]));
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: seed.name,
        namespace: seed.namespace,
        ...(seed.applied === true
          ? { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ data }) } }
          : {}),
      },
      type: seed.type,
      data,
    };
  }

  #pod(
    seed: WorkloadSeed,
    name: string,
    labels: Readonly<Record<string, string>>,
    spec: Record<string, unknown>,
    owner?: { kind: string; name: string },
    fixed?: number,
  ): Manifest {
    const number = this.#pods++;
    const onEach = seed.kind === 'DaemonSet' && fixed !== undefined;
    const index = (onEach ? fixed : number) % this.#nodes.length;
    const node = this.#nodes[index]!;
    const ip = seed.hostNetwork === true ? node.ip : `10.244.${index}.${10 + (number % 240)}`;
    const metadata: ObjectMeta = {
      name,
      namespace: seed.namespace,
      uid: this.uid('Pod', seed.namespace, name),
      labels: { ...labels },
      ...(owner === undefined
        ? {}
        : { ownerReferences: [this.#owner('apps/v1', owner.kind, seed.namespace, owner.name)] }),
    };
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { ...spec, nodeName: node.name },
      status: {
        phase: 'Running',
        hostIP: node.ip,
        podIP: ip,
        podIPs: [{ ip }],
        qosClass: seed.containers.every(
          ({ requests, limits }) => requests === undefined && limits === undefined,
        )
          ? 'BestEffort'
          : 'Burstable',
        containerStatuses: seed.containers.map((container) => ({
          name: container.name ?? seed.name,
          ready: true,
          restartCount: 0,
          image: container.image,
          imageID: '',
          state: {},
        })),
      },
    };
  }

  #podSpec(seed: WorkloadSeed): Record<string, unknown> {
    return {
      containers: seed.containers.map((container) => containerOf(container, seed.name)),
      ...(seed.serviceAccount === undefined ? {} : { serviceAccountName: seed.serviceAccount }),
      ...(seed.hostNetwork === true ? { hostNetwork: true } : {}),
      ...(seed.priorityClass === undefined ? {} : { priorityClassName: seed.priorityClass }),
      ...(seed.volumes === undefined ? {} : { volumes: seed.volumes.map((volume) => ({ ...volume })) }),
    };
  }

  #owner(apiVersion: string, kind: string, namespace: string, name: string) {
    return {
      apiVersion,
      kind,
      name,
      uid: this.uid(kind, namespace, name),
      controller: true,
      blockOwnerDeletion: true,
    };
  }
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

function statusOf(kind: string, count: number): Record<string, unknown> {
  if (kind === 'DaemonSet')
    return {
      currentNumberScheduled: count,
      desiredNumberScheduled: count,
      numberAvailable: count,
      numberMisscheduled: 0,
      numberReady: count,
      updatedNumberScheduled: count,
    };
  const common = { replicas: count, readyReplicas: count, availableReplicas: count };
  return kind === 'ReplicaSet' ? common : { ...common, updatedReplicas: count };
}

function portNumber(pod: Manifest | undefined, name: string): number {
  for (const container of listAt(pod, 'spec', 'containers'))
    for (const port of listAt(container, 'ports'))
      if (stringsAt({ port }, 'port').name === name) return Number(at(port, 'containerPort'));
  return 0;
}
