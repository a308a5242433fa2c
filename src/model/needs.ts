import { dialectOf } from './admission-dialect.js';
import { admittedSpec } from './admitted-spec.js';
import { chargeOfClaims, claimsMadeBy } from './claims.js';
import { KINDS, type KindName } from './kinds.js';
import { resourcesKey } from './limit-defaults.js';
import { groupOf, isRecord, type Manifest, type Ref } from './manifest.js';
import { objectsIn } from './namespaced.js';
import { type Amounts, larger, sum, times, whole } from './quantity.js';
import { claimCharge, isOfClaims, isOfPods, podCharge, quotaKey, serviceCharge } from './quota.js';
import { covers, type Scope } from './quota-scopes.js';
import { type PodSizes, podSizes, type Resources } from './size.js';
import { type Snapshot, visible } from './snapshot.js';
import { excessOf, usageIn } from './usage.js';
import { isFinished, isMirror, podsOf, WORKLOAD_KINDS, type Workload, workloadsIn } from './workloads.js';

/** One line of the sum that a need is. */
export interface NeedLine {
  /** What it is about: a workload, Services, claims of storage. */
  ref?: Ref;
  what: string;
  /** So many of them at the height of a full roll, in words: `4 pods and 1 of surge`. */
  count: number;
  words: string;
  each: Amounts;
  /** `each` is a sum of many: it says nothing about the next one. */
  sum?: true;
}

/** What a namespace needs at the most while everything that runs in it today is rolled out at once. */
export interface Needs {
  total: Amounts;
  /** The largest single pod or claim, key by key. */
  one: Amounts;
  lines: readonly NeedLine[];
}

/** Whose needs, and under which rules. */
export interface NeedBasis {
  /** What containers get that say nothing. */
  defaults: Resources;
  /** Only what a quota with these scopes counts. */
  scopes?: readonly Scope[];
  /** Storage classes that a claim without one may get. */
  classes?: readonly string[];
  /** Room as well for requests that are raised to what is in use. What is admitted goes by requests alone. */
  usage?: true;
}

/**
 * The needs of a namespace: for each workload its pods (wanted or live, whichever are more, and those that a rolling
 * update adds), each as large as the template or the largest live pod (injected sidecars, resized pods); Services;
 * claims of storage, those included that StatefulSets and pods have yet to make; objects that quotas can count.
 * Terminating pods of a roll are left to the headroom: a controller whose next pod has to wait for them tries again.
 */
export function needsOf(now: Snapshot, namespace: string, basis: NeedBasis): Needs {
  const scopes = basis.scopes ?? [];
  const workloads = workloadsIn(now, namespace);
  const lines = [
    ...workloads.flatMap((workload) => podLine(now, workload, basis)),
    ...(basis.usage ? usageLines(now, namespace, workloads, basis.defaults) : []),
    ...otherPods(now, namespace, basis),
    // Scopes that we know speak of pods: a quota that has one counts nothing else.
    ...(scopes.length > 0
      ? []
      : [
          ...serviceLines(now, namespace),
          ...claimLines(now, namespace, workloads, basis.classes ?? []),
          ...objectLines(now, namespace, workloads),
        ]),
  ];
  return {
    total: lines.reduce<Amounts>((all, { each, count }) => sum(all, times(each, count)), {}),
    one: lines.reduce<Amounts>((most, line) => (line.sum ? most : larger(most, line.each)), {}),
    lines,
  };
}

/** The lines that add to a key, largest first. */
export function linesFor({ lines }: Needs, key: string): readonly NeedLine[] {
  const share = ({ each, count }: NeedLine) => (each[key] ?? 0n) * BigInt(count);
  return lines
    .filter((line) => share(line) > 0n)
    .toSorted((a, b) => (share(a) === share(b) ? 0 : share(a) < share(b) ? 1 : -1));
}

