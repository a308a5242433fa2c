import { existsSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { Command } from '../cli/command.js';
import { EXIT, type ExitCode } from '../cli/exit.js';
import { untilReleased } from '../host/guardian.js';
import { isHealthy } from '../host/health.js';
import { holderOf } from '../host/lock.js';
import { decide, takeGuard, tellTrouble, watchedReader } from '../host/verdicts.js';
import { oneLine } from '../model/escape.js';
import { undoneOf } from '../model/journal.js';
import { type Clocks, isDue, isWritten, type Watched, waitToTakeBack } from '../model/provisional.js';
import { type Io, runsOf, say, summaryOf } from './io.js';

/** Pipe on which this process tells the one that started it that it watches. */
const READY = 3;
/** How long and how often it is tried to go on watching, in milliseconds. */
const GIVE_UP = 24 * 3_600_000;
const PAUSE = 5_000;

/**
 * Watches over a run until everything of it that was written provisionally is decided about, and takes back what nobody
 * kept in time. It holds no connection and asks no cluster before that; a hang-up of the terminal does not reach it.
 */
export async function guard({ run }: Extract<Command, { name: 'guard' }>, io: Io): Promise<ExitCode> {
  process.on('SIGHUP', () => undefined);
  const store = runsOf(io);
  await summaryOf(run, store);
  const directory = path.join(store.directory, run);
  const log = (text: string) => say(io, `${new Date().toISOString()} ${oneLine(text)}`);
  const read = watchedReader(directory);
  let told = false;
  // One more look after the place is given up: what was written in that moment has counted on this process.
  for (;;) {
    const lock = await takeGuard(directory);
    if (lock.note !== undefined) log(lock.note);
    if (!told) ready();
    told = true;
    try {
      await insistent(() => watch(run, directory, read, io, log), directory, log);
    } finally {
      await lock.release();
    }
    if (!(await read()).some(({ verdict }) => verdict === undefined)) return EXIT.ok;
  }
}

/**
 * A disk that is full, a journal that cannot be read for a moment: to give up would leave the cluster as it is. Where the
 * run itself was removed nothing is known of what it wrote, and nothing is left to watch over.
 */
async function insistent(work: () => Promise<void>, directory: string, log: Log): Promise<void> {
  const start = performance.now();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      log(error instanceof Error ? error.message : String(error));
      if (!existsSync(directory)) throw error;
      if (performance.now() - start > GIVE_UP) throw error;
      await pause(PAUSE);
    }
  }
}

function ready(): void {
  try {
    writeSync(READY, 'ready\n');
  } catch {
    // It was started by hand: nobody waits for this.
  }
}

function clocks(): Clocks {
  return { wall: Date.now(), steady: performance.now() };
}

type Log = (text: string) => void;

async function watch(
  run: string,
  directory: string,
  read: () => Promise<readonly Watched[]>,
  io: Io,
  log: Log,
): Promise<void> {
  // By id and last write: the clocks when it was first seen so.
  const seen = new Map<string, Clocks>();
  log(`process ${process.pid} watches over run ${run}`);
  for (;;) {
    const now = clocks();
    const open = (await read()).filter(({ verdict }) => verdict === undefined);
    if (open.length === 0) return;
    // While the process that applies has yet to write, no time counts.
    const begins = open.some((one) => !isWritten(one)) && (await holderOf(directory)) !== undefined;
    const due = open.filter((one) => {
      if (begins && !isWritten(one)) return false;
      const key = `${one.id} ${one.since}`;
      if (!seen.has(key)) seen.set(key, now);
      return isDue(one, seen.get(key) ?? now, now);
    });
    const lost: Watched[] = [];
    if (due.length > 0) {
      const undone = undoneOf(await runsOf(io).list(), run);
      for (const one of due) if (!(await isKept(one, undone(one.id), directory, log))) lost.push(one);
    }
    if (lost.length > 0) await takeBack(run, directory, read, lost, io, log);
    const shortest = Math.min(...open.map(({ seconds }) => seconds));
    await pause(Math.min(1_000, shortest * 50));
  }
}

/** Decides about one whose time is up: its health check may keep it. */
async function isKept(one: Watched, undone: boolean, directory: string, log: Log): Promise<boolean> {
  // Where somebody took it back meanwhile, there is nothing that a health check could keep.
  if (!undone && one.check !== undefined && isWritten(one)) {
    const { healthy, words } = await isHealthy(one.check);
    log(`${one.id}: the health check ${healthy ? 'passed' : 'failed'}: ${words}`);
    if (healthy) return (await decide(directory, one.id, 'kept')) === 'kept';
  }
  const verdict = await decide(directory, one.id, 'takenBack');
  log(verdict === 'kept' ? `${one.id}: it was kept` : `${one.id}: nobody kept it in time`);
  return verdict === 'kept';
}

/** Takes back what was not kept, as an undo of its own; tried again while it cannot be done, and said to `runs`. */
async function takeBack(
  run: string,
  directory: string,
  read: () => Promise<readonly Watched[]>,
  lost: readonly Watched[],
  io: Io,
  log: Log,
): Promise<void> {
  const ids = lost.map(({ id }) => id);
  const start = performance.now();
  for (let tries = 1; ; tries++) {
    const tried = await tryBack(run, directory, read, ids, io).catch(
      (error: unknown): Tried => ({
        over: false,
        forbidden: false,
        words: error instanceof Error ? error.message : String(error),
      }),
    );
    log(tried.words);
    const at = new Date().toISOString();
    if (tried.over) {
      const stays = oneLine(tried.stays.join('; '));
      return tellTrouble(directory, ids, stays === '' ? undefined : { at, reason: stays, stays: true });
    }
    await tellTrouble(directory, ids, { at, reason: oneLine(tried.words) });
    const wait = waitToTakeBack(tries, performance.now() - start, tried);
    if (wait === undefined) return log(`It could not be taken back. Try: kubectl harden undo ${run}`);
    await pause(wait);
  }
}

type Tried =
  | { over: true; words: string; stays: readonly string[] }
  | { over: false; words: string; forbidden: boolean };

async function tryBack(
  run: string,
  directory: string,
  read: () => Promise<readonly Watched[]>,
  ids: readonly string[],
  io: Io,
): Promise<Tried> {
  if (!(await untilReleased(directory)))
    return { over: false, words: 'The run is still held by another process.', forbidden: false };
  const written = (await read()).filter((one) => isWritten(one) && ids.includes(one.id));
  if (written.length === 0) return { over: true, words: 'Nothing had been written.', stays: [] };
  const done = async () => {
    const undone = undoneOf(await runsOf(io).list(), run);
    return written.every(({ id }) => undone(id));
  };
  if (await done()) return { over: true, words: 'It is taken back.', stays: [] };
  const { undoProvisional } = await import('./run.js');
  const { code, reason, forbidden, stays } = await undoProvisional(run, written, io);
  if (await done()) return { over: true, words: `The undo has ended with code ${code}.`, stays };
  return { over: false, words: reason ?? `The undo has ended with code ${code}.`, forbidden };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
