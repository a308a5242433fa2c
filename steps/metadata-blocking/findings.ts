import type { Finding } from '../../src/model/finding.js';
import { at, listAt, type Manifest, type Ref, refOf, refText } from '../../src/model/manifest.js';
import { candidateNamespaces, namespaceKind } from '../../src/model/namespaces.js';
import { concealed } from '../../src/model/node-controls.js';
import { networkPlugin, type PluginFacts } from '../../src/model/plugins.js';
import {
  metadataEndpoints,
  type ProviderFacts,
  providers,
  sharedWithIdentity,
  USUAL,
} from '../../src/model/providers.js';
import { notVisibleReason, objects, type Snapshot } from '../../src/model/snapshot.js';
import { uncomputedGuard } from '../default-deny/guard-live.js';
import { foreignPolicies, unreadKinds } from '../default-deny/unseen.js';
import { blocksInForce, liveBlocks } from './blocks.js';
import { mechanismHere } from './here.js';
import { needs } from './needs.js';
import { nodeClasses } from './node-classes.js';
import { nodeSide } from './node-side.js';
import { READS } from './reads.js';
import { exposureOf, type NamespaceExposure } from './state.js';

/** Which clouds the nodes are of, who reaches their metadata services and by which rule, what helps on the node's side. */
export function assess(now: Snapshot): readonly Finding[] {
  const facts = providers(now);
  const endpoints = metadataEndpoints(facts);
  return [
    ...unseen(facts),
    ...withoutEndpoint(facts),
    ...shared(facts),
    ...(endpoints.length === 0 ? [] : exposures(now)),
    ...nodeSide(facts),
    ...nodeClasses(now),
  ];
}

function unseen(facts: ProviderFacts): readonly Finding[] {
  const seen = facts.found.length + facts.unknown.length + facts.unmarked.length;
  const finding = (evidence: string, message: string): Finding => ({
    id: 'provider-not-visible',
    severity: 'notVisible',
    evidence,
    message,
  });
  if (facts.notVisible !== undefined)
    return [finding(facts.notVisible, 'Nodes could not be read: of which cloud they are is not known.')];
  if (seen === 0)
    return [finding('the cluster lists no node', 'Of which cloud the nodes will be is not known.')];
  const [stranger] = facts.unknown;
  const [unmarked] = facts.unmarked;
  return [
    ...(stranger === undefined
      ? []
      : [
          finding(
            `Node ${stranger.node}: spec.providerID ${stranger.providerID}`,
            `${counted(facts.unknown.length, 'node is', 'nodes are')} of a provider that is not known here: whether it has a metadata address cannot be told. The usual ones are taken for it: ${USUAL.map(({ address }) => address).join(', ')}, TCP 80.`,
          ),
        ]),
    ...(unmarked === undefined
      ? []
      : [
          finding(
            `Node ${unmarked}: no spec.providerID and no label of a provider`,
            `${counted(facts.unmarked.length, 'node does', 'nodes do')} not tell where ${facts.unmarked.length === 1 ? 'it runs' : 'they run'}: on machines of a cloud without its controller pods may still reach a metadata address. Where they are, answer \`provider\`, and it can be blocked.`,
          ),
        ]),
  ];
}

/** Nodes with nothing to hide: providers without a fixed address, and nodes whose metadata server guards itself. */
function withoutEndpoint(facts: ProviderFacts): readonly Finding[] {
  return facts.found.flatMap(({ provider, nodes, evidence }): Finding[] => {
    if (provider.endpoints.length === 0)
      return [
        {
          id: 'no-metadata-address',
          severity: 'info',
          evidence,
          message: `${provider.title}: ${provider.without ?? 'no metadata address'}; nothing is to be blocked.`,
        },
      ];
    const guarded = nodes.filter(concealed).length;
    if (guarded === 0) return [];
    if (guarded < nodes.length)
      return [
        {
          id: 'metadata-partly-concealed',
          severity: 'medium',
          evidence: `label iam.gke.io/gke-metadata-server-enabled=true on ${guarded} of ${nodes.length} nodes`,
          message: `On ${nodes.length - guarded} nodes pods reach the metadata service of the machine. Blocking the address would take their identity from pods on the ${guarded} others: put the GKE metadata server before every node pool instead.`,
        },
      ];
    return [
      {
        id: 'metadata-concealed',
        severity: 'info',
        evidence: `label iam.gke.io/gke-metadata-server-enabled=true on ${guarded} of ${nodes.length} nodes`,
        message: `On ${guarded} nodes the GKE metadata server hands a pod nothing but its own identity.`,
      },
    ];
  });
}

