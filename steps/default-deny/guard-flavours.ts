import { containersOf } from '../../src/model/agents.js';
import type { KindName } from '../../src/model/kinds.js';
import { at, listAt, type Manifest, refOf, refText } from '../../src/model/manifest.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { agentText, byPlugin, CARRIED_OUT, value } from './implemented.js';

export type FlavourId =
  | 'cluster-network-policy'
  | 'baseline-admin'
  | 'antrea'
  | 'calico'
  | 'cilium'
  | 'kyverno';

/** One way to close namespaces that are not there yet. */
export interface Flavour {
  id: FlavourId;
  /** As people know it, for sentences. */
  title: string;
  kind: KindName;
  /** Below `templates/`. */
  template: string;
  /** An object of another kind that has to be there before it. */
  needs?: { kind: KindName; template: string };
  /**
   * What it allows adds to what NetworkPolicies allow, so that it must not select what they close already. The others
   * decide only about pods that no NetworkPolicy selects.
   */
  additive: boolean;
  /** Whether the engine computes its effect. */
  computed: boolean;
  /** It writes NetworkPolicies into new namespaces: whether it has is seen by those. */
  generates?: true;
  /** Names that are given: where somebody else's object has one, there is no room for ours. */
  fixedNames?: readonly (readonly [KindName, string])[];
  /** Where this is seen that what runs here carries it out; undefined where it does not, or that cannot be seen. */
  implementedBy(now: Snapshot): string | undefined;
}

/** The most standard first. Source of Kyverno's row: its chart. */
export const FLAVOURS: readonly Flavour[] = [
  {
    id: 'cluster-network-policy',
    title: 'ClusterNetworkPolicy of the Baseline tier',
    kind: 'ClusterNetworkPolicy',
    template: 'default-deny/guard-cluster-network-policy.yaml',
    additive: false,
    computed: true,
    implementedBy: CARRIED_OUT.ClusterNetworkPolicy,
  },
  {
    id: 'baseline-admin',
    title: 'BaselineAdminNetworkPolicy',
    kind: 'BaselineAdminNetworkPolicy',
    template: 'default-deny/guard-baseline-admin.yaml',
    additive: false,
    computed: true,
    fixedNames: [['BaselineAdminNetworkPolicy', 'default']],
    implementedBy: CARRIED_OUT.BaselineAdminNetworkPolicy,
  },
  {
    id: 'antrea',
    title: "Antrea's ClusterNetworkPolicy of the tier baseline",
    kind: 'AntreaClusterNetworkPolicy',
    template: 'default-deny/guard-antrea.yaml',
    additive: false,
    computed: false,
    implementedBy: CARRIED_OUT.AntreaClusterNetworkPolicy,
  },
  {
    id: 'calico',
    title: "Calico's GlobalNetworkPolicy in a tier after NetworkPolicies",
    kind: 'CalicoGlobalNetworkPolicy',
    template: 'default-deny/guard-calico.yaml',
    needs: { kind: 'CalicoTier', template: 'default-deny/guard-calico-tier.yaml' },
    additive: false,
    computed: false,
    fixedNames: [
      ['CalicoTier', 'kubectl-harden-baseline'],
      ['CalicoGlobalNetworkPolicy', 'kubectl-harden-baseline.new-namespaces'],
    ],
    implementedBy: CARRIED_OUT.CalicoGlobalNetworkPolicy,
  },
  {
    id: 'cilium',
    title: 'CiliumClusterwideNetworkPolicy',
    kind: 'CiliumClusterwideNetworkPolicy',
    template: 'default-deny/guard-cilium.yaml',
    additive: true,
    computed: false,
    implementedBy: byPlugin({
      cilium: (now) =>
        value(now, 'cilium-config', 'enable-cilium-clusterwide-network-policy') === 'false'
          ? undefined
          : agentText(now, 'cilium'),
    }),
  },
  {
    id: 'kyverno',
    title: "Kyverno's ClusterPolicy that generates a NetworkPolicy",
    kind: 'KyvernoClusterPolicy',
    template: 'default-deny/guard-kyverno.yaml',
    additive: true,
    computed: false,
    generates: true,
    implementedBy: kyverno,
  },
];

/** Kyverno's controller that generates objects; policies for it have an effect only where the plugin enforces them. */
function kyverno(now: Snapshot): string | undefined {
  const found = objects(now, 'Deployment').find((deployment) =>
    containersOf(at(deployment, 'spec', 'template', 'spec')).some(({ image }) =>
      /kyverno\/background-controller(:|@|$)/.test(image),
    ),
  );
  return found === undefined || isDown(found) ? undefined : refText(refOf(found));
}

function isDown(deployment: Manifest): boolean {
  return listAt(deployment, 'status', 'conditions').some(
    (condition) => at(condition, 'type') === 'Available' && at(condition, 'status') === 'False',
  );
}
