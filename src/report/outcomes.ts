import { oneLine, printable } from '../model/escape.js';
import { changeName } from '../model/plan.js';
import type { SignName } from '../model/signs.js';
import type { Done } from '../wizard/state.js';
import { fold } from './fold.js';
import { type Style, sign } from './style.js';

/** How a change ended: its sign and its word. */
export const OUTCOMES: Record<Done['outcome'], { mark: SignName; word: string }> = {
  applied: { mark: 'ok', word: 'done' },
  left: { mark: 'changes', word: 'left for you' },
  failed: { mark: 'failed', word: 'failed' },
  stale: { mark: 'failed', word: 'changed meanwhile' },
  interrupted: { mark: 'skipped', word: 'stopped' },
};

/** What happened to one change, and what that is based on. */
export function doneLines({ change, outcome, message }: Done, style: Style): string[] {
  const { mark, word } = OUTCOMES[outcome];
  const text = `${word}: ${printable(changeName(change), 200)}: ${oneLine(message)}`;
  return fold(text, style.width, `  ${sign(style, mark)} `);
}
