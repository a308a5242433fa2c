import type { Manifest } from '../../model/manifest.js';
import { accountTokens, type Part } from './build.js';
import { NODES } from './nodes.js';

/** What runs in kube-system besides the static pods: DNS, kube-proxy, Calico (which enforces policies), metrics. */
export const controlPlane: Part = {
  workloads: [
    {
      namespace: 'kube-system',
      name: 'coredns',
      replicas: 2,
      labels: { 'k8s-app': 'kube-dns' },
      podLabels: { 'k8s-app': 'kube-dns' },
      serviceAccount: 'coredns',
      priorityClass: 'system-cluster-critical',
      containers: [
        {
          image: 'registry.k8s.io/coredns/coredns:v1.11.3',
          args: ['-conf', '/etc/coredns/Corefile'],
          ports: { dns: 53, 'dns-tcp': 53, metrics: 9153 },
          requests: { cpu: '100m', memory: '70Mi' },
          limits: { memory: '170Mi' },
        },
      ],
    },
    {
      kind: 'DaemonSet',
      namespace: 'kube-system',
      name: 'kube-proxy',
      podLabels: { 'k8s-app': 'kube-proxy' },
      serviceAccount: 'kube-proxy',
      hostNetwork: true,
      priorityClass: 'system-node-critical',
      containers: [{ image: 'registry.k8s.io/kube-proxy:v1.31.4' }],
    },
    {
      kind: 'DaemonSet',
      namespace: 'kube-system',
      name: 'calico-node',
      labels: { 'k8s-app': 'calico-node' },
      podLabels: { 'k8s-app': 'calico-node' },
      serviceAccount: 'calico-node',
      hostNetwork: true,
      priorityClass: 'system-node-critical',
      containers: [
        {
          image: 'docker.io/calico/node:v3.29.1',
          env: { DATASTORE_TYPE: 'kubernetes', CALICO_IPV4POOL_CIDR: '10.244.0.0/16' },
          requests: { cpu: '250m' },
        },
      ],
    },
    {
      namespace: 'kube-system',
      name: 'calico-kube-controllers',
      podLabels: { 'k8s-app': 'calico-kube-controllers' },
      serviceAccount: 'calico-kube-controllers',
      priorityClass: 'system-cluster-critical',
      containers: [{ image: 'docker.io/calico/kube-controllers:v3.29.1' }],
    },
    {
      namespace: 'kube-system',
      name: 'metrics-server',
      podLabels: { 'k8s-app': 'metrics-server' },
      serviceAccount: 'metrics-server',
      priorityClass: 'system-cluster-critical',
      containers: [
        {
          image: 'registry.k8s.io/metrics-server/metrics-server:v0.7.2',
          args: ['--secure-port=10250', '--kubelet-preferred-address-types=InternalIP'],
          ports: { https: 10250 },
          requests: { cpu: '100m', memory: '200Mi' },
        },
      ],
    },
  ],
  services: [
    {
      namespace: 'kube-system',
      name: 'kube-dns',
      selector: { 'k8s-app': 'kube-dns' },
      labels: {
        'k8s-app': 'kube-dns',
        'kubernetes.io/cluster-service': 'true',
        'kubernetes.io/name': 'CoreDNS',
      },
      clusterIP: '10.96.0.10',
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53 },
        { name: 'metrics', port: 9153 },
      ],
    },
    {
      namespace: 'kube-system',
      name: 'metrics-server',
      selector: { 'k8s-app': 'metrics-server' },
      ports: [{ name: 'https', port: 443, targetPort: 'https' }],
    },
  ],
  secrets: accountTokens('kube-system', 'coredns', 'calico-node', 'metrics-server', 'cluster-autoscaler'),
  objects: [
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1beta1.metrics.k8s.io' },
      spec: {
        group: 'metrics.k8s.io',
        version: 'v1beta1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
        service: { name: 'metrics-server', namespace: 'kube-system', port: 443 },
      },
      status: { conditions: [{ type: 'Available', status: 'True', reason: 'Passed' }] },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
      data: {
        ClusterConfiguration:
          'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.31.4\nnetworking:\n  podSubnet: 10.244.0.0/16\n  serviceSubnet: 10.96.0.0/12\n',
      },
    },
    {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'networkpolicies.crd.projectcalico.org' },
      spec: {
        group: 'crd.projectcalico.org',
        scope: 'Namespaced',
        names: {
          kind: 'NetworkPolicy',
          plural: 'networkpolicies',
          singular: 'networkpolicy',
          listKind: 'NetworkPolicyList',
        },
        versions: [
          { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
        ],
      },
    },
    ...NODES.map(
      ({ name }): Manifest => ({
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace: 'kube-node-lease' },
        spec: { holderIdentity: name, leaseDurationSeconds: 40 },
      }),
    ),
  ],
};
