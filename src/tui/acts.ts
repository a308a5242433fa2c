import type { AnswerValue, Question } from '../model/question.js';
import type { StepState, UserEvent, WizardState } from '../wizard/state.js';
import { actOf } from './bindings.js';
import { changeAt, changeList, differenceOf, widestOf } from './changes.js';
import { type KeyName, typed } from './keypress.js';
import type { Act } from './keys.js';
import { limitOf } from './limits.js';
import {
  answerText,
  entered,
  isTyped,
  type Option,
  openQuestion,
  optionsOf,
  shownOptions,
} from './options.js';
import { type Scene, tablesAt } from './scene.js';
import { clamp, type View } from './view.js';

/** What follows from a key: the view after it, and what the session is told. */
export interface Outcome {
  view: View;
  events: readonly UserEvent[];
}

/** What a key does on this screen; the same view and no event where it does nothing. */
export function press(scene: Scene, key: KeyName): Outcome {
  const act = actOf(scene, key);
  return act === undefined ? { view: scene.view, events: [] } : perform(scene, act, key);
}

function perform(scene: Scene, act: Act, key: KeyName): Outcome {
  const { view, height } = scene;
  const step = scene.state.steps[scene.state.current];
  const page = Math.max(1, height - 8);
  switch (act) {
    case 'up':
      return moved(scene, step, -1);
    case 'down':
      return moved(scene, step, 1);
    case 'pageUp':
      return moved(scene, step, -page);
    case 'pageDown':
      return moved(scene, step, page);
    case 'first':
      return see({ ...view, ...listTop, cursor: 0 });
    case 'last':
      return see({ ...view, ...listTop, cursor: Math.max(0, listLength(scene, step) - 1) });
    case 'scrollUp':
      return see({ ...view, scroll: scrollTo(scene, -1) });
    case 'scrollDown':
      return see({ ...view, scroll: scrollTo(scene, 1) });
    case 'scrollPageUp':
      return see({ ...view, scroll: scrollTo(scene, -page) });
    case 'scrollPageDown':
      return see({ ...view, scroll: scrollTo(scene, page) });
    case 'scrollFirst':
      return see({ ...view, scroll: 0 });
    case 'scrollLast':
      return see({ ...view, scroll: limitOf(scene) });
    case 'left':
      return see({ ...view, shift: Math.max(0, view.shift - 8) });
    case 'right':
      return see({ ...view, shift: clamp(view.shift + 8, 0, widest(scene, step)) });
    case 'pane':
      return see({ ...view, pane: view.pane === 'list' ? 'detail' : 'list', scroll: 0 });
    case 'about':
      return see({ ...view, about: !view.about, scroll: 0 });
    case 'help':
      return see({ ...view, help: !view.help });
    case 'table':
      return see({
        ...view,
        scroll: 0,
        table: view.table === undefined ? { index: 0, order: undefined } : undefined,
      });
    case 'nextTable':
    case 'sort':
    case 'sortBack':
      return see({ ...view, scroll: 0, table: tableAfter(scene, act) });
    case 'open':
      return tell(view, { type: 'open', step: view.cursor });
    case 'next':
    case 'back':
    case 'reload':
    case 'skip':
    case 'quit':
    case 'interrupt':
    case 'within':
    case 'keep':
      return tell(view, { type: act });
    case 'skipHere':
      return tell(view, { type: 'open', step: view.cursor }, { type: 'skip' });
    case 'backTwice':
      return tell(view, { type: 'back' }, { type: 'back' });
    case 'confirm':
      return tell(view, { type: 'confirm' });
    case 'confirmTyped':
      // Nothing typed is the default, and the default is no.
      return tell(view, view.text === '' ? { type: 'back' } : { type: 'confirm', typed: view.text });
    case 'skipped':
      return tell(view, { type: 'skipped', reason: view.text });
    case 'toggle': {
      const change = step === undefined ? undefined : changeAt(step, view);
      return change === undefined ? see(view) : tell(view, { type: 'toggle', change: change.id });
    }
    case 'type':
      return retyped(view, (text) => text + (typed(key) ?? ''));
    case 'erase':
      return retyped(view, (text) => [...text].slice(0, -1).join(''));
    case 'eraseAll':
      return retyped(view, () => '');
    case 'filter':
      return see({ ...view, filtering: true });
    case 'filterDone':
      return see({ ...view, filtering: false });
    case 'filterClear':
      return see({ ...view, ...listTop, filtering: false, filter: '', cursor: 0 });
    default:
      return step === undefined ? see(view) : answering(scene, step, act);
  }
}

