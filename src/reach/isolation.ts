import type { Ref } from '../model/manifest.js';
import { parseAddress } from './address.js';
import { UnknownEndpoint } from './endpoint.js';
import { verdictOn } from './explain.js';
import { Openness } from './openness.js';
import type { Direction, Policy } from './policy.js';
import type { Protocol } from './portset.js';
import type { Reach } from './reach.js';

/** A workload that is open in a direction, and why. */
export interface OpenWorkload {
  workload: string;
  /**
   * `unselected`: no policy isolates it, so that a NetworkPolicy would. Otherwise a policy, alone or with others, keeps
   * it open, and no NetworkPolicy can take that back.
   */
  because: 'unselected' | Ref;
}

export interface DirectionIsolation {
  /** Whether a pod that does not exist yet, with labels that no selector knows, is isolated in this direction. */
  covered: boolean;
  /**
   * Existing workloads (those on their node's network left out) that are open in this direction, by workload; one entry
   * for each reason.
   */
  open: readonly OpenWorkload[];
  /**
   * Policies that keep every future pod open: NetworkPolicies although they isolate it by name, and those of the Admin
   * tier, beside which `covered` may be false: a NetworkPolicy that covers it would still close nothing.
   */
  freshOpenBy: readonly Ref[];
  /** Where nothing isolates a future pod: policies of the Baseline tier that let everything pass. A NetworkPolicy goes before them. */
  freshBaseline?: readonly Ref[];
}

export interface NamespaceIsolation {
  ingress: DirectionIsolation;
  egress: DirectionIsolation;
  /** Workloads on their node's network: no policy covers them. */
  hostNetwork: readonly string[];
}

const judges = new WeakMap<Reach, Openness>();

/**
 * How far a namespace is isolated, judged by effect, whatever its policies are called and however their rules are
 * written: see `Openness` for what counts as open. A namespace is isolated in a direction when `covered` holds and
 * `open` and `freshOpenBy` are empty. A namespace without pods is judged by its future ones; one that is not known has
 * no policies.
 */
export function isolation(reach: Reach, namespace: string): NamespaceIsolation {
  const { workloads } = reach;
  const judge = judges.get(reach) ?? new Openness(reach.engine);
  judges.set(reach, judge);
  const hostNetwork = workloads.filter((w) => w.namespace === namespace && w.hostNetwork).map((w) => w.name);
  const inDirection = (direction: Direction): DirectionIsolation => {
    const open: OpenWorkload[] = [];
    for (const [workload, members] of reach.inNamespace(namespace)) {
      const name = workloads[workload]?.name ?? '';
      const reasons = new Set<Policy | 'unselected'>();
      for (const member of members) {
        const { isolated, openBy } = judge.standing(direction, member);
        if (!isolated && openBy.length === 0) reasons.add('unselected');
        for (const policy of openBy) reasons.add(policy);
      }
      for (const reason of reasons)
        open.push({ workload: name, because: reason === 'unselected' ? reason : reason.ref });
    }
    open.sort((a, b) => (a.workload < b.workload ? -1 : a.workload > b.workload ? 1 : 0));
    const fresh = reach.engine.peers.classes.fresh.get(namespace);
    if (fresh === undefined) return { covered: false, open, freshOpenBy: [] };
    const standings = fresh.map((one) => judge.standing(direction, one));
    const openBy = new Set(standings.flatMap((standing) => standing.openBy));
    const baseline = [...new Set(standings.flatMap((standing) => standing.baseline))];
    return {
      covered: standings.every(({ isolated }) => isolated),
      open,
      freshOpenBy: [...openBy].map(({ ref }) => ref),
      ...(baseline.length > 0 && { freshBaseline: baseline.map(({ ref }) => ref) }),
    };
  };
  return { ingress: inDirection('ingress'), egress: inDirection('egress'), hostNetwork: hostNetwork.sort() };
}

