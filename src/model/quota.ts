import { defaultsOf, limitViolations } from './limits.js';
import { at, isRecord, listAt, type Manifest, type Ref, refOf, stringAt } from './manifest.js';
import { type Amounts, amountsOf, amountText, larger, sum, times, whole } from './quantity.js';
import { containerSize, containersOf, podSize, type Resources } from './size.js';
import { objects, type Snapshot } from './snapshot.js';
import { podsOf, type Workload, workloadsIn } from './workloads.js';

/** Names that mean the same in `spec.hard`. Source: core/v1, ResourceQuota. */
const SYNONYMS: Readonly<Record<string, string>> = {
  cpu: 'requests.cpu',
  memory: 'requests.memory',
  'ephemeral-storage': 'requests.ephemeral-storage',
  'count/services': 'services',
};

/** The one name that we use for a key of `spec.hard`. */
export function quotaKey(key: string): string {
  return SYNONYMS[key] ?? key;
}

/** A map of `spec.hard` or `status.used` under our names; of two names for the same the smaller counts. */
export function quotaAmounts(map: unknown): Amounts {
  const out: Record<string, bigint> = {};
  for (const [key, value] of Object.entries(amountsOf(map))) {
    const name = quotaKey(key);
    const other = out[name];
    out[name] = other === undefined || value < other ? value : other;
  }
  return out;
}

/** Whether a quota counts only some pods. */
export function isScoped(quota: Manifest): boolean {
  return (
    listAt(quota, 'spec', 'scopes').length > 0 ||
    listAt(quota, 'spec', 'scopeSelector', 'matchExpressions').length > 0
  );
}

/** What one pod of this spec counts for in a quota, by key of `spec.hard`. */
export function podCharge(podSpec: unknown, defaults?: Resources): Amounts {
  const { requests, limits } = podSize(podSpec, defaults);
  const out: Record<string, bigint> = { pods: whole(1), 'count/pods': whole(1) };
  for (const [name, value] of Object.entries(requests)) out[`requests.${name}`] = value;
  for (const [name, value] of Object.entries(limits)) out[`limits.${name}`] = value;
  return out;
}

/** What a Service counts for. A LoadBalancer takes node ports as well unless it says that it wants none. */
export function serviceCharge(service: Manifest): Amounts {
  const ports = listAt(service, 'spec', 'ports');
  const type = stringAt(service, 'spec', 'type');
  const out: Record<string, bigint> = { services: whole(1) };
  if (type === 'NodePort') out['services.nodeports'] = whole(ports.length);
  if (type === 'LoadBalancer') {
    const allocates = at(service, 'spec', 'allocateLoadBalancerNodePorts') !== false;
    const explicit = ports.filter((port) => Number(at(port, 'nodePort') ?? 0) > 0);
    out['services.nodeports'] = whole(allocates ? ports.length : explicit.length);
    out['services.loadbalancers'] = whole(1);
  }
  return out;
}

/** Keys of `spec.hard` whose present use these functions can tell. */
export const COUNTED: readonly string[] = [
  'requests.cpu',
  'requests.memory',
  'limits.cpu',
  'limits.memory',
  'pods',
  'count/pods',
  'services',
  'services.loadbalancers',
  'services.nodeports',
];

/** What a namespace needs at the most while everything that runs in it today is rolled out at once. */
export interface Needs {
  total: Amounts;
  /** The largest single pod, key by key. */
  onePod: Amounts;
}

/**
 * The needs of a namespace: for each workload its pods (wanted or live, whichever are more, and those that a rolling
 * update adds), each as large as the template or the largest live pod (injected sidecars, resized pods); Services.
 * Pods without requests count with the defaults. Terminating pods of a roll are left to the headroom: a controller
 * whose next pod has to wait for them tries again.
 */
export function needsOf(now: Snapshot, namespace: string, defaults: Resources): Needs {
  let total: Amounts = {};
  let onePod: Amounts = {};
  const key = keyOf(defaults);
  for (const workload of workloadsIn(now, namespace)) {
    const pod = largestPod(workload, defaults, key);
    total = sum(total, times(pod, podsOf(workload)));
    onePod = larger(onePod, pod);
  }
  for (const service of servicesIn(now, namespace)) total = sum(total, serviceCharge(service));
  return { total, onePod };
}

