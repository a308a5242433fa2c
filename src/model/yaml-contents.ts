import { CORE_SCHEMA, loadAll, mergeTag } from 'js-yaml';
import { type Document, isCollection, LineCounter, parseAllDocuments, visit } from 'yaml';

/** What is wrong with a YAML text, and on which of its lines, from 1. */
export interface YamlFault {
  line: number;
  message: string;
}

export interface YamlContents {
  /** The value of each document that could be read; empty documents have none. */
  values: readonly unknown[];
  faults: readonly YamlFault[];
}

export interface YamlLimits {
  /** How far aliases may blow a document up: the parser's own count of nodes made from aliases. */
  aliases: number;
  /** Deepest nesting. */
  depth: number;
}

/** What to do about a text with `{{ }}` in places where Kubernetes has names and numbers. */
export const UNRENDERED =
  'is a template that is not rendered; render it first (helm template, kubectl kustomize or what it was written for) and give the result';

const SCHEMA = CORE_SCHEMA.withTags(mergeTag);

/**
 * The documents of a YAML text. Two parsers read it: a fast one what is plain and right, which nearly all files are, and
 * whatever that one refuses, or has aliases, one that counts what aliases make, goes on after errors and knows lines.
 */
export function yamlContents(text: string, limits: YamlLimits): YamlContents {
  return plainContents(text, limits) ?? thoroughContents(text, limits);
}

/** Directives, tabs before a line, anchors, tags, old line ends: not all that is wrong with them is noticed by the fast parser. */
const RARE = /^(?:%| *\t)|(?:^|[ \t])[&!]\S|\r(?!\n)/m;
/** Something behind a value in quotes or brackets that is an item of a list: the fast parser takes it for the next key. */
const BEHIND_ITEM = /^[ \t]*-[ \t]+(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*'|[[{].*[\]}])[ \t]*[^\s:#,\]}]/m;

/** The fast parser's contents; undefined where the text is not plain: it has an error, an alias, or what stands above. */
export function plainContents(text: string, { depth }: YamlLimits): YamlContents | undefined {
  if (RARE.test(text) || BEHIND_ITEM.test(text)) return undefined;
  try {
    const values = loadAll(text, { schema: SCHEMA, maxAliases: 0, maxDepth: depth });
    return { values: values.filter((value) => value !== null && value !== undefined), faults: [] };
  } catch {
    return undefined;
  }
}

/** The thorough parser's contents, of any text. */
export function thoroughContents(text: string, limits: YamlLimits): YamlContents {
  const lines = new LineCounter();
  const values: unknown[] = [];
  const faults: YamlFault[] = [];
  const fault = (offset: number, message: string) =>
    faults.push({ line: Math.max(1, lines.linePos(offset).line), message });
  for (const document of parseAllDocuments(text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
    logLevel: 'error', // the parser's warnings go to stderr by themselves, without a file
  })) {
    const wrong = document.errors.filter((error) => error.code !== 'DUPLICATE_KEY');
    // One broken line brings others with it; the first says where to look.
    const [error] = wrong.length > 0 ? wrong : document.errors;
    const start = document.contents?.range?.[0] ?? 0;
    const odd = collectionKey(document);
    if ((wrong.length > 0 || odd !== undefined) && isTemplate(text)) {
      fault(start, UNRENDERED);
      continue;
    }
    if (error !== undefined) fault(error.pos[0], faultText(error.message, limits));
    if (wrong.length > 0) continue;
    if (odd !== undefined) {
      fault(odd, 'has a list or a map as a key');
      continue;
    }
    try {
      const value: unknown = document.toJS({ maxAliasCount: limits.aliases });
      if (value !== null && value !== undefined) values.push(value);
    } catch (error) {
      fault(start, error instanceof Error ? faultText(error.message, limits) : 'cannot be read');
    }
  }
  return { values, faults };
}

/** The first line of what the parser says; where it speaks of its own limits, what that means for the file. */
function faultText(words: string, { aliases, depth }: YamlLimits): string {
  if (/^Excessive alias/.test(words))
    return `its aliases would blow it up to more than ${aliases.toLocaleString('en-US')} nodes; write it without them`;
  // Far more levels than are read: the parser asks itself once for each.
  if (/call stack/.test(words)) return `is nested deeper than ${depth} levels`;
  return words.split('\n')[0] || 'is not YAML';
}

/** Whether a text that is no YAML of Kubernetes holds what template languages put where a value or a line begins. */
function isTemplate(text: string): boolean {
  return /(?:^|[:{,[-])[ \t]*[\w.-]*\{\{/m.test(text);
}

/** Where a key is a map or a list: such keys have no form in JSON. */
function collectionKey(document: Document.Parsed): number | undefined {
  let found: number | undefined;
  visit(document, {
    Pair: (_, { key }) => {
      if (!isCollection(key)) return undefined;
      found = key.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return found;
}
