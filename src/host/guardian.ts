import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { HostError, reasonOf } from './errors.js';
import { holderOf } from './lock.js';
import { isGone, type ProcessId } from './process.js';
import { guardianLog, guardianOf } from './verdicts.js';

/** How long a guardian may take to start, in milliseconds. */
const START = 30_000;

/**
 * Starts the process that watches over a run, unless one does: in a session of its own, so that it outlives the
 * terminal, with its words in a file of the run. Nothing but the run's name is on its command line; it finds everything
 * else in the journal, and credentials where this process has them.
 * @param program this program's own launcher
 * @throws HostError where it does not come up: nothing may be written then
 */
export async function startGuardian(program: string, run: string): Promise<void> {
  if ((await guardianOf(run)) !== undefined) return;
  const file = await guardianLog(run);
  const log = await open(file, 'a', 0o600);
  try {
    const child = spawn(process.execPath, [program, 'guard', path.basename(run)], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd, 'pipe'],
    });
    const ready = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), START);
      const end = (well: boolean) => {
        clearTimeout(timer);
        resolve(well);
      };
      child.on('error', () => end(false));
      child.on('exit', () => end(false));
      child.stdio[3]?.on('data', () => end(true));
    });
    child.stdio[3]?.destroy();
    child.unref();
    if (!ready)
      throw new HostError(
        `The process that would take it back in time did not start; nothing was written. It says why in ${file}.`,
      );
  } catch (error) {
    if (error instanceof HostError) throw error;
    throw new HostError(
      `The process that would take it back in time could not be started (${reasonOf(error)}); nothing was written.`,
    );
  } finally {
    await log.close();
  }
}

/** How long a process may take to end after each word that it is given, in milliseconds. */
const WORDS: readonly (readonly [after: number, signal: NodeJS.Signals])[] = [
  [5_000, 'SIGTERM'],
  [30_000, 'SIGTERM'],
  [45_000, 'SIGKILL'],
];

/**
 * Waits until nobody holds a run: its wizard sees by itself that time is up and ends; one that does not is asked to, and
 * one that is stopped or hangs is ended. Resolves false where it still holds it, e.g. on another machine.
 */
export async function untilReleased(run: string): Promise<boolean> {
  const holder = await holderOf(run);
  if (holder === undefined) return true;
  const start = performance.now();
  const words = [...WORDS];
  for (;;) {
    const now = await holderOf(run);
    if (now === undefined || now.pid !== holder.pid || now.start !== holder.start) return true;
    const waited = performance.now() - start;
    const word = words[0];
    if (word !== undefined && waited >= word[0]) {
      words.shift();
      await tell(now, word[1]);
    }
    if (waited > 60_000) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function tell(one: ProcessId, signal: NodeJS.Signals): Promise<void> {
  if (one.host !== hostname() || (await isGone(one))) return;
  try {
    process.kill(one.pid, signal);
  } catch {
    // It has ended in this moment, or is not ours to end.
  }
}
