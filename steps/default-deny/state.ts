import type { KindName } from '../../src/model/kinds.js';
import { type Ref, refOf, sameRef } from '../../src/model/manifest.js';
import { isOurs } from '../../src/model/ours.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { type DirectionIsolation, isolation, type Reach, reachOf } from '../../src/reach/index.js';

/** Kinds from which connections are computed. */
export const REACH_KINDS: readonly KindName[] = [
  'Namespace',
  'NetworkPolicy',
  'Pod',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'ReplicationController',
  'Job',
  'CronJob',
  'Node',
  'ClusterNetworkPolicy',
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
];

/** Components by whose label we know our own policies: the deny, what stays open beside it, the metadata policy. */
export const DENY = 'default-deny';
export const SAME_NAMESPACE = 'default-deny-same-namespace';
export const METADATA = 'metadata-blocking';
export const OURS: readonly string[] = [DENY, SAME_NAMESPACE, METADATA];

const all = new WeakMap<Snapshot, Reach>();
const foreign = new WeakMap<Snapshot, Reach>();

/** The connections of a snapshot, computed once. */
export function reachIn(now: Snapshot): Reach {
  return known(all, now, () => reachOf(REACH_KINDS.flatMap((kind) => objects(now, kind))));
}

/** The same as if the policies of our own steps were not there. */
function reachWithoutOurs(now: Snapshot): Reach {
  const ours = objects(now, 'NetworkPolicy').filter((p) => OURS.some((component) => isOurs(p, component)));
  if (ours.length === 0) return reachIn(now);
  const left = new Set(ours);
  return known(foreign, now, () =>
    reachOf(REACH_KINDS.flatMap((kind) => objects(now, kind)).filter((object) => !left.has(object))),
  );
}

function known(memo: WeakMap<Snapshot, Reach>, now: Snapshot, make: () => Reach): Reach {
  const found = memo.get(now) ?? make();
  memo.set(now, found);
  return found;
}

export interface DirectionState {
  /** Nothing reaches, or leaves, a pod of the namespace unless a rule lists it. */
  closed: boolean;
  /** Pods are left that no policy of others selects: a policy of ours closes something here. */
  closable: boolean;
  /** The same with our own policies in force: something is left to close. */
  unclosed: boolean;
  /** Workloads that no policy selects, sorted. */
  unselected: readonly string[];
  /** Workloads that policies of others narrow already, sorted. */
  narrowed: readonly string[];
  /** Policies of others that let everything pass: no further policy can take that back. */
  openBy: readonly Ref[];
  /** Our own metadata policy lets everything else pass. */
  openByOurs: boolean;
}

export interface NamespaceState {
  ingress: DirectionState;
  egress: DirectionState;
  /** Workloads on their node's network. */
  hostNetwork: readonly string[];
}

/** How far a namespace is isolated, in both directions, judged by effect. */
export function namespaceState(now: Snapshot, namespace: string): NamespaceState {
  const effect = isolation(reachIn(now), namespace);
  const others = isolation(reachWithoutOurs(now), namespace);
  const own = objects(now, 'NetworkPolicy')
    .filter(
      (policy) =>
        policy.metadata.namespace === namespace && OURS.some((component) => isOurs(policy, component)),
    )
    .map(refOf);
  const workloads = reachIn(now)
    .workloads.filter((workload) => workload.namespace === namespace && !workload.hostNetwork)
    .map(({ name }) => name)
    .sort();
  return {
    ingress: directionState(effect.ingress, others.ingress, own, workloads),
    egress: directionState(effect.egress, others.egress, own, workloads),
    hostNetwork: effect.hostNetwork,
  };
}

function directionState(
  effect: DirectionIsolation,
  others: DirectionIsolation,
  own: readonly Ref[],
  workloads: readonly string[],
): DirectionState {
  const unselected = (d: DirectionIsolation) => d.open.filter((o) => o.because === 'unselected');
  const opening = [...effect.open.map((o) => o.because), ...effect.freshOpenBy].filter(
    (because) => because !== 'unselected',
  );
  const isOwn = (ref: Ref) => own.some((one) => sameRef(one, ref));
  const openBy = opening.filter((ref, index) => opening.findIndex((o) => sameRef(o, ref)) === index);
  return {
    closed: effect.covered && effect.open.length === 0 && effect.freshOpenBy.length === 0,
    closable: !others.covered || unselected(others).length > 0,
    unclosed: !effect.covered || unselected(effect).length > 0,
    unselected: unselected(effect).map((o) => o.workload),
    narrowed: workloads.filter((name) => others.open.every((o) => o.workload !== name)),
    openBy: openBy.filter((ref) => !isOwn(ref)),
    openByOurs: openBy.some(isOwn),
  };
}
