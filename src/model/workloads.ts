import type { KindName } from './kinds.js';
import { at, groupOf, type Manifest, type OwnerReference, type Ref, refOf, stringAt } from './manifest.js';
import { count, scaleOf, scaleOfUnread } from './scale.js';
import { notVisibleReason, objects, type Snapshot } from './snapshot.js';

/**
 * What makes pods in a namespace: a top-level controller, a bare pod, or a controller of a kind that we do not read.
 * Of the last, only its live pods are known, and the ReplicaSets that it makes where it makes any.
 */
export interface Workload {
  ref: Ref;
  /** The controller as read, or the bare pod itself; undefined for controllers that are not read. */
  object: Manifest | undefined;
  /** Spec of the pods that it creates, where that is seen. */
  template: unknown;
  /** Labels of the pods that it creates. */
  templateLabels: unknown;
  /** Pods that it wants, the largest number that its autoscaler may ask for included. */
  replicas: number;
  /** Pods that a rolling update may add for a while. */
  surge: number;
  /** Live pods: not finished. */
  pods: readonly Manifest[];
  /** ReplicaSets and the like that a controller makes which is not read; others take these for the workloads. */
  sets: readonly Ref[];
}

/** Kinds that create pods, by the path to their pod template. */
export const TEMPLATES = {
  Deployment: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
} as const satisfies Partial<Record<KindName, readonly string[]>>;

type ControllerKind = keyof typeof TEMPLATES;

/** The kinds that have to be read to know the workloads; how far they may grow says HorizontalPodAutoscaler. */
export const WORKLOAD_KINDS: readonly KindName[] = ['Pod', ...(Object.keys(TEMPLATES) as ControllerKind[])];

/** Why some of these kinds could not be seen, one text a kind; empty where all were. */
export function hidden(now: Snapshot, kinds: readonly KindName[]): readonly string[] {
  return kinds.flatMap((kind) => {
    const reason = notVisibleReason(now, kind);
    return reason === undefined ? [] : [`${kind}: ${reason}`];
  });
}

/** The workload that an object is, or is a set of pods of; whatever version of its group is named. */
export function workloadOfRef(now: Snapshot, ref: Ref): Workload | undefined {
  const key = keyOf(ref);
  return workloadsIn(now, ref.namespace ?? '').find(
    (one) => keyOf(one.ref) === key || one.sets.some((set) => keyOf(set) === key),
  );
}

const known = new WeakMap<Snapshot, ReadonlyMap<string, readonly Workload[]>>();

/** The workloads of a namespace, sorted by kind and name. */
export function workloadsIn(now: Snapshot, namespace: string): readonly Workload[] {
  let all = known.get(now);
  if (all === undefined) {
    all = Map.groupBy(allWorkloads(now), (workload) => workload.ref.namespace ?? '');
    known.set(now, all);
  }
  return all.get(namespace) ?? [];
}

/** What controls pods in the end. */
interface Top {
  ref: Ref;
  object: Manifest | undefined;
}

interface Group extends Top {
  /** Sets of pods that a controller makes which is not read. */
  made: Manifest[];
  pods: Manifest[];
}

function allWorkloads(now: Snapshot): Workload[] {
  const controllers = (Object.keys(TEMPLATES) as ControllerKind[]).flatMap((kind) => objects(now, kind));
  const pods = objects(now, 'Pod');
  const owners = new Map([...controllers, ...pods].map((object) => [keyOf(refOf(object)), object]));
  const groups = new Map<string, Group>();
  const groupOfTop = (top: Top): Group => {
    const key = keyOf(top.ref);
    const group = groups.get(key) ?? { ...top, made: [], pods: [] };
    groups.set(key, group);
    return group;
  };
  for (const object of controllers) {
    const top = topOf(object, owners);
    const group = groupOfTop(top);
    if (top.object === undefined) group.made.push(object);
  }
  for (const pod of pods)
    if (!isFinished(pod) && !isMirror(pod)) groupOfTop(topOf(pod, owners)).pods.push(pod);
  const ceilings = autoscalerCeilings(now);
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => workloadOf(group, ceilingOf(group, ceilings)));
}

function workloadOf({ ref, object, made, pods }: Group, ceiling: number | undefined): Workload {
  // Of several sets the newest is what comes next.
  const source = object ?? made.toSorted((a, b) => (createdAt(a) < createdAt(b) ? 1 : -1))[0];
  const path = source === undefined ? undefined : TEMPLATES[source.kind as ControllerKind];
  const template = path === undefined ? source : at(source, ...path);
  return {
    ref,
    object,
    template: at(template, 'spec'),
    templateLabels: at(template, 'metadata', 'labels'),
    ...(object === undefined
      ? scaleOfUnread(made, pods.length, ceiling)
      : scaleOf(object, pods.length, ceiling)),
    pods,
    sets: made.map(refOf),
  };
}

function createdAt({ metadata }: Manifest): string {
  return metadata.creationTimestamp ?? '';
}

