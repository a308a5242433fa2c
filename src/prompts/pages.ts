import type { Asker } from './ask.js';
import type { Writer } from './writer.js';

/** Writes lines a page at a time and asks after each whether to go on. */
export async function pages(lines: readonly string[], ask: Asker, out: Writer): Promise<void> {
  const size = Math.max(5, out.rows() - 3);
  for (let from = 0; from < lines.length; from += size) {
    out.say(...lines.slice(from, from + size));
    const left = lines.length - from - size;
    if (left > 0 && !(await ask.yes(`Show more? (${left} lines)`, true))) return;
  }
}
