import { printable } from '../model/escape.js';
import { encoded, type Style } from '../report/style.js';

/** Where lines go. */
export interface Writer {
  style: Style;
  /** Rows of the terminal. */
  rows(): number;
  say(...lines: readonly string[]): void;
  /** Text of a cluster or a step as it may stand in a question. */
  text(text: string): string;
}

export function writerTo(stdout: NodeJS.WriteStream, style: Style): Writer {
  return {
    style,
    rows: () => stdout.rows ?? 24,
    say: (...lines) => stdout.write(lines.map((line) => `${encoded(style, line)}\n`).join('')),
    text: (text) => encoded(style, printable(text)),
  };
}
