import type { Entry } from '../model/journal.js';
import { type Change, hashOf } from '../model/plan.js';
import type { Snapshot } from '../model/snapshot.js';
import type { Step } from '../model/step.js';
import type { Templates } from '../model/template.js';
import { assemble, type Decisions, pending, pendingCount, UNDECIDED } from './assemble.js';
import type { ReadProgress, RewriteProgress } from './ports.js';
import type { Checked, Done, StepState, UserEvent, WizardState } from './state.js';

/** What the effects report back. */
export type SystemEvent =
  | { type: 'reading'; progress: ReadProgress }
  | { type: 'snapshot'; snapshot: Snapshot }
  | { type: 'checked'; checked: readonly Checked[] }
  | { type: 'stale'; objects: readonly string[] }
  | { type: 'applying'; change: string }
  | { type: 'rewriting'; progress: RewriteProgress }
  | { type: 'done'; done: Done }
  | { type: 'applied'; interrupted: boolean }
  | { type: 'failure'; message: string };

export type WizardEvent = UserEvent | SystemEvent;

/** Work for the session to do; the machine itself does none. */
export type Effect =
  | { do: 'read' }
  | { do: 'check'; changes: readonly Change[] }
  | { do: 'apply'; step: StepState; changes: readonly Change[] }
  | { do: 'stop' }
  | { do: 'journal'; entry: Entry }
  | { do: 'end'; code: number };

/** What never changes while a session runs. */
export interface Setting {
  steps: readonly Step[];
  templates: Templates;
  /**
   * Decisions taken before, by step id: from an answers file or from the journal of the run that is resumed. Asked once,
   * with the first snapshot, because `all` and globs mean what is there then.
   */
  decisions(now: Snapshot): ReadonlyMap<string, Decisions>;
}

export type Transition = readonly [WizardState, readonly Effect[]];

/** The state before anything was read; its first effect reads the cluster. */
export function start(run: string, directory: string): Transition {
  return [
    {
      run,
      directory,
      screen: { at: 'reading', kinds: [] },
      snapshot: undefined,
      steps: [],
      current: 0,
      notice: undefined,
      written: false,
    },
    [{ do: 'read' }],
  ];
}

/** The next state and what has to be done. Events that do not fit the screen change nothing. */
export function next(state: WizardState, event: WizardEvent, setting: Setting): Transition {
  const handler = HANDLERS[event.type] as (
    s: WizardState,
    e: WizardEvent,
    x: Setting,
  ) => Transition | undefined;
  return handler(state, event, setting) ?? [state, []];
}

type Handler<T extends WizardEvent['type']> = (
  state: WizardState,
  event: Extract<WizardEvent, { type: T }>,
  setting: Setting,
) => Transition | undefined;

