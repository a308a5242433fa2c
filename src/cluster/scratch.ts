import { randomBytes } from 'node:crypto';
import { stringAt } from '../model/manifest.js';
import { ClusterError } from '../wizard/ports.js';
import type { Client } from './client.js';
import { errorOf } from './errors.js';
import { rowsOf, TABLE } from './list.js';
import { groupPath, withQuery } from './paths.js';
import { deleteObject, FIELD_MANAGER } from './write.js';

/** What an object of a resource takes that means nothing and that nobody acts upon. */
interface ScratchKind {
  apiVersion: string;
  kind: string;
  plural: string;
  content(meaningless: string): Record<string, unknown>;
}

/**
 * Resources of which one is tried, by their name in encryption configurations. Of others none is made: controllers would
 * act on it, or what it may look like is not known here.
 */
const SCRATCH = {
  secrets: {
    apiVersion: 'v1',
    kind: 'Secret',
    plural: 'secrets',
    content: (meaningless) => ({ type: 'Opaque', data: { meaningless } }),
  },
  configmaps: {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    plural: 'configmaps',
    content: (meaningless) => ({ data: { meaningless } }),
  },
  'leases.coordination.k8s.io': {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    plural: 'leases',
    content: (meaningless) => ({ spec: { holderIdentity: meaningless } }),
  },
} as const satisfies Readonly<Record<string, ScratchKind>>;

export type ScratchResource = keyof typeof SCRATCH;

/** Whether an object of this resource can be made to be tried. */
export function isScratchResource(name: string): name is ScratchResource {
  return Object.hasOwn(SCRATCH, name);
}

/** A Secret (or the like) of ours with a meaningless random value, to see how API servers store and read one. */
export interface Scratch {
  resource: ScratchResource;
  kind: string;
  name: string;
  uid: string;
  resourceVersion: string;
}

/** Namespace of scratch objects. */
export const SCRATCH_NAMESPACE = 'kube-system';

function collectionOf(resource: ScratchResource): string {
  const { apiVersion, plural } = SCRATCH[resource];
  return `${groupPath(apiVersion)}/namespaces/${SCRATCH_NAMESPACE}/${plural}`;
}

const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

const MANAGED_BY = 'app.kubernetes.io/managed-by';
const SCRATCH_NAME = /^kubectl-harden-scratch-[0-9a-f]{12}$/;

/** New names that are tried where an answer was lost. */
const NAMES = 3;

/**
 * Creates one under a new random name. The answer is asked for without content. Where the answer was lost, the Secret
 * may be there all the same: it is removed by its name.
 * @throws ClusterError where it was not created, naming the Secret where it may be left
 */
export async function createScratch(client: Client, resource: ScratchResource = 'secrets'): Promise<Scratch> {
  for (let attempt = 1; ; attempt++) {
    const name = `kubectl-harden-scratch-${randomBytes(6).toString('hex')}`;
    try {
      return await create(client, resource, name);
    } catch (error) {
      if (!(error instanceof ClusterError) || ['forbidden', 'refused', 'invalid'].includes(error.reason))
        throw error;
      if (!(await removeScratch([client], { resource, name })))
        throw withMore(
          error,
          `the scratch ${SCRATCH[resource].kind} ${SCRATCH_NAMESPACE}/${name} may be left: delete it by hand`,
        );
      // It exists under a name that nobody else can know: an earlier answer of this request was lost.
      if (error.reason !== 'exists' || attempt === NAMES) throw error;
    }
  }
}

/**
 * Removes scratch objects that a killed run left behind, by our label and the form of their names. Where they may not be
 * listed or removed they stay: they are meaningless.
 */
export async function sweepScratch(client: Client, resource: ScratchResource = 'secrets'): Promise<void> {
  const doing = `list scratch ${SCRATCH[resource].kind}s`;
  const query = { includeObject: 'None', limit: '100', labelSelector: `${MANAGED_BY}=${FIELD_MANAGER}` };
  const answer = await client.send(
    { method: 'GET', path: withQuery(collectionOf(resource), query), headers: { Accept: TABLE } },
    { doing, secret: true },
  );
  if (answer.status !== 200) return;
  let names: string[];
  try {
    names = rowsOf(JSON.parse(answer.body.toString('utf8')), doing).map(({ name }) => name);
  } catch {
    return; // not a bare table: nothing of it is looked at
  }
  for (const name of names) if (SCRATCH_NAME.test(name)) await removeScratch([client], { resource, name });
}

