import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { hasCode } from './errors.js';

/** A process of some machine. The start time tells it from a later one with the same number. */
export interface ProcessId {
  pid: number;
  start: string;
  host: string;
}

/** This process. */
export async function ownProcess(): Promise<ProcessId> {
  return { pid: process.pid, start: (await startOf(process.pid)) ?? '', host: hostname() };
}

/** Whether a process is one of this machine that has ended; false where that cannot be known. */
export async function isGone({ host, pid, start }: ProcessId): Promise<boolean> {
  if (host !== hostname()) return false;
  const now = await startOf(pid);
  return now === undefined || (start !== '' && now !== '' && now !== start);
}

/** When a process started, in a form that only has to be equal to itself; undefined where there is no such process. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!hasCode(error, 'EPERM')) return undefined;
  }
  if (process.platform === 'linux') {
    // Field 22 of proc(5), counted behind the name, which may hold spaces and parentheses.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
    // A zombie is dead: it only waits for a parent that asks, and in a container there may never be one.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : (fields[19] ?? '');
  }
  if (process.platform === 'win32') return '';
  const listed = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => undefined);
  return listed?.stdout.trim() ?? '';
}
