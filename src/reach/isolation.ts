import type { Ref } from '../model/manifest.js';
import { LAST, parseAddress } from './address.js';
import { UnknownEndpoint } from './endpoint.js';
import { verdictOn } from './explain.js';
import type { Direction, Policy, Rule } from './policy.js';
import { ALL, type Protocol } from './portset.js';
import type { Reach } from './reach.js';

/** A workload that is open in a direction, and why. */
export interface OpenWorkload {
  workload: string;
  /** `unselected`: no policy isolates it. Otherwise the policy with a rule that lets every peer in on every port. */
  because: 'unselected' | Ref;
}

export interface DirectionIsolation {
  /** Whether a pod that does not exist yet, with labels that no selector knows, is isolated in this direction. */
  covered: boolean;
  /** Existing workloads (those on their node's network left out) that are open to everything in this direction. */
  open: readonly OpenWorkload[];
  /** Policies that open every future pod to every peer on every port, although it is isolated by name. */
  freshOpenBy: readonly Ref[];
}

export interface NamespaceIsolation {
  ingress: DirectionIsolation;
  egress: DirectionIsolation;
  /** Workloads on their node's network: no policy covers them. */
  hostNetwork: readonly string[];
}

/**
 * How far a namespace is isolated, judged by effect, whatever its policies are called. A namespace is isolated in a
 * direction when `covered` holds and `open` and `freshOpenBy` are empty. A namespace without pods is judged by its
 * future ones; one that is not known has no policies.
 */
export function isolation(reach: Reach, namespace: string): NamespaceIsolation {
  const { workloads } = reach;
  const hostNetwork = workloads.filter((w) => w.namespace === namespace && w.hostNetwork).map((w) => w.name);
  const judge = (direction: Direction): DirectionIsolation => {
    const fresh = reach.engine.peers.classes.fresh.get(namespace);
    const open: OpenWorkload[] = [];
    for (const [workload, members] of reach.inNamespace(namespace)) {
      const name = workloads[workload]?.name ?? '';
      const reasons = [...members].flatMap((member) => openBecause(reach, direction, member) ?? []);
      const because = reasons.find((reason) => reason === 'unselected') ?? reasons[0];
      if (because !== undefined) open.push({ workload: name, because });
    }
    open.sort((a, b) => (a.workload < b.workload ? -1 : 1));
    return {
      covered: fresh !== undefined && isIsolated(reach, direction, fresh),
      open,
      freshOpenBy: fresh === undefined ? [] : openingPolicies(reach, direction, fresh).map((p) => p.ref),
    };
  };
  return { ingress: judge('ingress'), egress: judge('egress'), hostNetwork: hostNetwork.sort() };
}

/** Whether by default nothing passes: a NetworkPolicy isolates the pod, or a Deny rule of a tier says so of every peer. */
function isIsolated(reach: Reach, direction: Direction, subject: number): boolean {
  const { Admin, NetworkPolicy, Baseline } = reach.engine.inForce(direction, subject);
  if (NetworkPolicy.length > 0) return true;
  return [...Admin, ...Baseline].some((policy) =>
    (policy[direction] ?? []).some(
      (rule) => rule.action === 'Deny' && rule.ports === 'any' && everyPeer(reach, direction, rule),
    ),
  );
}

/**
 * Whether a rule speaks of every pod, and on the way out of every address as well. On the way in, cluster-wide policies
 * cannot name addresses, so all pods are all that they can close.
 */
function everyPeer(reach: Reach, direction: Direction, rule: Rule): boolean {
  const { classes } = reach.engine.peers.classes;
  const pods = classes.every((one, peer) => one.onNode || reach.engine.peers.ruleHasPeer(rule, peer));
  if (direction === 'ingress') return pods;
  return (
    pods && reach.engine.peers.atoms.every((_, i) => reach.engine.peers.ruleHasPeer(rule, classes.length + i))
  );
}

function openBecause(reach: Reach, direction: Direction, subject: number): 'unselected' | Ref | undefined {
  if (!isIsolated(reach, direction, subject)) return 'unselected';
  return openingPolicies(reach, direction, subject)[0]?.ref;
}

/** NetworkPolicies of a subject with a rule for every peer and every port, where nothing above them says otherwise. */
function openingPolicies(reach: Reach, direction: Direction, subject: number): readonly Policy[] {
  const { NetworkPolicy } = reach.engine.inForce(direction, subject);
  const opening = NetworkPolicy.filter((policy) => (policy[direction] ?? []).some(opensAll));
  if (opening.length === 0 || !reach.engine.row(direction, subject).includes(ALL)) return [];
  return opening;
}

/** Every peer and every port: no peers named, or every IPv4 address, or every pod of every namespace. */
function opensAll(rule: Rule): boolean {
  if (rule.ports !== 'any') return false;
  if (rule.peers === 'any') return true;
  return rule.peers.some((peer) => {
    if (peer.kind === 'block')
      return (
        peer.block.except.length === 0 &&
        peer.block.cidr.from === 0n &&
        peer.block.cidr.to === LAST[peer.block.cidr.family]
      );
    if (peer.kind !== 'pods' || typeof peer.namespace === 'string') return false;
    return peer.namespace.requirements.length === 0 && peer.pods.requirements.length === 0;
  });
}

export interface AddressReach {
  /** Whether a pod of the namespace that does not exist yet, with labels that no selector knows, can reach it. */
  freshPod: boolean;
  /** Names of existing workloads (those on their node's network left out) that can reach it. */
  workloads: readonly string[];
  /** What lets them: a policy whose rule names it, or that nothing isolates them on the way out. */
  because: readonly { policy: Ref | 'no egress policy' }[];
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
  const destination = reach.engine.peers.atomPeer(parsed);
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
    freshPod: fresh === undefined || reaches(fresh),
    workloads: workloads.sort(),
    because: [...because.values()],
  };
}
