import type { Command } from './cli/command.js';
import { EXIT, type ExitCode } from './cli/exit.js';
import { parse } from './cli/parse.js';
import { version } from './cli/version.js';
import type { Io } from './commands/io.js';
import { reasonOf } from './host/errors.js';
import { confirmsIn, runsDirectory } from './host/places.js';
import { printableLines } from './model/escape.js';

const io: Io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: process.env };

let lost = false;
// A reader that has seen enough (`reach | head`) is no error, and ends nothing that is under way; a full disk is one.
for (const stream of [io.stdout, io.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || lost) return;
    lost = true;
    process.exitCode = EXIT.error;
    say(`The output could not be written: ${reasonOf(error)}.`);
  });

const code = await main(process.argv.slice(2));
process.exitCode = lost ? EXIT.error : code;
// Forced by a second ctrl-c, a request may still be under way: it must not keep the process.
if (process.exitCode === EXIT.interrupted) process.exit();

/** Carries out a command line and resolves with the exit code. Errors made for people are told in their own words. */
async function main(argv: readonly string[]): Promise<ExitCode> {
  const tty = { stdin: io.stdin.isTTY === true, stdout: io.stdout.isTTY === true };
  // Steps are named by --step alone, and loading them takes longer than some commands do.
  const steps = argv.some((word) => word.startsWith('--st')) ? (await import('../steps/index.js')).STEPS : [];
  const command = parse(
    argv,
    io.env,
    tty,
    steps.map((step) => step.id),
  );
  try {
    await warn(command);
    return await carryOut(command);
  } catch (error) {
    say(printableLines(message(error)));
    return EXIT.error;
  }
}

async function carryOut(command: Command): Promise<ExitCode> {
  switch (command.name) {
    case 'help':
      io.stdout.write(command.text);
      return EXIT.ok;
    case 'version':
      io.stdout.write(`${version()}\n`);
      return EXIT.ok;
    case 'usageError':
      say(command.message);
      return EXIT.error;
    case 'plan':
      return (await import('./commands/plan.js')).plan(command, io);
    case 'generate':
      return (await import('./commands/plan.js')).generate(command, io);
    case 'wizard':
      return (await import('./commands/run.js')).wizard(command, io);
    case 'apply':
      return (await import('./commands/run.js')).apply(command, io);
    case 'resume':
      return (await import('./commands/run.js')).resume(command, io);
    case 'undo':
      return (await import('./commands/run.js')).undo(command, io);
    case 'keep':
      return (await import('./commands/keep.js')).keep(command, io);
    case 'guard':
      return (await import('./commands/guard.js')).guard(command, io);
    case 'runs':
      return (await import('./commands/run.js')).runs(command, io);
    case 'probe':
      return (await import('./commands/probe.js')).probe(command, io);
    case 'rewriteSecrets':
      return (await import('./commands/rewrite-secrets.js')).rewriteSecrets(command, io);
    case 'rbac':
      return (await import('./commands/rbac.js')).rbac(command, io);
    case 'reach':
    case 'reachExplain':
    case 'reachDiff':
      return (await import('./commands/reach.js')).reach(command, io);
  }
}

function say(text: string): void {
  io.stderr.write(`${text}\n`);
}

/** Says what earlier runs wrote and nobody watches over any more, whatever the command is. */
async function warn({ name }: Command): Promise<void> {
  if (['help', 'version', 'usageError', 'guard', 'keep'].includes(name)) return;
  if (!(await confirmsIn(runsDirectory(io.env)))) return;
  const { unguarded } = await import('./commands/unguarded.js');
  for (const line of await unguarded(io)) say(line);
}

/** Our own errors speak for themselves; anything else is a mistake of ours, told in one line without its stack. */
function message(error: unknown): string {
  const ours = ['ClusterError', 'HostError', 'TemplateError', 'StateError'];
  if (error instanceof Error && ours.includes(error.name)) return error.message;
  const text = error instanceof Error ? error.message.split('\n')[0] : String(error);
  return `kubectl harden stopped at something it did not expect: ${text}\nNothing more was written. Please report this with the command line that led here.`;
}
