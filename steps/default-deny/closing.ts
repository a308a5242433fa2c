import { type DnsFacts, ownNameservers } from '../../src/model/dns.js';
import { type Manifest, refOf, refText } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { excluded } from '../../src/model/namespaces.js';
import { isOurs, labelledOurs, otherManagers } from '../../src/model/ours.js';
import { type ApplyChange, type Change, canonical, type DeleteChange } from '../../src/model/plan.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import type { Templates } from '../../src/model/template.js';
import { whatBreaks } from './breaks.js';
import { entityPolicies, whyNoEntities } from './entities.js';
import { type Closing, denyPolicies, ourPolicies, type Policies } from './policy.js';
import { policyTypes } from './pretences.js';
import {
  DENY,
  ENTITIES,
  METADATA,
  NAME_LABEL,
  type NamespaceState,
  namespaceState,
  SAME_NAMESPACE,
  WORKLOAD,
} from './state.js';
import { type Openness, workloadAllows } from './workloads.js';

/** The directions that a policy of ours closes here. Egress only where DNS is known: all would fail without names. */
export function closing(state: NamespaceState, facts: DnsFacts): Closing {
  return {
    ingress: state.ingress.closable,
    egress: state.egress.closable && facts.missing === undefined,
  };
}

/** Removals of our metadata policies, which would keep egress open although it is closed, by us or by others. */
export function reopening(
  now: Snapshot,
  namespace: string,
  state: NamespaceState,
  close: Closing,
): readonly DeleteChange[] {
  if (state.egress.closable && !close.egress) return [];
  return objectsIn(now, 'NetworkPolicy', namespace)
    .filter((policy) => isOurs(policy, METADATA))
    .map((policy) =>
      removal(
        policy,
        'Allows everything but the metadata address: beside a closed egress it would open it again.',
      ),
    );
}

/** A change that would do harm without others. */
function requiring<C extends Change>(change: C, ids: readonly string[]): C {
  return ids.length === 0 ? change : { ...change, requires: [...(change.requires ?? []), ...ids] };
}

/** What allows, then the deny, then what of ours would keep the namespace open beside it, or is needed no more. */
export function closeNamespace(
  now: Snapshot,
  namespace: string,
  facts: DnsFacts,
  open: Openness,
  templates: Templates,
): readonly (ApplyChange | DeleteChange)[] {
  const state = namespaceState(now, namespace);
  const close = closing(state, facts);
  const existing = objectsIn(now, 'NetworkPolicy', namespace);
  const reopeners = reopening(now, namespace, state, close);
  // A policy of ours that closes more than we could now, because DNS is not seen, is not loosened.
  const frozen = ourPolicies(existing, DENY).length > 0 && state.egress.closable && !close.egress;
  if ((!close.ingress && !close.egress) || frozen) return reopeners;
  const nameservers = ownNameservers(now, namespace);
  const { sameNamespace, outside } = open;
  const allowing = workloadAllows(now, namespace, close, open);
  const { workloads, manifests, widens } = denyPolicies(
    { namespace, close, sameNamespace, outside, workloads: allowing, now, dns: facts, nameservers, existing },
    templates,
  );
  const breaks = [...whatBreaks(now, namespace, close, open), ...(widens ? widened(state, close) : [])];
  const beside = entitiesBeside(now, namespace, allowing, workloads);
  return inForce({ workloads, manifests, beside }, existing, { breaks }, reopeners);
}

/** Policies of a namespace, with those of Cilium that belong beside them. */
interface Written extends Omit<Policies, 'widens'> {
  beside: Beside;
}

/** What is said of a deny. */
interface DenyWords {
  breaks: readonly string[];
  /** What it is for, where that is not to close everything. */
  why?: string;
}

/**
 * The changes that put policies in force: what allows, then the deny, then removals: what is needed no more, and what
 * would open again what the deny closes (`reopeners`).
 * @param existing NetworkPolicies of the namespace
 */
