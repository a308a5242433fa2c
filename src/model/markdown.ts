import { printable } from './escape.js';

/** Text from outside within Markdown: no control characters, and none that Markdown or HTML would act on. */
export function text(value: string): string {
  return printable(value).replaceAll(/[\\*_[\]<>|&]/g, (char) =>
    char === '<' ? '&lt;' : char === '&' ? '&amp;' : `\\${char}`,
  );
}

/** The same as code. */
export function code(value: string): string {
  const safe = printable(value);
  return safe.includes('`') ? `\`\` ${safe} \`\`` : `\`${safe}\``;
}