function podLine(now: Snapshot, workload: Workload, basis: NeedBasis): NeedLine[] {
  const specs: unknown[] = workload.pods.map((pod) => pod.spec);
  if (workload.template !== undefined) specs.push(workload.template);
  const charges = specs.map((spec) => chargeOf(now, spec, basis)).filter((charge) => charge !== undefined);
  const count = podsOf(workload);
  if (charges.length === 0 || count === 0) return [];
  const { ref, replicas, pods, surge } = workload;
  const most = Math.max(replicas, pods.length);
  const more = workload.object === undefined ? 'for a full replacement' : 'of surge';
  const words = `${most} ${most === 1 ? 'pod' : 'pods'}${surge === 0 ? '' : ` and ${surge} ${more}`}`;
  return [{ ref, what: `${ref.kind} ${ref.name}`, count, words, each: charges.reduce(larger, {}) }];
}

/** What is in use beyond requests: whoever corrects a request must not be stopped by the quota. */
function usageLines(
  now: Snapshot,
  namespace: string,
  workloads: readonly Workload[],
  defaults: Resources,
): NeedLine[] {
  const usage = usageIn(now, namespace);
  return workloads.flatMap((workload): NeedLine[] => {
    const each = excessOf(workload, usage, defaults);
    if (Object.keys(each).length === 0) return [];
    const { kind, name } = workload.ref;
    const what = `in use beyond its requests by ${kind} ${name}`;
    return [{ what, count: 1, words: '1', each, sum: true }];
  });
}

/** Sizes by pod spec and defaults. A wizard plans anew with every answer, and thousands of pods stay the same. */
const sizes = new WeakMap<object, { key: string; sizes: PodSizes; charge: Amounts }>();

/** What a pod counts for; undefined where no quota with these scopes counts it. */
function chargeOf(now: Snapshot, written: unknown, { defaults, scopes }: NeedBasis): Amounts | undefined {
  const spec = admittedSpec(now, written);
  if (!isRecord(spec)) return {};
  const key = `${now.cluster.version.minor}/${keyOf(defaults)}`;
  let known = sizes.get(spec);
  if (known?.key !== key) {
    const measured = podSizes(spec, defaults);
    known = { key, sizes: measured, charge: podCharge(measured, dialectOf(now.cluster.version)) };
    sizes.set(spec, known);
  }
  return covers(scopes ?? [], spec, known.sizes) === true ? known.charge : undefined;
}

const keys = new WeakMap<Resources, string>();

function keyOf(defaults: Resources): string {
  const known = keys.get(defaults) ?? resourcesKey(defaults);
  keys.set(defaults, known);
  return known;
}

/** Mirrors of static pods count in a quota as well, and finished pods count as objects until they are removed. */
function otherPods(now: Snapshot, namespace: string, basis: NeedBasis): NeedLine[] {
  const pods = objectsIn(now, 'Pod', namespace);
  const finished = pods.filter((pod) => isFinished(pod) && chargeOf(now, pod.spec, basis) !== undefined);
  const mirrors = pods
    .filter((pod) => !isFinished(pod) && isMirror(pod))
    .map((pod) => chargeOf(now, pod.spec, basis))
    .filter((charge) => charge !== undefined);
  return [
    ...some('finished pods', finished.length, { 'count/pods': whole(1) }),
    ...mirrors.map((each) => ({ what: 'a static pod', count: 1, words: '1', each })),
  ];
}

function serviceLines(now: Snapshot, namespace: string): NeedLine[] {
  const total = objectsIn(now, 'Service', namespace).map(serviceCharge).reduce(sum, {});
  return Object.keys(total).length === 0
    ? []
    : [{ what: 'Services', count: 1, words: 'all', each: total, sum: true }];
}

