import type { Risk } from './risk.js';

export interface Choice {
  value: string;
  label: string;
  /** Shown beside the label: what choosing this means here. */
  note?: string;
  /** Heading under which it stands with others where the list is long. */
  group?: string;
  /** Other words for it that an answers file may hold, e.g. those of an earlier form of the question. */
  also?: readonly string[];
  /** Plays a part only where one of these is chosen in the question that `choicesFor` names. */
  for?: readonly string[];
  /** Offered, but not meant by `all`, by a glob or by a key that takes all: only by its own name. */
  apart?: true;
}

/** From so many choices on a list with headings is shown by heading. */
const LONG = 12;

/** The choices of a long list by heading, in their order; undefined where they are few, or under one heading. */
export function choiceGroups(choices: readonly Choice[]): ReadonlyMap<string, readonly Choice[]> | undefined {
  if (choices.length < LONG || choices.some(({ group }) => group === undefined)) return undefined;
  const groups = Map.groupBy(choices, ({ group }) => group ?? '');
  return groups.size < 2 ? undefined : groups;
}

interface Base {
  /** Unique within its step; the answers file names it `<step>: {<id>: ...}`. */
  id: string;
  message: string;
  help?: string;
  risk: Risk;
  /** An answer holds for what is applied next and no longer: then it is asked anew. */
  once?: true;
  /** What answers to questions of another state say to this one: an answers file that has those need not have this. */
  implied?: AnswerValue;
  /**
   * Id of the question that decides whether the answer to this one does anything. That one has to be answered; this one's
   * default may then be taken with nobody there.
   */
  follows?: string;
}

/**
 * A question as data: Ink, Inquirer and an answers file all serve it.
 * `recommended` is what we would do; `cautious` does nothing that could cut traffic or reject workloads.
 */
export type Question = Base &
  (
    | { type: 'confirm'; recommended: boolean; cautious: boolean }
    | {
        type: 'choice';
        choices: readonly Choice[];
        /** Words that an answers file may hold and that say too little here: what is expected in their place, and why. */
        unclear?: Readonly<Record<string, string>>;
        recommended: string;
        cautious: string;
      }
    | {
        type: 'choices';
        choices: readonly Choice[];
        /** Id of the `choices` question on whose answer it depends which of these play a part. */
        choicesFor?: string;
        recommended: readonly string[];
        cautious: readonly string[];
      }
    | { type: 'number'; min: number; max: number; recommended: number; cautious: number }
    | { type: 'text'; pattern?: { source: string; expected: string }; recommended: string; cautious: string }
  );

export type AnswerValue = boolean | string | number | readonly string[];
/** Answers to one step's questions, by question id. */
export type Answers = Readonly<Record<string, AnswerValue>>;

/**
 * The default of a question: on the embedded cluster what we recommend; on a real one, whatever can cut traffic or
 * reject workloads defaults to doing nothing.
 */
export function defaultAnswer(question: Question, sandbox: boolean): AnswerValue {
  return sandbox || question.risk === 'none' ? question.recommended : question.cautious;
}

/** Whether an unattended command on a real cluster needs an explicit answer to this question. */
export function needsAnswer(question: Question): boolean {
  return question.risk !== 'none' && question.follows === undefined;
}

/** What an answers file says in place of an answer to take the one that we recommend. */
export const RECOMMENDED = 'recommended';

/** Whether an answer is the one that we recommend; of several choices the order says nothing. */
export function isRecommended({ recommended }: Question, answer: AnswerValue | undefined): boolean {
  if (!Array.isArray(recommended) || !Array.isArray(answer)) return answer === recommended;
  const wanted = new Set<string>(recommended);
  return wanted.size === new Set(answer).size && answer.every((one) => wanted.has(one));
}

/** So many of several choices are named in words. */
const NAMED = 3;

/** What we recommend, in a few words. */
export function recommendedWords(question: Question): string {
  switch (question.type) {
    case 'confirm':
      return question.recommended ? 'yes' : 'no';
    case 'choice':
      return (
        question.choices.find(({ value }) => value === question.recommended)?.label ?? question.recommended
      );
    case 'choices': {
      const { choices, recommended } = question;
      if (recommended.length === 0) return 'none';
      const labels = choices.filter(({ value }) => recommended.includes(value)).map(({ label }) => label);
      if (labels.length <= NAMED) return labels.join(', ');
      return labels.length === choices.length
        ? `all ${labels.length}`
        : `${labels.length} of ${choices.length}`;
    }
    default:
      return question.recommended === '' ? 'nothing' : String(question.recommended);
  }
}

/** The answers, completed with defaults; answers to questions that are not asked are dropped. */
export function completeAnswers(questions: readonly Question[], given: Answers, sandbox: boolean): Answers {
  return Object.fromEntries(questions.map((q) => [q.id, given[q.id] ?? defaultAnswer(q, sandbox)]));
}

/**
 * The question with those of its choices that play a part with these answers, to be shown. The others keep their answer:
 * a choice that comes to play a part later stands as it stood.
 */
export function narrowed(question: Question, answers: Answers): Question {
  if (question.type !== 'choices' || question.choicesFor === undefined) return question;
  const parts = new Set(chosen(answers, question.choicesFor));
  const choices = question.choices.filter((choice) => choice.for?.some((part) => parts.has(part)) ?? true);
  return { ...question, choices };
}

/** The answer to a `choices` question as a list. */
export function chosen(answers: Answers, id: string): readonly string[] {
  const value = answers[id];
  return Array.isArray(value) ? value : [];
}
