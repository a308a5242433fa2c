import { readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Stamped } from '../model/journal.js';
import { isRecord, stringAt } from '../model/manifest.js';
import {
  type Provisional,
  provisionalsOf,
  type Trouble,
  type Verdict,
  type Watched,
} from '../model/provisional.js';
import { makeDirectory, writeAtomic, writeNew } from './atomic.js';
import { HostError, reasonOf } from './errors.js';
import { JOURNAL_FILE } from './journal.js';
import { holderOf, type Lock, takeLock } from './lock.js';
import { CONFIRM as FOLDER } from './places.js';

const VERDICTS: readonly Verdict[] = ['kept', 'takenBack'];

/** The folder of a run for that, made where it is missing. */
export async function confirmFolder(run: string): Promise<string> {
  const folder = path.join(run, FOLDER);
  await makeDirectory(folder, 0o700);
  return folder;
}

/**
 * Decides about something that waits. Whoever comes first decides, whatever process it is: making the file is what
 * decides. Resolves with what holds.
 * @throws HostError where it cannot be written
 */
export async function decide(run: string, id: string, verdict: Verdict): Promise<Verdict> {
  try {
    const folder = await confirmFolder(run);
    if (await writeNew(path.join(folder, `${id}.decided`), verdict, 0o600)) return verdict;
    return (await verdictOf(run, id)) ?? 'takenBack';
  } catch (error) {
    if (error instanceof HostError) throw error;
    throw new HostError(`What was decided about ${id} cannot be kept in ${run}: ${reasonOf(error)}.`);
  }
}

async function verdictOf(run: string, id: string): Promise<Verdict | undefined> {
  const text = await readFile(path.join(run, FOLDER, `${id}.decided`), 'utf8').catch(() => '');
  return VERDICTS.find((one) => one === text);
}

/** Keeps what the last try to take something back said, for whoever looks; nothing: it is done. Never fails. */
export async function tellTrouble(run: string, ids: readonly string[], trouble?: Trouble): Promise<void> {
  for (const id of ids) {
    const file = path.join(run, FOLDER, `${id}.trouble`);
    // It is for people only: a disk that is full must not end what it tells about.
    if (trouble === undefined) await rm(file, { force: true }).catch(() => undefined);
    else await writeAtomic(file, JSON.stringify(trouble), 0o600).catch(() => undefined);
  }
}

async function troubleOf(run: string, id: string): Promise<Trouble | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path.join(run, FOLDER, `${id}.trouble`), 'utf8'));
    const [at, reason] = [stringAt(value, 'at'), stringAt(value, 'reason')];
    if (at === undefined || reason === undefined) return undefined;
    return { at, reason, ...(isRecord(value) && value.stays === true ? { stays: true as const } : {}) };
  } catch {
    return undefined;
  }
}

/** What of a run was written provisionally, with what was decided and whether a guardian watches. */
export async function watchedOf(run: string, all: readonly Provisional[]): Promise<readonly Watched[]> {
  if (all.length === 0) return [];
  const guarded = (await guardianOf(run)) !== undefined;
  return Promise.all(
    all.map(async (one): Promise<Watched> => {
      const verdict = await verdictOf(run, one.id);
      const trouble = await troubleOf(run, one.id);
      return {
        ...one,
        guarded,
        ...(verdict === undefined ? {} : { verdict }),
        ...(trouble === undefined ? {} : { trouble }),
      };
    }),
  );
}

/** The process that watches over a run; undefined where there is none, or where it is dead. */
export function guardianOf(run: string) {
  return holderOf(path.join(run, FOLDER));
}

/** Takes the place of the guardian. @throws HostError where a living one has it */
export async function takeGuard(run: string): Promise<Lock> {
  return takeLock(await confirmFolder(run), 'The guardian');
}

/** Reads the journal of a run that another process may be writing; again only where it has grown. */
export function journalReader(run: string): () => Promise<readonly Stamped[]> {
  const file = path.join(run, JOURNAL_FILE);
  let size = -1;
  let entries: readonly Stamped[] = [];
  return async () => {
    const now = (await stat(file)).size;
    if (now !== size) {
      const { readLines } = await import('./entries.js');
      ({ entries } = readLines(await readFile(file, 'utf8'), file));
      size = now;
    }
    return entries;
  };
}

/** The same, as what was written provisionally. */
export function watchedReader(run: string): () => Promise<readonly Watched[]> {
  const read = journalReader(run);
  return async () => watchedOf(run, provisionalsOf(await read()));
}

/** The log of a run's guardian. */
export async function guardianLog(run: string): Promise<string> {
  return path.join(await confirmFolder(run), 'guardian.log');
}
