import { at, isRecord, listAt, stringAt } from './manifest.js';
import { type Amounts, amountsOf, larger, sum } from './quantity.js';

/** What a pod or a container asks for, and what it may use at most. */
export interface Resources {
  requests: Amounts;
  limits: Amounts;
}

export const NOTHING: Resources = { requests: {}, limits: {} };

/**
 * What a container has once the API server has filled in what it leaves out: a missing request becomes its own limit
 * first (defaulting of pods), then the defaults of LimitRanges fill what is still missing.
 */
export function containerSize(container: unknown, defaults: Resources = NOTHING): Resources {
  const limits = amountsOf(at(container, 'resources', 'limits'));
  const requests = amountsOf(at(container, 'resources', 'requests'));
  return {
    requests: { ...defaults.requests, ...limits, ...requests },
    limits: { ...defaults.limits, ...limits },
  };
}

/** A container of a pod: its name, and where it stands in the spec. */
export interface PlacedContainer {
  container: unknown;
  /** Its name, or its place where it has none. */
  path: string;
  /** `containers[0]`. */
  field: string;
  /** An init container that goes on running beside all others. */
  sidecar: boolean;
  init: boolean;
}

/** A pod's containers, in one list: init containers, sidecars among them, then main containers. */
export function containersOf(podSpec: unknown): readonly PlacedContainer[] {
  return (['initContainers', 'containers'] as const).flatMap((list) =>
    listAt(podSpec, list).map((container, index) => {
      const init = list === 'initContainers';
      return {
        container,
        path: stringAt(container, 'name') ?? `${list}[${index}]`,
        field: `${list}[${index}]`,
        init,
        sidecar: init && stringAt(container, 'restartPolicy') === 'Always',
      };
    }),
  );
}

/** A pod as the API server measures it. */
export interface PodSizes {
  containers: readonly (PlacedContainer & { size: Resources })[];
  /** All containers together, whatever the pod says of itself. */
  summed: Resources;
  /** What the pod says of itself, once it is stored; undefined where it says nothing. */
  declared: Resources | undefined;
  /** What a LimitRange of type Pod looks at: what is declared, the sum for the rest; overhead is not in it. */
  pod: Resources;
  /** What the scheduler and a quota count: overhead is in it. */
  charged: Resources;
}

/**
 * Measures a pod whose containers have been given these defaults: the sum of its containers and sidecars, or the
 * largest init container with the sidecars before it where that is more; what the pod declares itself takes precedence;
 * overhead on top. Source: component-helpers, `resource.PodRequests` and `PodLimits`; LimitRanger leaves overhead out.
 */
export function podSizes(podSpec: unknown, defaults: Resources = NOTHING): PodSizes {
  const placed = containersOf(podSpec);
  const containers = placed.map((one) => ({ ...one, size: containerSize(one.container, defaults) }));
  const summed = both((what) => aggregate(containers, what));
  const declared = declaredOf(podSpec, placed);
  const pod = both((what) => ({ ...summed[what], ...declared?.[what] }));
  const overhead = amountsOf(at(podSpec, 'overhead'));
  return { containers, summed, declared, pod, charged: both((w) => withOverhead(pod[w], overhead, w)) };
}

/** What a pod asks for and may use, as scheduler and quota count it. */
export function podSize(podSpec: unknown, defaults: Resources = NOTHING): Resources {
  return podSizes(podSpec, defaults).charged;
}

function both(count: (what: keyof Resources) => Amounts): Resources {
  return { requests: count('requests'), limits: count('limits') };
}

function aggregate(
  containers: readonly { init: boolean; sidecar: boolean; size: Resources }[],
  what: keyof Resources,
): Amounts {
  let total: Amounts = {};
  let sidecars: Amounts = {};
  let peak: Amounts = {};
  for (const { init, sidecar, size } of containers) {
    if (sidecar) sidecars = sum(sidecars, size[what]);
    if (sidecar || !init) total = sum(total, size[what]);
    if (init) peak = larger(peak, sidecar ? sidecars : sum(sidecars, size[what]));
  }
  return larger(total, peak);
}

/**
 * Resources of the pod itself. Where it declares limits, a missing request is what its containers ask for themselves,
 * or else its limit; that is decided before any LimitRange. Source: core/v1, defaulting of pods (1.34).
 */
function declaredOf(podSpec: unknown, placed: readonly PlacedContainer[]): Resources | undefined {
  const own = at(podSpec, 'resources');
  if (!isRecord(own)) return undefined;
  const limits = ofPods(amountsOf(own.limits));
  const requests = ofPods(amountsOf(own.requests));
  if (Object.keys(limits).length === 0)
    return Object.keys(requests).length === 0 ? undefined : { requests, limits };
  const stated = placed.map((one) => ({ ...one, size: containerSize(one.container) }));
  return { limits, requests: { ...limits, ...ofPods(aggregate(stated, 'requests')), ...requests } };
}

/** The resources that a pod may declare as a whole. */
function ofPods(amounts: Amounts): Amounts {
  return Object.fromEntries(
    Object.entries(amounts).filter(([name]) => /^(cpu|memory|hugepages-.+)$/.test(name)),
  );
}

/** Overhead adds to every request, and to a limit only where there is one (none, or zero, means no bound). */
function withOverhead(amounts: Amounts, overhead: Amounts, what: keyof Resources): Amounts {
  if (what === 'requests') return sum(amounts, overhead);
  const bounded = Object.entries(overhead).filter(([name]) => (amounts[name] ?? 0n) > 0n);
  return sum(amounts, Object.fromEntries(bounded));
}
