import { undoStep } from '../../steps/undo.js';
import type { Command, Options } from '../cli/command.js';
import { EXIT, type ExitCode } from '../cli/exit.js';
import { HostError } from '../host/errors.js';
import type { HeldJournal } from '../host/journal.js';
import { isGone } from '../host/process.js';
import { printable } from '../model/escape.js';
import type { RunSummary } from '../model/journal.js';
import { refText } from '../model/manifest.js';
import type { Watched } from '../model/provisional.js';
import { RECOMMENDED } from '../model/question.js';
import { commandLine } from '../model/shell.js';
import type { Step } from '../model/step.js';
import { runsJson, runsText } from '../report/runs.js';
import { summaryText } from '../report/summary.js';
import { isTooSmall } from '../tui/smallest.js';
import { type Decisions, pending, UNDECIDED } from '../wizard/assemble.js';
import { createSession } from '../wizard/session.js';
import { forbiddenChanges, type Session } from '../wizard/state.js';
import { applyUnattended, unansweredQuestions, unreadBy } from '../wizard/unattended.js';
import { canTakeBack } from '../wizard/waiting.js';
import { decisionsOn, fileFlags, openTarget, probeOptions, selectionFlags, type Target } from './context.js';
import { filesOf, loadAgain, resumedOptions } from './files.js';
import {
  claimOf,
  clock,
  type Io,
  runsOf,
  sameCluster,
  sameContext,
  say,
  sayUnread,
  showsUnicode,
  styleOf,
  summaryOf,
  targetFlags,
} from './io.js';
import { goesOnWithin, guardianFor, offerOf, untilDecided } from './keep.js';
import { progressLines } from './progress.js';
import { lastToUndo, notUndone, openUndo, stepOf } from './undo.js';
import { unguarded } from './unguarded.js';

type Of<N extends Command['name']> = Extract<Command, { name: N }>;

/** How a session is led: by a person on one of two front ends, or by `--confirm`. */
type Lead = { by: 'person'; plain: boolean } | { by: 'confirm'; context: string; only?: ReadonlySet<string> };

/** The wizard on a new run. */
export function wizard(command: Of<'wizard'>, io: Io): Promise<ExitCode> {
  return lead(command.options, io, { by: 'person', plain: command.options.plain });
}

/** The plan applied unattended, as a new run. */
export function apply(command: Of<'apply'>, io: Io): Promise<ExitCode> {
  return lead(command.options, io, { by: 'confirm', context: command.confirm });
}

/** Takes up a run: reads and assesses again, and goes on with the answers and exclusions of its journal. */
export async function resume(command: Of<'resume'>, io: Io): Promise<ExitCode> {
  const store = runsOf(io);
  const run =
    command.run ?? (await store.list()).findLast((r) => r.state !== 'done' && r.command !== 'probe')?.run;
  if (run === undefined)
    throw new HostError('There is no run to take up; kubectl harden runs lists them all.');
  const earlier = await summaryOf(run, store);
  if (earlier.command === 'probe')
    throw new HostError(
      `Run ${printable(run)} was a live probe, which is not taken up: kubectl harden probe makes a new one.`,
    );
  if (earlier.rewrite !== undefined) {
    const { resumeRewrite } = await import('./rewrite-secrets.js');
    return await resumeRewrite(command, earlier.rewrite, run, io);
  }
  const how: Lead =
    command.confirm === undefined
      ? { by: 'person', plain: command.options.plain }
      : { by: 'confirm', context: command.confirm };
  return lead(command.options, io, how, { resumes: run });
}

export async function runs(command: Of<'runs'>, io: Io): Promise<ExitCode> {
  const { runs: all, problems } = await runsOf(io).listAll();
  for (const problem of problems) say(io, problem);
  io.stdout.write(
    command.output === 'json' ? runsJson(all) : runsText(all, styleOf(io.stdout, command.options, io)),
  );
  return EXIT.ok;
}

/** Takes back what a run wrote, as a run of its own. */
export async function undo(command: Of<'undo'>, io: Io): Promise<ExitCode> {
  const run = command.run ?? (await lastOn(command.options, io));
  const how: Lead =
    command.confirm === undefined
      ? { by: 'person', plain: command.options.plain }
      : { by: 'confirm', context: command.confirm };
  return lead(command.options, io, how, { undoes: run });
}

