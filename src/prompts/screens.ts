import { printableLines } from '../model/escape.js';
import { refText } from '../model/manifest.js';
import {
  type AnswerValue,
  choiceGroups,
  isRecommended,
  narrowed,
  needsAnswer,
  type Question,
  recommendedWords,
} from '../model/question.js';
import type { FactTable } from '../model/table.js';
import { probePlanLines } from '../report/probe.js';
import { tableLines } from '../report/tables.js';
import { aheadOf, pending } from '../wizard/assemble.js';
import type { Screen, Session, StepState } from '../wizard/state.js';
import type { Asker, Option } from './ask.js';
import { keepOption, kept, within } from './keep.js';
import { pages } from './pages.js';
import {
  answerLines,
  confirmLines,
  diffLines,
  overviewLines,
  questionLines,
  resultLines,
  reviewLines,
  stepLines,
} from './show.js';
import type { Writer } from './writer.js';

/** What a screen has at hand. */
export interface Desk {
  session: Session;
  ask: Asker;
  out: Writer;
  /** Steps that were opened in this session. */
  opened: Set<number>;
}

/** Screens on which a person is asked something; on any other one, work goes on. */
export type Asking = Extract<
  Screen['at'],
  'overview' | 'questions' | 'review' | 'confirm' | 'result' | 'skip' | 'failed'
>;

/** Shows a screen, asks, and sends what was answered. */
export const SCREENS: Record<Asking, (desk: Desk) => Promise<void>> = {
  overview,
  questions,
  review,
  confirm,
  result,
  skip,
  failed: async ({ session, out }) => {
    const { screen } = session.state;
    if (screen.at === 'failed') out.say('', ...printableLines(screen.message).split('\n'));
    session.send({ type: 'quit' });
  },
};

const LEAVE: Option = { value: 'quit', label: 'Save and leave' };
const SKIP: Option = { value: 'skip', label: 'Skip this step, with a reason' };

async function overview({ session, ask, out, opened }: Desk): Promise<void> {
  const { state } = session;
  out.say(...overviewLines(state, out.style));
  const steps = state.steps.map((step, index) => ({
    value: String(index),
    label: out.text(step.step.title),
  }));
  const reload = { value: 'reload', label: 'Read the cluster again' };
  const preset = state.steps.length === 0 ? 'reload' : String(suggested(state.steps, opened) ?? 'quit');
  const answer = await ask.one('Which step?', [...steps, ...keepOption(session, out), reload, LEAVE], preset);
  if (answer === 'keep') return kept(session);
  if (answer === 'quit' || answer === 'reload') session.send({ type: answer });
  else {
    opened.add(Number(answer));
    session.send({ type: 'open', step: Number(answer) });
  }
}

/** The step to go to next: one with changes, else one that nobody has looked at and that has something to say or ask. */
function suggested(steps: readonly StepState[], opened: ReadonlySet<number>): number | undefined {
  const open = steps
    .map((step, index) => ({ step, index }))
    .filter(({ step }) => step.verified === undefined);
  const changing = open.find(({ step }) => pending(step).length > 0);
  const telling = open.find(
    ({ step, index }) =>
      !opened.has(index) &&
      step.skipped === undefined &&
      (step.status !== 'ok' || step.questions.some(needsAnswer)),
  );
  return (changing ?? telling)?.index;
}

async function questions(desk: Desk): Promise<void> {
  const { session, ask, out } = desk;
  const step = here(session);
  if (step === undefined) return session.send({ type: 'back' });
  const { snapshot, current } = session.state;
  out.say(...stepLines(snapshot, step, current, out.style), ...answerLines(step, out.style));
  const tables =
    snapshot === undefined
      ? []
      : (step.step.tables?.(
          snapshot,
          aheadOf(snapshot, session.state.steps)[current] ?? snapshot,
          step.answers,
        ) ?? []);
  const open = step.questions.some((question) => !step.answered.includes(question.id));
  const answer = await ask.one(
    'How to go on?',
    [
      ...(step.questions.length === 0 ? [] : [{ value: 'answer', label: 'Answer the questions' }]),
      { value: 'next', label: 'Go on to the changes' },
      ...tables.map(({ id, title }) => ({ value: `table ${id}`, label: `Table: ${title}` })),
      { value: 'back', label: 'Back to the overview' },
      SKIP,
      LEAVE,
    ],
    open ? 'answer' : 'next',
  );
  const table = tables.find(({ id }) => answer === `table ${id}`);
  if (table !== undefined) await showTable(desk, table);
  else if (answer === 'answer') await answerAll(desk, step);
  else session.send({ type: answer as 'next' | 'back' | 'skip' | 'quit' });
}

