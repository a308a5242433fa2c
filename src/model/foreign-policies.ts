import { groupOf, type Manifest } from './manifest.js';

/** Policies of an API of their own: the API groups, and each kind with the name of its resource. */
export interface ForeignApi {
  title: string;
  groups: readonly string[];
  kinds: Readonly<Record<string, string>>;
}

/** What network plugins have beside the policies of Kubernetes, as their documentation names them. */
export const FOREIGN_APIS: readonly ForeignApi[] = [
  {
    title: 'Calico',
    groups: ['crd.projectcalico.org', 'projectcalico.org'],
    kinds: { NetworkPolicy: 'networkpolicies', GlobalNetworkPolicy: 'globalnetworkpolicies' },
  },
  {
    title: 'Cilium',
    groups: ['cilium.io'],
    kinds: {
      CiliumNetworkPolicy: 'ciliumnetworkpolicies',
      CiliumClusterwideNetworkPolicy: 'ciliumclusterwidenetworkpolicies',
    },
  },
  {
    title: 'Antrea',
    groups: ['crd.antrea.io'],
    kinds: { NetworkPolicy: 'networkpolicies', ClusterNetworkPolicy: 'clusternetworkpolicies' },
  },
  { title: 'OVN-Kubernetes', groups: ['k8s.ovn.org'], kinds: { EgressFirewall: 'egressfirewalls' } },
  {
    title: 'AWS',
    groups: ['networking.k8s.aws'],
    kinds: {
      ApplicationNetworkPolicy: 'applicationnetworkpolicies',
      ClusterNetworkPolicy: 'clusternetworkpolicies',
    },
  },
];

/**
 * Policies that are called so in API groups that are not in the table, and misspelt ones; staged ones of Calico have no
 * effect.
 */
const POLICY_KIND = /^(?!Staged).*network-?polic(y|ies)$/i;

/** Whether an object is a policy of an API of its own, or of an API group of Kubernetes that servers no longer have. */
export function isForeignPolicy({ kind, apiVersion }: Manifest): boolean {
  const group = groupOf(apiVersion);
  return (
    POLICY_KIND.test(kind) ||
    FOREIGN_APIS.some(({ groups, kinds }) => groups.includes(group) && Object.hasOwn(kinds, kind))
  );
}
