import type { Order } from '../model/table.js';
import type { WizardState } from '../wizard/state.js';
import { answerText, isTyped, optionsOf } from './options.js';

/** What only the screen knows: where the cursor is, what is typed. It starts afresh with every screen. */
export interface View {
  /** The screen that it belongs to. */
  screen: string;
  /** Place in the list at hand. */
  cursor: number;
  /** The question that is open. */
  group: number;
  /** First visible row of the text that scrolls. */
  scroll: number;
  /** First visible column of a difference. */
  shift: number;
  pane: 'list' | 'detail';
  /** Whether all that is known about a change is shown in place of its difference. */
  about: boolean;
  filter: string;
  /** Headings of a long list whose choices are shown. */
  unfolded: readonly string[];
  /** Whether keys go into the filter. */
  filtering: boolean;
  /** What is being typed: an answer, a reason, the context's name. */
  text: string;
  /** What is wrong with what was typed. */
  problem: string | undefined;
  help: boolean;
  /** The table that stands over the screen: which one of the step's, and how it is sorted. */
  table: { index: number; order: Order | undefined } | undefined;
  /** Whether a confirmation has been on the screen long enough for a key to mean it. */
  armed: boolean;
}

/** Names a screen: another name, another view. */
export function screenName({ screen, current }: Pick<WizardState, 'screen' | 'current'>): string {
  // Each confirmation of a change by itself is a screen of its own: a key that was meant for the one before does nothing.
  const alone = screen.at === 'confirm' ? screen.alone : undefined;
  return alone === undefined ? `${screen.at}/${current}` : `${screen.at}/${current}/${alone}`;
}

/** The view that a screen starts with. */
export function freshView(state: WizardState): View {
  const first = state.screen.at === 'questions' ? state.steps[state.current]?.questions[0] : undefined;
  const answer = first === undefined ? undefined : state.steps[state.current]?.answers[first.id];
  return {
    screen: screenName(state),
    cursor: firstCursor(state),
    group: 0,
    scroll: 0,
    shift: 0,
    pane: 'list',
    about: false,
    filter: '',
    unfolded: [],
    filtering: false,
    text: isTyped(first) ? answerText(answer) : '',
    problem: undefined,
    help: false,
    table: undefined,
    armed: false,
  };
}

/** The view for this state: the one at hand, or a fresh one when the screen has changed. */
export function viewFor(state: WizardState, view: View | undefined): View {
  return view !== undefined && view.screen === screenName(state) ? view : freshView(state);
}

/** A window of `height` rows on a list of `count`, with the row at hand as near its middle as the ends allow. */
export function windowOf(cursor: number, count: number, height: number): { from: number; to: number } {
  const from = Math.max(0, Math.min(cursor - Math.floor(height / 2), count - height));
  return { from, to: Math.min(count, from + height) };
}

export function clamp(value: number, min: number, max: number): number {
  return Math.max(min, Math.min(value, max));
}

function firstCursor({ screen, current, steps }: WizardState): number {
  if (screen.at === 'overview') return current;
  const question = screen.at === 'questions' ? steps[current]?.questions[0] : undefined;
  if (question === undefined || question.type === 'choices') return 0;
  return Math.max(
    0,
    optionsOf(question, steps[current]?.answers ?? {}).findIndex(({ on }) => on),
  );
}
