import { printable } from '../model/escape.js';
import { type RunSummary, undoneOf } from '../model/journal.js';
import { clockText, deadlineOf, isWritten, standingOf } from '../model/provisional.js';
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
 * guardian was ended, or the machine was restarted.
 */
function unguardedLines(all: readonly RunSummary[]): string[] {
  return all.flatMap(({ run, provisional, cluster }) => {
    const undone = undoneOf(all, run);
    return provisional.flatMap((one) => {
      const standing = standingOf(one, undone(one.id));
      if (!isWritten(one) || (standing !== 'unguarded' && standing !== 'unfinished')) return [];
      const where = `${printable(one.step, 60)} on ${printable(cluster.context, 80)}`;
      return standing === 'unguarded'
        ? [
            `Run ${run}: ${where} was to be kept by ${clockText(deadlineOf(one))} or taken back, and the process that watched over it is gone.`,
            `  It is still in force. Keep it: kubectl harden keep ${run}   Take it back: kubectl harden undo ${run}`,
          ]
        : [
            `Run ${run}: ${where} was not kept in time, and taking it back did not come to its end.`,
            `  Take it back: kubectl harden undo ${run}`,
          ];
    });
  });
}
