import type { KindName } from './kinds.js';
import { at, listAt, type Manifest, type OwnerReference, type Ref, refOf, stringAt } from './manifest.js';
import { notVisibleReason, objects, type Snapshot } from './snapshot.js';

/**
 * What makes pods in a namespace: a top-level controller, a bare pod, or a controller of a kind that we do not read
 * (then only its live pods are known and there is no template).
 */
export interface Workload {
  ref: Ref;
  /** The controller as read, or the bare pod itself; undefined for controllers of unknown kinds. */
  object: Manifest | undefined;
  /** Spec of the pods that it creates. */
  template: unknown;
  /** Labels of the pods that it creates. */
  templateLabels: unknown;
  /** Pods that it wants, the largest number that its autoscaler may ask for included. */
  replicas: number;
  /** Pods that a rolling update may add for a while. */
  surge: number;
  /** Live pods: not finished. */
  pods: readonly Manifest[];
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

function allWorkloads(now: Snapshot): Workload[] {
  const controllers = new Map<string, Manifest>();
  for (const kind of Object.keys(TEMPLATES) as ControllerKind[])
    for (const object of objects(now, kind)) controllers.set(keyOf(refOf(object)), object);

  const pods = new Map<string, Manifest[]>();
  const tops = new Map<string, { ref: Ref; object: Manifest | undefined }>();
  for (const object of controllers.values()) {
    const top = topOf(object, controllers);
    tops.set(keyOf(top.ref), top);
  }
  for (const pod of objects(now, 'Pod')) {
    if (isFinished(pod) || isMirror(pod)) continue;
    const top = topOf(pod, controllers);
    const key = keyOf(top.ref);
    tops.set(key, top);
    const own = pods.get(key);
    if (own === undefined) pods.set(key, [pod]);
    else own.push(pod);
  }
  const ceilings = autoscalerCeilings(now);
  return [...tops]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, top]) => workloadOf(top, pods.get(key) ?? [], ceilings.get(key)));
}

function workloadOf(
  { ref, object }: { ref: Ref; object: Manifest | undefined },
  pods: readonly Manifest[],
  ceiling: number | undefined,
): Workload {
  const path = object === undefined ? undefined : TEMPLATES[ref.kind as ControllerKind];
  const template = path === undefined ? object : at(object, ...path);
  const { replicas, surge } = scaleOf(ref, object, pods.length, ceiling);
  return {
    ref,
    object,
    template: at(template, 'spec'),
    templateLabels: at(template, 'metadata', 'labels'),
    replicas,
    surge,
    pods,
  };
}

/** How many pods a workload wants, and how many more during a rolling update (API defaults: apps/v1, batch/v1). */
function scaleOf(
  ref: Ref,
  object: Manifest | undefined,
  live: number,
  ceiling: number | undefined,
): { replicas: number; surge: number } {
  const wanted = Math.max(count(at(object, 'spec', 'replicas')) ?? 1, ceiling ?? 0);
  switch (object === undefined ? 'unknown' : ref.kind) {
    case 'Deployment': {
      if (stringAt(object, 'spec', 'strategy', 'type') === 'Recreate') return { replicas: wanted, surge: 0 };
      const surge = at(object, 'spec', 'strategy', 'rollingUpdate', 'maxSurge');
      return { replicas: wanted, surge: share(surge ?? '25%', wanted) };
    }
    case 'DaemonSet': {
      const nodes = Math.max(count(at(object, 'status', 'desiredNumberScheduled')) ?? 0, live);
      const surge = at(object, 'spec', 'updateStrategy', 'rollingUpdate', 'maxSurge');
      return { replicas: nodes, surge: share(surge ?? 0, nodes) };
    }
    case 'ReplicaSet':
    case 'ReplicationController':
    case 'StatefulSet':
      return { replicas: wanted, surge: 0 };
    case 'Job':
      return { replicas: jobIsOver(object) ? 0 : parallelism(at(object, 'spec')), surge: 0 };
    case 'CronJob': {
      // One run; with `Replace` the next one may start while the last one still ends, with `Allow` beside all that run.
      const policy = stringAt(object, 'spec', 'concurrencyPolicy') ?? 'Allow';
      const active = listAt(object, 'status', 'active').length;
      const runs = policy === 'Forbid' ? 1 : policy === 'Replace' ? 2 : Math.max(2, active + 1);
      return { replicas: runs * parallelism(at(object, 'spec', 'jobTemplate', 'spec')), surge: 0 };
    }
    case 'Pod':
      return { replicas: 1, surge: 0 };
    default:
      // A controller that we cannot read: allow for the usual rolling update.
      return { replicas: live, surge: share('25%', live) };
  }
}

