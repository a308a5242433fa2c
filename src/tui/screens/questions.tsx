import type { ReactNode } from 'react';
import { isRecommended, narrowed, type Question, recommendedWords } from '../../model/question.js';
import { RISKS } from '../../model/risk.js';
import type { StepState } from '../../wizard/state.js';
import { heading } from '../heading.js';
import { BLANK, ends, type Line, Lines, line, paragraph, span } from '../lines.js';
import type { Look } from '../look.js';
import { answerWords, isTyped, type Option, openQuestion, shownOptions } from '../options.js';
import { rightsRows } from '../rights.js';
import type { Scene, ScreenProps } from '../scene.js';
import { windowOf } from '../view.js';
import { columns, padRight } from '../width.js';
import { count } from '../words.js';

/** Every question of the step in one row with its answer; the one at hand is open. */
export function Questions({ scene }: ScreenProps): ReactNode {
  const { state, look, width, height } = scene;
  const step = state.steps[state.current];
  if (step === undefined) return null;
  return <Lines rows={questionRows(scene, step)} width={width} height={height} look={look} />;
}

/** Rows that an open question should have: what it means, some choices, the note on one of them. */
const OPEN_ROWS = 12;
/** Choices that are seen at once, however small the screen. */
const OPTION_ROWS = 5;

function questionRows(scene: Scene, step: StepState): Line[] {
  const { view, look, width, height } = scene;
  const reasons = step.step.why.flatMap((text) => paragraph(look, text, width, { role: 'dim', most: 2 }));
  const rights = rightsRows(scene, step, width, 2);
  // Why the step matters stood on the screen before; on a small one the choices need its rows.
  const cramped = height - reasons.length - rights.length - step.questions.length < OPEN_ROWS;
  const top = [heading(scene, 'ask'), ...(cramped ? [] : reasons), ...rights, BLANK];
  if (step.questions.length === 0)
    return [...top, line('Nothing to ask here. The changes follow from what was read.')];
  // Where there are more questions than rows, those around the open one stay.
  const room = height - top.length;
  const open = openQuestion(step, view);
  const around = windowOf(
    view.group,
    step.questions.length,
    Math.max(1, Math.min(step.questions.length, room - 6)),
  );
  const shown = step.questions.slice(around.from, around.to);
  return [
    ...top,
    ...shown.flatMap((question) => [
      questionRow(step, question, question === open, scene),
      ...(question === open ? openRows(scene, step, question, room - shown.length) : []),
    ]),
  ];
}

function questionRow(
  step: StepState,
  question: Question,
  open: boolean,
  { state, look, width }: Scene,
): Line {
  const answered = step.answered.includes(question.id);
  const waits = !answered && question.risk !== 'none' && state.snapshot?.cluster.sandbox !== true;
  const note = answered ? '' : waits ? ' (not answered)' : ' (default)';
  const answer = look.name(answerWords(question, step.answers), Math.floor(width / 3));
  return ends(
    line(
      look.sign(answered ? 'ok' : waits ? 'question' : 'advice'),
      ' ',
      span(open ? 'title' : 'plain', look.text(question.message)),
    ),
    line(span(open ? 'title' : 'plain', answer), span('dim', note)),
    width,
    look.g.ellipsis,
  );
}

function lineText(row: Line): string {
  return row.map(({ text }) => text).join('');
}

/** The open question in at most `room` rows: what it means, then what can be chosen. */
function openRows(scene: Scene, step: StepState, question: Question, room: number): Line[] {
  const { view, look, width } = scene;
  const lead = line('  ');
  const row = questionRow(step, question, true, scene);
  const cut = !lineText(row).includes(look.text(question.message));
  const risk =
    question.risk === 'none'
      ? []
      : [line('  ', look.sign('breaks'), ' ', span('warn', RISKS[question.risk]))];
  const advice = adviceRows(scene, step, question);
  const about = [
    ...(cut ? paragraph(look, question.message, width, { lead, most: 3 }) : []),
    ...(question.help === undefined
      ? []
      : paragraph(look, question.help, width, { lead, role: 'dim', most: 3 })),
    ...risk,
    ...advice,
  ];
  if (isTyped(question)) {
    const problem =
      view.problem === undefined
        ? []
        : [line('  ', look.sign('failed'), ' ', span('bad', look.text(view.problem)))];
    const input = line(
      '  ',
      span('cursor', look.g.pointer),
      ' ',
      look.name(view.text, width - 6),
      span('cursor', look.g.caret),
    );
    return [...about, input, ...problem, BLANK].slice(0, room);
  }
  const options = shownOptions(step, view);
  const filter = filterRows(scene, options.length, narrowed(question, step.answers));
  const note = noteRows(scene, options);
  // The choices come first: all that is said about them but the risk gives way to at least some of them.
  const least = Math.min(options.length, OPTION_ROWS);
  const said = about.length + filter.length + note.length + least + 1 <= room ? about : [...risk, ...advice];
  const left = Math.max(1, room - said.length - filter.length - note.length - 1);
  const rows = [...said, ...filter, ...optionRows(scene, question, options, left), ...note];
  return [...rows, BLANK].slice(0, room);
}

