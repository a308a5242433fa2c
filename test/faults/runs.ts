import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { execa } from 'execa';
import type { Command } from '../../src/cli/command.js';
import { parse } from '../../src/cli/parse.js';
import { type Io, runsOf } from '../../src/commands/io.js';
import { plan } from '../../src/commands/plan.js';
import { apply, resume } from '../../src/commands/run.js';
import { runsJson } from '../../src/report/runs.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import { STEPS } from '../../steps/index.js';
import { PROGRAM } from '../support/program.js';
import type { Connection } from '../support/rest.js';
import { type Draw, numbers } from './plan.js';
import { type FaultProxy, faultProxy, type Serving } from './proxy.js';

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

/** The file of answers, and the context of the kubeconfig where it is not that of the embedded cluster. */
export interface Given {
  answers: string;
  context?: string;
}

/** The words of `apply` on a cluster; those of `resume` where a run is named. */
export function wordsOf(kubeconfig: string, { answers, context = 'sandbox' }: Given, run?: string): string[] {
  const flags = ['--kubeconfig', kubeconfig, '--answers', answers, '--take-over', '--confirm', context];
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

/** A command's surroundings, with state below a directory; nothing reads what it says. */
export function ioIn(directory: string): Io {
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

/** A cluster that full runs are made on. */
export interface Place {
  cluster: Connection;
  /** Directory of its own; state is kept below it. */
  own: string;
  given: Given;
  /** Writes a kubeconfig that leads to an address; resolves with its path. */
  kubeconfig(address: string): Promise<string>;
  /** Of the proxy; without it, it speaks no TLS. */
  serving?: Serving;
}

export interface Attempt extends Ended {
  faults: readonly string[];
}

/** Troubles end at last: from this attempt on the way is clear. */
export const CLEAR_AFTER = 3;

/** Runs all steps under the faults of each attempt and resumes until all is done. */
export async function underFaults(place: Place, faults: (attempt: number) => Draw): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  let run: string | undefined;
  for (let attempt = 0; attempt <= CLEAR_AFTER; attempt++) {
    const draw: Draw = attempt < CLEAR_AFTER ? faults(attempt) : () => undefined;
    const proxy = await faultProxy(place.cluster, draw, place.serving);
    const words = wordsOf(await place.kubeconfig(proxy.address), place.given, run);
    const ended = await carriedOut(words, place.own);
    await proxy.close();
    attempts.push({ ...ended, faults: proxy.done });
    if (ended.code === 0) break;
    run = toResume(ended) ?? run;
  }
  return attempts;
}

/** At which request a process is killed, how long after it (milliseconds), and whether that request reaches the server. */
export interface Kill {
  at: number;
  afterMs: number;
  arrives: boolean;
}

/** A run is killed as often at most; then it is left alone. */
const MOST_KILLS = 3;

/** The kills of a seed, for a run of so many requests. */
export function killsOf(seed: number, requests: number): Kill[] {
  const next = numbers(seed);
  return Array.from({ length: 1 + Math.floor(next() * MOST_KILLS) }, () => ({
    at: Math.floor(next() * requests),
    afterMs: Math.floor(next() * 20),
    arrives: next() < 0.7,
  }));
}

/** Runs all steps in processes that are killed one after the other, and at last in one that is not. */
export async function killedAgain(place: Place, kills: readonly Kill[]) {
  const said: string[] = [];
  let code: number | undefined;
  let requests = 0;
  for (const kill of [...kills, undefined]) {
    let count = 0;
    let killed = () => {};
    const proxy: FaultProxy = await faultProxy(
      place.cluster,
      () => {
        if (count++ !== kill?.at) return undefined;
        if (kill.arrives) setTimeout(() => killed(), kill.afterMs);
        else killed();
        return kill.arrives ? undefined : { name: 'killed', before: { reset: true } };
      },
      place.serving,
    );
    const run = await begunIn(place.own);
    const words = wordsOf(await place.kubeconfig(proxy.address), place.given, run);
    const child = inProcess(words, place.own);
    killed = () => child.kill('SIGKILL');
    const ended = await child;
    await proxy.close();
    requests = count;
    code = ended.exitCode;
    said.push(`${words[0]}: ${ended.signal ?? ended.exitCode}\n${ended.all}`);
    if (code === 0) break;
  }
  return { code, said, requests };
}

/** Words that nobody should read. */
export const UNFIT = /\n\s+at .*:\d+|"kind":\s*"Status"|a fault of the test|undefined|\[object/;

/** What is wrong with the attempts at a full run and with what they left; undefined where nothing is. */
export function wrongWith(
  attempts: readonly Ended[],
  content: Readonly<Record<string, string>>,
  undisturbed: Readonly<Record<string, string>>,
): string | undefined {
  const last = attempts.at(-1);
  if (last?.code !== 0) return `it never completed: exit ${last?.code}`;
  for (const { code, said } of attempts) {
    if (![0, 1, 2].includes(code)) return `exit code ${code}`;
    if (UNFIT.test(said)) return `unfit words: ${UNFIT.exec(said)?.[0]}`;
    // Before the run has begun there is nothing to take up: the words say why.
    if (code !== 0 && said.includes('Kept in:') && !said.includes('Resume: ')) return 'no resume line';
  }
  const differing = differences(content, undisturbed);
  const [name = ''] = differing;
  return differing.length === 0
    ? undefined
    : `differs in the end: ${differing.slice(0, 5).join(', ')}\n${content[name]}\nin place of\n${undisturbed[name]}`;
}

/** Names of the objects that are not alike in two clusters. */
export function differences(
  content: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): string[] {
  return Object.keys({ ...content, ...other }).filter((name) => content[name] !== other[name]);
}

/** How what a run wrote provisionally stands, as `runs -o json` has it. */
export interface Standing {
  standing: string;
  trouble?: { at: string; reason: string };
}

/** Of the first run below a directory that wrote so. */
export async function standingIn(directory: string): Promise<Standing> {
  const { runs } = JSON.parse(runsJson(await runsOf(ioIn(directory)).list())) as {
    runs: { provisional?: Standing[] }[];
  };
  return runs.flatMap(({ provisional = [] }) => provisional)[0] ?? { standing: 'none' };
}

export async function untilStanding(directory: string, holds: (now: Standing) => boolean): Promise<void> {
  const end = Date.now() + 100_000;
  for (let now = await standingIn(directory); !holds(now); now = await standingIn(directory)) {
    if (Date.now() > end) throw new Error(`waited in vain: ${JSON.stringify(now)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Ends the processes that watch over the runs below a directory, where there are any. */
export async function endGuardians(directory: string): Promise<void> {
  for (const run of await readdir(runsIn(directory)).catch(() => [])) {
    const folder = path.join(runsIn(directory), run, 'confirm');
    for (const name of await readdir(folder).catch(() => [])) {
      if (!name.startsWith('lock.')) continue;
      const { pid } = JSON.parse(await readFile(path.join(folder, name), 'utf8')) as { pid: number };
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
  }
}
