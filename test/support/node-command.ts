import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { parse } from '../../src/cli/parse.js';
import type { Io } from '../../src/commands/io.js';
import { apply, resume, undo } from '../../src/commands/run.js';
import { THIS_MACHINE } from '../../src/host/control-plane/find.js';
import type { Patience } from '../../src/host/control-plane/wait.js';
import { STEPS } from '../../steps/index.js';

/** A command line on a control-plane node in a directory. */
export interface NodeCommand {
  words: readonly string[];
  /** Where its state goes. */
  home: string;
  node: { root: string; manifest: string };
  patience: Patience;
}

/** Carries a command out with a directory in place of the machine's files; what it says goes to `say`. */
export async function onNode(
  { words, home, node, patience }: NodeCommand,
  say: (text: string) => void,
): Promise<number> {
  const env = { XDG_STATE_HOME: home, HOME: home };
  const ids = STEPS.map(({ id }) => id);
  const parsed = parse(words, env, { stdin: false, stdout: false }, ids);
  const out = new PassThrough();
  out.on('data', (part: Buffer) => say(part.toString()));
  const io: Io = {
    stdin: process.stdin,
    stdout: out as unknown as NodeJS.WriteStream,
    stderr: out as unknown as NodeJS.WriteStream,
    env,
    node: {
      machine: {
        ...THIS_MACHINE,
        kubeletConfig: '/nowhere',
        manifests: path.dirname(node.manifest),
        placed: (file) => path.join(node.root, file),
      },
      patience,
    },
  };
  if (parsed.name === 'apply') return apply(parsed, io);
  if (parsed.name === 'undo') return undo(parsed, io);
  if (parsed.name === 'resume') return resume(parsed, io);
  throw new Error(JSON.stringify(parsed));
}

// As a process of its own, to be killed: the command stands in a file.
const [, program = '', file] = process.argv;
if (program === import.meta.filename && file !== undefined) {
  const command = JSON.parse(readFileSync(file, 'utf8')) as NodeCommand;
  onNode(command, (text) => process.stderr.write(text)).then(
    (code) => process.exit(code),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(2);
    },
  );
}
