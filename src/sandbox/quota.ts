import { at, isRecord, listAt, type Manifest } from '../model/manifest.js';
import { chargedTotals } from './pod-totals.js';
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
  if (resource.kind === 'Service') return { ...usage, ...serviceUsage(object) };
  return resource.kind === 'PersistentVolumeClaim' ? { ...usage, ...claimUsage(object) } : usage;
}

function serviceUsage(service: Manifest): Amounts {
  const ports = BigInt(listAt(service, 'spec', 'ports').length) * ONE;
  const type = at(service, 'spec', 'type');
  if (type === 'LoadBalancer') return { 'services.loadbalancers': ONE, 'services.nodeports': ports };
  return type === 'NodePort' ? { 'services.nodeports': ports } : {};
}

function claimUsage(claim: Manifest): Amounts {
  const bytes = nanoOf(at(claim, 'spec', 'resources', 'requests', 'storage'));
  const storage = ((bytes + ONE - 1n) / ONE) * ONE;
  const name = at(claim, 'spec', 'storageClassName');
  const ofClass = `${name}.storageclass.storage.k8s.io`;
  return {
    'requests.storage': storage,
    ...(typeof name === 'string' && name !== ''
      ? { [`${ofClass}/requests.storage`]: storage, [`${ofClass}/persistentvolumeclaims`]: ONE }
      : {}),
  };
}

function podUsage(pod: Manifest): Amounts {
  const usage: Amounts = { 'count/pods': ONE };
  if (!counts(pod)) return usage;
  const { requests, limits } = chargedTotals(pod.spec);
  usage.pods = ONE;
  for (const [name, amount] of requests) {
    usage[`requests.${name}`] = amount;
    if (COMPUTE.includes(name)) usage[name] = amount;
  }
  for (const [name, amount] of limits) usage[`limits.${name}`] = amount;
  return usage;
}

/** Whether a quota's scopes cover an object: only pods have any that we know. */
function covers(quota: Manifest, resource: Resource, object: Manifest): boolean {
  const scopes = listAt(quota, 'spec', 'scopes');
  const expressions = listAt(quota, 'spec', 'scopeSelector', 'matchExpressions');
  if (resource.kind !== 'Pod') return scopes.length + expressions.length === 0;
  return (
    scopes.every((scope) => inScope(scope, 'Exists', [], object)) &&
    expressions.every((one) =>
      inScope(at(one, 'scopeName'), at(one, 'operator'), listAt(one, 'values'), object),
    )
  );
}

function inScope(scope: unknown, operator: unknown, values: readonly unknown[], pod: Manifest): boolean {
  const terminating = at(pod, 'spec', 'activeDeadlineSeconds') !== undefined;
  const priority = at(pod, 'spec', 'priorityClassName');
  switch (scope) {
    case 'BestEffort':
      return bestEffort(pod);
    case 'NotBestEffort':
      return !bestEffort(pod);
    case 'Terminating':
      return terminating;
    case 'NotTerminating':
      return !terminating;
    case 'PriorityClass':
      if (operator === 'Exists') return priority !== undefined;
      if (operator === 'DoesNotExist') return priority === undefined;
      return values.includes(priority) === (operator === 'In');
    default:
      return false;
  }
}

/** No container says anything of CPU or memory but zero. */
function bestEffort(pod: Manifest): boolean {
  return containersOf(pod).every((container) =>
    ['requests', 'limits'].every((group) =>
      ['cpu', 'memory'].every((name) => nanoOf(at(container, 'resources', group, name) ?? '0') === 0n),
    ),
  );
}

function containersOf(pod: Manifest): readonly unknown[] {
  return [...listAt(pod, 'spec', 'initContainers'), ...listAt(pod, 'spec', 'containers')];
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
  const resource = countedBy(name);
  if (resource === undefined) return 0n;
  return store
    .all(resource, namespace)
    .map(({ object }) => object)
    .filter((object) => covers(quota, resource, object))
    .reduce((sum, object) => sum + (usageOf(resource, object)[name] ?? 0n), 0n);
}

/** The resource whose objects a name counts. */
function countedBy(name: string): Resource | undefined {
  const generic = /^count\/([^.]+)(?:\.(.+))?$/.exec(name);
  if (generic !== null)
    return RESOURCES.find(({ plural, group }) => plural === generic[1] && group === (generic[2] ?? ''));
  if (name.startsWith('services.')) return coreResource('Service');
  if (name === 'requests.storage' || name.includes('.storageclass.'))
    return coreResource('PersistentVolumeClaim');
  return resourceAt('', 'v1', name) ?? coreResource('Pod');
}

/** Why quotas refuse a new object; undefined where they do not. */
export function quotaProblem(
  store: Store,
  resource: Resource,
  namespace: string,
  object: Manifest,
): string | undefined {
  const isPod = resource.kind === 'Pod';
  for (const { object: quota } of isPod ? store.all(coreResource('ResourceQuota'), namespace) : []) {
    const hard = at(quota, 'status', 'hard');
    if (!isRecord(hard) || !covers(quota, resource, object)) continue;
    const missing = unstated(object, Object.keys(hard));
    if (missing.length > 0) return `failed quota: ${quota.metadata.name}: must specify ${missing.join('; ')}`;
  }
  for (const { object: quota } of store.all(coreResource('ResourceQuota'), namespace)) {
    // Only a quota whose status was computed is enforced, as by the real admission plugin.
    const hard = at(quota, 'status', 'hard');
    if (!isRecord(hard) || !covers(quota, resource, object)) continue;
    const name = quota.metadata.name;
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

/** Values that containers leave out, as the server lists them: `limits.cpu for: a,b`. */
function unstated(pod: Manifest, tracked: readonly string[]): string[] {
  return tracked
    .filter((name) => DEMANDED.test(name))
    .toSorted()
    .flatMap((name) => {
      const [group, resource] = name.includes('.') ? name.split('.') : ['requests', name];
      const silent = containersOf(pod)
        .filter((container) => at(container, 'resources', group!, resource!) === undefined)
        .map((container) => String(at(container, 'name')));
      return silent.length === 0 ? [] : [`${name} for: ${silent.toSorted().join(',')}`];
    });
}

function text(nano: bigint, like: unknown): string {
  return formatQuantity({ nano, form: parseQuantity(String(like))?.form ?? 'decimal' });
}
