import type { GivenAnswer, GivenAnswers } from '../host/answers.js';
import { resolveAnswers } from '../host/resolve.js';
import { type Answers, type AnswerValue, type Question, RECOMMENDED } from '../model/question.js';
import type { Snapshot } from '../model/snapshot.js';
import type { Step } from '../model/step.js';
import type { Templates } from '../model/template.js';
import { assemble, type Decisions, UNDECIDED } from '../wizard/assemble.js';

/** What the file answers to questions of another state, as it stands: it may say which of them are asked. */
function unasked(
  questions: readonly Question[],
  given: ReadonlyMap<string, GivenAnswer> = new Map(),
): Answers {
  return plainAnswers(new Map([...given].filter(([asked]) => !questions.some(({ id }) => id === asked))));
}

/** What a file answers for a step, as it stands: of what could be an answer without knowing the question. */
export function plainAnswers(given: ReadonlyMap<string, GivenAnswer> = new Map()): Answers {
  return Object.fromEntries(
    [...given].flatMap(([id, { value }]) => (isAnswer(value) && value !== RECOMMENDED ? [[id, value]] : [])),
  );
}

function isAnswer(value: unknown): value is AnswerValue {
  if (Array.isArray(value)) return value.every((one) => typeof one === 'string');
  return ['string', 'boolean', 'number'].includes(typeof value);
}

/**
 * The decisions that an answers file makes on this snapshot. Questions of a step can depend on what the steps before it
 * leave behind, so the steps are gone through in order, each with the answers to those before.
 * @throws HostError where an answer does not fit its question.
 */
export function decisionsFrom(
  given: GivenAnswers,
  now: Snapshot,
  steps: readonly Step[],
  templates: Templates,
): { decisions: ReadonlyMap<string, Decisions>; notes: readonly string[] } {
  const decisions = new Map<string, Decisions>();
  const notes: string[] = [];
  for (const [index, step] of steps.entries()) {
    if (!given.has(step.id)) continue;
    const ofStep = given.get(step.id);
    // Which questions there are may depend on answers to others: until no answer brings up another one.
    let asked: string | undefined;
    let found: readonly string[] = [];
    for (let tries = 0; tries < 4; tries++) {
      const upTo = assemble(
        now,
        steps.slice(0, index + 1),
        templates,
        (id) => decisions.get(id) ?? UNDECIDED,
      );
      const questions = upTo.at(-1)?.questions ?? [];
      const all = JSON.stringify(questions.map(({ id, implied }) => [id, implied]));
      if (all === asked) break;
      asked = all;
      const resolved = resolveAnswers(step.id, questions, ofStep);
      found = resolved.notes;
      decisions.set(step.id, {
        answers: { ...unasked(questions, ofStep), ...resolved.answers },
        excluded: [],
      });
    }
    notes.push(...found);
  }
  return { decisions, notes };
}