export function inForce(
  { workloads, manifests, beside }: Written,
  existing: readonly Manifest[],
  words: DenyWords,
  reopeners: readonly DeleteChange[],
): readonly (ApplyChange | DeleteChange)[] {
  const all = [...workloads, ...manifests];
  const wanted = new Set(all.map(({ metadata }) => metadata.name));
  const needless = [...ourPolicies(existing, SAME_NAMESPACE), ...ourPolicies(existing, WORKLOAD)].filter(
    ({ metadata }) => !wanted.has(metadata.name),
  );
  // What is new comes before what is amended: nothing that a policy held until now is without one that holds it.
  const writes = all
    .flatMap((manifest) =>
      write(manifest, existing, words).map((change) => requiring(change, beside.ids(manifest))),
    )
    .toSorted((a, b) => rank(a) - rank(b));
  const isDeny = (change: ApplyChange) => labelledOurs(change.manifest, DENY);
  const [allows, denies] = [writes.filter((change) => !isDeny(change)), writes.filter(isDeny)];
  const idsOf = (changes: readonly Change[]) => changes.map(({ id }) => id);
  return [
    // They close nothing by themselves, so they come first: what isolates their pods then cuts none of their peers.
    ...beside.writes,
    ...allows,
    ...denies.map((change) => requiring(change, idsOf([...beside.writes, ...allows]))),
    ...[...needless, ...beside.needless].map((policy) =>
      removal(policy, 'Is needed no more: other policies cover its pods by now.'),
    ),
    ...reopeners.map((change) => requiring(change, idsOf(denies))),
  ];
}

interface Beside {
  writes: readonly ApplyChange[];
  needless: readonly Manifest[];
  /** Of the write without which the policy of a workload cuts what only an entity can name. */
  ids(policy: Manifest): readonly string[];
}

/** The policies of Cilium beside those of workloads; none is touched where they cannot be judged. */
export function entitiesBeside(
  now: Snapshot,
  namespace: string,
  allowing: Parameters<typeof entityPolicies>[1],
  workloads: readonly Manifest[],
): Beside {
  if (whyNoEntities(now) !== undefined) return { writes: [], needless: [], ids: () => [] };
  const existing = objectsIn(now, 'CiliumNetworkPolicy', namespace);
  const policies = entityPolicies(namespace, allowing, existing);
  const writes = policies.map((manifest) =>
    manifest === undefined ? [] : write(manifest, existing, { breaks: [] }),
  );
  const wanted = new Set(policies.map((manifest) => manifest?.metadata.name));
  return {
    writes: writes.flat(),
    needless: ourPolicies(existing, ENTITIES).filter(({ metadata }) => !wanted.has(metadata.name)),
    ids: (policy) => (writes[workloads.indexOf(policy)] ?? []).map(({ id }) => id),
  };
}

/** Policies of workloads first, then those for all; of each the new ones first. */
function rank({ manifest, before }: ApplyChange): number {
  return (labelledOurs(manifest, WORKLOAD) ? 0 : 2) + (before === undefined ? 0 : 1);
}

/** The change that writes a policy; none where the live one is the same. */
function write(manifest: Manifest, existing: readonly Manifest[], { breaks, why }: DenyWords): ApplyChange[] {
  const { namespace = '', name } = manifest.metadata;
  const before = existing.find(({ metadata }) => metadata.name === name);
  if (before !== undefined && canonical(before.spec) === canonical(manifest.spec)) return [];
  const deny = labelledOurs(manifest, DENY);
  const adds = labelledOurs(manifest, ENTITIES);
  // Our own policy, changed by somebody else: without force the server would refuse to have it written anew.
  const others = before === undefined ? [] : otherManagers(before);
  return [
    {
      kind: 'apply',
      id: `default-deny/${namespace}/${manifest.kind}/${name}`,
      ref: refOf(manifest),
      risk: adds ? 'none' : 'cutsTraffic',
      why: deny && why !== undefined ? why : whyWritten(manifest),
      breaks: [
        ...(others.length === 0
          ? []
          : [`Takes its fields over from ${others.join(', ')}, where it was changed since.`]),
        ...(deny || adds ? breaks : ['Closes its pods for everything else already; the deny follows.']),
      ],
      manifest,
      ...(before === undefined ? {} : { before }),
      ...(others.length === 0 ? {} : { force: true, takesOver: others }),
    },
  ];
}