function parallelism(jobSpec: unknown): number {
  const parallel = count(at(jobSpec, 'parallelism')) ?? 1;
  const completions = count(at(jobSpec, 'completions'));
  return completions === undefined ? parallel : Math.min(parallel, completions);
}

function jobIsOver(job: unknown): boolean {
  const conditions = at(job, 'status', 'conditions');
  return (
    Array.isArray(conditions) &&
    conditions.some(
      (c) => ['Complete', 'Failed'].includes(stringAt(c, 'type') ?? '') && stringAt(c, 'status') === 'True',
    )
  );
}

/** A whole number or a percentage of a total, rounded up; 0 for anything else. */
function share(value: unknown, total: number): number {
  const number = count(value);
  if (number !== undefined) return number;
  const percent = typeof value === 'string' ? /^(\d{1,4})%$/.exec(value)?.[1] : undefined;
  return percent === undefined ? 0 : Math.ceil((Number(percent) * total) / 100);
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** `maxReplicas` of autoscalers, by the workload that they scale. */
function autoscalerCeilings(now: Snapshot): ReadonlyMap<string, number> {
  const out = new Map<string, number>();
  for (const autoscaler of objects(now, 'HorizontalPodAutoscaler')) {
    const kind = stringAt(autoscaler, 'spec', 'scaleTargetRef', 'kind');
    const name = stringAt(autoscaler, 'spec', 'scaleTargetRef', 'name');
    const ceiling = count(at(autoscaler, 'spec', 'maxReplicas'));
    if (kind === undefined || name === undefined || ceiling === undefined) continue;
    const { namespace } = autoscaler.metadata;
    const key = `${namespace ?? ''}/${kind}/${name}`;
    out.set(key, Math.max(ceiling, out.get(key) ?? 0));
  }
  return out;
}

/** The controller at the end of a chain of owners; the object itself where nothing controls it. */
function topOf(
  object: Manifest,
  controllers: ReadonlyMap<string, Manifest>,
): { ref: Ref; object: Manifest | undefined } {
  let here = object;
  // Owners form a chain of at most pod, ReplicaSet, Deployment; the bound guards against owners in a circle.
  for (let hops = 0; hops < 8; hops++) {
    const owner = controllerOf(here);
    if (owner === undefined) return { ref: refOf(here), object: here };
    const ref: Ref = {
      apiVersion: owner.apiVersion,
      kind: owner.kind,
      ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
      name: owner.name,
    };
    const next = controllers.get(keyOf(ref));
    // An object that a custom controller owns but that holds a template itself says more than its owner's name.
    if (next === undefined)
      return Object.hasOwn(TEMPLATES, here.kind)
        ? { ref: refOf(here), object: here }
        : { ref, object: undefined };
    here = next;
  }
  return { ref: refOf(here), object: here };
}

function controllerOf(object: Manifest): OwnerReference | undefined {
  const owners = at(object, 'metadata', 'ownerReferences');
  return Array.isArray(owners) ? owners.find((owner) => at(owner, 'controller') === true) : undefined;
}

function keyOf(ref: Ref): string {
  return `${ref.namespace ?? ''}/${ref.kind}/${ref.name}`;
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
