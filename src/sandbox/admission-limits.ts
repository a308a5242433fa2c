import { isRecord, listAt, stringAt } from '../model/manifest.js';
import { child, fill } from './defaults.js';
import { podTotals } from './pod-totals.js';
import { nanoOf } from './quantity.js';
import { coreResource } from './resources.js';
import { forbidden } from './status.js';
import type { Store } from './store.js';

type Fields = Record<string, unknown>;

const record = (value: unknown): Fields => (isRecord(value) ? value : {});

function limitsIn(store: Store, namespace: string): Fields[] {
  return store
    .all(coreResource('LimitRange'), namespace)
    .flatMap(({ object }) => listAt(object, 'spec', 'limits').filter(isRecord));
}

function containersIn(pod: Fields): Fields[] {
  const spec = record(pod.spec);
  return [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')].filter(isRecord);
}

/** Puts the defaults of LimitRanges into a new pod. */
export function defaultFromLimits(store: Store, namespace: string, pod: Fields): void {
  for (const item of limitsIn(store, namespace).filter((one) => one.type === 'Container'))
    for (const container of containersIn(pod)) injectDefaults(item, container);
}

/** Checks a new and valid pod, or a claim, against LimitRanges. Refusals are 403, as the plugin LimitRanger words them. */
export function checkLimits(
  store: Store,
  kind: 'Pod' | 'PersistentVolumeClaim',
  namespace: string,
  object: Fields,
): void {
  const problems = limitsIn(store, namespace).flatMap((item) => {
    if (kind === 'PersistentVolumeClaim')
      return item.type === kind ? violations(item, resourcesOf(record(object.spec)), kind) : [];
    if (item.type === 'Container')
      return containersIn(object).flatMap((one) => violations(item, resourcesOf(one), 'Container'));
    return item.type === 'Pod' ? violations(item, textTotals(object.spec), 'Pod') : [];
  });
  if (problems.length > 0)
    throw forbidden(
      coreResource(kind),
      stringAt(object, 'metadata', 'name') ?? '',
      problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`,
    );
}

function injectDefaults(item: Fields, container: Fields): void {
  const limits = record(item.default);
  const requests = record(item.defaultRequest);
  if (Object.keys(limits).length + Object.keys(requests).length === 0) return;
  const resources = child(container, 'resources');
  // A limit of the container's own is its request, before any default is (core/v1 defaults run first).
  if (Object.keys(limits).length > 0) fill(child(resources, 'limits'), limits);
  if (Object.keys(requests).length > 0) fill(child(resources, 'requests'), requests);
}

interface Amounts {
  requests: Fields;
  limits: Fields;
}

function resourcesOf(container: Fields): Amounts {
  const resources = record(container.resources);
  return { requests: record(resources.requests), limits: record(resources.limits) };
}

/** What a LimitRange of type Pod looks at; overhead is not in it. */
function textTotals(spec: unknown): Amounts {
  const totals = podTotals(spec);
  const texts = (of: ReadonlyMap<string, bigint>): Fields =>
    Object.fromEntries([...of].map(([name, nano]) => [name, `${nano}n`]));
  return { requests: texts(totals.requests), limits: texts(totals.limits) };
}

function violations(
  { min, max, maxLimitRequestRatio }: Fields,
  { requests, limits }: Amounts,
  type: string,
): string[] {
  const problems: string[] = [];
  for (const [name, least] of Object.entries(record(min))) {
    const [asked, limit] = [requests[name], limits[name]];
    const usage = `minimum ${name} usage per ${type} is ${least}`;
    if (asked === undefined) problems.push(`${usage}.  No request is specified`);
    else if (nanoOf(asked) < nanoOf(least)) problems.push(`${usage}, but request is ${asked}`);
    else if (limit !== undefined && nanoOf(limit) < nanoOf(least))
      problems.push(`${usage}, but limit is ${limit}`);
  }
  for (const [name, most] of Object.entries(record(max))) {
    const usage = `maximum ${name} usage per ${type} is ${most}`;
    // Claims have no limit of their own: what they ask for is held against the maximum.
    const stated = type === 'PersistentVolumeClaim' ? 'request' : 'limit';
    const value = (stated === 'limit' ? limits : requests)[name];
    if (value === undefined) problems.push(`${usage}.  No ${stated} is specified`);
    else if (nanoOf(value) > nanoOf(most)) problems.push(`${usage}, but ${stated} is ${value}`);
    else if (requests[name] !== undefined && nanoOf(requests[name]) > nanoOf(most))
      problems.push(`${usage}, but request is ${requests[name]}`);
  }
  for (const [name, ratio] of Object.entries(record(maxLimitRequestRatio))) {
    const [asked, limit] = [nanoOf(requests[name] ?? '0'), nanoOf(limits[name] ?? '0')];
    const bound = `${name} max limit to request ratio per ${type} is ${ratio}`;
    if (asked === 0n || limit === 0n)
      problems.push(`${bound}, but no request or limit is specified, or it is 0`);
    else if (limit * 1_000_000_000n > nanoOf(ratio) * asked)
      problems.push(`${bound}, but provided ratio is greater`);
  }
  return problems;
}
