/**
 * What the server knows of a field: enough to drop unknown fields, to check types as decoding does, and to merge by
 * the rules of server-side apply and strategic merge patch. Source: the OpenAPI of Kubernetes 1.31 and its
 * `x-kubernetes-*` extensions.
 */
export type Schema = Scalar | Any | MapOf | ListOf | Struct;

export interface Scalar {
  /** `flag`: a bool that is left out where false. `bytes`: base64. */
  type: 'string' | 'int' | 'bool' | 'flag' | 'quantity' | 'intOrString' | 'bytes' | 'time';
}

/** Kept as it is; maps in it merge, lists are atomic. */
export interface Any {
  type: 'any';
}

export interface MapOf {
  type: 'map';
  of: Schema;
  /** Owned and replaced as a whole by server-side apply. */
  atomic?: boolean;
}

export interface ListOf {
  type: 'list';
  of: Schema;
  /** Fields that tell items apart: server-side apply merges item by item. Neither keys nor set: atomic. */
  keys?: readonly string[];
  /** Merge key of strategic merge patch, where it is not the first of `keys`. */
  patchKey?: string;
  /** Items are scalars that merge as a set. */
  set?: boolean;
  /** Values of key fields that defaulting fills in, e.g. `protocol: TCP`. */
  keyDefaults?: Readonly<Record<string, string>>;
}

export interface Struct {
  type: 'struct';
  fields: Readonly<Record<string, Schema>>;
  atomic?: boolean;
  /** Fields that the server always shows, with what they are when nobody set them. */
  always?: Readonly<Record<string, Readonly<Record<string, unknown>> | readonly never[] | string | null>>;
}

export const str: Scalar = { type: 'string' };
export const int: Scalar = { type: 'int' };
export const bool: Scalar = { type: 'bool' };
export const flag: Scalar = { type: 'flag' };
export const quantity: Scalar = { type: 'quantity' };
export const intOrString: Scalar = { type: 'intOrString' };
export const bytes: Scalar = { type: 'bytes' };
export const time: Scalar = { type: 'time' };
export const any: Any = { type: 'any' };

export function map(of: Schema): MapOf {
  return { type: 'map', of };
}

export function atomicMap(of: Schema): MapOf {
  return { type: 'map', of, atomic: true };
}

export function list(of: Schema): ListOf {
  return { type: 'list', of };
}

export function setOf(of: Scalar): ListOf {
  return { type: 'list', of, set: true };
}

export function listBy(keys: string | readonly string[], of: Schema, more: Partial<ListOf> = {}): ListOf {
  return { type: 'list', of, keys: typeof keys === 'string' ? [keys] : keys, ...more };
}

export function struct(fields: Record<string, Schema>, more: Partial<Struct> = {}): Struct {
  return { type: 'struct', fields, ...more };
}

export function atomic(fields: Record<string, Schema>): Struct {
  return { type: 'struct', fields, atomic: true };
}
