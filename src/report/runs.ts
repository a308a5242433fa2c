import { printable } from '../model/escape.js';
import type { RunSummary } from '../model/journal.js';
import { jsonText } from './json.js';
import { encoded, paint, type Style } from './style.js';

const STATES: Record<RunSummary['state'], string> = {
  open: 'not ended',
  done: 'done',
  left: 'changes left',
  interrupted: 'interrupted',
  failed: 'failed',
};

/** Runs as a table, in the order given. */
export function runsText(runs: readonly RunSummary[], style: Style): string {
  if (runs.length === 0) return 'There are no runs yet.\n';
  const takenBack = new Map(
    runs.flatMap(({ undoes, run, state }) =>
      undoes !== undefined && state === 'done' ? [[undoes, run]] : [],
    ),
  );
  const rows = runs.map((run) => [
    run.run,
    run.startedAt.slice(0, 16).replace('T', ' '),
    printable(run.cluster.context, 40),
    stateText(run, takenBack.get(run.run)),
    String(run.applied.length),
    [...run.skipped.keys()].map((step) => printable(step, 40)).join(', '),
  ]);
  const head = ['RUN', 'STARTED (UTC)', 'CONTEXT', 'STATE', 'APPLIED', 'SKIPPED'];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === 4 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return `${[paint(style, 'title', line(head)), ...rows.map(line)].map((text) => encoded(style, text)).join('\n')}\n`;
}

/** The state in words: of an undo also what it takes back, of a run that was taken back by which. */
function stateText({ state, undoes }: RunSummary, takenBackBy: string | undefined): string {
  if (takenBackBy !== undefined) return `undone by ${takenBackBy}`;
  return undoes === undefined ? STATES[state] : `undo of ${undoes}: ${STATES[state]}`;
}

/** Version of the JSON; see docs/json.md. */
export const RUNS_VERSION = 1;

/** Runs as JSON text. */
export function runsJson(runs: readonly RunSummary[]): string {
  const value = {
    version: RUNS_VERSION,
    runs: runs.map(({ run, undoes, cluster, startedAt, lastAt, state, applied, skipped }) => ({
      run,
      ...(undoes === undefined ? {} : { undoes }),
      cluster,
      startedAt,
      lastAt,
      state,
      applied: applied.length,
      skipped: [...skipped].map(([step, reason]) => ({ step, reason })),
    })),
  };
  return `${jsonText(value, 2)}\n`;
}
