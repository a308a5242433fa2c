import { agents, containersOf } from '../../src/model/agents.js';
import type { KindName } from '../../src/model/kinds.js';
import { at, listAt, type Manifest, refOf, refText, stringAt, stringsAt } from '../../src/model/manifest.js';
import { networkPlugin } from '../../src/model/plugins.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';

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

/**
 * The most standard first. Sources: implementations page of network-policy-api, release notes of Calico 3.29, 3.30 and
 * 3.32, feature gates of Antrea, configuration of Cilium and OVN-Kubernetes, charts of kube-network-policies and Kyverno.
 */
export const FLAVOURS: readonly Flavour[] = [
  {
    id: 'cluster-network-policy',
    title: 'ClusterNetworkPolicy of the Baseline tier',
    kind: 'ClusterNetworkPolicy',
    template: 'default-deny/guard-cluster-network-policy.yaml',
    additive: false,
    computed: true,
    implementedBy: byPlugin({
      calico: (now) => calicoFrom(now, 32),
      canal: (now) => calicoFrom(now, 32),
      antrea: (now) => antreaGate(now, 'ClusterNetworkPolicy', false),
      cilium: (now) => setting(now, 'cilium-config', 'enable-k8s-cluster-network-policy'),
      'kube-network-policies': (now) => imageWith(now, 'npa-v1alpha2'),
    }),
  },
  {
    id: 'baseline-admin',
    title: 'BaselineAdminNetworkPolicy',
    kind: 'BaselineAdminNetworkPolicy',
    template: 'default-deny/guard-baseline-admin.yaml',
    additive: false,
    computed: true,
    fixedNames: [['BaselineAdminNetworkPolicy', 'default']],
    implementedBy: byPlugin({
      calico: (now) => calicoFrom(now, 30, 31),
      canal: (now) => calicoFrom(now, 30, 31),
      antrea: (now) => antreaGate(now, 'AdminNetworkPolicy', false),
      'ovn-kubernetes': ovnAdmin,
      'kube-network-policies': (now) => imageWith(now, 'npa-v1alpha1'),
    }),
  },
  {
    id: 'antrea',
    title: "Antrea's ClusterNetworkPolicy of the tier baseline",
    kind: 'AntreaClusterNetworkPolicy',
    template: 'default-deny/guard-antrea.yaml',
    additive: false,
    computed: false,
    implementedBy: byPlugin({ antrea: (now) => antreaGate(now, 'AntreaPolicy', true) }),
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
    implementedBy: byPlugin({ calico: (now) => calicoFrom(now, 29), canal: (now) => calicoFrom(now, 29) }),
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

type Sign = (now: Snapshot) => string | undefined;

/** A sign that differs by the plugin that runs. */
function byPlugin(signs: Readonly<Record<string, Sign>>): Sign {
  return (now) => {
    const { id } = networkPlugin(now);
    return Object.hasOwn(signs, id) ? signs[id]?.(now) : undefined;
  };
}

const CALICO = ['calico-node', 'canal', 'rke2-canal'];

/** A 3.x of Calico's node agent between two minor versions, as the tag of its image says. */
function calicoFrom(now: Snapshot, first: number, last = Number.POSITIVE_INFINITY): string | undefined {
  for (const agent of agents(now).filter(({ name }) => CALICO.includes(name)))
    for (const { image } of agent.containers) {
      const [, major, minor] = /(?:calico\/node|calico-node):v?(\d+)\.(\d+)/.exec(image) ?? [];
      if (major === '3' && Number(minor) >= first && Number(minor) <= last)
        return `${refText(agent.ref)}: image ${image}`;
    }
  return undefined;
}

/** A feature gate of Antrea as its configuration has it; `byDefault` where it says nothing. */
function antreaGate(now: Snapshot, gate: string, byDefault: boolean): string | undefined {
  const text = ['antrea-controller.conf', 'antrea-agent.conf'].map((key) => value(now, 'antrea-config', key));
  const set = text
    .map((conf) => new RegExp(`^\\s+${gate}:\\s*(true|false)\\b`, 'm').exec(conf ?? '')?.[1])
    .find((found) => found !== undefined);
  if (set === undefined) return byDefault ? agentText(now, 'antrea-agent') : undefined;
  return set === 'true' ? `ConfigMap kube-system/antrea-config: ${gate}: true` : undefined;
}

function imageWith(now: Snapshot, suffix: string): string | undefined {
  const agent = agents(now).find(({ name }) => name === 'kube-network-policies');
  const image = agent?.containers.find(({ image }) => image.includes(suffix))?.image;
  return agent === undefined || image === undefined ? undefined : `${refText(agent.ref)}: image ${image}`;
}

/** OVN-Kubernetes: a variable of its DaemonSet, or what OpenShift's operator writes into a ConfigMap. */
function ovnAdmin(now: Snapshot): string | undefined {
  for (const set of objects(now, 'DaemonSet').filter(({ metadata }) => metadata.name === 'ovnkube-node'))
    for (const container of listAt(set, 'spec', 'template', 'spec', 'containers'))
      for (const entry of listAt(container, 'env'))
        if (
          at(entry, 'name') === 'OVN_ADMIN_NETWORK_POLICY_ENABLE' &&
          stringAt(entry, 'value')?.toLowerCase() === 'true'
        )
          return `${refText(refOf(set))}: OVN_ADMIN_NETWORK_POLICY_ENABLE=true`;
  const config = objects(now, 'ConfigMap').find(
    (one) =>
      one.metadata.name === 'ovnkube-config' &&
      Object.values(stringsAt(one, 'data')).some((text) =>
        /^\s*enable-admin-network-policy\s*=\s*true/m.test(text),
      ),
  );
  return config === undefined ? undefined : `${refText(refOf(config))}: enable-admin-network-policy=true`;
}

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

function agentText(now: Snapshot, name: string): string | undefined {
  const agent = agents(now).find((one) => one.name === name);
  return agent === undefined ? undefined : refText(agent.ref);
}

function setting(now: Snapshot, config: string, key: string): string | undefined {
  return value(now, config, key) === 'true' ? `ConfigMap kube-system/${config}: ${key}: true` : undefined;
}

function value(now: Snapshot, config: string, key: string): string | undefined {
  const found = objects(now, 'ConfigMap').find(
    ({ metadata }) => metadata.name === config && metadata.namespace === 'kube-system',
  );
  return found === undefined ? undefined : stringsAt(found, 'data')[key];
}
