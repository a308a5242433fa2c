import { isRecord } from '../model/manifest.js';
import { decode } from './decode.js';
import { compare, reconciled } from './fields.js';
import { keepTimes, type ManagerId, type Managers, ownByUpdate, readManagers, stripped } from './managers.js';
import { apiVersionOf, type Resource } from './resources.js';

type Fields = Record<string, unknown>;

/** Owners of a new object that was not applied: who made it owns what it sets. */
export function ownersOfNew(resource: Resource, object: Fields, manager: string): Managers {
  const nothing = stripped(decode(resource.schema, {}).object);
  const changed = compare(resource.schema, nothing, stripped(object));
  return ownByUpdate(new Map(), changed, updater(resource, manager));
}

/** Owners after an update or a patch that is not an apply: who changed a field owns it. */
export function ownersAfterUpdate(
  resource: Resource,
  before: Fields,
  after: Fields,
  manager: string,
): Managers {
  const known = ownersOf(resource, before);
  // Ownership of an object that nobody owns is not tracked before its first apply.
  if (known.size === 0) return known;
  const changed = compare(resource.schema, stripped(before), stripped(after));
  return keepTimes(known, ownByUpdate(known, changed, updater(resource, manager)));
}

/** Owners that an apply meets: where nobody owns anything, what is there belongs to `before-first-apply`. */
export function ownersBeforeApply(resource: Resource, live: Fields): Managers {
  const known = ownersOf(resource, live);
  if (known.size > 0 || Object.keys(live).length === 0) return known;
  return ownersOfNew(resource, live, 'before-first-apply');
}

function ownersOf(resource: Resource, live: Fields): Managers {
  return new Map(
    [...readManagers(live)].map(([key, entry]) => [
      key,
      { ...entry, fields: reconciled(resource.schema, live, entry.fields) },
    ]),
  );
}

function updater(resource: Resource, manager: string): ManagerId {
  return { manager, operation: 'Update', apiVersion: apiVersionOf(resource), subresource: '' };
}

/** An object without its managedFields. */
export function withoutManagers(object: Fields): Fields {
  if (!isRecord(object.metadata)) return object;
  const { managedFields: _gone, ...metadata } = object.metadata;
  return { ...object, metadata };
}
