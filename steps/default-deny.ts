import { dns } from '../src/model/dns.js';
import type { Manifest } from '../src/model/manifest.js';
import { candidateNamespaces, namespaceKind } from '../src/model/namespaces.js';
import type { Change } from '../src/model/plan.js';
import { networkPlugin } from '../src/model/plugins.js';
import { type Answers, type Choice, chosen, type Question } from '../src/model/question.js';
import { type Snapshot, visible } from '../src/model/snapshot.js';
import type { Step } from '../src/model/step.js';
import type { Templates } from '../src/model/template.js';
import { workloadsIn } from '../src/model/workloads.js';
import { opennessOf, opennessToday, usualOpenness } from './default-deny/answers.js';
import { effectOf } from './default-deny/breaks.js';
import { BUILT_IN } from './default-deny/built-in.js';
import { closeNamespace, closing, labelledFirst } from './default-deny/closing.js';
import { assess } from './default-deny/findings.js';
import { flowText } from './default-deny/flows.js';
import { previewOf } from './default-deny/preview.js';
import { DECLARING_KINDS, type NamespaceState, namespaceState, REACH_KINDS } from './default-deny/state.js';

/** Every chosen namespace closed in both directions, except for DNS and what was asked to stay open. */
export const defaultDeny: Step = {
  id: 'default-deny',
  title: 'Default-deny',
  why: [
    'Without a policy every pod accepts traffic from every pod and may connect anywhere.',
    'One taken-over pod then reaches all the others, and the Internet.',
  ],
  references: [
    { catalogue: 'guide', id: 'Network separation and hardening: network policies; appendix E' },
    { catalogue: 'CIS', id: '5.3.2' },
    { catalogue: 'Kubescape', id: 'C-0030' },
    { catalogue: 'Kubescape', id: 'C-0054' },
    { catalogue: 'Trivy', id: 'KSV-0038' },
  ],
  folder: '02-default-deny',
  asks: ['namespaces', 'sameNamespace', 'egressOutside', 'cuts', 'anyway'],
  reads: [
    ...REACH_KINDS.map((kind) => ({ kind, as: 'objects' as const, for: 'what may connect to what' })),
    ...DECLARING_KINDS.map((kind) => ({
      kind,
      as: 'objects' as const,
      for: 'connections that closing would cut',
    })),
    { kind: 'ConfigMap', as: 'objects', for: 'the network plugin, and hosts that workloads name' },
  ],
  questions,
  assess,
  plan,
  preview: previewOf,
};

/** Whether isolation can be judged at all: an unseen policy could already isolate, or open. */
function judgeable(now: Snapshot): boolean {
  return visible(now, 'Namespace') && visible(now, 'NetworkPolicy');
}

