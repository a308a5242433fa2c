import { at, groupOf, isRecord, type Manifest, stringsAt } from '../../src/model/manifest.js';
import { once } from '../../src/model/once.js';
import { canonical } from '../../src/model/plan.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import type { Workload } from '../../src/reach/index.js';
import { REACH_KINDS } from '../../src/reach/index.js';
import { parseSelector } from '../../src/reach/selector.js';
import { KUBERNETES } from '../../src/reach/semantics.js';
import { reachWithoutOurs } from './state.js';

/** A label selector as the API writes it. */
export type PodSelector = Readonly<Record<string, unknown>>;
type Labels = ReadonlyMap<string, string>;

/** Labels that tell one pod, or one generation of pods, from the others of its workload. */
const GENERATED = [
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'controller-uid',
  'batch.kubernetes.io/controller-uid',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
];

/** Kinds whose selector cannot change once they exist, so that it holds for pods to come; labels of pods may change. */
const FIXED = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'];

export interface Selected extends Workload {
  index: number;
  selector: PodSelector;
}

const byRef = once((now) => {
  const out = new Map<string, Manifest>();
  for (const kind of REACH_KINDS)
    for (const object of objects(now, kind))
      out.set(
        `${groupOf(object.apiVersion)}/${object.kind} ${object.metadata.namespace}/${object.metadata.name}`,
        object,
      );
  return out;
});

export const podLabels = once((now) =>
  Map.groupBy(reachWithoutOurs(now).inventory.pods, ({ workload }) => workload),
);

/** Every workload with a selector for its pods, by the engine's name; those on their node's network have none. */
export const selectedWorkloads = once((now): ReadonlyMap<string, Selected> => {
  const { workloads } = reachWithoutOurs(now);
  const found = new Map<string, Selected>();
  const bare: { workload: Workload; index: number }[] = [];
  const keys = new Map<string, Set<string>>();
  workloads.forEach((workload, index) => {
    const selector = ownSelector(now, workload, index);
    if (selector === undefined) bare.push({ workload, index });
    else {
      found.set(workload.name, { ...workload, index, selector });
      if (workload.hostNetwork) return;
      const known = keys.get(workload.namespace) ?? new Set();
      for (const key of keysOf(selector)) known.add(key);
      keys.set(workload.namespace, known);
    }
  });
  // Pods without labels: those that carry none of the labels by which the others of the namespace are told.
  for (const { workload, index } of bare) {
    const others = [...(keys.get(workload.namespace) ?? [])].sort();
    const selector =
      others.length === 0
        ? {}
        : { matchExpressions: others.map((key) => ({ key, operator: 'DoesNotExist' })) };
    found.set(workload.name, { ...workload, index, selector });
  }
  return found;
});

function keysOf(selector: PodSelector): readonly string[] {
  const expressions = Array.isArray(selector.matchExpressions) ? selector.matchExpressions : [];
  return [
    ...Object.keys(stringsAt(selector, 'matchLabels')),
    ...expressions.flatMap((e: unknown) => (isRecord(e) && typeof e.key === 'string' ? [e.key] : [])),
  ];
}

/** The selector of a controller where it is fixed and finds all its pods, otherwise the labels that its pods share. */
function ownSelector(now: Snapshot, { ref }: Workload, index: number): PodSelector | undefined {
  const object = byRef(now).get(`${groupOf(ref.apiVersion)}/${ref.kind} ${ref.namespace}/${ref.name}`);
  const pods = podLabels(now).get(index) ?? [];
  const given = at(object, 'spec', 'selector');
  if (FIXED.includes(ref.kind) && isRecord(given) && Object.keys(given).length > 0) {
    const selector = { ...given };
    if (keysOf(selector).length > 0 && pods.every(({ labels }) => matches(selector, labels))) return selector;
  }
  const [first, ...others] = pods.map(({ labels }) => labels);
  const shared = [...(first ?? [])].filter(
    ([key, value]) => !GENERATED.includes(key) && others.every((labels) => labels.get(key) === value),
  );
  if (shared.length === 0) return undefined;
  return { matchLabels: Object.fromEntries(shared.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** Whether a selector selects pods with these labels; one that the API would refuse selects none. */
export function matches(selector: PodSelector, labels: Labels): boolean {
  try {
    return parseSelector(selector, 'podSelector').requirements.every((r) =>
      KUBERNETES.holds(r, labels.get(r.key)),
    );
  } catch {
    return false;
  }
}

/** Workloads of a namespace by selector, each group with every workload of which the selector selects a pod. */
export function groupsIn(
  now: Snapshot,
  namespace: string,
): readonly { first: Selected; selector: PodSelector; members: readonly Selected[] }[] {
  const own = [...selectedWorkloads(now).values()]
    .filter((workload) => workload.namespace === namespace && !workload.hostNetwork)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const bySelector = Map.groupBy(own, ({ selector }) => canonical(selector));
  return [...bySelector.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const members = own.filter(
      (other) =>
        same.includes(other) ||
        (podLabels(now).get(other.index) ?? []).some(({ labels }) => matches(first.selector, labels)),
    );
    return [{ first, selector: first.selector, members }];
  });
}
