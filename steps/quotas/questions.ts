import { itemDefaults } from '../../src/model/limit-defaults.js';
import { listAt, type Manifest, stringAt } from '../../src/model/manifest.js';
import { candidateNamespaces, namespaceKind, systemNamespaces } from '../../src/model/namespaces.js';
import type { Choice, Question } from '../../src/model/question.js';
import { amendable, type Rounding, unbounded } from '../../src/model/quota-proposal.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { counted } from '../../src/model/words.js';
import { workloadsIn } from '../../src/model/workloads.js';
import { limitRangesIn, quotasIn, REQUESTED, withoutRequests } from './seen.js';

/** Twice the highest use seen, in percent. */
export const PEAK_FACTOR = 200;

export const ROUNDINGS: readonly Rounding[] = ['steps', 'whole', 'exact'];

/** What the step asks; notes tell what each choice means on this cluster. */
export function questions(now: Snapshot): readonly Question[] {
  const candidates = candidateNamespaces(now);
  const seen = objects(now, 'PodMetrics').length > 0;
  const lacking = candidates.filter(
    ({ metadata: { name } }) =>
      lackingDefaults(limitRangesIn(now, name)).length > 0 || lackingBounds(quotasIn(now, name)),
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
  const rounding: Question = {
    id: 'rounding',
    type: 'choice',
    message: 'Round amounts of quotas up?',
    help: 'Of what needs more than the template allows. How each amount came about stands beside its change.',
    risk: 'none',
    choices: [
      {
        value: 'steps',
        label: 'to what people write',
        note: '100m, 128Mi; above 10 cores and 16Gi whole ones',
      },
      { value: 'whole', label: 'to whole cores and Gi' },
      { value: 'exact', label: 'not at all', note: 'thousandths of a core, bytes' },
    ],
    recommended: 'steps',
    cautious: 'steps',
  };
  const limits: Question = {
    id: 'limits',
    type: 'confirm',
    message: 'Bound limits as well (default limits for containers, limits.cpu and limits.memory)?',
    help: `A default memory limit kills a container that uses more, at its next restart. ${seen ? 'It is set above the highest use seen.' : 'What is in use could not be seen.'} No: requests and counts only.`,
    risk: 'rejectsWorkloads',
    recommended: false,
    cautious: false,
  };
  const peakFactor: Question = {
    id: 'peakFactor',
    type: 'number',
    message: 'A default memory limit, in percent of the highest use seen, at least?',
    help: 'Of containers without a memory limit, as metrics.k8s.io tells now. Only where limits are bounded.',
    risk: 'none',
    min: 110,
    max: 1000,
    recommended: PEAK_FACTOR,
    cautious: PEAK_FACTOR,
  };
  return [
    namespaces,
    headroom,
    rounding,
    limits,
    ...(seen ? [peakFactor] : []),
    ...(lacking.length > 0 ? [amendQuestion(lacking)] : []),
  ];
}

function amendQuestion(namespaces: readonly Manifest[]): Question {
  const names = namespaces.map((ns) => ns.metadata.name);
  const shown =
    names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
  return {
    id: 'amendExisting',
    type: 'confirm',
    message: `Add what is missing to the LimitRange and the quota of ${shown}?`,
    help: 'To take the list of the LimitRange over from who manages it now is a choice of its own, at the review; of the quota only what is added is ours. No: a quota of our own, without what has no default.',
    risk: 'rejectsWorkloads',
    recommended: true,
    cautious: false,
  };
}

/** Whether there is a quota that could take the bounds that are missing. */
function lackingBounds(quotas: readonly Manifest[]): boolean {
  return amendable(quotas) !== undefined && unbounded(quotas, false).length > 0;
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
