import { listAt, stringAt } from '../../model/manifest.js';
import { ClusterError, type RewriteSize } from '../../wizard/ports.js';
import type { Client } from '../client.js';
import { readMetrics } from '../encryption.js';
import type { StorageSizes } from '../metrics.js';
import type { Room } from './engine.js';
import type { Resource } from './resource.js';

/** etcd's default quota, in bytes (etcd, system limits). */
const DEFAULT_QUOTA = 2 * 2 ** 30;
/** Largest request that etcd takes by default, hence largest object: 1.5 MiB (etcd, system limits). */
const LARGEST_OBJECT = 1.5 * 2 ** 20;
/** API servers compact etcd every five minutes; what was replaced until then takes room of its own. Milliseconds. */
const COMPACTION = 5 * 60_000;

/** Shares of the quota: beyond the first a re-write waits for compaction, beyond the second it ends. */
const WAIT_FROM = 0.8;
const STOP_FROM = 0.9;

/**
 * How much a re-write would write, against the room that there is. No value is read for it: from 1.34 servers tell what a
 * resource takes; before, the size of the whole database bounds it, and the number of objects does.
 */
export async function rewriteSize(
  client: Client,
  resources: readonly Resource[],
  counted: Promise<number | undefined>,
): Promise<RewriteSize> {
  const [objects, metrics, { quota, words: quotaWords }, migration] = await Promise.all([
    counted,
    readMetrics(client),
    quotaOf(client),
    migrationVersion(client),
  ]);
  if (typeof metrics === 'string')
    return { objects, bytes: undefined, etcd: undefined, quota, migration, words: [metrics, quotaWords] };
  const { storage } = metrics;
  const known = resources.map((resource) => storage.resources.get(keyOf(resource)));
  const size = (bytes: number | undefined, words: string): RewriteSize => ({
    objects,
    bytes,
    etcd: storage.size,
    quota,
    migration,
    words: [
      words,
      ...(storage.size === undefined ? ['metrics do not tell how large etcd is'] : []),
      quotaWords,
    ],
  });
  if (known.every((bytes) => bytes !== undefined))
    return size(
      known.reduce((sum, bytes) => sum + bytes, 0),
      "metrics: the API server's estimate of what these objects take",
    );
  const most = objects === undefined ? undefined : objects * LARGEST_OBJECT;
  const unknown = 'how large these objects are is not known without reading them (servers tell it from 1.34)';
  if (storage.size !== undefined && (most === undefined || storage.size <= most))
    return size(storage.size, `${unknown}: at most all that etcd holds`);
  return size(
    most,
    most === undefined ? unknown : `${unknown}: at most 1.5 MiB each, which is all that etcd takes`,
  );
}

function keyOf({ apiVersion, plural }: Resource): string {
  const slash = apiVersion.indexOf('/');
  return `${slash < 0 ? '' : apiVersion.slice(0, slash)}/${plural}`;
}

/** The version of StorageVersionMigration that the server prefers (v1alpha1 1.30, v1beta1 1.35, v1 1.37), if any. */
async function migrationVersion(client: Client): Promise<string | undefined> {
  const group = 'storagemigration.k8s.io';
  const about = { doing: `look for the API group ${group}` };
  const answer = await client.send({ method: 'GET', path: `/apis/${group}` }, about);
  if (answer.status !== 200) return undefined;
  try {
    return stringAt(JSON.parse(answer.body.toString('utf8')), 'preferredVersion', 'groupVersion');
  } catch {
    return undefined;
  }
}

const QUOTA_FLAG = '--quota-backend-bytes';

/** The quota among the arguments of an etcd that runs as a pod; else etcd's default, which may not be this one's. */
async function quotaOf(client: Client): Promise<{ quota: number | undefined; words: string }> {
  const assumed = `etcd's quota cannot be seen from here; its default is 2 GiB`;
  try {
    const { body } = await client.json(
      { method: 'GET', path: '/api/v1/namespaces/kube-system/pods?labelSelector=component%3Detcd' },
      { doing: 'list pods in namespace kube-system' },
    );
    const pods = listAt(body, 'items');
    const quotas = pods.map((pod) => {
      const containers = listAt(pod, 'spec', 'containers');
      const etcd = containers.find((one) => stringAt(one, 'name') === 'etcd') ?? containers[0];
      const words = [...listAt(etcd, 'command'), ...listAt(etcd, 'args')].map(String);
      const flag = words.findLast((word) => word.startsWith(`${QUOTA_FLAG}=`));
      const given = Number(flag?.slice(QUOTA_FLAG.length + 1) ?? 0);
      return Number.isFinite(given) && given > 0 ? given : DEFAULT_QUOTA;
    });
    if (quotas.length === 0) return { quota: undefined, words: assumed };
    return { quota: Math.min(...quotas), words: 'quota: the arguments of the etcd pods in kube-system' };
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason !== 'forbidden') throw error;
    return { quota: undefined, words: assumed };
  }
}

/**
 * Whether etcd has room for more, by its size each time it is asked: beyond four fifths of the quota it waits for one
 * compaction, after which replaced values leave room without the file getting smaller; beyond nine tenths it ends. A
 * quota that is only assumed ends nothing: it may be larger, and is where the file has outgrown it.
 */
export function roomIn(quota: number | undefined) {
  const bound = quota ?? DEFAULT_QUOTA;
  let waitedAt: number | undefined;
  return ({ size }: Pick<StorageSizes, 'size'>): Room => {
    if (size === undefined || size < bound * WAIT_FROM) return { type: 'go' };
    if (quota !== undefined && size >= bound * STOP_FROM) return { type: 'stop' };
    if (quota === undefined && size >= bound) return { type: 'go' };
    // Grown since the last wait: compaction has not kept up, so it gets another interval.
    if (waitedAt !== undefined && size <= waitedAt) return { type: 'go' };
    waitedAt = size;
    return { type: 'wait', ms: COMPACTION };
  };
}

/** `roomIn` on the metrics of the server that answers; where there are none, the server's own refusal is what stops. */
export function watchedRoom(client: Client): () => Promise<Room> {
  let room: Promise<ReturnType<typeof roomIn>> | undefined;
  return async () => {
    room ??= quotaOf(client).then(({ quota }) => roomIn(quota));
    try {
      const metrics = await readMetrics(client);
      return typeof metrics === 'string' ? { type: 'go' } : (await room)(metrics.storage);
    } catch (error) {
      // What matters of a failing server shows in the requests of the re-write itself.
      if (!(error instanceof ClusterError)) throw error;
      return { type: 'go' };
    }
  };
}
