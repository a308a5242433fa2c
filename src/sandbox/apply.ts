import { isRecord } from '../model/manifest.js';
import {
  compare,
  type FieldSet,
  fieldSchema,
  fieldSetOf,
  fieldText,
  holdsUnder,
  isGranular,
  itemElement,
  pathOf,
} from './fields.js';
import { type Managers, METADATA_PATH, managerKey, stripped, updateManagers } from './managers.js';
import type { ListOf, Schema, Struct } from './schema/types.js';
import { ApiError, type Cause } from './status.js';

type Fields = Record<string, unknown>;

/**
 * Server-side apply, as structured-merge-diff's `Updater.Apply`: the applied fields are laid over the live object,
 * fields that this manager applied before and now leaves out go unless somebody else owns them, and fields that
 * others own and that would change are conflicts (409) unless forced.
 * @param live the object without its managedFields; an empty one where it does not exist
 */
export function serverSideApply(
  schema: Struct,
  live: Fields,
  config: Fields,
  managers: Managers,
  who: { manager: string; apiVersion: string; force: boolean },
): { object: Fields; managers: Managers } {
  const key = managerKey({
    manager: who.manager,
    operation: 'Apply',
    apiVersion: who.apiVersion,
    subresource: '',
  });
  const owned = fieldSetOf(schema, stripped(config));
  owned.delete(METADATA_PATH);
  const before = managers.get(key)?.fields ?? new Set<string>();
  const others = [...managers].filter(([other]) => other !== key).map(([, entry]) => entry.fields);

  let merged = mergeValue(schema, live, config) as Fields;
  const gone = [...before].filter(
    (path) => !holdsUnder(owned, path) && !others.some((set) => holdsUnder(set, path)),
  );
  if (gone.length > 0) merged = (removeFields(schema, merged, new Set(gone), '') ?? {}) as Fields;

  const changed = compare(schema, stripped(live), stripped(merged));
  const touched = new Set([...changed.modified, ...changed.added]);
  const conflicts = new Map<string, FieldSet>();
  for (const [other, entry] of managers) {
    if (other === key) continue;
    const both = new Set([...entry.fields].filter((path) => touched.has(path)));
    if (both.size > 0) conflicts.set(other, both);
  }
  if (conflicts.size > 0 && !who.force) throw conflictError(managers, conflicts);
  const next = updateManagers(managers, changed, key);
  if (owned.size > 0)
    next.set(key, {
      id: { manager: who.manager, operation: 'Apply', apiVersion: who.apiVersion, subresource: '' },
      fields: owned,
      time: undefined,
    });
  else next.delete(key);
  return { object: merged, managers: next };
}

function conflictError(managers: Managers, conflicts: Map<string, FieldSet>): ApiError {
  const causes: Cause[] = [...conflicts].flatMap(([key, paths]) => {
    const id = managers.get(key)!.id;
    const using = id.operation === 'Update' ? ` using ${id.apiVersion}` : '';
    return [...paths].toSorted().map((path) => ({
      reason: 'FieldManagerConflict' as const,
      message: `conflict with "${id.manager}"${using}`,
      field: fieldText(path),
    }));
  });
  const count = causes.length === 1 ? '1 conflict' : `${causes.length} conflicts`;
  const text = causes.map((cause) => `${cause.message}: ${cause.field}`).join('\n');
  return new ApiError(409, 'Conflict', `Apply failed with ${count}: ${text}`, { causes });
}

function mergeValue(schema: Schema, live: unknown, config: unknown): unknown {
  const granular = isGranular(schema, config);
  if (granular === 'map' && isRecord(live) && isRecord(config)) {
    const result: Fields = { ...live };
    for (const [key, value] of Object.entries(config))
      result[key] = mergeValue(fieldSchema(schema, key) ?? { type: 'any' }, live[key], value);
    return result;
  }
  if (granular === 'list' && Array.isArray(live) && Array.isArray(config)) {
    const list = schema as ListOf;
    const wanted = new Map(config.map((item) => [itemElement(list, item), item]));
    const present = new Set(live.map((item) => itemElement(list, item)));
    return [
      ...live.map((item) => {
        const over = wanted.get(itemElement(list, item));
        return over === undefined ? item : mergeValue(list.of, item, over);
      }),
      ...[...wanted].filter(([element]) => !present.has(element)).map(([, item]) => item),
    ];
  }
  return config;
}

/** The value without these fields; undefined where nothing is left of it. */
function removeFields(schema: Schema, value: unknown, gone: FieldSet, path: string): unknown {
  const granular = isGranular(schema, value);
  if (granular === 'map') {
    const kept = Object.entries(value as Fields).flatMap(([key, inner]): [string, unknown][] => {
      const here = pathOf(path, `f:${key}`);
      if (!holdsUnder(gone, here)) return [[key, inner]];
      if (gone.has(here)) return [];
      const left = removeFields(fieldSchema(schema, key) ?? { type: 'any' }, inner, gone, here);
      return left === undefined ? [] : [[key, left]];
    });
    return kept.length === 0 ? undefined : Object.fromEntries(kept);
  }
  if (granular === 'list') {
    const list = schema as ListOf;
    const kept = (value as unknown[]).flatMap((item) => {
      const here = pathOf(path, itemElement(list, item));
      if (!holdsUnder(gone, here)) return [item];
      if (gone.has(here)) return [];
      const left = removeFields(list.of, item, gone, here);
      return left === undefined ? [] : [left];
    });
    return kept.length === 0 ? undefined : kept;
  }
  return value;
}

/** Refuses what is not of the kind's schema: apply, unlike create, drops nothing silently. */
export function checkTyped(schema: Schema, value: unknown, name: string, path = ''): void {
  const failure = (why: string): ApiError =>
    new ApiError(500, undefined, `failed to create typed patch object (${name}): ${path}: ${why}`);
  if (value === null || schema.type === 'any') return;
  if (schema.type === 'struct' || schema.type === 'map') {
    if (!isRecord(value)) throw failure('expected map');
    for (const [key, inner] of Object.entries(value)) {
      const field = fieldSchema(schema, key);
      if (field === undefined)
        throw new ApiError(
          500,
          undefined,
          `failed to create typed patch object (${name}): ${path}.${key}: field not declared in schema`,
        );
      checkTyped(field, inner, name, `${path}.${key}`);
    }
    return;
  }
  if (schema.type === 'list') {
    if (!Array.isArray(value)) throw failure('expected list');
    const seen = new Set<string>();
    for (const [index, item] of value.entries()) {
      checkTyped(schema.of, item, name, `${path}[${index}]`);
      if (schema.keys === undefined && schema.set !== true) continue;
      const element = itemElement(schema, item);
      if (seen.has(element)) throw failure(`duplicate entries for key ${element.slice(2)}`);
      seen.add(element);
    }
    return;
  }
  if (schema.type === 'bool' || schema.type === 'flag') {
    if (typeof value !== 'boolean') throw failure('expected boolean');
  } else if (schema.type === 'int') {
    if (typeof value !== 'number') throw failure('expected numeric (int or float)');
  } else if (schema.type === 'intOrString') {
    if (typeof value !== 'string' && typeof value !== 'number') throw failure('expected string or number');
  } else if (typeof value !== 'string') throw failure('expected string');
}
