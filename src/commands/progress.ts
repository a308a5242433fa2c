import { printable } from '../model/escape.js';
import { refText } from '../model/manifest.js';
import type { Session, StepState } from '../wizard/state.js';

const WORDS = { applied: '[ok]', left: '[-]', failed: '[x]', stale: '[!]', interrupted: '[x]' } as const;

/** At most this many lines a second for a re-write of Secrets. */
const EVERY_MS = 1_000;

/**
 * Tells what an unattended session does, a line a change, to `line`. Returns the function that stops it.
 */
export function progressLines(session: Session, line: (text: string) => void): () => void {
  const told = new Map<string, number>();
  let screen = '';
  let notice: string | undefined;
  let rewriteAt = 0;
  const look = () => {
    const { state } = session;
    const step = state.steps[state.current];
    if (state.screen.at !== screen) {
      screen = state.screen.at;
      if (screen === 'reading') line('Reading the cluster');
      if (screen === 'applying' && step !== undefined) line(`${state.current + 1} ${step.step.title}`);
      if (state.screen.at === 'failed') line(printable(state.screen.message));
    }
    if (state.notice !== undefined && state.notice !== notice) line(printable(state.notice));
    notice = state.notice;
    if (
      state.screen.at === 'applying' &&
      state.screen.rewrite !== undefined &&
      Date.now() - rewriteAt >= EVERY_MS
    ) {
      rewriteAt = Date.now();
      const { rewritten, unchanged, gone, refused, total } = state.screen.rewrite;
      line(
        `  Secrets: ${rewritten + unchanged + gone + refused} of ${total ?? '?'} seen, ${rewritten} re-written`,
      );
    }
    if (step !== undefined) tell(step, told, line);
  };
  const stop = session.subscribe(look);
  look();
  return stop;
}

function tell(step: StepState, told: Map<string, number>, line: (text: string) => void): void {
  const from = Math.min(told.get(step.step.id) ?? 0, step.done.length);
  for (const { change, outcome, message } of step.done.slice(from)) {
    const ref = step.plan.changes.find((c) => c.id === change)?.ref;
    line(printable(`  ${WORDS[outcome].padEnd(4)} ${ref === undefined ? change : refText(ref)}: ${message}`));
  }
  told.set(step.step.id, step.done.length);
}
