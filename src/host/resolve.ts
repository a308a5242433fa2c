import { printable } from '../model/escape.js';
import { globMatches } from '../model/namespaces.js';
import {
  type Answers,
  type AnswerValue,
  type Choice,
  type Question,
  RECOMMENDED,
} from '../model/question.js';
import { EVERY_QUESTION, type GivenAnswer, listed } from './answers.js';
import { HostError } from './errors.js';

/** Answers that fit, and in words which ones have nothing to answer as the cluster stands. */
export interface Resolved {
  answers: Answers;
  notes: readonly string[];
}

/**
 * Checks the answers to one step against the questions that it asks now. An answer to a question that is not asked now,
 * or that names a choice that is no longer there, is left out with a note: the same file has to serve before and after
 * applying. So it does where an answer of one state implies one of another.
 * @throws HostError where an answer is of the wrong type or outside of what is allowed, with what was expected.
 */
export function resolveAnswers(
  step: string,
  questions: readonly Question[],
  given: ReadonlyMap<string, GivenAnswer> | undefined,
): Resolved {
  const answers: Record<string, AnswerValue> = {};
  const notes: string[] = [];
  if (given?.has(EVERY_QUESTION) === true)
    for (const { id, recommended } of questions) answers[id] = recommended;
  for (const [id, { value, where }] of given ?? []) {
    if (id === EVERY_QUESTION) continue;
    const question = questions.find((q) => q.id === id);
    if (question === undefined) {
      const asked = questions.length === 0 ? 'nothing' : listed(questions.map((q) => q.id));
      notes.push(
        `${where}: ${step} does not ask '${printable(id)}' as the cluster stands; it asks ${asked}.`,
      );
      continue;
    }
    const { answer, note } = checked(question, value, (expected) => {
      throw new HostError(`${where}: ${step}.${id} is ${shown(value)}; expected ${expected}.`);
    });
    if (note !== undefined) notes.push(`${where}: ${step}.${id}: ${note}`);
    answers[id] = answer;
  }
  for (const { id, implied } of questions)
    if (given !== undefined && implied !== undefined) answers[id] ??= implied;
  return { answers, notes };
}

function checked(
  question: Question,
  value: unknown,
  wrong: (expected: string) => never,
): { answer: AnswerValue; note?: string } {
  if (value === RECOMMENDED && !offersWord(question, RECOMMENDED)) return { answer: question.recommended };
  switch (question.type) {
    case 'confirm':
      if (typeof value === 'boolean') return { answer: value };
      return value === 'yes' || value === 'no' ? { answer: value === 'yes' } : wrong('true or false');
    case 'number': {
      const { min, max } = question;
      const fits = typeof value === 'number' && value >= min && value <= max;
      return fits ? { answer: value } : wrong(`a number from ${min} to ${max}`);
    }
    case 'text': {
      const { pattern } = question;
      const expected = pattern?.expected ?? 'text';
      if (typeof value !== 'string' && typeof value !== 'number') return wrong(expected);
      const fits = pattern === undefined || new RegExp(pattern.source, 'u').test(String(value));
      return fits ? { answer: String(value) } : wrong(expected);
    }
    case 'choice': {
      const text = String(value);
      const found =
        question.choices.find((choice) => choice.value === text) ??
        question.choices.find((choice) => choice.also?.includes(text));
      return found === undefined
        ? wrong(unclear(question, text) ?? `one of ${listed(question.choices.map((c) => c.value))}`)
        : { answer: found.value };
    }
    case 'choices':
      return pick(question.choices, value, wrong);
  }
}

/** Whether a word is itself one of the choices. */
function offersWord(question: Question, word: string): boolean {
  return 'choices' in question && question.choices.some(({ value }) => value === word);
}

function unclear({ unclear = {} }: Question & { type: 'choice' }, text: string): string | undefined {
  return Object.hasOwn(unclear, text) ? unclear[text] : undefined;
}

/**
 * A list of values or globs, `all`, `none`, or one value or glob; the answer is in the order of the choices. What is
 * offered apart is chosen by its exact name alone.
 */
function pick(
  choices: readonly Choice[],
  value: unknown,
  wrong: (expected: string) => never,
): { answer: readonly string[]; note?: string } {
  if (value === 'all') return { answer: choices.filter((c) => !c.apart).map((c) => c.value) };
  if (value === 'none') return { answer: [] };
  const wanted = Array.isArray(value) ? (value as unknown[]) : [value];
  if (!wanted.every((one) => typeof one === 'string' || typeof one === 'number'))
    return wrong(`a list, all or none; there are ${listed(choices.map((c) => c.value))}`);
  const globs = wanted.map(String);
  const answer = choices
    .filter((c) => globs.some((glob) => glob === c.value || (!c.apart && globMatches(glob, c.value))))
    .map((c) => c.value);
  const missing = globs.filter(
    (glob) => !/[*?]/.test(glob) && !choices.some((choice) => choice.value === glob),
  );
  if (missing.length === 0) return { answer };
  const there = choices.length === 0 ? 'nothing' : listed(choices.map((c) => c.value));
  return {
    answer,
    note: `${listed(missing.map((m) => printable(m)))} cannot be chosen as the cluster stands, but ${there}.`,
  };
}

function shown(value: unknown): string {
  return printable(JSON.stringify(value) ?? 'empty', 60);
}
