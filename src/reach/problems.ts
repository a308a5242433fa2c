import { type Manifest, refOf, refText } from '../model/manifest.js';
import type { Family } from './address.js';
import type { Problem } from './inventory.js';
import type { ReachOptions } from './options.js';
import { addressesOf } from './peers.js';
import type { Peer, PodPeer, Policy, Rule } from './policy.js';
import type { Reach } from './reach.js';
import { isLabelValue, type Selector } from './selector.js';
import { unknownFields } from './unknown-fields.js';

/** Rules that name domains: what their names resolve to is not known here. */
export function unknownDomains(policies: readonly Policy[], { domains }: ReachOptions): readonly Problem[] {
  return policies.flatMap((policy) =>
    (policy.egress ?? []).flatMap(({ place, action, peers }) =>
      (peers === 'any' ? [] : peers).flatMap((peer) => {
        if (peer.kind !== 'domain' || addressesOf(peer.name, domains).length > 0) return [];
        const message = `${place} (${action}) names the domain ${peer.name}, whose addresses are not known here: it counts as matching none`;
        return [{ object: policy.ref, message, effect: 'note' as const }];
      }),
    ),
  );
}

/** Policies of the Baseline tier of v1alpha1 under another name than the one that its schema takes. */
export function misnamedBaselines(policies: readonly Policy[]): readonly Problem[] {
  return policies
    .filter(({ ref }) => ref.kind === 'BaselineAdminNetworkPolicy' && ref.name !== 'default')
    .map(({ ref }) => ({
      object: ref,
      message: 'counts as in force, but a server takes no other name than "default"',
      effect: 'broken',
    }));
}

/** Cluster-wide policies of a tier with one priority: which of them goes first is not defined. */
export function equalPriorities(policies: readonly Policy[]): readonly Problem[] {
  const ranked = policies.filter(({ ref }) => RANKED.includes(ref.kind));
  const groups = Map.groupBy(ranked, ({ ref, tier, priority }) => `${ref.kind} ${tier} ${priority}`);
  return [...groups.values()].flatMap((group) => {
    const names = group.map(({ ref }) => ref.name).sort();
    const [first, ...others] = group.sort((a, b) => (a.ref.name < b.ref.name ? -1 : 1));
    if (first === undefined || others.length === 0) return [];
    const message = `has priority ${first.priority} like others of its tier (${names.join(', ')}): which goes first is left to the plugin; here it is the order of names`;
    return [{ object: first.ref, message, effect: 'note' as const }];
  });
}

const RANKED: readonly string[] = ['AdminNetworkPolicy', 'ClusterNetworkPolicy'];

/** Fields that a policy of its kind cannot have. */
export function misspelt(manifest: Manifest): readonly Problem[] {
  return unknownFields(manifest).map((field) => ({
    object: refOf(manifest),
    message: `${field} is no field of ${manifest.kind === 'AdminNetworkPolicy' ? 'an' : 'a'} ${manifest.kind}: kubectl refuses it, and a server passes over it, as is done here`,
    effect: 'broken' as const,
  }));
}

/** Selectors that ask for what no label can be: older servers took them, and they select nothing. */
export function impossibleValues(policies: readonly Policy[]): readonly Problem[] {
  return policies.flatMap((policy) => {
    const peers = [policy.subject, ...[...(policy.ingress ?? []), ...(policy.egress ?? [])].flatMap(peersOf)];
    const values = peers
      .flatMap(selectorsOf)
      .flatMap(({ requirements }) => requirements.flatMap((requirement) => requirement.values));
    return [...new Set(values)]
      .filter((value) => !isLabelValue(value))
      .map((value) => ({
        object: policy.ref,
        message: `a selector asks for the value "${value}", which no label can have; newer servers refuse that`,
        effect: 'note' as const,
      }));
  });
}

function peersOf({ peers }: Rule): readonly Peer[] {
  return peers === 'any' ? [] : peers;
}

function selectorsOf(peer: Peer): readonly Selector[] {
  if (peer.kind === 'nodes') return [peer.nodes];
  if (peer.kind !== 'pods') return [];
  return typeof peer.namespace === 'string' ? [peer.pods] : [peer.namespace, peer.pods];
}

/**
 * Rules of ranges of which it cannot be told whether they hold the addresses of pods that have none: it depends on
 * addresses that are still to be given or, for the ipBlock of a NetworkPolicy, on the plugin.
 */
export function undecidedRanges(reach: Reach, policies: readonly Policy[]): readonly Problem[] {
  const { peers, options } = reach.engine;
  const without = withoutAddress(reach);
  if (without.size === 0) return [];
  const families = [...without.keys()];
  const listOf = remembered((key: string) =>
    listed([
      ...new Set(families.flatMap((one) => (key.includes(`${one}`) ? [...(without.get(one) ?? [])] : []))),
    ]),
  );
  const found = policies.flatMap((policy) => {
    const always = policy.tier !== 'NetworkPolicy';
    return [...(policy.ingress ?? []), ...(policy.egress ?? [])].flatMap((rule): readonly Problem[] => {
      const held = (how: 'part' | 'whole') =>
        families.filter((family) => peers.rangesHold(rule, family, always) === how).join();
      const said = (key: string, text: string): readonly Problem[] => {
        if (key === '') return [];
        const message = `${rule.place} (${rule.action}) names ${rangesOf(rule)}: ${text}: ${listOf(key)}`;
        return [{ object: policy.ref, message, effect: 'note' }];
      };
      if (always || options.podAddresses === 'select')
        return said(
          held('part'),
          'whether that holds pods that have no address yet cannot be told, and it counts as not holding them',
        );
      if (options.podAddresses === 'ignore') return [];
      return said(
        held('whole'),
        'it counts as addresses outside of the cluster for pods that have no address; most plugins let it match pods as well',
      );
    });
  });
  // NetworkPolicies that let everything out are many, and one of them tells it all.
  const namespaced = found.filter(({ object }) => object.kind === 'NetworkPolicy');
  const [first] = namespaced;
  const others = new Set(namespaced.map(({ object }) => object)).size - 1;
  const more = others > 0 ? `; so do rules of ${others} other NetworkPolicies` : '';
  return [
    ...found.filter(({ object }) => object.kind !== 'NetworkPolicy'),
    ...(first === undefined ? [] : [{ ...first, message: `${first.message}${more}` }]),
  ];
}

