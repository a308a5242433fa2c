import { Document, visit } from 'yaml';
import { printable } from './escape.js';
import { isRecord, refText } from './manifest.js';
import { text } from './markdown.js';
import { type HostChange, KEPT_PLACEHOLDER, KEY_PLACEHOLDER } from './plan.js';

/** Whether a key has to be put into the content of a file for a node. */
export function holdsKey(content: unknown): boolean {
  if (Array.isArray(content)) return content.some(holdsKey);
  return isRecord(content) ? Object.values(content).some(holdsKey) : content === KEY_PLACEHOLDER;
}

/** Whether a key has to stay in it that only the file on the node, or a copy of it, holds. */
export function holdsKeptKey(content: unknown): boolean {
  if (Array.isArray(content)) return content.some(holdsKeptKey);
  return isRecord(content) ? Object.values(content).some(holdsKeptKey) : content === KEPT_PLACEHOLDER;
}

/** The content of a file for a node as text: lists (JSON patches) as JSON, maps as YAML, text as it stands. */
export function hostFileText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return `${JSON.stringify(content, null, 2)}\n`;
  return yamlText(content);
}

/** Strings that some parser of YAML 1.1 takes for something else and that the library leaves plain. */
const AMBIGUOUS = /^(=|<<|[-+]?0o[0-7_]+)$/i;
/**
 * What the library does not escape within quotes: line breaks of YAML 1.1, and whatever would move the cursor of a
 * terminal or turn the order of a line around when the file is looked at.
 */
const RAW = /[\u007f-\u009f\p{Cf}\p{Cs}\u2028\u2029]/gu;
/** The same, and what it escapes only there. */
const ESCAPED = /[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\u2028\u2029]/u;

/**
 * A value as YAML that every Kubernetes program reads as it is meant: their parsers follow YAML 1.1, where `yes`, `on`
 * and `1:30` are no strings unless quoted.
 */
export function yamlText(value: unknown): string {
  return documentText(new Document(value, { version: '1.1', aliasDuplicateObjects: false }));
}

/** A document of YAML as text in which nothing stands raw that would move a terminal's cursor or turn a line around. */
export function documentText(document: Document): string {
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value !== 'string') return;
      if (AMBIGUOUS.test(node.value) || ESCAPED.test(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0 }).replace(RAW, (char) => {
    const code = (char.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** Name of the file beside a host change's files that tells a person what to do with them. */
export const INSTRUCTIONS_FILE = 'INSTRUCTIONS.md';

/** What to do on the control-plane nodes, in order, with what it may break, as Markdown. */
export function instructionsText(change: HostChange): string {
  return [
    `# ${text(refText(change.ref))}`,
    text(change.why),
    ...(change.breaks.length === 0
      ? []
      : [['Before you begin:', ...change.breaks.map((line) => `- ${text(line)}`)].join('\n')]),
    change.instructions.map((line, index) => `${index + 1}. ${printable(line, 8_000)}`).join('\n'),
    ...(change.files.length === 0
      ? []
      : [
          [
            'Files:',
            ...change.files.map(
              (file) =>
                `- \`${file.as}\` ${file.path === '' ? 'is for you to take from' : `goes to \`${file.path}\``}`,
            ),
          ].join('\n'),
        ]),
  ]
    .map((part) => `${part}\n`)
    .join('\n');
}