async function create(client: Client, resource: ScratchResource, name: string): Promise<Scratch> {
  const { apiVersion, kind, content } = SCRATCH[resource];
  const meaningless = randomBytes(24).toString('base64');
  const object = {
    apiVersion,
    kind,
    metadata: { name, labels: { [MANAGED_BY]: FIELD_MANAGER } },
    ...content(meaningless),
  };
  const { body } = await client.json(
    {
      method: 'POST',
      path: `${collectionOf(resource)}?fieldManager=${FIELD_MANAGER}`,
      headers: { 'Content-Type': 'application/json', Accept: METADATA },
      body: JSON.stringify(object),
    },
    { doing: `create a scratch ${kind} in namespace ${SCRATCH_NAMESPACE}`, secret: true },
  );
  const uid = stringAt(body, 'metadata', 'uid');
  const resourceVersion = stringAt(body, 'metadata', 'resourceVersion');
  if (uid === undefined || resourceVersion === undefined)
    throw new ClusterError('server', 'The API server answered without uid or resourceVersion.');
  return { resource, kind, name, uid, resourceVersion };
}

/**
 * Removes it through the first of these clients that can; false where none could, so that the name can be told. Gone
 * already is removed.
 */
export async function removeScratch(
  clients: readonly Client[],
  { resource, name, uid }: { resource: ScratchResource; name: string; uid?: string },
): Promise<boolean> {
  const { apiVersion, kind } = SCRATCH[resource];
  for (const client of clients) {
    try {
      await deleteObject(
        client,
        { apiVersion, kind, namespace: SCRATCH_NAMESPACE, name },
        uid === undefined ? {} : { uid },
      );
      return true;
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
    }
  }
  return false;
}

/** The same error with one more line. */
export function withMore(error: ClusterError, line: string): ClusterError {
  const { reason, message, status, managers } = error;
  return new ClusterError(reason, `${message}\n${line.charAt(0).toUpperCase()}${line.slice(1)}.`, {
    ...(status === undefined ? {} : { status }),
    managers,
  });
}

/**
 * Patches it with nothing. The server reads it, and writes it again only where its stored form is not the one that this
 * server would write. The answer is a table row without object: no value and no annotation comes back.
 * @returns the object's resourceVersion afterwards
 */
export async function touch(client: Client, scratch: Pick<Scratch, 'resource' | 'name'>): Promise<string> {
  const { resource, name } = scratch;
  const about = { doing: `re-write ${SCRATCH[resource].kind} ${SCRATCH_NAMESPACE}/${name}`, secret: true };
  const answer = await client.send(touchCall(collectionOf(resource), name), about);
  if (answer.status !== 200) throw errorOf(answer, about);
  return touchedVersion(answer.body, about.doing);
}

/** The request behind `touch`, for an object of any collection. */
export function touchCall(collection: string, name: string) {
  return {
    method: 'PATCH' as const,
    path: `${collection}/${encodeURIComponent(name)}?includeObject=None&fieldManager=${FIELD_MANAGER}`,
    headers: { 'Content-Type': 'application/merge-patch+json', Accept: TABLE },
    body: '{}',
  };
}

/** How a table begins as API servers write it. Most of it describes columns: there is no need to parse that each time. */
const TABLE_HEAD =
  /^\{"kind":"Table","apiVersion":"[^"]*","metadata":\{(?:"selfLink":"[^"]*",)?"resourceVersion":"(\d+)"/;

/** The resourceVersion in the answer to a touch. @throws ClusterError where the answer is not a bare table */
export function touchedVersion(body: Buffer, doing: string): string {
  const [, quick] = TABLE_HEAD.exec(body.toString('latin1', 0, 600)) ?? [];
  if (quick !== undefined) return quick;
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
