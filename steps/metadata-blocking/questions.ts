import type { Choice, Question } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { type Candidate, candidates } from './candidates.js';
import { canCoverLater } from './cluster-wide.js';
import { mechanismHere } from './here.js';
import { isProposed, leakChoice, leaks } from './leaks.js';

/** Which namespaces are kept away, and which of their workloads are not. */
export function questions(now: Snapshot): readonly Question[] {
  return [...namespaceQuestions(now), ...leakQuestion(now)];
}

/** Which policies leave the address out of their rules, where nothing else takes back what they allow. */
function leakQuestion(now: Snapshot): readonly Question[] {
  const found = leaks(now);
  if (found.length === 0) return [];
  return [
    {
      id: 'except',
      type: 'choices',
      message: 'Which policies leave the metadata address out of their rules?',
      help: 'They let pods reach it, and no other policy can take that back. Nothing else of them changes.',
      // Those of somebody else are changed only where they are named, so that nobody has to answer about them.
      risk: found.some(isProposed) ? 'cutsTraffic' : 'none',
      choices: found.map(leakChoice),
      recommended: found.filter(isProposed).map((leak) => leakChoice(leak).value),
      cautious: [],
    },
  ];
}

function namespaceQuestions(now: Snapshot): readonly Question[] {
  const found = candidates(now);
  if (found.length === 0) return [];
  const here = mechanismHere(now);
  const needing = found.flatMap((candidate) => candidate.needing.map((need) => ({ candidate, need })));
  const asked = needing.map(({ need }) => need.workload);
  const later =
    here.by === 'clusterWide' &&
    canCoverLater(now, here.mechanism) &&
    !here.live.some(({ says }) => says?.subject.operator === 'NotIn');
  return [
    {
      id: 'namespaces',
      type: 'choices',
      message: 'Which namespaces are kept away from the metadata address?',
      help: `${here.by === 'clusterWide' ? `By ${here.mechanism.title}. ` : ''}Pods that use the node's own credentials lose them; everything else stays open.`,
      // Where only namespaces of the system are left, nobody has to answer: the default leaves them alone.
      risk: found.every(({ kind }) => kind === 'system') ? 'none' : 'cutsTraffic',
      choices: found.map(choice),
      recommended: found.filter(({ kind }) => kind === 'user').map(({ name }) => name),
      cautious: [],
    },
    ...(asked.length === 0
      ? []
      : [
          {
            id: 'keep',
            type: 'choices' as const,
            message: 'Which of their workloads keep the metadata address?',
            help: 'These ask it for credentials. Left out of what is closed, with every pod that has their labels.',
            risk: 'none' as const,
            choices: needing.map(({ need }) => ({
              value: need.workload,
              label: need.workload,
              note: `${need.what}; ${need.evidence}`,
            })),
            recommended: asked,
            cautious: asked,
          },
        ]),
    ...(later
      ? [
          {
            id: 'newNamespaces',
            type: 'confirm' as const,
            message: 'Are namespaces that are created later kept away from the start?',
            help: 'No namespace that is there and is not chosen is touched.',
            risk: 'none' as const,
            recommended: false,
            cautious: false,
          },
        ]
      : []),
  ];
}

function choice({ name, kind, state, needing }: Candidate): Choice {
  const { length } = state.workloads;
  const notes = [
    ...(kind === 'user' ? [] : [`${kind}: may need the node's credentials`]),
    state.exposure === 'reopened'
      ? 'our own policy opens what others close'
      : `${length} ${length === 1 ? 'workload reaches' : 'workloads reach'} it`,
    ...(needing.length > 0 ? [`${needing.length} of them ${needing.length === 1 ? 'asks' : 'ask'} it`] : []),
    ...(state.hostNetwork.length > 0
      ? [`${state.hostNetwork.length} on the node's network, not coverable`]
      : []),
  ];
  return { value: name, label: name, note: notes.join(', '), ...(kind === 'system' ? { apart: true } : {}) };
}
