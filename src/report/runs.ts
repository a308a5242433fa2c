import { printable } from '../model/escape.js';
import { type RunSummary, undoneOf } from '../model/journal.js';
import {
  clockText,
  deadlineOf,
  isoText,
  isWritten,
  type Standing,
  standingOf,
  type Trouble,
  type Watched,
} from '../model/provisional.js';
import { fold } from './fold.js';
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
    runs.flatMap(({ undoes, undoesOnly, run, state }) =>
      undoes !== undefined && undoesOnly === undefined && state === 'done' ? [[undoes, run]] : [],
    ),
  );
  const rows = runs.map((run) => [
    run.run,
    printable(run.startedAt.slice(0, 16).replace('T', ' ')),
    printable(run.cluster.context, 40),
    [stateText(run, takenBack.get(run.run)), ...provisionalWords(run, runs)].join('; '),
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
  return `${[paint(style, 'title', line(head)), ...rows.map(line), ...runs.flatMap((run) => stayingLines(run, runs, style))].map((text) => encoded(style, text)).join('\n')}\n`;
}

/** The state in words: of an undo also what it takes back, of a run that was taken back by which. */
function stateText({ state, undoes }: RunSummary, takenBackBy: string | undefined): string {
  if (takenBackBy !== undefined) return `undone by ${takenBackBy}`;
  return undoes === undefined ? STATES[state] : `undo of ${undoes}: ${STATES[state]}`;
}

const STANDINGS: Record<Standing, string> = {
  waiting: 'waiting for confirmation until',
  unguarded: 'NOT watched over any more, was to be kept by',
  kept: 'kept',
  takingBack: 'being taken back',
  takenBack: 'taken back',
  unfinished: 'taking back did NOT end',
};

/** How everything stands that the run wrote and would take back by itself. */
function standingsOf({ run, provisional }: RunSummary, runs: readonly RunSummary[]) {
  const undone = undoneOf(runs, run);
  return provisional
    .filter(isWritten)
    .map((one) => ({ one, standing: standingOf(one, undone(one.id)), until: deadlineOf(one) }));
}

function provisionalWords(run: RunSummary, runs: readonly RunSummary[]): string[] {
  return standingsOf(run, runs).map(({ one, standing, until }) => {
    const time = standing === 'waiting' || standing === 'unguarded' ? ` ${clockText(until)}` : '';
    return `${printable(one.step, 40)} ${STANDINGS[standing]}${time}`;
  });
}

/** What others changed since, of what was taken back by itself. */
function stayingLines(run: RunSummary, runs: readonly RunSummary[], style: Style): string[] {
  return standingsOf(run, runs).flatMap(({ one: { step, trouble }, standing }) =>
    standing === 'takenBack' && trouble?.stays === true
      ? fold(
          `Run ${run.run}: of ${printable(step, 40)} some was not taken back: ${printable(trouble.reason, 500)}`,
          style.width,
          '',
          '  ',
        )
      : [],
  );
}

/** What is in the way of taking it back, or what of it stays; a try that a later one made good is past. */
function troubleOf({ trouble }: Watched, standing: Standing): { trouble?: Omit<Trouble, 'stays'> } {
  if (trouble === undefined || (standing === 'takenBack' && trouble.stays !== true)) return {};
  return { trouble: { at: trouble.at, reason: trouble.reason } };
}

/** Version of the JSON; see docs/json.md. */
export const RUNS_VERSION = 1;

/** Runs as JSON text. */
export function runsJson(runs: readonly RunSummary[]): string {
  const value = {
    version: RUNS_VERSION,
    runs: runs.map((summary) => {
      const { run, undoes, undoesOnly, cluster, startedAt, lastAt, state, applied, skipped } = summary;
      const provisional = standingsOf(summary, runs).map(({ one, standing, until }) => ({
        step: one.step,
        standing,
        until: isoText(until),
        changes: one.changes.length,
        ...troubleOf(one, standing),
      }));
      return {
        run,
        ...(undoes === undefined ? {} : { undoes }),
        ...(undoesOnly === undefined ? {} : { undoesOnly }),
        cluster,
        startedAt,
        lastAt,
        state,
        applied: applied.length,
        skipped: [...skipped].map(([step, reason]) => ({ step, reason })),
        ...(provisional.length === 0 ? {} : { provisional }),
      };
    }),
  };
  return `${jsonText(value, 2)}\n`;
}
