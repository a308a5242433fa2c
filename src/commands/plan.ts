import type { Command } from '../cli/command.js';
import { EXIT, type ExitCode } from '../cli/exit.js';
import { generate as writeFiles } from '../host/generate.js';
import { printable } from '../model/escape.js';
import type { Snapshot } from '../model/snapshot.js';
import { exampleAnswers } from '../report/example-answers.js';
import { patchFiles } from '../report/patchfiles.js';
import { planJson } from '../report/plan.js';
import { generateCommand, nextCommands, planText } from '../report/plan-text.js';
import { pendingCount } from '../wizard/assemble.js';
import { takeSnapshot } from '../wizard/session.js';
import type { StepState } from '../wizard/state.js';
import { unreadBy } from '../wizard/unattended.js';
import { loadMaterial, openFiles, openTarget, planOn, selectionFlags } from './context.js';
import { clock, type Io, say, sayUnread, styleOf, targetFlags } from './io.js';

type Of<N extends Command['name']> = Extract<Command, { name: N }>;

/** Findings and changes of every step, on stdout. Persists nothing. */
export async function plan(command: Of<'plan'>, io: Io): Promise<ExitCode> {
  const { snapshot, steps, whole } = await read(command, io);
  if (command.output === 'json') io.stdout.write(planJson(snapshot, steps));
  else {
    io.stdout.write(
      planText(snapshot, steps, nextLines(command, snapshot, steps), styleOf(io.stdout, command.options, io)),
    );
  }
  const unseen = unreadBy({ snapshot, steps });
  sayUnread(unseen, io);
  if (!whole || unseen.length > 0) return EXIT.error;
  return command.demo || pendingCount(steps) === 0 ? EXIT.ok : EXIT.pending;
}

/** How to go on from a plan. */
function nextLines(
  command: Of<'plan'>,
  { cluster }: Snapshot,
  steps: readonly StepState[],
): readonly string[] {
  if (command.demo)
    return [
      'This is the plan for the embedded cluster. To open the wizard, run this in a terminal: npm start',
    ];
  const selection = selectionFlags(command.options);
  if (command.from !== undefined) {
    const flags = ['--from', command.from, ...selection];
    return [...(pendingCount(steps) === 0 ? unanswered(command, steps) : []), generateCommand(flags)];
  }
  return nextCommands(cluster.context, [...targetFlags(command.options), ...selection], pendingCount(steps));
}

/** For manifests in files nobody can be asked: where nothing was answered, what an answers file looks like. */
function unanswered(command: Of<'plan'> | Of<'generate'>, steps: readonly StepState[]): readonly string[] {
  const example = exampleAnswers(steps);
  if (command.from === undefined || command.options.answers !== undefined || example.length === 0) return [];
  return [
    'Nothing is chosen: without answers every question stays at doing nothing.',
    'Give an answers file with --answers FILE, for example',
    ...example.map((line) => `  ${printable(line, 200)}`),
    'Further questions may follow from these.',
    '',
  ];
}

/** The same plan as patch files. Persists nothing in the cluster. */
export async function generate(command: Of<'generate'>, io: Io): Promise<ExitCode> {
  const { snapshot, steps, whole } = await read(command, io);
  const { written, kept, removed } = await writeFiles(command.outputDir, patchFiles(snapshot, steps), {
    force: command.force,
    // The embedded cluster is another one at every start.
    ...(snapshot.cluster.sandbox ? {} : { cluster: snapshot.cluster.id }),
  });
  for (const path of kept) say(io, `kept as it was: ${path}`);
  for (const path of removed) say(io, `removed, no longer in the plan: ${path}`);
  io.stdout.write(written.map((path) => `${path}\n`).join(''));
  if (pendingCount(steps) === 0) for (const line of unanswered(command, steps)) say(io, line);
  const unseen = unreadBy({ snapshot, steps });
  sayUnread(unseen, io);
  return whole && unseen.length === 0 ? EXIT.ok : EXIT.error;
}

async function read(
  command: Of<'plan'> | Of<'generate'>,
  io: Io,
): Promise<{ snapshot: Snapshot; steps: StepState[]; whole: boolean }> {
  const material = await loadMaterial(command.options, io);
  const target =
    command.from === undefined
      ? { ...(await openTarget(command.options, io)), whole: true }
      : await openFiles(command.from, io);
  try {
    const { cluster, look } = target;
    const ports = { cluster, clock, ...(look === undefined ? {} : { look }) };
    const { steps, observed } = material;
    const snapshot = await takeSnapshot(ports, { steps, exclude: command.options.exclude, observed });
    // The patch-file way is the one for objects that are managed from elsewhere.
    const takeOver = command.name === 'generate' || command.options.takeOver === true;
    const planned = planOn(snapshot, material, (line) => say(io, line), takeOver);
    return { snapshot, steps: planned, whole: target.whole };
  } finally {
    await target.close();
  }
}
