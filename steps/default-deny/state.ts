import type { KindName } from '../../src/model/kinds.js';
import { listAt, type Ref, refOf, sameRef } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { once } from '../../src/model/once.js';
import { isOurs } from '../../src/model/ours.js';
import { networkPlugin } from '../../src/model/plugins.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import {
  type DirectionIsolation,
  isolation,
  REACH_KINDS,
  type Reach,
  type ReachOptions,
  reachOf,
} from '../../src/reach/index.js';
import { asEntities, entityAddresses } from './addresses.js';
import { closedOutside, isGenerated, liveGuards } from './guard-live.js';
import { opensInside } from './opening.js';

export { NAME_LABEL } from './name-label.js';

/** Kinds that declare connections, beside ConfigMaps and those from which connections are computed. */
export const DECLARING_KINDS: readonly KindName[] = [
  'Service',
  'Endpoints',
  'EndpointSlice',
  'Ingress',
  'IngressClass',
  'Route',
  'Gateway',
  'GatewayClass',
  'HTTPRoute',
  'GRPCRoute',
  'TLSRoute',
  'TCPRoute',
  'UDPRoute',
  'ServiceMonitor',
  'PodMonitor',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'APIService',
  'CustomResourceDefinition',
  'ServiceAccount',
  'RoleBinding',
  'ClusterRoleBinding',
];

/** The namespace of the cluster's own parts, closed by a policy of another form, and only where the answers say so. */
export const KUBE_SYSTEM = 'kube-system';

/** Components by whose label we know our own policies: the deny, what stays open beside it, of a workload, metadata. */
export const DENY = 'default-deny';
export const SAME_NAMESPACE = 'default-deny-same-namespace';
export const WORKLOAD = 'default-deny-workload';
export const METADATA = 'metadata-blocking';
const DENYING: readonly string[] = [DENY, SAME_NAMESPACE, WORKLOAD];
export const OURS: readonly string[] = [DENY, SAME_NAMESPACE, WORKLOAD, METADATA];
/** Beside a policy of a workload, what only an entity of Cilium can name. */
export const ENTITIES = 'default-deny-entities';

/** Kinds from which connections are computed here. */
export const REACHED: readonly KindName[] = [...REACH_KINDS, 'CiliumNetworkPolicy'];

/** How the engine takes what the documentation leaves to plugins, where it counts as open whatever may be. */
export function openReading(now: Snapshot): Partial<ReachOptions> {
  const podAddresses = networkPlugin(now).ipBlockMatchesPods === false ? 'ignore' : 'select';
  return { entities: entityAddresses(now), podAddresses };
}

/** Whether it is not known if ipBlock matches pods here: both has to be looked at. */
export function isUndecided(now: Snapshot): boolean {
  return networkPlugin(now).ipBlockMatchesPods === undefined;
}

/** The connections of a snapshot, computed once; where the plugin is not known, all that some plugin would let through. */
export const reachIn = once((now) =>
  reachOf(
    REACHED.flatMap((kind) => objects(now, kind)),
    openReading(now),
  ),
);

/** As Cilium reads what is read as open otherwise: no address range matches pods, nodes or the API server. */
function closedReading(now: Snapshot): Partial<ReachOptions> {
  return { entities: asEntities(now), podAddresses: 'ignore' };
}

/** The same as every plugin lets through: that of `reachIn` unless it is undecided. */
const reachAtLeast = once((now) =>
  isUndecided(now)
    ? reachOf(
        REACHED.flatMap((kind) => objects(now, kind)),
        closedReading(now),
      )
    : reachIn(now),
);

/** The readings of a snapshot that have to be looked at: what is cut in one of them may be cut. */
export function reachesIn(now: Snapshot): readonly Reach[] {
  return [...new Set([reachIn(now), reachAtLeast(now)])];
}

/** The same as if the policies of our own steps were not there. */
export function reachWithoutOurs(now: Snapshot): Reach {
  return reachesWithoutOurs(now)[0] ?? reachIn(now);
}

/** By reading: see `reachesIn`. */
export const reachesWithoutOurs = once((now): readonly Reach[] => {
  const policies = [...objects(now, 'NetworkPolicy'), ...objects(now, 'CiliumNetworkPolicy')];
  const ours = new Set([
    ...policies.filter((policy) => [...OURS, ENTITIES].some((component) => isOurs(policy, component))),
    ...liveGuards(now).map(({ object }) => object),
  ]);
  if (ours.size === 0) return reachesIn(now);
  const others = REACHED.flatMap((kind) => objects(now, kind)).filter((object) => !ours.has(object));
  const readings = [openReading(now), ...(isUndecided(now) ? [closedReading(now)] : [])];
  return readings.map((reading) => reachOf(others, reading));
});