function questions(now: Snapshot): readonly Question[] {
  if (!judgeable(now)) return [];
  const facts = dns(now);
  const usual = usualOpenness(now);
  const candidates = candidateNamespaces(now).map((namespace) => {
    const { name } = namespace.metadata;
    const state = namespaceState(now, name);
    const open = opennessToday(now, name) ?? usual;
    const left = closeNamespace(now, name, facts, open, BUILT_IN).length > 0;
    const { cut, kept } = effectOf(now, name, closing(state, facts), open);
    return { namespace, name, state, left, cut, kept };
  });
  if (!candidates.some(({ left }) => left)) return [];
  const flows = new Map(candidates.flatMap(({ kept }) => kept).map((flow) => [flowText(flow), flow]));
  const plugin = networkPlugin(now);
  return [
    ...(plugin.verdict === 'notEnforced'
      ? [
          {
            id: 'anyway',
            type: 'confirm' as const,
            message: `Are policies written although ${plugin.title} ignores them?`,
            help: 'They take effect only once a plugin enforces them. With yes, generate writes them as files.',
            risk: 'none' as const,
            recommended: false,
            cautious: false,
          },
        ]
      : []),
    {
      id: 'namespaces',
      type: 'choices',
      message: 'Which namespaces are closed?',
      help: 'One policy for each workload keeps what is declared; one for all pods closes the rest.',
      risk: 'cutsTraffic',
      choices: candidates.map(({ namespace, state, cut, kept }) =>
        choice(now, namespace, state, cut.length, kept.length),
      ),
      recommended: candidates
        .filter(({ namespace, left, cut }) => left && cut.length === 0 && namespaceKind(namespace) === 'user')
        .map(({ name }) => name),
      cautious: [],
    },
    {
      id: 'sameNamespace',
      type: 'choice',
      message: 'Which traffic between pods of the same namespace stays open?',
      help: 'Declared: what settings, Services, Ingresses and the like of the cluster name.',
      risk: 'cutsTraffic',
      choices: [
        { value: 'declared', label: 'declared only', also: ['false'] },
        { value: 'all', label: 'all of it', also: ['true'] },
      ],
      recommended: usual.sameNamespace ? 'all' : 'declared',
      cautious: usual.sameNamespace ? 'all' : 'declared',
    },
    {
      id: 'egressOutside',
      type: 'choice',
      message: 'May pods still connect to addresses outside of the cluster?',
      help: 'Names cannot be written in a policy, and destinations that nothing declares cannot be seen.',
      risk: 'none',
      choices: [
        { value: 'open', label: 'yes, but not to the metadata service' },
        { value: 'closed', label: 'no, only to addresses that are declared' },
      ],
      recommended: usual.outside ? 'open' : 'closed',
      cautious: usual.outside ? 'open' : 'closed',
    },
    ...(flows.size === 0
      ? []
      : [
          {
            id: 'cuts',
            type: 'choices' as const,
            message: 'Which declared connections are kept?',
            help: 'Without its allow, each of them would be cut.',
            risk: 'none' as const,
            choices: [...flows].map(([value, { why, severity, evidence }]) => ({
              value,
              label: value,
              note: `${severity}: ${why}, ${evidence.object.kind} ${evidence.object.name}, ${evidence.field}`,
            })),
            recommended: [...flows.keys()],
            cautious: [...flows.keys()],
          },
        ]),
  ];
}

function choice(
  now: Snapshot,
  namespace: Manifest,
  state: NamespaceState,
  cut: number,
  kept: number,
): Choice {
  const { name } = namespace.metadata;
  const count = workloadsIn(now, name).length;
  const notes = [
    ...(namespaceKind(namespace) === 'infrastructure' ? ['infrastructure: others depend on it'] : []),
    `${count} ${count === 1 ? 'workload' : 'workloads'}`,
    howOpen(state),
    ...(cut > 0 ? [`${connections(cut)} cannot be kept`] : []),
    ...(kept > 0 ? [`${connections(kept)} kept by allows`] : []),
    ...(state.hostNetwork.length > 0
      ? [`${state.hostNetwork.length} on the node's network, not coverable`]
      : []),
  ];
  return { value: name, label: name, note: notes.join(', ') };
}

function connections(count: number): string {
  return `${count} declared ${count === 1 ? 'connection' : 'connections'}`;
}

function howOpen({ ingress, egress }: NamespaceState): string {
  if (ingress.closed && egress.closed) return 'isolated';
  const foreign = [...ingress.openBy, ...egress.openBy].map((ref) => ref.name);
  if (foreign.length > 0 && !ingress.unclosed && !egress.unclosed)
    return `kept open by ${[...new Set(foreign)].join(', ')}`;
  if (ingress.closed) return 'ingress closed, egress open';
  if (egress.closed) return 'egress closed, ingress open';
  return 'open';
}

function plan(now: Snapshot, answers: Answers, templates: Templates): readonly Change[] {
  if (!judgeable(now)) return [];
  if (networkPlugin(now).verdict === 'notEnforced' && answers.anyway !== true) return [];
  const facts = dns(now);
  const wanted = new Set(chosen(answers, 'namespaces'));
  const open = opennessOf(answers);
  return labelledFirst(
    now,
    candidateNamespaces(now)
      .filter((namespace) => wanted.has(namespace.metadata.name))
      .flatMap((namespace) => closeNamespace(now, namespace.metadata.name, facts, open, templates)),
  );
}
