import { printable } from '../model/escape.js';
import { ownChoice } from '../model/managed-by.js';
import { refText } from '../model/manifest.js';
import { BESIDES, type Change, changeName } from '../model/plan.js';
import { type AnswerValue, narrowed, type Question } from '../model/question.js';
import { RISKS } from '../model/risk.js';
import type { Snapshot } from '../model/snapshot.js';
import { findingsLines } from '../report/findings.js';
import { fold } from '../report/fold.js';
import { OUTCOMES } from '../report/outcomes.js';
import { countsBrief, countsOf } from '../report/plan.js';
import { changeLines, headLines, rightsLines, stepHead } from '../report/plan-text.js';
import { counted, paint, type Style, sign } from '../report/style.js';
import { confirmedAlone, confirmedNow, eachAlone } from '../wizard/confirming.js';
import { chosenChanges, type Done, type StepState, type WizardState } from '../wizard/state.js';

/** Where findings that are not listed are found. */
const ALL = 'kubectl harden plan -o json has all';
/** How many warnings are shown before the rest is only counted. */
const WARNINGS = 12;

/** Cluster and steps, each in one line. */
export function overviewLines({ snapshot, steps }: WizardState, style: Style): string[] {
  return [
    '',
    ...(snapshot === undefined ? [] : headLines(snapshot, style)),
    ...steps.map((state, index) => stepHead(state, index, style)),
  ];
}

/** What a step is about: why, and what was found. */
export function stepLines(
  now: Snapshot | undefined,
  state: StepState,
  index: number,
  style: Style,
): string[] {
  return [
    '',
    stepHead(state, index, style),
    ...state.step.why.flatMap((line) => fold(printable(line), style.width, '  ')),
    ...rightsLines(now, state, style),
    ...findingsLines(state.findings, style, ALL),
  ];
}

/** A question in words: what it asks, what its answer can do, and the answer as it stands. */
export function questionLines(question: Question, style: Style): string[] {
  return [
    ...(question.help === undefined ? [] : fold(printable(question.help), style.width, '  ')),
    ...(question.risk === 'none'
      ? []
      : fold(`the answer ${RISKS[question.risk]}`, style.width, `  ${sign(style, 'breaks')} `)),
  ];
}

/** The answers as they stand, one a line. */
export function answerLines({ questions, answers, answered }: StepState, style: Style): string[] {
  return questions.flatMap((question) =>
    fold(
      `${printable(question.message)} ${answerText(narrowed(question, answers), answers[question.id])}${answered.includes(question.id) ? '' : ' (default)'}`,
      style.width,
      `  ${sign(style, 'question')} `,
    ),
  );
}

/** An answer in words. */
export function answerText(question: Question, value: AnswerValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (question.type === 'confirm') return value === true ? 'yes' : 'no';
  if (question.type === 'choices') {
    const own = new Set(question.choices.map((choice) => choice.value));
    const picked = Array.isArray(value) ? value.filter((one) => own.has(one)) : [];
    if (picked.length === 0) return 'none';
    const all = picked.length === question.choices.length ? 'all: ' : '';
    const names = picked.slice(0, 8).map((one) => printable(one, 60));
    return `${all}${names.join(', ')}${picked.length > names.length ? ` and ${picked.length - names.length} more` : ''}`;
  }
  if (question.type === 'choice') {
    const label = question.choices.find((choice) => choice.value === value)?.label ?? String(value);
    return printable(label);
  }
  return printable(String(value)) || 'nothing';
}

/** All planned changes, what is taken out marked as such. */
export function reviewLines(state: StepState, index: number, style: Style): string[] {
  const chosen = new Set(chosenChanges(state).map((change) => change.id));
  const out = state.plan.changes.length - chosen.size;
  return [
    '',
    paint(
      style,
      'title',
      `${index + 1} ${printable(state.step.title)}: ${countsBrief(countsOf(chosenChanges(state))) || 'nothing to change'}`,
    ),
    ...state.plan.changes.flatMap((change) =>
      chosen.has(change.id)
        ? changeLines(change, style)
        : [
            `  (left out) ${printable(refText(change.ref), 200)}`,
            ...(state.held?.includes(change.id) === true
              ? fold(printable(ownChoice(change) ?? ''), style.width, `      ${sign(style, 'breaks')} `)
              : []),
          ],
    ),
    ...(out > 0 ? [`  ${counted(out, 'change')} left out`] : []),
  ];
}

