import type { DnsFacts } from '../../src/model/dns.js';
import type { Finding, Severity } from '../../src/model/finding.js';
import { type Manifest, refOf, refText, sameRef } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { candidateNamespaces, namespaceKind } from '../../src/model/namespaces.js';
import { isOurs } from '../../src/model/ours.js';
import { networkPlugin } from '../../src/model/plugins.js';
import { DEPENDS } from '../../src/model/preview.js';
import { notVisibleReason, type Snapshot } from '../../src/model/snapshot.js';
import { outsideOpen } from './answers.js';
import { dnsHere } from './dns-here.js';
import { cutToday, flowText } from './flows.js';
import { orGuarded, unguarded } from './guard-told.js';
import { keptOpen } from './kept-open.js';
import { observedFindings } from './observed.js';
import { pretences } from './pretences.js';
import { READS } from './reads.js';
import { METADATA, type NamespaceState, namespaceState, OURS, reachIn } from './state.js';
import { foreignPolicies, unreadKinds } from './unseen.js';

const DIRECTIONS = ['ingress', 'egress'] as const;

/** What is true about isolation in this cluster. Isolated namespaces are not among the findings. */
export function assess(now: Snapshot): readonly Finding[] {
  const hidden = notVisible(now);
  if (hidden.some(({ id }) => id === 'policies-not-visible')) return hidden;
  const facts = dnsHere(now);
  const namespaces = candidateNamespaces(now);
  const open = [
    ...keptOpen(now, namespaces, 'clusterWide'),
    ...namespaces.flatMap((namespace) => namespaceFindings(now, namespace)),
  ];
  const wantsEgress = namespaces.some(({ metadata }) => namespaceState(now, metadata.name).egress.unclosed);
  return [
    ...hidden,
    ...plugin(now),
    ...(wantsEgress ? dnsFindings(facts, now.cluster.files === true) : []),
    ...cutFindings(now),
    ...observedFindings(now),
    ...open,
    ...outsideFinding(now, namespaces),
    ...unguarded(now),
  ];
}

const SEVERITIES = { critical: 'high', high: 'high', medium: 'medium', low: 'low' } as const;

/** Declared connections that policies of ours cut today, the worst first: added since, or refused in the answers. */
function cutFindings(now: Snapshot): readonly Finding[] {
  return cutToday(now).map(({ flow, depends }) => ({
    id: 'declared-connection-cut',
    severity: SEVERITIES[flow.severity],
    object: flow.evidence.object,
    evidence: `${refText(flow.evidence.object)}, ${flow.evidence.field}: ${flow.evidence.value}`,
    message: `${flowText(flow)} (${flow.why}) ${depends ? `may be cut, ${DEPENDS},` : 'is cut'} by policies of this step.`,
  }));
}

/** What stays open on purpose is shown as not closed. */
function outsideFinding(now: Snapshot, namespaces: readonly Manifest[]): readonly Finding[] {
  const open = namespaces.map(({ metadata }) => metadata.name).filter((name) => outsideOpen(now, name));
  if (open.length === 0) return [];
  return [
    {
      id: 'egress-outside-open',
      severity: 'info',
      evidence: `policies of this step in ${listed(open)} allow every address but the metadata service`,
      message: `Egress to addresses outside of the cluster is not closed (${open.length} ${open.length === 1 ? 'namespace' : 'namespaces'}). ${towardsPods(now)}`,
    },
  ];
}

/** What ranges that hold every address mean for pods here: which namespaces can be reached in spite of closed egress. */
function towardsPods(now: Snapshot): string {
  const { ipBlockMatchesPods: matches, title } = networkPlugin(now);
  if (matches === false) return `On ${title} address ranges do not match pods: egress to those is closed.`;
  const reached = [...new Set(reachIn(now).workloads.map(({ namespace }) => namespace))]
    .filter((name) => !namespaceState(now, name).ingress.closed)
    .sort();
  const who = matches === undefined ? 'Some plugins match' : `${title} matches`;
  return `${who} pods by address, too, so that it is each destination's own ingress that closes it: ${reached.length === 0 ? 'that of every namespace with pods is closed' : `open in ${listed(reached)}`}.`;
}

/** What could not be seen, kind by kind; without namespaces and policies nothing is judged. */
function notVisible(now: Snapshot): readonly Finding[] {
  const basis = (['Namespace', 'NetworkPolicy'] as const).flatMap((kind): Finding[] => {
    const reason = notVisibleReason(now, kind);
    if (reason === undefined) return [];
    return [
      {
        id: 'policies-not-visible',
        severity: 'notVisible',
        evidence: reason,
        message: `Objects of kind ${kind} could not be read: whether anything is isolated is not known, and nothing is proposed.`,
      },
    ];
  });
  const others = READS.filter(({ kind }) => kind !== 'Namespace' && kind !== 'NetworkPolicy');
  return [...basis, ...unreadKinds(now, others), ...foreignPolicies(now)];
}

