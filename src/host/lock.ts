import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { HostError, hasCode } from './errors.js';
import { isGone, ownProcess, type ProcessId } from './process.js';

export interface Lock {
  release(): Promise<void>;
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
  const own = await ownProcess();
  const temporary = path.join(directory, `.lock.${randomBytes(6).toString('hex')}`);
  await writeFile(temporary, JSON.stringify(own), { mode: 0o600, flag: 'wx' });
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const highest = await newest(directory);
      if (highest > 0) await refuseWhereAlive(path.join(directory, `lock.${highest}`), what);
      const file = path.join(directory, `lock.${highest + 1}`);
      try {
        await link(temporary, file);
        return { release: () => rm(file, { force: true }) };
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

async function refuseWhereAlive(file: string, what: string): Promise<void> {
  const holder = await readHolder(file);
  if (holder === undefined) return; // released meanwhile, or not readable as a lock: nobody can be named
  if (holder.host !== hostname()) {
    throw new HostError(
      `${what} is in use on ${holder.host} (process ${holder.pid}).\nIf that one is gone, remove ${file}.`,
    );
  }
  if (await isGone(holder)) return;
  throw new HostError(`${what} is in use by process ${holder.pid}. End that one first.`);
}

async function readHolder(file: string): Promise<ProcessId | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    const { pid, start, host } = value as Partial<Record<keyof ProcessId, unknown>>;
    return typeof pid === 'number' && typeof start === 'string' && typeof host === 'string'
      ? { pid, start, host }
      : undefined;
  } catch {
    return undefined;
  }
}