/** The last run of the cluster that the flags name. */
async function lastOn(options: Options, io: Io): Promise<string> {
  const target = await openTarget(options, io);
  try {
    const { id, context } = await target.cluster.info();
    const all = await runsOf(io).list();
    const run = lastToUndo(all, id);
    for (const line of notUndone(all, id, run)) say(io, line);
    if (run !== undefined) return run;
    throw new HostError(
      `No run on ${printable(context)} has writes that could be taken back; kubectl harden runs lists all runs.`,
    );
  } finally {
    await target.close();
  }
}

/** Which run a session goes on with, or which it takes back; neither: a new one. */
interface About {
  resumes?: string;
  undoes?: string;
  /** Of what it takes back only what has these ids. */
  only?: readonly string[];
  /** Hears of the session before it begins. */
  led?: (session: Session) => void;
}

async function lead(given: Options, io: Io, how: Lead, about: About = {}): Promise<ExitCode> {
  const store = runsOf(io);
  const run = about.resumes;
  const before = run === undefined ? undefined : await summaryOf(run, store);
  const undoes = about.undoes ?? before?.undoes;
  const options = before === undefined ? given : resumedOptions(given, before);
  const taken =
    undoes === undefined ? undefined : await openUndo(undoes, store, about.only ?? before?.undoesOnly);
  let target: Target | undefined;
  const afterwards: string[] = [];
  let journal: HeldJournal | undefined;
  let decided: { code: ExitCode; directory: string };
  try {
    const loaded = await loadAgain(options, io, before, taken && [undoStep(taken.summary.run, taken.deeds)]);
    target = await openTarget(options, io, (line) => say(io, line));
    const cluster = await target.cluster.info();
    if (how.by === 'confirm') sameContext(how.context, cluster.context);
    for (const summary of [before, taken?.summary])
      if (summary !== undefined) sameCluster(summary, cluster.id);
    journal = run === undefined ? await store.create() : await store.open(run);
    for (const note of journal.notes) say(io, note);
    await journal.append({
      type: 'started',
      run: journal.run,
      cluster: { id: cluster.id, context: cluster.context, version: cluster.version.git },
      command: commandOf(about, how),
      ...(undoes === undefined ? {} : { undoes }),
      ...(taken?.only === undefined ? {} : { undoesOnly: taken.only }),
      scope: { steps: options.steps, exclude: options.exclude },
      files: filesOf(options, loaded),
    });
    // Unattended, a run that somebody led step by step goes on with what was confirmed, and with nothing else.
    const led: Lead =
      how.by === 'confirm' && before !== undefined && before.command === 'wizard'
        ? { ...how, only: new Set(before.confirmed.keys()) }
        : how;
    const within = { ...options, ...goesOnWithin(options, before) };
    const offer = offerOf(within, undoes !== undefined, how.by === 'person');
    // What was said before the full screen came is behind it.
    const [notice] = how.by === 'person' ? await unguarded(io) : [];
    const material =
      taken === undefined
        ? loaded
        : { ...loaded, steps: [await stepOf(taken.summary.run, taken.deeds, target.cluster)] };
    const session = createSession(
      {
        cluster: target.cluster,
        host: target.hostFor(journal),
        journal,
        clock,
        ...(target.look === undefined ? {} : { look: target.look }),
        claim: claimOf(target.cluster, journal.run),
        ...(offer === undefined ? {} : { guardian: guardianFor(journal, within, cluster.context) }),
      },
      {
        steps: material.steps,
        templates: material.templates,
        probe: probeOptions(options),
        ...(offer === undefined ? {} : { offer }),
        ...(notice === undefined ? {} : { notice }),
        exclude: options.exclude,
        observed: material.observed,
        decisions: (now) => {
          const { decisions, notes } = decisionsOn(now, material, earlier(before), before?.files.answersHash);
          // The full screen is on by now: what is said beside it would spoil it.
          if (how.by === 'person') afterwards.push(...notes);
          else for (const note of notes) say(io, note);
          return options.takeOver === true ? takingOver(decisions, material.steps) : decisions;
        },
      },
    );
    about.led?.(session);
    const code = await ended(session, led, within, io);
    // A process that was killed may have claimed the cluster, and this one may have had nothing to write.
    if (run !== undefined) await target.cluster.unclaim(run, isGone);
    if (undoes !== undefined) return code === EXIT.ok && somethingStays(session) ? EXIT.pending : code;
    if (how.by === 'confirm' && within.healthCheck !== undefined)
      decided = { code, directory: journal.directory };
    else return code;
  } finally {
    for (const note of afterwards) say(io, note);
    await journal?.close();
    await taken?.journal.close();
    await target?.close();
  }
  return untilDecided(decided, io);
}

