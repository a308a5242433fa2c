import { isRecord, listAt, stringAt } from '../model/manifest.js';
import { type Comparison, equal, type FieldSet, fromFieldsV1, toFieldsV1 } from './fields.js';

/** Who owns which fields of an object: the content of `metadata.managedFields`. */
export type Managers = Map<string, ManagerEntry>;

export interface ManagerId {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource: string;
}

export interface ManagerEntry {
  id: ManagerId;
  fields: FieldSet;
  /** Undefined: changed by the request at hand. */
  time: string | undefined;
}

export function managerKey(id: ManagerId): string {
  return JSON.stringify([id.manager, id.operation, id.apiVersion, id.subresource]);
}

/** Metadata that is never owned: the server keeps it itself. */
const UNOWNED = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
];

/** An object without what is never owned: the server's own metadata, and status, which belongs to controllers. */
export function stripped(object: Record<string, unknown>): Record<string, unknown> {
  const { apiVersion: _version, kind: _kind, status: _status, metadata, ...rest } = object;
  const kept = isRecord(metadata) ? Object.entries(metadata).filter(([key]) => !UNOWNED.includes(key)) : [];
  return { metadata: Object.fromEntries(kept), ...rest };
}

/** `metadata` itself, as other than what is in it, is nobody's. */
export const METADATA_PATH = 'f:metadata';

export function readManagers(object: Record<string, unknown>): Managers {
  const managers: Managers = new Map();
  for (const entry of listAt(object, 'metadata', 'managedFields')) {
    const id: ManagerId = {
      manager: stringAt(entry, 'manager') ?? '',
      operation: stringAt(entry, 'operation') === 'Apply' ? 'Apply' : 'Update',
      apiVersion: stringAt(entry, 'apiVersion') ?? '',
      subresource: stringAt(entry, 'subresource') ?? '',
    };
    const fields = fromFieldsV1(isRecord(entry) ? entry.fieldsV1 : {});
    managers.set(managerKey(id), { id, fields, time: stringAt(entry, 'time') });
  }
  return managers;
}

/** `managedFields` in the server's order: applied first, then by time and name. */
export function writeManagers(managers: Managers, now: string): unknown[] {
  return [...managers.values()]
    .map(({ id, fields, time }) => ({
      manager: id.manager,
      operation: id.operation,
      apiVersion: id.apiVersion,
      time: time ?? now,
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(fields),
      ...(id.subresource === '' ? {} : { subresource: id.subresource }),
    }))
    .toSorted(
      (a, b) => order(a.operation, b.operation) || order(a.time, b.time) || order(a.manager, b.manager),
    );
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The managers after a change by one of them: the others lose what was changed or removed. The entry of the one who
 * changed it is left to the caller.
 */
export function updateManagers(managers: Managers, changed: Comparison, by: string): Managers {
  const next: Managers = new Map();
  for (const [key, entry] of managers) {
    if (key === by) {
      next.set(key, entry);
      continue;
    }
    const kept = new Set(
      [...entry.fields].filter(
        (path) => !changed.modified.has(path) && !changed.added.has(path) && !changed.removed.has(path),
      ),
    );
    if (kept.size > 0) next.set(key, kept.size === entry.fields.size ? entry : { ...entry, fields: kept });
  }
  return next;
}

/** The managers after a create, update or patch: who changed a field owns it. */
export function ownByUpdate(managers: Managers, changed: Comparison, id: ManagerId): Managers {
  const key = managerKey(id);
  const next = updateManagers(managers, changed, key);
  const own = new Set(managers.get(key)?.fields);
  for (const path of changed.removed) own.delete(path);
  for (const path of [...changed.modified, ...changed.added]) own.add(path);
  own.delete(METADATA_PATH);
  const before = managers.get(key);
  if (own.size === 0) next.delete(key);
  else if (before === undefined || !equal([...own].toSorted(), [...before.fields].toSorted()))
    next.set(key, { id, fields: own, time: undefined });
  return next;
}

/** The same managers with the times of those that did not change, so that an apply without effect changes nothing. */
export function keepTimes(before: Managers, after: Managers): Managers {
  return new Map(
    [...after].map(([key, entry]) => {
      const old = before.get(key);
      const same = old !== undefined && equal([...old.fields].toSorted(), [...entry.fields].toSorted());
      return [key, same ? { ...entry, time: old.time } : entry];
    }),
  );
}
