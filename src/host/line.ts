import type { Stamped } from '../model/journal.js';

/** Version of the journal's lines. A higher one is refused: this program would misread it. */
export const JOURNAL_VERSION = 1;

/** One line of a journal, with its line feed. */
export function lineOf(stamped: Stamped): string {
  return `${JSON.stringify({ v: JOURNAL_VERSION, ...stamped })}\n`;
}
