import { randomBytes } from 'node:crypto';
import { isRecord, type Manifest, stringAt } from '../model/manifest.js';
import { admit, admitQuota } from './admission.js';
import { checkTyped, serverSideApply } from './apply.js';
import { decode, TypeMismatch } from './decode.js';
import { setDefaults } from './defaults.js';
import type { Encryption } from './encryption.js';
import { compare, equal } from './fields.js';
import {
  keepTimes,
  type ManagerId,
  type Managers,
  ownByUpdate,
  readManagers,
  stripped,
  writeManagers,
} from './managers.js';
import { jsonPatch, mergePatch, strategicMergePatch } from './patch.js';
import { apiVersionOf, type Resource } from './resources.js';
import { ApiError, alreadyExists, badRequest, conflict, invalid, notFound, stale } from './status.js';
import { newUid, type Store, type Stored } from './store.js';
import { validate } from './validate/index.js';

type Fields = Record<string, unknown>;

/** How a write is meant. */
export interface WriteOptions {
  manager: string;
  dryRun: boolean;
  force: boolean;
  /** `fieldValidation`: what happens to fields that the kind does not have. */
  unknownFields: 'Ignore' | 'Warn' | 'Strict';
  /** Collects texts for `Warning` headers. */
  warnings: string[];
}

export interface DeleteOptions {
  dryRun: boolean;
  uid?: string;
  resourceVersion?: string;
}

export type PatchType = 'merge' | 'strategic' | 'json' | 'apply';

/** Kinds that are only updated with the resourceVersion that was read. Source: `AllowUnconditionalUpdate`. */
const CONDITIONAL = [
  'Lease',
  'APIService',
  'CustomResourceDefinition',
  'PodDisruptionBudget',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
];

/** Kinds that an update creates where they do not exist. Source: `AllowCreateOnUpdate`. */
const CREATED_BY_UPDATE = [
  'LimitRange',
  'Lease',
  'Endpoints',
  'Event',
  'Service',
  'Role',
  'RoleBinding',
  'ClusterRole',
  'ClusterRoleBinding',
];

/** Kinds of which a delete answers with the object instead of a Status. Source: `ReturnDeletedObject`. */
const RETURNED_BY_DELETE = ['ResourceQuota', 'ServiceAccount', 'Pod', 'PersistentVolumeClaim'];

/** The verbs of the API over the store: decoding, defaults, admission, validation, ownership, preconditions. */
export class Api {
  readonly store: Store;
  readonly encryption: Encryption;
  readonly #now: () => Date;

  constructor(store: Store, encryption: Encryption, now: () => Date) {
    this.store = store;
    this.encryption = encryption;
    this.#now = now;
  }

  get(resource: Resource, namespace: string, name: string): Manifest {
    return this.#live(resource, namespace, name).object;
  }

  create(resource: Resource, namespace: string, body: unknown, options: WriteOptions): Manifest {
    const object = this.#decode(resource, body, options, 400);
    const metadata = metadataOf(object);
    if (metadata.name === undefined && typeof metadata.generateName === 'string')
      metadata.name = `${metadata.generateName}${randomBytes(3).toString('hex').slice(0, 5)}`;
    if (metadata.resourceVersion !== undefined)
      throw new ApiError(500, undefined, 'resourceVersion should not be set on objects to be created');
    if (namespace !== '' && metadata.namespace !== undefined && metadata.namespace !== namespace)
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    return this.#created(resource, namespace, object, options);
  }

  update(
    resource: Resource,
    namespace: string,
    name: string,
    body: unknown,
    options: WriteOptions,
  ): { object: Manifest; created: boolean } {
    const object = this.#decode(resource, body, options, 400);
    checkName(object, name);
    if (namespace !== '' && ![undefined, namespace].includes(stringAt(object, 'metadata', 'namespace')))
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    const missing = this.store.get(resource, namespace, name) === undefined;
    if (missing && CREATED_BY_UPDATE.includes(resource.kind))
      return { object: this.#created(resource, namespace, object, options), created: true };
    const live = this.#live(resource, namespace, name);
    if (CONDITIONAL.includes(resource.kind) && stringAt(object, 'metadata', 'resourceVersion') === undefined)
      throw invalid(resource, name, [
        {
          reason: 'FieldValueInvalid',
          field: 'metadata.resourceVersion',
          message: 'Invalid value: 0x0: must be specified for an update',
        },
      ]);
    const uid = stringAt(object, 'metadata', 'uid');
    if (uid !== undefined && uid !== live.object.metadata.uid)
      throw otherUid(resource, name, uid, live.object);
    const written = this.#replace(resource, live, object, options, (next, before) =>
      this.#updated(resource, live, next, before, options),
    );
    return { object: written, created: false };
  }