/** Metadata of one cloud at an address from which pods on nodes of another get their identity. */
function shared(facts: ProviderFacts): readonly Finding[] {
  const kept = sharedWithIdentity(facts);
  return facts.found
    .filter(({ nodes }) => !nodes.some(concealed))
    .flatMap(({ provider, evidence }): Finding[] => {
      const address = provider.endpoints.find((endpoint) => kept.includes(endpoint.address))?.address;
      if (address === undefined) return [];
      return [
        {
          id: 'metadata-shared-with-identity',
          severity: 'medium',
          evidence,
          message: `${provider.title}: its metadata is at ${address}, from which pods on nodes with the GKE metadata server get their own identity. No policy tells nodes apart, so the address stays open: use the controls of the nodes.`,
        },
      ];
    });
}

function exposures(now: Snapshot): readonly Finding[] {
  const hidden = (['Namespace', 'NetworkPolicy'] as const).flatMap((kind): Finding[] => {
    const reason = notVisibleReason(now, kind);
    if (reason === undefined) return [];
    return [
      {
        id: 'exposure-not-visible',
        severity: 'notVisible',
        evidence: reason,
        message: `Objects of kind ${kind} could not be read: who reaches the metadata address is not known.`,
      },
    ];
  });
  if (hidden.length > 0) return hidden;
  const plugin = networkPlugin(now);
  const here = mechanismHere(now);
  const found = candidateNamespaces(now).flatMap((namespace) =>
    exposureFindings(now, namespace, exposureOf(now, namespace.metadata.name)),
  );
  const reached = found.some(
    ({ id }) => id.startsWith('metadata-reachable') || id === 'metadata-allowed-by-policy',
  );
  if (plugin.verdict === 'notEnforced')
    found.push({
      id: 'policies-not-enforced',
      severity: 'high',
      evidence: plugin.evidence.join('; '),
      message: `The network plugin (${plugin.title}) does not enforce NetworkPolicies: only the controls of the provider keep pods away.`,
    });
  if (reached && !plugin.ranges.ipv6 && dualStack(now))
    found.push({
      id: 'ipv6-not-covered',
      severity: 'medium',
      evidence: plugin.evidence.join('; '),
      message: `Pods have IPv6 addresses, and ${plugin.title} knows no IPv6: no policy closes it, so IPv6 stays open.`,
    });
  if (reached && here.by === 'nothing' && plugin.verdict !== 'notEnforced')
    found.push(withoutMechanism(plugin, here.reason));
  return [
    ...unreadKinds(now, READS),
    ...foreignPolicies(now),
    ...found,
    ...changedBlocks(now),
    ...idleBlocks(now),
    ...(reached ? needFindings(now) : []),
  ];
}

/** Whether nodes or pods have IPv6 addresses. */
function dualStack(now: Snapshot): boolean {
  const isV6 = (value: unknown) => typeof value === 'string' && value.includes(':');
  return (
    objects(now, 'Node').some((node) => listAt(node, 'spec', 'podCIDRs').some(isV6)) ||
    objects(now, 'Pod').some((pod) => listAt(pod, 'status', 'podIPs').some((one) => isV6(at(one, 'ip'))))
  );
}

/** Why nothing is proposed although pods reach the address. */
function withoutMechanism({ title, evidence }: PluginFacts, reason: string): Finding {
  if (title === 'unknown')
    return {
      id: 'plugin-not-visible',
      severity: 'notVisible',
      evidence: evidence.join('; '),
      message:
        'Which network plugin runs cannot be seen: on some a NetworkPolicy that leaves out one address cuts nodes and the API server off, so none is proposed.',
    };
  return {
    id: 'plugin-needs-own-policy',
    severity: 'medium',
    evidence: evidence.join('; '),
    message: `On ${title} address ranges do not match nodes and the API server: a NetworkPolicy that leaves out one address would cut those off, so none is proposed. A policy for the whole cluster would do, but: ${reason}.`,
  };
}

/** Ours that somebody gave another form: what they do is not computed, and nothing is written beside them. */
function changedBlocks(now: Snapshot): readonly Finding[] {
  return liveBlocks(now)
    .filter(({ says }) => says === undefined)
    .map(({ object }) => ({
      id: 'metadata-block-changed',
      severity: 'medium',
      object: refOf(object),
      evidence: 'its spec says more, or less, than this step writes',
      message: `Somebody changed ${refText(refOf(object))}: what it denies is not computed here, and nothing more is proposed while it is there. Remove it, or undo the change.`,
    }));
}

/** Ours that nothing here is seen to carry out: the plugin was exchanged, or no longer tells its version. */
function idleBlocks(now: Snapshot): readonly Finding[] {
  const inForce = blocksInForce(now);
  return liveBlocks(now)
    .filter((block) => !inForce.includes(block))
    .map(({ object }) => ({
      id: 'metadata-block-idle',
      severity: 'notVisible',
      object: refOf(object),
      evidence: networkPlugin(now).evidence.join('; '),
      message: `${refText(refOf(object))} is there, but nothing shows that what runs here carries it out.`,
    }));
}

