import { printable } from '../model/escape.js';
import { BESIDES, rewrittenName } from '../model/plan.js';
import type { WizardState } from '../wizard/state.js';
import { doneLines } from './outcomes.js';
import type { Style } from './style.js';

/** At most one line of a re-write's progress in this time, in milliseconds. */
const EVERY = 1_000;

const STARTS: Readonly<Record<string, string>> = {
  reading: 'Reading the cluster ...',
  checking: 'Asking the server what it would make of each change ...',
  verifying: 'Reading again, to see whether it worked ...',
};

/**
 * Tells what a session does while nobody is asked: what is read, each change as it is done, how far a re-write is. The
 * function that it returns is called with each state of the session and the time in milliseconds, and gives the lines
 * that are new.
 */
export function progressTeller(style: Style): (state: WizardState, now: number) => readonly string[] {
  let screen = '';
  let besides = false;
  let stage = '';
  const told = new Map<string, number>();
  let rewriteAt = Number.NEGATIVE_INFINITY;
  return ({ screen: at, steps, current }, now) => {
    const lines: string[] = [];
    const step = steps[current];
    if (at.at !== screen) {
      screen = at.at;
      const words = STARTS[screen];
      if (words !== undefined) lines.push(words);
      if (screen === 'applying' && step !== undefined) {
        if (!besides) lines.push(BESIDES);
        besides = true;
        lines.push(
          `Applying ${current + 1} ${printable(step.step.title)}; ctrl-c stops after the object in hand`,
        );
      }
    }
    if (at.at === 'probing' && at.stage !== '' && at.stage !== stage) {
      stage = at.stage;
      lines.push(`Live probe: ${printable(stage)} ...`);
    }
    if (step !== undefined) {
      // Fewer than before: the step was confirmed again.
      const from = Math.min(told.get(step.step.id) ?? 0, step.done.length);
      for (const done of step.done.slice(from)) lines.push(...doneLines(done, style));
      told.set(step.step.id, step.done.length);
    }
    if (at.at === 'applying' && at.rewrite !== undefined && now - rewriteAt >= EVERY) {
      rewriteAt = now;
      const { rewritten, unchanged, gone, refused, total } = at.rewrite;
      const seen = rewritten + unchanged + gone + refused;
      lines.push(
        `  ${printable(rewrittenName(at.now))}: ${seen} of ${total ?? '?'} seen, ${rewritten} re-written`,
      );
    }
    return lines;
  };
}
