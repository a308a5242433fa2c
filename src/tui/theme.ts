import type { TextProps } from 'ink';

/** What a piece of text is, not how it looks. */
export type Role =
  | 'plain'
  | 'title'
  | 'dim'
  | 'key'
  | 'cursor'
  | 'ok'
  | 'info'
  | 'warn'
  | 'bad'
  | 'add'
  | 'remove';

export type Style = Pick<TextProps, 'bold' | 'dimColor' | 'color'>;

/** The one place where colours are chosen. The sixteen terminal colours only: they follow the user's own scheme. */
export const THEME: Readonly<Record<Role, Style>> = {
  plain: {},
  title: { bold: true },
  dim: { dimColor: true },
  key: { color: 'cyan' },
  cursor: { bold: true, color: 'cyan' },
  ok: { color: 'green' },
  info: { color: 'cyan' },
  warn: { color: 'yellow' },
  bad: { color: 'red' },
  add: { color: 'green' },
  remove: { color: 'red' },
};

/** The same without colours: weight stays, and every meaning is in a sign, a word or the +/- of a line. */
export const COLOURLESS: Readonly<Record<Role, Style>> = Object.fromEntries(
  Object.entries(THEME).map(([role, { color: _color, ...style }]) => [role, style]),
) as Record<Role, Style>;
