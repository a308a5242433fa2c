import { printable } from '../model/escape.js';
import { type RunSummary, undoneOf } from '../model/journal.js';
import {
  clockText,
  deadlineOf,
  isWritten,
  type Standing,
  standingOf,
  type Watched,
} from '../model/provisional.js';
import { type Io, runsOf } from './io.js';

/** What earlier runs wrote and nobody would take back, in words; whatever is wrong with the runs is told elsewhere. */
export async function unguarded(io: Io): Promise<readonly string[]> {
  const { runs } = await runsOf(io)
    .listAll()
    .catch(() => ({ runs: [] }));
  return unguardedLines(runs);
}

/**
 * Says of every run what was written and has nobody who would take it back, or where that did not come to its end: the
 * guardian was ended, the machine was restarted, or something is in the way, which is tried again.
 */
function unguardedLines(all: readonly RunSummary[]): string[] {
  return all.flatMap(({ run, provisional, cluster }) => {
    const undone = undoneOf(all, run);
    return provisional.flatMap((one) => {
      const standing = standingOf(one, undone(one.id));
      const lines = isWritten(one) ? LINES[standing] : undefined;
      const where = `${printable(one.step, 60)} on ${printable(cluster.context, 80)}`;
      return lines?.({ run, where, one }) ?? [];
    });
  });
}

/** What is said of a standing; nothing where all is well. */
const LINES: Partial<
  Record<Standing, (about: { run: string; where: string; one: Watched }) => readonly string[]>
> = {
  unguarded: ({ run, where, one }) => [
    `Run ${run}: ${where} was to be kept by ${clockText(deadlineOf(one))} or taken back, and the process that watched over it is gone.`,
    `  It is still in force. Keep it: kubectl harden keep ${run}   Take it back: kubectl harden undo ${run}`,
  ],
  unfinished: ({ run, where, one }) => [
    `Run ${run}: ${where} was not kept in time, and taking it back did not come to its end${why(one)}.`,
    `  Take it back: kubectl harden undo ${run}`,
  ],
  takingBack: ({ run, where, one }) =>
    one.trouble === undefined
      ? []
      : [
          `Run ${run}: ${where} was not kept in time, and could not be taken back yet${why(one)}.`,
          `  It is tried again. Take it back at once: kubectl harden undo ${run}`,
        ],
};

function why({ trouble }: Watched): string {
  if (trouble === undefined) return '';
  const reason = printable(trouble.reason, 500).replace(/\.$/, '');
  return ` (${clockText(Date.parse(trouble.at))}: ${reason})`;
}
