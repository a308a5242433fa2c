import { isRecord } from '../model/manifest.js';
import { equal, fieldSchema } from './fields.js';
import type { Schema } from './schema/types.js';
import { ApiError, badRequest } from './status.js';

/** JSON merge patch, RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/**
 * Strategic merge patch: like a merge patch, but lists with a merge key merge item by item, sets of scalars are
 * united, and `$patch: delete|replace` says otherwise.
 */
export function strategicMergePatch(schema: Schema, target: unknown, patch: unknown): unknown {
  if (Array.isArray(patch) && schema.type === 'list') return mergeLists(schema, target, patch);
  if (!isRecord(patch)) return patch;
  const { $patch: directive, $retainKeys: _retain, ...fields } = patch;
  if (directive === 'replace') return fields;
  if (directive === 'delete') return {};
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(fields)) {
    if (key.startsWith('$')) continue;
    if (value === null) delete result[key];
    else result[key] = strategicMergePatch(fieldSchema(schema, key) ?? { type: 'any' }, result[key], value);
  }
  return result;
}

function mergeLists(schema: Schema & { type: 'list' }, target: unknown, patch: unknown[]): unknown {
  const live = Array.isArray(target) ? target : [];
  if (schema.set === true) return [...new Set([...live, ...patch])];
  const key = schema.patchKey ?? schema.keys?.[0];
  if (key === undefined) return patch;
  if (patch.some((item) => isRecord(item) && item.$patch === 'replace'))
    return patch.filter((item) => !(isRecord(item) && item.$patch === 'replace'));
  const result = [...live];
  for (const item of patch) {
    if (!isRecord(item) || item[key] === undefined)
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    const index = result.findIndex((other) => isRecord(other) && other[key] === item[key]);
    if (item.$patch === 'delete') {
      if (index >= 0) result.splice(index, 1);
    } else if (index >= 0) result[index] = strategicMergePatch(schema.of, result[index], item);
    else result.push(strategicMergePatch(schema.of, undefined, item));
  }
  return result;
}

/** An operation of a JSON patch cannot be done; the API server answers 422 without saying which. */
function impossible(): ApiError {
  return new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

/** JSON patch, RFC 6902. Throws 400 where it is not one, 422 where an operation cannot be done. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: a JSON patch is a list of operations');
  let document: unknown = structuredClone(target);
  for (const operation of patch) {
    if (!isRecord(operation) || typeof operation.path !== 'string') throw impossible();
    const path = pointer(operation.path);
    switch (operation.op) {
      case 'test':
        if (!equal(find(document, path), operation.value ?? undefined)) throw impossible();
        break;
      case 'add':
        document = add(document, path, structuredClone(operation.value));
        break;
      case 'remove':
        document = remove(document, path);
        break;
      case 'replace':
        if (find(document, path) === undefined) throw impossible();
        document = add(
          path.length === 0 ? document : remove(document, path),
          path,
          structuredClone(operation.value),
        );
        break;
      case 'move':
      case 'copy': {
        const from = pointer(String(operation.from ?? ''));
        const value = structuredClone(find(document, from));
        if (value === undefined) throw impossible();
        if (operation.op === 'move') document = remove(document, from);
        document = add(document, path, value);
        break;
      }
      default:
        throw impossible();
    }
  }
  return document;
}

function pointer(text: string): string[] {
  if (text === '') return [];
  if (!text.startsWith('/')) throw impossible();
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function find(document: unknown, path: readonly string[]): unknown {
  let here = document;
  for (const key of path) {
    if (Array.isArray(here)) here = /^\d+$/.test(key) ? here[Number(key)] : undefined;
    else if (isRecord(here)) here = Object.hasOwn(here, key) ? here[key] : undefined;
    else return undefined;
  }
  return here;
}

function add(document: unknown, path: readonly string[], value: unknown): unknown {
  const key = path.at(-1);
  if (key === undefined) return value;
  const parent = find(document, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const index = key === '-' ? parent.length : Number(key);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) throw impossible();
    parent.splice(index, 0, value);
  } else if (isRecord(parent)) parent[key] = value;
  else throw impossible();
  return document;
}

function remove(document: unknown, path: readonly string[]): unknown {
  const key = path.at(-1);
  const parent = find(document, path.slice(0, -1));
  if (key === undefined || find(document, path) === undefined) throw impossible();
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else if (isRecord(parent)) delete parent[key];
  return document;
}