/** Another table, or the same one sorted by its next column or the other way round. */
function tableAfter(scene: Scene, act: 'nextTable' | 'sort' | 'sortBack'): View['table'] {
  const { table } = scene.view;
  const all = tablesAt(scene);
  if (table === undefined || all.length === 0) return table;
  const { index, order } = table;
  if (act === 'nextTable') return { index: (index + 1) % all.length, order: undefined };
  const count = all[index]?.columns.length ?? 1;
  if (act === 'sort')
    return { index, order: { column: order === undefined ? 0 : (order.column + 1) % count, down: false } };
  return { index, order: { column: order?.column ?? 0, down: order?.down !== true } };
}

/** What is shown beside a list starts at its top when the cursor moves. */
const listTop = { scroll: 0, shift: 0, about: false } as const;

function see(view: View): Outcome {
  return { view, events: [] };
}

function tell(view: View, ...events: UserEvent[]): Outcome {
  return { view, events };
}

function scrollTo(scene: Scene, by: number): number {
  return clamp(scene.view.scroll + by, 0, limitOf(scene));
}

function widest({ view }: Scene, step: StepState | undefined): number {
  const change = step === undefined ? undefined : changeAt(step, view);
  return step === undefined || change === undefined
    ? 0
    : Math.max(0, widestOf(differenceOf(step, change)) - 8);
}

function listLength({ state, view }: Scene, step: StepState | undefined): number {
  if (state.screen.at === 'overview') return state.steps.length;
  if (step === undefined) return 0;
  return state.screen.at === 'questions'
    ? shownOptions(step, view).length
    : changeList(step, view.filter).changes.length;
}

/** The cursor moved; in the questions it goes on into the next one or the one before. */
function moved(scene: Scene, step: StepState | undefined, by: number): Outcome {
  const { state, view } = scene;
  const count = listLength(scene, step);
  const to = view.cursor + by;
  if (state.screen.at === 'questions' && step !== undefined && !view.filtering && Math.abs(by) === 1) {
    if (to < 0 && view.group > 0) return see(opened(step, view, view.group - 1, 'last'));
    if (to >= count && view.group < step.questions.length - 1)
      return see(opened(step, view, view.group + 1, 'first'));
  }
  const cursor = clamp(to, 0, Math.max(0, count - 1));
  return see(cursor === view.cursor ? view : { ...view, ...listTop, cursor });
}

/** A change of what is typed, in the filter or in the answer at hand. */
function retyped(view: View, change: (text: string) => string): Outcome {
  if (view.filtering) return see({ ...view, ...listTop, filter: change(view.filter), cursor: 0 });
  return see({ ...view, text: change(view.text), problem: undefined });
}

/** A question opened, with the cursor at one end of its options or on what is chosen. */
export function opened(step: StepState, view: View, group: number, at: 'first' | 'last' | 'chosen'): View {
  const question = step.questions[group];
  if (question === undefined) return view;
  const fresh: View = { ...view, ...listTop, group, filter: '', filtering: false, unfolded: [] };
  const options = shownOptions(step, fresh);
  const chosen =
    question.type === 'choices'
      ? 0
      : Math.max(
          0,
          options.findIndex(({ on }) => on),
        );
  const cursor = at === 'chosen' ? chosen : at === 'first' ? 0 : Math.max(0, options.length - 1);
  const text = isTyped(question) ? answerText(step.answers[question.id]) : '';
  return { ...fresh, cursor, text, problem: undefined };
}

/** Whether an answer to the last question brought up further ones: they are asked before anybody goes on. */
export function asksMore(before: WizardState, after: WizardState): boolean {
  const [old, step] = [before.steps[before.current], after.steps[after.current]];
  return old !== undefined && step?.step.id === old.step.id && step.questions.length > old.questions.length;
}

/** The view where an answer brought up a question or took one away: what was opened in advance is another one by now. */
export function reopened(before: WizardState, after: WizardState, view: View): View {
  const [old, step] = [before.steps[before.current], after.steps[after.current]];
  const idsOf = (one: StepState | undefined) => one?.questions.map(({ id }) => id).join(' ');
  const same = after.screen.at !== 'questions' || old?.step.id !== step?.step.id;
  if (same || step === undefined || idsOf(old) === idsOf(step)) return view;
  return opened(step, view, Math.min(view.group, Math.max(0, step.questions.length - 1)), 'chosen');
}

