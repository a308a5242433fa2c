import { ownChoice } from '../model/managed-by.js';
import { overlay } from '../model/overlay.js';
import { type Change, canonical, planOf } from '../model/plan.js';
import { type Answers, completeAnswers, type Question } from '../model/question.js';
import type { Snapshot } from '../model/snapshot.js';
import { type Step, statusOf } from '../model/step.js';
import type { Templates } from '../model/template.js';
import { type Chosen, chosenChanges, type StepState } from './state.js';

/** What people have decided about a step so far; everything else follows from the snapshot. */
export interface Decisions {
  answers: Answers;
  excluded: readonly string[];
  chosen?: Chosen;
  skipped?: string;
}

export const UNDECIDED: Decisions = { answers: {}, excluded: [] };

/**
 * Every step on this snapshot. Each one asks and plans on the snapshot with the chosen changes of the earlier steps laid
 * over it, so that one go, step by step and patch files come to the same; findings speak of the cluster as it is.
 * `decisions` is asked by step id. `known` are the states of these steps on this very snapshot before a decision on the
 * step at `from` changed: what comes before it stands.
 */
export function assemble(
  now: Snapshot,
  steps: readonly Step[],
  templates: Templates,
  decisions: (step: string) => Decisions,
  known: readonly StepState[] = [],
  from = 0,
): StepState[] {
  let ahead = now;
  return steps.map((step, index) => {
    const before = known[index];
    const state =
      before !== undefined && index < from
        ? before
        : assembleStep(now, ahead, step, templates, decisions(step.id), before);
    ahead = overlay(ahead, pending(state));
    return state;
  });
}

/** Changes that a step is going to make as things stand: none once it is skipped. */
export function pending(step: StepState): readonly Change[] {
  return step.skipped === undefined ? chosenChanges(step) : [];
}

/** The cluster as it will be after each step: the changes that wait laid over it, those of the steps before included. */
export function aheadOf(now: Snapshot, steps: readonly StepState[]): readonly Snapshot[] {
  let ahead = now;
  return steps.map((step) => {
    const changes = pending(step);
    if (changes.length > 0) ahead = overlay(ahead, changes);
    return ahead;
  });
}

/** How many changes wait in all steps. */
export function pendingCount(steps: readonly StepState[]): number {
  return steps.reduce((sum, step) => sum + pending(step).length, 0);
}

/** Answers to questions that are not asked now. */
function unaskedIn(questions: readonly Question[], given: Answers): Pick<StepState, 'unasked'> {
  const rest = Object.entries(given).filter(([id]) => !questions.some((question) => question.id === id));
  return rest.length === 0 ? {} : { unasked: Object.fromEntries(rest) };
}

function assembleStep(
  now: Snapshot,
  ahead: Snapshot,
  step: Step,
  templates: Templates,
  decided: Decisions,
  before: StepState | undefined,
): StepState {
  const questions = step.questions(ahead, decided.answers);
  const answers = completeAnswers(questions, decided.answers, now.cluster.sandbox);
  const findings =
    before !== undefined && canonical(before.answers) === canonical(answers)
      ? before.findings
      : step.assess(now, answers);
  const plan = planOf(step.id, step.plan(ahead, answers, templates));
  const excluded = decided.excluded.filter((id) => plan.changes.some((change) => change.id === id));
  const { chosen = [] } = decided;
  const held =
    step.takesBack === true || chosen === 'all'
      ? []
      : plan.changes
          .filter((change) => !chosen.includes(change.id) && ownChoice(change) !== undefined)
          .map(({ id }) => id);
  const base = {
    step,
    questions,
    answers,
    answered: questions.map((q) => q.id).filter((id) => decided.answers[id] !== undefined),
    ...unaskedIn(questions, decided.answers),
    findings,
    plan,
    excluded,
    held,
    chosen,
    checked: [],
    done: [],
  };
  if (decided.skipped !== undefined) return { ...base, status: 'skipped', skipped: decided.skipped };
  return { ...base, status: statusOf(findings, chosenChanges(base)) };
}
