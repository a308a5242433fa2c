import { readFileSync } from 'node:fs';
import type { Client } from '../../src/cluster/client.js';
import { transformations } from '../../src/cluster/metrics.js';
import { flagsIn, serverFacts } from '../../src/cluster/server-facts.js';

/**
 * Answers in the documented form of servers newer than the one that tests run on: `/flagz` in words (1.32) and
 * structured (1.36), the hash of the configuration in force (1.34) and the Leases of API servers (1.34).
 */
const answer = (name: string) =>
  readFileSync(new URL(`../fixtures/encryption-servers/${name}`, import.meta.url), 'utf8');
const HASH = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';
const FILE = '/etc/kubernetes/enc/encryption-config.yaml';

/** A client that answers these paths, and everything else with 404. */
const client = (paths: Record<string, string>) =>
  ({
    send: async ({ path }: { path: string }) => ({
      status: path in paths ? 200 : 404,
      body: Buffer.from(paths[path] ?? ''),
    }),
  }) as unknown as Client;
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
const metrics = transformations(answer('metrics-1.34.txt'));
const flags = ['cp1', 'cp2'].map((node) => ({
  server: `kube-apiserver-${node}`,
  node,
  value: FILE,
  reload: false,
}));

test('the server that answers is known by its Lease, and each statement has its source', async () => {
  const seen = await serverFacts(
    client({ '/flagz': answer('flagz-1.36.json'), [LEASES]: answer('leases-1.34.json') }),
    flags,
    metrics,
    false,
  );
  expect(seen).toEqual([
    {
      server: 'cp1',
      file: { value: FILE, source: 'arguments of Pod kube-system/kube-apiserver-cp1' },
      reload: { value: false, source: 'arguments of Pod kube-system/kube-apiserver-cp1' },
    },
    {
      server: 'cp2',
      file: { value: FILE, source: '/flagz' },
      reload: { value: true, source: '/flagz' },
      hash: { value: HASH, source: 'metrics' },
    },
  ]);
});

test('one of several that cannot be told apart says nothing of any of them', async () => {
  const seen = await serverFacts(client({ '/flagz': answer('flagz-1.36.json') }), flags, metrics, false);
  expect(seen.map(({ server, hash }) => [server, hash])).toEqual([
    ['cp1', undefined],
    ['cp2', undefined],
  ]);
});

test('the only server needs no Lease', async () => {
  const seen = await serverFacts(client({ '/flagz': answer('flagz-1.32.txt') }), [], 'metrics: hidden', true);
  expect(seen).toEqual([
    {
      server: 'the only API server',
      file: { value: null, source: '/flagz' },
      reload: { value: false, source: '/flagz' },
    },
  ]);
});

test('where nothing is served, nothing is said', async () => {
  expect(await serverFacts(client({}), [], 'metrics: hidden', true)).toEqual([]);
});

test.each([
  ['1.36', answer('flagz-1.36.json'), { file: FILE, reload: 'true' }],
  ['1.32', answer('flagz-1.32.txt'), { file: '', reload: 'false' }],
  ['another delimiter', `encryption-provider-config: ${FILE}\n`, { file: FILE, reload: '' }],
  ['something else', '<html>not found</html>', undefined],
  ['the reload flag alone', 'encryption-provider-config-automatic-reload=true', undefined],
])('/flagz of %s', (_name, text, expected) => {
  expect(flagsIn(text)).toEqual(expected);
});