/** Names of workloads with pods of which no address is known, where that counts, by family. */
function withoutAddress(reach: Reach): ReadonlyMap<Family, ReadonlySet<string>> {
  const { engine, inventory, workloads } = reach;
  const found = new Map<Family, Set<string>>();
  inventory.pods.forEach(({ workload }, i) => {
    for (const one of reach.classesOf(i)) {
      const place = engine.peers.classAt(one)?.place;
      if (place === undefined || place.atom !== undefined) continue;
      const names = found.get(place.family) ?? new Set();
      found.set(place.family, names.add(workloads[workload]?.name ?? ''));
    }
  });
  return found;
}

function remembered<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    const known = made.get(key) ?? make(key);
    made.set(key, known);
    return known;
  };
}

function rangesOf(rule: Rule): string {
  return peersOf(rule)
    .flatMap((peer) => (peer.kind === 'block' ? peer.text : []))
    .join(', ');
}

/** The first names, and how many more there are. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

/** What policies do with a class of pods on their node's network. */
interface OnNode {
  /** Whether a NetworkPolicy selects it. */
  selected: boolean;
  /** Rules of NetworkPolicies that name it by labels. */
  rules: string[];
  /** A cluster-wide policy that would select or name it by labels, were it not on its node's network. */
  passedOver: string | undefined;
}

/**
 * Workloads on their node's network that NetworkPolicies select, or name by labels, which most plugins overlook; and those
 * that only look as if a cluster-wide policy covered them, which it never does.
 */
export function selectedOnNode(reach: Reach, policies: readonly Policy[]): readonly Problem[] {
  const { inventory, engine } = reach;
  // By class: a cluster has many more pods than that.
  const found = new Map<number, OnNode>();
  inventory.pods.forEach(({ hostNetwork }, i) => {
    if (!hostNetwork) return;
    for (const one of reach.classesOf(i))
      found.set(one, { selected: false, rules: [], passedOver: undefined });
  });
  if (found.size === 0) return [];
  for (const policy of policies) {
    const clusterWide = policy.tier !== 'NetworkPolicy';
    const matched = (peer: PodPeer) =>
      engine.peers.selected(clusterWide ? { ...peer, neverOnNode: false } : peer);
    const subjects = matched(policy.subject);
    for (const [one, said] of found)
      if (subjects.has(one)) {
        if (clusterWide) said.passedOver ??= refText(policy.ref);
        else said.selected = true;
      }
    for (const rule of [...(policy.ingress ?? []), ...(policy.egress ?? [])]) {
      const named = peersOf(rule).flatMap((peer) => (peer.kind === 'pods' ? matched(peer) : []));
      if (named.length === 0) continue;
      const text = `${rule.place} of ${refText(policy.ref)}`;
      for (const [one, said] of found) {
        if (!named.some((peers) => peers.has(one))) continue;
        if (clusterWide) said.passedOver ??= refText(policy.ref);
        else said.rules.push(text);
      }
    }
  }
  const byWorkload = new Map<number, { selected: boolean; rules: Set<string>; passedOver?: string }>();
  inventory.pods.forEach(({ workload, hostNetwork }, i) => {
    if (!hostNetwork) return;
    const all = byWorkload.get(workload) ?? { selected: false, rules: new Set<string>() };
    byWorkload.set(workload, all);
    for (const one of reach.classesOf(i)) {
      const said = found.get(one);
      all.selected ||= said?.selected === true;
      for (const rule of said?.rules ?? []) all.rules.add(rule);
      if (said?.passedOver !== undefined) all.passedOver ??= said.passedOver;
    }
  });
  return [...byWorkload].flatMap(([index, { selected, rules, passedOver }]) => {
    const workload = inventory.workloads[index];
    if (workload === undefined) return [];
    const [first] = rules;
    const more = rules.size > 1 ? ` and ${rules.size - 1} more` : '';
    const shown = [
      ...(selected ? ['policies that select it are shown as in force'] : []),
      ...(first === undefined
        ? []
        : [`rules that name it by its labels are shown as matching it (${first}${more})`]),
    ];
    const said = [
      ...(shown.length === 0 ? [] : [`${shown.join(', and ')}; most plugins take it for its node`]),
      ...(passedOver === undefined ? [] : [`no cluster-wide policy covers it, such as ${passedOver}`]),
    ];
    if (said.length === 0) return [];
    const message = `uses its node's network: ${said.join('; ')}`;
    return [{ object: workload.ref, message, effect: 'note' as const }];
  });
}
