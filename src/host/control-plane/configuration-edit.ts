import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { yamlText } from '../../model/hostfile.js';
import { at, isRecord, listAt, stringAt } from '../../model/manifest.js';
import { canonical } from '../../model/plan.js';
import { HostError } from '../errors.js';

/**
 * The text of an EncryptionConfiguration that says `content` and keeps what the old text has besides: comments, quotes,
 * the order of fields, YAML or JSON. Keys and providers move with the comments before them.
 * The result holds keys: it is for the file alone.
 * @param remove storage prefixes (`k8s:enc:secretbox:v1:key1:`) that may be missing from the new text; anything else
 *   that the old text reads has to stay
 * @throws HostError where a key would be lost or get another value, or the old text is no EncryptionConfiguration
 */
export function mergedConfiguration(text: string, content: unknown, remove: readonly string[] = []): string {
  const document = parseDocument(text, { version: '1.1', prettyErrors: false });
  const value: unknown = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 100 });
  if (!isRecord(value) || value.kind !== 'EncryptionConfiguration')
    throw new HostError('The file that is there is no EncryptionConfiguration; nothing was changed.');
  refuseLoss(value, content, remove);
  if (canonical(value) === canonical(content)) return text;
  if (text.trimStart().startsWith('{')) return `${JSON.stringify(content, null, jsonIndent(text))}\n`;
  const merged = inDocument(document, content, text);
  // Anchors or merge keys can make a node mean more than its place: then what counts is said, without the comments.
  return merged === undefined ? yamlText(content) : merged;
}

/** A key or plugin that a configuration can read with: its storage prefix, the resource, and the secret's value. */
interface Reader {
  prefix: string;
  resource: string;
  secret: string | undefined;
}

function readersOf(content: unknown): Reader[] {
  return listAt(content, 'resources').flatMap((entry) => {
    const readers = listAt(entry, 'providers').flatMap((provider) =>
      isRecord(provider)
        ? Object.entries(provider).flatMap(([kind, options]) => prefixesOf(kind, options))
        : [],
    );
    return listAt(entry, 'resources').flatMap((resource) =>
      readers.map((reader) => ({ ...reader, resource: String(resource) })),
    );
  });
}

function prefixesOf(kind: string, options: unknown): Omit<Reader, 'resource'>[] {
  if (kind === 'identity') return [];
  if (kind === 'kms') {
    const version = stringAt(options, 'apiVersion') ?? 'v1';
    return [{ prefix: `k8s:enc:kms:${version}:${stringAt(options, 'name') ?? ''}:`, secret: undefined }];
  }
  return listAt(options, 'keys').map((key) => ({
    prefix: `k8s:enc:${kind}:v1:${stringAt(key, 'name') ?? ''}:`,
    secret: stringAt(key, 'secret'),
  }));
}

/** Neither a key nor its value may go unless it is named; `identity` may: no value needs a key for it. */
function refuseLoss(before: unknown, after: unknown, remove: readonly string[]): void {
  const kept = readersOf(after);
  for (const reader of readersOf(before)) {
    if (remove.includes(reader.prefix)) continue;
    const same = kept.filter(
      ({ prefix, resource }) => prefix === reader.prefix && resource === reader.resource,
    );
    if (same.some(({ secret }) => secret === reader.secret)) continue;
    throw new HostError(
      same.length === 0
        ? `The new configuration could not read what is stored as ${reader.prefix} (${reader.resource}); nothing was changed.`
        : `The new configuration has another value for the key ${reader.prefix} (${reader.resource}); nothing was changed.`,
    );
  }
}

function inDocument(document: Document, content: unknown, text: string): string | undefined {
  const root = document.contents;
  if (!isMap(root) || !isRecord(content)) return undefined;
  setMap(document, root, content);
  const out = document.toString({ lineWidth: 0, indentSeq: !flatLists(text) });
  const read = parseDocument(out, { version: '1.1' });
  return read.errors.length === 0 && canonical(read.toJS()) === canonical(content) ? out : undefined;
}

/** Makes a node say a value, keeping the nodes within that go on saying what they said. */
function set(document: Document, node: unknown, value: unknown): Node {
  if (isMap(node) && isRecord(value)) return setMap(document, node, value);
  if (isSeq(node) && Array.isArray(value)) return setSeq(document, node, value);
  if (isScalar(node) && node.value === value) return node;
  return document.createNode(value);
}

function setMap(document: Document, map: YAMLMap, value: Record<string, unknown>): YAMLMap {
  for (const pair of [...map.items])
    if (!isScalar(pair.key) || !Object.hasOwn(value, String(pair.key.value))) map.delete(pair.key);
  for (const [key, inner] of Object.entries(value)) map.set(key, set(document, map.get(key, true), inner));
  return map;
}

function setSeq(document: Document, list: YAMLSeq, values: readonly unknown[]): YAMLSeq {
  const old = list.items.map((item) => ({ item, value: at({ it: toJs(document, item) }, 'it') }));
  const [first] = list.items;
  // What stands before the first item is said of that item, and moves with it.
  if (list.commentBefore && (isMap(first) || isScalar(first) || isSeq(first))) {
    first.commentBefore = [list.commentBefore, first.commentBefore].filter(Boolean).join('\n');
    list.commentBefore = null;
  }
  list.items = values.map((value) => {
    const index = bestMatch(
      old.map((one) => one.value),
      value,
    );
    const [taken] = index < 0 ? [] : old.splice(index, 1);
    return set(document, taken?.item, value);
  });
  return list;
}

function toJs(document: Document, node: unknown): unknown {
  return isMap(node) || isSeq(node) || isScalar(node) ? node.toJS(document) : undefined;
}

/** Which of the old items a new one goes on: the same, else the one that it shares a name with. */
function bestMatch(old: readonly unknown[], value: unknown): number {
  const equal = old.findIndex((one) => canonical(one) === canonical(value));
  if (equal >= 0) return equal;
  const names = namesIn(value);
  return old.findIndex((one) => namesIn(one).some((name) => names.includes(name)));
}

/** What an item of any list in a configuration is known by. */
function namesIn(value: unknown): string[] {
  if (!isRecord(value)) return [];
  const name = stringAt(value, 'name');
  if (name !== undefined) return [`key ${name}`];
  if (Array.isArray(value.resources)) return value.resources.map((one) => `resource ${String(one)}`);
  return Object.entries(value).flatMap(([kind, options]) =>
    kind === 'identity' ? ['identity'] : prefixesOf(kind, options).map(({ prefix }) => prefix),
  );
}

/** Whether lists stand at the column of their key, as Kubernetes' own programs write them. */
function flatLists(text: string): boolean {
  return /^( *)(?:- )?[A-Za-z]+:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*\1- /m.test(text);
}

function jsonIndent(text: string): string | number {
  return /\n([ \t]+)"/.exec(text)?.[1] ?? 0;
}
