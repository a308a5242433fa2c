import { readFile } from 'node:fs/promises';
import { request as http, type IncomingMessage } from 'node:http';
import { request as https } from 'node:https';
import { printable } from '../../model/escape.js';
import { HostError, reasonOf } from '../errors.js';
import { EtcdAnswer, type EtcdPage } from './etcd-answer.js';
import { flagValues, onNode, type StaticPod } from './static-pod.js';

/** How etcd is reached: with the certificates that the API server has for it. */
export interface EtcdConnection {
  /** Client addresses, tried in order. */
  servers: readonly string[];
  tls: { ca?: Buffer; cert?: Buffer; key?: Buffer };
  /** Where the API server keeps its objects. */
  prefix: string;
}

/** Silence of etcd that ends a request, in milliseconds. */
const SILENCE = 30_000;
/** Bytes that a page is meant to have: etcd holds each page whole in its memory, several times over. */
const PAGE_BYTES = 1 << 20;
const FIRST_PAGE = 16;
const LARGEST_PAGE = 2_000;

/**
 * The connection that the API server of this node has to etcd.
 * @throws HostError where a file of it cannot be read
 */
export async function etcdConnection(pod: StaticPod): Promise<EtcdConnection> {
  const last = (flag: string) => flagValues(pod, flag).at(-1);
  const file = async (flag: string): Promise<Buffer | undefined> => {
    const path = last(flag);
    if (path === undefined) return undefined;
    const there = onNode(pod, path) ?? path;
    return readFile(there).catch((error: unknown) => {
      throw new HostError(`etcd cannot be asked: ${printable(there)} cannot be read (${reasonOf(error)}).`);
    });
  };
  const ca = await file('--etcd-cafile');
  const cert = await file('--etcd-certfile');
  const key = await file('--etcd-keyfile');
  return {
    servers: (last('--etcd-servers') ?? '').split(',').filter((one) => /^https?:\/\//.test(one)),
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
    prefix: `/${(last('--etcd-prefix') ?? '/registry').replace(/^\/|\/$/g, '')}/`,
  };
}

/**
 * How many stored objects begin with which storage prefix (`k8s:enc:secretbox:v1:key1:`; empty: plain text), as etcd has
 * them. Values pass through this process, as etcd cannot be asked for less, and nothing but their first bytes is looked
 * at. In pages by key, not of one moment: what is written meanwhile counts as before or as after.
 * @param resource `secrets`, or `example.com/widgets`; empty for everything that is stored
 * @throws HostError where etcd does not answer
 */
export async function etcdCounts(
  connection: EtcdConnection,
  resource: string,
): Promise<Record<string, number>> {
  const prefix = `${connection.prefix}${resource === '' ? '' : `${resource}/`}`;
  const end = Buffer.from(prefix);
  end[end.length - 1]! += 1; // `0` comes after `/`: the first key behind all with this prefix
  const counts: Record<string, number> = {};
  let from = Buffer.from(prefix);
  let limit = FIRST_PAGE;
  for (;;) {
    const { page, bytes } = await range(connection, { key: from, end, limit });
    for (const [name, count] of page.counts) counts[name] = (counts[name] ?? 0) + count;
    if (!page.more || page.last === undefined) return counts;
    from = Buffer.concat([Buffer.from(page.last, 'base64'), Buffer.of(0)]);
    const each = Math.max(1, bytes / Math.max(1, page.values));
    limit = Math.max(1, Math.min(LARGEST_PAGE, Math.floor(PAGE_BYTES / each)));
  }
}

interface Range {
  key: Buffer;
  end: Buffer;
  limit: number;
}

/** One page from the first server that answers. */
async function range(connection: EtcdConnection, wanted: Range): Promise<{ page: EtcdPage; bytes: number }> {
  let fault = 'no address of it is known';
  for (const server of connection.servers)
    try {
      return await ask(server, connection, wanted);
    } catch (error) {
      fault = `${printable(server, 100)}: ${error instanceof HostError ? error.message : reasonOf(error)}`;
    }
  throw new HostError(`etcd cannot be asked how values are stored: ${fault}.`);
}

function ask(
  server: string,
  { tls }: EtcdConnection,
  { key, end, limit }: Range,
): Promise<{ page: EtcdPage; bytes: number }> {
  const body = JSON.stringify({ key: key.toString('base64'), range_end: end.toString('base64'), limit });
  const url = new URL('/v3/kv/range', server);
  return new Promise((resolve, reject) => {
    const take = (response: IncomingMessage) => {
      if (response.statusCode !== 200) {
        response.resume();
        reject(new HostError(`it answers ${response.statusCode}`));
        return;
      }
      const answer = new EtcdAnswer();
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        answer.take(chunk);
      });
      response.on('error', reject);
      response.on('end', () =>
        response.complete
          ? resolve({ page: answer.page, bytes })
          : reject(new HostError('its answer broke off')),
      );
    };
    const options = {
      method: 'POST',
      timeout: SILENCE,
      agent: false as const,
      headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
    };
    const sent =
      url.protocol === 'https:' ? https(url, { ...options, ...tls }, take) : http(url, options, take);
    sent.on('timeout', () => sent.destroy(new HostError('no answer in time')));
    sent.on('error', reject);
    sent.end(body);
  });
}

/**
 * The folder of a resource below the prefix of the API server: custom resources by group and name, those of the core group
 * by their name. API servers name some others in their own way: undefined.
 * @param resource as encryption configurations name it: `secrets`, `widgets.example.com`
 */
export function etcdFolder(resource: string): string | undefined {
  const dot = resource.indexOf('.');
  if (dot < 0) return ['secrets', 'configmaps'].includes(resource) ? resource : undefined;
  const group = resource.slice(dot + 1);
  return group.includes('.') && !group.endsWith('.k8s.io') ? `${group}/${resource.slice(0, dot)}` : undefined;
}
