import type { Change } from '../model/plan.js';
import type { FactTable } from '../model/table.js';
import { aheadOf } from '../wizard/assemble.js';
import { type Checked, chosenChanges, type StepState, type WizardState } from '../wizard/state.js';
import type { Look } from './look.js';
import { once } from './memo.js';
import type { View } from './view.js';

/** Everything that a screen is drawn from and a key is judged by. */
export interface Scene {
  state: WizardState;
  view: View;
  look: Look;
  /** The pane of the screen at hand, without header, rail and footer. */
  width: number;
  height: number;
}

/** What every screen component gets. */
export interface ScreenProps {
  scene: Scene;
}

/** The step at hand, or the one under the cursor of the overview. */
export function stepAt({ state, view }: Pick<Scene, 'state' | 'view'>): StepState | undefined {
  return state.steps[state.screen.at === 'overview' ? view.cursor : state.current];
}

/** The tables of the step at hand. */
export function tablesAt(scene: Pick<Scene, 'state' | 'view'>): readonly FactTable[] {
  const { state } = scene;
  const { snapshot } = state;
  const step = stepAt(scene);
  if (snapshot === undefined || step?.step.tables === undefined) return [];
  return step.step.tables(snapshot, planned(state)[state.steps.indexOf(step)] ?? snapshot, step.answers);
}

/** The cluster as it will be after each step. */
const planned = once((state: WizardState) =>
  state.snapshot === undefined ? [] : aheadOf(state.snapshot, state.steps),
);

/** The changes of a step that are chosen. */
export const chosenOf = once((step: StepState): readonly Change[] => chosenChanges(step));

/** Their ids: whatever was taken out, or cannot be done without what was, is not among them. */
export const chosenIds = once(
  (step: StepState): ReadonlySet<string> => new Set(chosenOf(step).map((change) => change.id)),
);

const checkedById = once(
  (checked: readonly Checked[]): ReadonlyMap<string, Checked> => new Map(checked.map((c) => [c.change, c])),
);

/** What the check said about a change; undefined where it was not checked. */
export function checkedOf(step: StepState, change: string): Checked | undefined {
  return checkedById(step.checked).get(change);
}
