import type { Command } from '../cli/command.js';
import { EXIT, type ExitCode } from '../cli/exit.js';
import { HostError } from '../host/errors.js';
import { printable } from '../model/escape.js';
import { abandonedProbes, type ProbeFacts, type ProbePlan } from '../model/policy-probe.js';
import { type Asker, Interrupted } from '../prompts/ask.js';
import { probeJson, probePlanLines, probeText, removalCommand } from '../report/probe.js';
import type { Claim } from '../wizard/ports.js';
import { makeProbe } from '../wizard/probe.js';
import { takeSnapshot } from '../wizard/session.js';
import { openTarget, probeOptions, type Target } from './context.js';
import { claimOf, clock, type Io, runsOf, say, styleOf, targetFlags } from './io.js';

type Probe = Extract<Command, { name: 'probe' }>;

const CODES: Record<ProbeFacts['verdict'], ExitCode> = {
  enforced: EXIT.ok,
  notEnforced: EXIT.pending,
  inconclusive: EXIT.error,
};

/** Tries out whether NetworkPolicies are enforced, once that was confirmed; recorded as a run of its own. */
export async function probe(command: Probe, io: Io): Promise<ExitCode> {
  const { options } = command;
  const target = await openTarget(options, io);
  try {
    const snapshot = await takeSnapshot({ cluster: target.cluster, clock }, { steps: [], exclude: [] });
    const { context } = snapshot.cluster;
    const plan = { options: probeOptions(options), leftovers: abandonedProbes(snapshot) };
    for (const line of probePlanLines(plan, context, styleOf(io.stderr, options, io))) say(io, line);
    if (!(await confirmed(command, context, io))) {
      say(io, 'Nothing was created.');
      return EXIT.error;
    }
    const facts = await recorded(target, plan, command, io);
    if (facts === undefined) return EXIT.interrupted;
    io.stdout.write(
      command.output === 'json' ? probeJson(facts) : probeText(facts, styleOf(io.stdout, options, io)),
    );
    return facts.interrupted ? EXIT.interrupted : CODES[facts.verdict];
  } finally {
    await target.close();
  }
}

/** By `--confirm`, or by typing the context's name. */
async function confirmed({ confirm, options }: Probe, context: string, io: Io): Promise<boolean> {
  if (confirm !== undefined) {
    if (confirm === context) return true;
    throw new HostError(
      `--confirm names '${printable(confirm)}', but this would create pods in '${printable(context)}'. Nothing was created.`,
    );
  }
  const ask: Asker =
    io.env.TERM === 'dumb' || options.plain
      ? (await import('../prompts/lines.js')).lineAsker(io.stdin, io.stderr)
      : (await import('../prompts/inquirer.js')).inquirerAsker(io.stdin, io.stdout);
  try {
    await ask.settle();
    const typed = await ask.text(
      `Type the context's name (${printable(context, 100)}) to try it out; nothing for no`,
      '',
    );
    return typed === context;
  } catch (error) {
    if (error instanceof Interrupted) return false;
    throw error;
  } finally {
    ask.close();
  }
}

/** The probe with its journal; undefined where the user would not wait for its end. */
async function recorded(
  { cluster }: Target,
  plan: ProbePlan,
  { options }: Probe,
  io: Io,
): Promise<ProbeFacts | undefined> {
  const info = await cluster.info();
  const journal = await runsOf(io).create();
  let claimed: Claim | undefined;
  const stopping = new AbortController();
  const forced = Promise.withResolvers<undefined>();
  let scratch = '';
  const interrupt = () => {
    if (stopping.signal.aborted) return forced.resolve(undefined);
    stopping.abort();
    say(io, 'Stopping: what was created is being removed. Ctrl+C again leaves at once.');
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    await journal.append({
      type: 'started',
      run: journal.run,
      cluster: { id: info.id, context: info.context, version: info.version.git },
      command: 'probe',
    });
    // Two runs at a time would take each other's namespaces for those of the cluster.
    claimed = await claimOf(cluster, journal.run)();
    if (!claimed.held) {
      await journal.append({ type: 'ended', reason: 'failed' });
      throw new HostError(claimed.reason);
    }
    if (claimed.note !== undefined) say(io, claimed.note);
    claimed.lost.addEventListener('abort', () => say(io, 'Another run took this cluster over.'));
    const made = makeProbe({ cluster, journal }, plan, {
      signal: AbortSignal.any([stopping.signal, claimed.lost]),
      onStage: (stage) => say(io, `${printable(stage)} ...`),
      onNamespace: (name) => {
        scratch = name;
      },
    });
    const facts = await Promise.race([made, forced.promise]);
    if (facts === undefined) {
      made.catch(() => undefined);
      if (scratch !== '')
        say(io, `Remove what may be left: ${removalCommand(scratch, targetFlags(options), info.context)}`);
    }
    const reason = facts === undefined || facts.interrupted ? 'interrupted' : 'done';
    await journal.append({ type: 'ended', reason });
    return facts;
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
    if (claimed?.held) await claimed.release();
    await journal.close();
  }
}
