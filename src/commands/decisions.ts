import type { GivenAnswers } from '../host/answers.js';
import { resolveAnswers } from '../host/resolve.js';
import type { Snapshot } from '../model/snapshot.js';
import type { Step } from '../model/step.js';
import type { Templates } from '../model/template.js';
import { assemble, type Decisions, UNDECIDED } from '../wizard/assemble.js';

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
    const upTo = assemble(now, steps.slice(0, index + 1), templates, (id) => decisions.get(id) ?? UNDECIDED);
    const questions = upTo.at(-1)?.questions ?? [];
    const resolved = resolveAnswers(step.id, questions, given.get(step.id));
    decisions.set(step.id, { answers: resolved.answers, excluded: [] });
    notes.push(...resolved.notes);
  }
  return { decisions, notes };
}
