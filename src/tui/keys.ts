import { isRecommended } from '../model/question.js';
import { choosesTime } from '../wizard/confirming.js';
import { changeList } from './changes.js';
import type { KeyName } from './keypress.js';
import { openQuestion, shownOptions } from './options.js';
import { chosenOf, type Scene, tablesAt } from './scene.js';

/** What a key does, by name; acts.ts says what each name means. */
export type Act =
  | 'up'
  | 'down'
  | 'first'
  | 'last'
  | 'pageUp'
  | 'pageDown'
  | 'scrollUp'
  | 'scrollDown'
  | 'scrollFirst'
  | 'scrollLast'
  | 'scrollPageUp'
  | 'scrollPageDown'
  | 'left'
  | 'right'
  | 'pane'
  | 'about'
  | 'open'
  | 'next'
  | 'back'
  | 'backTwice'
  | 'reload'
  | 'toggle'
  | 'choose'
  | 'unfold'
  | 'fold'
  | 'chooseAndGo'
  | 'all'
  | 'none'
  | 'recommended'
  | 'nextQuestion'
  | 'previousQuestion'
  | 'type'
  | 'erase'
  | 'eraseAll'
  | 'answerAndGo'
  | 'answerAndUp'
  | 'answerAndBack'
  | 'filter'
  | 'filterDone'
  | 'filterClear'
  | 'confirm'
  | 'within'
  | 'keep'
  | 'confirmTyped'
  | 'skip'
  | 'skipHere'
  | 'skipped'
  | 'table'
  | 'nextTable'
  | 'sort'
  | 'sortBack'
  | 'help'
  | 'quit'
  | 'interrupt';

/** Keys, what they do, and the words for it: the handling, the footer and the help all come from this. */
export interface Binding {
  /** Every key with its act; `text` stands for all keys that type a character. */
  does: Readonly<Record<KeyName, Act>>;
  /** In the footer, and in the help where there is no longer text for that. */
  label: string;
  inHelp?: string;
  /** Stays in the footer however narrow it is. */
  always?: true;
  /** Only in the help: it goes without saying, or another key for it stands in the footer. */
  quiet?: true;
  /** Where it is missing, always. */
  when?: (scene: Scene) => boolean;
}

export type Mode =
  | 'none'
  | 'help'
  | 'table'
  | 'busy'
  | 'reading'
  | 'overview'
  | 'overviewDetail'
  | 'questions'
  | 'answering'
  | 'filtering'
  | 'review'
  | 'reviewDetail'
  | 'nothing'
  | 'arming'
  | 'confirm'
  | 'confirmTyped'
  | 'applying'
  | 'probing'
  | 'result'
  | 'skip'
  | 'failed';

const HELP: Binding = { does: { '?': 'help' }, label: 'help', always: true };
const QUIT: Binding = { does: { q: 'quit' }, label: 'leave', inHelp: 'save and leave', always: true };
const BACK: Binding = { does: { esc: 'back', 'shift+tab': 'back' }, label: 'back' };
const SKIP: Binding = { does: { s: 'skip' }, label: 'skip', inHelp: 'skip this step' };
const STOP: Binding = { does: { 'ctrl+c': 'interrupt' }, label: 'stop and leave', quiet: true };
const STOP_SHOWN: Binding = { does: STOP.does, label: STOP.label };
const KEEP: Binding = {
  does: { K: 'keep' },
  label: 'keep it',
  inHelp: 'keep what would be taken back',
  always: true,
  when: ({ state }) => state.waiting !== undefined,
};
const WITHIN: Binding = {
  does: { tab: 'within' },
  label: 'take back unless kept',
  inHelp: 'how long until it is taken back unless it is kept',
  when: ({ state: { screen } }) => choosesTime(screen),
};
const RELOAD: Binding = { does: { r: 'reload' }, label: 'read again' };
const FILTER: Binding = { does: { '/': 'filter' }, label: 'filter' };
const SIDEWAYS: Binding = {
  does: { left: 'left', right: 'right' },
  label: 'move the difference sideways',
  quiet: true,
};
const SCROLL: Binding = {
  does: { pageup: 'scrollPageUp', pagedown: 'scrollPageDown' },
  label: 'scroll the text by a page',
  quiet: true,
};
const TYPING: readonly Binding[] = [
  { does: { text: 'type', backspace: 'erase' }, label: 'type', quiet: true },
  { does: { 'ctrl+u': 'eraseAll' }, label: 'erase all', quiet: true },
];
const ENDS = { home: 'first', g: 'first', end: 'last', G: 'last' } as const;
const SCROLLING: Readonly<Record<KeyName, Act>> = {
  up: 'scrollUp',
  down: 'scrollDown',
  k: 'scrollUp',
  j: 'scrollDown',
};
const SCROLL_ENDS: Binding = {
  does: { home: 'scrollFirst', g: 'scrollFirst', end: 'scrollLast', G: 'scrollLast' },
  label: 'first, last row',
  quiet: true,
};
const LISTING: Readonly<Record<KeyName, Act>> = { up: 'up', down: 'down', k: 'up', j: 'down' };

