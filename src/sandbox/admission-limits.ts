import { isRecord, listAt, stringAt } from '../model/manifest.js';
import { child, fill } from './defaults.js';
import { nanoOf } from './quantity.js';
import { coreResource } from './resources.js';
import { forbidden } from './status.js';
import type { Store } from './store.js';

type Fields = Record<string, unknown>;

const record = (value: unknown): Fields => (isRecord(value) ? value : {});

/**
 * What LimitRanges do to a new pod: defaults are put in first, then the pod is checked. Refusals are 403, as the
 * plugin LimitRanger words them.
 */
export function admitLimits(store: Store, namespace: string, pod: Fields): void {
  const spec = record(pod.spec);
  const containers = [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')].filter(isRecord);
  const limits = store
    .all(coreResource('LimitRange'), namespace)
    .flatMap(({ object }) => listAt(object, 'spec', 'limits').filter(isRecord));
  const name = stringAt(pod, 'metadata', 'name') ?? '';

  for (const item of limits.filter((one) => one.type === 'Container'))
    for (const container of containers) injectDefaults(item, container);
  const problems = limits.flatMap((item) => {
    if (item.type === 'Container')
      return containers.flatMap((one) => violations(item, resourcesOf(one), 'Container'));
    return item.type === 'Pod' ? violations(item, podTotals(spec), 'Pod') : [];
  });
  if (problems.length > 0)
    throw forbidden(
      coreResource('Pod'),
      name,
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

/** Sum over containers; an init container counts where it asks for more than all of them. In billionths. */
export function podTotals(spec: unknown): Amounts {
  const totals: Amounts = { requests: {}, limits: {} };
  for (const group of ['requests', 'limits'] as const) {
    for (const container of listAt(spec, 'containers').filter(isRecord))
      for (const [name, amount] of Object.entries(resourcesOf(container)[group]))
        totals[group][name] = nanoText(nanoOf(totals[group][name] ?? '0') + nanoOf(amount));
    for (const container of listAt(spec, 'initContainers').filter(isRecord))
      for (const [name, amount] of Object.entries(resourcesOf(container)[group]))
        if (nanoOf(amount) > nanoOf(totals[group][name] ?? '0')) totals[group][name] = amount;
  }
  return totals;
}

function nanoText(nano: bigint): string {
  return `${nano}n`;
}

function violations(item: Fields, { requests, limits }: Amounts, type: string): string[] {
  const problems: string[] = [];
  for (const [name, least] of Object.entries(record(item.min))) {
    const asked = requests[name];
    if (asked === undefined)
      problems.push(`minimum ${name} usage per ${type} is ${least}.  No request is specified`);
    else if (nanoOf(asked) < nanoOf(least))
      problems.push(`minimum ${name} usage per ${type} is ${least}, but request is ${asked}`);
  }
  for (const [name, most] of Object.entries(record(item.max))) {
    const limit = limits[name];
    if (limit === undefined)
      problems.push(`maximum ${name} usage per ${type} is ${most}.  No limit is specified`);
    else if (nanoOf(limit) > nanoOf(most))
      problems.push(`maximum ${name} usage per ${type} is ${most}, but limit is ${limit}`);
  }
  for (const [name, ratio] of Object.entries(record(item.maxLimitRequestRatio))) {
    const [asked, limit] = [requests[name], limits[name]];
    if (asked === undefined || limit === undefined || nanoOf(asked) === 0n)
      problems.push(
        `${name} max limit to request ratio per ${type} is ${ratio}, but no request or limit is specified`,
      );
    else if (nanoOf(limit) * 1_000_000_000n > nanoOf(ratio) * nanoOf(asked))
      problems.push(
        `${name} max limit to request ratio per ${type} is ${ratio}, but provided ratio is greater`,
      );
  }
  return problems;
}
