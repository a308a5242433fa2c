import { setFlagsFromString } from 'node:v8';
import type { Command } from '../cli/command.js';
import { EXIT, type ExitCode } from '../cli/exit.js';
import type { HeldJournal } from '../host/journal.js';
import { printable, printableLines } from '../model/escape.js';
import type { RewriteScope } from '../model/journal.js';
import { judge } from '../model/rewrite.js';
import { commandLine } from '../model/shell.js';
import { type Asker, Interrupted } from '../prompts/ask.js';
import { printedText, rewriteJson } from '../report/rewrite.js';
import { type Claim, ClusterError } from '../wizard/ports.js';
import { carryOutRewrite, type RewriteOutcome, seenWith } from '../wizard/rewrite.js';
import { objectsWord, sizeLines } from '../wizard/rewrite-size.js';
import {
  type Connected,
  claimOf,
  type Io,
  openCluster,
  runsOf,
  sameCluster,
  sameContext,
  say,
  sourceOf,
  styleOf,
  summaryOf,
  targetFlags,
} from './io.js';
import { rewriteProgress } from './rewrite-progress.js';

type Of<N extends Command['name']> = Extract<Command, { name: N }>;
type Asked = Omit<Of<'rewriteSecrets'>, 'name' | 'print'>;

/** The journal's names for it: it is no step's. */
const STEP = 'rewrite-secrets';
const changeOf = (resources: readonly string[]) => `${STEP}/-/${resources.join(',')}/*`;

/** Re-writes every Secret, or other objects, as a run of its own. */
export async function rewriteSecrets(command: Of<'rewriteSecrets'>, io: Io): Promise<ExitCode> {
  return command.print ? await print(command, io) : await rewrite(command, io);
}

/** Goes on with such a run, with what it was asked for. */
export function resumeRewrite(
  { options, confirm }: Of<'resume'>,
  scope: RewriteScope,
  run: string,
  io: Io,
): Promise<ExitCode> {
  const asked = { options, ...scope, output: 'text' as const };
  return rewrite(confirm === undefined ? asked : { ...asked, confirm }, io, run);
}

/** The documented command, and a migration by the server where it offers one. Where it cannot be asked, that is said. */
async function print({ options, resources }: Of<'rewriteSecrets'>, io: Io): Promise<ExitCode> {
  let migration: string | undefined;
  let context: readonly string[] = targetFlags(options);
  try {
    const target = await openCluster(options);
    try {
      migration = (await target.cluster.rewriteSize(resources)).migration;
      if (!options.sandbox && options.context === undefined)
        context = [...context, '--context', (await target.cluster.info()).context];
    } finally {
      await target.close();
    }
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    say(io, `Whether the server can re-write by itself is not known: ${printableLines(error.message)}`);
  }
  io.stdout.write(printedText(resources, options.sandbox ? [] : context, migration));
  return EXIT.ok;
}

async function rewrite(asked: Asked, io: Io, run?: string): Promise<ExitCode> {
  // Requests leave garbage, not objects that live: a heap that does not grow with it takes 45 MB less and no longer.
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=40');
  const { options, resources } = asked;
  const store = runsOf(io);
  const before = run === undefined ? undefined : await summaryOf(run, store);
  let target: Connected | undefined;
  let journal: HeldJournal | undefined;
  let ask: Asker | undefined;
  let claimed: Claim | undefined;
  try {
    target = await openCluster(options);
    const { cluster } = target;
    const info = await cluster.info();
    if (asked.confirm !== undefined) sameContext(asked.confirm, info.context);
    if (before !== undefined) sameCluster(before, info.id);
    // Told before it begins; where nobody is asked, nobody waits for it: what it fails at, the re-write fails at too.
    const size = cluster.rewriteSize(resources).then((found) => {
      for (const line of sizeLines(found, resources)) say(io, line);
    });
    size.catch(() => {});
    if (asked.confirm === undefined) {
      await size;
      ask = await askerOf(io);
      if (!(await confirmed(ask, info.context, resources))) {
        say(io, 'Nothing was written.');
        return EXIT.pending;
      }
    }
    journal = run === undefined ? await store.create() : await store.open(run);
    for (const note of journal.notes) say(io, note);
    const { evenIfUntried, prove, maxRate, concurrency } = asked;
    const scope: RewriteScope = {
      resources,
      evenIfUntried,
      prove,
      ...(maxRate === undefined ? {} : { maxRate }),
      ...(concurrency === undefined ? {} : { concurrency }),
    };
    await journal.append({
      type: 'started',
      run: journal.run,
      cluster: { id: info.id, context: info.context, version: info.version.git },
      command: run === undefined ? STEP : 'resume',
      rewrite: scope,
    });
    claimed = await claimOf(cluster, journal.run)();
    if (!claimed.held) {
      await journal.append({ type: 'ended', reason: 'failed' });
      say(io, printableLines(claimed.reason));
      return EXIT.error;
    }
    if (claimed.note !== undefined) say(io, claimed.note);
    const { lost } = claimed;
    return await carriedOut({ asked, scope, target, journal, ask, lost, context: info.context }, io);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    say(io, 'Nothing was written.');
    return EXIT.interrupted;
  } finally {
    ask?.close();
    if (claimed?.held) await claimed.release();
    await journal?.close();
    await target?.close();
  }
}

