import { at, listAt, type Manifest, stringAt } from './manifest.js';
import { amountsOf } from './quantity.js';
import { NOTHING, type Resources } from './size.js';

/**
 * The defaults that a LimitRange's item has once the API server has stored it: a missing `default` is `max`, a missing
 * `defaultRequest` is `default`, then `min`. Source: core/v1, `SetDefaults_LimitRangeItem`.
 */
export function itemDefaults(item: unknown): Resources {
  if (stringAt(item, 'type') !== 'Container') return NOTHING;
  const limits = { ...amountsOf(at(item, 'max')), ...amountsOf(at(item, 'default')) };
  const requests = { ...amountsOf(at(item, 'min')), ...limits, ...amountsOf(at(item, 'defaultRequest')) };
  return { requests, limits };
}

/**
 * What containers get that say nothing themselves. With several LimitRanges it is undefined which one wins: then the
 * largest request and the smallest limit, so that a size is never too small.
 */
export function defaultsOf(limitRanges: readonly Manifest[]): Resources {
  const requests: Record<string, bigint> = {};
  const limits: Record<string, bigint> = {};
  for (const item of itemsOf(limitRanges)) {
    const defaults = itemDefaults(item);
    for (const [name, value] of Object.entries(defaults.requests))
      if (requests[name] === undefined || value > requests[name]) requests[name] = value;
    for (const [name, value] of Object.entries(defaults.limits))
      if (limits[name] === undefined || value < limits[name]) limits[name] = value;
  }
  return { requests, limits };
}

/** So many LimitRanges are tried in every order; of more, each goes first once. */
const ALL_ORDERS = 4;

/** The defaults that a container may get, one entry for each that some order of the LimitRanges gives. */
export function possibleDefaults(limitRanges: readonly Manifest[]): readonly Resources[] {
  const each = limitRanges.map((range) => {
    const items = listAt(range, 'spec', 'limits').map(itemDefaults);
    return items.find((item) => item !== NOTHING) ?? NOTHING;
  });
  const giving = each.filter((defaults) => defaults !== NOTHING);
  const orders =
    giving.length <= ALL_ORDERS
      ? permutations(giving)
      : giving.map((first) => [first, ...giving.filter((other) => other !== first)]);
  const found = new Map<string, Resources>();
  for (const order of orders) {
    const defaults = order.reduce<Resources>(
      (all, next) => ({
        requests: { ...next.requests, ...all.requests },
        limits: { ...next.limits, ...all.limits },
      }),
      NOTHING,
    );
    found.set(resourcesKey(defaults), defaults);
  }
  return [...found.values()];
}

function permutations<T>(all: readonly T[]): T[][] {
  if (all.length === 0) return [[]];
  return all.flatMap((first, index) =>
    permutations(all.filter((_, other) => other !== index)).map((rest) => [first, ...rest]),
  );
}

/** Text that is the same for the same amounts. */
export function resourcesKey({ requests, limits }: Resources): string {
  return [requests, limits].map((amounts) => Object.entries(amounts).toSorted(byName).join()).join('/');
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** All items of these LimitRanges. */
export function itemsOf(limitRanges: readonly Manifest[]): readonly unknown[] {
  return limitRanges.flatMap((range) => listAt(range, 'spec', 'limits'));
}
