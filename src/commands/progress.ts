import { oneLine } from '../model/escape.js';
import { progressTeller } from '../report/progress.js';
import type { Style } from '../report/style.js';
import type { Session } from '../wizard/state.js';

/** As for a log: a line a change, nothing beyond ASCII of our own. */
const LOG: Style = { width: Number.POSITIVE_INFINITY, unicode: false, colour: false };

/** Tells what an unattended session does, a line a change, to `line`. Returns the function that stops it. */
export function progressLines(session: Session, line: (text: string) => void): () => void {
  const tell = progressTeller(LOG);
  let failure: string | undefined;
  let notice: string | undefined;
  const look = () => {
    const { state } = session;
    for (const text of tell(state, Date.now())) line(text);
    const message = state.screen.at === 'failed' ? state.screen.message : undefined;
    if (message !== undefined && message !== failure) line(oneLine(message));
    failure = message;
    if (state.notice !== undefined && state.notice !== notice) line(oneLine(state.notice));
    notice = state.notice;
  };
  const stop = session.subscribe(look);
  look();
  return stop;
}
