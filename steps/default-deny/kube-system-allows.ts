import { type Declared, observedNote } from '../../src/declared/index.js';
import { containersOf } from '../../src/model/agents.js';
import { dns, ownNameservers } from '../../src/model/dns.js';
import { at, listAt, type Manifest, stringAt } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { isOurs } from '../../src/model/ours.js';
import { canonical } from '../../src/model/plan.js';
import { type MetadataEndpoint, providers } from '../../src/model/providers.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { specOf as specOfWorkload, workloadOfRef } from '../../src/model/workloads.js';
import { type Need, rulesOf } from './allows.js';
import type { Cut } from './breaks.js';
import { flowText } from './flows.js';
import type { Kept } from './kube-system-kept.js';
import { type Listed, listedAs } from './kube-system-programs.js';
import { UNKNOWN, type Upstream, upstreamsOf } from './kube-system-upstream.js';
import { cidrOf, exceptedEndpoints } from './outside.js';
import { ourName } from './policy.js';
import {
  groupsIn,
  matches,
  type PodSelector,
  podLabels,
  type Selected,
  selectedWorkloads,
} from './selectors.js';
import { KUBE_SYSTEM, METADATA, namespaceState, reachIn, reachWithoutOurs, WORKLOAD } from './state.js';
import { nameOf, sidesOf, type WorkloadAllows } from './workloads.js';

/** What workloads of kube-system keep beside what is open to all its pods. */
export interface KubeSystemAllows {
  allows: readonly (Pick<WorkloadAllows, 'name' | 'note' | 'egress'> & { selector: PodSelector })[];
  /** Declared connections that nothing keeps. */
  cut: readonly Cut[];
  /** In words, what of the outside stays open to which workload, and by which sign. */
  listed: readonly string[];
}

/** Addresses on which clouds hand pods an identity of their own, beside the metadata service. Sources: their guides. */
const IDENTITIES: Readonly<Record<string, readonly MetadataEndpoint[]>> = {
  aws: [
    { address: '169.254.170.23', ports: [80], what: 'EKS Pod Identity' },
    { address: 'fd00:ec2::23', ports: [80], what: 'EKS Pod Identity' },
  ],
  gcp: [{ address: '169.254.169.252', ports: [987, 988], what: 'GKE metadata server' }],
};

const EGRESS = { ingress: false, egress: true };

/** The needs of every workload that policies of others do not narrow already. */
export function kubeSystemAllows(now: Snapshot, kept: Kept): KubeSystemAllows {
  const existing = objectsIn(now, 'NetworkPolicy', KUBE_SYSTEM);
  const free = new Set(namespaceState(now, KUBE_SYSTEM).egress.free);
  const cut = new Map<string, Cut>();
  const listed = new Map<string, string>();
  const groups = groupsIn(now, KUBE_SYSTEM).map(({ first, selector, members }) => {
    const name = nameOf(first.ref.kind, first.ref.name);
    const live = ourName(name, existing, WORKLOAD);
    const ours = existing.some((policy) => policy.metadata.name === live && isOurs(policy, WORKLOAD));
    const decided = members.filter((member) => free.has(member.name));
    const own = decided.flatMap((member) => {
      const found = [...upstreamNeeds(now, member, kept), ...programNeeds(now, member, ours)];
      const lines = [...new Set(found.map(({ text }) => text))];
      if (lines.length > 0) listed.set(member.name, `${member.name}: ${lines.join('; ')}`);
      return found.map(({ need }) => need);
    });
    return { name, selector, decided, ours, own };
  });
  const allows = groups.flatMap(({ name, selector, decided, ours, own }) => {
    let blocked = false;
    const declared = decided.flatMap((member) => {
      // Pods that several policies select have what each of them allows.
      const all = groups.flatMap((group) => (group.decided.includes(member) ? group.own : []));
      return sidesOf(now, KUBE_SYSTEM, member.name, EGRESS, false).flatMap(({ flow, need }) => {
        if (isKept(now, flow, need, kept, all)) return [];
        if (need.kind !== 'impossible' && !isBlocked(now, member, flow, ours)) return [{ flow, need }];
        // A policy that adds nothing is how a later run knows that this was closed before.
        if (need.kind !== 'impossible') blocked = true;
        else cut.set(flowText(flow), { flow, reason: need.reason, depends: need.depends === true });
        return [];
      });
    });
    const egress = rulesOf([...own, ...declared.map(({ need }) => need)], 'to');
    const note = observedNote(declared.map(({ flow }) => flow));
    return egress.length === 0 && !blocked ? [] : [{ name, selector, egress, note }];
  });
  return { allows, cut: [...cut.values()], listed: [...listed.values()] };
}

/** Whether a declared connection passes by what all pods keep, or by what its workload needs besides. */
function isKept(
  now: Snapshot,
  { destination, protocol, port, why }: Declared,
  need: Need,
  kept: Kept,
  needed: readonly Need[],
): boolean {
  const peers =
    'address' in destination ? [canonical({ ipBlock: { cidr: cidrOf(destination.address) } })] : [];
  const byPort = needed.some(
    (one) =>
      one.kind === 'rule' &&
      (one.peers === 'any' || one.peers.some((peer) => peers.includes(canonical(peer)))) &&
      (port === undefined || one.ports.some((p) => at(p, 'protocol') === protocol && at(p, 'port') === port)),
  );
  switch (destination.kind) {
    case 'workload':
      if (selectedWorkloads(now).get(destination.name)?.hostNetwork !== true) return kept.everyPod;
      return need.kind !== 'impossible';
    case 'namespace':
      return kept.everyPod;
    case 'nodes':
    case 'apiServer':
      return need.kind !== 'impossible';
    case 'external':
      if ('host' in destination) return byPort;
      return (
        byPort || kept.holds(destination.address) || (why === 'dns' && servesNames(now, destination.address))
      );
    case 'outside':
    case 'any':
      return byPort;
  }
}

