import stringWidth from 'string-width';

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