/** A table, sorted by the column that is asked for. */
async function showTable({ ask, out }: Desk, table: FactTable): Promise<void> {
  const columns = table.columns.map(({ title }, index) => ({ value: String(index), label: title }));
  const answer = await ask.one('Sorted by?', [{ value: 'as', label: 'As it is' }, ...columns], 'as');
  const order = answer === 'as' ? undefined : { column: Number(answer), down: false };
  out.say('', ...tableLines(table, out.style, order, Number.POSITIVE_INFINITY));
}

/** Each question in turn. Which ones there are can change with an answer, so they are looked up again after each. */
async function answerAll({ session, ask, out }: Desk, from: StepState): Promise<void> {
  const asked = new Set<string>();
  for (;;) {
    const step = here(session);
    const question = step?.questions.find((q) => !asked.has(q.id));
    if (step === undefined || question === undefined || step.step.id !== from.step.id) return;
    asked.add(question.id);
    const shown = narrowed(question, step.answers);
    const before = step.answers[question.id];
    // Nothing to choose with the answers so far.
    if (shown !== question && shown.type === 'choices' && shown.choices.length === 0) continue;
    out.say('', ...questionLines(question, out.style));
    if (!isRecommended(question, before)) out.say(`  Recommended: ${out.text(recommendedWords(shown))}`);
    const value = await answerTo(shown, before, ask, out);
    session.send({
      type: 'answer',
      question: question.id,
      value: withOthers(question, shown, before, value),
    });
  }
}

/** The answer with what stood for the choices that were not shown, in the order of all of them. */
function withOthers(
  question: Question,
  shown: Question,
  before: AnswerValue | undefined,
  value: AnswerValue,
): AnswerValue {
  if (question.type !== 'choices' || shown.type !== 'choices' || shown === question) return value;
  const own = new Set(shown.choices.map((choice) => choice.value));
  const picked = new Set(Array.isArray(value) ? value : []);
  const kept = new Set(Array.isArray(before) ? before.filter((one) => !own.has(one)) : []);
  return question.choices.map((choice) => choice.value).filter((one) => picked.has(one) || kept.has(one));
}

async function answerTo(
  question: Question,
  now: AnswerValue | undefined,
  ask: Asker,
  out: Writer,
): Promise<AnswerValue> {
  const message = out.text(question.message);
  switch (question.type) {
    case 'confirm':
      return ask.yes(message, now === true);
    case 'number':
      return ask.number(message, question, typeof now === 'number' ? now : question.cautious);
    case 'text': {
      const { pattern } = question;
      const wrong = (text: string) =>
        pattern === undefined || new RegExp(pattern.source, 'u').test(text)
          ? undefined
          : out.text(pattern.expected);
      return ask.text(message, typeof now === 'string' ? now : '', wrong);
    }
    case 'choice':
      return ask.one(message, optionsOf(question, out), String(now ?? question.cautious));
    case 'choices':
      return question.choices.length === 0 ? [] : marks(question, Array.isArray(now) ? now : [], ask, out);
  }
}

/** Several choices; of a long list with headings first those headings that are to be looked at, then what is below them. */
async function marks(
  question: Extract<Question, { type: 'choices' }>,
  now: readonly string[],
  ask: Asker,
  out: Writer,
): Promise<readonly string[]> {
  const message = out.text(question.message);
  const options = optionsOf(question, out);
  const groups = choiceGroups(question.choices);
  if (groups === undefined) return ask.many(message, options, now);
  const headings = [...groups].map(([group, choices]): Option => {
    const on = choices.filter(({ value }) => now.includes(value)).length;
    return {
      value: group,
      label: out.text(`${group} (${on} of ${choices.length} marked)`),
      short: out.text(group),
    };
  });
  const opened = await ask.many(
    `${message} Which of these to go through? The rest stays as marked.`,
    headings,
    [],
  );
  let wanted = new Set(now);
  for (const group of opened) {
    const values = new Set(groups.get(group)?.map(({ value }) => value));
    const own = options.filter(({ value }) => values.has(value));
    const marked = now.filter((value) => values.has(value));
    const picked = await ask.many(`${message} ${out.text(group)}:`, own, marked);
    wanted = new Set([...wanted].filter((value) => !values.has(value)).concat(picked));
  }
  return question.choices.map(({ value }) => value).filter((value) => wanted.has(value));
}