interface Held {
  asked: Asked;
  scope: RewriteScope;
  target: Connected;
  journal: HeldJournal;
  ask: Asker | undefined;
  /** Fires where another run took the cluster over. */
  lost: AbortSignal;
  context: string;
}

async function carriedOut(held: Held, io: Io): Promise<ExitCode> {
  const { asked, scope, target, journal, context, ask, lost } = held;
  const { options, resources } = asked;
  const goOn = `Resume: ${commandLine(['kubectl', 'harden', 'resume', journal.run, ...targetFlags(options)].map((word) => printable(word)))}`;
  const stop = new AbortController();
  const unlisten = onSignals(() => {
    if (stop.signal.aborted) process.exit(EXIT.interrupted);
    stop.abort();
    say(io, '\nStopping after what is in hand; once more leaves at once.');
  });
  const signal = AbortSignal.any([stop.signal, lost]);
  lost.addEventListener('abort', () => say(io, '\nAnother run took this cluster over.'));
  const etcd = await etcdHere(asked, target);
  const ports = {
    cluster: target.cluster,
    journal,
    ...(etcd === undefined ? {} : { etcdCounts: etcd.counts }),
  };
  const shown = rewriteProgress(io, styleOf(io.stderr, options, io));
  const began = performance.now();
  let outcome: RewriteOutcome;
  try {
    const request = { step: STEP, change: changeOf(resources), ...scope };
    outcome = await carryOutRewrite(ports, request, signal, shown);
    if (outcome.end === 'closed' && outcome.untried !== undefined && ask !== undefined) {
      shown.end();
      say(io, printableLines(outcome.reason));
      await ask.settle();
      if (await ask.yes('Did you check that each has the same configuration, and go on without them?', false))
        outcome = await carryOutRewrite(ports, { ...request, evenIfUntried: true }, signal, shown);
    }
  } catch (error) {
    shown.end();
    // A full disk takes this line as little as the one that it was about.
    await journal.append({ type: 'ended', reason: 'failed' }).catch(() => {});
    say(io, goOn);
    throw error;
  } finally {
    shown.end();
    unlisten();
    etcd?.close();
  }
  if (outcome.end === 'closed') {
    await journal.append({
      type: 'left',
      step: STEP,
      change: changeOf(resources),
      reason: outcome.reason,
    });
    await journal.append({ type: 'ended', reason: 'failed' });
    say(io, `Nothing was re-written: ${printableLines(seenWith(outcome.reason, outcome.evidence))}`);
    return EXIT.error;
  }
  const { done } = outcome;
  const interrupted = outcome.end === 'interrupted';
  const report = {
    run: journal.run,
    context,
    resources,
    done,
    interrupted,
    seconds: (performance.now() - began) / 1000,
  };
  const left =
    done.result.failures.length > 0 || (done.proof !== undefined && judge(done.proof) === 'contradicted');
  if (!interrupted && !left)
    await journal.append({
      type: 'applied',
      step: STEP,
      change: changeOf(resources),
      evidence: [...done.evidence, ...(done.proof?.means ?? []).map(({ words }) => words)],
    });
  await journal.append({ type: 'ended', reason: interrupted ? 'interrupted' : left ? 'left' : 'done' });
  io.stdout.write(
    asked.output === 'json'
      ? rewriteJson(report)
      : (await import('../report/rewrite-text.js')).rewriteText(report, styleOf(io.stdout, options, io)),
  );
  if (interrupted || left) say(io, goOn);
  return interrupted ? EXIT.interrupted : left ? EXIT.pending : EXIT.ok;
}

/** The way to etcd for the proof, where this machine is a control-plane node. */
async function etcdHere({ options, prove }: Asked, { cluster, sandbox }: Connected) {
  if (!prove || sandbox !== undefined) return undefined;
  const { findPlace, THIS_MACHINE } = await import('../host/control-plane/find.js');
  if ((await findPlace(THIS_MACHINE)) === undefined) return undefined;
  const here = await (await import('./control-plane.js')).controlPlaneHere(sourceOf(options));
  if (here === undefined) return undefined;
  const { id } = await cluster.info();
  return { counts: (resource: string) => here.stored(id, resource), close: () => here.close() };
}

async function askerOf(io: Io): Promise<Asker> {
  return io.env.TERM === 'dumb'
    ? (await import('../prompts/lines.js')).lineAsker(io.stdin, io.stderr)
    : (await import('../prompts/inquirer.js')).inquirerAsker(io.stdin, io.stdout);
}

/** The context's name, typed; anything else is a no. What was typed ahead does not count. */
async function confirmed(ask: Asker, context: string, resources: readonly string[]): Promise<boolean> {
  await ask.settle();
  const shown = printable(context);
  const typed = await ask.text(
    `Store all ${objectsWord(resources)} of ${shown} anew? Type the name of the context to go on, nothing to leave:`,
    '',
    (text) => (text === '' || text === context ? undefined : `type ${shown}, or nothing`),
  );
  return typed === context;
}

function onSignals(handler: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, handler);
  return () => {
    for (const signal of signals) process.off(signal, handler);
  };
}