const many = ({ state, view }: Scene) => {
  const step = state.steps[state.current];
  return step !== undefined && openQuestion(step, view)?.type === 'choices';
};
const headed = ({ state, view }: Scene) => {
  const step = state.steps[state.current];
  return step !== undefined && shownOptions(step, view).some(({ heads }) => heads !== undefined);
};
const differs = ({ state, view }: Scene) => {
  const step = state.steps[state.current];
  const question = step === undefined ? undefined : openQuestion(step, view);
  return question !== undefined && !isRecommended(question, step?.answers[question.id]);
};
const last = ({ state, view }: Scene) =>
  view.group >= (state.steps[state.current]?.questions.length ?? 0) - 1;
const more = (scene: Scene) => !last(scene);
const asked = ({ state }: Scene) => (state.steps[state.current]?.questions.length ?? 0) > 0;
const anyChosen = ({ state }: Scene) => {
  const step = state.steps[state.current];
  return step !== undefined && chosenOf(step).length > 0;
};
const anyListed = ({ state, view }: Scene) => {
  const step = state.steps[state.current];
  return step !== undefined && changeList(step, view.filter).changes.length > 0;
};

const TABLE: Binding = {
  does: { t: 'table' },
  label: 'table',
  inHelp: 'show what there is, as a table',
  when: (scene) => tablesAt(scene).length > 0,
};

const aboutProbe = ({ state }: Scene) => state.screen.at === 'confirm' && state.screen.probe !== undefined;
const aboutChanges = (scene: Scene) => !aboutProbe(scene);

