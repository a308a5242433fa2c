import { oneLine } from '../model/escape.js';
import { fold } from '../report/fold.js';
import { progressTeller } from '../report/progress.js';
import type { Style } from '../report/style.js';
import type { Session } from '../wizard/state.js';
import { type Asker, Interrupted, Withdrawn } from './ask.js';
import { lineAsker } from './lines.js';
import { progress } from './progress.js';
import { type Asking, type Desk, SCREENS } from './screens.js';
import { writerTo } from './writer.js';

/** The terminal of the line prompts. */
export interface Terminal {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  style: Style;
  /** It cannot move its cursor (TERM=dumb): numbered lists and whole lines instead of Inquirer's prompts. */
  dumb: boolean;
}

/**
 * Leads a session by questions, line by line, until it has ended and all is on disk. The very same session as the
 * full-screen wizard: this only shows its state and sends its events.
 */
export async function runPlain(session: Session, terminal: Terminal): Promise<void> {
  const { stdin, stdout, style, dumb } = terminal;
  // Inquirer is loaded only where it is used: it takes over stdin.
  const ask: Asker = dumb
    ? lineAsker(stdin, stdout)
    : (await import('./inquirer.js')).inquirerAsker(stdin, stdout);
  const tell = progressTeller(style);
  const desk: Desk = { session, ask, out: writerTo(stdout, style), opened: new Set() };
  try {
    for (;;) {
      const { screen, notice } = session.state;
      if (screen.at === 'left') break;
      if (!isAsking(screen.at)) await wait(desk, tell);
      else {
        if (notice !== undefined) desk.out.say('', ...fold(oneLine(notice), style.width, ''));
        await answer(desk, screen.at);
      }
    }
    await session.ended;
  } finally {
    ask.close();
  }
}

function isAsking(at: string): at is Asking {
  return Object.hasOwn(SCREENS, at);
}

/** Waits for work to end; what is typed meanwhile is swallowed. */
async function wait({ session, ask, out }: Desk, tell: ReturnType<typeof progressTeller>): Promise<void> {
  const interrupt = () => session.send({ type: 'interrupt' });
  const end = ask.busy(interrupt);
  try {
    await progress(session, out, tell, (at) => isAsking(at) || at === 'left');
  } finally {
    end();
  }
}

/** Asks; a session that ends from outside (a signal) takes the question back. */
async function answer(desk: Desk, at: Asking): Promise<void> {
  const { session, ask } = desk;
  const stop = session.subscribe(() => {
    if (session.state.screen.at === 'left') ask.withdraw();
  });
  try {
    await SCREENS[at](desk);
  } catch (error) {
    if (error instanceof Interrupted) session.send({ type: 'interrupt' });
    else if (!(error instanceof Withdrawn)) throw error;
  } finally {
    stop();
  }
}
