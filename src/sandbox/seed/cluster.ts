import type { Manifest } from '../../model/manifest.js';
import { accountTokens, type Part } from './build.js';

/** Three machines of one cloud: one control-plane node, two workers. */
export const NODES = [
  {
    name: 'ip-10-0-1-10.eu-central-1.compute.internal',
    ip: '10.0.1.10',
    zone: 'eu-central-1a',
    id: 'i-0a1b2c3d4e5f60718',
  },
  {
    name: 'ip-10-0-2-21.eu-central-1.compute.internal',
    ip: '10.0.2.21',
    zone: 'eu-central-1b',
    id: 'i-0b2c3d4e5f6071829',
  },
  {
    name: 'ip-10-0-3-32.eu-central-1.compute.internal',
    ip: '10.0.3.32',
    zone: 'eu-central-1c',
    id: 'i-0c3d4e5f607182930',
  },
] as const;

const CONTROL_PLANE = NODES[0];

export function nodeObjects(): Manifest[] {
  return NODES.map(({ name, ip, zone, id }, index) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'topology.kubernetes.io/region': 'eu-central-1',
        'topology.kubernetes.io/zone': zone,
        'node.kubernetes.io/instance-type': 'm6i.xlarge',
        ...(index === 0 ? { 'node-role.kubernetes.io/control-plane': '' } : {}),
      },
    },
    spec: {
      podCIDR: `10.244.${index}.0/24`,
      podCIDRs: [`10.244.${index}.0/24`],
      providerID: `aws:///${zone}/${id}`,
    },
    status: {
      addresses: [
        { type: 'InternalIP', address: ip },
        { type: 'Hostname', address: name },
      ],
      capacity: { cpu: '4', memory: '16Gi', pods: '110' },
      allocatable: { cpu: '3920m', memory: '15Gi', pods: '110' },
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
      nodeInfo: {
        kubeletVersion: 'v1.31.4',
        kubeProxyVersion: 'v1.31.4',
        containerRuntimeVersion: 'containerd://1.7.24',
        osImage: 'Ubuntu 24.04.1 LTS',
        operatingSystem: 'linux',
        architecture: 'amd64',
        kernelVersion: '6.8.0-1021-aws',
      },
    },
  }));
}

const PKI = { name: 'k8s-certs', hostPath: { path: '/etc/kubernetes/pki', type: 'DirectoryOrCreate' } };

/** The control plane as kubeadm sets it up; the API server first. It has no encryption configuration. */
export function staticPods(): Manifest[] {
  return [
    staticPod('kube-apiserver', 'registry.k8s.io/kube-apiserver:v1.31.4', '250m', [
      'kube-apiserver',
      `--advertise-address=${CONTROL_PLANE.ip}`,
      '--allow-privileged=true',
      '--authorization-mode=Node,RBAC',
      '--client-ca-file=/etc/kubernetes/pki/ca.crt',
      '--enable-admission-plugins=NodeRestriction',
      '--enable-bootstrap-token-auth=true',
      '--etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt',
      '--etcd-certfile=/etc/kubernetes/pki/apiserver-etcd-client.crt',
      '--etcd-keyfile=/etc/kubernetes/pki/apiserver-etcd-client.key',
      '--etcd-servers=https://127.0.0.1:2379',
      '--secure-port=6443',
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      '--service-account-key-file=/etc/kubernetes/pki/sa.pub',
      '--service-account-signing-key-file=/etc/kubernetes/pki/sa.key',
      '--service-cluster-ip-range=10.96.0.0/12',
      '--tls-cert-file=/etc/kubernetes/pki/apiserver.crt',
      '--tls-private-key-file=/etc/kubernetes/pki/apiserver.key',
    ]),
    staticPod('etcd', 'registry.k8s.io/etcd:3.5.15-0', '100m', [
      'etcd',
      `--advertise-client-urls=https://${CONTROL_PLANE.ip}:2379`,
      '--cert-file=/etc/kubernetes/pki/etcd/server.crt',
      '--client-cert-auth=true',
      '--data-dir=/var/lib/etcd',
      '--key-file=/etc/kubernetes/pki/etcd/server.key',
      `--listen-client-urls=https://127.0.0.1:2379,https://${CONTROL_PLANE.ip}:2379`,
      '--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt',
    ]),
    staticPod('kube-controller-manager', 'registry.k8s.io/kube-controller-manager:v1.31.4', '200m', [
      'kube-controller-manager',
      '--allocate-node-cidrs=true',
      '--bind-address=127.0.0.1',
      '--cluster-cidr=10.244.0.0/16',
      '--controllers=*,bootstrapsigner,tokencleaner',
      '--use-service-account-credentials=true',
    ]),
    staticPod('kube-scheduler', 'registry.k8s.io/kube-scheduler:v1.31.4', '100m', [
      'kube-scheduler',
      '--bind-address=127.0.0.1',
      '--kubeconfig=/etc/kubernetes/scheduler.conf',
      '--leader-elect=true',
    ]),
  ];
}

function staticPod(component: string, image: string, cpu: string, command: readonly string[]): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${component}-${CONTROL_PLANE.name}`,
      namespace: 'kube-system',
      labels: { component, tier: 'control-plane' },
      annotations: { 'kubernetes.io/config.source': 'file', 'kubernetes.io/config.mirror': 'true' },
    },
    spec: {
      nodeName: CONTROL_PLANE.name,
      hostNetwork: true,
      priorityClassName: 'system-node-critical',
      containers: [
        {
          name: component,
          image,
          command: [...command],
          resources: { requests: { cpu } },
          volumeMounts: [{ name: 'k8s-certs', mountPath: '/etc/kubernetes/pki', readOnly: true }],
        },
      ],
      volumes: [PKI],
    },
    status: {
      phase: 'Running',
      hostIP: CONTROL_PLANE.ip,
      podIP: CONTROL_PLANE.ip,
      podIPs: [{ ip: CONTROL_PLANE.ip }],
    },
  };
}

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
