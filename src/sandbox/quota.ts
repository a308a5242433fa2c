import { at, isRecord, listAt, type Manifest } from '../model/manifest.js';
import { podTotals } from './admission-limits.js';
import { formatQuantity, nanoOf, parseQuantity } from './quantity.js';
import { coreResource, RESOURCES, type Resource, resourceAt } from './resources.js';
import { resourceText } from './status.js';
import type { Store } from './store.js';

type Amounts = Record<string, bigint>;

const ONE = 1_000_000_000n;
const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];
/** Values that every new container must state where a quota tracks them. */
const DEMANDED = /^(?:requests\.|limits\.)?(?:cpu|memory)$/;

/** Whether a pod still counts: not finished and not past its deletion. */
function counts(pod: Manifest): boolean {
  return !['Succeeded', 'Failed'].includes(String(at(pod, 'status', 'phase')));
}

/** What a new object uses of the names that quotas have, in billionths. */
function usageOf(resource: Resource, object: Manifest): Amounts {
  if (resource.kind === 'Pod' && resource.group === '') return podUsage(object);
  const usage: Amounts = { [`count/${resourceText(resource)}`]: ONE };
  if (resource.group !== '') return usage;
  usage[resource.plural] = ONE;
  const type = at(object, 'spec', 'type');
  if (resource.kind !== 'Service') return usage;
  if (type === 'LoadBalancer') usage['services.loadbalancers'] = ONE;
  if (type === 'LoadBalancer' || type === 'NodePort') usage['services.nodeports'] = ONE;
  return usage;
}

function podUsage(pod: Manifest): Amounts {
  const { requests, limits } = podTotals(pod.spec);
  const usage: Amounts = { pods: ONE, 'count/pods': ONE };
  for (const [name, amount] of Object.entries(requests)) {
    usage[`requests.${name}`] = nanoOf(amount);
    if (COMPUTE.includes(name)) usage[name] = nanoOf(amount);
  }
  for (const [name, amount] of Object.entries(limits)) usage[`limits.${name}`] = nanoOf(amount);
  return usage;
}

/** Whether a quota's scopes cover a pod. */
function covers(quota: Manifest, pod: Manifest): boolean {
  return listAt(quota, 'spec', 'scopes').every((scope) => {
    const { requests, limits } = podTotals(pod.spec);
    const bestEffort = Object.keys(requests).length + Object.keys(limits).length === 0;
    const terminating = at(pod, 'spec', 'activeDeadlineSeconds') !== undefined;
    if (scope === 'BestEffort') return bestEffort;
    if (scope === 'NotBestEffort') return !bestEffort;
    if (scope === 'Terminating') return terminating;
    return scope === 'NotTerminating' ? !terminating : true;
  });
}

/** `status` of a ResourceQuota, as kube-controller-manager computes it. */
export function quotaStatus(store: Store, quota: Manifest): { hard?: object; used?: object } {
  const hard = at(quota, 'spec', 'hard');
  if (!isRecord(hard) || Object.keys(hard).length === 0) return {};
  const namespace = quota.metadata.namespace ?? '';
  const used = Object.fromEntries(
    Object.keys(hard).map((name) => {
      const form = parseQuantity(String(hard[name]))?.form ?? 'decimal';
      return [name, formatQuantity({ nano: usedOf(store, namespace, quota, name), form })];
    }),
  );
  return { hard, used };
}

function usedOf(store: Store, namespace: string, quota: Manifest, name: string): bigint {
  const count = counted(name);
  if (count !== undefined) return BigInt(store.all(count, namespace).length) * ONE;
  if (name === 'services.loadbalancers' || name === 'services.nodeports')
    return BigInt(servicesOf(store, namespace, name)) * ONE;
  return store
    .all(coreResource('Pod'), namespace)
    .map(({ object }) => object)
    .filter((pod) => counts(pod) && covers(quota, pod))
    .reduce((sum, pod) => sum + (podUsage(pod)[name] ?? 0n), 0n);
}

/** The resource whose objects a name counts; undefined for what pods use. */
function counted(name: string) {
  const generic = /^count\/([^.]+)(?:\.(.+))?$/.exec(name);
  if (generic !== null)
    return RESOURCES.find(({ plural, group }) => plural === generic[1] && group === (generic[2] ?? ''));
  return name === 'pods' ? undefined : resourceAt('', 'v1', name);
}

function servicesOf(store: Store, namespace: string, name: string): number {
  const types = name === 'services.loadbalancers' ? ['LoadBalancer'] : ['NodePort', 'LoadBalancer'];
  return store
    .all(resourceAt('', 'v1', 'services')!, namespace)
    .filter(({ object }) => types.includes(String(at(object, 'spec', 'type')))).length;
}

/** Why quotas refuse a new object; undefined where they do not. */
export function quotaProblem(
  store: Store,
  resource: Resource,
  namespace: string,
  object: Manifest,
): string | undefined {
  const isPod = resource.kind === 'Pod';
  for (const { object: quota } of store.all(coreResource('ResourceQuota'), namespace)) {
    // Only a quota whose status was computed is enforced, as by the real admission plugin.
    const hard = at(quota, 'status', 'hard');
    if (!isRecord(hard) || (isPod && !covers(quota, object))) continue;
    const name = quota.metadata.name;
    const missing = isPod ? unstated(object, Object.keys(hard)) : [];
    if (missing.length > 0) return `failed quota: ${name}: must specify ${missing.join(',')}`;
    const usage = usageOf(resource, object);
    const over = Object.keys(hard)
      .filter((key) => (usage[key] ?? 0n) > 0n)
      .filter((key) => usedOf(store, namespace, quota, key) + usage[key]! > nanoOf(hard[key]));
    if (over.length === 0) continue;
    const list = (amount: (key: string) => bigint): string =>
      over
        .toSorted()
        .map((key) => `${key}=${text(amount(key), hard[key])}`)
        .join(',');
    return `exceeded quota: ${name}, requested: ${list((key) => usage[key]!)}, used: ${list((key) =>
      usedOf(store, namespace, quota, key),
    )}, limited: ${list((key) => nanoOf(hard[key]))}`;
  }
  return undefined;
}

function unstated(pod: Manifest, tracked: readonly string[]): string[] {
  const containers = [...listAt(pod, 'spec', 'initContainers'), ...listAt(pod, 'spec', 'containers')];
  return tracked
    .filter((name) => DEMANDED.test(name))
    .filter((name) => {
      const [group, resource] = name.includes('.') ? name.split('.') : ['requests', name];
      return containers.some((container) => at(container, 'resources', group!, resource!) === undefined);
    })
    .toSorted();
}

function text(nano: bigint, like: unknown): string {
  return formatQuantity({ nano, form: parseQuantity(String(like))?.form ?? 'decimal' });
}
