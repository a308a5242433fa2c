import type { KindName } from '../../src/model/kinds.js';
import {
  byPlugin,
  CARRIED_OUT,
  ciliumLeavesOpen,
  ciliumVersion,
  type Sign,
  value,
} from '../default-deny/implemented.js';

export type MechanismId =
  | 'cluster-network-policy'
  | 'admin-network-policy'
  | 'cilium'
  | 'calico'
  | 'antrea'
  | 'networkpolicy';

/** One way to keep pods from an address without opening or closing anything else. */
export interface ClusterWide {
  id: Exclude<MechanismId, 'networkpolicy'>;
  /** As people know it, for sentences. */
  title: string;
  kind: KindName;
  /** Below `templates/`. */
  template: string;
  /** What its template may not say otherwise, for then it would open or close more: a path in `spec` and the value. */
  fixed: readonly (readonly [field: string, value: unknown])[];
  /** An object of another kind that has to be there before it. */
  needs?: { kind: KindName; template: string; fixed: readonly (readonly [field: string, value: unknown])[] };
  /** Its selectors name namespaces by their label, which servers set from 1.21 on. */
  byNameLabel: boolean;
  /** `priority` must be one of these that nobody else has: what equal ones do is undefined. */
  ownPriority?: { from: number; to: number };
  /** Where this is seen that what runs here carries it out. */
  implementedBy: Sign;
}

/** From the number of the templates to the last that the API of network-policy-api takes. */
const OWN_PRIORITY = { from: 10, to: 1000 };

/**
 * The most standard first. All of them decide before NetworkPolicies, deny and pass on what they do not deny, so that
 * what is permitted afterwards is what was permitted before, less the metadata ports. Sources: network-policy-api
 * (implementations; tiers), Calico documentation (tiers, `defaultAction: Pass`, 3.29), Cilium documentation (deny
 * policies; `enableDefaultDeny`, 1.16), Antrea documentation (tiers, ClusterNetworkPolicy). A policy of Calico outside of
 * a tier of its own is no way: the tier `default` ends with a deny for the pods that it selects, and an allow beside it
 * would let pass what NetworkPolicies close.
 */
export const CLUSTER_WIDE: readonly ClusterWide[] = [
  {
    id: 'cluster-network-policy',
    title: 'ClusterNetworkPolicy of the Admin tier',
    kind: 'ClusterNetworkPolicy',
    template: 'metadata-blocking/cluster-network-policy.yaml',
    fixed: [['tier', 'Admin']],
    byNameLabel: true,
    ownPriority: OWN_PRIORITY,
    implementedBy: CARRIED_OUT.ClusterNetworkPolicy,
  },
  {
    id: 'admin-network-policy',
    title: 'AdminNetworkPolicy',
    kind: 'AdminNetworkPolicy',
    template: 'metadata-blocking/admin-network-policy.yaml',
    fixed: [],
    byNameLabel: true,
    ownPriority: OWN_PRIORITY,
    implementedBy: CARRIED_OUT.AdminNetworkPolicy,
  },
  {
    id: 'cilium',
    title: 'CiliumClusterwideNetworkPolicy',
    kind: 'CiliumClusterwideNetworkPolicy',
    template: 'metadata-blocking/cilium.yaml',
    fixed: [['enableDefaultDeny', { egress: false, ingress: false }]],
    byNameLabel: false,
    implementedBy: byPlugin({
      cilium: (now) =>
        value(now, 'cilium-config', 'enable-cilium-clusterwide-network-policy') === 'false'
          ? undefined
          : ciliumLeavesOpen(now) === true
            ? ciliumVersion(now)?.evidence
            : undefined,
    }),
  },
  {
    id: 'calico',
    title: "Calico's GlobalNetworkPolicy in a tier that passes on",
    kind: 'CalicoGlobalNetworkPolicy',
    template: 'metadata-blocking/calico.yaml',
    fixed: [['tier', 'kubectl-harden']],
    needs: {
      kind: 'CalicoTier',
      template: 'metadata-blocking/calico-tier.yaml',
      fixed: [
        ['order', 100],
        ['defaultAction', 'Pass'],
      ],
    },
    byNameLabel: true,
    implementedBy: CARRIED_OUT.CalicoGlobalNetworkPolicy,
  },
  {
    id: 'antrea',
    title: "Antrea's ClusterNetworkPolicy",
    kind: 'AntreaClusterNetworkPolicy',
    template: 'metadata-blocking/antrea.yaml',
    fixed: [['tier', 'securityops']],
    byNameLabel: true,
    implementedBy: CARRIED_OUT.AntreaClusterNetworkPolicy,
  },
];
