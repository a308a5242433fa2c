import path from 'node:path';
import type { Command, Options } from '../cli/command.js';
import { EXIT, type ExitCode } from '../cli/exit.js';
import { HostError } from '../host/errors.js';
import { startGuardian } from '../host/guardian.js';
import type { HeldJournal } from '../host/journal.js';
import type { RunStore } from '../host/runs.js';
import { decide, watchedReader } from '../host/verdicts.js';
import { printable } from '../model/escape.js';
import { type RunSummary, undoneOf } from '../model/journal.js';
import { type CameFrom, clockText, deadlineOf, isWritten, type Watched } from '../model/provisional.js';
import type { Guardian, Offer } from '../wizard/waiting.js';
import { clock, type Io, runsOf, say, summaryOf } from './io.js';

/** Keeps what a run wrote and would take back by itself. Writes nothing to a cluster, and asks none. */
export async function keep(
  { run: named, options }: Extract<Command, { name: 'keep' }>,
  io: Io,
): Promise<ExitCode> {
  const store = runsOf(io);
  const summary = named === undefined ? await lastOpen(store) : await summaryOf(named, store);
  const undone = undoneOf(await store.list(), summary.run);
  const meant = summary.provisional.filter(
    (one) =>
      !undone(one.id) && isWritten(one) && (options.steps.length === 0 || options.steps.includes(one.step)),
  );
  if (meant.length === 0)
    throw new HostError(
      `Nothing of run ${summary.run} waits to be kept; kubectl harden runs lists all runs.`,
    );
  let late = false;
  for (const one of meant) {
    const before = one.verdict;
    const verdict = await decide(path.join(store.directory, summary.run), one.id, 'kept');
    if (verdict === 'takenBack') late = true;
    say(io, `${printable(one.step)}: ${told(verdict, before)}`);
  }
  return late ? EXIT.error : EXIT.ok;
}

function told(verdict: Watched['verdict'], before: Watched['verdict']): string {
  if (verdict === 'takenBack') return 'too late: it was not kept in time, and is taken back.';
  return before === undefined ? 'kept.' : 'was kept already.';
}

/** The newest run of which something waits. */
async function lastOpen(store: RunStore): Promise<RunSummary> {
  const found = (await store.list()).findLast(({ provisional }) => provisional.some(isOpen));
  if (found === undefined)
    throw new HostError('Nothing waits to be kept; kubectl harden runs lists all runs.');
  return found;
}

function isOpen(one: Watched): boolean {
  return one.verdict === undefined && isWritten(one);
}

/**
 * Waits until the health check of a run has decided, where it wrote anything; the run itself has ended by then. Ctrl-C
 * ends the waiting and nothing else.
 */
export async function untilDecided(
  { code, directory }: { code: ExitCode; directory: string },
  io: Io,
): Promise<ExitCode> {
  const read = watchedReader(directory);
  let told = false;
  for (;;) {
    const written = (await read()).filter(isWritten);
    const open = written.filter(({ verdict }) => verdict === undefined);
    if (open.length === 0) {
      for (const { step, verdict } of written)
        say(
          io,
          verdict === 'kept' ? `${step}: kept.` : `${step}: the health check did not pass; it is taken back.`,
        );
      return written.some(({ verdict }) => verdict === 'takenBack') ? EXIT.pending : code;
    }
    if (open.some(({ guarded }) => !guarded))
      throw new HostError(
        `The process that watches over run ${path.basename(directory)} is gone.\nTake it back: kubectl harden undo ${path.basename(directory)}`,
      );
    if (!told)
      say(
        io,
        `The health check decides at ${clockText(Math.max(...open.map(deadlineOf)))}; ctrl-c leaves that to it.`,
      );
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** Where a later process finds the cluster of these flags again. */
export function cameFrom({ kubeconfig, sandboxFile }: Options, context: string): CameFrom {
  return {
    context,
    ...(kubeconfig === undefined ? {} : { kubeconfig: path.resolve(kubeconfig) }),
    ...(sandboxFile === undefined ? {} : { sandboxFile: path.resolve(sandboxFile) }),
  };
}

/** Watches over what a run writes by a process of its own. */
export function guardianFor(journal: HeldJournal, options: Options, context: string): Guardian {
  const { directory } = journal;
  const read = watchedReader(directory);
  const { healthCheck } = options;
  return {
    watch: async (step, seconds) => {
      const all = await read();
      const own = all.filter((one) => one.step === step);
      const id = own.find(({ verdict }) => verdict === undefined)?.id ?? `${step}.${own.length + 1}`;
      const check = healthCheck === undefined ? {} : { check: healthCheck };
      const from = cameFrom(options, context);
      await journal.append({ type: 'provisional', id, step, seconds, from, ...check });
      await startGuardian(process.argv[1] ?? '', directory);
    },
    look: async () => {
      const all = await read();
      const steps = (wanted: (one: Watched) => boolean) => all.filter(wanted).map(({ step }) => step);
      return {
        waiting: all
          .filter(({ verdict }) => verdict === undefined)
          .map((one) => ({ id: one.id, step: one.step, seconds: one.seconds, until: deadlineOf(one) })),
        kept: steps(({ verdict }) => verdict === 'kept'),
        expired: steps(({ verdict }) => verdict === 'takenBack'),
        now: clock.now().getTime(),
      };
    },
    keep: async () => {
      for (const { id, verdict } of await read())
        if (verdict === undefined) await decide(directory, id, 'kept');
    },
  };
}

/** A run that is taken up goes on as it was started: what it wrote so far takes itself back unless it is kept. */
export function goesOnWithin(given: Options, before: RunSummary | undefined): Partial<Options> {
  const last = before?.provisional.at(-1);
  if (given.confirmWithin !== undefined || last === undefined) return {};
  return {
    confirmWithin: last.seconds,
    ...(last.check === undefined ? {} : { healthCheck: last.check }),
  };
}

/**
 * Whether steps may take themselves back: not an undo, not where the cluster ends with this process, and not where nobody
 * asked for it and there is no `person` to choose it.
 */
export function offerOf(
  { confirmWithin, healthCheck, sandbox, sandboxFile }: Options,
  undo: boolean,
  person: boolean,
): Offer | undefined {
  if (undo || (sandbox && sandboxFile === undefined)) return undefined;
  if (!person && confirmWithin === undefined) return undefined;
  return {
    ...(confirmWithin === undefined ? {} : { seconds: confirmWithin }),
    ...(healthCheck === undefined ? {} : { check: healthCheck }),
  };
}
