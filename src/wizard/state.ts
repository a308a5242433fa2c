import type { DiffLine } from '../model/diff.js';
import type { Finding } from '../model/finding.js';
import { type Change, type Plan, without } from '../model/plan.js';
import type { ProbePlan } from '../model/policy-probe.js';
import type { HealthCheck } from '../model/provisional.js';
import type { Answers, AnswerValue, Question } from '../model/question.js';
import type { Snapshot } from '../model/snapshot.js';
import type { Step, StepStatus } from '../model/step.js';
import type { RewriteProgress } from './ports.js';
import type { Waiting } from './waiting.js';

/** Where the wizard is. One screen at a time; `step` is an index into `steps`. */
export type Screen =
  | { at: 'reading'; kinds: readonly { kind: string; objects: number; done: boolean }[] }
  | { at: 'overview' }
  | { at: 'questions' }
  | { at: 'checking'; confirming?: true } // server dry run, at last before confirming; input is swallowed
  | { at: 'review' }
  // typed: the context's name has to be typed; probe: before it, in place of changes; within: seconds after which the step
  // takes itself back unless it is kept, 0 for not at all, `never` where it cannot, absent where it is not offered;
  // stays: why this account could not take it back; decides: what may keep it in place of a person; alone: the id of the
  // one change that it is about, absent for all that are confirmed together; settled: `within` was settled by the first of
  // several confirmations and holds for all of them. Nothing is written before the last of these
  // is confirmed
  | {
      at: 'confirm';
      typed: boolean;
      probe?: ProbePlan;
      within?: number | 'never';
      stays?: string;
      decides?: HealthCheck;
      alone?: string;
      settled?: true;
    }
  | { at: 'probing'; stage: string; stopping: boolean } // a live probe of the network plugin
  | { at: 'applying'; done: number; total: number; now: string; rewrite?: RewriteProgress; stopping: boolean }
  | { at: 'verifying' }
  | { at: 'result' }
  | { at: 'skip' } // asks for a reason
  | { at: 'failed'; message: string } // cannot go on; leaving is all that is left
  | { at: 'left' };

/** What the server said to the dry run of one change. */
export interface Checked {
  change: string;
  diff: readonly DiffLine[];
  check:
    | { by: 'server'; warnings: readonly string[] }
    | { by: 'us'; reason: string } // computed here, not checked by the server
    | { by: 'refusal'; reason: string; right?: true }; // the server would refuse it; right: this account may not
  /** Where it could take itself back: why this account could not take this one back. */
  stays?: string;
}

export type Outcome = 'applied' | 'left' | 'failed' | 'stale' | 'interrupted';

/** What happened to one change. */
export interface Done {
  change: string;
  outcome: Outcome;
  /** What the outcome is based on, or why it was not applied and how to go on. */
  message: string;
  /** Of a re-write: every API server there is, where each was tried before it and all kept one stored form. */
  agreed?: readonly string[];
}

/** Changes that were chosen by themselves: each by its id, or all that take a choice of their own. */
export type Chosen = readonly string[] | 'all';

export interface StepState {
  step: Step;
  status: StepStatus;
  questions: readonly Question[];
  /** Complete: every question has its answer or its default. */
  answers: Answers;
  /** Answers to questions that are not asked as things stand; what is confirmed next makes them void. */
  unasked?: Answers;
  /** Ids of questions that somebody answered. */
  answered: readonly string[];
  findings: readonly Finding[];
  plan: Plan;
  /** Ids of changes that were taken out of the plan. */
  excluded: readonly string[];
  /** Ids of changes that are left out because nobody chose them, and only a choice of their own may. */
  held?: readonly string[];
  /** Ids of such changes that somebody chose. */
  chosen?: Chosen;
  checked: readonly Checked[];
  done: readonly Done[];
  /** Findings of the assessment after applying; undefined until then. */
  verified?: readonly Finding[];
  skipped?: string;
}

export interface WizardState {
  run: string;
  screen: Screen;
  snapshot: Snapshot | undefined;
  steps: readonly StepState[];
  /** Index of the step at hand. */
  current: number;
  /** One line for the user that came with the last event, e.g. that a plan was made again because objects moved. */
  notice: string | undefined;
  /** Whether something was written in this session; the first write to a real cluster asks for the context's name. */
  written: boolean;
  /** The scratch namespace of a live probe that has not said that it is gone. */
  scratch?: string;
  /** What takes itself back unless it is kept, and the time when that was looked at (milliseconds since 1970). */
  waiting?: { readonly all: readonly Waiting[]; readonly now: number };
  /** Ids of steps that nobody kept in time: the session ends, and they are taken back. */
  expired?: readonly string[];
  /** Where the run is kept; told at the end. */
  directory: string;
}

/** What a front end may say. Anything that does not fit the screen is ignored. */
export type UserEvent =
  | { type: 'open'; step: number }
  | { type: 'answer'; question: string; value: AnswerValue }
  | { type: 'next' } // questions -> review, review -> confirm, result -> next step or overview
  | { type: 'back' }
  | { type: 'toggle'; change: string }
  | { type: 'within' } // the next choice of how long the step waits to be kept
  | { type: 'keep' } // keeps what waits
  | { type: 'confirm'; typed?: string } // typed: must equal the context's name where asked for
  | { type: 'skip' } // opens the screen that asks for a reason
  | { type: 'skipped'; reason: string }
  | { type: 'reload' }
  | { type: 'interrupt' } // ctrl-c: while applying, finish the object in hand and stop
  | { type: 'quit' };

/** What the server said to chosen changes for which this account lacks a right. */
export function forbiddenChanges(
  step: Pick<StepState, 'plan' | 'excluded' | 'held' | 'checked'>,
): readonly Checked[] {
  const chosen = new Set(chosenChanges(step).map(({ id }) => id));
  return step.checked.filter(
    ({ change, check }) => check.by === 'refusal' && check.right === true && chosen.has(change),
  );
}

/** Why this account could not take chosen changes back, one text for each that would stay. */
export function stayingChanges(
  step: Pick<StepState, 'plan' | 'excluded' | 'held' | 'checked'>,
): readonly string[] {
  const chosen = new Set(chosenChanges(step).map(({ id }) => id));
  return step.checked.flatMap(({ change, stays }) =>
    stays !== undefined && chosen.has(change) ? [stays] : [],
  );
}

/** The changes of a step that are chosen; what requires a change that was taken out goes with it. */
export function chosenChanges(step: Pick<StepState, 'plan' | 'excluded' | 'held'>): readonly Change[] {
  return without(step.plan.changes, [...step.excluded, ...(step.held ?? [])]);
}

/** How a front end talks to the running wizard: read the state, hear of changes, send events. */
export interface Session {
  readonly state: WizardState;
  subscribe(listener: () => void): () => void;
  send(event: UserEvent): void;
  /** Resolves with the exit code once the session has ended and everything is on disk. */
  readonly ended: Promise<number>;
}