/** `maxReplicas` of autoscalers, by the name of what they scale: the API version that they name may be any. */
function autoscalerCeilings(now: Snapshot): ReadonlyMap<string, number> {
  const out = new Map<string, number>();
  for (const autoscaler of objects(now, 'HorizontalPodAutoscaler')) {
    const target = targetOf(autoscaler);
    const ceiling = count(at(autoscaler, 'spec', 'maxReplicas'));
    if (target === undefined || ceiling === undefined) continue;
    const key = nameOf(target);
    out.set(key, Math.max(ceiling, out.get(key) ?? 0));
  }
  return out;
}

function targetOf(autoscaler: Manifest): Ref | undefined {
  const target = at(autoscaler, 'spec', 'scaleTargetRef');
  const [kind, name] = [stringAt(target, 'kind'), stringAt(target, 'name')];
  if (kind === undefined || name === undefined) return undefined;
  return { apiVersion: stringAt(target, 'apiVersion') ?? '', kind, ...placeOf(autoscaler), name };
}

/** How far a workload may grow: by an autoscaler of its own, or of what owns it and is not read. */
function ceilingOf({ ref, object }: Top, ceilings: ReadonlyMap<string, number>): number | undefined {
  const owner = object === undefined ? undefined : controllerOf(object);
  const names = [ref, ...(owner === undefined ? [] : [ownerRef(owner, ref)])].map(nameOf);
  const found = names.flatMap((name) => ceilings.get(name) ?? []);
  return found.length === 0 ? undefined : Math.max(...found);
}

/** Autoscalers of a namespace that scale something of which nothing is seen: neither it, nor a pod or a set of it. */
export function scalersOfUnseen(now: Snapshot, namespace: string): readonly Manifest[] {
  const seen = new Set(
    workloadsIn(now, namespace).flatMap(({ ref, object }) => {
      const owner = object === undefined ? undefined : controllerOf(object);
      return [nameOf(ref), ...(owner === undefined ? [] : [nameOf(ownerRef(owner, ref))])];
    }),
  );
  return objects(now, 'HorizontalPodAutoscaler').filter((autoscaler) => {
    const target = targetOf(autoscaler);
    // What is of a kind that is read, and is not there, is not there.
    if (target === undefined || target.namespace !== namespace || Object.hasOwn(TEMPLATES, target.kind))
      return false;
    return !seen.has(nameOf(target));
  });
}

/** Sets of pods that whatever owns them replaces by new sets when it rolls; all others roll by themselves. */
const REPLACED_BY_OWNER: readonly string[] = ['ReplicaSet', 'ReplicationController'];

/** The controller at the end of a chain of owners; the object itself where nothing controls it. */
function topOf(object: Manifest, owners: ReadonlyMap<string, Manifest>): Top {
  let here = object;
  // Owners form a chain of at most pod, ReplicaSet, Deployment; the bound guards against owners in a circle.
  for (let hops = 0; hops < 8; hops++) {
    const owner = controllerOf(here);
    if (owner === undefined) return { ref: refOf(here), object: here };
    const ref = ownerRef(owner, refOf(object));
    const next = owners.get(keyOf(ref));
    // An object that a custom controller owns but that holds a template itself says more than its owner's name.
    if (next === undefined)
      return Object.hasOwn(TEMPLATES, here.kind) && !REPLACED_BY_OWNER.includes(here.kind)
        ? { ref: refOf(here), object: here }
        : { ref, object: undefined };
    here = next;
  }
  return { ref: refOf(here), object: here };
}

function ownerRef({ apiVersion, kind, name }: OwnerReference, of: Ref): Ref {
  return { apiVersion, kind, ...(of.namespace === undefined ? {} : { namespace: of.namespace }), name };
}

function placeOf({ metadata: { namespace } }: Manifest): { namespace?: string } {
  return namespace === undefined ? {} : { namespace };
}

function controllerOf(object: Manifest): OwnerReference | undefined {
  const owners = at(object, 'metadata', 'ownerReferences');
  return Array.isArray(owners) ? owners.find((owner) => at(owner, 'controller') === true) : undefined;
}

function nameOf(ref: Ref): string {
  return `${ref.namespace ?? ''}/${ref.kind}/${ref.name}`;
}

/** Kinds of different groups share names; Deployments made before 1.16 are owners of the group that was theirs then. */
function keyOf(ref: Ref): string {
  const group = groupOf(ref.apiVersion);
  return `${nameOf(ref)} ${group === 'extensions' ? 'apps' : group}`;
}

/** What the pods of a workload are made of: its template, or where that is not seen a live pod. */
export function specOf({ template, pods }: Workload): unknown {
  return template ?? pods[0]?.spec;
}

/** Pods of a workload at the height of a rolling update. */
export function podsOf({ replicas, pods, surge }: Workload): number {
  return Math.max(replicas, pods.length) + surge;
}

/** Whether a pod has ended: it runs nothing and counts in no quota. */
export function isFinished(pod: Manifest): boolean {
  return ['Succeeded', 'Failed'].includes(stringAt(pod, 'status', 'phase') ?? '');
}

/** Whether a pod is the mirror of a static pod: the kubelet made it, no API object can change it. */
export function isMirror(pod: Manifest): boolean {
  return (
    pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined ||
    controllerOf(pod)?.kind === 'Node'
  );
}
