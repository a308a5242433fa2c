import {
  type Answers,
  type AnswerValue,
  type Choice,
  choiceGroups,
  isRecommended,
  narrowed,
  type Question,
} from '../model/question.js';
import type { StepState } from '../wizard/state.js';
import type { View } from './view.js';
import { count } from './words.js';

/** One thing to choose in a question. */
export interface Option {
  value: string | boolean;
  label: string;
  note: string | undefined;
  on: boolean;
  /** It is what we recommend, and the answer is another one. */
  advised?: true;
  /** Of a long list: the heading itself, or what stands below one. */
  group?: string;
  /** Of a heading: the values below it, and how many of them are chosen. */
  heads?: { values: readonly string[]; chosen: number };
}

/** The options of a question that play a part, with what is chosen; none where something is typed. */
export function optionsOf(asked: Question, answers: Answers): readonly Option[] {
  const options = plainOptions(asked, answers);
  if (isRecommended(asked, answers[asked.id])) return options;
  const { recommended } = asked;
  const isAdvised = (value: string | boolean) =>
    Array.isArray(recommended) ? recommended.includes(value) : recommended === value;
  return options.map((option) =>
    isAdvised(option.value) && !option.on ? { ...option, advised: true } : option,
  );
}

function plainOptions(asked: Question, answers: Answers): readonly Option[] {
  const question = narrowed(asked, answers);
  const answer = answers[question.id];
  switch (question.type) {
    case 'confirm':
      return [true, false].map((value) => ({
        value,
        label: value ? 'Yes' : 'No',
        note: undefined,
        on: answer === value,
      }));
    case 'choice':
      return question.choices.map(({ value, label, note }) => ({ value, label, note, on: answer === value }));
    case 'choices': {
      const on = new Set(Array.isArray(answer) ? answer : []);
      return question.choices.map(({ value, label, note }) => ({ value, label, note, on: on.has(value) }));
    }
    default:
      return [];
  }
}

/** The question that is open. */
export function openQuestion(step: StepState, view: View): Question | undefined {
  return step.questions[view.group];
}

/** The options of the open question that match the filter. */
export function shownOptions(step: StepState, view: View): readonly Option[] {
  const question = openQuestion(step, view);
  if (question === undefined) return [];
  const options = optionsOf(question, step.answers);
  const wanted = view.filter.toLowerCase();
  if (wanted !== '') return options.filter((o) => o.label.toLowerCase().includes(wanted));
  const shown = narrowed(question, step.answers);
  const groups = shown.type === 'choices' ? choiceGroups(shown.choices) : undefined;
  return groups === undefined ? options : underHeadings(options, groups, view.unfolded);
}

/** Headings, and below those that are unfolded their choices. */
function underHeadings(
  options: readonly Option[],
  groups: ReadonlyMap<string, readonly Choice[]>,
  unfolded: readonly string[],
): readonly Option[] {
  const byValue = new Map(options.map((option) => [option.value, option]));
  return [...groups].flatMap(([group, choices]): Option[] => {
    const own = choices.flatMap(({ value }) => byValue.get(value) ?? []);
    const chosen = own.filter(({ on }) => on).length;
    const heading: Option = {
      value: group,
      label: group,
      note: `${count(chosen)} of ${count(own.length)} chosen`,
      on: chosen === own.length,
      group,
      heads: { values: choices.map(({ value }) => value), chosen },
    };
    return [heading, ...(unfolded.includes(group) ? own.map((option) => ({ ...option, group })) : [])];
  });
}

/** An answer in a few words. */
export function answerWords(asked: Question, answers: Answers): string {
  const question = narrowed(asked, answers);
  const answer = answers[question.id];
  if (question.type === 'choices') {
    const own = new Set(question.choices.map(({ value }) => value));
    const chosen = Array.isArray(answer) ? answer.filter((value) => own.has(value)).length : 0;
    return `${count(chosen)} of ${count(own.size)} chosen`;
  }
  if (question.type === 'choice')
    return question.choices.find((c) => c.value === answer)?.label ?? String(answer);
  if (question.type === 'confirm') return answer === true ? 'Yes' : 'No';
  const text = String(answer ?? '');
  return text === '' ? '(empty)' : text;
}

/** An answer as the text that is typed for it. */
export function answerText(answer: AnswerValue | undefined): string {
  return answer === undefined ? '' : String(answer);
}

/** Whether a question is answered by typing. */
export function isTyped(question: Question | undefined): boolean {
  return question?.type === 'number' || question?.type === 'text';
}

/** What was typed as an answer, or what is wrong with it. */
export function entered(question: Question, text: string): { value: AnswerValue } | { problem: string } {
  if (question.type === 'number') {
    const value = Number(text.trim());
    if (text.trim() === '' || !Number.isFinite(value) || value < question.min || value > question.max)
      return { problem: `a number from ${question.min} to ${question.max} is needed` };
    return { value };
  }
  if (question.type === 'text' && question.pattern !== undefined) {
    if (!new RegExp(question.pattern.source, 'u').test(text))
      return { problem: `expected ${question.pattern.expected}` };
  }
  return { value: text };
}
