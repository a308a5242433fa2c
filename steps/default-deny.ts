import type { Manifest } from '../src/model/manifest.js';
import { candidateNamespaces, namespaceKind, systemNamespaces } from '../src/model/namespaces.js';
import type { Change } from '../src/model/plan.js';
import { type Answers, type Choice, chosen, type Question } from '../src/model/question.js';
import { type Snapshot, visible } from '../src/model/snapshot.js';
import type { Step } from '../src/model/step.js';
import type { Templates } from '../src/model/template.js';
import { workloadsIn } from '../src/model/workloads.js';
import { apiServerCalls } from './default-deny/api-server-calls.js';
import { declared } from './default-deny/breaks.js';
import { closeNamespace, labelledFirst, workLeft } from './default-deny/closing.js';
import { dnsHere } from './default-deny/dns-here.js';
import { assess } from './default-deny/findings.js';
import { READS } from './default-deny/reads.js';
import { type NamespaceState, namespaceState } from './default-deny/state.js';

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
  asks: ['namespaces', 'sameNamespace'],
  reads: READS,
  questions,
  assess,
  plan,
};

/** Whether isolation can be judged at all: an unseen policy could already isolate, or open. */
function judgeable(now: Snapshot): boolean {
  return visible(now, 'Namespace') && visible(now, 'NetworkPolicy');
}

/**
 * The namespaces that may be closed. kube-system is not among them: its pods serve the whole cluster, and what they need
 * is another policy than the one of this step.
 */
function offered(now: Snapshot): readonly Manifest[] {
  const system = systemNamespaces(now).filter(({ metadata }) => metadata.name !== 'kube-system');
  return [...candidateNamespaces(now), ...system];
}

function questions(now: Snapshot): readonly Question[] {
  if (!judgeable(now)) return [];
  const facts = dnsHere(now);
  const candidates = offered(now).map((namespace) => {
    const { name } = namespace.metadata;
    const state = namespaceState(now, name);
    const kind = namespaceKind(now, namespace);
    return { namespace, name, kind, state, left: workLeft(now, name, state, facts) };
  });
  const left = candidates.filter((candidate) => candidate.left);
  if (left.length === 0) return [];
  // Where only namespaces of the system are left, nobody has to answer: the default leaves them alone.
  const risk = left.every(({ kind }) => kind === 'system') ? 'none' : 'cutsTraffic';
  return [
    {
      id: 'namespaces',
      type: 'choices',
      message: 'Which namespaces are closed?',
      help: 'Each gets one policy that selects every pod. What nothing lists as allowed will stop.',
      risk,
      choices: candidates.map(({ namespace, state }) => choice(now, namespace, state)),
      recommended: left
        .filter(({ name, kind }) => kind === 'user' && apiServerCalls(now, name).length === 0)
        .map(({ name }) => name),
      cautious: [],
    },
    {
      id: 'sameNamespace',
      type: 'confirm',
      message: 'Does traffic between pods of the same namespace stay open?',
      help: 'No closes it as well: only DNS and what other policies allow is left.',
      risk,
      recommended: true,
      cautious: true,
    },
  ];
}

function choice(now: Snapshot, namespace: Manifest, state: NamespaceState): Choice {
  const { name } = namespace.metadata;
  const kind = namespaceKind(now, namespace);
  const count = workloadsIn(now, name).length;
  const notes = [
    ...(kind === 'user' ? [] : [`${kind}: others depend on it`]),
    ...serving(apiServerCalls(now, name)),
    `${count} ${count === 1 ? 'workload' : 'workloads'}`,
    howOpen(state),
    ...(state.ingress.closed ? [] : cuts(declared(now, name).length)),
    ...(state.hostNetwork.length > 0
      ? [`${state.hostNetwork.length} on the node's network, not coverable`]
      : []),
  ];
  return { value: name, label: name, note: notes.join(', '), ...(kind === 'system' ? { apart: true } : {}) };
}

function serving([first, ...more]: readonly string[]): readonly string[] {
  if (first === undefined) return [];
  const others = more.length > 0 ? ` and ${more.length} more` : '';
  return [`serves ${first}${others}: closing it could stop the API server's calls`];
}

function cuts(connections: number): readonly string[] {
  if (connections === 0) return [];
  return [
    `${connections} declared ${connections === 1 ? 'connection' : 'connections'} from outside would be cut`,
  ];
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
  const facts = dnsHere(now);
  const wanted = new Set(chosen(answers, 'namespaces'));
  const sameNamespace = answers.sameNamespace !== false;
  return labelledFirst(
    now,
    facts,
    offered(now)
      .filter((namespace) => wanted.has(namespace.metadata.name))
      .flatMap((namespace) => closeNamespace(now, namespace.metadata.name, facts, sameNamespace, templates)),
  );
}
