import { Box, render } from 'ink';
import type { Session } from '../wizard/state.js';
import { App, type Drawn } from './app.js';
import { lookOf } from './look.js';

/** The terminal that the wizard draws on; both streams are terminals, which the caller has made sure of. */
export interface Terminal {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** Whether it shows UTF-8. */
  unicode: boolean;
  /** Whether colours are wanted. */
  colour: boolean;
  /** The command that asks the same in any size of window (default: `kubectl harden --plain`). */
  plainCommand?: string;
}

/**
 * Draws the session full-screen until it has ended, then puts the normal screen back. What is to be read afterwards is
 * for the caller to print.
 * @throws what a component threw, after the normal screen is back.
 */
export async function runTui(session: Session, terminal: Terminal): Promise<void> {
  const { stdin, stdout, stderr, plainCommand = 'kubectl harden --plain' } = terminal;
  const drawn: Drawn = { built: '', shown: '' };
  // Ink draws once more before a component hears of a new size: clipped to it, such a frame cannot wrap.
  const clipped = (
    <Box width="100%" overflow="hidden">
      <App session={session} look={lookOf(terminal)} drawn={drawn} plainCommand={plainCommand} />
    </Box>
  );
  const instance = render(clipped, {
    stdin,
    stdout,
    stderr,
    alternateScreen: true,
    exitOnCtrlC: false,
    interactive: true, // also where CI is set: a terminal was found
    incrementalRendering: true,
    onRender: () => {
      drawn.shown = drawn.built;
    },
  });
  const exited = instance.waitUntilExit();
  try {
    await Promise.race([session.ended, exited]);
  } finally {
    instance.unmount();
    await exited;
  }
}
