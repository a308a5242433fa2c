import { isRecord } from '../model/manifest.js';
import { canonicalQuantity } from './quantity.js';
import type { Schema, Struct } from './schema/types.js';

/** A value of the wrong type, by its path; the API server refuses the whole object for it. */
export class TypeMismatch extends Error {
  override name = 'TypeMismatch';
  readonly path: string;
  constructor(path: string, expected: string) {
    super(`${path === '' ? 'object' : path}: expected ${expected}`);
    this.path = path;
  }
}

export interface Decoded {
  object: Record<string, unknown>;
  /** Paths of fields that the kind does not have; they are dropped. */
  unknown: string[];
}

/**
 * A manifest as the server understands it: unknown fields dropped, nulls and empty optional fields left out,
 * quantities in canonical form, fields that are always shown filled in. Throws `TypeMismatch`.
 */
export function decode(schema: Struct, value: unknown): Decoded {
  const unknown: string[] = [];
  return { object: decodeStruct(schema, value, '', unknown), unknown };
}

function decodeStruct(
  schema: Struct,
  value: unknown,
  path: string,
  unknown: string[],
): Record<string, unknown> {
  if (!isRecord(value)) throw new TypeMismatch(path, 'an object');
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const field = Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
    const here = path === '' ? key : `${path}.${key}`;
    if (field === undefined) {
      unknown.push(here);
      continue;
    }
    if (inner === null) continue;
    const decoded = decodeValue(field, inner, here, unknown);
    if (!isEmpty(field, decoded)) result[key] = decoded;
  }
  for (const [key, zero] of Object.entries(schema.always ?? {})) {
    if (result[key] !== undefined) continue;
    const field = schema.fields[key];
    result[key] =
      field?.type === 'struct' && isRecord(zero) ? { ...decodeStruct(field, {}, '', []), ...zero } : zero;
  }
  return result;
}

function decodeValue(schema: Schema, value: unknown, path: string, unknown: string[]): unknown {
  switch (schema.type) {
    case 'any':
      return value;
    case 'struct':
      return decodeStruct(schema, value, path, unknown);
    case 'map': {
      if (!isRecord(value)) throw new TypeMismatch(path, 'a map');
      return Object.fromEntries(
        Object.keys(value)
          .toSorted()
          .map((key) => [key, decodeItem(schema.of, value[key], `${path}.${key}`, unknown)]),
      );
    }
    case 'list':
      if (!Array.isArray(value)) throw new TypeMismatch(path, 'a list');
      return value.map((item, index) => decodeItem(schema.of, item, `${path}[${index}]`, unknown));
    default:
      return decodeScalar(schema.type, value, path);
  }
}

/** An item of a map or list: null stands for its zero value there. */
function decodeItem(schema: Schema, value: unknown, path: string, unknown: string[]): unknown {
  if (value !== null) return decodeValue(schema, value, path, unknown);
  if (schema.type === 'struct') return decodeStruct(schema, {}, path, unknown);
  if (schema.type === 'int') return 0;
  return schema.type === 'quantity' ? '0' : schema.type === 'any' ? null : '';
}

function decodeScalar(type: string, value: unknown, path: string): unknown {
  const wrong = (expected: string): never => {
    throw new TypeMismatch(path, expected);
  };
  switch (type) {
    case 'int':
      return Number.isSafeInteger(value) ? value : wrong('an integer');
    case 'bool':
    case 'flag':
      return typeof value === 'boolean' ? value : wrong('true or false');
    case 'intOrString':
      return typeof value === 'string' || Number.isSafeInteger(value) ? value : wrong('a number or a string');
    case 'quantity':
      return canonicalQuantity(value) ?? wrong('a quantity such as 100m or 2Gi');
    case 'bytes':
      return typeof value === 'string' &&
        /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)
        ? value
        : wrong('base64');
    case 'time':
      return typeof value === 'string' && !Number.isNaN(Date.parse(value))
        ? value
        : wrong('a time in RFC 3339');
    default:
      return typeof value === 'string' ? value : wrong('a string');
  }
}

/** Whether Go's encoding leaves the value out of a field that is optional. */
function isEmpty(schema: Schema, value: unknown): boolean {
  if (value === '' || (schema.type === 'flag' && value === false)) return true;
  if (schema.type === 'list') return (value as unknown[]).length === 0;
  return schema.type === 'map' && Object.keys(value as object).length === 0;
}
