import { isRecord, listAt, type Manifest, stringAt } from './manifest.js';
import { canonical } from './plan.js';

/**
 * Fields in the form of `metadata.managedFields[].fieldsV1` (structured-merge-diff): `f:NAME` a field, `k:{...}` the
 * item of a list with these keys, `v:VALUE` the item of a set, `.` the place itself. An empty map is a whole value.
 */
export type FieldSet = { readonly [path: string]: FieldSet };

/** The fields that a field manager owns by server-side apply; empty where it owns none. */
export function appliedFields(object: Manifest, manager: string): FieldSet {
  const entry = listAt(object, 'metadata', 'managedFields').find(
    (one) =>
      stringAt(one, 'manager') === manager &&
      stringAt(one, 'operation') === 'Apply' &&
      stringAt(one, 'subresource') === undefined,
  );
  const fields = isRecord(entry) ? entry.fieldsV1 : undefined;
  return isRecord(fields) ? (fields as FieldSet) : {};
}

/**
 * What an object holds in these fields, with its name and the keys of list items: as manifest of a server-side apply it
 * sets exactly them. Fields that the object does not have are left out.
 */
export function projected(object: Manifest, fields: FieldSet): Manifest {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace } = metadata;
  const taken = part(object, fields);
  const { apiVersion: _version, kind: _kind, status: _status, metadata: meta, ...rest } = taken;
  const { labels, annotations, finalizers, ownerReferences } = isRecord(meta) ? meta : {};
  const kept = Object.fromEntries(
    Object.entries({ labels, annotations, finalizers, ownerReferences }).filter(([, v]) => v !== undefined),
  );
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...kept },
    ...rest,
  };
}

function part(value: Record<string, unknown>, fields: FieldSet): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [path, inner] of Object.entries(fields)) {
    if (!path.startsWith('f:')) continue;
    const key = path.slice(2);
    if (!Object.hasOwn(value, key)) continue;
    out[key] = held(value[key], inner);
  }
  return out;
}

function held(value: unknown, fields: FieldSet): unknown {
  const below = Object.keys(fields).filter((path) => path !== '.');
  if (below.length === 0) {
    // Only the place: the map or list is there, and what is in it belongs to others.
    if ('.' in fields) return Array.isArray(value) ? [] : isRecord(value) ? {} : value;
    return value;
  }
  if (isRecord(value)) return part(value, fields);
  return Array.isArray(value) ? items(value, fields) : value;
}

function items(list: readonly unknown[], fields: FieldSet): unknown[] {
  return list.flatMap((item) => {
    for (const [path, inner] of Object.entries(fields)) {
      if (path.startsWith('v:') && canonical(item) === canonical(parsed(path.slice(2)))) return [item];
      if (!path.startsWith('k:') || !isRecord(item)) continue;
      const keys = parsed(path.slice(2));
      if (!isRecord(keys)) continue;
      if (Object.entries(keys).every(([key, wanted]) => canonical(item[key]) === canonical(wanted)))
        return [{ ...keys, ...part(item, inner) }];
    }
    return [];
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
