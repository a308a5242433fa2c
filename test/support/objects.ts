import type { Manifest } from '../../src/model/manifest.js';
import { object } from './snapshot.js';

type Labels = Readonly<Record<string, string>>;

/** A running pod with these labels. */
export function pod(
  namespace: string,
  name: string,
  labels: Labels = {},
  spec: Record<string, unknown> = {},
): Manifest {
  return object('v1', 'Pod', namespace, name, {
    metadata: { labels },
    spec: { containers: [{ name: 'main', image: 'registry.example/app:1' }], ...spec },
    status: { phase: 'Running' },
  });
}

/** A NetworkPolicy with this spec. */
export function networkPolicy(
  namespace: string,
  name: string,
  spec: Record<string, unknown>,
  metadata: Record<string, unknown> = {},
): Manifest {
  return object('networking.k8s.io/v1', 'NetworkPolicy', namespace, name, { metadata, spec });
}

/** A Service with this spec. */
export function service(
  namespace: string,
  name: string,
  spec: Record<string, unknown>,
  labels: Labels = {},
): Manifest {
  return object('v1', 'Service', namespace, name, { metadata: { labels }, spec });
}

/** A DaemonSet whose pods run these containers. */
export function daemonSet(
  namespace: string,
  name: string,
  containers: readonly Record<string, unknown>[] = [{ name: 'agent', image: 'registry.example/agent:1' }],
  status?: Record<string, unknown>,
): Manifest {
  return object('apps/v1', 'DaemonSet', namespace, name, {
    spec: { template: { metadata: { labels: { 'k8s-app': name } }, spec: { containers } } },
    ...(status === undefined ? {} : { status }),
  });
}

export interface NodeSigns {
  providerID?: string;
  labels?: Labels;
  annotations?: Labels;
  kubeletVersion?: string;
  osImage?: string;
}

/** A node with the signs by which providers and distributions are told. */
export function node(name: string, signs: NodeSigns = {}): Manifest {
  return object('v1', 'Node', undefined, name, {
    metadata: { labels: signs.labels ?? {}, annotations: signs.annotations ?? {} },
    spec: signs.providerID === undefined ? {} : { providerID: signs.providerID },
    status: {
      nodeInfo: { kubeletVersion: signs.kubeletVersion ?? 'v1.31.4', osImage: signs.osImage ?? 'Debian' },
    },
  });
}

/** CoreDNS as kubeadm installs it: Service kube-dns, two pods, ports by number. */
export function coreDns(): readonly Manifest[] {
  const labels = { 'k8s-app': 'kube-dns' };
  return [
    service(
      'kube-system',
      'kube-dns',
      {
        clusterIP: '10.96.0.10',
        selector: labels,
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
          { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
          { name: 'metrics', port: 9153, protocol: 'TCP', targetPort: 9153 },
        ],
      },
      labels,
    ),
    pod('kube-system', 'coredns-1', labels),
    pod('kube-system', 'coredns-2', labels),
  ];
}

/** Cilium as its chart installs it: the agent with the version in its image, and its configuration. */
export function cilium(
  version = 'v1.18.2',
  config: Readonly<Record<string, string>> = {},
): readonly Manifest[] {
  const image = `quay.io/cilium/cilium${version === '' ? '' : `:${version}`}@sha256:abc`;
  return [
    daemonSet('kube-system', 'cilium', [{ name: 'cilium-agent', image }]),
    object('v1', 'ConfigMap', 'kube-system', 'cilium-config', {
      data: { 'enable-policy': 'default', ...config },
    }),
  ];
}

/** Service default/kubernetes with API servers at these addresses, port 6443. */
export function apiServersAt(...addresses: readonly string[]): readonly Manifest[] {
  return [
    service('default', 'kubernetes', {
      clusterIP: '10.96.0.1',
      ports: [{ name: 'https', port: 443, targetPort: 6443 }],
    }),
    object('v1', 'Endpoints', 'default', 'kubernetes', {
      subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port: 6443 }] }],
    }),
  ];
}

/** A node with this internal address. */
export function nodeAt(name: string, address: string): Manifest {
  return object('v1', 'Node', undefined, name, {
    status: { addresses: [{ type: 'InternalIP', address }], nodeInfo: { kubeletVersion: 'v1.31.4' } },
  });
}
