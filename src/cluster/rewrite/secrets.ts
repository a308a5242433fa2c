import { at } from '../../model/manifest.js';
import { ClusterError, type RewriteProgress, type RewriteResult } from '../../wizard/ports.js';
import type { Client } from '../client.js';
import { errorOf } from '../errors.js';
import { TABLE } from '../list.js';
import { type NamesPage, namespaceNames, secretPages } from '../names.js';
import { retryAfterMs } from '../retry.js';
import { touchCall, touchedVersion } from '../scratch.js';
import { type Item, runEngine, type StopReason } from './engine.js';
import { PATIENT, type Reply } from './pacing.js';

export interface RewriteOptions {
  signal?: AbortSignal;
  onProgress?: (progress: RewriteProgress) => void;
  /** Secrets in hand at a time. */
  concurrency: number;
}

/** Namespaces whose first page of names is fetched ahead. */
const AHEAD = 8;

/**
 * Re-writes every Secret in the form that the API server writes today, without ever receiving a value: names in table
 * form, then an empty merge patch each, answered in the same form. Whether a Secret's stored form was stale shows in
 * its resourceVersion: it is newer than the list's only where it was written since.
 * @throws ClusterError where nothing more could succeed; the message says how many were done and how to go on
 */
export async function rewriteSecrets(client: Client, options: RewriteOptions): Promise<RewriteResult> {
  const names = client.over({ sockets: AHEAD }, PATIENT);
  // The engine does the repeating: it knows when to stop.
  const patches = client.over({ sockets: options.concurrency }, { ...PATIENT, attempts: 1 });
  try {
    const total = await countSecrets(names);
    const { stopped, ...result } = await runEngine({
      items: items(names),
      request: ({ ref, data }) => request(patches, ref.namespace ?? '', ref.name, data),
      concurrency: options.concurrency,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
      ...(total === undefined ? {} : { total }),
    });
    if (stopped !== undefined) throw ended(stopped, result);
    return result;
  } finally {
    names.close();
    patches.close();
  }
}

/** How many Secrets there are, from the server's own count of what a page of one leaves; undefined where it does not say. */
async function countSecrets(client: Client): Promise<number | undefined> {
  const call = {
    method: 'GET' as const,
    path: '/api/v1/secrets?limit=1&includeObject=None',
    headers: { Accept: TABLE },
  };
  try {
    const { body } = await client.json(call, { doing: 'count Secrets', secret: true });
    const rest = at(body, 'metadata', 'remainingItemCount');
    const rows = at(body, 'rows');
    if (!Array.isArray(rows)) return undefined;
    if (typeof rest === 'number') return rows.length + rest;
    return at(body, 'metadata', 'continue') === undefined ? rows.length : undefined;
  } catch (error) {
    if (error instanceof ClusterError && error.reason === 'forbidden') return undefined;
    throw error;
  }
}

/** Every Secret by name with the resourceVersion of its list; the first pages of the next namespaces are on their way. */
async function* items(client: Client): AsyncGenerator<Item<string | undefined>> {
  const waiting = (await namespaceNames(client)).map((namespace) => ({
    namespace,
    pages: secretPages(client, namespace),
  }));
  const started: {
    namespace: string;
    pages: AsyncGenerator<NamesPage>;
    first: Promise<IteratorResult<NamesPage>>;
  }[] = [];
  for (;;) {
    while (started.length < AHEAD && waiting.length > 0) {
      const next = waiting.shift()!;
      const first = next.pages.next();
      first.catch(() => {});
      started.push({ ...next, first });
    }
    const now = started.shift();
    if (now === undefined) return;
    try {
      for (let page = await now.first; page.done !== true; page = await now.pages.next())
        for (const { namespace, name } of page.value.names)
          yield {
            type: 'object',
            ref: { apiVersion: 'v1', kind: 'Secret', namespace, name },
            data: page.value.resourceVersion,
          };
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      if (error.reason === 'notFound') continue;
      if (error.reason !== 'forbidden' && error.reason !== 'refused') throw error;
      yield {
        type: 'unlisted',
        ref: { apiVersion: 'v1', kind: 'Namespace', name: now.namespace },
        reason: error.message,
      };
    }
  }
}

async function request(
  client: Client,
  namespace: string,
  name: string,
  listVersion: string | undefined,
): Promise<Reply> {
  const about = { doing: `re-write Secret ${namespace}/${name}`, secret: true };
  try {
    const answer = await client.send(touchCall(namespace, name), about);
    if (answer.status === 200) {
      const moved = isNewer(touchedVersion(answer.body, about.doing), listVersion);
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
  const decimal = /^\d+$/;
  return decimal.test(version) && decimal.test(list) ? BigInt(version) > BigInt(list) : version !== list;
}

const STOPPED: Record<StopReason, readonly [ClusterError['reason'], string]> = {
  storageFull: [
    'server',
    'etcd has no space left. Compact and defragment it, clear its alarm, then run this again',
  ],
  unauthorized: [
    'unauthorized',
    'the API server no longer accepts the credentials. Log in again, then run this again',
  ],
  unreachable: ['unreachable', 'the API server can no longer be reached. Run this again once it is back'],
};

function ended(stopped: StopReason, { rewritten, unchanged, gone }: RewriteResult): ClusterError {
  const [reason, words] = STOPPED[stopped];
  const done = rewritten + unchanged + gone;
  return new ClusterError(
    reason,
    `Stopped after ${done} Secrets: ${words}.\nWhat is done stays done; nothing is lost.`,
  );
}
