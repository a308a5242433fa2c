import { type Manifest, type Ref, stringAt } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { isOurs } from '../../src/model/ours.js';
import type { MetadataEndpoint } from '../../src/model/providers.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { isolation, reachesAddress } from '../../src/reach/index.js';
import { GUARD, includes, liveGuards } from '../default-deny/guard-live.js';
import { policyTypes } from '../default-deny/pretences.js';
import { METADATA } from '../default-deny/state.js';
import { covers, liveBlocks, reachHere } from './blocks.js';

/**
 * What can be done about a namespace's way to the metadata addresses by policies of its own:
 * - `none`: nothing of it reaches them;
 * - `open`: nothing closes egress, so that one policy can leave the addresses out without opening anything;
 * - `leaks`: egress is closed for some pods: a policy that allows all the rest would open those again;
 * - `reopened`: our own policy opens what other policies close.
 */
export type Exposure = 'none' | 'open' | 'leaks' | 'reopened';

export interface NamespaceExposure {
  exposure: Exposure;
  /** Endpoints that some pod, or a pod to come, can reach: `169.254.169.254:80`. */
  reached: readonly string[];
  workloads: readonly string[];
  freshPod: boolean;
  /** Policies whose rules let them; empty where no policy closes egress. */
  policies: readonly Ref[];
  /** Some of them reach it because no policy closes their egress. */
  unselected: boolean;
  hostNetwork: readonly string[];
  /** Our policies of an earlier run in the namespace. */
  ours: readonly Manifest[];
  /** Ours keep its pods away, but for workloads that were left out on purpose. */
  covered: boolean;
}

/** How a namespace stands to the metadata endpoints today, by the effect of its policies. */
export function exposureOf(
  now: Snapshot,
  namespace: string,
  endpoints: readonly MetadataEndpoint[],
): NamespaceExposure {
  const reach = reachHere(now);
  const reached = new Set<string>();
  const workloads = new Set<string>();
  const policies = new Map<string, Ref>();
  let freshPod = false;
  let unselected = false;
  for (const { address, ports } of endpoints)
    for (const port of ports) {
      const answer = reachesAddress(reach, namespace, address, 'TCP', port);
      if (!answer.freshPod && answer.workloads.length === 0) continue;
      reached.add(`${address.includes(':') ? `[${address}]` : address}:${port}`);
      freshPod ||= answer.freshPod;
      for (const workload of answer.workloads) workloads.add(workload);
      for (const { policy } of answer.because) {
        if (typeof policy === 'string') unselected = true;
        else policies.set(`${policy.kind} ${policy.namespace} ${policy.name}`, policy);
      }
    }
  const own = objectsIn(now, 'NetworkPolicy', namespace);
  const ours = own.filter((policy) => isOurs(policy, METADATA));
  const closing =
    baseline(now) ||
    liveGuards(now).some((guard) => includes(guard, namespace)) ||
    // What a policy of the Admin tier allows no policy of ours would take back.
    [...policies.values()].some(({ kind }) => kind !== 'NetworkPolicy') ||
    own.some((policy) => !isOurs(policy, METADATA) && policyTypes(policy).includes('egress'));
  return {
    exposure: exposure(ours.length > 0, closing, reached.size > 0),
    reached: [...reached],
    workloads: [...workloads].sort(),
    freshPod,
    policies: [...policies.values()],
    unselected,
    hostNetwork: isolation(reach, namespace).hostNetwork,
    ours,
    covered: !freshPod && (ours.length > 0 || liveBlocks(now).some((block) => covers(block, namespace))),
  };
}

function exposure(ours: boolean, closing: boolean, reached: boolean): Exposure {
  if (ours && closing) return 'reopened';
  if (!reached) return 'none';
  return closing ? 'leaks' : 'open';
}

/**
 * Rules of a Baseline tier end where a NetworkPolicy selects a pod: one that allows all the rest would undo them. Of our
 * own guard of new namespaces it is known whom it leaves alone.
 */
function baseline(now: Snapshot): boolean {
  return [
    ...objects(now, 'BaselineAdminNetworkPolicy'),
    ...objects(now, 'ClusterNetworkPolicy').filter(
      (policy) => stringAt(policy, 'spec', 'tier') === 'Baseline',
    ),
  ].some((policy) => !isOurs(policy, GUARD));
}
