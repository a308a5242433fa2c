import { at, listAt, type Manifest, stringAt } from '../../model/manifest.js';
import type { ServiceSeed } from './build.js';

/** A Service with the Endpoints and the EndpointSlice that controllers would make for it. */
export function serviceObjects(
  seed: ServiceSeed,
  pods: readonly Manifest[],
  short: (...names: string[]) => string,
): Manifest[] {
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
        name: `${name}-${short(namespace, name, 'slice')}`,
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

function portNumber(pod: Manifest | undefined, name: string): number {
  for (const container of listAt(pod, 'spec', 'containers'))
    for (const port of listAt(container, 'ports'))
      if (stringAt(port, 'name') === name) return Number(at(port, 'containerPort'));
  return 0;
}
