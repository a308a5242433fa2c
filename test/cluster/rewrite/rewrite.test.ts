import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from '../../../src/cluster/connect.js';
import { judge, type RewritePlace } from '../../../src/model/rewrite.js';
import type { RewriteProgress } from '../../../src/wizard/ports.js';
import { kubeconfigOf, status } from '../recording.js';
import { PLANTED, type SecretsServer, type SecretsSetup, secretsServer } from '../secrets-server.js';

const BOX = 'k8s:enc:secretbox:v1:key1:';
const CBC = 'k8s:enc:aescbc:v1:key2:';
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const many = (count: number) => Array.from({ length: count }, (_, n) => `s-${String(n).padStart(4, '0')}`);
const NAMES = { empty: [], few: many(2), many: many(40), shop: many(9) };

async function clusterOf(setup: Partial<SecretsSetup>) {
  const server = await secretsServer({ names: NAMES, servers: [{ writes: BOX }], page: 7, ...setup });
  open.push(server);
  const cluster = await connect({ kubeconfigText: server.kubeconfig });
  open.push(cluster);
  return { server, cluster };
}

test('all stale ones are re-written, a second run changes nothing, and no value ever comes back', async () => {
  const storedAs = { 'few/s-0000': BOX, 'shop/s-0001': CBC };
  const { server, cluster } = await clusterOf({ storedAs });
  const progress: RewriteProgress[] = [];
  const first = await cluster.rewrite({ onProgress: (p) => progress.push(p) });
  expect(first).toEqual({
    total: 51,
    rewritten: 50,
    unchanged: 1,
    gone: 0,
    refused: 0,
    failures: [],
    interrupted: false,
    metrics: {
      means: 'metrics',
      used: true,
      written: { [BOX]: 50 },
      words: `the API server wrote 50 as ${BOX} (Secrets, those of others included)`,
    },
    reached: {
      means: 'count',
      used: true,
      missed: 0,
      words: 'counts over the whole cluster: none lies outside the namespaces there are',
    },
  });
  expect(progress[0]?.total).toBe(51);
  expect(new Set(Object.values(server.stored()))).toEqual(new Set([BOX]));
  expect(await cluster.rewrite({})).toMatchObject({ rewritten: 0, unchanged: 51 });
  expect(server.answered()).not.toContain(PLANTED);
  const writes = server.seen.filter(({ method }) => method !== 'GET');
  expect(writes.every(({ method, body }) => method === 'PATCH' && body === '{}')).toBe(true);
  expect(writes).toHaveLength(102);
});

test('deleted, edited, busy, failing, refused: each as it should be', async () => {
  const once = new Set<string>();
  const first = (path: string) => !once.has(path) && once.add(path) !== undefined;
  const { server, cluster } = await clusterOf({
    instead: ({ method, path }, it) => {
      if (method !== 'PATCH') return undefined;
      const name = path.split('/').at(-1);
      if (path.includes('/few/')) it.remove(`few/${name}`);
      if (!path.includes('/shop/')) return undefined;
      if (name === 's-0000' && first(path)) return status(409, 'Conflict', `edited ${PLANTED}`);
      if (name === 's-0001' && first(path)) return { status: 429, headers: { 'Retry-After': '0' } };
      if (name === 's-0002' && first(path)) return { status: 503 };
      if (name === 's-0003' && first(path)) return { reset: true };
      if (name === 's-0004')
        return status(
          400,
          'BadRequest',
          `admission webhook "guard.example" denied the request: saw ${PLANTED}`,
        );
      if (name === 's-0005')
        return status(403, 'Forbidden', 'User "me" cannot patch resource "secrets" in API group');
      return undefined;
    },
  });
  const result = await cluster.rewrite({});
  expect(result).toMatchObject({ total: 51, rewritten: 47, gone: 2, refused: 2, interrupted: false });
  const words = Object.fromEntries(result.failures.map(({ ref, reason }) => [ref.name, reason]));
  expect(words['s-0004']).toContain('guard.example');
  expect(words['s-0005']).toContain('You may not');
  expect(JSON.stringify(result)).not.toContain(PLANTED);
  expect(
    Object.entries(server.stored())
      .filter(([, prefix]) => prefix !== BOX)
      .map(([key]) => key),
  ).toEqual(['shop/s-0004', 'shop/s-0005']);
});

