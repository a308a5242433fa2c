import { has } from '../src/model/features.js';
import { refOf } from '../src/model/manifest.js';
import { objectsIn } from '../src/model/namespaced.js';
import {
  candidateNamespaces,
  type NamespaceKind,
  namespaceKind,
  systemNamespaces,
} from '../src/model/namespaces.js';
import { otherManagers } from '../src/model/ours.js';
import { type Change, canonical } from '../src/model/plan.js';
import { networkPlugin } from '../src/model/plugins.js';
import { type MetadataEndpoint, metadataEndpoints, providers } from '../src/model/providers.js';
import { type Answers, type Choice, chosen, type Question } from '../src/model/question.js';
import { type Snapshot, visible } from '../src/model/snapshot.js';
import type { Step } from '../src/model/step.js';
import type { Templates } from '../src/model/template.js';
import { assess } from './metadata-blocking/findings.js';
import { metadataPolicy } from './metadata-blocking/policy.js';
import { READS } from './metadata-blocking/reads.js';
import { exposureOf, type NamespaceExposure } from './metadata-blocking/state.js';

/** Pods kept away from the cloud's metadata service, without opening anything that is closed. */
export const metadataBlocking: Step = {
  id: 'metadata-blocking',
  title: 'Metadata blocking',
  why: [
    "A cloud's metadata service hands the node's own credentials to whoever asks.",
    'A pod that can be made to fetch an address can take them.',
  ],
  references: [
    { catalogue: 'guide', id: 'Network separation and hardening: cloud metadata services' },
    { catalogue: 'Kubescape', id: 'C-0052' },
  ],
  folder: '05-metadata-blocking',
  asks: ['namespaces'],
  reads: READS,
  questions,
  assess,
  plan,
};

/**
 * The endpoints that policies of namespaces can block here; empty where nothing can be judged, or where the plugin takes
 * address ranges in a way that would cut nodes and the API server off.
 */
function blockable(now: Snapshot): readonly MetadataEndpoint[] {
  if (!visible(now, 'Namespace') || !visible(now, 'NetworkPolicy')) return [];
  return networkPlugin(now).ipBlockMatchesNodes ? metadataEndpoints(providers(now)) : [];
}

interface Candidate {
  name: string;
  kind: NamespaceKind;
  state: NamespaceExposure;
}

function candidates(now: Snapshot, endpoints: readonly MetadataEndpoint[]): readonly Candidate[] {
  if (endpoints.length === 0) return [];
  return [...candidateNamespaces(now), ...systemNamespaces(now)]
    .map((namespace) => {
      const { name } = namespace.metadata;
      return { name, kind: namespaceKind(now, namespace), state: exposureOf(now, name, endpoints) };
    })
    .filter(({ state }) => state.exposure === 'open' || state.exposure === 'reopened');
}

function questions(now: Snapshot): readonly Question[] {
  const found = candidates(now, blockable(now));
  if (found.length === 0) return [];
  return [
    {
      id: 'namespaces',
      type: 'choices',
      message: 'Which namespaces are kept away from the metadata address?',
      help: "Pods that use the node's own credentials lose them; everything else stays open.",
      // Where only namespaces of the system are left, nobody has to answer: the default leaves them alone.
      risk: found.every(({ kind }) => kind === 'system') ? 'none' : 'cutsTraffic',
      choices: found.map(choice),
      recommended: found.filter(({ kind }) => kind === 'user').map(({ name }) => name),
      cautious: [],
    },
  ];
}

function choice({ name, kind, state }: Candidate): Choice {
  const notes = [
    ...(kind === 'user' ? [] : [`${kind}: may need the node's credentials`]),
    state.exposure === 'reopened'
      ? 'our own policy opens what others close'
      : `${state.workloads.length} ${state.workloads.length === 1 ? 'workload reaches' : 'workloads reach'} it`,
    ...(state.hostNetwork.length > 0
      ? [`${state.hostNetwork.length} on the node's network, not coverable`]
      : []),
  ];
  return { value: name, label: name, note: notes.join(', '), ...(kind === 'system' ? { apart: true } : {}) };
}

function plan(now: Snapshot, answers: Answers, templates: Templates): readonly Change[] {
  const endpoints = blockable(now);
  const wanted = new Set(chosen(answers, 'namespaces'));
  return candidates(now, endpoints)
    .filter(({ name }) => wanted.has(name))
    .flatMap((candidate) => changesFor(now, candidate, endpoints, templates));
}

function changesFor(
  now: Snapshot,
  { name, state }: Candidate,
  endpoints: readonly MetadataEndpoint[],
  templates: Templates,
): readonly Change[] {
  const { ours } = state;
  if (state.exposure === 'reopened' && ours !== undefined)
    return [
      {
        kind: 'delete',
        id: `metadata-blocking/${name}/NetworkPolicy/${ours.metadata.name}`,
        ref: refOf(ours),
        risk: 'cutsTraffic',
        why: 'It allows everything but the metadata address, and so opens again what other policies of the namespace close.',
        breaks: ['What only this policy allowed stops.'],
        before: ours,
      },
    ];
  const existing = objectsIn(now, 'NetworkPolicy', name);
  const ranges = has(now, 'endPort');
  const manifest = metadataPolicy(name, endpoints, ranges, existing, templates);
  if (ours !== undefined && canonical(ours.spec) === canonical(manifest.spec)) return [];
  const others = ours === undefined ? [] : otherManagers(ours);
  return [
    {
      kind: 'apply',
      id: `metadata-blocking/${name}/NetworkPolicy/${manifest.metadata.name}`,
      ref: refOf(manifest),
      risk: 'cutsTraffic',
      why: `Leaves out ${state.reached.join(', ')}; egress of ${name} stays open for everything else.`,
      breaks: [
        ...(others.length === 0
          ? []
          : [`Takes its fields over from ${others.join(', ')}, where it was changed since.`]),
        "Pods that take the node's own credentials from there lose them; identities of their own (IRSA, Pod Identity, workload identity) go on.",
        ...(ranges
          ? []
          : ['The server is older than 1.22: of the metadata addresses only DNS and NTP stay reachable.']),
        'Whether ping and other protocols than TCP, UDP and SCTP still pass depends on the network plugin.',
      ],
      manifest,
      ...(ours === undefined ? {} : { before: ours }),
      ...(others.length === 0 ? {} : { force: true }),
    },
  ];
}