function whyWritten(manifest: Manifest): string {
  const { namespace = '' } = manifest.metadata;
  const types = policyTypes(manifest).join(' and ');
  if (labelledOurs(manifest, ENTITIES))
    return `Allows these pods of ${namespace} what no address range matches on Cilium: nodes, pods on their network, the Kubernetes API. It closes nothing.`;
  if (labelledOurs(manifest, WORKLOAD))
    return `Holds all that these pods of ${namespace} are declared to need, and closes their ${types} for the rest.`;
  return labelledOurs(manifest, DENY)
    ? `Closes ${types} of every pod in ${namespace}, new ones included.`
    : `Keeps what stays open for all (${types}) to the pods of ${namespace} that other policies do not narrow.`;
}

/** Where too many selectors would be needed, pods that other policies keep narrower gain traffic as well. */
function widened({ ingress, egress }: NamespaceState, close: Closing): readonly string[] {
  const names = [...(close.ingress ? ingress.narrowed : []), ...(close.egress ? egress.narrowed : [])];
  if (names.length === 0) return [];
  const shown = [...new Set(names)].sort().join(', ');
  return [
    `${shown}: narrowed by other policies today, gains traffic inside the namespace; answer no to sameNamespace to keep it narrow.`,
  ];
}

function removal(policy: Manifest, why: string): DeleteChange {
  const ref = refOf(policy);
  return {
    kind: 'delete',
    id: `default-deny/${ref.namespace}/${ref.kind}/${ref.name}`,
    ref,
    risk: 'cutsTraffic',
    why,
    breaks: ['What only this policy allowed stops.'],
    before: policy,
  };
}

/** Before changes that select namespaces by their name label: that label, where a namespace lacks it. */
export function labelledFirst(now: Snapshot, changes: readonly Change[]): readonly Change[] {
  const byLabel = (change: Change) =>
    change.kind === 'apply' && canonical(change.manifest).includes(`"${NAME_LABEL}"`);
  const labels = changes.some(byLabel) ? nameLabels(now, changes) : [];
  const ids = labels.map(({ id }) => id);
  return [...labels, ...changes.map((change) => (byLabel(change) ? requiring(change, ids) : change))];
}

/** The names by which a policy selects namespaces. */
function selectedByName(change: Change): readonly string[] {
  if (change.kind !== 'apply') return [];
  const found = canonical(change.manifest.spec).matchAll(/"kubernetes\.io\/metadata\.name":"([^"]+)"/g);
  return [...found].map(([, name]) => name ?? '');
}

/** Servers before 1.21 set no name label: the namespaces that our policies select by it get it first. */
function nameLabels(now: Snapshot, changes: readonly Change[]): readonly ApplyChange[] {
  const wanted = new Set(changes.flatMap(selectedByName));
  return objects(now, 'Namespace')
    .filter(({ metadata }) => !excluded(now, metadata.name))
    .filter(({ metadata }) => wanted.has(metadata.name) && metadata.labels?.[NAME_LABEL] !== metadata.name)
    .map((before): ApplyChange => {
      const { name } = before.metadata;
      const manifest = {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name, labels: { [NAME_LABEL]: name } },
      };
      return {
        kind: 'apply',
        id: `default-deny/-/Namespace/${name}`,
        ref: refOf(manifest),
        risk: 'none',
        why: `${refText(refOf(manifest))} has no label with its name, by which the policies select it.`,
        breaks: [],
        manifest,
        before,
      };
    });
}
