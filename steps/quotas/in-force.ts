import type { Finding } from '../../src/model/finding.js';
import { differences } from '../../src/model/in-use.js';
import { at, type Manifest, type Ref, refOf, refText, stringAt } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { amountText } from '../../src/model/quantity.js';
import { quotaAmounts } from '../../src/model/quota.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { listed } from '../../src/model/words.js';
import { TEMPLATES, workloadsIn } from '../../src/model/workloads.js';

/** Amounts that a quota says but that its status does not have: they are not enforced. */
export function notInForce(quota: Manifest): readonly Finding[] {
  // Manifests in files have no status.
  if (quota.status === undefined) return [];
  const hard = quotaAmounts(at(quota, 'status', 'hard'));
  const missing = Object.entries(quotaAmounts(at(quota, 'spec', 'hard')))
    .filter(([key, amount]) => hard[key] !== amount)
    .map(([key]) => key);
  if (missing.length === 0) return [];
  return [
    {
      id: 'quota-not-in-force',
      severity: 'low',
      object: refOf(quota),
      evidence: `${refText(refOf(quota))}: status.hard does not have ${listed(missing)} as spec.hard has`,
      message:
        'The quota controller has not taken it over: nothing is bounded yet. If that lasts, look at kube-controller-manager.',
    },
  ];
}

/**
 * Amounts that a quota says are used and that do not add up from what is seen. Manifests in files are seldom all that
 * there is: nothing is said of them.
 */
export function usedElse(now: Snapshot, quota: Manifest): readonly Finding[] {
  if (now.cluster.files === true) return [];
  const found = differences(now, quota).map(({ key, told, least, most }) => {
    const [from, to] = [amountText(key, least), amountText(key, most)];
    return `${key} ${amountText(key, told)}, seen ${from === to ? from : `${from} to ${to}`}`;
  });
  if (found.length === 0) return [];
  return [
    {
      id: 'quota-used-differs',
      severity: 'info',
      object: refOf(quota),
      evidence: `${refText(refOf(quota))}: status.used says ${found.join('; ')}`,
      message:
        'It counts something that is not seen here, or its controller is behind. What still fits in, status.used decides.',
    },
  ];
}

/** How a refusal of LimitRanger, of ResourceQuota, or of a default limit below a request is worded. */
const ABOUT_QUOTAS =
  /exceeded quota|failed quota|(?:minimum|maximum) \S+ usage per|max limit to request ratio per|must be less than or equal to \S+ limit/;

/** Pods that controllers could not make because of quotas or limits, as their events say, one finding a controller. */
export function failedCreates(now: Snapshot, namespace: string): readonly Finding[] {
  const latest = new Map<string, { ref: Ref; event: Manifest; at: string }>();
  for (const event of objectsIn(now, 'Event', namespace)) {
    const message = stringAt(event, 'message') ?? '';
    if (stringAt(event, 'reason') !== 'FailedCreate' || !ABOUT_QUOTAS.test(message)) continue;
    const [kind, name] = [
      stringAt(event, 'involvedObject', 'kind'),
      stringAt(event, 'involvedObject', 'name'),
    ];
    if (kind === undefined || name === undefined) continue;
    const apiVersion = stringAt(event, 'involvedObject', 'apiVersion') ?? '';
    const when = stringAt(event, 'lastTimestamp') ?? stringAt(event, 'eventTime') ?? '';
    const ref = { apiVersion, kind, namespace, name };
    const known = latest.get(refText(ref));
    if (known === undefined || known.at < when) latest.set(refText(ref), { ref, event, at: when });
  }
  return [...latest.values()].flatMap(({ ref, event, at: when }): Finding[] => {
    if (isComplete(now, namespace, ref, when)) return [];
    return [
      {
        id: 'pods-refused',
        severity: 'high',
        object: ref,
        evidence: `${refText(ref)}: FailedCreate${when === '' ? '' : ` at ${when}`}: ${stringAt(event, 'message')}`,
        message: `Pods of ${ref.kind} ${ref.name} are refused: raise what the message names, or correct its resources.`,
      },
    ];
  });
}

/** Events outlive their cause: a controller that has all its pods by now, or is gone, was helped. */
function isComplete(now: Snapshot, namespace: string, { kind, name }: Ref, when: string): boolean {
  if (kind === 'ReplicaSet') {
    const set = objectsIn(now, 'ReplicaSet', namespace).find(({ metadata }) => metadata.name === name);
    if (set === undefined) return true;
    const wanted = at(set, 'spec', 'replicas') ?? 1;
    const own = objectsIn(now, 'Pod', namespace).filter(({ metadata }) =>
      (metadata.ownerReferences ?? []).some((owner) => owner.kind === kind && owner.name === name),
    );
    return typeof wanted === 'number' && own.length >= wanted;
  }
  const workload = workloadsIn(now, namespace).find(({ ref }) => ref.kind === kind && ref.name === name);
  if (workload === undefined) return Object.hasOwn(TEMPLATES, kind) && kind !== 'Job';
  // How many pods a controller wants that is not read, nobody knows: a pod that it made since says that it was helped.
  if (workload.object === undefined)
    return workload.pods.some(({ metadata }) => (metadata.creationTimestamp ?? '') > when);
  return workload.pods.length >= workload.replicas;
}
