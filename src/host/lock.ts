import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { printable } from '../model/escape.js';
import { writeAtomic } from './atomic.js';
import { HostError, hasCode } from './errors.js';
import { isGone, ownProcess, type ProcessId } from './process.js';

export interface Lock {
  /** That it was taken over from a dead process, in words; undefined where nobody had it. */
  readonly note?: string;
  release(): Promise<void>;
}

/** Who holds a lock, and since when (ISO 8601); locks of earlier versions do not say when. */
interface Holder extends ProcessId {
  since?: string;
}

const NAME = /^lock\.(\d+)$/;
const TRIES = 20;

/**
 * Takes the lock of a directory. Locks are numbered and the highest one counts: a lock whose process is dead is taken
 * over by making the next number, which only one of several takers can do (link(2) is exclusive and carries the
 * content), so nothing alive is ever removed.
 * @throws HostError where a living process holds it.
 */
export async function takeLock(directory: string, what: string): Promise<Lock> {
  const own: Holder = { ...(await ownProcess()), since: new Date().toISOString() };
  const temporary = path.join(directory, `.lock.${randomBytes(6).toString('hex')}`);
  await writeFile(temporary, JSON.stringify(own), { mode: 0o600, flag: 'wx' });
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const highest = await newest(directory);
      const dead =
        highest === 0 ? undefined : await deadHolder(path.join(directory, `lock.${highest}`), what);
      const file = path.join(directory, `lock.${highest + 1}`);
      try {
        await link(temporary, file);
        return dead === undefined
          ? { release: () => rm(file, { force: true }) }
          : {
              note: `${what} was taken over from ${heldBy(dead)}, which is gone.`,
              release: () => given(file),
            };
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error;
      }
    }
    throw new HostError(`${what} is being opened by other processes at the same time; try again.`);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Who holds the lock of a directory; undefined where nobody does, or only a dead process. */
export async function holderOf(directory: string): Promise<ProcessId | undefined> {
  const highest = await newest(directory).catch(() => 0);
  const holder = highest === 0 ? undefined : await readHolder(path.join(directory, `lock.${highest}`));
  return holder === undefined || (await isGone(holder)) ? undefined : holder;
}

async function newest(directory: string): Promise<number> {
  const numbers = (await readdir(directory)).map((name) => Number(NAME.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

/**
 * Gives a lock back that was taken over: with nobody in it, it goes on counting in place of the dead process below it,
 * which would otherwise be taken over, and told of, again.
 */
async function given(file: string): Promise<void> {
  await writeAtomic(file, '{}', 0o600).catch(() => rm(file, { force: true }));
}

/** The dead process that a lock names; undefined where it names nobody: released meanwhile, or not readable as a lock. */
async function deadHolder(file: string, what: string): Promise<Holder | undefined> {
  const holder = await readHolder(file);
  if (holder === undefined || (await isGone(holder))) return holder;
  if (holder.host !== hostname()) {
    throw new HostError(
      `${what} is in use on ${printable(holder.host)} by ${heldBy(holder)}.\nIf that one is gone, remove ${file}.`,
    );
  }
  throw new HostError(`${what} is in use by ${heldBy(holder)}. End that one first.`);
}

/** `process 4711, since 2026-01-01T00:00:00.000Z (4 min ago)`. */
function heldBy({ pid, since }: Holder): string {
  const at = since === undefined ? Number.NaN : Date.parse(since);
  if (Number.isNaN(at)) return `process ${pid}`;
  return `process ${pid}, since ${new Date(at).toISOString()} (${ageText(Math.max(0, Date.now() - at))} ago)`;
}

/** `5 s`, `4 min`, `3 h`, `2 d`: how long something is, rounded down. */
function ageText(milliseconds: number): string {
  const units: readonly (readonly [milliseconds: number, word: string])[] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
  ];
  const [size, word] = units.find(([length]) => milliseconds >= length) ?? [1000, 's'];
  return `${Math.floor(milliseconds / size)} ${word}`;
}

async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    const { pid, start, host, since } = value as Partial<Record<keyof Holder, unknown>>;
    return typeof pid === 'number' && typeof start === 'string' && typeof host === 'string'
      ? { pid, start, host, ...(typeof since === 'string' ? { since } : {}) }
      : undefined;
  } catch {
    return undefined;
  }
}
