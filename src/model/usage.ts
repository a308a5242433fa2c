import { at, listAt, type Manifest, type Ref, stringAt } from './manifest.js';
import { objectsIn } from './namespaced.js';
import { type Amounts, amountsOf, type Quantity } from './quantity.js';
import { containerSize, containersOf, NOTHING, podSizes, type Resources } from './size.js';
import type { Snapshot } from './snapshot.js';
import { type Workload, workloadsIn } from './workloads.js';

/** Resources that metrics.k8s.io tells of. */
const MEASURED = ['cpu', 'memory'] as const;

/**
 * What metrics.k8s.io tells of the containers of a namespace that run, by `pod/container`. It is what is in use now:
 * init containers that ended are not in it, sidecars are, and a peak of yesterday is not.
 */
export function usageIn(now: Snapshot, namespace: string): ReadonlyMap<string, Amounts> {
  const used = new Map<string, Amounts>();
  for (const { metadata, ...metrics } of objectsIn(now, 'PodMetrics', namespace))
    for (const container of listAt(metrics, 'containers'))
      used.set(`${metadata.name}/${stringAt(container, 'name') ?? ''}`, amountsOf(at(container, 'usage')));
  return used;
}

/** A container that uses more than it requests, in the pod where that is most. */
export interface Overuse {
  ref: Ref;
  pod: string;
  container: string;
  resource: (typeof MEASURED)[number];
  used: Quantity;
  /** Undefined where it requests nothing, and gets nothing by default. */
  requested: Quantity | undefined;
  /** That is what it says itself, no default. */
  own: boolean;
}

/** Containers that use more than they request, once each; `defaults`: what they get where they say nothing. */
export function overuseIn(now: Snapshot, namespace: string, defaults = NOTHING): readonly Overuse[] {
  const usage = usageIn(now, namespace);
  if (usage.size === 0) return [];
  const found = new Map<string, Overuse>();
  for (const { ref, pods } of workloadsIn(now, namespace))
    for (const pod of pods)
      for (const { path, ...more } of overuseOf(pod, usage, defaults)) {
        const { resource, used } = more;
        const key = `${ref.kind}/${ref.name}/${path}/${resource}`;
        const most = found.get(key);
        if (most === undefined || most.used < used)
          found.set(key, { ref, pod: pod.metadata.name, container: path, ...more });
      }
  return [...found.values()];
}

/** What the live pods of a workload use beyond what they request, in sum, as keys of a quota. */
export function excessOf(
  { pods }: Workload,
  usage: ReadonlyMap<string, Amounts>,
  defaults: Resources,
): Amounts {
  const out: Record<string, Quantity> = {};
  for (const pod of pods)
    for (const { resource, used, requested } of overuseOf(pod, usage, defaults)) {
      const key = `requests.${resource}`;
      out[key] = (out[key] ?? 0n) + used - (requested ?? 0n);
    }
  return out;
}

/** Container by container; where the pod declares a resource itself, of all of them together. */
function overuseOf(pod: Manifest, usage: ReadonlyMap<string, Amounts>, defaults: Resources) {
  const placed = containersOf(pod.spec);
  const used = placed.map(({ path }) => usage.get(`${pod.metadata.name}/${path}`) ?? {});
  if (used.every((one) => Object.keys(one).length === 0)) return [];
  const declared = podSizes(pod.spec, defaults).declared?.requests ?? {};
  return MEASURED.flatMap((resource) => {
    const whole = declared[resource];
    const all = [
      ...(whole === undefined
        ? placed.map(({ container, path }, index) => ({
            path,
            used: used[index]?.[resource] ?? 0n,
            requested: containerSize(container, defaults).requests[resource],
            own: containerSize(container).requests[resource] !== undefined,
          }))
        : [
            {
              path: 'the pod',
              used: used.reduce((n, one) => n + (one[resource] ?? 0n), 0n),
              requested: whole,
              own: true,
            },
          ]),
    ];
    return all.filter((one) => one.used > (one.requested ?? 0n)).map((one) => ({ ...one, resource }));
  });
}
