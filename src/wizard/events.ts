import type { Entry } from '../model/journal.js';
import type { Change } from '../model/plan.js';
import type { ProbeFacts, ProbeOptions, ProbePlan } from '../model/policy-probe.js';
import type { Snapshot } from '../model/snapshot.js';
import type { Step } from '../model/step.js';
import type { Templates } from '../model/template.js';
import type { Decisions } from './assemble.js';
import type { ReadProgress, RewriteProgress } from './ports.js';
import type { Checked, Done, StepState, UserEvent, WizardState } from './state.js';
import type { Offer, Sight } from './waiting.js';

/** What the effects report back. */
export type SystemEvent =
  | { type: 'reading'; progress: ReadProgress }
  | { type: 'snapshot'; snapshot: Snapshot }
  | { type: 'checked'; checked: readonly Checked[] }
  | { type: 'stale'; objects: readonly string[] }
  | { type: 'noted'; note: string }
  | { type: 'seen'; sight: Sight }
  | { type: 'applying'; change: string }
  | { type: 'rewriting'; progress: RewriteProgress }
  | { type: 'done'; done: Done }
  | { type: 'applied'; interrupted: boolean }
  | { type: 'probing'; stage: string }
  | { type: 'scratch'; namespace: string }
  | { type: 'probed'; facts: ProbeFacts }
  | { type: 'failure'; message: string };

export type WizardEvent = UserEvent | SystemEvent;

/** Work for the session to do; the machine itself does none. */
export type Effect =
  | { do: 'read' }
  | { do: 'check'; changes: readonly Change[] }
  | { do: 'apply'; step: StepState; changes: readonly Change[]; within: number }
  | { do: 'keep' }
  | { do: 'probe'; plan: ProbePlan }
  | { do: 'stop' }
  | { do: 'journal'; entry: Entry }
  | { do: 'end'; code: number };

/** What never changes while a session runs. */
export interface Setting {
  steps: readonly Step[];
  templates: Templates;
  /** Present where a step can take itself back unless it is kept in time. */
  offer?: Offer;
  /** How a live probe of the network plugin is made; the usual way without it. */
  probe?: ProbeOptions;
  /**
   * Decisions taken before, by step id: from an answers file or from the journal of the run that is resumed. Asked once,
   * with the first snapshot, because `all` and globs mean what is there then.
   */
  decisions(now: Snapshot): ReadonlyMap<string, Decisions>;
}

export type Transition = readonly [WizardState, readonly Effect[]];

/** What one event does in one state; undefined where it does not fit the screen. */
export type Handler<T extends WizardEvent['type']> = (
  state: WizardState,
  event: Extract<WizardEvent, { type: T }>,
  setting: Setting,
) => Transition | undefined;

export type Handlers<E extends WizardEvent> = { [T in E['type']]: Handler<T> };