async function ended(session: Session, how: Lead, options: Options, io: Io): Promise<ExitCode> {
  const stop = interrupts(session);
  try {
    if (how.by === 'confirm') {
      const end = progressLines(session, (line) => say(io, line));
      const provisional = options.confirmWithin !== undefined;
      const code = await applyUnattended(session, how.only, provisional);
      end();
      const stay = provisional ? session.state.steps.filter((one) => !canTakeBack(pending(one))) : [];
      for (const { step } of stay)
        say(
          io,
          `${step.title} was left: it cannot be taken back by itself. Apply it without --confirm-within.`,
        );
      const open = unansweredQuestions(session.state);
      if (code === EXIT.error && open.length > 0) {
        say(io, `Nothing was applied: these questions can do harm and have no answer: ${open.join(', ')}.`);
        say(io, 'Answer them in a file (--answers FILE), or leave their steps out (--step ID).');
        say(io, `What the wizard recommends is taken by the word: ${takingRecommended(open)}`);
      }
      const unseen = unreadBy(session.state);
      if (code === EXIT.error) sayUnread(unseen, io);
      io.stderr.write(summary(session, options, io, io.stderr));
      return code as ExitCode;
    }
    // Ink and Inquirer in one process take each other's keys: only one of them is ever loaded.
    const small = !how.plain && isTooSmall(io.stdout);
    if (small) say(io, SMALL);
    if (how.plain || small) {
      const { runPlain } = await import('../prompts/index.js');
      await runPlain(session, {
        stdin: io.stdin,
        stdout: io.stdout,
        style: styleOf(io.stdout, options, io),
        dumb: io.env.TERM === 'dumb',
      });
    } else {
      const { runTui } = await import('../tui/index.js');
      await runTui(session, {
        stdin: io.stdin,
        stdout: io.stdout,
        stderr: io.stderr,
        unicode: showsUnicode(io.env),
        colour: !options.noColor,
        plainCommand: commandLine([
          'kubectl',
          'harden',
          ...targetFlags(options),
          ...selectionFlags(options),
          '--plain',
        ]),
      });
    }
    const code = await session.ended;
    io.stdout.write(summary(session, options, io, io.stdout));
    return code as ExitCode;
  } finally {
    stop();
  }
}

/** An answers file in one line that takes what is recommended for these questions (`<step>.<question>`). */
function takingRecommended(questions: readonly string[]): string {
  const byStep = Map.groupBy(
    questions.map((question) => question.split('.', 2) as [string, string]),
    ([step]) => step,
  );
  const steps = [...byStep].map(
    ([step, own]) => `${step}: {${own.map(([, question]) => `${question}: ${RECOMMENDED}`).join(', ')}}`,
  );
  return `{${steps.join(', ')}}`;
}

/** Whether something that a run wrote is still there: what others changed since, and what no object of the API holds. */
function somethingStays({ state }: Session): boolean {
  return state.steps.some(({ findings }) => findings.some(({ severity }) => severity !== 'info'));
}

/** How taking back went: why not all of it was done, and what others changed since, which stays. */
export interface TakenBack {
  code: ExitCode;
  reason: string | undefined;
  /** This account lacks a right for it. */
  forbidden: boolean;
  stays: readonly string[];
}

/**
 * Takes back what of a run nobody kept in time: a new undo, or the one that was begun.
 * @throws HostError, ClusterError where it cannot be begun
 */
