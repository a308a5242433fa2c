import { parse } from 'yaml';
import { isRecord, listAt, stringAt } from '../model/manifest.js';
import type { DeleteOptions, PatchType, WriteOptions } from './api.js';
import { type Resource, resourceAt } from './resources.js';
import { ApiError, badRequest, invalid } from './status.js';

/** What a path names: a collection, or with `name` one object. */
export interface Target {
  resource: Resource;
  namespace: string;
  name: string;
}

/** Undefined where nothing is served at a path. Subresources are not. */
export function targetOf(path: string): Target | undefined {
  const parts = path.split('/').slice(1).map(decoded);
  const [group, version, ...rest] =
    parts[0] === 'api' ? ['', ...parts.slice(1)] : parts[0] === 'apis' ? parts.slice(1) : [];
  if (group === undefined || version === undefined) return undefined;
  const scoped = rest[0] === 'namespaces' && rest.length > 2;
  const [plural, name = '', ...more] = scoped ? rest.slice(2) : rest;
  if (plural === undefined || more.length > 0) return undefined;
  const resource = resourceAt(group, version, plural);
  if (resource === undefined || (scoped && !resource.namespaced)) return undefined;
  if (resource.namespaced && !scoped && name !== '') return undefined;
  return { resource, namespace: scoped ? rest[1]! : '', name };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest('the path is not valid');
  }
}

/** Forms that an answer can take, in the order in which a client wants them. */
export type Form = 'object' | 'table' | 'partial';

/** What `Accept` asks for; throws 406 where nothing of it is offered. */
export function formOf(accept: string | undefined): { form: Form; yaml: boolean } {
  for (const range of (accept ?? '*/*').split(',')) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim());
    const given = Object.fromEntries(parameters.map((part) => part.split('=', 2) as [string, string]));
    const yaml = type === 'application/yaml';
    if (!yaml && !['application/json', 'application/*', '*/*'].includes(type ?? '')) continue;
    if (given.as === undefined) return { form: 'object', yaml };
    if (given.g !== 'meta.k8s.io' || given.v !== 'v1') continue;
    if (given.as === 'Table') return { form: 'table', yaml };
    if (given.as === 'PartialObjectMetadata' || given.as === 'PartialObjectMetadataList')
      return { form: 'partial', yaml };
  }
  throw new ApiError(406, 'NotAcceptable', '406: Not Acceptable', {});
}

const BODY_TYPES = ['application/json', 'application/yaml'];
const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/json-patch+json': 'json',
  'application/apply-patch+yaml': 'apply',
};

/** The type of a patch by its content type; throws 415. */
export function patchTypeOf(contentType: string | undefined): PatchType {
  const type = PATCH_TYPES[mediaType(contentType)];
  if (type === undefined) throw unsupported(Object.keys(PATCH_TYPES));
  return type;
}

/** A parsed body; throws 415 for other content types, 400 where it does not parse. */
export function bodyOf(contentType: string | undefined, text: string, patch?: PatchType): unknown {
  const type = mediaType(contentType);
  if (patch === undefined && type !== '' && !BODY_TYPES.includes(type)) throw unsupported(BODY_TYPES);
  try {
    return type === 'application/yaml' || patch === 'apply' ? parse(text) : JSON.parse(text);
  } catch {
    throw badRequest('the object provided is unrecognized: the body is not valid');
  }
}

function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]!.trim();
}

function unsupported(types: readonly string[]): ApiError {
  return new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${types.join(', ')}`,
  );
}

/** Query parameters of a write; throws 422 for a `dryRun` that is not `All`. */
export function writeOptionsOf(query: URLSearchParams, userAgent: string, kind: string): WriteOptions {
  const validation = query.get('fieldValidation') ?? 'Warn';
  if (validation !== 'Ignore' && validation !== 'Warn' && validation !== 'Strict')
    throw invalid({ group: 'meta.k8s.io', kind }, '', [
      {
        reason: 'FieldValueNotSupported',
        field: 'fieldValidation',
        message: `Unsupported value: ${JSON.stringify(validation)}: supported values: "Ignore", "Strict", "Warn"`,
      },
    ]);
  const given = query.get('fieldManager');
  return {
    // Without a field manager it is the client's program name; an apply must name one.
    manager: given ?? (kind === 'ApplyOptions' ? '' : userAgent.split('/', 1)[0]!.slice(0, 128)),
    dryRun: dryRunOf(query.getAll('dryRun'), kind === 'ApplyOptions' ? 'PatchOptions' : kind),
    force: query.get('force') === 'true',
    unknownFields: validation,
    warnings: [],
  };
}

/**
 * Options of a delete. Where there is a body the query does not count, as on a real server: `?dryRun=All` with a body
 * that does not say so deletes.
 */
export function deleteOptionsOf(query: URLSearchParams, body: unknown): DeleteOptions {
  const dryRun = isRecord(body) ? listAt(body, 'dryRun').map(String) : query.getAll('dryRun');
  const uid = stringAt(body, 'preconditions', 'uid');
  const resourceVersion = stringAt(body, 'preconditions', 'resourceVersion');
  return {
    dryRun: dryRunOf(dryRun, 'DeleteOptions'),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

function dryRunOf(values: readonly string[], kind: string): boolean {
  if (values.some((value) => value !== 'All'))
    throw invalid({ group: 'meta.k8s.io', kind }, '', [
      {
        reason: 'FieldValueNotSupported',
        field: 'dryRun',
        message: `Unsupported value: ${JSON.stringify(values)}: supported values: "All"`,
      },
    ]);
  return values.length > 0;
}

interface Place {
  start: string;
  resourceVersion: string;
}

/** The `continue` of a list is the key where the next page starts, and the state that it is read from. */
export function continueToken(place: Place): string {
  return Buffer.from(
    JSON.stringify({ v: 'meta.k8s.io/v1', rv: place.resourceVersion, start: place.start }),
  ).toString('base64url');
}

export function readContinue(token: string): Place {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    const start = stringAt(value, 'start');
    const resourceVersion = stringAt(value, 'rv');
    if (start !== undefined && resourceVersion !== undefined) return { start, resourceVersion };
  } catch {
    // falls through to the refusal
  }
  throw badRequest('invalid continue token: continue key is not valid');
}
