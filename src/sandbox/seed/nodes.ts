import type { Manifest } from '../../model/manifest.js';

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