/** The exact difference of a change, and what the server says to it. */
export function diffLines(state: StepState, change: Change, style: Style): string[] {
  const checked = state.checked.find((entry) => entry.change === change.id);
  const lines = checked?.diff ?? [];
  return [
    '',
    paint(style, 'title', printable(refText(change.ref), 200)),
    ...lines.map(({ sign: mark, text }) => {
      const shown = `${mark} ${printable(text)}`;
      return mark === ' ' ? shown : paint(style, mark === '+' ? 'good' : 'bad', shown);
    }),
    ...bodyLines(change, style),
    ...workingLines(change, style),
    ...(checked === undefined ? [] : checkLines(checked.check, style)),
  ];
}

/** The arithmetic of each amount. */
function workingLines({ working = [] }: Change, style: Style): string[] {
  if (working.length === 0) return [];
  return [
    '  How each amount came about:',
    ...working.flatMap((text) => fold(printable(text), style.width, '    ')),
  ];
}

/** What is done where there is no object to compare. */
function bodyLines(change: Change, style: Style): string[] {
  switch (change.kind) {
    case 'host':
      return [
        ...change.files.map((file) => `  file ${printable(file.path)}`),
        ...change.instructions.flatMap((text, index) =>
          fold(printable(text), style.width, `  ${index + 1}. `),
        ),
      ];
    case 'rewrite':
      return fold(
        `${change.count === undefined ? 'All' : counted(change.count, 'Secret')} written again without a value being read. By hand: kubectl get secrets --all-namespaces -o json | kubectl replace -f -`,
        style.width,
        '  ',
      );
    default:
      return [];
  }
}

function checkLines(check: StepState['checked'][number]['check'], style: Style): string[] {
  switch (check.by) {
    case 'server':
      return [
        `  ${sign(style, 'ok')} server dry run: accepted${check.warnings.length === 0 ? ', no warnings' : ''}`,
        ...check.warnings.flatMap((text) =>
          fold(printable(text), style.width, `  ${sign(style, 'breaks')} warning: `),
        ),
      ];
    case 'us':
      return fold(
        `not checked by the server: ${printable(check.reason)}`,
        style.width,
        `  ${sign(style, 'notVisible')} `,
      );
    case 'refusal':
      return fold(
        `the server would refuse it: ${printable(check.reason)}`,
        style.width,
        `  ${sign(style, 'failed')} `,
      );
  }
}

/** What is about to happen, before the last question. */
export function confirmLines(state: StepState, context: string, style: Style, alone?: string): string[] {
  const changes = confirmedNow(state, alone === undefined ? {} : { alone });
  const apart = confirmedAlone(state);
  const what =
    alone === undefined
      ? `${counted(changes.length, 'change')} to ${printable(context)}: ${countsBrief(countsOf(changes))}`
      : `${printable(changeName(alone))} to ${printable(context)}: ${printable(changes[0]?.why ?? '')}`;
  const risks = [
    ...new Set(changes.flatMap((change) => (change.risk === 'none' ? [] : [RISKS[change.risk]]))),
  ];
  const breaks = [...new Set(changes.flatMap((change) => change.breaks))];
  return [
    '',
    paint(style, 'title', `Apply ${what}`),
    ...(apart.length === 0 ? [] : fold(eachAlone(apart, alone), style.width, `  ${sign(style, 'advice')} `)),
    ...[...risks, ...breaks.slice(0, WARNINGS)].flatMap((text) =>
      fold(printable(text), style.width, `  ${sign(style, 'breaks')} `),
    ),
    ...(breaks.length > WARNINGS
      ? [`  and ${counted(breaks.length - WARNINGS, 'more warning')}, each beside its change`]
      : []),
    ...fold(BESIDES, style.width, '  '),
  ];
}

/** What the cluster says after applying. */
export function resultLines(state: StepState, style: Style): string[] {
  const counts = new Map<string, number>();
  for (const { outcome } of state.done) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const sum = [...counts]
    .map(([outcome, n]) => `${n} ${OUTCOMES[outcome as Done['outcome']].word}`)
    .join(', ');
  const verified = state.verified ?? [];
  return [
    '',
    paint(style, 'title', `${printable(state.step.title)}: ${sum || 'nothing was done'}`),
    ...(state.verified === undefined
      ? []
      : verified.length === 0
        ? [`  ${sign(style, 'ok')} read again: nothing is left to find`]
        : [
            `  ${sign(style, 'advice')} read again: ${counted(verified.length, 'finding')}`,
            ...findingsLines(verified, style, ALL),
          ]),
  ];
}