/** Addresses that the rules for DNS, which stand in every policy, hold. */
function servesNames(now: Snapshot, address: string): boolean {
  const { nodeLocal, services } = dns(now);
  return [
    ...(nodeLocal?.addresses ?? []),
    ...(nodeLocal === undefined ? [] : services.flatMap(({ clusterIPs }) => clusterIPs)),
    ...ownNameservers(now, KUBE_SYSTEM),
  ].includes(address);
}

/** A need with its reason in words. */
interface Reasoned {
  need: Need;
  text: string;
}

/** What a DNS server asks for the names that it does not know itself. */
function upstreamNeeds(now: Snapshot, workload: Selected, kept: Kept): readonly Reasoned[] {
  const labels = labelsOf(now, workload);
  const serves = dns(now).services.some(
    ({ ref, podLabels: matchLabels }) =>
      ref.namespace === KUBE_SYSTEM && labels.some((own) => matches({ matchLabels }, own)),
  );
  if (!serves) return [];
  return upstreamsIn(now, workload)
    .filter(({ to }) => to === undefined || !kept.holds(to))
    .map(({ to, port, protocols }) => ({
      need: {
        kind: 'rule',
        peers: to === undefined ? 'any' : [{ ipBlock: { cidr: cidrOf(to) } }],
        ports: protocols.map((protocol) => ({ protocol, port })),
      },
      text: `upstream DNS, ${to ?? 'any address'}, ${protocols.join(' and ')} ${port}`,
    }));
}

/** As its Corefile says; without one that can be seen, whatever its node asks. */
function upstreamsIn(now: Snapshot, workload: Selected): readonly Upstream[] {
  const spec = specOf(now, workload);
  const mounted = new Set(
    listAt(spec, 'volumes').flatMap((volume) => stringAt(volume, 'configMap', 'name') ?? []),
  );
  const corefileOf = (map: Manifest) => stringAt(map, 'data', 'Corefile') ?? [];
  const maps = objectsIn(now, 'ConfigMap', KUBE_SYSTEM);
  const own = maps.filter(({ metadata }) => mounted.has(metadata.name)).flatMap(corefileOf);
  const files =
    own.length > 0 ? own : maps.filter(({ metadata }) => metadata.name === 'coredns').flatMap(corefileOf);
  return files.length === 0 ? [UNKNOWN] : files.flatMap(upstreamsOf);
}

/** What a workload needs as one of the programs that are listed. `ours`: a policy of ours decides about it already. */
function programNeeds(now: Snapshot, workload: Selected, ours: boolean): readonly Reasoned[] {
  const images = containersOf(specOf(now, workload)).map(({ image }) => image);
  const rows = labelsOf(now, workload)
    .concat(new Map())
    .flatMap((labels) => listedAs({ name: workload.ref.name, images, labels }));
  return [...new Set(rows)].flatMap((row) => [
    ...row.ports.map(
      (port): Reasoned => ({
        need: { kind: 'rule', peers: 'any', ports: [{ protocol: 'TCP', port }] },
        text: `${row.what}, any address, TCP ${row.ports.join(', ')}`,
      }),
    ),
    ...metadataNeeds(now, workload, row, ours),
  ]);
}

/**
 * What a workload reaches of the metadata service as things stand: what step metadata-blocking closed stays closed, also
 * after its policy, which would open all the rest, is gone.
 */
function reachesMetadata(
  now: Snapshot,
  { name }: Selected,
  { address, ports }: MetadataEndpoint,
  ours: boolean,
): readonly number[] {
  const blocked = objectsIn(now, 'NetworkPolicy', KUBE_SYSTEM).some((policy) => isOurs(policy, METADATA));
  const reach = ours || blocked ? reachIn(now) : reachWithoutOurs(now);
  return ports.filter((port) => reach.allows({ workload: name }, { address }, 'TCP', port));
}

/** Whether a declared connection is one to the metadata service that is closed already. */
function isBlocked(now: Snapshot, workload: Selected, { destination }: Declared, ours: boolean): boolean {
  if (!('address' in destination)) return false;
  const endpoint = exceptedEndpoints(now).find(({ address }) => address === destination.address);
  return endpoint !== undefined && reachesMetadata(now, workload, endpoint, ours).length === 0;
}

/** The metadata service, where the program needs it and reaches it. */
function metadataNeeds(now: Snapshot, workload: Selected, row: Listed, ours: boolean): readonly Reasoned[] {
  if (!row.metadata) return [];
  const { found } = providers(now);
  const endpoints =
    found.length === 0
      ? exceptedEndpoints(now)
      : found.flatMap(({ provider }) => [...provider.endpoints, ...(IDENTITIES[provider.id] ?? [])]);
  return endpoints.flatMap((endpoint): Reasoned[] => {
    const { address, what } = endpoint;
    const open = reachesMetadata(now, workload, endpoint, ours);
    if (open.length === 0) return [];
    return [
      {
        need: {
          kind: 'rule',
          peers: [{ ipBlock: { cidr: cidrOf(address) } }],
          ports: open.map((port) => ({ protocol: 'TCP', port })),
        },
        text: `${what}, ${address}, TCP ${open.join(', ')}`,
      },
    ];
  });
}

function labelsOf(now: Snapshot, { index }: Selected) {
  return (podLabels(now).get(index) ?? []).map(({ labels }) => labels);
}

/** Specification of a workload's pods. */
function specOf(now: Snapshot, { ref }: Selected): unknown {
  const found = workloadOfRef(now, ref);
  return found === undefined ? undefined : specOfWorkload(found);
}
