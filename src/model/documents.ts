import { isListOfFiles, nameIn, refusal, sourceOf } from './document-faults.js';
import { jsonValues, looksLikeJson, parsedJson } from './json-values.js';
import { isRecord, type Manifest, refOf, refText } from './manifest.js';
import { yamlContents } from './yaml-contents.js';
import { splitList } from './yaml-list.js';

/** Something of a file that could not be taken; the rest of it still is. */
export interface FileProblem {
  file: string;
  /** Which object, and where in the file, as far as it can be told. */
  where: string;
  message: string;
}

export interface Documents {
  objects: readonly Manifest[];
  problems: readonly FileProblem[];
}

export interface DocumentLimits {
  /** Longest YAML document that is parsed, in characters. JSON has no such limit: its parser is fast and takes no aliases. */
  yamlDocument: number;
  /** Largest single object, in characters of its text; a server stores 1.5 MiB at most. */
  object: number;
  /** How far YAML aliases may blow a document up: the parser's own count of nodes made from aliases. */
  aliases: number;
  /** Deepest nesting of an object. */
  depth: number;
}

export const LIMITS: DocumentLimits = {
  yamlDocument: 16_000_000,
  object: 3_000_000,
  aliases: 1_000,
  depth: 200,
};

/** Deepest level of lists that are items of lists. */
const LISTS_IN_LISTS = 8;

/** After so many parts of a text that should be JSON and are not, the rest of it is left. */
const MOST_BROKEN = 100;

/** Length from which a YAML list is taken apart before it is parsed, in characters. */
const LONG_LIST = 200_000;

/**
 * The Kubernetes objects of a file's text: JSON or YAML, several documents, `List` and typed lists (`PodList`) taken
 * apart. What is no object of Kubernetes (no kind or name) is a problem, as is what breaks a limit; nothing throws.
 */
export function readDocuments(text: string, file: string, limits: DocumentLimits = LIMITS): Documents {
  const reader = new Reader(file, limits);
  const bare = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  if (!reader.readJson(bare)) reader.readYaml(bare);
  return reader;
}

class Reader implements Documents {
  readonly objects: Manifest[] = [];
  readonly problems: FileProblem[] = [];
  private readonly file: string;
  private readonly limits: DocumentLimits;

  constructor(file: string, limits: DocumentLimits) {
    this.file = file;
    this.limits = limits;
  }