const HANDLERS: { [T in WizardEvent['type']]: Handler<T> } = {
  // ---- what people say
  open: (state, { step }, setting) => {
    const opened = state.steps[step];
    if (state.screen.at !== 'overview' || opened === undefined) return undefined;
    const there: WizardState = { ...clear(state), current: step, screen: { at: 'questions' } };
    if (opened.skipped === undefined) return [there, []];
    const { skipped: _skipped, ...decision } = decided(opened);
    return [redecide(there, decision, setting), []];
  },
  answer: (state, { question, value }, setting) => {
    const step = state.steps[state.current];
    if (state.screen.at !== 'questions' || step === undefined) return undefined;
    if (!step.questions.some((q) => q.id === question)) return undefined;
    const answers = { ...decided(step).answers, [question]: value };
    return [redecide(state, { ...decided(step), answers }, setting), []];
  },
  toggle: (state, { change }, setting) => {
    const step = state.steps[state.current];
    if (state.screen.at !== 'review' || !step?.plan.changes.some((c) => c.id === change)) return undefined;
    const excluded = step.excluded.includes(change)
      ? step.excluded.filter((id) => id !== change)
      : [...step.excluded, change];
    return [redecide(state, { ...decided(step), excluded }, setting), []];
  },
  next: (state, _event, setting) => {
    const step = state.steps[state.current];
    if (step === undefined) return undefined;
    switch (state.screen.at) {
      case 'questions': {
        // Going on takes every answer as it stands, defaults included: they are decisions from here on.
        const after = redecide(state, { ...decided(step), answers: step.answers }, setting);
        const entry: Entry = { type: 'answered', step: step.step.id, answers: step.answers };
        const changes = after.steps[after.current]?.plan.changes ?? [];
        const journal: Effect = { do: 'journal', entry };
        return changes.length === 0
          ? [{ ...clear(after), screen: { at: 'review' } }, [journal]]
          : [{ ...clear(after), screen: { at: 'checking' } }, [journal, { do: 'check', changes }]];
      }
      case 'review': {
        if (pending(step).length === 0) return undefined;
        const typed = !state.written && state.snapshot?.cluster.sandbox === false;
        return [{ ...clear(state), screen: { at: 'confirm', typed } }, []];
      }
      case 'result':
        return [{ ...clear(state), screen: { at: 'overview' }, current: following(state) }, []];
      default:
        return undefined;
    }
  },
  back: (state) => {
    const to = {
      questions: 'overview',
      review: 'questions',
      confirm: 'review',
      skip: 'overview',
      result: 'overview',
    } as const;
    const at = state.screen.at;
    return at in to ? [{ ...clear(state), screen: { at: to[at as keyof typeof to] } }, []] : undefined;
  },
  confirm: (state, { typed }) => {
    const step = state.steps[state.current];
    if (state.screen.at !== 'confirm' || step === undefined) return undefined;
    if (state.screen.typed && typed !== state.snapshot?.cluster.context) {
      return [
        {
          ...state,
          notice: `That is not the context's name (${state.snapshot?.cluster.context}); nothing was applied.`,
        },
        [],
      ];
    }
    const changes = pending(step);
    return [
      {
        ...clear(state),
        written: true,
        screen: { at: 'applying', done: 0, total: changes.length, now: '', stopping: false },
        steps: replaced(state, { ...step, done: [] }),
      },
      [
        { do: 'journal', entry: confirmedEntry(step, changes) },
        { do: 'apply', step, changes },
      ],
    ];
  },
  skip: (state) =>
    ['overview', 'questions', 'review'].includes(state.screen.at) && state.steps.length > 0
      ? [{ ...clear(state), screen: { at: 'skip' } }, []]
      : undefined,
  skipped: (state, { reason }, setting) => {
    const step = state.steps[state.current];
    if (state.screen.at !== 'skip' || step === undefined) return undefined;
    const skipped = reason.trim() === '' ? 'no reason given' : reason.trim();
    const after = redecide(state, { ...decided(step), skipped }, setting);
    return [
      { ...clear(after), screen: { at: 'overview' }, current: following(state) },
      [{ do: 'journal', entry: { type: 'skipped', step: step.step.id, reason: skipped } }],
    ];
  },
  reload: (state) =>
    ['overview', 'questions', 'review', 'result'].includes(state.screen.at)
      ? reading(clear(state))
      : undefined,
  interrupt: (state) => {
    if (state.screen.at === 'left') return undefined;
    if (state.screen.at === 'applying' && !state.screen.stopping) {
      return [{ ...state, screen: { ...state.screen, stopping: true } }, [{ do: 'stop' }]];
    }
    return leave(state, 130, 'interrupted');
  },
  quit: (state) => {
    if (['applying', 'verifying', 'checking', 'left'].includes(state.screen.at)) return undefined;
    if (state.screen.at === 'failed') return leave(state, 2, 'failed');
    return leave(state, 0, pendingCount(state.steps) === 0 ? 'done' : 'left');
  },

  // ---- what the effects report
  reading: (state, { progress }) => {
    if (state.screen.at !== 'reading') return undefined;
    const kinds = [...state.screen.kinds.filter((k) => k.kind !== progress.kind), progress];
    return [{ ...state, screen: { at: 'reading', kinds } }, []];
  },
  snapshot: (state, { snapshot }, setting) => {
    const seeded = state.snapshot === undefined ? setting.decisions(snapshot) : undefined;
    const known = (id: string): Decisions => {
      const before = state.steps.find((s) => s.step.id === id);
      return before === undefined ? (seeded?.get(id) ?? UNDECIDED) : decided(before);
    };
    const steps = assemble(snapshot, setting.steps, setting.templates, known).map((fresh): StepState => {
      const before = state.steps.find((s) => s.step.id === fresh.step.id);
      return before === undefined
        ? fresh
        : {
            ...fresh,
            done: before.done,
            ...(before.verified === undefined ? {} : { verified: before.verified }),
          };
    });
    if (state.screen.at !== 'verifying')
      return [{ ...state, snapshot, steps, screen: { at: 'overview' } }, []];
    const at = steps[state.current];
    if (at === undefined) return undefined;
    const verified: StepState = { ...at, verified: at.findings };
    return [
      { ...state, snapshot, steps: steps.map((s) => (s === at ? verified : s)), screen: { at: 'result' } },
      [{ do: 'journal', entry: { type: 'verified', step: at.step.id, pending: pending(at).length } }],
    ];
  },
  checked: (state, { checked }) => {
    const step = state.steps[state.current];
    if (state.screen.at !== 'checking' || step === undefined) return undefined;
    return [{ ...state, steps: replaced(state, { ...step, checked }), screen: { at: 'review' } }, []];
  },
  stale: (state, { objects }) => {
    if (state.screen.at !== 'applying') return undefined;
    const [after, effects] = reading(state);
    const notice = `Changed meanwhile: ${objects.join(', ')}. Nothing was written; the cluster was read again, and this is the new plan.`;
    return [{ ...after, notice }, effects];
  },
  applying: (state, { change }) =>
    state.screen.at === 'applying' ? [{ ...state, screen: { ...state.screen, now: change } }, []] : undefined,
  rewriting: (state, { progress }) =>
    state.screen.at === 'applying'
      ? [{ ...state, screen: { ...state.screen, rewrite: progress } }, []]
      : undefined,
  done: (state, { done }) => {
    const step = state.steps[state.current];
    if (state.screen.at !== 'applying' || step === undefined) return undefined;
    const { rewrite: _over, ...screen } = state.screen;
    return [
      {
        ...state,
        steps: replaced(state, { ...step, done: [...step.done, done] }),
        screen: { ...screen, done: screen.done + 1 },
      },
      [],
    ];
  },
  applied: (state, { interrupted }) => {
    if (state.screen.at !== 'applying') return undefined;
    if (interrupted) return leave(state, 130, 'interrupted');
    return [{ ...state, screen: { at: 'verifying' } }, [{ do: 'read' }]];
  },
  failure: (state, { message }) =>
    state.screen.at === 'left' ? undefined : [{ ...state, screen: { at: 'failed', message } }, []],
};

