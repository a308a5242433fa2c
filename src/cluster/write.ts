import { kindOf } from '../model/kinds.js';
import { groupOf, isRecord, type Manifest, type Ref, refOf, refText } from '../model/manifest.js';
import { ClusterError, type Written } from '../wizard/ports.js';
import type { Client } from './client.js';
import { objectPath, withQuery } from './paths.js';

/** Owner of the fields that we apply. */
export const FIELD_MANAGER = 'kubectl-harden';

/** Secrets are neither fetched nor applied: an answer would carry their values. */
function refuseSecrets(ref: Ref): void {
  if (ref.kind === 'Secret' && groupOf(ref.apiVersion) === '')
    throw new ClusterError(
      'invalid',
      `${refText(ref)}: kubectl-harden never reads or writes the values of a Secret.`,
    );
}

/** The live object in full; undefined where it does not exist. */
export async function getObject(client: Client, ref: Ref): Promise<Manifest | undefined> {
  refuseSecrets(ref);
  try {
    const { body } = await client.json(
      { method: 'GET', path: objectPath(ref) },
      { doing: `read ${refText(ref)}` },
    );
    return manifestOf(body, ref);
  } catch (error) {
    if (error instanceof ClusterError && error.reason === 'notFound') return undefined;
    throw error;
  }
}

/**
 * Server-side apply of exactly this object. Uid and resourceVersion in it are preconditions.
 * @param strict unknown fields are refused by the server (fieldValidation, where it has that)
 */
export async function applyObject(
  client: Client,
  manifest: Manifest,
  options: { dryRun?: boolean; force?: boolean; strict: boolean },
): Promise<Written> {
  const ref = refOf(manifest);
  refuseSecrets(ref);
  const path = withQuery(objectPath(ref), {
    fieldManager: FIELD_MANAGER,
    force: options.force === true ? 'true' : undefined,
    dryRun: options.dryRun === true ? 'All' : undefined,
    fieldValidation: options.strict ? 'Strict' : undefined,
  });
  const { status, body, warnings } = await client.json(
    {
      method: 'PATCH',
      path,
      headers: { 'Content-Type': 'application/apply-patch+yaml' },
      body: JSON.stringify(manifest),
    },
    { doing: `${options.dryRun === true ? 'check' : 'apply'} ${refText(ref)}` },
  );
  return { object: manifestOf(body, ref), created: status === 201, warnings };
}

/** Deletes an object, its dependants in the background; false where it was gone already. */
export async function deleteObject(
  client: Client,
  ref: Ref,
  options: { uid?: string; resourceVersion?: string; dryRun?: boolean } = {},
): Promise<boolean> {
  const { uid, resourceVersion } = options;
  const preconditions = {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  const body = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy: 'Background',
    ...(Object.keys(preconditions).length === 0 ? {} : { preconditions }),
    ...(options.dryRun === true ? { dryRun: ['All'] } : {}),
  };
  try {
    await client.json(
      {
        method: 'DELETE',
        path: objectPath(ref),
        // A Secret's delete may answer with the object.
        headers: { 'Content-Type': 'application/json', ...bareAnswer(ref) },
        body: JSON.stringify(body),
      },
      { doing: `delete ${refText(ref)}`, ...(ref.kind === 'Secret' ? { secret: true } : {}) },
    );
    return true;
  } catch (error) {
    if (error instanceof ClusterError && error.reason === 'notFound') return false;
    throw error;
  }
}

const ONE_TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1';

function bareAnswer(ref: Ref): Record<string, string> {
  return ref.kind === 'Secret' ? { Accept: ONE_TABLE } : {};
}

function manifestOf(body: unknown, ref: Ref): Manifest {
  if (
    isRecord(body) &&
    isRecord(body.metadata) &&
    typeof body.metadata.name === 'string' &&
    kindOf(ref) !== undefined
  )
    return {
      ...body,
      apiVersion: typeof body.apiVersion === 'string' ? body.apiVersion : ref.apiVersion,
      kind: typeof body.kind === 'string' ? body.kind : ref.kind,
      metadata: { ...body.metadata, name: body.metadata.name },
    };
  throw new ClusterError('server', `${refText(ref)}: the API server answered with something else.`);
}