/** Acts that answer questions or go from one to another. */
function answering(scene: Scene, step: StepState, act: Act): Outcome {
  const { view } = scene;
  const question = openQuestion(step, view);
  const forward = (events: readonly UserEvent[]): Outcome =>
    view.group >= step.questions.length - 1
      ? { view, events: [...events, { type: 'next' }] }
      : { view: opened(step, view, view.group + 1, 'chosen'), events };
  const backward = (events: readonly UserEvent[]): Outcome =>
    view.group === 0
      ? { view, events: [...events, { type: 'back' }] }
      : { view: opened(step, view, view.group - 1, 'chosen'), events };
  if (question === undefined) return act === 'previousQuestion' ? backward([]) : forward([]);
  const answer = (value: AnswerValue): UserEvent => ({ type: 'answer', question: question.id, value });
  const option = shownOptions(step, view)[view.cursor];
  switch (act) {
    case 'choose':
      if (option === undefined) return see(view);
      if (option.heads !== undefined) return tell(view, answer(wholeGroup(step, question, option)));
      return tell(
        view,
        answer(question.type === 'choices' ? flipped(step, question, option.value) : option.value),
      );
    case 'chooseAndGo':
      // In a list of boxes Enter takes what is marked; where one of several is picked, what the cursor is on.
      if (question.type === 'choices')
        return forward(step.answered.includes(question.id) ? [] : [answer(step.answers[question.id] ?? [])]);
      return forward(option === undefined ? [] : [answer(option.value)]);
    case 'unfold':
      if (option?.heads === undefined || view.unfolded.includes(option.label)) return see(view);
      return see({ ...view, unfolded: [...view.unfolded, option.label] });
    case 'fold': {
      const group = option?.group;
      if (group === undefined || !view.unfolded.includes(group)) return see(view);
      const folded = { ...view, unfolded: view.unfolded.filter((one) => one !== group) };
      const cursor = shownOptions(step, folded).findIndex(
        ({ heads, label }) => heads !== undefined && label === group,
      );
      return see({ ...folded, ...listTop, cursor });
    }
    case 'all':
      return tell(view, answer(bulk(step, view, question, true)));
    case 'none':
      return tell(view, answer(bulk(step, view, question, false)));
    case 'recommended': {
      // Enter takes what the cursor is on, so it has to be on what was taken.
      const on = shownOptions(step, view).findIndex(({ value }) => value === question.recommended);
      const text = isTyped(question) ? answerText(question.recommended) : view.text;
      return tell(
        { ...view, text, problem: undefined, cursor: on < 0 ? view.cursor : on },
        answer(question.recommended),
      );
    }
    case 'nextQuestion':
      return see(opened(step, view, (view.group + 1) % step.questions.length, 'chosen'));
    case 'previousQuestion':
      return backward([]);
    case 'answerAndGo':
    case 'answerAndUp': {
      const result = entered(question, view.text);
      if ('problem' in result) return see({ ...view, problem: result.problem });
      const events =
        result.value === step.answers[question.id] && step.answered.includes(question.id)
          ? []
          : [answer(result.value)];
      return act === 'answerAndGo' ? forward(events) : backward(events);
    }
    default:
      return see(view);
  }
}

/** A list with one of its values taken in or out. */
function flipped(step: StepState, question: Question, value: string | boolean): readonly string[] {
  const now = marked(step, question);
  return inOrder(question, (other) => (other === value) !== now.has(other));
}

/** What a heading stands for, taken in as a whole, or out where all of it was in. */
function wholeGroup(step: StepState, question: Question, { heads, on }: Option): readonly string[] {
  const now = marked(step, question);
  const own = new Set(heads?.values);
  return inOrder(question, (value) => (own.has(value) ? !on : now.has(value)));
}

/** All or none of the options that the filter shows; the others, and with all those offered apart, stay as they are. */
function bulk(step: StepState, view: View, question: Question, on: boolean): readonly string[] {
  const now = marked(step, question);
  const apart = new Set(
    question.type === 'choices' ? question.choices.filter((c) => c.apart).map(({ value }) => value) : [],
  );
  // Without a filter all that play a part are meant, those behind a heading as well.
  const options = view.filter === '' ? optionsOf(question, step.answers) : shownOptions(step, view);
  const shown = new Set(options.map(({ value }) => value));
  return inOrder(question, (value) => (shown.has(value) && !(on && apart.has(value)) ? on : now.has(value)));
}

function marked(step: StepState, question: Question): ReadonlySet<string> {
  const now = step.answers[question.id];
  return new Set(Array.isArray(now) ? now : []);
}

/** Lists are answered in the order of their choices. */
function inOrder(question: Question, wanted: (value: string) => boolean): readonly string[] {
  return question.type === 'choices' ? question.choices.map(({ value }) => value).filter(wanted) : [];
}
