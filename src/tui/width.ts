import stringWidth from 'string-width';

const ASCII = /^[\x20-\x7e]*$/;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** What was measured lately: the same names stand on frame after frame, and measuring beyond ASCII is slow. */
const measured = new Map<string, number>();
const MOST_MEASURED = 5_000;

/** How many terminal columns a text takes; measured as Ink measures it, so that both agree on where a line ends. */
export function columns(text: string): number {
  if (ASCII.test(text)) return text.length;
  const known = measured.get(text);
  if (known !== undefined) return known;
  if (measured.size >= MOST_MEASURED) measured.clear();
  const width = stringWidth(text);
  measured.set(text, width);
  return width;
}

/** A text of at most `width` columns: cut at its end, with `mark` in place of what is missing. */
export function cutEnd(text: string, width: number, mark: string): string {
  if (columns(text) <= width) return text;
  const room = width - columns(mark);
  return room < 0 ? head(mark, Math.max(0, width)) : `${head(text, room)}${mark}`;
}

/** A text of at most `width` columns: cut in its middle, so that the end that tells names apart stays. */
export function cutMiddle(text: string, width: number, mark: string): string {
  if (columns(text) <= width) return text;
  const room = width - columns(mark);
  if (room < 2) return cutEnd(text, width, mark);
  const tail = Math.ceil(room / 2);
  return `${head(text, room - tail)}${mark}${last(text, tail)}`;
}

/** A text filled with spaces on its right up to `width` columns. */
export function padRight(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columns(text)));
}

/** A text filled with spaces on its left up to `width` columns: how numbers are aligned. */
export function padLeft(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - columns(text))) + text;
}

/** A text without its first `count` columns; a wide character that is cut in two becomes a space. */
export function dropColumns(text: string, count: number): string {
  if (count <= 0) return text;
  if (ASCII.test(text)) return text.slice(count);
  let gone = 0;
  let out = '';
  for (const { segment } of graphemes.segment(text)) {
    if (gone >= count) out += segment;
    else {
      gone += columns(segment);
      if (gone > count) out += ' '.repeat(gone - count);
    }
  }
  return out;
}

/**
 * A text as lines of at most `width` columns (the first of `first`), broken between words; words that are longer than a
 * line are broken anywhere.
 */
export function wrap(text: string, width: number, first = width): string[] {
  if (width < 1) return [];
  const room = () => (lines.length === 0 ? first : width);
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (columns(joined) <= room()) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    while (columns(word) > room()) {
      const part = head(word, room()) || '?'; // a character wider than the line
      lines.push(part);
      word = dropColumns(word, Math.max(1, columns(part)));
    }
    line = word;
  }
  lines.push(line);
  return lines;
}

function head(text: string, width: number): string {
  if (ASCII.test(text)) return text.slice(0, width);
  let used = 0;
  let out = '';
  for (const { segment } of graphemes.segment(text)) {
    used += columns(segment);
    if (used > width) break;
    out += segment;
  }
  return out;
}

function last(text: string, width: number): string {
  if (ASCII.test(text)) return text.slice(text.length - width);
  let used = 0;
  let out = '';
  for (const { segment } of [...graphemes.segment(text)].reverse()) {
    used += columns(segment);
    if (used > width) break;
    out = segment + out;
  }
  return out;
}
