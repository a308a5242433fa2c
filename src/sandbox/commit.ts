import { isRecord, type Manifest } from '../model/manifest.js';
import { admit, admitValid } from './admission.js';
import { setDefaults } from './defaults.js';
import type { Encryption } from './encryption.js';
import { equal } from './fields.js';
import { type Managers, writeManagers } from './managers.js';
import { apiVersionOf, type Resource } from './resources.js';
import { alreadyExists, invalid, stale } from './status.js';
import { newUid, type Store, type Stored } from './store.js';
import { validate } from './validate/index.js';

type Fields = Record<string, unknown>;

/** Metadata that only the server sets. */
const SYSTEM_METADATA = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'managedFields',
];

/** The last part of every write: defaults, admission, validation, ownership, and the store. */
export class Commits {
  readonly #store: Store;
  readonly #encryption: Encryption;
  readonly #now: () => Date;

  constructor(store: Store, encryption: Encryption, now: () => Date) {
    this.#store = store;
    this.#encryption = encryption;
    this.#now = now;
  }

  /** Writes as the cluster's own components do (kubelet, controllers): nothing is checked. */
  write(resource: Resource, object: Manifest): Manifest {
    return this.#store.put(resource, object, this.#encryption.write(resource));
  }

  /** Marks an object as on its way out: it goes when nothing holds it any more. */
  terminate(resource: Resource, live: Manifest, dryRun: boolean): Manifest {
    if (live.metadata.deletionTimestamp !== undefined) return live;
    const object: Manifest = {
      ...live,
      metadata: {
        ...live.metadata,
        deletionTimestamp: timestamp(this.#now()),
        deletionGracePeriodSeconds: 0,
      },
      ...(resource.kind === 'Namespace' ? { status: { phase: 'Terminating' } } : {}),
    };
    return dryRun ? object : this.write(resource, object);
  }

  /**
   * Makes a new object.
   * @param object decoded; it is changed
   * @param owned who owns the fields of the object as it is after defaults
   */
  insert(
    resource: Resource,
    namespace: string,
    object: Fields,
    dryRun: boolean,
    owned: (next: Fields) => Managers,
  ): Manifest {
    const metadata = metadataOf(object);
    const now = timestamp(this.#now());
    for (const field of SYSTEM_METADATA) delete metadata[field];
    if (namespace !== '') metadata.namespace = namespace;
    else delete metadata.namespace;
    setDefaults(resource, object);
    admit(this.#store, resource, namespace, object, 'create');
    const managers = writeManagers(owned(object), now);
    if (resource.schema.fields.status !== undefined) resetStatus(resource, object);
    validate(resource, object);
    const name = String(metadata.name);
    if (this.#store.get(resource, namespace, name) !== undefined) throw alreadyExists(resource, name);
    metadata.uid = newUid();
    metadata.creationTimestamp = now;
    if (resource.generation) metadata.generation = 1;
    if (managers.length > 0) metadata.managedFields = managers;
    const made = ordered(resource, object);
    admitValid(this.#store, resource, namespace, made);
    return dryRun ? made : this.write(resource, made);
  }

  /** Changes an object that is there; a change without effect writes nothing. */
  replace(
    resource: Resource,
    live: Stored,
    object: Fields,
    dryRun: boolean,
    owned: (next: Fields) => Managers,
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
    for (const field of [...SYSTEM_METADATA, 'namespace']) {
      if (before.metadata[field] === undefined) delete metadata[field];
      else metadata[field] = before.metadata[field];
    }
    if (resource.schema.fields.status !== undefined) {
      if (before.status === undefined) delete object.status;
      else object.status = before.status;
    }
    keepAllocated(resource, object, before);
    setDefaults(resource, object);
    admit(this.#store, resource, namespace, object, 'update');
    validate(resource, object, before);
    const managers = writeManagers(owned(object), timestamp(this.#now()));
    if (managers.length > 0) metadata.managedFields = managers;
    else delete metadata.managedFields;
    if (resource.generation && !equal(object.spec, before.spec))
      metadata.generation = Number(before.metadata.generation ?? 0) + 1;
    const next = ordered(resource, object);
    if (dryRun) return next;
    if (
      next.metadata.deletionTimestamp !== undefined &&
      resource.kind !== 'Namespace' &&
      !hasFinalizers(next)
    ) {
      this.#store.delete(resource, namespace, name);
      return next;
    }
    // Nothing to write, unless the stored form is not what the server would write today: then it is written anew.
    if (equal(next, before) && live.prefix === this.#encryption.writes(resource)) return before;
    return this.write(resource, next);
  }
}

/** The metadata of a decoded object, made where it is missing. */
export function metadataOf(object: Fields): Fields {
  if (isRecord(object.metadata)) return object.metadata;
  const made: Fields = {};
  object.metadata = made;
  return made;
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
