import type { Session, WizardState } from '../wizard/state.js';
import type { Writer } from './writer.js';

/** Tells what goes on while nobody is asked. Resolves when the session is on a screen for which `over` holds. */
export function progress(
  session: Session,
  out: Writer,
  tell: (state: WizardState, now: number) => readonly string[],
  over: (at: string) => boolean,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    out.say(...tell(session.state, Date.now()));
    if (!over(session.state.screen.at)) return;
    stop();
    resolve();
  };
  const stop = session.subscribe(look);
  look();
  return promise;
}
