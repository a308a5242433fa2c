import type { Change } from '../src/model/plan.js';
import { type Answers, chosen } from '../src/model/question.js';
import type { Snapshot } from '../src/model/snapshot.js';
import type { Step } from '../src/model/step.js';
import type { Templates } from '../src/model/template.js';
import { blockable, candidates } from './metadata-blocking/candidates.js';
import { clusterWideChanges } from './metadata-blocking/cluster-wide.js';
import { assess } from './metadata-blocking/findings.js';
import { mechanismHere } from './metadata-blocking/here.js';
import { exceptChange, leakChoice, leaks } from './metadata-blocking/leaks.js';
import { namespaceChanges } from './metadata-blocking/namespaces.js';
import { allBut, EVERY_POD } from './metadata-blocking/needs.js';
import { questions } from './metadata-blocking/questions.js';
import { READS, WRITES } from './metadata-blocking/reads.js';
import { tables } from './metadata-blocking/table.js';
import { PROVIDER, providerQuestion, told } from './metadata-blocking/told.js';

const ASKED_FOR = 'By itself the answer changes nothing: it says which address is asked about.';

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
  asks: [PROVIDER, 'namespaces', 'keep', 'newNamespaces', 'except'],
  reads: READS,
  writes: WRITES,
  questions: (now, given = {}) => [...providerQuestion(now, ASKED_FOR), ...questions(told(now, given))],
  assess: (now, answers) => assess(told(now, answers)),
  plan: (now, answers, templates) => plan(told(now, answers), answers, templates),
  tables: (now, then, answers = {}) => tables(told(now, answers), told(then, answers)),
};

function plan(now: Snapshot, answers: Answers, templates: Templates): readonly Change[] {
  const endpoints = blockable(now);
  if (endpoints.length === 0) return [];
  const here = mechanismHere(now);
  const wanted = new Set(chosen(answers, 'namespaces'));
  const keep = new Set(chosen(answers, 'keep'));
  const found = candidates(now).filter(({ name }) => wanted.has(name));
  // Where the pods that keep it cannot be told from the others, the namespace is left as it is.
  const parts = found.flatMap((candidate) => {
    const kept = candidate.needing.filter(({ workload }) => keep.has(workload));
    const others = kept.length === 0 ? EVERY_POD : allBut(now, candidate.name, kept);
    return others === undefined ? [] : [{ candidate, others }];
  });
  const byNamespace = parts.flatMap(({ candidate, others }) =>
    namespaceChanges(now, candidate, here.by === 'namespaces' ? endpoints : [], others, templates),
  );
  const except = new Set(chosen(answers, 'except'));
  if (here.by !== 'clusterWide')
    return [
      ...byNamespace,
      ...leaks(now)
        .filter((leak) => except.has(leakChoice(leak).value))
        .map(exceptChange),
    ];
  const wish = {
    mechanism: here.mechanism,
    live: here.live,
    namespaces: new Map(parts.map(({ candidate, others }) => [candidate.name, others])),
    later: answers.newNamespaces === true,
    endpoints,
  };
  return [...byNamespace, ...clusterWideChanges(now, wish, templates)];
}