/** Claims that are there, and those that a roll or a larger StatefulSet has yet to make. */
function claimLines(
  now: Snapshot,
  namespace: string,
  workloads: readonly Workload[],
  classes: readonly string[],
): NeedLine[] {
  const existing = claimsByName(now, namespace);
  // Claims of single pods come and go with them: they are counted with the pods.
  const lasting = [...existing.values()].filter((claim) => !ownedByPod(claim));
  return [
    ...lasting.map((claim) => ({
      what: `claim ${claim.metadata.name}`,
      count: 1,
      words: '1',
      each: claimCharge(claim, classes),
    })),
    ...workloads.flatMap((workload) =>
      claimsMadeBy(workload, existing).flatMap((made) =>
        some(made.what, made.missing, chargeOfClaims(made, classes)),
      ),
    ),
  ];
}

const named = new WeakMap<readonly Manifest[], ReadonlyMap<string, Manifest>>();

/** The claims of a namespace by name; put in order once, for each of its workloads asks. */
export function claimsByName(now: Snapshot, namespace: string): ReadonlyMap<string, Manifest> {
  const claims = objectsIn(now, 'PersistentVolumeClaim', namespace);
  const known = named.get(claims) ?? new Map(claims.map((claim) => [claim.metadata.name, claim]));
  named.set(claims, known);
  return known;
}

function ownedByPod(claim: Manifest): boolean {
  return (claim.metadata.ownerReferences ?? []).some(({ kind }) => kind === 'Pod');
}

/** Kinds whose objects are read and can be counted by a quota; Pods and Services are counted above. */
const OBJECTS: readonly KindName[] = [
  ...WORKLOAD_KINDS.filter((kind) => kind !== 'Pod'),
  'HorizontalPodAutoscaler',
  'LimitRange',
  'ResourceQuota',
];

function countKey(kind: KindName): string {
  const { plural, apiVersions } = KINDS[kind];
  const group = groupOf(apiVersions[0] ?? '');
  return quotaKey(group === '' ? `count/${plural}` : `count/${plural}.${group}`);
}

/** Objects of other kinds; a roll adds a ReplicaSet for each Deployment, and CronJobs make Jobs. */
function objectLines(now: Snapshot, namespace: string, workloads: readonly Workload[]): NeedLine[] {
  const of = (kind: string) => workloads.filter(({ ref }) => ref.kind === kind).length;
  const ofUnread = workloads.filter((one) => one.object === undefined && one.template !== undefined).length;
  return [
    ...counts(now, namespace).flatMap(({ kind, count }) =>
      some(`objects of kind ${kind}`, count, { [countKey(kind)]: whole(1) }),
    ),
    ...some('ReplicaSets of a roll', of('Deployment'), { [countKey('ReplicaSet')]: whole(1) }),
    ...some('sets of a roll of controllers that are not read', ofUnread, {
      [countKey('ReplicaSet')]: whole(1),
      [countKey('ReplicationController')]: whole(1),
    }),
    ...some('next Jobs of CronJobs', of('CronJob'), { [countKey('Job')]: whole(1) }),
  ];
}

function counts(now: Snapshot, namespace: string): { kind: KindName; count: number }[] {
  return OBJECTS.map((kind) => ({ kind, count: objectsIn(now, kind, namespace).length }));
}

/** How many objects there are in a namespace of the kinds that are read, by key of `spec.hard`. */
export function countedObjects(now: Snapshot, namespace: string): Amounts {
  return Object.fromEntries(counts(now, namespace).map(({ kind, count }) => [countKey(kind), whole(count)]));
}

function some(what: string, count: number, each: Amounts): NeedLine[] {
  return count === 0 ? [] : [{ what, count, words: String(count), each }];
}

/** Whether the present use of a key of `spec.hard` can be told from what was read. */
export function isCounted(now: Snapshot, key: string): boolean {
  if (isOfClaims(key)) return visible(now, 'PersistentVolumeClaim');
  if (/^(requests|limits)\./.test(key) || isOfPods(key)) return true;
  if (/^services(\.loadbalancers|\.nodeports)?$/.test(key)) return true;
  return OBJECTS.some((kind) => countKey(kind) === key && visible(now, kind));
}