/** The same with what our guard of new namespaces leaves open outside closed: that is no reason to call them open. */
const reachAsJudged = once((now) => {
  const guards = new Set(liveGuards(now).map(({ object }) => object));
  return guards.size === 0
    ? reachIn(now)
    : reachOf(
        REACHED.flatMap((kind) => objects(now, kind)).map((object) =>
          guards.has(object) ? closedOutside(object) : object,
        ),
        openReading(now),
      );
});

export interface DirectionState {
  /** Nothing reaches, or leaves, a pod of the namespace unless a rule lists it. */
  closed: boolean;
  /** Pods are left that no policy of others selects: a policy of ours closes something here. */
  closable: boolean;
  /** Workloads that no policy of others selects: ours decide about them. */
  free: readonly string[];
  /** The same with our own policies in force: something is left to close. */
  unclosed: boolean;
  /** Workloads that no policy selects, sorted. */
  unselected: readonly string[];
  /** Workloads that policies of others narrow already, sorted. */
  narrowed: readonly string[];
  /** Policies of others that let everything pass: no further policy can take that back. */
  openBy: readonly Ref[];
  /** Policies of the Baseline tier that allow what `unclosed` says: a NetworkPolicy goes before them. */
  baseline: readonly Ref[];
  /** Policies of our own that let everything pass: the metadata policy does by design, any other was changed. */
  openByOurs: readonly Ref[];
}

export interface NamespaceState {
  ingress: DirectionState;
  egress: DirectionState;
  /** Workloads on their node's network. */
  hostNetwork: readonly string[];
}

const states = once(() => new Map<string, NamespaceState>());
const workloadNames = once((now) =>
  Map.groupBy(
    reachIn(now).workloads.filter(({ hostNetwork }) => !hostNetwork),
    ({ namespace }) => namespace,
  ),
);

/** How far a namespace is isolated, in both directions, judged by effect. */
export function namespaceState(now: Snapshot, namespace: string): NamespaceState {
  const known = states(now).get(namespace) ?? judge(now, namespace);
  states(now).set(namespace, known);
  return known;
}

function judge(now: Snapshot, namespace: string): NamespaceState {
  const [all, foreign] = [reachAsJudged(now), reachWithoutOurs(now)];
  const effect = isolation(all, namespace);
  const others = foreign === all ? effect : isolation(foreign, namespace);
  const own = objectsIn(now, 'NetworkPolicy', namespace)
    .filter((policy) => OURS.some((component) => isOurs(policy, component)))
    .map(refOf);
  const outside = objectsIn(now, 'NetworkPolicy', namespace)
    .filter((policy) => DENYING.some((component) => isOurs(policy, component)) || isGenerated(now, policy))
    .filter((policy) => listAt(policy, 'spec', 'egress').every((rule) => !opensInside(rule)))
    .map(refOf);
  const workloads = (workloadNames(now).get(namespace) ?? []).map(({ name }) => name).sort();
  return {
    ingress: directionState(effect.ingress, others.ingress, own, workloads),
    egress: directionState(narrowedBy(effect.egress, outside), others.egress, own, workloads),
    hostNetwork: effect.hostNetwork,
  };
}

/** A policy of this step that lets addresses outside pass closes all the rest: it is not what keeps a namespace open. */
function narrowedBy(effect: DirectionIsolation, ours: readonly Ref[]): DirectionIsolation {
  const isOurs = (because: 'unselected' | Ref) =>
    because !== 'unselected' && ours.some((one) => sameRef(one, because));
  return {
    ...effect,
    open: effect.open.filter(({ because }) => !isOurs(because)),
    freshOpenBy: effect.freshOpenBy.filter((ref) => !isOurs(ref)),
  };
}

function directionState(
  effect: DirectionIsolation,
  others: DirectionIsolation,
  own: readonly Ref[],
  workloads: readonly string[],
): DirectionState {
  const unselected = (d: DirectionIsolation) => d.open.filter((o) => o.because === 'unselected');
  // What a policy of the Admin tier keeps open no policy of ours would close.
  const uncovered = (d: DirectionIsolation) => !d.covered && d.freshOpenBy.length === 0;
  const opening = [...effect.open.map((o) => o.because), ...effect.freshOpenBy].filter(
    (because) => because !== 'unselected',
  );
  const isOwn = (ref: Ref) => own.some((one) => sameRef(one, ref));
  const openBy = opening.filter((ref, index) => opening.findIndex((o) => sameRef(o, ref)) === index);
  return {
    closed: effect.covered && effect.open.length === 0 && effect.freshOpenBy.length === 0,
    closable: uncovered(others) || unselected(others).length > 0,
    free: unselected(others).map((o) => o.workload),
    unclosed: uncovered(effect) || unselected(effect).length > 0,
    unselected: unselected(effect).map((o) => o.workload),
    narrowed: workloads.filter((name) => others.open.every((o) => o.workload !== name)),
    openBy: openBy.filter((ref) => !isOwn(ref)),
    openByOurs: openBy.filter(isOwn),
    baseline: effect.freshBaseline ?? [],
  };
}
