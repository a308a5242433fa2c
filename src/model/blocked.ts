import { admitPod, type QuotaState, quotaState, type Rules, rulesOf } from './admission.js';
import { dialectOf } from './admission-dialect.js';
import { admittedSpec } from './admitted-spec.js';
import { chargeOfClaims, claimsMadeBy } from './claims.js';
import { KINDS } from './kinds.js';
import { defaultsOf } from './limit-defaults.js';
import { groupOf, type Manifest, type Ref, refOf } from './manifest.js';
import { objectsIn } from './namespaced.js';
import { claimsByName } from './needs.js';
import { type Amounts, type Quantity, whole } from './quantity.js';
import { classesIn, isOfClaims, isOfPods, quotaKey, serviceCharge } from './quota.js';
import { isScoped, unknownScopes } from './quota-scopes.js';
import type { Snapshot } from './snapshot.js';
import { specOf, type Workload, workloadsIn } from './workloads.js';

/** What a quota blocks as it stands. */
export interface Blocked {
  key: string;
  used: Quantity;
  hard: Quantity;
  /** Workloads that could not make one more of what they are made of; Services that could not be made anew. */
  refs: readonly Ref[];
  /** What is refused, whoever makes it: `new Services of type LoadBalancer`. */
  what: string;
  /** What the others are to it: its own pods are refused, what it makes is, or it is itself what is counted. */
  as: 'pods' | 'makes' | 'counted';
}

/**
 * Keys of which a quota's own status says that they are used up, and keys for which one more pod, claim or object that
 * some workload makes would be refused now.
 */
export function blockedBy(
  now: Snapshot,
  namespace: string,
  limitRanges: readonly Manifest[],
  quota: Manifest,
): readonly Blocked[] {
  const state = quotaState(quota);
  if (unknownScopes(quota).length > 0 || Object.keys(state.used).length === 0) return [];
  const found = new Map<string, Ref[]>();
  const add = (key: string, ref: Ref) => {
    const own = found.get(key) ?? [];
    if (!own.includes(ref)) found.set(key, [...own, ref]);
  };
  const rules = {
    ...rulesOf(limitRanges, [], defaultsOf(limitRanges), dialectOf(now.cluster.version)),
    quotas: [state],
  };
  for (const workload of workloadsIn(now, namespace)) {
    // A Job that is over makes nothing any more.
    if (workload.ref.kind === 'Job' && workload.replicas === 0) continue;
    const keys = [
      ...blockedPods(now, workload, rules, state),
      // Scopes that we know speak of pods: a quota that has one counts nothing else.
      ...(isScoped(quota)
        ? []
        : [...blockedClaims(now, workload, state), ...blockedObjects(workload, state)]),
    ];
    for (const key of keys) add(key, workload.ref);
  }
  for (const key of Object.keys(state.hard).filter((one) => isFull(state, one))) {
    if (!found.has(key)) found.set(key, []);
    for (const service of objectsIn(now, 'Service', namespace))
      if (!isScoped(quota) && (serviceCharge(service)[key] ?? 0n) > 0n) add(key, refOf(service));
  }
  return [...found].map(([key, refs]) => ({
    key,
    used: state.used[key] ?? 0n,
    hard: state.hard[key] ?? 0n,
    refs,
    what: refusedText(key),
    as: isOfPods(key) ? 'pods' : key.startsWith('services') ? 'counted' : 'makes',
  }));
}

function blockedPods(now: Snapshot, workload: Workload, rules: Rules, state: QuotaState): string[] {
  const { refused, charges } = admitPod(admittedSpec(now, specOf(workload)), rules);
  return refused.flatMap((one) => {
    if (one.by !== 'quota' || one.kind !== 'exceeded') return [];
    // What would not fit into an empty quota either is told as a template that cannot be admitted.
    const alone = (charges[0]?.[one.key] ?? 0n) > (state.hard[one.key] ?? 0n);
    return !alone || isFull(state, one.key) ? [one.key] : [];
  });
}

/** Keys by which one more claim of each template would be refused: for the next pod, of a roll or of a larger set. */
function blockedClaims(now: Snapshot, workload: Workload, state: QuotaState): string[] {
  const existing = claimsByName(now, workload.ref.namespace ?? '');
  const classes = classesIn(Object.keys(state.hard));
  return claimsMadeBy(workload, existing).flatMap((made) =>
    exceededKeys(chargeOfClaims(made, classes), state),
  );
}

/** What controllers make beside pods while they do their work, by their kind, as keys of `spec.hard`. */
const MAKES: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['count/replicasets.apps'],
  StatefulSet: ['count/controllerrevisions.apps'],
  DaemonSet: ['count/controllerrevisions.apps'],
  CronJob: ['count/jobs.batch'],
};
/** Of controllers that are not read and that make sets. */
const MAKES_UNREAD = ['count/replicasets.apps', quotaKey('count/replicationcontrollers')];

function blockedObjects({ ref, object, template }: Workload, state: QuotaState): string[] {
  const makes = object !== undefined ? (MAKES[ref.kind] ?? []) : template === undefined ? [] : MAKES_UNREAD;
  return exceededKeys(Object.fromEntries(makes.map((key) => [key, whole(1)])), state);
}

function exceededKeys(charge: Amounts, { hard, used }: QuotaState): string[] {
  return Object.entries(charge).flatMap(([key, value]) => {
    const allowed = hard[key];
    return allowed !== undefined && value > 0n && (used[key] ?? 0n) + value > allowed ? [key] : [];
  });
}

/** A zero that nothing uses is a ban, not a full quota. */
function isFull({ hard, used }: QuotaState, key: string): boolean {
  const [allowed, now] = [hard[key], used[key]];
  return allowed !== undefined && now !== undefined && now >= allowed && now > 0n;
}

/** What a Service counts for beside itself. */
const OF_SERVICES: Readonly<Record<string, string>> = {
  services: 'new Services',
  'services.loadbalancers': 'new Services of type LoadBalancer',
  'services.nodeports': 'new Services of type NodePort or LoadBalancer, and more ports of those',
};

function refusedText(key: string): string {
  const ofServices = OF_SERVICES[key];
  if (ofServices !== undefined) return ofServices;
  if (isOfPods(key)) return 'new pods';
  if (isOfClaims(key)) {
    const [storageClass] = classesIn([key]);
    return `new claims${storageClass === undefined ? '' : ` of class ${storageClass}`}`;
  }
  const name = key.replace(/^count\//, '');
  const known = Object.values(KINDS).find(({ plural, apiVersions }) => {
    const group = groupOf(apiVersions[0] ?? '');
    return name === (group === '' ? plural : `${plural}.${group}`);
  });
  return `new objects of kind ${known?.kind ?? name}`;
}
