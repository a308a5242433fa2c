import type { Handlers, Setting, Transition, WizardEvent } from './events.js';
import { fromEffects } from './on-effects.js';
import { fromPeople } from './on-people.js';
import type { WizardState } from './state.js';

export type { Effect, Setting, SystemEvent, Transition, WizardEvent } from './events.js';

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

const HANDLERS: Handlers<WizardEvent> = { ...fromPeople, ...fromEffects };
