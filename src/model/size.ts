import { at, isRecord, listAt, stringAt } from './manifest.js';
import { type Amounts, amountsOf, larger, sum } from './quantity.js';

/** What a pod or a container asks for, and what it may use at most. */
export interface Resources {
  requests: Amounts;
  limits: Amounts;
}

const NOTHING: Resources = { requests: {}, limits: {} };

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

/** A pod's containers, in one list: init containers, sidecars among them, then main containers. */
export function containersOf(podSpec: unknown): readonly { container: unknown; path: string }[] {
  return ['initContainers', 'containers'].flatMap((field) =>
    listAt(podSpec, field).map((container, index) => ({
      container,
      path: stringAt(container, 'name') ?? `${field}[${index}]`,
    })),
  );
}

/**
 * What a pod asks for and may use, as scheduler and quota count it: the sum of its containers and sidecars, or the
 * largest init container with the sidecars before it where that is more; resources of the pod itself take precedence;
 * overhead on top. Source: component-helpers, `resource.PodRequests`.
 */
export function podSize(podSpec: unknown, defaults: Resources = NOTHING): Resources {
  const containers = listAt(podSpec, 'containers').map((c) => containerSize(c, defaults));
  const inits = listAt(podSpec, 'initContainers').map((c) => ({
    sidecar: stringAt(c, 'restartPolicy') === 'Always',
    size: containerSize(c, defaults),
  }));
  const overhead = amountsOf(at(podSpec, 'overhead'));
  const own = at(podSpec, 'resources');
  const count = (what: keyof Resources): Amounts => {
    let total = containers.reduce<Amounts>((all, c) => sum(all, c[what]), {});
    let sidecars: Amounts = {};
    let peak: Amounts = {};
    for (const { sidecar, size } of inits) {
      if (sidecar) {
        sidecars = sum(sidecars, size[what]);
        total = sum(total, size[what]);
      }
      peak = larger(peak, sidecar ? sidecars : sum(sidecars, size[what]));
    }
    const declared = isRecord(own) ? { ...podLevel(own, what) } : {};
    return withOverhead({ ...larger(total, peak), ...declared }, overhead, what);
  };
  return { requests: count('requests'), limits: count('limits') };
}

/** Resources of the pod itself; a missing request is its limit. */
function podLevel(own: Record<string, unknown>, what: keyof Resources): Amounts {
  const limits = amountsOf(own.limits);
  return what === 'limits' ? limits : { ...limits, ...amountsOf(own.requests) };
}

/** Overhead adds to every request, and to a limit only where there is one (none means no bound). */
function withOverhead(amounts: Amounts, overhead: Amounts, what: keyof Resources): Amounts {
  if (what === 'requests') return sum(amounts, overhead);
  const bounded = Object.entries(overhead).filter(([name]) => amounts[name] !== undefined);
  return sum(amounts, Object.fromEntries(bounded));
}
