import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { type RunSummary, replay } from '../model/journal.js';
import type { Clock, Runs } from '../wizard/ports.js';
import { makeDirectory, syncDirectory } from './atomic.js';
import { HostError, hasCode, reasonOf } from './errors.js';
import { type HeldJournal, JOURNAL_FILE, openJournal } from './journal.js';
import { takeLock } from './lock.js';
import { watchedOf } from './verdicts.js';

/** The runs of this user on this machine. */
export interface RunStore extends Runs {
  /** Where they are. */
  readonly directory: string;
  create(): Promise<HeldJournal>;
  open(run: string): Promise<HeldJournal>;
  /** All runs, oldest first, and what could not be read, in words. */
  listAll(): Promise<{ runs: readonly RunSummary[]; problems: readonly string[] }>;
}

const RUN = /^[0-9a-f]{4,16}$/;

/** Keeps runs below a directory: `<run>/journal.jsonl`, `<run>/objects/`, `<run>/files/`, all for this user alone. */
export function runStore(directory: string, clock: Clock): RunStore {
  const listAll = () => readAll(directory);
  return {
    directory,
    listAll,
    list: async () => (await listAll()).runs,
    create: async () => {
      try {
        await makeDirectory(directory, 0o700);
        const run = await newRun(directory);
        return await hold(directory, run, clock);
      } catch (error) {
        throw explained(error, `A run cannot be kept in ${directory}`);
      }
    },
    open: async (run) => {
      if (!RUN.test(run) || !(await exists(path.join(directory, run))))
        throw new HostError(`There is no run '${run}'; kubectl harden runs lists them.`);
      try {
        return await hold(directory, run, clock);
      } catch (error) {
        throw explained(error, `Run ${run} cannot be opened in ${directory}`);
      }
    },
  };
}

async function exists(directory: string): Promise<boolean> {
  const found = await stat(directory).catch(() => undefined);
  return found?.isDirectory() === true;
}

/** A directory with a name that nobody has: making it is what reserves the name. */
async function newRun(directory: string): Promise<string> {
  for (let tries = 0; tries < 64; tries++) {
    const run = randomBytes(tries < 32 ? 2 : 6).toString('hex');
    try {
      await mkdir(path.join(directory, run), { mode: 0o700 });
      await syncDirectory(directory);
      return run;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
  throw new HostError(`No free name for a run was found in ${directory}; remove old ones.`);
}

async function hold(directory: string, run: string, clock: Clock): Promise<HeldJournal> {
  const own = path.join(directory, run);
  const lock = await takeLock(own, `Run ${run}`);
  try {
    return await openJournal(own, run, lock, clock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function readAll(directory: string): Promise<{ runs: RunSummary[]; problems: string[] }> {
  const runs: RunSummary[] = [];
  const problems: string[] = [];
  let names: string[];
  try {
    names = (await readdir(directory)).filter((name) => RUN.test(name));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { runs, problems };
    throw explained(error, `The runs in ${directory} cannot be read`);
  }
  const { readLines } = await import('./entries.js');
  for (const name of names) {
    const file = path.join(directory, name, JOURNAL_FILE);
    try {
      const { entries, notes } = readLines(await readFile(file, 'utf8'), file);
      problems.push(...notes);
      const summary = replay(entries);
      if (summary === undefined) continue;
      const provisional = await watchedOf(path.join(directory, name), summary.provisional);
      runs.push({ ...summary, provisional, run: name });
    } catch (error) {
      // A directory without a journal is a run that ended before its first line.
      if (!hasCode(error, 'ENOENT'))
        problems.push(error instanceof HostError ? error.message : `${file}: ${reasonOf(error)}`);
    }
  }
  runs.sort((a, b) => (a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : 0));
  return { runs, problems };
}

function explained(error: unknown, what: string): Error {
  return error instanceof HostError ? error : new HostError(`${what}: ${reasonOf(error)}.`);
}
