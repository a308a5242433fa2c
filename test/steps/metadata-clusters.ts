import type { KindName } from '../../src/model/kinds.js';
import type { Manifest } from '../../src/model/manifest.js';
import { cilium, daemonSet } from '../support/objects.js';
import { calicoNode, config } from './guard-clusters.js';

/** A cluster's part that decides by what pods can be kept from the metadata address. */
export interface MetadataCluster {
  mechanism: string;
  objects: readonly Manifest[];
  served: readonly KindName[];
}

const OVN = daemonSet('openshift-ovn-kubernetes', 'ovnkube-node', [
  {
    name: 'ovnkube',
    image: 'registry.example/ovn:1',
    env: [{ name: 'OVN_ADMIN_NETWORK_POLICY_ENABLE', value: 'true' }],
  },
]);
const ANTREA = daemonSet('kube-system', 'antrea-agent', [
  { name: 'antrea-agent', image: 'registry.example/antrea/antrea-agent:v2.7.0' },
]);

/** One cluster for each mechanism. */
export const METADATA_CLUSTERS: readonly MetadataCluster[] = [
  {
    mechanism: 'cluster-network-policy',
    objects: [calicoNode('v3.32.0')],
    served: ['ClusterNetworkPolicy', 'CalicoTier', 'CalicoGlobalNetworkPolicy'],
  },
  { mechanism: 'admin-network-policy', objects: [OVN], served: ['AdminNetworkPolicy'] },
  { mechanism: 'cilium', objects: cilium('v1.17.1'), served: ['CiliumClusterwideNetworkPolicy'] },
  {
    mechanism: 'calico',
    objects: [calicoNode('v3.29.1')],
    served: ['CalicoTier', 'CalicoGlobalNetworkPolicy'],
  },
  { mechanism: 'antrea', objects: [ANTREA], served: ['AntreaClusterNetworkPolicy'] },
  { mechanism: 'networkpolicy', objects: [calicoNode('v3.28.0')], served: [] },
];

/** Served, and not carried out: what runs is too old for it, or has it off. */
export const NOT_CARRIED_OUT: readonly (readonly [string, MetadataCluster])[] = [
  [
    'Calico 3.28 with the APIs of later ones',
    {
      mechanism: 'networkpolicy',
      objects: [calicoNode('v3.28.2')],
      served: ['ClusterNetworkPolicy', 'AdminNetworkPolicy', 'CalicoTier', 'CalicoGlobalNetworkPolicy'],
    },
  ],
  [
    'Cilium without the option for ClusterNetworkPolicy',
    {
      mechanism: 'cilium',
      objects: cilium('v1.20.0'),
      served: ['ClusterNetworkPolicy', 'CiliumClusterwideNetworkPolicy'],
    },
  ],
  [
    'Cilium 1.15, whose deny would close everything else',
    { mechanism: 'nothing', objects: cilium('v1.15.9'), served: ['CiliumClusterwideNetworkPolicy'] },
  ],
  [
    'Antrea with its own policies off',
    {
      mechanism: 'networkpolicy',
      objects: [
        ANTREA,
        config('antrea-config', { 'antrea-agent.conf': 'featureGates:\n  AntreaPolicy: false' }),
      ],
      served: ['AntreaClusterNetworkPolicy'],
    },
  ],
  [
    'OVN-Kubernetes without the option',
    {
      mechanism: 'networkpolicy',
      objects: [daemonSet('openshift-ovn-kubernetes', 'ovnkube-node')],
      served: ['AdminNetworkPolicy'],
    },
  ],
];