/** What we recommend, where the answer is another one, and the key that takes it. */
function adviceRows({ look }: Scene, step: StepState, question: Question): Line[] {
  if (isRecommended(question, step.answers[question.id])) return [];
  const key = isTyped(question) ? 'ctrl+r' : 'R';
  return [
    line(
      '  ',
      look.sign('advice'),
      ' ',
      `Recommended: ${look.text(recommendedWords(narrowed(question, step.answers)))} (`,
      span('key', key),
      ' takes it)',
    ),
  ];
}

/** Where notes are too long for their rows, the one under the cursor in full, in two rows kept free for it. */
function noteRows({ view, look, width }: Scene, options: readonly Option[]): Line[] {
  if (!notesBelow(options, look, width)) return [];
  const rows = paragraph(look, options[view.cursor]?.note ?? '', width, { lead: line('    '), most: 2 });
  return [...rows, BLANK].slice(0, 2);
}

/** Whether some note is too long for the row of its option. */
function notesBelow(options: readonly Option[], look: Look, width: number): boolean {
  const room = width - Math.min(widest(options, look), Math.floor(width / 2)) - BEFORE_NOTE;
  return options.some(({ note }) => note !== undefined && columns(look.text(note)) > room);
}

/** Columns that the labels of these options get: half of them, and more where the notes are read below. */
function labelWidth(options: readonly Option[], look: Look, width: number): number {
  const most = notesBelow(options, look, width) ? width - BEFORE_NOTE - NOTE_BEGINS : Math.floor(width / 2);
  return Math.min(widest(options, look), Math.max(most, Math.floor(width / 2)));
}

function widest(options: readonly Option[], look: Look): number {
  return options.reduce((most, { label }) => Math.max(most, columns(look.text(label))), 1);
}

/** Columns of pointer, box and gaps around a label. */
const BEFORE_NOTE = 10;
/** Columns of a note that is read in full below: how bad it is stands first. */
const NOTE_BEGINS = 16;

function filterRows({ view, look }: Scene, matches: number, question: Question): Line[] {
  if (!view.filtering && view.filter === '') return [];
  const all = question.type === 'choices' || question.type === 'choice' ? question.choices.length : matches;
  return [
    line(
      '  ',
      span('key', '/'),
      look.text(view.filter),
      view.filtering ? span('cursor', look.g.caret) : '',
      span('dim', `  ${count(matches)} of ${count(all)}`),
    ),
  ];
}

function optionRows(scene: Scene, question: Question, options: readonly Option[], height: number): Line[] {
  const { view, look, width } = scene;
  const many = question.type === 'choices';
  const cut = options.length > height;
  const { from, to } = windowOf(view.cursor, options.length, cut ? height - 1 : height);
  const shown = options.slice(from, to);
  const labels = labelWidth(options, look, width);
  const rows = shown.map(({ label, note, on, advised, group, heads }, index) => {
    const here = from + index === view.cursor;
    const part = heads !== undefined && !on && heads.chosen > 0;
    const ticks = part ? look.g.partly : on ? look.g.ticked : look.g.unticked;
    const box = many ? ticks : on ? look.g.picked : look.g.unpicked;
    return line(
      group !== undefined && heads === undefined ? '    ' : '  ',
      here ? span('cursor', look.g.pointer) : ' ',
      ' ',
      span(on ? 'ok' : 'plain', box),
      ' ',
      span(here ? 'title' : 'plain', padRight(look.name(label, labels), labels)),
      advised === undefined ? '' : span('title', '  recommended'),
      note === undefined ? '' : span('dim', `  ${look.text(note)}`),
    );
  });
  if (!cut) return rows;
  const words = [
    ...(from > 0 ? [`${look.g.up} ${count(from)} above`] : []),
    ...(to < options.length ? [`${look.g.down} ${count(options.length - to)} more`] : []),
  ];
  return [...rows, line(span('dim', `    ${words.join('  ')}`))];
}
