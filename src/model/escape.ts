/**
 * Characters that could move the cursor, change colours, reverse the order of text or hide some of it: controls (C0
 * and C1), format characters (bidirectional controls of Unicode UAX #9, zero-width characters, tags, soft hyphens),
 * lone surrogates, line and paragraph separators.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** Longest line shown of anything that comes from a cluster or a file. */
const LONGEST = 2_000;

/** Text from outside as it may reach a terminal: unsafe characters as `\xNN` or `\u{NNNN}`, over-long lines cut. */
export function printable(text: string, longest = LONGEST): string {
  const safe = text.replace(UNSAFE, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
  if (safe.length <= longest) return safe;
  const cut = safe.slice(0, longest).replace(/[\ud800-\udbff]$/, '');
  return `${cut}… (${safe.length - cut.length} more characters)`;
}

/** The same for text of several lines: line feeds stay. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line))
    .join('\n');
}

/** A message of our own in several lines as one; what stands in them is made `printable`. */
export function oneLine(message: string): string {
  const lines = message.split('\n').map((line) => line.trim());
  return printable(lines.filter((line) => line !== '').join(' '));
}

/** A name cut in its middle, so that the end that tells it apart stays. */
export function cutMiddle(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  if (width <= 1) return '…'.slice(0, Math.max(0, width));
  const tail = Math.ceil((width - 1) / 2);
  return `${characters.slice(0, width - 1 - tail).join('')}…${characters.slice(-tail).join('')}`;
}
