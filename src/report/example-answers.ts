import type { AnswerValue, Question } from '../model/question.js';
import type { StepState } from '../wizard/state.js';

/**
 * What an answers file could say for manifests to get what we recommend, a line a step: questions that default to
 * something else, but none about API servers, of which manifests tell nothing. One answer may bring further questions.
 */
export function exampleAnswers(steps: readonly StepState[]): readonly string[] {
  return steps.flatMap(({ step, skipped, questions }) => {
    const answers = questions.filter(
      ({ recommended, cautious, risk }) =>
        risk !== 'restartsApiServer' && JSON.stringify(recommended) !== JSON.stringify(cautious),
    );
    if (skipped !== undefined || answers.length === 0) return [];
    return [
      `${step.id}: {${answers.map((question) => `${question.id}: ${recommendedText(question)}`).join(', ')}}`,
    ];
  });
}

function recommendedText(question: Question): string {
  const value: AnswerValue = question.recommended;
  if (question.type === 'choices' && question.recommended.length > 0) {
    const offered = question.choices.filter(({ apart }) => apart !== true).length;
    if (question.recommended.length >= offered) return 'all';
  }
  return typeof value === 'string' && /^[\w-]+$/.test(value) ? value : JSON.stringify(value);
}