export async function undoProvisional(run: string, lost: readonly Watched[], io: Io): Promise<TakenBack> {
  const [{ from }] = lost as [Watched];
  const only = lost.map(({ id }) => id);
  const begun = (await runsOf(io).list()).findLast(
    ({ undoes, undoesOnly, state }) =>
      undoes === run &&
      state !== 'done' &&
      undoesOnly !== undefined &&
      only.every((id) => undoesOnly.includes(id)),
  );
  const options: Options = {
    ...(from.sandboxFile === undefined
      ? { context: from.context, sandbox: false }
      : { sandbox: true, sandboxFile: from.sandboxFile }),
    ...(from.kubeconfig === undefined ? {} : { kubeconfig: from.kubeconfig }),
    steps: [],
    exclude: [],
    flows: [],
    plain: true,
    noColor: true,
  };
  const about = begun === undefined ? { undoes: run, only } : { resumes: begun.run };
  let failure: string | undefined;
  let steps: Session['state']['steps'] = [];
  const led = (session: Session) =>
    session.subscribe(() => {
      const { screen } = session.state;
      ({ steps } = session.state);
      if (screen.at === 'failed') failure = screen.message;
    });
  const code = await lead(options, io, { by: 'confirm', context: from.context }, { ...about, led });
  const mayNot = steps
    .flatMap(forbiddenChanges)
    .flatMap(({ check }) => (check.by === 'refusal' ? [check.reason] : []));
  const open = steps.flatMap(({ done }) => done).filter(({ outcome }) => outcome !== 'applied');
  return {
    code,
    reason: failure ?? mayNot[0] ?? open[0]?.message,
    forbidden: failure === undefined && mayNot.length > 0,
    stays: steps.flatMap(({ findings }) =>
      findings.flatMap(({ severity, object, message }) =>
        severity === 'info' ? [] : [`${object === undefined ? '' : `${refText(object)}: `}${message}`],
      ),
    ),
  };
}

/** How a run was started, for its journal. */
function commandOf({ resumes, undoes }: About, how: Lead): string {
  if (resumes !== undefined) return 'resume';
  if (undoes !== undefined) return 'undo';
  return how.by === 'confirm' ? 'apply' : 'wizard';
}

/** With `--take-over`, what takes a choice of its own is chosen in every step. */
function takingOver(
  decisions: ReadonlyMap<string, Decisions>,
  steps: readonly Step[],
): ReadonlyMap<string, Decisions> {
  return new Map(
    steps.map(({ id }) => [id, { ...(decisions.get(id) ?? UNDECIDED), chosen: 'all' as const }]),
  );
}

function earlier(run: RunSummary | undefined): ReadonlyMap<string, Decisions> {
  if (run === undefined) return new Map();
  const ids = new Set([
    ...run.answers.keys(),
    ...run.excluded.keys(),
    ...run.chosen.keys(),
    ...run.skipped.keys(),
  ]);
  return new Map(
    [...ids].map((id): [string, Decisions] => {
      const skipped = run.skipped.get(id);
      return [
        id,
        {
          answers: run.answers.get(id) ?? {},
          excluded: run.excluded.get(id) ?? [],
          chosen: run.chosen.get(id) ?? [],
          ...(skipped === undefined ? {} : { skipped }),
        },
      ];
    }),
  );
}

const SMALL =
  'This terminal is smaller than 80x24, which the full screen needs: the questions come line by line.';

/** SIGINT and SIGTERM are ctrl-c for the session: the object in hand is finished, the journal is on disk. */
function interrupts(session: Session): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const interrupt = () => session.send({ type: 'interrupt' });
  for (const signal of signals) process.on(signal, interrupt);
  return () => {
    for (const signal of signals) process.off(signal, interrupt);
  };
}

/** The end of a session: what was done, what is left, how to go on. */
function summary(session: Session, options: Options, io: Io, to: NodeJS.WriteStream): string {
  return summaryText(session.state, {
    style: styleOf(to, options, io),
    again: [...targetFlags(options), ...fileFlags(options)],
    target: targetFlags(options),
    lasting: !options.sandbox || options.sandboxFile !== undefined,
  });
}
