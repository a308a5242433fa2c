import { randomBytes } from 'node:crypto';
import { stringAt } from '../model/manifest.js';
import { ClusterError } from '../wizard/ports.js';
import type { Client } from './client.js';
import { errorOf } from './errors.js';
import { TABLE } from './list.js';
import { deleteObject, FIELD_MANAGER } from './write.js';

/** A Secret of ours with a meaningless random value, to see how API servers store and read one. */
export interface Scratch {
  name: string;
  uid: string;
  resourceVersion: string;
}

/** Namespace of scratch Secrets. */
export const SCRATCH_NAMESPACE = 'kube-system';

const SECRETS = `/api/v1/namespaces/${SCRATCH_NAMESPACE}/secrets`;
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

/** Creates one under a new random name. The answer is asked for without content. */
export async function createScratch(client: Client): Promise<Scratch> {
  const name = `kubectl-harden-scratch-${randomBytes(6).toString('hex')}`;
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name, labels: { 'app.kubernetes.io/managed-by': FIELD_MANAGER } },
    data: { meaningless: randomBytes(24).toString('base64') },
  };
  const { body } = await client.json(
    {
      method: 'POST',
      path: `${SECRETS}?fieldManager=${FIELD_MANAGER}`,
      headers: { 'Content-Type': 'application/json', Accept: METADATA },
      body: JSON.stringify(secret),
    },
    { doing: `create a scratch Secret in namespace ${SCRATCH_NAMESPACE}`, secret: true },
  );
  const uid = stringAt(body, 'metadata', 'uid');
  const resourceVersion = stringAt(body, 'metadata', 'resourceVersion');
  if (uid === undefined || resourceVersion === undefined)
    throw new ClusterError(
      'server',
      `The API server answered without uid or resourceVersion.\nRemove Secret ${SCRATCH_NAMESPACE}/${name} by hand.`,
    );
  return { name, uid, resourceVersion };
}

/** Removes it; false where that failed, so that the name can be told. */
export async function removeScratch(client: Client, { name, uid }: Scratch): Promise<boolean> {
  try {
    await deleteObject(
      client,
      { apiVersion: 'v1', kind: 'Secret', namespace: SCRATCH_NAMESPACE, name },
      { uid },
    );
    return true;
  } catch {
    return false;
  }
}

/**
 * Patches one Secret with nothing. The server reads it, and writes it again only where its stored form is not the one
 * that this server would write. The answer is a table row without object: no value and no annotation comes back.
 * @returns the object's resourceVersion afterwards
 */
export async function touch(client: Client, namespace: string, name: string): Promise<string> {
  const about = { doing: `re-write Secret ${namespace}/${name}`, secret: true };
  const answer = await client.send(touchCall(namespace, name), about);
  if (answer.status !== 200) throw errorOf(answer, about);
  return touchedVersion(answer.body, about.doing);
}

/** The request behind `touch`. */
export function touchCall(namespace: string, name: string) {
  return {
    method: 'PATCH' as const,
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}?includeObject=None&fieldManager=${FIELD_MANAGER}`,
    headers: { 'Content-Type': 'application/merge-patch+json', Accept: TABLE },
    body: '{}',
  };
}

/** The resourceVersion in the answer to a touch. @throws ClusterError where the answer is not a bare table */
export function touchedVersion(body: Buffer, doing: string): string {
  let table: unknown;
  try {
    table = JSON.parse(body.toString('utf8'));
  } catch {
    table = undefined;
  }
  const version = stringAt(table, 'metadata', 'resourceVersion');
  if (stringAt(table, 'kind') !== 'Table' || version === undefined)
    throw new ClusterError('server', `Could not ${doing}: the API server answered with something else.`);
  return version;
}
