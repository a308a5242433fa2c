import { asciiOnly, SIGNS, type SignName } from '../model/signs.js';

/** How text is written: columns, characters beyond ASCII, colours. */
export interface Style {
  width: number;
  unicode: boolean;
  colour: boolean;
}

export const PLAIN: Style = { width: 80, unicode: true, colour: false };

/** What a piece of text is, in colour. Colour never carries what no sign or word says. */
export type Tone = 'title' | 'good' | 'warn' | 'bad' | 'quiet';

const CODES: Record<Tone, readonly [number, number]> = {
  title: [1, 22],
  good: [32, 39],
  warn: [33, 39],
  bad: [31, 39],
  quiet: [2, 22],
};

export function paint(style: Style, tone: Tone, text: string): string {
  const [on, off] = CODES[tone];
  return style.colour ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}

export function sign(style: Style, name: SignName): string {
  return SIGNS[name][style.unicode ? 0 : 1];
}

/** `1 change`, `12 changes`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** Text for a terminal without UTF-8: what has a stand-in gets it, anything else becomes `?`. */
export function encoded(style: Style, text: string): string {
  return style.unicode ? text : asciiOnly(text);
}
