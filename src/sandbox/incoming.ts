import { isRecord, stringAt } from '../model/manifest.js';
import { checkTyped } from './apply.js';
import { decode, TypeMismatch } from './decode.js';
import { apiVersionOf, type Resource } from './resources.js';
import { ApiError, badRequest, invalid } from './status.js';

type Fields = Record<string, unknown>;

/** What happens to fields that the kind does not have: `fieldValidation` of a request. */
export interface UnknownFields {
  unknownFields: 'Ignore' | 'Warn' | 'Strict';
  /** Collects texts for `Warning` headers. */
  warnings: string[];
}

/**
 * The object of a request as the server understands it, without type fields; a copy that may be changed.
 * @param code what a value of the wrong type is answered with: 400 for a body, 422 for the result of a patch, 500 for
 *   that of an apply, as the real server does
 */
export function decodeBody(
  resource: Resource,
  body: unknown,
  options: UnknownFields,
  code: 400 | 422 | 500,
): Fields {
  if (!isRecord(body))
    throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind})`);
  checkKind(resource, body);
  try {
    const { object, unknown } = decode(resource.schema, body);
    const texts = unknown.map((path) => `unknown field "${path}"`);
    if (texts.length > 0 && options.unknownFields === 'Strict')
      throw badRequest(`strict decoding error: ${texts.join(', ')}`);
    if (options.unknownFields === 'Warn') options.warnings.push(...texts);
    const { apiVersion: _version, kind: _kind, ...fields } = object;
    return structuredClone(fields);
  } catch (error) {
    if (!(error instanceof TypeMismatch)) throw error;
    const text = `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${error.message}`;
    if (code === 400) throw badRequest(text);
    if (code === 500) throw new ApiError(500, undefined, text);
    throw invalid({ group: '', kind: '' }, '', [
      { reason: 'FieldValueInvalid', field: 'patch', message: `Invalid value: ${error.message}` },
    ]);
  }
}

function checkKind(resource: Resource, body: Fields): void {
  const kind = stringAt(body, 'kind') ?? resource.kind;
  const version = stringAt(body, 'apiVersion') ?? apiVersionOf(resource);
  if (kind !== resource.kind || version !== apiVersionOf(resource))
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${resource.kind}`);
}

/** An object must be the one that the path names. */
export function checkName(object: Fields, name: string): void {
  const given = stringAt(object, 'metadata', 'name');
  if (given === undefined) throw badRequest('name must be provided');
  if (given !== name)
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
}

/** An object that names a namespace must name that of the path. */
export function checkNamespace(object: Fields, namespace: string): void {
  const given = stringAt(object, 'metadata', 'namespace') ?? namespace;
  if (namespace !== '' && given !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

/** The configuration of a server-side apply, with name and namespace of its path. Throws what the server refuses. */
export function applyConfiguration(
  resource: Resource,
  namespace: string,
  name: string,
  config: unknown,
  manager: string,
): Fields {
  if (manager === '')
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      {
        reason: 'FieldValueRequired',
        field: 'fieldManager',
        message: 'Required value: is required for apply patch',
      },
    ]);
  if (!isRecord(config)) throw badRequest('error decoding YAML: an apply patch is an object');
  const version = stringAt(config, 'apiVersion') ?? '';
  const wanted = apiVersionOf(resource);
  if (version !== wanted)
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${version}, expected: ${wanted}`,
    );
  if (stringAt(config, 'kind') !== resource.kind)
    throw badRequest(`Incorrect kind specified in apply patch, expected: ${resource.kind}`);
  const metadata = isRecord(config.metadata) ? config.metadata : {};
  if (metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  const full: Fields = {
    ...config,
    metadata: { name, ...(namespace === '' ? {} : { namespace }), ...metadata },
  };
  checkName(full, name);
  checkNamespace(full, namespace);
  const label = namespace === '' ? name : `${namespace}/${name}`;
  checkTyped(resource.schema, full, `${label}; ${wanted}, Kind=${resource.kind}`);
  return full;
}