  /** Whether the whole text was one JSON value. */
  readJson(text: string): boolean {
    const value = /^\s*[[{]/.test(text) ? parsedJson(text) : undefined;
    if (value === undefined) return false;
    this.takeJson(value, text.length, 1);
    return true;
  }

  /** YAML documents; a document may also be JSON values, one after the other. */
  readYaml(text: string): void {
    let line = 1;
    for (const part of text.split(/^---(?=\s|$)/m)) {
      // Blank lines before a document are no part of it; after `---` the rest of that line is one.
      const blank = /^\s*\n/.exec(part)?.[0] ?? '';
      const first = line + lineBreaks(blank);
      const document = part.slice(blank.length);
      if (looksLikeJson(document)) this.readJsonValues(document, first);
      else if (/\S/.test(document)) this.readYamlDocument(document, first);
      line += lineBreaks(part);
    }
  }

  private readJsonValues(text: string, firstLine: number): void {
    let broken = 0;
    for (const { text: part, line, value } of jsonValues(text)) {
      const here = firstLine + line - 1;
      if (value !== undefined) {
        this.takeJson(value, part.length, here);
        continue;
      }
      // It may be YAML in braces; if it is not, that parser knows the line.
      this.readYamlObject(part, here);
      if (++broken < MOST_BROKEN) continue;
      this.problem(`line ${here}`, `the rest of the file is not read: ${MOST_BROKEN} parts were no JSON`);
      return;
    }
  }

  private takeJson(value: unknown, length: number, line: number): void {
    const here = `line ${line}`;
    if (!this.isTooLarge(value, length, here)) this.take(value, here);
  }

  private readYamlDocument(text: string, firstLine: number): void {
    const list = text.length > LONG_LIST ? splitList(text) : undefined;
    if (list === undefined) {
      this.readYamlObject(text, firstLine);
      return;
    }
    // One item at a time: all at once would take the parser a hundred times the text in memory.
    const { values, faults } = yamlContents(list.head, this.limits);
    const around = faults.length === 0 ? values[0] : undefined;
    for (const { text, line } of list.items) this.readYamlObject(text, firstLine + line, around);
  }

  /** `list`: the list that the object is an item of, without its items. */
  private readYamlObject(text: string, firstLine: number, list?: unknown): void {
    const here = `line ${firstLine}`;
    if (text.length > this.limits.yamlDocument) {
      const size = `${(text.length / 1e6).toFixed(0)} MB`;
      const limit = `${(this.limits.yamlDocument / 1e6).toFixed(0)} MB`;
      this.problem(
        here + nameIn(text),
        `is ${size} of YAML, more than the ${limit} that are read; give it as JSON`,
      );
      return;
    }
    const { values, faults } = yamlContents(text, this.limits);
    for (const { line, message } of faults)
      this.problem(`line ${firstLine + line - 1}${nameIn(text)}`, message);
    for (const value of values) {
      if (!isRecord(value)) this.problem(here, 'is not an object of Kubernetes');
      else if (!this.isTooLarge(value, text.length, here)) this.take(asItem(value, list), here);
    }
  }

  /** Whether a text that is one object, not a list of them, is more than any server would take. */
  private isTooLarge(value: unknown, length: number, here: string): boolean {
    if (length <= this.limits.object || !isRecord(value) || Array.isArray(value.items)) return false;
    const name = isRecord(value.metadata) ? ` ${value.metadata.name}` : '';
    this.problem(
      `${here}, ${value.kind}${name}`,
      `is ${(length / 1e6).toFixed(0)} MB, more than any server takes`,
    );
    return true;
  }

  private take(value: unknown, here: string, level = 0): void {
    if (level > LISTS_IN_LISTS) {
      this.problem(here, `holds lists in lists, more than ${LISTS_IN_LISTS} levels deep`);
      return;
    }
    if (Array.isArray(value)) {
      value.forEach((item, i) => {
        this.take(item, `${here}, item ${i + 1}`, level + 1);
      });
      return;
    }
    if (!isRecord(value)) {
      this.problem(here, 'is not an object of Kubernetes');
      return;
    }
    const { kind, apiVersion, items } = value;
    if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
      items.forEach((item: unknown, i) => {
        this.take(asItem(item, { kind, apiVersion }), `${here}, item ${i + 1}`, level + 1);
      });
      return;
    }
    const manifest = this.manifest(value, here);
    if (manifest !== undefined) this.objects.push(manifest);
  }

  private manifest(value: Record<string, unknown>, here: string): Manifest | undefined {
    const { kind, apiVersion, metadata } = value;
    const source = sourceOf(this.file, value);
    if (source !== undefined) {
      if (!isListOfFiles(value)) this.problem(here, `${source}; render it first and give the result`);
      return undefined;
    }
    if (typeof kind !== 'string' || typeof apiVersion !== 'string') {
      this.problem(here, 'has no kind or no apiVersion, so it is not an object of Kubernetes');
      return undefined;
    }
    const { name, namespace } = isRecord(metadata) ? metadata : {};
    if (typeof name !== 'string' || name === '') {
      const isMissing = name === undefined || name === null || name === '';
      this.problem(`${here}, ${kind}`, isMissing ? 'has no name' : 'its name is not text (quote it in YAML)');
      return undefined;
    }
    if (namespace !== undefined && namespace !== null && typeof namespace !== 'string') {
      this.problem(`${here}, ${kind} ${name}`, 'its namespace is not text (quote it in YAML)');
      return undefined;
    }
    const object = withoutEmptyNamespace(value as Manifest);
    const wrong = deeperThan(object, this.limits.depth)
      ? `is nested deeper than ${this.limits.depth} levels`
      : refusal(object);
    if (wrong === undefined) return object;
    this.problem(`${here}, ${refText(refOf(object))}`, wrong);
    return undefined;
  }

  private problem(where: string, message: string): void {
    this.problems.push({ file: this.file, where, message });
  }
}

/** `namespace: ""` and `namespace: null` say nothing. */
function withoutEmptyNamespace(object: Manifest): Manifest {
  const { namespace, ...metadata } = object.metadata;
  if (typeof namespace === 'string' && namespace !== '') return object;
  return { ...object, metadata };
}

/** An item of a list; items of a typed list (`PodList`) may leave out the kind, as the list says it for them. */
function asItem(item: unknown, list: unknown): unknown {
  if (!isRecord(item) || !isRecord(list) || typeof list.kind !== 'string') return item;
  const kind = list.kind.replace(/List$/, '');
  return kind === '' ? item : { apiVersion: list.apiVersion, kind, ...item };
}

function lineBreaks(text: string): number {
  return text.split('\n').length - 1;
}

function deeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  if (Array.isArray(value)) return value.some((inner) => deeperThan(inner, depth - 1));
  for (const key in value) if (deeperThan((value as Record<string, unknown>)[key], depth - 1)) return true;
  return false;
}
