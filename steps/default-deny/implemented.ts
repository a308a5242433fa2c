import { agents } from '../../src/model/agents.js';
import type { KindName } from '../../src/model/kinds.js';
import { at, listAt, refOf, refText, stringAt, stringsAt } from '../../src/model/manifest.js';
import { networkPlugin } from '../../src/model/plugins.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';

/** Where it is seen that something is carried out here; undefined where it is not, or that cannot be seen. */
export type Sign = (now: Snapshot) => string | undefined;

/** A sign that differs by the plugin that runs. */
export function byPlugin(signs: Readonly<Record<string, Sign>>): Sign {
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

export function agentText(now: Snapshot, name: string): string | undefined {
  const agent = agents(now).find((one) => one.name === name);
  return agent === undefined ? undefined : refText(agent.ref);
}

function setting(now: Snapshot, config: string, key: string): string | undefined {
  return value(now, config, key) === 'true' ? `ConfigMap kube-system/${config}: ${key}: true` : undefined;
}

export function value(now: Snapshot, config: string, key: string): string | undefined {
  const found = objects(now, 'ConfigMap').find(
    ({ metadata }) => metadata.name === config && metadata.namespace === 'kube-system',
  );
  return found === undefined ? undefined : stringsAt(found, 'data')[key];
}

/** Major and minor version of Cilium, as the tag of its agent's image says; undefined where it does not. */
export function ciliumVersion(now: Snapshot): { major: number; minor: number; evidence: string } | undefined {
  const agent = agents(now).find(({ name }) => name === 'cilium');
  const image = agent?.containers.find(({ name }) => name === 'cilium-agent')?.image;
  const [, major, minor] = /:v?(\d+)\.(\d+)[^/]*$/.exec(image?.split('@')[0] ?? '') ?? [];
  if (agent === undefined || major === undefined) return undefined;
  return { major: Number(major), minor: Number(minor), evidence: `${refText(agent.ref)}: image ${image}` };
}

/** Cilium 1.16: `enableDefaultDeny`. Before it a policy of Cilium isolates the pods that it selects. */
export function ciliumLeavesOpen(now: Snapshot): boolean | undefined {
  const version = ciliumVersion(now);
  return version && (version.major > 1 || (version.major === 1 && version.minor >= 16));
}

/**
 * Where a kind of policy for the whole cluster is carried out, by plugin; one place for every step that writes such. Sources:
 * implementations page of network-policy-api, release notes of Calico 3.29, 3.30 and 3.32, feature gates of Antrea,
 * configuration of Cilium and OVN-Kubernetes, charts of kube-network-policies.
 */
export const CARRIED_OUT = {
  ClusterNetworkPolicy: byPlugin({
    ...calico(32),
    antrea: (now) => antreaGate(now, 'ClusterNetworkPolicy', false),
    cilium: (now) => setting(now, 'cilium-config', 'enable-k8s-cluster-network-policy'),
    'kube-network-policies': (now) => imageWith(now, 'npa-v1alpha2'),
  }),
  AdminNetworkPolicy: byPlugin({ ...calico(29, 31), ...adminElsewhere() }),
  BaselineAdminNetworkPolicy: byPlugin({ ...calico(30, 31), ...adminElsewhere() }),
  CalicoGlobalNetworkPolicy: byPlugin(calico(29)),
  AntreaClusterNetworkPolicy: byPlugin({ antrea: (now) => antreaGate(now, 'AntreaPolicy', true) }),
} as const satisfies Partial<Record<KindName, Sign>>;

function calico(first: number, last?: number): Readonly<Record<string, Sign>> {
  const sign: Sign = (now) => calicoFrom(now, first, last);
  return { calico: sign, canal: sign };
}

/** Both kinds of v1alpha1 came together everywhere but in Calico. */
function adminElsewhere(): Readonly<Record<string, Sign>> {
  return {
    antrea: (now) => antreaGate(now, 'AdminNetworkPolicy', false),
    'ovn-kubernetes': ovnAdmin,
    'kube-network-policies': (now) => imageWith(now, 'npa-v1alpha1'),
  };
}
