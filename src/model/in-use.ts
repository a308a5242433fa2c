import { dialectOf } from './admission-dialect.js';
import { at, type Manifest } from './manifest.js';
import { objectsIn } from './namespaced.js';
import { countedObjects, isCounted } from './needs.js';
import { type Amounts, type Quantity, sum, whole } from './quantity.js';
import { claimCharge, podCharge, quotaAmounts, serviceCharge } from './quota.js';
import { covers, type Scope, scopesOf, unknownScopes } from './quota-scopes.js';
import { podSizes } from './size.js';
import { type Snapshot, visible } from './snapshot.js';
import { isFinished } from './workloads.js';

/** An amount of which a quota's status tells something else than what is seen. */
export interface Difference {
  key: string;
  told: Quantity;
  /** What is seen, without and with what is being deleted: the server counts that until its time is over. */
  least: Quantity;
  most: Quantity;
}

/**
 * Where `status.used` of a quota is not what the objects of its namespace add up to, of the keys that can be counted
 * here. Pods are counted as they are stored. A quota that is not in force says nothing, nor does one with scopes that we
 * do not know or that speak of claims.
 */
export function differences(now: Snapshot, quota: Manifest): readonly Difference[] {
  const scopes = scopesOf(quota);
  const ofClaims = scopes.some(({ name }) => name === 'VolumeAttributesClass');
  if (ofClaims || unknownScopes(quota).length > 0 || !visible(now, 'Pod') || !visible(now, 'Service'))
    return [];
  const wanted = quotaAmounts(at(quota, 'spec', 'hard'));
  const hard = quotaAmounts(at(quota, 'status', 'hard'));
  const used = quotaAmounts(at(quota, 'status', 'used'));
  const namespace = quota.metadata.namespace ?? '';
  const least = inUse(now, namespace, scopes, false);
  const most = inUse(now, namespace, scopes, true);
  return Object.entries(used).flatMap(([key, told]): Difference[] => {
    if (wanted[key] === undefined || wanted[key] !== hard[key] || !isCounted(now, key)) return [];
    const [from, to] = [least[key] ?? 0n, most[key] ?? 0n];
    return told >= from && told <= to ? [] : [{ key, told, least: from, most: to }];
  });
}

/** What the objects of a namespace add up to, by key; `ending`: those that are being deleted as well. */
function inUse(now: Snapshot, namespace: string, scopes: readonly Scope[], ending: boolean): Amounts {
  const isThere = ({ metadata }: Manifest) => ending || metadata.deletionTimestamp === undefined;
  const pods = objectsIn(now, 'Pod', namespace).filter(isThere);
  const ofPods = pods.map((pod) => chargeOfStored(now, pod, scopes)).reduce(sum, {});
  if (scopes.length > 0) return ofPods;
  const claims = objectsIn(now, 'PersistentVolumeClaim', namespace).filter(isThere);
  const services = objectsIn(now, 'Service', namespace).filter(isThere);
  return [
    ofPods,
    ...services.map(serviceCharge),
    // A claim that is stored without a class had none to get.
    ...claims.map((claim) => claimCharge(claim, [])),
    countedObjects(now, namespace),
  ].reduce(sum, {});
}

/** What a pod counts for as it is stored, all defaults in it; a finished one is an object and no more. */
function chargeOfStored(now: Snapshot, pod: Manifest, scopes: readonly Scope[]): Amounts {
  const sizes = podSizes(pod.spec);
  if (covers(scopes, pod.spec, sizes) !== true) return {};
  return isFinished(pod) ? { 'count/pods': whole(1) } : podCharge(sizes, dialectOf(now.cluster.version));
}
