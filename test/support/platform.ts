import type { Manifest } from '../../src/model/manifest.js';

/** What kubeadm and a network plugin would have put there: the tests' real server comes bare. */
export const PLATFORM: Manifest[] = [
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-1' },
    spec: { providerID: 'aws:///eu-central-1a/i-0123456789abcdef0' },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kube-dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
    spec: {
      selector: { 'k8s-app': 'kube-dns' },
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
      ],
    },
  },
  workload('Deployment', 'coredns', { 'k8s-app': 'kube-dns' }),
  workload('DaemonSet', 'calico-node', { 'k8s-app': 'calico-node' }),
];

function workload(kind: string, name: string, labels: Record<string, string>): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'kube-system', labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          priorityClassName: 'system-node-critical',
          containers: [{ name, image: `example.test/${name}:1` }],
        },
      },
    },
  };
}