function optionsOf(question: Extract<Question, { choices: unknown }>, out: Writer): Option[] {
  return question.choices.map(({ value, label, note, apart }) => ({
    value,
    label: out.text(note === undefined ? label : `${label} (${note})`),
    short: out.text(label),
    ...(apart ? { apart } : {}),
  }));
}

async function review(desk: Desk): Promise<void> {
  const { session, ask, out } = desk;
  const shown = here(session);
  if (shown !== undefined) out.say(...reviewLines(shown, session.state.current, out.style));
  let seen = false;
  for (;;) {
    const step = here(session);
    if (step === undefined || session.state.screen.at !== 'review') return;
    const some = step.plan.changes.length > 0;
    const apply = pending(step).length > 0;
    const answer = await ask.one(
      'How to go on?',
      [
        ...(some ? [{ value: 'diff', label: 'Show the exact differences' }] : []),
        ...(some ? [{ value: 'choose', label: 'Choose which changes to make' }] : []),
        ...(apply ? [{ value: 'next', label: 'Go on to the confirmation' }] : []),
        { value: 'back', label: 'Back to the questions' },
        SKIP,
        LEAVE,
      ],
      !apply ? 'back' : seen ? 'next' : 'diff',
    );
    if (answer === 'diff') {
      seen = true;
      await pages(
        step.plan.changes.flatMap((change) => diffLines(step, change, out.style)),
        ask,
        out,
      );
    } else if (answer === 'choose') {
      await choose(desk, step);
      return; // the list is shown again
    } else return session.send({ type: answer as 'next' | 'back' | 'skip' | 'quit' });
  }
}

async function choose({ session, ask, out }: Desk, step: StepState): Promise<void> {
  const { changes } = step.plan;
  const options = changes.map(({ id, ref }) => ({ value: id, label: out.text(refText(ref)) }));
  const before = changes
    .map((change) => change.id)
    .filter((id) => !step.excluded.includes(id) && !step.held?.includes(id));
  const wanted = await ask.many('Which changes?', options, before);
  for (const { id } of changes)
    if (wanted.includes(id) !== before.includes(id)) session.send({ type: 'toggle', change: id });
}

async function confirm({ session, ask, out }: Desk): Promise<void> {
  const { screen, snapshot } = session.state;
  const step = here(session);
  if (screen.at !== 'confirm' || step === undefined || snapshot === undefined) return;
  const { context } = snapshot.cluster;
  await ask.settle();
  const { probe } = screen;
  out.say(
    ...(probe === undefined
      ? confirmLines(step, context, out.style, screen.alone)
      : probePlanLines(probe, context, out.style)),
  );
  await within(session, ask, out);
  const what = probe === undefined ? 'apply' : 'try it out';
  if (screen.typed) {
    const typed = await ask.text(
      `Type the context's name (${out.text(context)}) to ${what}; nothing for no`,
      '',
    );
    session.send(typed === '' ? { type: 'back' } : { type: 'confirm', typed });
  } else
    session.send(
      (await ask.yes(probe === undefined ? 'Apply?' : 'Try it out?', false))
        ? { type: 'confirm' }
        : { type: 'back' },
    );
}

async function result({ session, ask, out }: Desk): Promise<void> {
  const step = here(session);
  if (step !== undefined) out.say(...resultLines(step, out.style));
  const next = { value: 'next', label: 'Go on' };
  const answer = await ask.one('How to go on?', [next, ...keepOption(session, out), LEAVE], 'next');
  if (answer === 'keep') return kept(session);
  session.send({ type: answer as 'next' | 'quit' });
}

async function skip({ session, ask }: Desk): Promise<void> {
  const reason = await ask.text('Why is it skipped? (nothing: it is not)', '');
  session.send(reason.trim() === '' ? { type: 'back' } : { type: 'skipped', reason });
}

function here({ state }: Session): StepState | undefined {
  return state.steps[state.current];
}
