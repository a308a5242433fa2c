import type { Resource } from './resources.js';

/** One field that a request got wrong, as `Status.details.causes` names it. */
export interface Cause {
  reason:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueDuplicate'
    | 'FieldManagerConflict'
    | 'NamespaceTerminating';
  message: string;
  field: string;
}

interface Details {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: readonly Cause[];
}

/** A refusal as the API server words it: it becomes a `Status` object and its HTTP code. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly code: number;
  readonly reason: string | undefined;
  readonly details: Details | undefined;
  constructor(code: number, reason: string | undefined, message: string, details?: Details) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  body(): object {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === undefined ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

/** `networkpolicies.networking.k8s.io`, or `secrets` in the core group. */
export function resourceText(resource: Pick<Resource, 'group' | 'plural'>): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

/** `NetworkPolicy.networking.k8s.io`, or `Secret`. */
export function kindText(resource: Pick<Resource, 'group' | 'kind'>): string {
  return resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
}

function detailsOf(resource: Resource, name: string): Details {
  return { name, ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.plural };
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

export function unauthorized(): ApiError {
  return new ApiError(401, 'Unauthorized', 'Unauthorized');
}

export function forbidden(
  resource: Resource,
  name: string,
  why: string,
  causes?: readonly Cause[],
): ApiError {
  const subject = name === '' ? resourceText(resource) : `${resourceText(resource)} "${name}"`;
  return new ApiError(403, 'Forbidden', `${subject} is forbidden: ${why}`, {
    ...detailsOf(resource, name),
    ...(causes === undefined ? {} : { causes }),
  });
}

export function notFound(resource: Resource, name: string): ApiError {
  return new ApiError(
    404,
    'NotFound',
    `${resourceText(resource)} "${name}" not found`,
    detailsOf(resource, name),
  );
}

/** The path itself is not served. */
export function noSuchPath(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function methodNotAllowed(): ApiError {
  return new ApiError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
  );
}

export function alreadyExists(resource: Resource, name: string): ApiError {
  return new ApiError(
    409,
    'AlreadyExists',
    `${resourceText(resource)} "${name}" already exists`,
    detailsOf(resource, name),
  );
}

export function conflict(resource: Resource, name: string, why: string): ApiError {
  return new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${resourceText(resource)} "${name}": ${why}`,
    detailsOf(resource, name),
  );
}

/** The resourceVersion sent is not the object's any more. */
export function stale(resource: Resource, name: string): ApiError {
  return conflict(
    resource,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

export function invalid(
  resource: Pick<Resource, 'group' | 'kind'>,
  name: string,
  causes: readonly Cause[],
): ApiError {
  const lines = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const text = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  return new ApiError(422, 'Invalid', `${kindText(resource)} "${name}" is invalid: ${text}`, {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.kind,
    causes,
  });
}