const services = new WeakMap<readonly Manifest[], ReadonlyMap<string, readonly Manifest[]>>();

function servicesIn(now: Snapshot, namespace: string): readonly Manifest[] {
  const all = objects(now, 'Service');
  const known = services.get(all) ?? Map.groupBy(all, ({ metadata }) => metadata.namespace ?? '');
  services.set(all, known);
  return known.get(namespace) ?? [];
}

function largestPod(workload: Workload, defaults: Resources, key: string): Amounts {
  const specs: unknown[] = workload.pods.map((pod) => pod.spec);
  if (workload.template !== undefined) specs.push(workload.template);
  return specs.reduce<Amounts>((most, spec) => larger(most, knownCharge(spec, defaults, key)), {});
}

/** Charges by pod spec and defaults. A wizard plans anew with every answer, and thousands of pods stay the same. */
const charges = new WeakMap<object, { key: string; charge: Amounts }>();

function knownCharge(spec: unknown, defaults: Resources, key: string): Amounts {
  if (!isRecord(spec)) return podCharge(spec, defaults);
  const known = charges.get(spec);
  if (known?.key === key) return known.charge;
  const charge = podCharge(spec, defaults);
  charges.set(spec, { key, charge });
  return charge;
}

function keyOf({ requests, limits }: Resources): string {
  return [requests, limits].map((amounts) => Object.entries(amounts).join()).join('/');
}

/** Something that runs today and would be refused when it is created anew. */
export interface Refusal {
  /** The workload, or the quota that a full roll of the whole namespace does not fit in. */
  ref: Ref;
  by: Ref | undefined;
  /** Key of `spec.hard`, where a quota refuses. */
  key?: string;
  message: string;
}

/**
 * What LimitRanges and quotas would refuse if every workload of a namespace were rolled out at once. Quotas with
 * scopes are not judged.
 */
export function refusals(
  now: Snapshot,
  namespace: string,
  limitRanges: readonly Manifest[],
  quotas: readonly Manifest[],
): readonly Refusal[] {
  if (limitRanges.length + quotas.length === 0) return [];
  const defaults = defaultsOf(limitRanges);
  const judged = quotas.filter((quota) => !isScoped(quota));
  const out: Refusal[] = [];
  for (const { ref, template } of workloadsIn(now, namespace)) {
    if (template === undefined) continue;
    const by = limitRanges[0] === undefined ? undefined : refOf(limitRanges[0]);
    for (const { where, message } of limitViolations(template, limitRanges))
      out.push({ ref, by, message: `${where}: ${message}` });
    for (const quota of judged)
      for (const refusal of unspecified(template, defaults, quota))
        out.push({ ref, by: refOf(quota), ...refusal });
  }
  const { total } = needsOf(now, namespace, defaults);
  for (const quota of judged)
    for (const [key, hard] of Object.entries(quotaAmounts(at(quota, 'spec', 'hard')))) {
      const needed = total[key];
      if (needed !== undefined && needed > hard)
        out.push({
          ref: refOf(quota),
          by: refOf(quota),
          key,
          message: `${key}: ${amountText(key, needed)} needed, ${amountText(key, hard)} allowed`,
        });
    }
  return out;
}

/** Requests and limits that a quota demands of every container and that one does not have. */
function unspecified(
  podSpec: unknown,
  defaults: Resources,
  quota: Manifest,
): readonly { key: string; message: string }[] {
  const keys = Object.keys(quotaAmounts(at(quota, 'spec', 'hard'))).filter((key) =>
    /^(requests|limits)\.(cpu|memory)$/.test(key),
  );
  const ofPod = at(podSpec, 'resources');
  return containersOf(podSpec).flatMap(({ container, path }) => {
    const size = containerSize(container, defaults);
    return keys.flatMap((key) => {
      const [what, resource] = key.split('.') as [keyof Resources, string];
      const declared = isRecord(ofPod) && amountsOf(ofPod[what])[resource] !== undefined;
      return declared || size[what][resource] !== undefined
        ? []
        : [{ key, message: `${path}: no ${key}, which the quota demands` }];
    });
  });
}
