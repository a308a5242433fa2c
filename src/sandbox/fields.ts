import { isRecord } from '../model/manifest.js';
import type { ListOf, Schema } from './schema/types.js';

/**
 * Sets of fields, as server-side apply owns them. A path is its elements (`f:name`, `k:{keys}`, `v:value`) joined by
 * a character that no name may hold. Rules: structured-merge-diff, `ToFieldSet` and `Compare`.
 */
export type FieldSet = Set<string>;

const JOIN = '\u0000';
const ANY: Schema = { type: 'any' };

export function pathOf(parent: string, element: string): string {
  return parent === '' ? element : `${parent}${JOIN}${element}`;
}

/** The schema of a field of an object-like value; undefined where values of this type have no fields of their own. */
export function fieldSchema(schema: Schema, key: string): Schema | undefined {
  if (schema.type === 'struct') return Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
  if (schema.type === 'map') return schema.of;
  return schema.type === 'any' ? ANY : undefined;
}

/** Whether a value merges field by field, or item by item, instead of being replaced as a whole. */
export function isGranular(schema: Schema, value: unknown): 'map' | 'list' | undefined {
  if (isRecord(value)) {
    if ((schema.type === 'struct' || schema.type === 'map') && schema.atomic !== true) return 'map';
    return schema.type === 'any' ? 'map' : undefined;
  }
  if (Array.isArray(value) && schema.type === 'list' && (schema.keys !== undefined || schema.set === true))
    return 'list';
  return undefined;
}

