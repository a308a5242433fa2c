/** One word for a POSIX shell: as it stands where that is safe, else in single quotes. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** An argument list as a line for a POSIX shell. */
export function commandLine(command: readonly string[]): string {
  return command.map(quoted).join(' ');
}

/**
 * The words of a command line as a POSIX shell splits them: blanks, quotes and backslashes; nothing is expanded.
 * Undefined where a quote is not closed.
 */
export function wordsOf(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? '';
    const next = line[at + 1] ?? '';
    if (quote !== '' && char === quote) quote = '';
    else if (char === '\\' && quote !== "'" && (quote === '' || next === '"' || next === '\\')) {
      if (next === '') return undefined;
      word = (word ?? '') + next;
      at++;
    } else if (quote !== '') word += char;
    else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== '') return undefined;
  return word === undefined ? words : [...words, word];
}