/** The key table. The first binding that has the key and applies wins; the footer shows them in this order. */
export const KEYS: Readonly<Record<Mode, readonly Binding[]>> = {
  none: [],
  table: [
    { does: SCROLLING, label: 'scroll' },
    { does: { s: 'sort' }, label: 'sort', inHelp: 'sort by the next column' },
    { does: { S: 'sortBack' }, label: 'reverse', inHelp: 'sort the other way round' },
    { does: { tab: 'nextTable' }, label: 'next table', when: (scene) => tablesAt(scene).length > 1 },
    { does: { t: 'table', esc: 'table', 'shift+tab': 'table' }, label: 'close' },
    HELP,
    QUIT,
    SCROLL,
    SCROLL_ENDS,
    STOP,
  ],
  help: [{ does: { '?': 'help', esc: 'help', enter: 'help', q: 'help' }, label: 'close the help' }, STOP],
  busy: [STOP_SHOWN],
  reading: [{ does: { q: 'interrupt', 'ctrl+c': 'interrupt' }, label: 'stop and leave' }],
  overview: [
    KEEP,
    { does: LISTING, label: 'step' },
    { does: ENDS, label: 'first, last step', quiet: true },
    { does: { enter: 'open' }, label: 'open' },
    { does: { tab: 'pane' }, label: 'findings' },
    TABLE,
    RELOAD,
    { does: { s: 'skipHere' }, label: 'skip', inHelp: 'skip this step' },
    HELP,
    QUIT,
    SCROLL,
    STOP,
  ],
  overviewDetail: [
    KEEP,
    { does: SCROLLING, label: 'scroll' },
    SCROLL,
    SCROLL_ENDS,
    { does: { tab: 'pane', esc: 'pane', 'shift+tab': 'pane' }, label: 'steps' },
    { does: { enter: 'open' }, label: 'open' },
    HELP,
    QUIT,
    STOP,
  ],
  questions: [
    KEEP,
    { does: { space: 'choose' }, label: 'choose', when: asked },
    { does: { enter: 'chooseAndGo' }, label: 'next', inHelp: 'go on to the next question', when: more },
    { does: { enter: 'chooseAndGo' }, label: 'changes', inHelp: 'go on to the changes', when: last },
    { does: { a: 'all', n: 'none' }, label: 'all/none', when: many },
    {
      does: { R: 'recommended' },
      label: 'recommended',
      inHelp: 'take what is recommended',
      when: differs,
    },
    {
      does: { right: 'unfold', left: 'fold' },
      label: 'unfold',
      inHelp: 'show, hide what a heading stands for',
      when: headed,
    },
    { does: { esc: 'back' }, label: 'back' },
    SKIP,
    { ...FILTER, when: many },
    { does: LISTING, label: 'move', when: asked },
    { ...TABLE, quiet: true },
    { does: { tab: 'nextQuestion' }, label: 'next question', quiet: true, when: asked },
    { does: { 'shift+tab': 'previousQuestion' }, label: 'question before, or back', quiet: true },
    { does: { pageup: 'pageUp', pagedown: 'pageDown' }, label: 'a page up, down', quiet: true },
    { does: ENDS, label: 'first, last choice', quiet: true },
    HELP,
    QUIT,
    STOP,
  ],
  answering: [
    ...TYPING,
    { does: { 'ctrl+r': 'recommended' }, label: 'recommended', when: differs },
    { does: { enter: 'answerAndGo', tab: 'answerAndGo', down: 'answerAndGo' }, label: 'take it and go on' },
    { does: { up: 'answerAndUp', 'shift+tab': 'answerAndUp' }, label: 'question before' },
    { does: { esc: 'back' }, label: 'back' },
    STOP,
  ],
  filtering: [
    ...TYPING,
    { does: { enter: 'filterDone' }, label: 'keep the filter' },
    { does: { up: 'up', down: 'down' }, label: 'move' },
    { does: { esc: 'filterClear' }, label: 'show all' },
    STOP,
  ],
  review: [
    KEEP,
    { does: { space: 'toggle' }, label: 'mark', inHelp: 'leave out, or take in again', when: anyListed },
    { does: { enter: 'next' }, label: 'confirm', when: anyChosen },
    { does: { tab: 'pane' }, label: 'diff', inHelp: 'scroll the difference' },
    { does: { i: 'about' }, label: 'breaks', inHelp: 'why, and what it may break' },
    BACK,
    { does: LISTING, label: 'move' },
    FILTER,
    SKIP,
    SCROLL,
    SIDEWAYS,
    { does: ENDS, label: 'first, last change', quiet: true },
    HELP,
    QUIT,
    STOP,
  ],
  reviewDetail: [
    KEEP,
    { does: SCROLLING, label: 'scroll' },
    { does: { left: 'left', right: 'right' }, label: 'sideways' },
    { does: { space: 'toggle' }, label: 'leave out', quiet: true, when: anyListed },
    { does: { tab: 'pane', esc: 'pane', 'shift+tab': 'pane' }, label: 'list' },
    { does: { i: 'about' }, label: 'breaks', inHelp: 'why, and what it may break' },
    { does: { enter: 'next' }, label: 'confirm', when: anyChosen },
    HELP,
    QUIT,
    SCROLL,
    SCROLL_ENDS,
    STOP,
  ],
  nothing: [
    KEEP,
    { does: { enter: 'backTwice' }, label: 'overview' },
    { does: SCROLLING, label: 'scroll' },
    BACK,
    SKIP,
    HELP,
    QUIT,
    SCROLL,
    STOP,
  ],
  arming: [STOP_SHOWN],
  confirm: [
    { does: { y: 'confirm' }, label: 'apply', when: aboutChanges },
    { does: { y: 'confirm' }, label: 'try it out', when: aboutProbe },
    { does: { n: 'back', enter: 'back', esc: 'back', 'shift+tab': 'back' }, label: 'no, go back' },
    WITHIN,
    { does: SCROLLING, label: 'scroll' },
    SCROLL,
    HELP,
    QUIT,
    STOP,
  ],
  confirmTyped: [
    ...TYPING,
    { does: { enter: 'confirmTyped' }, label: 'apply, once the name is typed', when: aboutChanges },
    { does: { enter: 'confirmTyped' }, label: 'try it out, once the name is typed', when: aboutProbe },
    { does: { esc: 'back', 'shift+tab': 'back' }, label: 'no, go back' },
    WITHIN,
    { does: { up: 'scrollUp', down: 'scrollDown' }, label: 'scroll' },
    SCROLL,
    STOP,
  ],
  applying: [{ does: { 'ctrl+c': 'interrupt' }, label: 'stops after the object in hand' }],
  probing: [{ does: { 'ctrl+c': 'interrupt' }, label: 'stops, and removes what was created' }],
  result: [
    KEEP,
    { does: SCROLLING, label: 'scroll' },
    { does: { enter: 'next' }, label: 'next step' },
    { does: { esc: 'back', 'shift+tab': 'back' }, label: 'overview' },
    RELOAD,
    HELP,
    QUIT,
    SCROLL,
    SCROLL_ENDS,
    STOP,
  ],
  skip: [
    ...TYPING,
    { does: { enter: 'skipped' }, label: 'skip the step' },
    { does: { esc: 'back', 'shift+tab': 'back' }, label: 'do not skip' },
    STOP,
  ],
  failed: [{ does: { q: 'quit', enter: 'quit', esc: 'quit' }, label: 'leave' }, STOP],
};
