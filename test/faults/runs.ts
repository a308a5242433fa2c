import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { execa } from 'execa';
import type { Command } from '../../src/cli/command.js';
import { parse } from '../../src/cli/parse.js';
import type { Io } from '../../src/commands/io.js';
import { plan } from '../../src/commands/plan.js';
import { apply, resume } from '../../src/commands/run.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import { STEPS } from '../../steps/index.js';
import { PROGRAM } from '../support/program.js';
import type { Beginning } from './cluster.js';

/** How a command ended: its exit code and all that it said. Code 2 and the words of an error, as `main` has it. */
export interface Ended {
  code: number;
  said: string;
}

/** Writes a kubeconfig that leads to `address` in place of the cluster's own. */
export async function kubeconfigFor(sandbox: Sandbox, address: string, directory: string): Promise<string> {
  const file = path.join(directory, 'kubeconfig');
  await writeFile(file, sandbox.kubeconfig.replace(sandbox.server, address), { mode: 0o600 });
  return file;
}

/** The words of `apply` on a cluster; those of `resume` where a run is named. */
export function wordsOf(kubeconfig: string, { answers }: Beginning, run?: string): string[] {
  const flags = ['--kubeconfig', kubeconfig, '--answers', answers, '--take-over', '--confirm', 'sandbox'];
  return run === undefined ? ['apply', ...flags] : ['resume', run, ...flags];
}

/** Carries a command out in this process, as the program does. */
export async function carriedOut(words: readonly string[], directory: string): Promise<Ended> {
  const io = ioIn(directory);
  const command = parse(
    words,
    io.env,
    { stdin: false, stdout: false },
    STEPS.map(({ id }) => id),
  );
  const said: string[] = [];
  for (const stream of [io.stdout, io.stderr]) stream.on('data', (part) => said.push(String(part)));
  try {
    return { code: await carryOut(command, io), said: said.join('') };
  } catch (error) {
    return { code: 2, said: `${said.join('')}${error instanceof Error ? error.message : String(error)}\n` };
  }
}

function carryOut(command: Command, io: Io): Promise<number> {
  switch (command.name) {
    case 'plan':
      return plan(command, io);
    case 'apply':
      return apply(command, io);
    case 'resume':
      return resume(command, io);
    default:
      throw new Error(`not expected: ${command.name}`);
  }
}

function ioIn(directory: string): Io {
  const stream = () => new PassThrough() as unknown as NodeJS.WriteStream;
  return {
    stdin: new PassThrough() as unknown as NodeJS.ReadStream,
    stdout: stream(),
    stderr: stream(),
    env: { XDG_STATE_HOME: path.join(directory, 'state'), PATH: process.env.PATH },
  };
}

/** The run that a command says how to take up. */
export function toResume({ said }: Ended): string | undefined {
  return /Resume: kubectl harden resume ([0-9a-f]+)/.exec(said)?.[1];
}

/**
 * Starts the program as a process of its own, with its state below `directory`.
 * @param first what the shell does before it becomes the program, such as setting a limit
 */
export function inProcess(
  words: readonly string[],
  directory: string,
  { first, env }: { first?: string; env?: Record<string, string> } = {},
) {
  const program = [process.execPath, PROGRAM, ...words];
  const [command = '', ...rest] =
    first === undefined ? program : ['sh', '-c', `${first}; exec "$@"`, 'sh', ...program];
  return execa(command, rest, {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: '/nonexistent',
      XDG_STATE_HOME: path.join(directory, 'state'),
      ...env,
    },
    extendEnv: false,
    reject: false,
    all: true,
    stdin: 'ignore',
    timeout: 120_000,
  });
}

/** Where the runs of a test are kept. */
export function runsIn(directory: string): string {
  return path.join(directory, 'state', 'kubectl-harden', 'runs');
}

/** The run that has begun; one that was killed before the first line of its journal has not. */
export async function begunIn(directory: string): Promise<string | undefined> {
  const runs = runsIn(directory);
  for (const run of await readdir(runs).catch(() => [])) {
    const journal = await readFile(path.join(runs, run, 'journal.jsonl'), 'utf8').catch(() => '');
    if (journal.includes('\n')) return run;
  }
  return undefined;
}