/** What tells an item of an associative list apart: `k:{"name":"web"}`, or `v:"value"` in a set. */
export function itemElement(schema: ListOf, item: unknown): string {
  if (schema.keys === undefined || !isRecord(item)) return `v:${JSON.stringify(item)}`;
  const keys = schema.keys
    .map((key): [string, unknown] => [key, item[key] ?? schema.keyDefaults?.[key]])
    .filter(([, value]) => value !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

/** Every field that a value sets. */
export function fieldSetOf(schema: Schema, value: unknown): FieldSet {
  const set: FieldSet = new Set();
  collect(schema, value, '', set);
  return set;
}

function collect(schema: Schema, value: unknown, path: string, set: FieldSet): void {
  const granular = isGranular(schema, value);
  if (granular === 'map') {
    for (const [key, inner] of Object.entries(value as Record<string, unknown>)) {
      const here = pathOf(path, `f:${key}`);
      collect(fieldSchema(schema, key) ?? ANY, inner, here, set);
      if (schema.type !== 'struct') set.add(here);
    }
    return;
  }
  if (granular === 'list') {
    const list = schema as ListOf;
    for (const item of value as unknown[]) {
      const here = pathOf(path, itemElement(list, item));
      collect(list.of, item, here, set);
      set.add(here);
    }
    return;
  }
  if (path !== '') set.add(path);
}

/**
 * The set with what a value says of containers that it holds without anything in them: owning such a container means
 * owning all that is in it now. Rule: structured-merge-diff, `ReconcileFieldSetWithSchema`, which takes it for a
 * field that was atomic once.
 */
export function reconciled(schema: Schema, value: unknown, set: FieldSet): FieldSet {
  const result = new Set(set);
  expand(schema, value, '', set, result);
  return result;
}

function expand(schema: Schema, value: unknown, path: string, set: FieldSet, result: FieldSet): void {
  const granular = isGranular(schema, value);
  if (granular === undefined) return;
  const items = granular === 'map' ? mapItems(schema, value) : listItems(schema, value);
  for (const [element, item] of items) {
    const here = pathOf(path, element);
    if (!holdsUnder(set, here)) continue;
    if (set.has(here) && !holdsBelow(set, here)) collect(item.schema, item.value, here, result);
    else expand(item.schema, item.value, here, set, result);
  }
}

export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

/** Which fields differ between two values of one type. */
export function compare(schema: Schema, before: unknown, after: unknown): Comparison {
  const result: Comparison = { added: new Set(), modified: new Set(), removed: new Set() };
  walk(schema, before, after, '', result);
  return result;
}

function walk(schema: Schema, before: unknown, after: unknown, path: string, out: Comparison): void {
  const granular = isGranular(schema, after ?? before);
  if (granular !== undefined && (before === undefined || after === undefined || sameShape(before, after))) {
    const [left, right] =
      granular === 'map'
        ? [mapItems(schema, before), mapItems(schema, after)]
        : [listItems(schema, before), listItems(schema, after)];
    for (const [element, item] of new Map([...left, ...right]))
      walk(item.schema, left.get(element)?.value, right.get(element)?.value, pathOf(path, element), out);
    if (path !== '' && before === undefined) out.added.add(path);
    if (path !== '' && after === undefined) out.removed.add(path);
    return;
  }
  if (path === '') return;
  if (before === undefined) out.added.add(path);
  else if (after === undefined) out.removed.add(path);
  else if (!equal(before, after)) out.modified.add(path);
}

type Items = Map<string, { schema: Schema; value: unknown }>;

function mapItems(schema: Schema, value: unknown): Items {
  if (!isRecord(value)) return new Map();
  return new Map(
    Object.entries(value).map(([key, inner]) => [
      `f:${key}`,
      { schema: fieldSchema(schema, key) ?? ANY, value: inner },
    ]),
  );
}

function listItems(schema: Schema, value: unknown): Items {
  if (!Array.isArray(value) || schema.type !== 'list') return new Map();
  return new Map(value.map((item) => [itemElement(schema, item), { schema: schema.of, value: item }]));
}

function sameShape(a: unknown, b: unknown): boolean {
  return Array.isArray(a) === Array.isArray(b) && isRecord(a) === isRecord(b);
}

/** Deep equality of JSON values; the order of keys does not count. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => equal(item, b[index]));
  if (!isRecord(a) || !isRecord(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]))
  );
}

/** Whether the set holds the path or anything below it. */
export function holdsUnder(set: FieldSet, path: string): boolean {
  return set.has(path) || holdsBelow(set, path);
}

function holdsBelow(set: FieldSet, path: string): boolean {
  const prefix = path + JOIN;
  for (const member of set) if (member.startsWith(prefix)) return true;
  return false;
}

/** The form of `managedFields[].fieldsV1`. */
export function toFieldsV1(set: FieldSet): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const path of [...set].toSorted()) {
    let here = root;
    for (const element of path.split(JOIN)) {
      here[element] ??= {};
      here = here[element] as Record<string, unknown>;
    }
    here['.'] = {};
  }
  return closeLeaves(root);
}

/** A member without members below it is written as an empty object, without the dot. */
function closeLeaves(node: Record<string, unknown>): Record<string, unknown> {
  const keys = Object.keys(node);
  if (keys.length === 1 && keys[0] === '.') return {};
  return Object.fromEntries(
    keys.toSorted().map((key) => [key, key === '.' ? {} : closeLeaves(node[key] as Record<string, unknown>)]),
  );
}

export function fromFieldsV1(value: unknown): FieldSet {
  const set: FieldSet = new Set();
  const visit = (node: unknown, path: string): void => {
    if (!isRecord(node)) return;
    const keys = Object.keys(node);
    if (keys.length === 0 && path !== '') set.add(path);
    for (const key of keys) {
      if (key === '.') set.add(path);
      else visit(node[key], pathOf(path, key));
    }
  };
  visit(value, '');
  return set;
}

/** A path as messages write it: `.spec.policyTypes`, `.spec.containers[name="web"].image`. */
export function fieldText(path: string): string {
  return path
    .split(JOIN)
    .map((element) => {
      const body = element.slice(2);
      if (element.startsWith('f:')) return `.${body}`;
      if (element.startsWith('v:')) return `[=${body}]`;
      const keys = Object.entries(JSON.parse(body) as Record<string, unknown>);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');
}
