/** One word for a POSIX shell: as it stands where that is safe, else in single quotes. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** An argument list as a line for a POSIX shell. */
export function commandLine(command: readonly string[]): string {
  return command.map(quoted).join(' ');
}
