import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { parseSecretsEncryptStatus } from '../encryption/secrets-encrypt.js';
import type { ServerEncryption } from '../model/encryption.js';
import { printable } from '../model/escape.js';
import { commandLine } from '../model/shell.js';
import type { LocalApiServer } from '../wizard/ports.js';

/** How long a server may take to tell its state, in milliseconds, and how long its answer may be, in characters. */
const TIME = 20_000;
const MOST = 65_536;

/** A program that carries an API server within it, or beside it, and can be asked how that encrypts. */
export interface ServerProgram {
  name: 'k3s' | 'rke2';
  /** The API server of this machine. */
  address: string;
  /** What answers for it: k3s serves both at one place. */
  supervisor: string;
}

/**
 * The program of a server's version (`v1.31.4+k3s1`); undefined for any other distribution.
 * @param server the address in the kubeconfig: on a node of k3s that is often the API server of this machine itself
 */
export function serverProgram(version: string, server: string): ServerProgram | undefined {
  const name = /\+(k3s|rke2)/.exec(version)?.[1];
  const own = 'https://127.0.0.1:6443';
  if (name === 'rke2') return { name, address: own, supervisor: 'https://127.0.0.1:9345' };
  if (name !== 'k3s') return undefined;
  const address = isLoopback(server) ? new URL(server).origin : own;
  return { name, address, supervisor: address };
}

function isLoopback(server: string): boolean {
  const host = URL.canParse(server) ? new URL(server).hostname : '';
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Where a program is asked from. */
export interface Asking {
  program: ServerProgram;
  /** At the program's address. */
  server: Pick<LocalApiServer, 'look'>;
  /** uid of the cluster's kube-system. */
  cluster: string;
  env: NodeJS.ProcessEnv;
  /** Milliseconds. */
  timeout?: number;
}

/**
 * What the API server of this machine has, as its own program tells; empty where there is no such program, or where what
 * answers here is not of the cluster in hand. Nothing of its answer is kept but what is understood.
 */
export async function askedHere(asking: Asking): Promise<readonly ServerEncryption[]> {
  const { program, server, cluster, env, timeout = TIME } = asking;
  const file = await onPath(program.name, env);
  if (file === undefined) return [];
  const sight = await server.look();
  if (sight.at !== 'up' || sight.cluster !== cluster) return [];
  const status = [file, 'secrets-encrypt', 'status', '--server', program.supervisor];
  // The first releases of the command know no other form than words.
  const json = [...status, '--output', 'json'];
  let command: readonly string[] = json;
  let answer = await ran(command, env, timeout);
  if ('code' in answer) {
    command = status;
    answer = await ran(command, env, timeout);
  }
  const name = hostname().toLowerCase();
  const source = printable(commandLine(command), 300);
  const problem = (value: string): readonly ServerEncryption[] => [
    { server: name, problem: { value, source } },
  ];
  if ('why' in answer) return problem(answer.why);
  const read = parseSecretsEncryptStatus(answer.text);
  if (read === undefined)
    return problem('what the command answers is in no form that is known, and nothing of it is used');
  const { config, stage, same } = read;
  return [
    {
      server: name,
      ...(config === null ? { file: { value: null, source } } : {}),
      config: { value: config, source },
      ...(stage === undefined ? {} : { stage: { value: stage, source } }),
      ...(same === undefined ? {} : { same: { value: same, source } }),
    },
  ];
}

/** The program in an absolute directory of PATH: what lies in the directory that somebody happens to be in is not run. */
async function onPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const directory of (env.PATH ?? '').split(path.delimiter).filter(path.isAbsolute)) {
    const file = path.join(directory, name);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}

/** Runs a command that only tells; in words why it did not. `code`: it ended by itself, in that way. */
async function ran(
  [file = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  timeout: number,
): Promise<{ text: string } | { why: string } | { why: string; code: number }> {
  const result = await execa(file, args, {
    env,
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    stderr: 'ignore',
    timeout,
    forceKillAfterDelay: 2_000,
    maxBuffer: MOST,
  });
  if (result.timedOut) return { why: `the command did not end within ${timeout / 1000} s` };
  if (result.isMaxBuffer) return { why: 'the command answers more than such a command would' };
  const { exitCode: code } = result;
  if (code === undefined)
    return { why: `the command could not be run (${result.code ?? result.signal ?? 'no reason given'})` };
  if (code === 0) return { text: result.stdout };
  const root = process.getuid?.() === 0 ? '' : '; it reads files that only root may read';
  return { why: `the command ended with exit code ${code}${root}`, code };
}
