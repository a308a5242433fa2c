import stringWidth from 'string-width';
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

/** A text broken between words into lines of at most `width` columns, each behind an indent; a long word stands alone. */
export function fold(
  text: string,
  width: number,
  first: string,
  rest = ' '.repeat(stringWidth(first)),
): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ')) {
    const joined = empty ? line + word : `${line} ${word}`;
    if (!empty && stringWidth(joined) > width) {
      lines.push(line);
      line = rest + word;
    } else line = joined;
    empty = false;
  }
  lines.push(line);
  return lines;
}

/** At most so many of these lines; the last one then ends with `…`, within the width. */
export function atMost(lines: readonly string[], most: number, width: number): readonly string[] {
  if (lines.length <= most) return lines;
  const words = (lines[most - 1] ?? '').split(' ');
  while (words.length > 1 && stringWidth(`${words.join(' ')} …`) > width) words.pop();
  return [...lines.slice(0, most - 1), `${words.join(' ')} …`];
}

/** `1 change`, `12 changes`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** Text for a terminal without UTF-8: what has a stand-in gets it, anything else becomes `?`. */
export function encoded(style: Style, text: string): string {
  return style.unicode ? text : asciiOnly(text);
}
