import type { Dialect } from './admission-dialect.js';
import { at, listAt, type Manifest, stringAt } from './manifest.js';
import { type Amounts, amountsOf, quantityOf, roundUp, sum, whole } from './quantity.js';
import type { PodSizes } from './size.js';

/** Names that mean the same in `spec.hard`. Source: core/v1, ResourceQuota. */
const SYNONYMS: Readonly<Record<string, string>> = {
  cpu: 'requests.cpu',
  memory: 'requests.memory',
  'ephemeral-storage': 'requests.ephemeral-storage',
};
/** Core objects that have a name of their own beside `count/`. Pods are not among them: `pods` leaves out the finished. */
const OWN_NAME =
  /^count\/(services|configmaps|secrets|persistentvolumeclaims|replicationcontrollers|resourcequotas)$/;

/** The one name that we use for a key of `spec.hard`. */
export function quotaKey(key: string): string {
  if (key.startsWith('hugepages-')) return `requests.${key}`;
  return OWN_NAME.exec(key)?.[1] ?? SYNONYMS[key] ?? key;
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

const ONE = whole(1);

/** What one pod counts for in a quota, by key of `spec.hard`. */
export function podCharge({ charged, pod }: PodSizes, dialect: Dialect): Amounts {
  const { requests, limits } = dialect.overheadCounts ? charged : pod;
  const out: Record<string, bigint> = { pods: ONE, 'count/pods': ONE };
  for (const [name, value] of Object.entries(requests)) out[`requests.${name}`] = value;
  for (const [name, value] of Object.entries(limits)) out[`limits.${name}`] = value;
  return out;
}

/** What a Service counts for. A LoadBalancer takes node ports as well unless it says that it wants none. */
export function serviceCharge(service: Manifest): Amounts {
  const ports = listAt(service, 'spec', 'ports');
  const type = stringAt(service, 'spec', 'type');
  const out: Record<string, bigint> = { services: ONE };
  if (type === 'NodePort') out['services.nodeports'] = whole(ports.length);
  if (type === 'LoadBalancer') {
    const allocates = at(service, 'spec', 'allocateLoadBalancerNodePorts') !== false;
    const explicit = ports.filter((port) => Number(at(port, 'nodePort') ?? 0) > 0);
    out['services.nodeports'] = whole(allocates ? ports.length : explicit.length);
    out['services.loadbalancers'] = ONE;
  }
  return out;
}

const OF_CLASS = '.storageclass.storage.k8s.io/';

/** Keys of a storage class. */
export function classKey(storageClass: string, key: string): string {
  return `${storageClass}${OF_CLASS}${key}`;
}

/**
 * What a claim of storage counts for, in whole bytes, for itself and for its class. A claim that names no class may
 * get the default one, whichever that is: it then counts for each of `classes`.
 */
export function claimCharge(claim: unknown, classes: readonly string[]): Amounts {
  const asked = quantityOf(at(claim, 'spec', 'resources', 'requests', 'storage')) ?? 0n;
  const own: Amounts = { persistentvolumeclaims: ONE, 'requests.storage': roundUp(asked, ONE) };
  const named =
    stringAt(claim, 'metadata', 'annotations', 'volume.beta.kubernetes.io/storage-class') ??
    stringAt(claim, 'spec', 'storageClassName');
  let out = own;
  for (const storageClass of named === undefined ? classes : named === '' ? [] : [named])
    out = sum(
      out,
      Object.fromEntries(Object.entries(own).map(([key, v]) => [classKey(storageClass, key), v])),
    );
  return out;
}

/** The storage classes that the keys of a quota name. */
export function classesIn(keys: readonly string[]): readonly string[] {
  const found = keys.flatMap((key) => (key.includes(OF_CLASS) ? [key.slice(0, key.indexOf(OF_CLASS))] : []));
  return [...new Set(found)];
}

/** Whether a key counts claims of storage. */
export function isOfClaims(key: string): boolean {
  return key === 'persistentvolumeclaims' || key === 'requests.storage' || key.includes(OF_CLASS);
}

/** Whether a key counts what pods are and ask for. */
export function isOfPods(key: string): boolean {
  return /^(pods|count\/pods|limits\..+|requests\..+)$/.test(key) && key !== 'requests.storage';
}
