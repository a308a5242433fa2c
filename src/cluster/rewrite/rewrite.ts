import type { ProofMeans, RewriteCounts, RewritePlace } from '../../model/rewrite.js';
import { type Need, rightsText } from '../../model/rights.js';
import {
  ClusterError,
  type RewriteOptions,
  type RewriteResult,
  type RewriteSize,
} from '../../wizard/ports.js';
import { lackingSoftly } from '../access.js';
import type { Client } from '../client.js';
import { errorOf } from '../errors.js';
import { retryAfterMs } from '../retry.js';
import { touchCall, touchedVersion } from '../scratch.js';
import { type Batch, runEngine, type StopReason } from './engine.js';
import { REWRITE_NEEDS } from './needs.js';
import { PATIENT, type Reply } from './pacing.js';
import { type ObjectsPage, objectPages, objectRef, placeRef } from './pages.js';
import { finalPass, firstReading, type ProveOptions, readAudit, writtenSince } from './prove.js';
import { countOf, reachedAll } from './reached.js';
import { collectionPath, type Resource, resolveResources, SECRETS } from './resource.js';
import { rewriteSize, watchedRoom } from './storage.js';

/** Connections for lists of names beside those of the patches, where each request takes one. */
const LISTS = 8;

/**
 * Re-writes every object of some resources in the form that the API server writes today, without ever receiving a value:
 * names in table form, then an empty merge patch each, answered in the same form. Whether an object's stored form was
 * stale shows in its resourceVersion: it is newer than the list's only where it was written since.
 * @throws ClusterError where nothing more could succeed; the message says how many were done and how to go on
 */
export async function rewriteObjects(
  client: Client,
  options: RewriteOptions & { maxRate: number; concurrency: number },
): Promise<RewriteResult> {
  const { signal, onProgress, onCheckpoint, from, maxRate, concurrency } = options;
  const names = client.over({ multiplexed: true, sockets: concurrency + LISTS }, PATIENT);
  // The engine does the repeating: it knows when to stop.
  const patches = names.repeating({ ...PATIENT, attempts: 1 });
  const wanted = options.resources ?? [SECRETS.name];
  try {
    const resources = await resolveResources(names, wanted);
    // Names are on their way while the rest is asked.
    const pages = begun(batches(names, patches, resources, from?.place));
    const [total, before] = await Promise.all([countObjects(names, resources), firstReading(names, wanted)]);
    let lost = '';
    const { stopped, ...result } = await runEngine<RewritePlace>({
      batches: pages,
      most: concurrency,
      maxRate,
      ...(total === undefined ? {} : { total }),
      ...(from === undefined ? {} : { before: from.counts }),
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(onCheckpoint === undefined ? {} : { onCheckpoint }),
      room: watchedRoom(names),
      revoked: async () => {
        lost = rightsText((await lackingSoftly(names, wanted.flatMap(onEach))).map(({ right }) => right));
        return lost !== '';
      },
    });
    if (stopped !== undefined) throw ended(stopped, result, lost);
    const metrics = await writtenSince(names, before);
    return result.interrupted
      ? { ...result, metrics }
      : { ...result, metrics, reached: await reachedAll(names.paced(maxRate), resources) };
  } finally {
    names.close();
  }
}

/** The rights to the objects themselves that a re-write of a resource needs. */
function onEach(name: string): readonly Need[] {
  return REWRITE_NEEDS(name).filter(
    ({ right }) =>
      'resource' in right &&
      right.namespace === undefined &&
      name === [right.resource, right.group].filter((part) => part !== '').join('.'),
  );
}

/** What a re-write of these resources would write. @throws ClusterError */
export async function sizeOfRewrite(client: Client, wanted: readonly string[]): Promise<RewriteSize> {
  const resources = await resolveResources(client, wanted);
  return await rewriteSize(client, resources, countObjects(client, resources));
}

/** How objects are stored, by reading, by a pass that must move nothing, and by counts. @throws ClusterError as a re-write does */
export async function proveRewrite(
  client: Client,
  options: ProveOptions & { maxRate: number; concurrency: number },
): Promise<readonly ProofMeans[]> {
  const audit = await readAudit(client, options.resources ?? [SECRETS.name], options);
  if (options.signal?.aborted) return [audit, finalPass({ rewritten: 0, unchanged: 0, interrupted: true })];
  const { reached, ...pass } = await rewriteObjects(client, options);
  return [audit, finalPass(pass), ...(reached === undefined ? [] : [reached])];
}

