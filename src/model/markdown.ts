import { printable } from './escape.js';

/** Text from outside within Markdown: no control characters, and none that Markdown or HTML would act on. */
export function text(value: string): string {
  return printable(value).replaceAll(/[\\*_[\]<>|&`~]/g, (char) =>
    char === '<' ? '&lt;' : char === '&' ? '&amp;' : `\\${char}`,
  );
}

/** The same as code: between more backticks than stand together in it. */
export function code(value: string): string {
  const safe = printable(value);
  const longest = Math.max(0, ...[...safe.matchAll(/`+/g)].map(([run]) => run.length));
  if (longest === 0) return `\`${safe}\``;
  const fence = '`'.repeat(longest + 1);
  return `${fence} ${safe} ${fence}`;
}