/** The next step that still waits, or the one at hand when none does. */
function following(state: WizardState): number {
  const after = state.steps.findIndex((s, i) => i > state.current && s.skipped === undefined);
  return after < 0 ? state.current : after;
}

function clear(state: WizardState): WizardState {
  return { ...state, notice: undefined };
}

function reading(state: WizardState): Transition {
  return [{ ...state, screen: { at: 'reading', kinds: [] } }, [{ do: 'read' }]];
}

function leave(
  state: WizardState,
  code: number,
  reason: 'done' | 'left' | 'interrupted' | 'failed',
): Transition {
  return [
    { ...state, screen: { at: 'left' } },
    [
      { do: 'journal', entry: { type: 'ended', reason } },
      { do: 'end', code },
    ],
  ];
}

/** The decisions that a step's state carries. Answers that nobody gave are not among them. */
function decided(step: StepState): Decisions {
  return {
    answers: Object.fromEntries(Object.entries(step.answers).filter(([id]) => step.answered.includes(id))),
    excluded: step.excluded,
    ...(step.skipped === undefined ? {} : { skipped: step.skipped }),
  };
}

/** All steps again, after a decision on the step at hand. */
function redecide(state: WizardState, decision: Decisions, setting: Setting): WizardState {
  const { snapshot } = state;
  if (snapshot === undefined) return state;
  const at = state.steps[state.current]?.step.id;
  const before = new Map(state.steps.map((s) => [s.step.id, s]));
  const steps = assemble(snapshot, setting.steps, setting.templates, (id) => {
    const old = before.get(id);
    return id === at || old === undefined ? decision : decided(old);
  });
  return {
    ...state,
    steps: steps.map((fresh): StepState => {
      const old = before.get(fresh.step.id);
      if (old === undefined) return fresh;
      const verified = old.verified === undefined ? {} : { verified: old.verified };
      // What the server said stays true as long as the changes are the same.
      return {
        ...fresh,
        done: old.done,
        checked: old.plan.hash === fresh.plan.hash ? old.checked : [],
        ...verified,
      };
    }),
  };
}

function replaced(state: WizardState, step: StepState): readonly StepState[] {
  return state.steps.map((s) => (s.step.id === step.step.id ? step : s));
}

function confirmedEntry(step: StepState, changes: readonly Change[]): Entry {
  return {
    type: 'confirmed',
    step: step.step.id,
    hash: step.plan.hash,
    changes: changes.map((change) => ({
      id: change.id,
      kind: change.kind,
      ref: change.ref,
      hash: hashOf(change),
    })),
    excluded: step.excluded,
  };
}