/** Who comes by credentials of the cloud, and how; one finding for each way. */
function needFindings(now: Snapshot): readonly Finding[] {
  return [...Map.groupBy(needs(now), ({ use, what }) => `${use} ${what}`).values()].flatMap(
    (same): Finding[] => {
      const [first] = same;
      if (first === undefined) return [];
      const who = listed(same.map(({ workload }) => workload));
      return [
        {
          id: first.use === 'own' ? 'identity-of-its-own' : 'metadata-needed',
          severity: 'info',
          evidence: listed(same.map(({ workload, evidence }) => `${workload}: ${evidence}`)),
          message:
            first.use === 'own'
              ? `${who}: ${first.what}. Blocking the metadata address does not touch that.`
              : `${who}: ${first.what}. Blocking takes it away, unless the answers let them keep it.`,
        },
      ];
    },
  );
}

function exposureFindings(now: Snapshot, namespace: Manifest, state: NamespaceExposure): readonly Finding[] {
  const { name } = namespace.metadata;
  const severity = namespaceKind(now, namespace) === 'user' ? 'high' : 'medium';
  const who = state.workloads.length === 0 ? 'pods to come' : listed(state.workloads);
  const hosts: Finding[] =
    state.hostNetwork.length === 0
      ? []
      : [
          {
            id: 'host-network-reaches-metadata',
            severity: 'info',
            object: refOf(namespace),
            evidence: `hostNetwork: true: ${listed(state.hostNetwork)}`,
            message: `Workloads of ${name} run on their node's network (${state.hostNetwork.length}): no policy keeps them from the metadata address.`,
          },
        ];
  if (state.exposure === 'reopened')
    return [
      ...state.ours.map(
        (policy): Finding => ({
          id: 'metadata-policy-reopens',
          severity: 'high',
          object: refOf(policy),
          evidence: 'other policies of the namespace close egress',
          message: `${refText(refOf(policy))} allows everything but the metadata address, and so opens what other policies close.`,
        }),
      ),
      ...hosts,
    ];
  if (state.exposure === 'none') return hosts;
  const idle = networkPlugin(now).verdict === 'notEnforced';
  const guard = state.unselected && !idle ? uncomputedGuard(now, name) : undefined;
  if (guard !== undefined)
    return [
      {
        id: 'guard-not-computed',
        severity: 'notVisible',
        object: refOf(namespace),
        evidence: `${refText(refOf(guard.object))} does not exclude it`,
        message: `Whether pods of ${name} reach the metadata service is up to the guard of new namespaces, whose effect is not computed here.`,
      },
      ...hosts,
    ];
  if (state.covered && state.policies.length === 0)
    return [
      {
        id: 'metadata-kept',
        severity: 'info',
        object: refOf(namespace),
        evidence: `${state.reached.join(', ')} from ${who}`,
        message: `Of ${name} only workloads that were left out on purpose reach the metadata service.`,
      },
      ...hosts,
    ];
  if (state.exposure === 'open')
    return [
      {
        id: 'metadata-reachable',
        severity,
        object: refOf(namespace),
        evidence: `${state.reached.join(', ')} from ${who}; ${idle ? 'policies have no effect' : 'no policy closes egress'}`,
        message: `Pods of ${name} can reach the cloud's metadata service.`,
      },
      ...hosts,
    ];
  const leaks = state.policies.filter(
    (policy) => policy.namespace === name || policy.namespace === undefined,
  );
  return [
    ...leaks.map(
      (policy): Finding => ({
        id: 'metadata-allowed-by-policy',
        severity,
        object: policy,
        evidence: `${state.reached.join(', ')} from ${who}`,
        message: `A rule of ${refText(policy)} lets pods reach the metadata service; ${remedy(now, policy)}.`,
      }),
    ),
    ...(state.unselected
      ? [
          {
            id: 'metadata-reachable-unselected',
            severity,
            object: refOf(namespace),
            evidence: `${state.reached.join(', ')} from pods, or pods to come, that no policy selects for egress`,
            message: `Pods of ${name} that no policy selects for egress can reach the metadata service; ${mechanismHere(now).by === 'clusterWide' ? 'a deny for the whole cluster keeps them away' : 'closing the namespace (step default-deny) ends it, a policy that allows all the rest would open the others'}.`,
          } satisfies Finding,
        ]
      : []),
    ...hosts,
  ];
}

/** What takes back what a policy allows. */
function remedy(now: Snapshot, { kind }: Ref): string {
  if (kind !== 'NetworkPolicy') return 'it goes before what this step writes, so change it there';
  return mechanismHere(now).by === 'clusterWide'
    ? 'a deny for the whole cluster takes it back'
    : 'leave the address out with except, no other policy can take it back';
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
