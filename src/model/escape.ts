/**
 * Characters that could move the cursor, change colours, reverse the order of text or hide some of it: C0 and C1
 * controls, bidirectional controls (Unicode UAX #9), zero-width characters, line and paragraph separators.
 */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Longest line shown of anything that comes from a cluster or a file. */
const LONGEST = 2_000;

/** Text from outside as it may reach a terminal: unsafe characters as `\xNN` or `\u{NNNN}`, over-long lines cut. */
export function printable(text: string, longest = LONGEST): string {
  const safe = text.replace(UNSAFE, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
  return safe.length <= longest
    ? safe
    : `${safe.slice(0, longest)}… (${safe.length - longest} more characters)`;
}

/** The same for text of several lines: line feeds stay. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line))
    .join('\n');
}

/** A name cut in its middle, so that the end that tells it apart stays. */
export function cutMiddle(text: string, width: number): string {
  if (text.length <= width) return text;
  if (width <= 1) return '…'.slice(0, width);
  const tail = Math.ceil((width - 1) / 2);
  return `${text.slice(0, width - 1 - tail)}…${text.slice(text.length - tail)}`;
}
