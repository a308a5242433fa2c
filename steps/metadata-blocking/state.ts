import { type Manifest, type Ref, refText, stringAt } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { once } from '../../src/model/once.js';
import { isOurs } from '../../src/model/ours.js';
import { networkPlugin } from '../../src/model/plugins.js';
import { metadataEndpoints, providers } from '../../src/model/providers.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { addressSources, isolation } from '../../src/reach/index.js';
import { GUARD, includes, liveGuards } from '../default-deny/guard-live.js';
import { policyTypes } from '../default-deny/pretences.js';
import { METADATA } from '../default-deny/state.js';
import { blocksInForce, covers, reachHere, withoutPolicies } from './blocks.js';

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
  /** Each of them with what it reaches and by which rules. */
  sources: readonly Source[];
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

/** A workload that reaches metadata endpoints, or pods to come. */
export interface Source {
  /** Undefined: a pod with labels that no selector knows. */
  workload: string | undefined;
  reached: readonly string[];
  /** `NetworkPolicy shop/web egress[0]`; empty where nothing closes its egress. */
  by: readonly string[];
}

/** Every metadata port that may be blocked: `169.254.169.254:80`, `[fd00:ec2::254]:80`. */
export const endpointTexts = once((now): readonly string[] =>
  metadataEndpoints(providers(now)).flatMap(({ address, ports }) =>
    ports.map((port) => textOf(address, port)),
  ),
);

function textOf(address: string, port: number): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

const exposures = once(() => new Map<string, NamespaceExposure>());

/** How a namespace stands to the metadata endpoints today, by the effect of its policies. */
export function exposureOf(now: Snapshot, namespace: string): NamespaceExposure {
  const known = exposures(now).get(namespace) ?? judge(now, namespace);
  exposures(now).set(namespace, known);
  return known;
}

function judge(now: Snapshot, namespace: string): NamespaceExposure {
  const { verdict, ranges } = networkPlugin(now);
  const enforced = verdict !== 'notEnforced';
  const reach = reachHere(now);
  const policies = new Map<string, Ref>();
  const sources = new Map<string | undefined, { reached: string[]; by: Set<string> }>();
  let unselected = false;
  for (const { address, ports } of metadataEndpoints(providers(now)))
    for (const port of ports)
      for (const { workload, by } of addressSources(
        address.includes(':') && !ranges.ipv6 ? withoutPolicies(now) : reach,
        namespace,
        address,
        'TCP',
        port,
      )) {
        const source = sources.get(workload) ?? { reached: [], by: new Set() };
        sources.set(workload, source);
        source.reached.push(textOf(address, port));
        unselected ||= by.length === 0;
        for (const { policy, rule } of by) {
          source.by.add(`${refText(policy)} ${rule}`);
          policies.set(refText(policy), policy);
        }
      }
  const rows = [...sources].map(([workload, { reached, by }]) => ({ workload, reached, by: [...by] }));
  const reached = new Set(rows.flatMap((row) => row.reached));
  const freshPod = sources.has(undefined);
  const workloads = rows.flatMap(({ workload }) => workload ?? []);
  const own = objectsIn(now, 'NetworkPolicy', namespace);
  const ours = own.filter((policy) => isOurs(policy, METADATA));
  const closing =
    enforced &&
    (baseline(now) ||
      liveGuards(now).some((guard) => includes(guard, namespace)) ||
      // What a policy of the Admin tier allows no policy of ours would take back.
      [...policies.values()].some(({ kind }) => kind !== 'NetworkPolicy') ||
      own.some((policy) => !isOurs(policy, METADATA) && policyTypes(policy).includes('egress')));
  return {
    exposure: exposure(ours.length > 0, closing, reached.size > 0),
    reached: endpointTexts(now).filter((text) => reached.has(text)),
    workloads: workloads.sort(),
    freshPod,
    sources: rows,
    policies: [...policies.values()],
    unselected,
    hostNetwork: isolation(reach, namespace).hostNetwork,
    ours,
    covered: !freshPod && (ours.length > 0 || blocksInForce(now).some((block) => covers(block, namespace))),
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
