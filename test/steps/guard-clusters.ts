import type { KindName } from '../../src/model/kinds.js';
import type { Manifest } from '../../src/model/manifest.js';
import { coreDns, daemonSet } from '../support/objects.js';
import { object } from '../support/snapshot.js';

/** A cluster's part that decides which flavour of guard it can have. */
export interface GuardCluster {
  flavour: string;
  objects: readonly Manifest[];
  served: readonly KindName[];
}

const agent = (name: string, image: string, container = name) =>
  daemonSet('kube-system', name, [{ name: container, image }]);
export const config = (name: string, data: Record<string, string>) =>
  object('v1', 'ConfigMap', 'kube-system', name, { data });
export const calicoNode = (version: string) =>
  agent('calico-node', `registry.example/calico/node:${version}`);
export const ciliumAgent = [
  agent('cilium', 'registry.example/cilium/cilium:v1.17.1'),
  config('cilium-config', { 'enable-policy': 'default' }),
];
export const kyverno = object('apps/v1', 'Deployment', 'kyverno', 'kyverno-background-controller', {
  spec: {
    selector: { matchLabels: { app: 'kyverno' } },
    template: {
      metadata: { labels: { app: 'kyverno' } },
      spec: {
        containers: [{ name: 'controller', image: 'registry.example/kyverno/background-controller:v1.14.1' }],
      },
    },
  },
});

/** One cluster for each flavour. */
export const GUARD_CLUSTERS: readonly GuardCluster[] = [
  {
    flavour: 'cluster-network-policy',
    objects: [calicoNode('v3.32.0')],
    served: ['ClusterNetworkPolicy', 'CalicoTier', 'CalicoGlobalNetworkPolicy'],
  },
  {
    flavour: 'baseline-admin',
    objects: [
      daemonSet('openshift-ovn-kubernetes', 'ovnkube-node', [
        {
          name: 'ovnkube',
          image: 'registry.example/ovn:1',
          env: [{ name: 'OVN_ADMIN_NETWORK_POLICY_ENABLE', value: 'true' }],
        },
      ]),
    ],
    served: ['BaselineAdminNetworkPolicy', 'AdminNetworkPolicy'],
  },
  {
    flavour: 'antrea',
    objects: [agent('antrea-agent', 'registry.example/antrea/antrea-agent:v2.7.0')],
    served: ['AntreaClusterNetworkPolicy'],
  },
  {
    flavour: 'calico',
    objects: [calicoNode('v3.29.1')],
    served: ['CalicoTier', 'CalicoGlobalNetworkPolicy'],
  },
  { flavour: 'cilium', objects: ciliumAgent, served: ['CiliumClusterwideNetworkPolicy'] },
  {
    flavour: 'kyverno',
    objects: [agent('kube-router', 'registry.example/kube-router:v2'), kyverno],
    served: ['KyvernoClusterPolicy'],
  },
];

/** CoreDNS, a cache on the nodes, and name servers: everything that a guard has to leave open for names. */
export const NAMES: readonly Manifest[] = [
  ...coreDns(),
  daemonSet('kube-system', 'node-local-dns', [
    { name: 'node-cache', image: 'registry.example/dns:1', args: ['-localip', '169.254.20.10,10.96.0.10'] },
  ]),
];
