import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';

/** Text to put in place of the characters from `from` up to `to`. */
export interface Splice {
  from: number;
  to: number;
  text: string;
}

/** A place in a YAML text that is written in a way that is not edited here. */
export class SpliceError extends Error {
  override name = 'SpliceError';
}

/** The text with every splice made. What lies between them stays byte for byte; they must not overlap. */
export function spliced(text: string, splices: readonly Splice[]): string {
  // Of two at one place the first named comes first.
  const ordered = splices
    .map((splice, at) => ({ ...splice, at }))
    .toSorted((a, b) => b.from - a.from || b.at - a.at);
  return ordered.reduce((out, { from, to, text: put }) => out.slice(0, from) + put + out.slice(to), text);
}

/** A value to add, as block lines without indentation (`lines`) and in flow style (JSON). */
export interface Addition {
  lines: readonly string[];
  flow: string;
}

/** Adds an item at the end of a list, in the list's own style and indentation. */
export function appended(text: string, list: YAMLSeq, { lines, flow }: Addition): Splice {
  const last = list.items.at(-1);
  if (list.flow === true) return inFlow(text, list, last, flow);
  const first = startOf(list);
  if (!isNode(last) || text[first] !== '-')
    throw new SpliceError('a list is empty or not written line by line');
  const indent = columnOf(text, first);
  return block(
    text,
    endOf(last),
    lines.map((line, at) => `${' '.repeat(indent)}${at === 0 ? '- ' : '  '}${line}`),
  );
}

/** Adds a field at the end of a map. */
export function added(text: string, map: YAMLMap, { lines, flow }: Addition): Splice {
  const last = map.items.at(-1);
  if (map.flow === true) return inFlow(text, map, last, flow);
  if (last === undefined) throw new SpliceError('a map is empty');
  const indent = columnOf(text, startOf(map));
  return block(
    text,
    endOf(last),
    lines.map((line) => `${' '.repeat(indent)}${line}`),
  );
}

/** Puts another scalar in the place of one; `plain` as it stands where the old one was not quoted. */
export function replaced(text: string, node: Node, value: string): Splice {
  if (!isScalar(node)) throw new SpliceError('a value is not a single word');
  const [from, to] = rangeOf(node);
  const quoted = text[from] === '"' || text[from] === "'";
  return { from, to, text: quoted ? JSON.stringify(value) : value };
}

/** Takes an item out of a list, with its lines and the comment behind it. */
export function removed(text: string, list: YAMLSeq, index: number): Splice {
  const item = list.items[index];
  if (!isNode(item)) throw new SpliceError('an item of a list is empty');
  if (list.flow === true) {
    const before = list.items[index - 1];
    const after = list.items[index + 1];
    if (isNode(before)) return { from: endOf(before), to: endOf(item), text: '' };
    return { from: startOf(item), to: isNode(after) ? startOf(after) : endOf(item), text: '' };
  }
  if (list.items.length === 1) throw new SpliceError('it is the only item of its list');
  const from = text.lastIndexOf('\n', startOf(item) - 1) + 1;
  if (!/^ *- *$/.test(text.slice(from, startOf(item)))) throw new SpliceError('an item shares its line');
  return { from, to: lineAfter(text, endOf(item)), text: '' };
}

/** New lines behind the line in which something ends. */
function block(text: string, end: number, lines: readonly string[]): Splice {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const at = lineAfter(text, end);
  // A file whose last line has no end gets it, and keeps having none behind it.
  const open = at > 0 && text[at - 1] !== '\n';
  const body = lines.join(newline);
  return { from: at, to: at, text: open ? `${newline}${body}` : `${body}${newline}` };
}

function inFlow(text: string, parent: YAMLSeq | YAMLMap, last: unknown, flow: string): Splice {
  if (last === undefined) {
    const at = rangeOf(parent)[0] + 1;
    return { from: at, to: at, text: flow };
  }
  const at = endOf(last);
  const start = startOf(last);
  const line = text.lastIndexOf('\n', start - 1) + 1;
  const lead = text.slice(line, start);
  const ownLine = line > 0 && /^[ \t]*$/.test(lead);
  return { from: at, to: at, text: ownLine ? `,\n${lead}${flow}` : `, ${flow}` };
}

/** Begin of the line after the one that holds this place; a block scalar ends at such a begin already. */
function lineAfter(text: string, at: number): number {
  if (at > 0 && text[at - 1] === '\n') return at;
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}

function columnOf(text: string, at: number): number {
  return at - (text.lastIndexOf('\n', at - 1) + 1);
}

function startOf(node: unknown): number {
  if (isPair(node)) return startOf(node.key);
  if (!isNode(node)) throw new SpliceError('a place is empty');
  return rangeOf(node)[0];
}

/** Where the last character of a value or a field ends; ranges of blocks include what follows them. */
function endOf(node: unknown): number {
  if (isPair(node)) {
    const { key, value } = node as Pair;
    return isNode(value) && (value.range?.[1] ?? 0) > 0 ? endOf(value) : endOf(key);
  }
  if ((isMap(node) || isSeq(node)) && node.flow !== true && node.items.length > 0)
    return endOf(node.items.at(-1));
  if (!isNode(node)) throw new SpliceError('a place is empty');
  return rangeOf(node)[1];
}

function rangeOf(node: Node): readonly [number, number] {
  if (node.range === undefined || node.range === null) throw new SpliceError('a place has no position');
  return [node.range[0], node.range[1]];
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value);
}