/** How many objects there are; undefined where the server does not say it of each resource. */
export async function countObjects(
  client: Client,
  resources: readonly Resource[],
): Promise<number | undefined> {
  const counts = await Promise.all(resources.map((resource) => countOf(client, resource)));
  return counts.every((count) => count !== undefined)
    ? counts.reduce((sum, count) => sum + count, 0)
    : undefined;
}

/** The same generator, its first value already asked for. */
function begun<T>(all: AsyncGenerator<T>): AsyncGenerator<T> {
  const first = all.next();
  first.catch(() => {});
  return (async function* () {
    try {
      for (let next = await first; next.done !== true; next = await all.next()) yield next.value;
    } finally {
      await all.return(undefined);
    }
  })();
}

async function* batches(
  names: Client,
  patches: Client,
  resources: readonly Resource[],
  from: RewritePlace | undefined,
): AsyncGenerator<Batch<RewritePlace>> {
  for await (const page of objectPages(names, resources, from)) {
    const { resource, namespace, unlisted } = page;
    const collection = collectionPath(resource, namespace);
    yield {
      names: page.names,
      place: { resource: resource.name, namespace, name: page.names.at(-1) ?? '' },
      ...(unlisted === undefined ? {} : { unlisted: { ref: placeRef(page), reason: unlisted } }),
      request: (name) => request(patches, collection, page, name),
      refOf: (name) => objectRef(page, name),
    };
  }
}

async function request(
  client: Client,
  collection: string,
  { resource, namespace, resourceVersion }: ObjectsPage,
  name: string,
): Promise<Reply> {
  const about = {
    doing: `re-write ${resource.kind} ${namespace === '' ? '' : `${namespace}/`}${name}`,
    secret: true,
  };
  try {
    const answer = await client.send(touchCall(collection, name), about);
    if (answer.status === 200) {
      const moved = isNewer(touchedVersion(answer.body, about.doing), resourceVersion);
      return { type: moved ? 'rewritten' : 'unchanged' };
    }
    return {
      type: 'failed',
      error: errorOf(answer, about),
      retryAfterMs: retryAfterMs(answer.headers['retry-after']?.[0], Date.now()),
      storageFull: answer.status >= 500 && answer.body.includes('database space exceeded'),
    };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    return { type: 'failed', error, retryAfterMs: undefined, storageFull: false };
  }
}

/** Versions are decimal revisions of etcd; anything else can only be told equal or not. */
function isNewer(version: string, list: string | undefined): boolean {
  if (list === undefined) return true;
  if (!DECIMAL.test(version) || !DECIMAL.test(list)) return version !== list;
  return version.length === list.length ? version > list : version.length > list.length;
}

/** Without leading zeros, so that the longer one is the larger. */
const DECIMAL = /^(?:0|[1-9]\d*)$/;

const STOPPED: Record<Exclude<StopReason, 'forbidden'>, readonly [ClusterError['reason'], string]> = {
  storageFull: ['server', 'etcd has no space left. Compact and defragment it, and clear its alarm'],
  storageNearlyFull: [
    'server',
    'etcd is nearly full, and compaction did not make room. Defragment it, or raise its quota',
  ],
  unauthorized: ['unauthorized', 'the API server no longer accepts the credentials. Log in again'],
  unreachable: ['unreachable', 'the API server can no longer be reached. Wait until it is back'],
};

/** @param lost the rights that this account no longer has, where that is why */
function ended(
  stopped: StopReason,
  { rewritten, unchanged, gone }: RewriteCounts,
  lost: string,
): ClusterError {
  const [reason, words] =
    stopped === 'forbidden'
      ? ([stopped, `this account may no longer ${lost}. Ask for that right`] as const)
      : STOPPED[stopped];
  const done = rewritten + unchanged + gone;
  return new ClusterError(
    reason,
    `Stopped after ${done} objects: ${words}, then resume.\nWhat is done stays done; nothing is lost.`,
  );
}