test.each(['offers to go on', 'does not'])(
  'the server forgets the place in the list and %s: nothing is skipped or counted twice',
  async (offer) => {
    let asked = 0;
    let expired = 0;
    const { server, cluster } = await clusterOf({
      instead: ({ path, query }) => {
        const place = query.get('continue');
        if (path !== '/api/v1/namespaces/many/secrets' || place === null || ++asked % 4 !== 2)
          return undefined;
        if (offer === 'does not' && expired >= 3) return undefined;
        expired++;
        const metadata = offer === 'does not' ? {} : { continue: place };
        return status(410, 'Expired', 'too old', { metadata });
      },
    });
    expect(await cluster.rewrite({})).toMatchObject({ rewritten: 51, unchanged: 0, total: 51 });
    expect(expired).toBeGreaterThan(1);
    expect(new Set(Object.values(server.stored()))).toEqual(new Set([BOX]));
  },
);

test('a server that offers the same expired place for ever is given up', async () => {
  const { cluster } = await clusterOf({
    instead: ({ path, query }) =>
      path === '/api/v1/namespaces/many/secrets' && query.get('continue') !== null
        ? status(410, 'Expired', 'too old', { metadata: { continue: 'again' } })
        : undefined,
  });
  await expect(cluster.rewrite({})).rejects.toMatchObject({ name: 'ClusterError' });
});

test('stopped and run again: the rest is done', async () => {
  const { server, cluster } = await clusterOf({});
  const stop = new AbortController();
  const half = await cluster.rewrite({
    signal: stop.signal,
    onProgress: ({ rewritten }) => rewritten >= 20 && stop.abort(),
  });
  expect(half.interrupted).toBe(true);
  expect(half.rewritten).toBeGreaterThanOrEqual(20);
  const rest = await cluster.rewrite({});
  expect(rest.rewritten).toBe(51 - half.rewritten);
  expect(new Set(Object.values(server.stored()))).toEqual(new Set([BOX]));
});

test.each<[string, ReturnType<typeof status>, string, string]>([
  [
    'etcd is full',
    status(500, 'InternalError', 'etcdserver: mvcc: database space exceeded'),
    'server',
    'no space left',
  ],
  ['the token expired', status(401, 'Unauthorized', 'Unauthorized'), 'unauthorized', 'Log in again'],
])('%s: stops at once and says how to go on', async (_name, reply, reason, words) => {
  const { cluster, server } = await clusterOf({
    instead: ({ method, path }) => (method === 'PATCH' && path.includes('/shop/') ? reply : undefined),
  });
  const error: unknown = await cluster.rewrite({}).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'ClusterError', reason });
  expect(String(error)).toContain(words);
  expect(server.stored()['shop/s-0008']).toBe('');
});

test('a right that is withdrawn in the middle stops it, and says which; given back, the rest is done', async () => {
  let allowed = true;
  let refused = 0;
  const names = { a: many(300), b: many(300) };
  const { server, cluster } = await clusterOf({
    names,
    page: 100,
    instead: ({ method, path, body }) => {
      if (path.endsWith('/selfsubjectaccessreviews'))
        return { status: 201, body: { status: { allowed: allowed || !body.includes('"patch"') } } };
      if (method !== 'PATCH' || allowed) return undefined;
      refused++;
      return status(403, 'Forbidden', 'User "me" cannot patch resource "secrets" in API group');
    },
  });
  const places: RewritePlace[] = [];
  const error: unknown = await cluster
    .rewrite({
      onProgress: ({ rewritten }) => {
        if (rewritten >= 150) allowed = false;
      },
      onCheckpoint: async ({ place }) => void places.push(place),
    })
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'ClusterError', reason: 'forbidden' });
  expect(String(error)).toMatch(
    /Stopped after \d+ objects: this account may no longer patch secrets\. Ask for/,
  );
  // No more than what was under way.
  expect(refused).toBeLessThan(200);
  allowed = true;
  await cluster.rewrite({});
  expect(new Set(Object.values(server.stored()))).toEqual(new Set([BOX]));
  // Nothing that was refused lies before the place where a run is taken up.
  expect(places.every(({ namespace }) => namespace === 'a')).toBe(true);
});

test('a token that expires in the middle is renewed from its file, and nothing is left out', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'kubectl-harden-token-'));
  const tokenFile = path.join(directory, 'token');
  writeFileSync(tokenFile, 'first');
  let patches = 0;
  const server = await secretsServer({
    names: NAMES,
    servers: [{ writes: BOX }],
    instead: ({ method, headers }) => {
      if (method === 'PATCH' && ++patches === 20) writeFileSync(tokenFile, 'second');
      const good = headers.authorization === (patches < 20 ? 'Bearer first' : 'Bearer second');
      return good ? undefined : status(401, 'Unauthorized', 'Unauthorized');
    },
  });
  open.push(server, { close: async () => rmSync(directory, { recursive: true }) });
  const address = /server: (\S+)/.exec(server.kubeconfig)?.[1] ?? '';
  const cluster = await connect({ kubeconfigText: kubeconfigOf(address, { tokenFile }) });
  open.push(cluster);
  expect(await cluster.rewrite({})).toMatchObject({ rewritten: 51, refused: 0, interrupted: false });
  expect(new Set(Object.values(server.stored()))).toEqual(new Set([BOX]));
});

