import type { AnswerValue, Question } from '../model/question.js';
import type { StepState } from '../wizard/state.js';
import type { View } from './view.js';
import { count } from './words.js';

/** One thing to choose in a question. */
export interface Option {
  value: string | boolean;
  label: string;
  note: string | undefined;
  on: boolean;
}

/** The options of a question, with what is chosen; none where something is typed. */
export function optionsOf(question: Question, answer: AnswerValue | undefined): readonly Option[] {
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
  const options = optionsOf(question, step.answers[question.id]);
  const wanted = view.filter.toLowerCase();
  return wanted === '' ? options : options.filter((o) => o.label.toLowerCase().includes(wanted));
}

/** An answer in a few words. */
export function answerWords(question: Question, answer: AnswerValue | undefined): string {
  if (question.type === 'choices') {
    const chosen = Array.isArray(answer) ? answer.length : 0;
    return `${count(chosen)} of ${count(question.choices.length)} chosen`;
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
