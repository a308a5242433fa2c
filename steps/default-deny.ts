import type { Manifest } from '../src/model/manifest.js';
import { candidateNamespaces, namespaceKind, systemNamespaces } from '../src/model/namespaces.js';
import type { Change } from '../src/model/plan.js';
import { networkPlugin } from '../src/model/plugins.js';
import { DEPENDS } from '../src/model/preview.js';
import { type Answers, type Choice, chosen, type Question } from '../src/model/question.js';
import { type Snapshot, visible } from '../src/model/snapshot.js';
import type { Step } from '../src/model/step.js';
import type { Templates } from '../src/model/template.js';
import { workloadsIn } from '../src/model/workloads.js';
import { opennessOf, opennessToday, usualOpenness } from './default-deny/answers.js';
import { effectOf } from './default-deny/breaks.js';
import { BUILT_IN } from './default-deny/built-in.js';
import { closeNamespace, closing, labelledFirst } from './default-deny/closing.js';
import { cutsQuestion } from './default-deny/cuts.js';
import { dnsHere } from './default-deny/dns-here.js';
import { assess } from './default-deny/findings.js';
import { type Lost, observedIn } from './default-deny/flows.js';
import { guardChanges } from './default-deny/guard-changes.js';
import { guardQuestion } from './default-deny/guard-told.js';
import { closeKubeSystem } from './default-deny/kube-system.js';
import { kubeSystemFindings, kubeSystemQuestion } from './default-deny/kube-system-view.js';
import { previewOf } from './default-deny/preview.js';
import { READS, WRITES } from './default-deny/reads.js';
import { KUBE_SYSTEM, type NamespaceState, namespaceState } from './default-deny/state.js';
import { PROVIDER, providerQuestion, told } from './metadata-blocking/told.js';

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
  asks: [
    'probe',
    'anyway',
    'namespaces',
    'sameNamespace',
    'egressOutside',
    PROVIDER,
    'cuts',
    'newNamespaces',
    'kubeSystem',
  ],
  reads: READS,
  writes: WRITES,
  questions: (now, given = {}) => questions(told(now, given), providerQuestion(now, ASKED_FOR)),
  assess: (said, answers) => {
    const now = told(said, answers);
    return [...assess(now), ...(judgeable(now) ? kubeSystemFindings(now, dnsHere(now), answers) : [])];
  },
  plan: (now, answers, templates) => plan(told(now, answers), answers, templates),
  probes: (now, answers) => offersProbe(now) && answers.probe === true,
  preview: previewOf,
};

/** The embedded cluster and manifests in files have no nodes that could run a pod. */
function offersProbe({ cluster, policyProbe }: Snapshot): boolean {
  return !cluster.sandbox && cluster.files !== true && policyProbe === undefined;
}

/** Whether isolation can be judged at all: an unseen policy could already isolate, or open. */
function judgeable(now: Snapshot): boolean {
  return visible(now, 'Namespace') && visible(now, 'NetworkPolicy');
}

/**
 * The namespaces that may be closed. kube-system is not among them: its pods serve the whole cluster, and what they need
 * is another policy, asked for by a question of its own.
 */
function offered(now: Snapshot): readonly Manifest[] {
  const system = systemNamespaces(now).filter(({ metadata }) => metadata.name !== KUBE_SYSTEM);
  return [...candidateNamespaces(now), ...system];
}

const ASKED_FOR = 'Its metadata address stays closed where pods may connect to the outside.';

/** `provider`: where nodes run that do not tell, asked of the snapshot without what was said of them. */
function questions(now: Snapshot, provider: readonly Question[]): readonly Question[] {
  if (!judgeable(now)) return [];
  const ours = [...closingQuestions(now, provider), ...kubeSystemQuestion(now, dnsHere(now))];
  return ours.length === 0 ? [] : [...pluginQuestions(now), ...ours];
}

/** Whether policies have any effect here, asked where it is not certain. */
function pluginQuestions(now: Snapshot): readonly Question[] {
  const plugin = networkPlugin(now);
  return [
    ...(offersProbe(now)
      ? [
          {
            id: 'probe',
            type: 'confirm' as const,
            message: 'Is it tried out first whether policies are enforced?',
            help: `${PROBABLY[plugin.verdict]} A live probe tells: two short pods and a policy in a namespace of their own, removed afterwards. It is confirmed by itself.`,
            risk: 'none' as const,
            recommended: false,
            cautious: false,
          },
        ]
      : []),
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
  ];
}

