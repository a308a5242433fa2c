import type { Options } from '../cli/command.js';
import { version } from '../cli/version.js';
import { connect } from '../cluster/connect.js';
import type { KubeconfigSource } from '../cluster/kubeconfig.js';
import type { Machine } from '../host/control-plane/find.js';
import type { Patience } from '../host/control-plane/wait.js';
import { HostError } from '../host/errors.js';
import { runsDirectory } from '../host/places.js';
import { isGone, ownProcess } from '../host/process.js';
import { type RunStore, runStore } from '../host/runs.js';
import { printable, printableLines } from '../model/escape.js';
import type { RunSummary } from '../model/journal.js';
import type { Style } from '../report/style.js';
import type { Sandbox } from '../sandbox/index.js';
import type { Claim, Clock, Cluster } from '../wizard/ports.js';

// What every command needs. Loading the steps takes longer than some commands do: they come with `context`.

/** The process as a command sees it, so that tests can give their own. */
export interface Io {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  env: NodeJS.ProcessEnv;
  /** Where a kubelet's files are looked for, and how long a change of a node may take; left out: this machine's. */
  node?: { machine: Machine; patience?: Patience };
}

export const clock: Clock = { now: () => new Date() };

/** A cluster that is connected; `sandbox` where it is the embedded one. */
export interface Connected {
  cluster: Cluster;
  sandbox: Sandbox | undefined;
  close(): Promise<void>;
}

/** Where the flags say that a cluster is found. */
export function sourceOf({ kubeconfig, context }: Options): KubeconfigSource & { version: string } {
  return {
    version: version(),
    ...(kubeconfig === undefined ? {} : { kubeconfigPath: kubeconfig }),
    ...(context === undefined ? {} : { context }),
  };
}

/**
 * Connects to the cluster that the flags mean.
 * @throws ClusterError, HostError: what is wrong and what to do.
 */
export async function openCluster(options: Options): Promise<Connected> {
  if (!options.sandbox) {
    const cluster = await connect(sourceOf(options));
    return { cluster, sandbox: undefined, close: () => cluster.close() };
  }
  const { startSandbox } = await import('../sandbox/index.js');
  const sandbox = await startSandbox(options.sandboxFile === undefined ? {} : { file: options.sandboxFile });
  try {
    const cluster = await connect({ kubeconfigText: sandbox.kubeconfig, sandbox: true, version: version() });
    const close = async () => {
      await cluster.close();
      await sandbox.close();
    };
    return { cluster, sandbox, close };
  } catch (error) {
    await sandbox.close();
    throw error;
  }
}

export function runsOf(io: Io): RunStore {
  return runStore(runsDirectory(io.env), clock);
}

/** Talk, as against data: to stderr, a line at a time; nothing of it can move a cursor. */
export function say(io: Io, text: string): void {
  io.stderr.write(`${printableLines(text)}\n`);
}

/** What the server failed to show, by step: what is planned or done without it is no answer. */
export function sayUnread(unread: readonly string[], io: Io): void {
  if (unread.length === 0) return;
  say(io, 'Not known to be done, as the API server failed to show all of it:');
  for (const line of unread) say(io, `  ${printable(line)}`);
}

/** The flags that name the cluster again, for a command that goes on. */
export function targetFlags({ sandbox, sandboxFile, context, kubeconfig }: Options): string[] {
  if (sandboxFile !== undefined) return ['--sandbox-file', sandboxFile];
  if (sandbox) return ['--sandbox'];
  return [
    ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
    ...(context === undefined ? [] : ['--context', context]),
  ];
}

/** How text is written to a stream: colours only to a terminal that wants them. */
export function styleOf(stream: NodeJS.WriteStream, options: Pick<Options, 'noColor'>, io: Io): Style {
  return {
    width: stream.columns ?? 80,
    unicode: stream.isTTY !== true || showsUnicode(io.env),
    colour: stream.isTTY === true && !options.noColor,
  };
}

/** Whether the locale says that the terminal shows UTF-8. */
export function showsUnicode(env: NodeJS.ProcessEnv): boolean {
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '') || process.platform === 'darwin';
}

/** The context that was confirmed is the one that would be written to. @throws HostError */
export function sameContext(confirmed: string, context: string): void {
  if (confirmed === context) return;
  throw new HostError(
    `--confirm names '${printable(confirmed)}', but this would write to '${printable(context)}'. Nothing was written.`,
  );
}

/** A run is of one cluster only. @throws HostError */
export function sameCluster({ run, cluster }: RunSummary, id: string): void {
  if (cluster.id === id) return;
  const what =
    cluster.context === 'sandbox'
      ? 'It is one of the embedded cluster: add --sandbox-file FILE.'
      : 'Choose its cluster with --context or --kubeconfig.';
  throw new HostError(
    `Run ${run} belongs to another cluster (context ${printable(cluster.context)}); nothing was written.\n${what}`,
  );
}

/** Claims the cluster in the name of this process. */
export function claimOf(cluster: Cluster, run: string): () => Promise<Claim> {
  return async () => cluster.claim({ run, ...(await ownProcess()) }, isGone);
}

/** What the journal of a run tells. */
export async function summaryOf(run: string, store: RunStore): Promise<RunSummary> {
  const found = (await store.list()).find((r) => r.run === run);
  if (found === undefined)
    throw new HostError(`There is no run '${printable(run)}'; kubectl harden runs lists them.`);
  return found;
}
