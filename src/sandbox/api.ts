import { randomBytes } from 'node:crypto';
import type { Manifest } from '../model/manifest.js';
import { stringAt } from '../model/manifest.js';
import { serverSideApply } from './apply.js';
import { Commits, metadataOf } from './commit.js';
import type { Encryption } from './encryption.js';
import { applyConfiguration, checkName, checkNamespace, decodeBody, type UnknownFields } from './incoming.js';
import { keepTimes } from './managers.js';
import { ownersAfterUpdate, ownersBeforeApply, ownersOfNew, withoutManagers } from './ownership.js';
import { jsonPatch, mergePatch, strategicMergePatch } from './patch.js';
import { podSecurityWarnings } from './pod-security.js';
import { apiVersionOf, type Resource } from './resources.js';
import { ApiError, conflict, invalid, notFound } from './status.js';
import type { Store, Stored } from './store.js';

/** How a write is meant. */
export interface WriteOptions extends UnknownFields {
  manager: string;
  dryRun: boolean;
  force: boolean;
}

export interface Result {
  object: Manifest;
  created: boolean;
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

/** The verbs of the API: what a request means, up to where something is written. */
export class Api {
  readonly store: Store;
  readonly encryption: Encryption;
  readonly #commits: Commits;

  constructor(store: Store, encryption: Encryption, now: () => Date) {
    this.store = store;
    this.encryption = encryption;
    this.#commits = new Commits(store, encryption, now);
  }

  get(resource: Resource, namespace: string, name: string): Manifest {
    return this.#live(resource, namespace, name).object;
  }

  create(resource: Resource, namespace: string, body: unknown, options: WriteOptions): Manifest {
    const object = decodeBody(resource, body, options, 400);
    const metadata = metadataOf(object);
    if (metadata.name === undefined && typeof metadata.generateName === 'string')
      metadata.name = `${metadata.generateName}${randomBytes(3).toString('hex').slice(0, 5)}`;
    if (metadata.resourceVersion !== undefined)
      throw new ApiError(500, undefined, 'resourceVersion should not be set on objects to be created');
    checkNamespace(object, namespace);
    return this.#insert(resource, namespace, object, options);
  }

  update(resource: Resource, namespace: string, name: string, body: unknown, options: WriteOptions): Result {
    const object = decodeBody(resource, body, options, 400);
    checkName(object, name);
    checkNamespace(object, namespace);
    const missing = this.store.get(resource, namespace, name) === undefined;
    if (missing && CREATED_BY_UPDATE.includes(resource.kind))
      return { object: this.#insert(resource, namespace, object, options), created: true };
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
    if (uid !== undefined) checkUid(resource, live.object, uid);
    return this.#replace(resource, live, object, options);
  }

  patch(
    resource: Resource,
    namespace: string,
    name: string,
    type: PatchType,
    patch: unknown,
    options: WriteOptions,
  ): Result {
    if (type === 'apply') return this.#apply(resource, namespace, name, patch, options);
    const live = this.#live(resource, namespace, name);
    const patched =
      type === 'merge'
        ? mergePatch(live.object, patch)
        : type === 'json'
          ? jsonPatch(live.object, patch)
          : strategicMergePatch(resource.schema, live.object, patch);
    const object = decodeBody(resource, patched, options, 422);
    checkName(object, name);
    return this.#replace(resource, live, object, options);
  }

  /** Answers with a Status, or with the object where it is on its way out or its kind answers so. */
  delete(resource: Resource, namespace: string, name: string, options: DeleteOptions): object {
    const { object } = this.#live(resource, namespace, name);
    const { uid, resourceVersion, finalizers } = object.metadata;
    if (options.uid !== undefined) checkUid(resource, object, options.uid);
    if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion)
      throw conflict(
        resource,
        name,
        `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`,
      );
    const held = Array.isArray(finalizers) && finalizers.length > 0;
    if (resource.kind === 'Namespace' || held)
      return this.#commits.terminate(resource, object, options.dryRun);
    if (!options.dryRun) this.store.delete(resource, namespace, name);
    if (RETURNED_BY_DELETE.includes(resource.kind)) return object;
    const group = resource.group === '' ? {} : { group: resource.group };
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name, ...group, kind: resource.plural, uid },
    };
  }

  /** Writes as the cluster's own components do (kubelet, controllers): nothing is checked. */
  write(resource: Resource, object: Manifest): Manifest {
    return this.#commits.write(resource, object);
  }

  #apply(
    resource: Resource,
    namespace: string,
    name: string,
    config: unknown,
    options: WriteOptions,
  ): Result {
    const full = applyConfiguration(resource, namespace, name, config, options.manager);
    const live =
      this.store.get(resource, namespace, name) === undefined
        ? undefined
        : this.#live(resource, namespace, name);
    const before = live?.object ?? {};
    const known = ownersBeforeApply(resource, before);
    const who = { manager: options.manager, apiVersion: apiVersionOf(resource), force: options.force };
    const merged = serverSideApply(resource.schema, withoutManagers(before), full, known, who);
    const object = decodeBody(resource, merged.object, options, 500);
    if (live !== undefined) {
      const owners = keepTimes(known, merged.managers);
      const written = this.#commits.replace(resource, live, object, options.dryRun, () => owners);
      options.warnings.push(...podSecurityWarnings(this.store, resource, live.object, written));
      return { object: written, created: false };
    }
    const uid = metadataOf(object).uid;
    if (uid !== undefined)
      throw conflict(
        resource,
        name,
        `uid mismatch: the provided object specified uid ${String(uid)}, and no existing object was found`,
      );
    const made = this.#commits.insert(resource, namespace, object, options.dryRun, () => merged.managers);
    options.warnings.push(...podSecurityWarnings(this.store, resource, undefined, made));
    return { object: made, created: true };
  }

  #insert(
    resource: Resource,
    namespace: string,
    object: Record<string, unknown>,
    { manager, dryRun, warnings }: WriteOptions,
  ): Manifest {
    const made = this.#commits.insert(resource, namespace, object, dryRun, (next) =>
      ownersOfNew(resource, next, manager),
    );
    warnings.push(...podSecurityWarnings(this.store, resource, undefined, made));
    return made;
  }

  #replace(
    resource: Resource,
    live: Stored,
    object: Record<string, unknown>,
    { manager, dryRun, warnings }: WriteOptions,
  ): Result {
    const written = this.#commits.replace(resource, live, object, dryRun, (next) =>
      ownersAfterUpdate(resource, live.object, next, manager),
    );
    warnings.push(...podSecurityWarnings(this.store, resource, live.object, written));
    return { object: written, created: false };
  }

  #live(resource: Resource, namespace: string, name: string): Stored {
    const stored = this.store.get(resource, namespace, name);
    if (stored === undefined) throw notFound(resource, name);
    this.encryption.read(resource, stored.prefix, name);
    return stored;
  }
}

function checkUid(resource: Resource, live: Manifest, uid: string): void {
  if (uid === live.metadata.uid) return;
  throw conflict(
    resource,
    live.metadata.name,
    `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid}`,
  );
}