/** What is closed of the namespaces of users, and what stays open there. */
function closingQuestions(now: Snapshot, provider: readonly Question[]): readonly Question[] {
  const facts = dnsHere(now);
  const usual = usualOpenness(now);
  const candidates = offered(now).map((namespace) => {
    const { name } = namespace.metadata;
    const state = namespaceState(now, name);
    const kind = namespaceKind(now, namespace);
    const open = opennessToday(now, name) ?? usual;
    const left = closeNamespace(now, name, facts, open, BUILT_IN).length > 0;
    const close = closing(state, facts);
    const effect = effectOf(now, name, close, open);
    const shut = effectOf(now, name, close, { ...open, outside: false });
    return { namespace, name, kind, state, left, ...effect, effect, shut };
  });
  const left = candidates.filter((candidate) => candidate.left);
  const guard = guardQuestion(
    now,
    left.map(({ name }) => name),
    usual.outside,
  );
  if (left.length === 0) return guard;
  // Where only namespaces of the system are left, nobody has to answer: the default leaves them alone.
  const risk = left.every(({ kind }) => kind === 'system') ? 'none' : 'cutsTraffic';
  // Without a flow log nobody knows what goes outside; with one, closing is proposed where it cuts nothing that is known.
  const seen = observedIn(now).some(({ connections }) => connections > 0);
  const closable =
    usual.outside &&
    seen &&
    left.every(({ kind, cut, shut }) => kind !== 'user' || shut.cut.length === cut.length);
  return [
    {
      id: 'namespaces',
      type: 'choices',
      message: 'Which namespaces are closed?',
      help: 'One policy for each workload keeps what is declared; one for all pods closes the rest.',
      risk,
      choices: candidates.map(({ namespace, state, cut, kept }) =>
        choice(now, namespace, state, cut, kept.length),
      ),
      recommended: left
        .filter(({ kind, cut }) => kind === 'user' && cut.length === 0)
        .map(({ name }) => name),
      cautious: [],
    },
    {
      id: 'sameNamespace',
      type: 'choice',
      message: 'Which traffic between pods of the same namespace stays open?',
      help: 'Declared: what settings, Services, Ingresses and the like of the cluster name.',
      risk,
      follows: 'namespaces',
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
      help: seen
        ? 'Names cannot be written in a policy. Addresses that the flow logs show are kept, what they do not show is cut.'
        : 'Names cannot be written in a policy, and destinations that nothing declares cannot be seen.',
      // Flow logs show what would be lost, so that closing can be proposed; whoever has traffic there still decides.
      risk: closable ? 'cutsTraffic' : 'none',
      choices: [
        { value: 'open', label: 'yes, but not to the metadata service' },
        { value: 'closed', label: 'no, only to addresses that are declared' },
      ],
      recommended: usual.outside && !closable ? 'open' : 'closed',
      cautious: usual.outside ? 'open' : 'closed',
    },
    ...provider,
    ...cutsQuestion(candidates),
    ...guard,
  ];
}

/** What can be said without a live probe. */
const PROBABLY = {
  enforced: 'As far as can be read, they are.',
  notEnforced: 'As far as can be read, they are not.',
  unknown: 'What can be read does not tell.',
};

function choice(
  now: Snapshot,
  namespace: Manifest,
  state: NamespaceState,
  cut: readonly Lost[],
  kept: number,
): Choice {
  const { name } = namespace.metadata;
  const kind = namespaceKind(now, namespace);
  const count = workloadsIn(now, name).length;
  const certain = cut.filter(({ depends }) => !depends).length;
  const notes = [
    ...(kind === 'user' ? [] : [`${kind}: others depend on it`]),
    `${count} ${count === 1 ? 'workload' : 'workloads'}`,
    howOpen(state),
    ...(certain > 0 ? [`${connections(certain)} cannot be kept`] : []),
    ...(cut.length > certain ? [`${connections(cut.length - certain)} may be cut, ${DEPENDS}`] : []),
    ...(kept > 0 ? [`${connections(kept)} kept by allows`] : []),
    ...(state.hostNetwork.length > 0
      ? [`${state.hostNetwork.length} on the node's network, not coverable`]
      : []),
  ];
  return { value: name, label: name, note: notes.join(', '), ...(kind === 'system' ? { apart: true } : {}) };
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
  const facts = dnsHere(now);
  const wanted = new Set(chosen(answers, 'namespaces'));
  const open = opennessOf(answers);
  const changes = labelledFirst(now, [
    ...offered(now)
      .filter((namespace) => wanted.has(namespace.metadata.name))
      .flatMap((namespace) => closeNamespace(now, namespace.metadata.name, facts, open, templates)),
    ...(answers.kubeSystem === true ? closeKubeSystem(now, facts, templates) : []),
  ]);
  if (answers.newNamespaces !== true) return changes;
  const wish = { before: changes, chosen: wanted, outside: open.outside };
  return [...changes, ...guardChanges(now, wish, templates)];
}