export interface AddressReach {
  /** Whether a pod of the namespace that does not exist yet, with labels that no selector knows, can reach it. */
  freshPod: boolean;
  /** Names of existing workloads (those on their node's network left out) that can reach it. */
  workloads: readonly string[];
  /** What lets them: a policy whose rule names it, or that nothing isolates them on the way out. */
  because: readonly { policy: Ref | 'no egress policy' }[];
}

/** Some pods of a workload, or a pod that does not exist yet, that can reach an address, and what lets them. */
export interface AddressSource {
  /** Undefined: a pod with labels that no selector knows. */
  workload: string | undefined;
  /** Rules that let it; empty where nothing isolates it on the way out. */
  by: readonly { policy: Ref; rule: string }[];
}

/**
 * Which pods of a namespace can open a connection to an address outside of the cluster, and by which rules; workloads by
 * name, those on their node's network left out.
 * @throws UnknownEndpoint where the address is none.
 */
export function addressSources(
  reach: Reach,
  namespace: string,
  address: string,
  protocol: Protocol,
  port: number,
): readonly AddressSource[] {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new UnknownEndpoint(`${address} is not an IP address`);
  const destination = reach.engine.peers.addressPeer(parsed);
  const lets = (source: number): AddressSource['by'] | undefined => {
    const pair = { source, destination, self: false, ownNode: false };
    const { allowed, egress } = verdictOn(reach.engine, pair, { protocol, port });
    if (!allowed) return undefined;
    const allows = egress?.rules.filter((rule) => rule.action === 'Allow') ?? [];
    return allows.map(({ policy, rule }) => ({ policy, rule }));
  };
  const known = [...reach.inNamespace(namespace)].flatMap(([index, members]): AddressSource[] => {
    const workload = reach.workloads[index]?.name;
    const found = [...members].flatMap((member) => {
      const by = lets(member);
      return by === undefined ? [] : [by];
    });
    if (workload === undefined || found.length === 0) return [];
    // One pod that nothing isolates is enough to be told so.
    const by = found.some((one) => one.length === 0) ? [] : found.flat();
    const rules = new Map(by.map((one) => [JSON.stringify(one), one]));
    return [{ workload, by: [...rules.values()] }];
  });
  const fresh = reach.engine.peers.classes.fresh.get(namespace);
  // A namespace that is not there yet has no policies.
  const born = fresh === undefined ? [] : fresh.map(lets).find((by) => by !== undefined);
  return [
    ...known.sort((a, b) => ((a.workload ?? '') < (b.workload ?? '') ? -1 : 1)),
    ...(born === undefined ? [] : [{ workload: undefined, by: born }]),
  ];
}

/**
 * Which pods of a namespace can open a connection to an address outside of the cluster, and by what.
 * @throws UnknownEndpoint where the address is none.
 */
export function reachesAddress(
  reach: Reach,
  namespace: string,
  address: string,
  protocol: Protocol,
  port: number,
): AddressReach {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new UnknownEndpoint(`${address} is not an IP address`);
  const destination = reach.engine.peers.addressPeer(parsed);
  const because = new Map<string, { policy: Ref | 'no egress policy' }>();
  const reaches = (source: number): boolean => {
    const { allowed, egress } = verdictOn(
      reach.engine,
      { source, destination, self: false, ownNode: false },
      { protocol, port },
    );
    if (!allowed) return false;
    const allows = egress?.rules.filter((rule) => rule.action === 'Allow') ?? [];
    if (allows.length === 0) because.set('', { policy: 'no egress policy' });
    for (const { policy } of allows) because.set(JSON.stringify(policy), { policy });
    return true;
  };
  const fresh = reach.engine.peers.classes.fresh.get(namespace);
  const workloads = [...reach.inNamespace(namespace)].flatMap(([workload, members]) => {
    const name = reach.workloads[workload]?.name;
    return name !== undefined && [...members].filter(reaches).length > 0 ? [name] : [];
  });
  return {
    // A namespace that is not there yet has no policies.
    freshPod: fresh === undefined || fresh.filter(reaches).length > 0,
    workloads: workloads.sort(),
    because: [...because.values()],
  };
}
