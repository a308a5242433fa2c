import type { Entry } from '../model/journal.js';
import { type Change, hashOf } from '../model/plan.js';
import { pending, pendingCount } from './assemble.js';
import { choosesTime, nextAlone } from './confirming.js';
import type { Effect, Handlers } from './events.js';
import { clear, decided, following, leave, reading, redecide, replaced, toConfirm } from './moves.js';
import { wantedProbe } from './probe.js';
import { type Checked, forbiddenChanges, type StepState, type UserEvent, type WizardState } from './state.js';
import { nextChoice } from './waiting.js';

/** Changes of the API that the server has not looked at: it is asked again before anything is confirmed. */
function uncheckedChanges(step: StepState): readonly Change[] {
  const unseen = new Set(step.checked.filter((c) => c.check.by === 'us').map((c) => c.change));
  return pending(step).filter(({ id, kind }) => (kind === 'apply' || kind === 'delete') && unseen.has(id));
}

/** Nothing of a step is written that this account could only write in part: what it may not do is taken out first. */
function mayNot(step: StepState, forbidden: readonly Checked[]): string {
  const { length } = pending(step);
  const reason = forbidden[0]?.check.by === 'refusal' ? forbidden[0].check.reason.split('\n')[0] : '';
  return `This account lacks the rights for ${forbidden.length} of these ${length} changes (${reason}) Take them out to make the others, or use another account.`;
}

/** A step plans on what earlier ones will leave behind; that they have not been applied yet has to be known. */
function standsOn(steps: readonly StepState[]): string {
  const names = steps.map((s) => `${s.step.title} (${pending(s).length})`);
  return `Planned as if these waiting changes were made: ${names.join(', ')}.`;
}

const NOTHING_YET = 'Nothing was written. Take out what is not wanted, then confirm the rest.';

/** What people say. */
export const fromPeople: Handlers<UserEvent> = {
  open: (state, { step }, setting) => {
    const opened = state.steps[step];
    if (state.screen.at !== 'overview' || opened === undefined) return undefined;
    const there: WizardState = { ...clear(state), current: step, screen: { at: 'questions' } };
    const waiting = state.steps.slice(0, step).filter((s) => pending(s).length > 0);
    if (waiting.length > 0) there.notice = standsOn(waiting);
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
    const { chosen = [], held = [] } = step;
    const isHeld = held.includes(change);
    const excluded =
      isHeld || step.excluded.includes(change)
        ? step.excluded.filter((id) => id !== change)
        : [...step.excluded, change];
    const choice = isHeld && chosen !== 'all' ? [...chosen, change] : chosen;
    const entry: Entry = {
      type: 'excluded',
      step: step.step.id,
      changes: excluded,
      ...(choice === 'all' || choice.length === 0 ? {} : { chosen: choice }),
    };
    return [
      redecide(state, { ...decided(step), excluded, chosen: choice }, setting),
      [{ do: 'journal', entry }],
    ];
  },
  next: (state, _event, setting) => {
    const step = state.steps[state.current];
    if (step === undefined) return undefined;
    switch (state.screen.at) {
      case 'questions': {
        // Going on takes every answer as it stands, defaults included: they are decisions from here on.
        const after = redecide(
          state,
          { ...decided(step), answers: { ...step.unasked, ...step.answers } },
          setting,
        );
        const entry: Entry = { type: 'answered', step: step.step.id, answers: step.answers };
        const changes = after.steps[after.current]?.plan.changes ?? [];
        const journal: Effect = { do: 'journal', entry };
        const probe = wantedProbe(after, after.steps[after.current], setting);
        if (probe !== undefined) {
          const typed = state.snapshot?.cluster.sandbox === false;
          return [{ ...clear(after), screen: { at: 'confirm', typed, probe } }, [journal]];
        }
        return changes.length === 0
          ? [{ ...clear(after), screen: { at: 'review' } }, [journal]]
          : [{ ...clear(after), screen: { at: 'checking' } }, [journal, { do: 'check', changes }]];
      }
      case 'review': {
        if (pending(step).length === 0) return undefined;
        const forbidden = forbiddenChanges(step);
        if (forbidden.length > 0) return [{ ...state, notice: mayNot(step, forbidden) }, []];
        const unchecked = uncheckedChanges(step);
        return unchecked.length === 0
          ? [toConfirm(clear(state), step, setting), []]
          : [
              { ...clear(state), screen: { at: 'checking', confirming: true } },
              [{ do: 'check', changes: unchecked }],
            ];
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
    if (state.screen.at === 'confirm' && state.screen.probe !== undefined)
      return [{ ...clear(state), screen: { at: 'questions' } }, []];
    if (state.screen.at === 'confirm' && state.screen.alone !== undefined)
      return [{ ...state, notice: NOTHING_YET, screen: { at: 'review' } }, []];
    return at in to ? [{ ...clear(state), screen: { at: to[at as keyof typeof to] } }, []] : undefined;
  },
  within: (state, _event, { offer }) => {
    const { screen } = state;
    if (!choosesTime(screen) || offer === undefined) return undefined;
    return [{ ...state, screen: { ...screen, within: nextChoice(screen.within, offer) } }, []];
  },
  keep: (state) => (state.waiting === undefined ? undefined : [state, [{ do: 'keep' }]]),
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
    const plan = state.screen.probe;
    if (plan !== undefined)
      return [
        { ...clear(state), screen: { at: 'probing', stage: '', stopping: false } },
        [{ do: 'probe', plan }],
      ];
    const alone = nextAlone(step, state.screen);
    if (alone !== undefined)
      return [{ ...clear(state), screen: { ...state.screen, typed: false, settled: true, alone } }, []];
    const changes = pending(step);
    // What an earlier round of this step did and proved, and what was answered for it, is not of this one.
    const { verified: _verified, unasked: _unasked, ...fresh } = step;
    return [
      {
        ...clear(state),
        screen: { at: 'applying', done: 0, total: changes.length, now: '', stopping: false },
        steps: replaced(state, { ...fresh, done: [] }),
      },
      [
        { do: 'journal', entry: confirmedEntry(step, changes) },
        { do: 'apply', step, changes, within: withinOf(state, step) },
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
    if ((state.screen.at === 'applying' || state.screen.at === 'probing') && !state.screen.stopping) {
      return [{ ...state, screen: { ...state.screen, stopping: true } }, [{ do: 'stop' }]];
    }
    return leave(state, 130, 'interrupted');
  },
  quit: (state) => {
    if (['applying', 'probing', 'verifying', 'checking', 'left'].includes(state.screen.at)) return undefined;
    if (state.screen.at === 'failed') return leave(state, 2, 'failed');
    return leave(state, 0, pendingCount(state.steps) === 0 ? 'done' : 'left');
  },
};

/** For how long the step waits to be kept. What waits already goes on waiting: it is taken back as a whole. */
function withinOf({ screen, waiting }: WizardState, { step }: StepState): number {
  const chosen = screen.at === 'confirm' && typeof screen.within === 'number' ? screen.within : 0;
  return chosen || (waiting?.all.find((one) => one.step === step.id)?.seconds ?? 0);
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