test('a namespace that may not be listed is named, the others are done', async () => {
  const { cluster } = await clusterOf({
    instead: ({ path }) =>
      path === '/api/v1/namespaces/shop/secrets'
        ? status(403, 'Forbidden', 'User "me" cannot list resource "secrets" in API group')
        : undefined,
  });
  const result = await cluster.rewrite({});
  expect(result).toMatchObject({ rewritten: 42, interrupted: false });
  expect(result.failures.map(({ ref }) => ref)).toEqual([
    { apiVersion: 'v1', kind: 'Namespace', name: 'shop' },
  ]);
});

describe('what a namespace that was taken away by force left behind', () => {
  const counted = async (setup: Partial<SecretsSetup>, change: (it: SecretsServer) => void) => {
    const { server, cluster } = await clusterOf(setup);
    change(server);
    const { reached } = await cluster.rewrite({});
    expect(server.answered()).not.toContain(PLANTED);
    const means = await cluster.proveRewrite({});
    const proof = { objects: 51, stale: 51, writes: [BOX], means };
    return { server, reached, verdict: judge(proof), counts: means.find((one) => one.means === 'count') };
  };
  const orphans = (it: SecretsServer) => {
    for (const name of many(5)) it.add(`ghost/${name}`, CBC);
  };

  test('is counted and named, with what to do, and nothing is proven', async () => {
    const { server, reached, verdict, counts } = await counted({}, orphans);
    expect(server.stored()['ghost/s-0000']).toBe(CBC);
    expect(reached).toMatchObject({ used: true, missed: 5 });
    expect(counts?.words).toContain(
      '5 × Secret (s-0000, s-0001, s-0002, …) in namespaces that no longer exist',
    );
    expect(counts?.words).toContain(
      "kubectl get secrets -A --field-selector 'metadata.namespace!=empty,metadata.namespace!=few,metadata.namespace!=many,metadata.namespace!=shop'",
    );
    expect(verdict).toBe('contradicted');
  });

  test('is seen although as many are deleted meanwhile', async () => {
    const { reached } = await counted(
      {
        instead: ({ method, path }, it) => {
          if (method === 'PATCH' && path.endsWith('/shop/secrets/s-0008'))
            for (const name of many(5)) it.remove(`many/${name}`);
          return undefined;
        },
      },
      orphans,
    );
    expect(reached).toMatchObject({ used: true, missed: 5 });
  });

  test('is not taken for what others create while it is counted', async () => {
    let created = 0;
    const { reached, verdict } = await counted(
      {
        instead: ({ path, query }, it) => {
          if (path === '/api/v1/secrets' && query.get('limit') === '1') it.add(`shop/new-${++created}`, BOX);
          return undefined;
        },
      },
      () => {},
    );
    expect(created).toBeGreaterThan(3);
    expect([reached, verdict]).toMatchObject([{ used: true, missed: 0 }, 'proven']);
  });

  test('cannot be counted by this account: said, and nothing is proven', async () => {
    const { reached, verdict } = await counted(
      {
        instead: ({ path }) =>
          path === '/api/v1/secrets'
            ? status(403, 'Forbidden', 'User "me" cannot list resource "secrets" in API group')
            : undefined,
      },
      orphans,
    );
    expect([reached, verdict]).toMatchObject([{ used: false }, 'unproven']);
  });
});

test('the proof reads no faster than it re-writes, and stops when it is told to', async () => {
  const setup = { cachedLists: true, stored: BOX, names: { shop: many(60) } };
  const { server, cluster } = await clusterOf(setup);
  server.count(BOX, 1);
  const reads = () =>
    server.seen.filter(({ method, path }) => method === 'GET' && path.includes('/shop/secrets/')).length;
  const began = performance.now();
  const [audit] = await cluster.proveRewrite({ maxRate: 100 });
  expect(audit).toMatchObject({ used: true, stored: { [BOX]: 60 } });
  expect(reads()).toBe(60);
  // Twice 60, of which a tenth of a second's rate may be begun at once each time.
  expect(performance.now() - began).toBeGreaterThan(900);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 300);
  const stopped = await cluster.proveRewrite({ maxRate: 20, signal: stop.signal });
  expect(stopped[0]).toMatchObject({ means: 'readAudit', used: false });
  expect(reads()).toBeLessThan(75);
});
