import { RIGHTS, spanText } from '../model/provisional.js';
import { assemble, type Decisions, pending } from './assemble.js';
import { firstAlone } from './confirming.js';
import type { Setting, Transition } from './events.js';
import { type StepState, stayingChanges, type WizardState } from './state.js';
import { canTakeBack, offered } from './waiting.js';

/** The next step that still waits, or the one at hand when none does. */
export function following(state: WizardState): number {
  const after = state.steps.findIndex((s, i) => i > state.current && s.skipped === undefined);
  return after < 0 ? state.current : after;
}

export function clear(state: WizardState): WizardState {
  return { ...state, notice: undefined };
}

export function reading(state: WizardState): Transition {
  return [{ ...state, screen: { at: 'reading', kinds: [] } }, [{ do: 'read' }]];
}

export function leave(
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
export function decided(step: StepState): Decisions {
  return {
    answers: {
      ...step.unasked,
      ...Object.fromEntries(Object.entries(step.answers).filter(([id]) => step.answered.includes(id))),
    },
    excluded: step.excluded,
    ...(step.chosen === undefined ? {} : { chosen: step.chosen }),
    ...(step.skipped === undefined ? {} : { skipped: step.skipped }),
  };
}

/** All steps again, after a decision on the step at hand. */
export function redecide(state: WizardState, decision: Decisions, setting: Setting): WizardState {
  const { snapshot } = state;
  if (snapshot === undefined) return state;
  const before = new Map(state.steps.map((s) => [s.step.id, s]));
  const at = state.steps[state.current]?.step.id;
  const decisions = (id: string) => {
    const old = before.get(id);
    return id === at || old === undefined ? decision : decided(old);
  };
  const steps = assemble(snapshot, setting.steps, setting.templates, decisions, state.steps, state.current);
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

/**
 * On to the confirmation of the step at hand. Where it was asked that it takes itself back and this account could not do
 * that, it goes back to the review, with the reason.
 */
export function toConfirm(state: WizardState, step: StepState, setting: Setting): WizardState {
  const stays = stayingChanges(step);
  const waits = state.waiting?.all.find((one) => one.step === step.step.id);
  const seconds = setting.offer?.seconds ?? waits?.seconds;
  if (seconds === undefined || stays[0] === undefined || !canTakeBack(pending(step)))
    return { ...state, screen: confirmScreen(state, step, setting) };
  const notice = `Not applied: it is to take itself back after ${spanText(seconds)}, and of ${stays.length} of these ${pending(step).length} changes it could not: ${stays[0]}. ${RIGHTS} Or take them out, or apply without --confirm-within.`;
  return { ...state, screen: { at: 'review' }, notice };
}

/** The first write to a real cluster asks for the name of its context. */
function confirmScreen(state: WizardState, step: StepState, { offer }: Setting): WizardState['screen'] {
  const within = offered(pending(step), offer);
  const typed = !state.written && state.snapshot?.cluster.sandbox === false;
  const alone = firstAlone(step);
  const screen = { at: 'confirm' as const, typed, ...(alone === undefined ? {} : { alone }) };
  if (within === undefined) return screen;
  const [stays] = stayingChanges(step);
  if (stays !== undefined && within !== 'never') return { ...screen, within: 'never', stays };
  const decides = offer?.check === undefined ? {} : { decides: offer.check };
  return { ...screen, within, ...decides };
}

export function replaced(state: WizardState, step: StepState): readonly StepState[] {
  return state.steps.map((s) => (s.step.id === step.step.id ? step : s));
}
