import { at, isRecord, listAt } from '../model/manifest.js';
import { nanoOf } from './quantity.js';

/** Billionths by resource; what nobody states has no entry. */
export type Totals = Map<string, bigint>;

export interface PodTotals {
  requests: Totals;
  limits: Totals;
}

/**
 * What a pod may take at one moment of its life: at each start of an init container that one and the sidecars before
 * it, in the end all sidecars and containers together. Source: Kubernetes documentation, "Sidecar Containers".
 */
export function podTotals(spec: unknown): PodTotals {
  return { requests: totalsOf(spec, 'requests'), limits: totalsOf(spec, 'limits') };
}

function totalsOf(spec: unknown, group: 'requests' | 'limits'): Totals {
  const stated = (container: unknown): [string, bigint][] => {
    const map = at(container, 'resources', group);
    return Object.entries(isRecord(map) ? map : {}).map(([name, amount]) => [name, nanoOf(amount)]);
  };
  const running: Totals = new Map();
  const highest: Totals = new Map();
  const reach = (moment: Totals): void => {
    for (const [name, amount] of moment) if (amount > (highest.get(name) ?? -1n)) highest.set(name, amount);
  };
  for (const init of listAt(spec, 'initContainers')) {
    const stays = at(init, 'restartPolicy') === 'Always';
    const moment = stays ? running : new Map(running);
    for (const [name, amount] of stated(init)) moment.set(name, (moment.get(name) ?? 0n) + amount);
    reach(moment);
  }
  for (const container of listAt(spec, 'containers'))
    for (const [name, amount] of stated(container)) running.set(name, (running.get(name) ?? 0n) + amount);
  reach(running);
  return highest;
}

/** The same with the overhead of the pod, as a quota counts it. */
export function chargedTotals(spec: unknown): PodTotals {
  const { requests, limits } = podTotals(spec);
  const overhead = at(spec, 'overhead');
  for (const [name, amount] of Object.entries(isRecord(overhead) ? overhead : {})) {
    requests.set(name, (requests.get(name) ?? 0n) + nanoOf(amount));
    const bound = limits.get(name);
    if (bound !== undefined && bound > 0n) limits.set(name, bound + nanoOf(amount));
  }
  return { requests, limits };
}