/** Whether policies have any effect at all. */
function plugin(now: Snapshot): readonly Finding[] {
  const facts = networkPlugin(now);
  const evidence = facts.evidence.join('; ');
  const gaps = facts.gaps.map(
    (gap): Finding => ({
      id: 'policies-partly-enforced',
      severity: 'medium',
      evidence: gap,
      message: `On part of the nodes policies have no effect: ${gap}.`,
    }),
  );
  if (facts.verdict === 'enforced') return gaps;
  if (facts.verdict === 'notEnforced')
    return [
      {
        id: 'policies-not-enforced',
        severity: 'high',
        evidence,
        message: `The network plugin (${facts.title}) does not enforce NetworkPolicies: they can be written, but would be ignored.`,
      },
    ];
  return [
    {
      id: 'policy-enforcement-not-visible',
      severity: 'notVisible',
      evidence,
      message:
        'Whether the network plugin enforces NetworkPolicies cannot be seen; if it does not, they are ignored. A live probe tells: kubectl harden probe.',
    },
  ];
}

function dnsId({ notVisible, services }: DnsFacts): string {
  if (notVisible) return 'dns-not-visible';
  return services.length === 0 ? 'no-dns-service' : 'dns-not-selectable';
}

/** What to give along where an application is judged by its files alone. */
const WITH_DNS =
  ' For egress as well, add the manifests of its DNS to those files (kubectl -n kube-system get service,deployment -l k8s-app=kube-dns -o yaml), or plan on the cluster itself (--context in place of --from).';

function dnsFindings(facts: DnsFacts, files: boolean): readonly Finding[] {
  const elsewhere = files && facts.services.length === 0 ? WITH_DNS : '';
  if (facts.missing !== undefined)
    return [
      {
        id: dnsId(facts),
        severity: facts.notVisible ? 'notVisible' : 'medium',
        evidence: facts.missing,
        message: `${facts.services.length === 0 ? 'No DNS Service was found' : 'Not all that serves names can be allowed'}: closing egress would cut names, so only ingress is closed until it is.${elsewhere}`,
      },
    ];
  return facts.services
    .filter((service) => service.pods === 0)
    .map((service) => ({
      id: 'dns-without-pods',
      severity: 'low' as const,
      object: service.ref,
      evidence: `no pod carries ${Object.entries(service.podLabels)
        .map(([key, value]) => `${key}=${value}`)
        .join(',')}`,
      message: `${refText(service.ref)} has no pods: if names are served elsewhere (a cloud's DNS), closing egress cuts them.`,
    }));
}

function namespaceFindings(now: Snapshot, namespace: Manifest): readonly Finding[] {
  const { name } = namespace.metadata;
  const state = namespaceState(now, name);
  const policies = objectsIn(now, 'NetworkPolicy', name).filter(
    (policy) => !OURS.some((component) => isOurs(policy, component)),
  );
  return [
    ...keptOpen(now, [namespace], 'namespaced'),
    ...orGuarded(
      now,
      namespace,
      DIRECTIONS.flatMap((direction) => openFindings(now, namespace, state, direction)),
    ),
    ...pretences(policies, state),
    ...hostNetwork(namespace, state),
  ];
}

function openFindings(
  now: Snapshot,
  namespace: Manifest,
  state: NamespaceState,
  direction: (typeof DIRECTIONS)[number],
): readonly Finding[] {
  const { closed, unclosed, unselected, openByOurs, baseline } = state[direction];
  const allowedBy = baseline.map((ref) => `; allowed by ${refText(ref)} of the Baseline tier`).join('');
  if (closed) return [];
  const { name } = namespace.metadata;
  const severity = severityOf(now, namespace);
  const accepts = direction === 'ingress' ? 'accepts traffic from anywhere' : 'may connect anywhere';
  const out: Finding[] = [];
  for (const ref of openByOurs) {
    const policy = objectsIn(now, 'NetworkPolicy', name).find((one) => sameRef(refOf(one), ref));
    const byDesign = direction === 'egress' && policy !== undefined && isOurs(policy, METADATA);
    out.push({
      id: `namespace-open-${direction}`,
      severity,
      object: refOf(namespace),
      evidence: byDesign
        ? `${refText(ref)} of step metadata-blocking: allows everything but the metadata address`
        : `${refText(ref)}, written by an earlier run, lets everything pass`,
      message: byDesign
        ? `Namespace ${name} ${accepts} but the metadata address.`
        : `Namespace ${name} ${accepts}: ${refText(ref)} is not as this step writes it.`,
    });
  }
  if (unclosed)
    out.push({
      id: `namespace-open-${direction}`,
      severity,
      object: refOf(namespace),
      evidence:
        (unselected.length === 0
          ? `no policy selects every pod for ${direction}: new pods are open`
          : `selected by no policy for ${direction}: ${listed(unselected)}`) + allowedBy,
      message:
        unselected.length === 0
          ? `A pod that is created in namespace ${name} ${accepts}.`
          : `Namespace ${name} ${accepts}.`,
    });
  return out;
}

function severityOf(now: Snapshot, namespace: Manifest): Severity {
  return namespaceKind(now, namespace) === 'user' ? 'high' : 'medium';
}

/** Workloads that no policy covers. */
export function hostNetwork(namespace: Manifest, state: NamespaceState): readonly Finding[] {
  if (state.hostNetwork.length === 0) return [];
  return [
    {
      id: 'host-network-not-coverable',
      severity: 'info',
      object: refOf(namespace),
      evidence: `hostNetwork: true: ${listed(state.hostNetwork)}`,
      message: `Workloads of ${namespace.metadata.name} run on their node's network (${state.hostNetwork.length}): no NetworkPolicy covers them.`,
    },
  ];
}

/** The first names, and how many more there are. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
