import { type Dialect, NEWEST } from './admission-dialect.js';
import { itemsOf, possibleDefaults } from './limit-defaults.js';
import { at, type Manifest, stringAt } from './manifest.js';
import { type Amounts, amountsOf, amountText, divideUp, larger, type Quantity, whole } from './quantity.js';
import { type PodSizes, podSizes, type Resources } from './size.js';

/** One reason why the API server would refuse a pod, or a claim. */
export interface Violation {
  /** Container's name, `pod` or `claim`. */
  where: string;
  /** Field of the pod's spec that it is about, e.g. `containers[0].resources.limits.memory`. */
  path: string;
  /** `invalid`: the object itself would not be valid once the defaults are in it. */
  field: 'min' | 'max' | 'invalid' | 'maxLimitRequestRatio';
  resource: string;
  /** What is wrong, and the smallest value that would be admitted. */
  message: string;
}

/**
 * Why pods of this spec would be refused by these LimitRanges, after their defaults were filled in; with several
 * LimitRanges, in whatever order they are applied.
 */
export function limitViolations(
  podSpec: unknown,
  limitRanges: readonly Manifest[],
  dialect: Dialect = NEWEST,
): readonly Violation[] {
  const items = itemsOf(limitRanges);
  const found = new Map<string, Violation>();
  for (const defaults of possibleDefaults(limitRanges))
    for (const one of sizeViolations(podSizes(podSpec, defaults), items, dialect))
      found.set(`${one.path}/${one.field}/${one.resource}`, one);
  return [...found.values()];
}

/** Why pods of this spec would be refused by these items of LimitRanges, with these defaults. */
export function violationsOf(
  podSpec: unknown,
  items: readonly unknown[],
  defaults: Resources,
): readonly Violation[] {
  return sizeViolations(podSizes(podSpec, defaults), items);
}

/** A thing that an item of a LimitRange looks at. */
interface Checked {
  where: string;
  /** Where its resources stand. */
  path: string;
  size: Resources;
}

/** Why a pod of these sizes would be refused. `max` demands a limit, `min` a request. Source: plugin LimitRanger. */
export function sizeViolations(
  sizes: PodSizes,
  items: readonly unknown[],
  dialect: Dialect = NEWEST,
): readonly Violation[] {
  const containers: Checked[] = sizes.containers.map(({ path: where, field, size }) => ({
    where,
    path: `${field}.resources`,
    size,
  }));
  const pod: Checked = {
    where: 'pod',
    path: sizes.declared === undefined ? 'sum of resources' : 'resources',
    size: dialect.partialSums ? sizes.pod : statedByAll(sizes),
  };
  return [
    ...containers.flatMap(requestOverLimit),
    ...(sizes.declared === undefined ? [] : beyondPod(sizes, sizes.declared, containers)),
    ...items.flatMap((item) => {
      const type = stringAt(item, 'type');
      const checked = type === 'Container' ? containers : type === 'Pod' ? [pod] : [];
      return checked.flatMap((one) => itemViolations(item, one));
    }),
  ];
}

/** What every main container states, in sum, and what single init containers state. */
function statedByAll({ containers, pod }: PodSizes): Resources {
  const of = (what: keyof Resources): Amounts => {
    const inits = containers.filter(({ init }) => init).map(({ size }) => size[what]);
    const sums = Object.entries(pod[what]).filter(([name]) =>
      containers.every(({ init, size }) => init || size[what][name] !== undefined),
    );
    return { ...inits.reduce(larger, {}), ...Object.fromEntries(sums) };
  };
  return { requests: of('requests'), limits: of('limits') };
}

/** Why a claim would be refused: items of type PersistentVolumeClaim look at what it requests, never at a limit. */
export function claimViolations(claimSpec: unknown, limitRanges: readonly Manifest[]): readonly Violation[] {
  const requests = amountsOf(at(claimSpec, 'resources', 'requests'));
  const claim: Checked = { where: 'claim', path: 'resources', size: { requests, limits: {} } };
  return itemsOf(limitRanges)
    .filter((item) => stringAt(item, 'type') === 'PersistentVolumeClaim')
    .flatMap((item) => [...belowMin(item, claim), ...aboveMax(item, claim, ['requests'])]);
}

/** A default limit below a container's own request makes the pod invalid. */
function requestOverLimit({ where, path, size: { requests, limits } }: Checked): Violation[] {
  return Object.entries(limits).flatMap(([resource, limit]): Violation[] => {
    const request = requests[resource];
    if (request === undefined || request <= limit) return [];
    const [asked, bound] = [amountText(resource, request), amountText(resource, limit)];
    const message = `requests ${asked} ${resource}, its limit is ${bound}: a limit of ${asked} would be admitted`;
    return [{ where, path: `${path}.limits.${resource}`, field: 'invalid', resource, message }];
  });
}

