import { at, listAt, type Manifest, stringAt } from './manifest.js';
import { amountsOf, amountText } from './quantity.js';
import { containerSize, containersOf, podSize, type Resources } from './size.js';

/**
 * The defaults that a LimitRange's item has once the API server has stored it: a missing `default` is `max`, a missing
 * `defaultRequest` is `default`, then `min`. Source: core/v1, `SetDefaults_LimitRangeItem`.
 */
export function itemDefaults(item: unknown): Resources {
  if (stringAt(item, 'type') !== 'Container') return { requests: {}, limits: {} };
  const limits = { ...amountsOf(at(item, 'max')), ...amountsOf(at(item, 'default')) };
  const requests = { ...amountsOf(at(item, 'min')), ...limits, ...amountsOf(at(item, 'defaultRequest')) };
  return { requests, limits };
}

/**
 * What containers get that say nothing themselves. With several LimitRanges it is undefined which one wins: then the
 * largest request and the smallest limit, so that a size is never too small and a check never too kind.
 */
export function defaultsOf(limitRanges: readonly Manifest[]): Resources {
  const requests: Record<string, bigint> = {};
  const limits: Record<string, bigint> = {};
  for (const item of limitRanges.flatMap((range) => listAt(range, 'spec', 'limits'))) {
    const defaults = itemDefaults(item);
    for (const [name, value] of Object.entries(defaults.requests))
      if (requests[name] === undefined || value > requests[name]) requests[name] = value;
    for (const [name, value] of Object.entries(defaults.limits))
      if (limits[name] === undefined || value < limits[name]) limits[name] = value;
  }
  return { requests, limits };
}

/** One reason why the API server would refuse a pod. */
export interface Violation {
  /** Container's name, or `pod`. */
  where: string;
  field: 'min' | 'max' | 'default' | 'maxLimitRequestRatio';
  resource: string;
  message: string;
}

/** Why pods of this spec would be refused by these LimitRanges, after their defaults were filled in. */
export function limitViolations(podSpec: unknown, limitRanges: readonly Manifest[]): readonly Violation[] {
  const items = limitRanges.flatMap((range) => listAt(range, 'spec', 'limits'));
  return violationsOf(podSpec, items, defaultsOf(limitRanges));
}

/**
 * Why pods of this spec would be refused by these items of LimitRanges, with these defaults. `max` demands a limit,
 * `min` a request. Source: the LimitRanger admission plugin.
 */
export function violationsOf(
  podSpec: unknown,
  items: readonly unknown[],
  defaults: Resources,
): readonly Violation[] {
  const containers = containersOf(podSpec).map(({ container, path }) => ({
    where: path,
    size: containerSize(container, defaults),
  }));
  const pod = { where: 'pod', size: podSize(podSpec, defaults) };
  return [
    ...containers.flatMap(({ where, size }) => requestOverLimit(where, size)),
    ...items.flatMap((item) => {
      const type = stringAt(item, 'type');
      const checked = type === 'Container' ? containers : type === 'Pod' ? [pod] : [];
      return checked.flatMap(({ where, size }) => itemViolations(item, where, size));
    }),
  ];
}

/** A default limit below a container's own request makes the pod invalid. */
function requestOverLimit(where: string, { requests, limits }: Resources): Violation[] {
  return Object.entries(limits).flatMap(([resource, limit]): Violation[] => {
    const request = requests[resource];
    if (request === undefined || request <= limit) return [];
    const message = `requests ${amountText(resource, request)} ${resource}, the limit is ${amountText(resource, limit)}`;
    return [{ where, field: 'default', resource, message }];
  });
}

function itemViolations(item: unknown, where: string, { requests, limits }: Resources): Violation[] {
  const out: Violation[] = [];
  const text = amountText;
  const add = (field: Violation['field'], resource: string, message: string) =>
    out.push({ where, field, resource, message });
  for (const [resource, min] of Object.entries(amountsOf(at(item, 'min')))) {
    const request = requests[resource];
    const limit = limits[resource];
    if (request === undefined)
      add('min', resource, `no ${resource} request, at least ${text(resource, min)} is demanded`);
    else if (request < min || (limit !== undefined && limit < min))
      add(
        'min',
        resource,
        `${text(resource, request)} ${resource}, at least ${text(resource, min)} is demanded`,
      );
  }
  for (const [resource, max] of Object.entries(amountsOf(at(item, 'max')))) {
    const request = requests[resource];
    const limit = limits[resource];
    if (limit === undefined)
      add('max', resource, `no ${resource} limit, at most ${text(resource, max)} is allowed`);
    else if (limit > max || (request !== undefined && request > max))
      add(
        'max',
        resource,
        `${text(resource, request !== undefined && request > limit ? request : limit)} ${resource}, at most ${text(resource, max)} is allowed`,
      );
  }
  for (const [resource, ratio] of Object.entries(amountsOf(at(item, 'maxLimitRequestRatio')))) {
    const request = requests[resource] ?? 0n;
    const limit = limits[resource] ?? 0n;
    if (request === 0n || limit === 0n || limit * 1_000_000_000n > ratio * request)
      add(
        'maxLimitRequestRatio',
        resource,
        `limit and request of ${resource} are further apart than allowed`,
      );
  }
  return out;
}