  patch(
    resource: Resource,
    namespace: string,
    name: string,
    type: PatchType,
    patch: unknown,
    options: WriteOptions,
  ): { object: Manifest; created: boolean } {
    if (type === 'apply') return this.#apply(resource, namespace, name, patch, options);
    const live = this.#live(resource, namespace, name);
    const target: Fields = live.object;
    const patched =
      type === 'merge'
        ? mergePatch(target, patch)
        : type === 'json'
          ? jsonPatch(target, patch)
          : strategicMergePatch(resource.schema, target, patch);
    const object = this.#decode(resource, patched, options, 422);
    checkName(object, name);
    const written = this.#replace(resource, live, object, options, (next, before) =>
      this.#updated(resource, live, next, before, options),
    );
    return { object: written, created: false };
  }

  delete(resource: Resource, namespace: string, name: string, options: DeleteOptions): Manifest | object {
    const live = this.#live(resource, namespace, name);
    const { uid, resourceVersion, finalizers } = live.object.metadata;
    if (options.uid !== undefined && options.uid !== uid)
      throw otherUid(resource, name, options.uid, live.object);
    if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion)
      throw conflict(
        resource,
        name,
        `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`,
      );
    const waits = resource.kind === 'Namespace' || (Array.isArray(finalizers) && finalizers.length > 0);
    if (waits) return this.#terminate(resource, live, options.dryRun);
    if (!options.dryRun) this.store.delete(resource, namespace, name);
    if (RETURNED_BY_DELETE.includes(resource.kind)) return live.object;
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: {
        name,
        ...(resource.group === '' ? {} : { group: resource.group }),
        kind: resource.plural,
        uid,
      },
    };
  }

  /** Writes as the cluster's own components do (kubelet, controllers): nothing is checked. */
  write(resource: Resource, object: Manifest): Manifest {
    return this.store.put(resource, object, this.encryption.write(resource));
  }

  #apply(resource: Resource, namespace: string, name: string, config: unknown, options: WriteOptions) {
    if (options.manager === '')
      throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
        {
          reason: 'FieldValueRequired',
          field: 'fieldManager',
          message: 'Required value: is required for apply patch',
        },
      ]);
    if (!isRecord(config)) throw badRequest('error decoding YAML: an apply patch is an object');
    const version = stringAt(config, 'apiVersion') ?? '';
    if (version !== apiVersionOf(resource))
      throw badRequest(
        `Incorrect version specified in apply patch. Specified patch version: ${version}, expected: ${apiVersionOf(resource)}`,
      );
    if (stringAt(config, 'kind') !== resource.kind)
      throw badRequest(`Incorrect kind specified in apply patch, expected: ${resource.kind}`);
    const metadata = isRecord(config.metadata) ? config.metadata : {};
    if (metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
    const full: Fields = {
      ...config,
      metadata: {
        name,
        ...metadata,
        ...(namespace === '' ? {} : { namespace: metadata.namespace ?? namespace }),
      },
    };
    checkName(full, name);
    if (namespace !== '' && stringAt(full, 'metadata', 'namespace') !== namespace)
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    const label = `${namespace === '' ? '' : `${namespace}/`}${name}; ${apiVersionOf(resource)}, Kind=${resource.kind}`;
    checkTyped(resource.schema, full, label);

    const live = this.store.get(resource, namespace, name);
    const before: Fields = live === undefined ? {} : live.object;
    const known = managersBeforeApply(resource, before);
    const who = { manager: options.manager, apiVersion: apiVersionOf(resource), force: options.force };
    const merged = serverSideApply(resource.schema, withoutManagers(before), full, known, who);
    const object = this.#decode(resource, merged.object, options, 500);
    if (live === undefined) {
      const { resourceVersion: _ignored, ...rest } = metadataOf(object);
      if (rest.uid !== undefined)
        throw conflict(
          resource,
          name,
          `uid mismatch: the provided object specified uid ${String(rest.uid)}, and no existing object was found`,
        );
      const created = this.#insert(
        resource,
        namespace,
        { ...object, metadata: rest },
        options,
        () => merged.managers,
      );
      return { object: created, created: true };
    }
    const written = this.#replace(resource, live, object, options, () => keepTimes(known, merged.managers));
    return { object: written, created: false };
  }

  #created(resource: Resource, namespace: string, object: Fields, options: WriteOptions): Manifest {
    const nothing = stripped(decode(resource.schema, {}).object);
    return this.#insert(resource, namespace, object, options, (next) =>
      ownByUpdate(
        new Map(),
        compare(resource.schema, nothing, stripped(next)),
        updaterOf(resource, options.manager),
      ),
    );
  }

  #insert(
    resource: Resource,
    namespace: string,
    object: Fields,
    options: WriteOptions,
    owned: (next: Fields) => Managers,
  ): Manifest {
    const metadata = metadataOf(object);
    const now = timestamp(this.#now());
    for (const field of [
      'uid',
      'generation',
      'creationTimestamp',
      'deletionTimestamp',
      'deletionGracePeriodSeconds',
      'managedFields',
      'selfLink',
      'resourceVersion',
    ])
      delete metadata[field];
    if (namespace !== '') metadata.namespace = namespace;
    else delete metadata.namespace;
    setDefaults(resource, object);
    admit(this.store, resource, namespace, object, 'create');
    const managers = writeManagers(owned(object), now);
    if (resource.schema.fields.status !== undefined) resetStatus(resource, object);
    validate(resource, object);
    const name = String(metadata.name);
    if (this.store.get(resource, namespace, name) !== undefined) throw alreadyExists(resource, name);
    metadata.uid = newUid();
    metadata.creationTimestamp = now;
    if (resource.generation) metadata.generation = 1;
    if (managers.length > 0) metadata.managedFields = managers;
    const made = ordered(resource, object);
    admitQuota(this.store, resource, namespace, made);
    return options.dryRun ? made : this.write(resource, made);
  }

  #replace(
    resource: Resource,
    live: Stored,
    object: Fields,
    options: WriteOptions,
    owned: (next: Fields, before: Fields) => Managers,
  ): Manifest {
    const before = live.object;
    const metadata = metadataOf(object);
    const { name, namespace = '' } = before.metadata;
    const version = metadata.resourceVersion;
    if (version !== undefined && version !== before.metadata.resourceVersion) throw stale(resource, name);
    if (metadata.uid !== undefined && metadata.uid !== before.metadata.uid)
      throw invalid(resource, name, [
        {
          reason: 'FieldValueInvalid',
          field: 'metadata.uid',
          message: `Invalid value: ${JSON.stringify(metadata.uid)}: field is immutable`,
        },
      ]);
    for (const field of [
      'uid',
      'resourceVersion',
      'generation',
      'creationTimestamp',
      'deletionTimestamp',
      'deletionGracePeriodSeconds',
      'namespace',
      'selfLink',
      'managedFields',
    ]) {
      if (before.metadata[field] === undefined) delete metadata[field];
      else metadata[field] = before.metadata[field];
    }
    if (resource.schema.fields.status !== undefined) {
      if (before.status === undefined) delete object.status;
      else object.status = before.status;
    }
    keepAllocated(resource, object, before);
    setDefaults(resource, object);
    admit(this.store, resource, namespace, object, 'update');
    validate(resource, object, before);
    const managers = writeManagers(owned(object, before), timestamp(this.#now()));
    if (managers.length > 0) metadata.managedFields = managers;
    else delete metadata.managedFields;
    if (resource.generation && !equal(object.spec, before.spec))
      metadata.generation = Number(before.metadata.generation ?? 0) + 1;
    const next = ordered(resource, object);
    if (options.dryRun) return next;
    if (
      next.metadata.deletionTimestamp !== undefined &&
      resource.kind !== 'Namespace' &&
      !hasFinalizers(next)
    ) {
      this.store.delete(resource, namespace, name);
      return next;
    }
    // Nothing to write, unless the stored form is not what the server would write today: then it is written anew.
    if (equal(next, before) && live.prefix === this.encryption.writes(resource)) return before;
    return this.write(resource, next);
  }

  /** Managers after a write that is not an apply. */
  #updated(resource: Resource, live: Stored, next: Fields, before: Fields, options: WriteOptions): Managers {
    const known = readManagers(live.object);
    // Ownership of an object that nobody owns is not tracked before its first apply.
    if (known.size === 0) return known;
    const changed = compare(resource.schema, stripped(before), stripped(next));
    return keepTimes(known, ownByUpdate(known, changed, updaterOf(resource, options.manager)));
  }

  #terminate(resource: Resource, live: Stored, dryRun: boolean): Manifest {
    if (live.object.metadata.deletionTimestamp !== undefined) return live.object;
    const object: Manifest = {
      ...live.object,
      metadata: {
        ...live.object.metadata,
        deletionTimestamp: timestamp(this.#now()),
        deletionGracePeriodSeconds: 0,
      },
      ...(resource.kind === 'Namespace' ? { status: { phase: 'Terminating' } } : {}),
    };
    if (dryRun) return object;
    return this.write(resource, object);
  }

  #live(resource: Resource, namespace: string, name: string): Stored {
    const stored = this.store.get(resource, namespace, name);
    if (stored === undefined) throw notFound(resource, name);
    this.encryption.read(resource, stored.prefix, name);
    return stored;
  }

  #decode(resource: Resource, body: unknown, options: WriteOptions, code: 400 | 422 | 500): Fields {
    if (!isRecord(body))
      throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind})`);
    checkKind(resource, body);
    try {
      const { object, unknown } = decode(resource.schema, body);
      if (unknown.length > 0 && options.unknownFields === 'Strict')
        throw badRequest(
          `strict decoding error: ${unknown.map((path) => `unknown field "${path}"`).join(', ')}`,
        );
      if (options.unknownFields === 'Warn')
        options.warnings.push(...unknown.map((path) => `unknown field "${path}"`));
      delete object.apiVersion;
      delete object.kind;
      return structuredClone(object);
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
}

/** Who owns an object before an apply: where nobody does, what is there belongs to `before-first-apply`. */
function managersBeforeApply(resource: Resource, live: Fields): Managers {
  const known = readManagers(live);
  if (known.size > 0 || Object.keys(live).length === 0) return known;
  const nothing = stripped(decode(resource.schema, {}).object);
  const id = updaterOf(resource, 'before-first-apply');
  return ownByUpdate(known, compare(resource.schema, nothing, stripped(live)), id);
}

function updaterOf(resource: Resource, manager: string): ManagerId {
  return { manager, operation: 'Update', apiVersion: apiVersionOf(resource), subresource: '' };
}

function otherUid(resource: Resource, name: string, uid: string, live: Manifest): ApiError {
  return conflict(
    resource,
    name,
    `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid}`,
  );
}

function checkKind(resource: Resource, body: Fields): void {
  const kind = stringAt(body, 'kind');
  const version = stringAt(body, 'apiVersion');
  if (
    (kind !== undefined && kind !== resource.kind) ||
    (version !== undefined && version !== apiVersionOf(resource))
  )
    throw badRequest(`${kind ?? ''} in version "${version ?? ''}" cannot be handled as a ${resource.kind}`);
}

function checkName(object: Fields, name: string): void {
  const given = stringAt(object, 'metadata', 'name');
  if (given === undefined) throw badRequest('name must be provided');
  if (given !== name)
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
}

function metadataOf(object: Fields): Fields {
  if (isRecord(object.metadata)) return object.metadata;
  const made: Fields = {};
  object.metadata = made;
  return made;
}

function withoutManagers(object: Fields): Fields {
  if (!isRecord(object.metadata)) return object;
  const { managedFields: _gone, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function hasFinalizers(object: Manifest): boolean {
  const { finalizers } = object.metadata;
  return Array.isArray(finalizers) && finalizers.length > 0;
}

/** A new object's status is the server's to say. */
function resetStatus(resource: Resource, object: Fields): void {
  if (resource.kind === 'Namespace') {
    object.spec = { finalizers: ['kubernetes'] };
    object.status = { phase: 'Active' };
  } else if (resource.kind === 'Pod') object.status = { phase: 'Pending' };
  else if (resource.kind === 'Service') object.status = { loadBalancer: {} };
  else if (resource.schema.always?.status !== undefined) object.status = {};
  else delete object.status;
}

/** What the server allotted stays when an update does not speak of it. */
function keepAllocated(resource: Resource, object: Fields, before: Manifest): void {
  if (resource.kind !== 'Service' || !isRecord(object.spec) || !isRecord(before.spec)) return;
  for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'])
    if (before.spec[field] !== undefined) object.spec[field] ??= before.spec[field];
}

/** Type and metadata first, then the rest, as every answer shows it. */
function ordered(resource: Resource, object: Fields): Manifest {
  const { metadata, ...rest } = object;
  return {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    metadata: metadata as Manifest['metadata'],
    ...rest,
  };
}

export function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