/** What containers say, or get by default, must fit what their pod declares. Source: validation of pods (1.34). */
function beyondPod(sizes: PodSizes, declared: Resources, containers: readonly Checked[]): Violation[] {
  const out: Violation[] = [...requestOverLimit({ where: 'pod', path: 'resources', size: declared })];
  for (const [resource, bound] of Object.entries(declared.requests)) {
    const asked = sizes.summed.requests[resource] ?? 0n;
    if (asked <= bound) continue;
    const message = `the pod requests ${amountText(resource, bound)} ${resource}, its containers ${amountText(resource, asked)}: ${amountText(resource, asked)} would be admitted`;
    out.push({ where: 'pod', path: `resources.requests.${resource}`, field: 'invalid', resource, message });
  }
  for (const { where, size } of containers)
    for (const [resource, bound] of Object.entries(declared.limits)) {
      const limit = size.limits[resource] ?? 0n;
      if (limit <= bound) continue;
      const message = `${where} may use ${amountText(resource, limit)} ${resource}, its pod ${amountText(resource, bound)}: ${amountText(resource, limit)} would be admitted`;
      out.push({ where, path: `resources.limits.${resource}`, field: 'invalid', resource, message });
    }
  return out;
}

function itemViolations(item: unknown, checked: Checked): Violation[] {
  return [
    ...belowMin(item, checked),
    ...aboveMax(item, checked, ['limits', 'requests']),
    ...tooFarApart(item, checked),
  ];
}

function violation(
  { where, path }: Checked,
  field: Violation['field'],
  what: keyof Resources,
  resource: string,
  message: string,
): Violation {
  return { where, path: `${path}.${what}.${resource}`, field, resource, message };
}

/** As people say it: a container requests, and has a limit. */
const SAYS = { requests: 'requests', limits: 'limit' } as const;
const LACKS = { requests: 'no request', limits: 'no limit' } as const;

function belowMin(item: unknown, checked: Checked): Violation[] {
  const { requests, limits } = checked.size;
  return Object.entries(amountsOf(at(item, 'min'))).flatMap(([resource, min]): Violation[] => {
    const [request, limit] = [requests[resource], limits[resource]];
    const least = `the least that is admitted is ${amountText(resource, min)}`;
    const told = (what: keyof Resources, found: string) => [
      violation(checked, 'min', what, resource, `${found}: ${least}`),
    ];
    if (request === undefined) return told('requests', LACKS.requests);
    if (request < min) return told('requests', `requests ${amountText(resource, request)}`);
    return limit !== undefined && limit < min ? told('limits', `limit ${amountText(resource, limit)}`) : [];
  });
}

/** `demanded`: what must be stated goes first; of all of it none may be above the maximum. */
function aboveMax(item: unknown, checked: Checked, [demanded, ...others]: (keyof Resources)[]): Violation[] {
  if (demanded === undefined) return [];
  const { size } = checked;
  return Object.entries(amountsOf(at(item, 'max'))).flatMap(([resource, max]): Violation[] => {
    const most = amountText(resource, max);
    if (size[demanded][resource] === undefined) {
      const least = amountText(resource, size.requests[resource] ?? 0n);
      const message = `${LACKS[demanded]}: state one, from ${least} to ${most}`;
      return [violation(checked, 'max', demanded, resource, message)];
    }
    const over = [demanded, ...others].find((what) => (size[what][resource] ?? 0n) > max);
    if (over === undefined) return [];
    const found = amountText(resource, size[over][resource] ?? 0n);
    const message = `${SAYS[over]} ${found}, max is ${most}: a max of ${found} would admit it`;
    return [violation(checked, 'max', over, resource, message)];
  });
}

function tooFarApart(item: unknown, checked: Checked): Violation[] {
  const { requests, limits } = checked.size;
  return Object.entries(amountsOf(at(item, 'maxLimitRequestRatio'))).flatMap(
    ([resource, ratio]): Violation[] => {
      const [request, limit] = [requests[resource] ?? 0n, limits[resource] ?? 0n];
      if (request > 0n && limit > 0n && limit * ONE <= ratio * request) return [];
      const allowed = `limit and request may be ${amountText('', ratio)} times apart`;
      const [what, found] =
        limit === 0n
          ? (['limits', LACKS.limits] as const)
          : (['requests', ratioText(resource, request, limit)] as const);
      const least = limit === 0n ? '' : smallestRequest(resource, limit, ratio);
      return [violation(checked, 'maxLimitRequestRatio', what, resource, `${found}: ${allowed}${least}`)];
    },
  );
}

const ONE = whole(1);

function ratioText(resource: string, request: Quantity, limit: Quantity): string {
  const asked = request === 0n ? LACKS.requests : `requests ${amountText(resource, request)}`;
  return `${asked}, limit ${amountText(resource, limit)}`;
}

/** The smallest request within a ratio, in thousandths, which is as fine as the API server keeps it. */
function smallestRequest(resource: string, limit: Quantity, ratio: Quantity): string {
  if (ratio === 0n) return '';
  const unit = ONE / 1000n;
  const least = divideUp(divideUp(limit * ONE, ratio), unit) * unit;
  return `, so the least request that is admitted is ${amountText(resource, least)}`;
}
