import { type Pacing, progressBar, progressText } from '../report/rewrite.js';
import type { Style } from '../report/style.js';
import type { RewriteProgress } from '../wizard/ports.js';
import type { RewriteListener } from '../wizard/rewrite.js';
import { type Io, say } from './io.js';

/** How often a bar is drawn anew, and a line is told where there is no terminal, in milliseconds. */
const DRAW = 100;
const TELL = 5_000;

/** Shows how far a re-write is: a bar on a terminal, else a line now and then. */
export function rewriteProgress(io: Io, style: Style): Required<RewriteListener> & { end(): void } {
  const terminal = io.stderr.isTTY === true && io.env.TERM !== 'dumb';
  let progress: RewriteProgress = { total: undefined, rewritten: 0, unchanged: 0, gone: 0, refused: 0 };
  let first: { at: number; before: number } | undefined;
  let shown: RewriteProgress | undefined;
  let timer: NodeJS.Timeout | undefined;
  const pacing = (): Pacing => ({
    progress,
    before: first?.before ?? 0,
    seconds: first === undefined ? 0 : (performance.now() - first.at) / 1000,
  });
  const draw = () => {
    if (progress === shown) return;
    shown = progress;
    if (terminal) io.stderr.write(`\r\u001b[K${progressBar(pacing(), style)}`);
    else say(io, progressText(pacing()));
  };
  const clear = () => {
    if (terminal && shown !== undefined) io.stderr.write('\r\u001b[K');
    shown = undefined;
  };
  return {
    progress: (next) => {
      progress = next;
      if (first === undefined) {
        first = { at: performance.now(), before: next.rewritten + next.unchanged + next.gone + next.refused };
        timer = setInterval(draw, terminal ? DRAW : TELL);
      }
    },
    proving: () => {
      clear();
      say(io, 'Looking how everything is stored now ...');
      // The pass that looks counts from nought.
      clearInterval(timer);
      first = undefined;
    },
    end: () => {
      clearInterval(timer);
      clear();
    },
  };
}
