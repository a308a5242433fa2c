import { itemDefaults } from '../../src/model/limit-defaults.js';
import { listAt, type Manifest, stringAt } from '../../src/model/manifest.js';
import { candidateNamespaces, namespaceKind, systemNamespaces } from '../../src/model/namespaces.js';
import type { Choice, Question } from '../../src/model/question.js';
import { unbounded } from '../../src/model/quota-proposal.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { counted } from '../../src/model/words.js';
import { workloadsIn } from '../../src/model/workloads.js';
import { limitRangesIn, quotasIn, REQUESTED, withoutRequests } from './seen.js';

/** What the step asks; notes tell what each choice means on this cluster. */
export function questions(now: Snapshot): readonly Question[] {
  const candidates = candidateNamespaces(now);
  const amendable = candidates.filter(
    ({ metadata }) => lackingDefaults(limitRangesIn(now, metadata.name)).length > 0,
  );
  const namespaces: Question = {
    id: 'namespaces',
    type: 'choices',
    message: 'Which namespaces get a LimitRange and a quota?',
    help: 'What runs fits in, a rolling update of all of it included. What asks for more later is refused.',
    risk: 'rejectsWorkloads',
    choices: [
      ...candidates.map((namespace) => choiceOf(now, namespace)),
      ...systemNamespaces(now).map((namespace) => ({ ...choiceOf(now, namespace), apart: true as const })),
    ],
    recommended: candidates.filter((ns) => namespaceKind(now, ns) === 'user').map((ns) => ns.metadata.name),
    cautious: [],
  };
  const headroom: Question = {
    id: 'headroom',
    type: 'number',
    message: 'Headroom of quotas, in percent of what a full rolling update needs?',
    help: 'Used where workloads need more than the template allows. One more pod always fits.',
    risk: 'none',
    min: 0,
    max: 1000,
    recommended: 50,
    cautious: 50,
  };
  const limits: Question = {
    id: 'limits',
    type: 'confirm',
    message: 'Bound limits as well (default limits for containers, limits.cpu and limits.memory)?',
    help: 'A default memory limit kills a container that uses more, at its next restart. No: requests and counts only.',
    risk: 'rejectsWorkloads',
    recommended: false,
    cautious: false,
  };
  return [namespaces, headroom, limits, ...(amendable.length > 0 ? [amendQuestion(amendable)] : [])];
}

function amendQuestion(namespaces: readonly Manifest[]): Question {
  const names = namespaces.map((ns) => ns.metadata.name);
  const shown =
    names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
  return {
    id: 'amendExisting',
    type: 'confirm',
    message: `Add missing default requests to the LimitRange of ${shown}?`,
    help: 'Its list is taken over from whoever manages it now. No: the quota there leaves out what has no default.',
    risk: 'rejectsWorkloads',
    recommended: true,
    cautious: false,
  };
}

/** The resources for which the only LimitRange of a namespace gives no default request; none where there are several. */
export function lackingDefaults(limitRanges: readonly Manifest[]): readonly string[] {
  const [own] = limitRanges;
  if (own === undefined || limitRanges.length > 1) return [];
  const item = listAt(own, 'spec', 'limits').find((i) => stringAt(i, 'type') === 'Container');
  const { requests } = itemDefaults(item);
  return REQUESTED.filter((resource) => requests[resource] === undefined);
}

function choiceOf(now: Snapshot, namespace: Manifest): Choice {
  const { name } = namespace.metadata;
  const kind = namespaceKind(now, namespace);
  const workloads = workloadsIn(now, name);
  const silent = withoutRequests(workloads).length;
  const [ranges, quotas] = [limitRangesIn(now, name).length, quotasIn(now, name)];
  const note = [
    counted(workloads.length, 'workload'),
    ...(silent === 0 ? [] : [`${silent} without requests`]),
    ...(ranges > 0 ? [ranges === 1 ? 'has a LimitRange' : `has ${ranges} LimitRanges`] : []),
    ...(quotas.length === 0
      ? []
      : [unbounded(quotas, false).length === 0 ? 'has a quota' : 'has a partial quota']),
    ...(kind === 'user' ? [] : [kind]),
  ];
  return { value: name, label: name, note: note.join(', ') };
}
