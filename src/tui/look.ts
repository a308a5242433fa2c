import { printable } from '../model/escape.js';
import { asciiOnly, type SignName } from '../model/signs.js';
import { ASCII, type Glyphs, UNICODE } from './signs.js';
import { COLOURLESS, type Role, type Style, THEME } from './theme.js';
import { cutEnd, cutMiddle } from './width.js';

/** One coloured piece of a line. */
export interface Span {
  text: string;
  role: Role;
}

/** How this terminal is drawn on: its characters, its colours, and what text from outside becomes. */
export interface Look {
  g: Glyphs;
  style(role: Role): Style;
  /** Any text from outside as it may be shown here: no control characters, no characters the terminal lacks. */
  text(raw: string): string;
  /** A text from outside in at most `width` columns, cut at its end. */
  cut(raw: string, width: number): string;
  /** A name from outside in at most `width` columns, cut in its middle. */
  name(raw: string, width: number): string;
  sign(name: SignName): Span;
}

const SIGN_ROLES: Record<SignName, Role> = {
  ok: 'ok',
  changes: 'info',
  question: 'warn',
  advice: 'dim',
  notVisible: 'dim',
  breaks: 'warn',
  failed: 'bad',
  skipped: 'dim',
};

/** The look for a terminal that has UTF-8 or not, colours or not. */
export function lookOf(terminal: { unicode: boolean; colour: boolean }): Look {
  const g = terminal.unicode ? UNICODE : ASCII;
  const styles = terminal.colour ? THEME : COLOURLESS;
  const text = (raw: string) => (terminal.unicode ? printable(raw) : asciiOnly(printable(raw)));
  return {
    g,
    style: (role) => styles[role],
    text,
    cut: (raw, width) => cutEnd(text(raw), width, g.ellipsis),
    name: (raw, width) => cutMiddle(text(raw), width, g.ellipsis),
    sign: (name) => ({ text: g.signs[name].padEnd(g.signWidth), role: SIGN_ROLES[name] }),
  };
}
