import type { Change } from '../model/plan.js';
import { pending } from './assemble.js';
import type { Screen, StepState } from './state.js';

type Confirming = Pick<Extract<Screen, { at: 'confirm' }>, 'alone'>;

/** The changes of a step that wait and are confirmed each by itself, in the order in which they are asked about. */
export function confirmedAlone(step: StepState): readonly Change[] {
  return pending(step).filter(isAlone);
}

/** What a confirmation is about: the one change that it names, or all that are confirmed together. */
export function confirmedNow(step: StepState, { alone }: Confirming): readonly Change[] {
  return pending(step).filter((change) => (alone === undefined ? !isAlone(change) : change.id === alone));
}

/** What the first confirmation of a step names: nothing where some changes are confirmed together. */
export function firstAlone(step: StepState): string | undefined {
  const changes = pending(step);
  return changes.every(isAlone) ? changes[0]?.id : undefined;
}

/** What is asked about after a yes to this one; undefined: nothing, everything is confirmed. */
export function nextAlone(step: StepState, { alone }: Confirming): string | undefined {
  const ids = confirmedAlone(step).map(({ id }) => id);
  return ids[alone === undefined ? 0 : ids.indexOf(alone) + 1];
}

/** Whether a confirmation asks for the time within which the step has to be kept: the first of a step does. */
export function choosesTime(
  screen: Screen,
): screen is Extract<Screen, { at: 'confirm' }> & { within: number } {
  return screen.at === 'confirm' && typeof screen.within === 'number' && screen.settled !== true;
}

function isAlone(change: Change): boolean {
  return change.kind === 'apply' && change.alone === true;
}

/** For people: which of those that are confirmed alone this one is, and that nothing is written before the last. */
export function eachAlone(all: readonly Change[], alone: string | undefined): string {
  const { length } = all;
  if (alone === undefined)
    return `${length === 1 ? 'one more is' : `${length} more are`} then asked about ${length === 1 ? 'by itself' : 'one by one'}; nothing is written before that`;
  const place = all.findIndex(({ id }) => id === alone) + 1;
  return place === length
    ? `${place} of ${length} that are confirmed one by one: the last, then what was confirmed is written`
    : `${place} of ${length} that are confirmed one by one; nothing is written before the last`;
}
