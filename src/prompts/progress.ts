import type { Session } from '../wizard/state.js';
import { doneLines } from './show.js';
import type { Writer } from './writer.js';

/** At most one line of a re-write's progress in this time. */
const EVERY_MS = 1_000;

/**
 * Tells what goes on while nobody is asked: what is read, each change as it is done, how far a re-write is. Resolves when
 * the session is on a screen for which `over` holds.
 */
export function progress(session: Session, out: Writer, over: (at: string) => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let screen = '';
  let told = 0;
  let rewriteAt = 0;
  const look = () => {
    const { state } = session;
    const { screen: now } = state;
    if (now.at !== screen) {
      screen = now.at;
      told = now.at === 'applying' ? 0 : told;
      const words = STARTS[now.at];
      if (words !== undefined) out.say(words);
    }
    const done = state.steps[state.current]?.done ?? [];
    if (now.at === 'applying' || now.at === 'verifying' || now.at === 'left') {
      for (const one of done.slice(told)) out.say(...doneLines(one, out.style));
      told = Math.max(told, done.length);
    }
    if (now.at === 'applying' && now.rewrite !== undefined && Date.now() - rewriteAt >= EVERY_MS) {
      rewriteAt = Date.now();
      const { rewritten, unchanged, gone, refused, total } = now.rewrite;
      out.say(
        `  Secrets: ${rewritten + unchanged + gone + refused} of ${total ?? '?'} seen, ${rewritten} re-written`,
      );
    }
    if (over(now.at)) {
      stop();
      resolve();
    }
  };
  const stop = session.subscribe(look);
  look();
  return promise;
}

const STARTS: Readonly<Record<string, string>> = {
  reading: 'Reading the cluster ...',
  checking: 'Asking the server what it would make of each change ...',
  applying: 'Applying; ctrl-c stops after the object in hand ...',
  verifying: 'Reading again, to see whether it worked ...',
};
