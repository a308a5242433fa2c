import { connect } from '../../src/cluster/connect.js';
import type { EncryptionFacts } from '../../src/model/snapshot.js';
import { encryptionAtRest } from '../../steps/encryption-at-rest.js';
import { snapshotOf } from '../support/snapshot.js';
import { status } from './recording.js';
import { PLANTED, type SecretsServer, type SecretsSetup, secretsServer } from './secrets-server.js';

const BOX = 'k8s:enc:secretbox:v1:key1:';
const NAMES = { 'kube-system': ['a', 'b'], shop: ['c', 'd', 'e'], empty: [] };
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function factsOf(setup: Partial<SecretsSetup>) {
  const server: SecretsServer = await secretsServer({ names: NAMES, servers: [{ writes: BOX }], ...setup });
  open.push(server);
  const cluster = await connect({ kubeconfigText: server.kubeconfig });
  open.push(cluster);
  const { encryption, listings } = await cluster.read([
    { probe: 'encryption', for: 'test' },
    { kind: 'Secret', as: 'names', for: 'test' },
  ]);
  if (encryption === undefined) throw new Error('the probe was not answered');
  expect(server.answered()).not.toContain(PLANTED);
  return {
    facts: encryption,
    secrets: listings.get('Secret'),
    server,
    words: encryption.evidence.join('\n'),
  };
}

test('lists come from storage (1.20): one listing by name tells how all are stored', async () => {
  const { facts, server, secrets } = await factsOf({ storedAs: { 'shop/c': BOX, 'shop/d': BOX } });
  expect(facts).toMatchObject({ secrets: 5, stored: { '': 3, [BOX]: 2 }, writes: undefined });
  expect(server.seen.filter(({ path }) => path.endsWith('/secrets/c'))).toEqual([]);
  expect(secrets?.state === 'read' && secrets.items.map(({ metadata }) => metadata.name)).toEqual([
    'a',
    'b',
    'c',
    'd',
    'e',
  ]);
});

test('lists come from the watch cache (1.36): each Secret is read by itself', async () => {
  const { facts, server } = await factsOf({
    cachedLists: true,
    storedAs: { 'shop/c': BOX },
    instead: seedCounters(BOX),
  });
  expect(facts).toMatchObject({ secrets: 5, stored: { '': 4, [BOX]: 1 }, writes: BOX });
  expect(server.seen.filter(({ path }) => path.endsWith('/secrets/c'))).toHaveLength(1);
});

test('all encrypted, and what the server writes', async () => {
  const { facts } = await factsOf({ stored: BOX, cachedLists: true, instead: seedCounters(BOX) });
  expect(facts).toMatchObject({ secrets: 5, stored: { [BOX]: 5 }, writes: BOX });
});

test('Secrets of a namespace that no longer exists: how all are stored is not known, and it says why', async () => {
  const left = { ...NAMES, ghost: ['x'] };
  const { facts, words } = await factsOf({
    names: left,
    stored: BOX,
    instead: ({ path }) =>
      path === '/api/v1/namespaces'
        ? { body: { items: Object.keys(NAMES).map((name) => ({ metadata: { name } })) } }
        : undefined,
  });
  expect(facts).toMatchObject({ secrets: 5, stored: undefined });
  expect(words).toContain('1 × Secret (x) in namespaces that no longer exist');
});

test('no configuration: no counters, all in plain text', async () => {
  const { facts, words } = await factsOf({ servers: [{ writes: '', unconfigured: true }] });
  expect(facts).toMatchObject({ secrets: 5, stored: { '': 5 }, writes: '' });
  expect(words).toContain('no encryption configuration');
});

test('a flag is set but the server counts nothing: not visible, rather than plain', async () => {
  const { facts } = await factsOf({
    servers: [{ writes: '', unconfigured: true }],
    flags: ['/etc/e.yaml', null],
  });
  expect(facts).toMatchObject({
    stored: undefined,
    writes: undefined,
    flags: [
      { server: 'kube-apiserver-0', value: '/etc/e.yaml' },
      { server: 'kube-apiserver-1', value: null },
    ],
  });
});

/** Somebody else reads values under a prefix between two readings of the metrics, counted from 1. */
const noise = (prefix: string, by: number, ...after: number[]): NonNullable<SecretsSetup['instead']> => {
  let readings = 0;
  return ({ path }, server) => {
    if (path === '/metrics' && after.includes(readings++)) server.count(prefix, by);
    return undefined;
  };
};
const OLD = 'k8s:enc:secretbox:v1:one:';

test.each<[string, Partial<SecretsSetup>]>([
  ['while they were listed: each is read by itself', { instead: noise(BOX, 4, 1) }],
  [
    'which moves the counters as much as a list that moves nothing',
    { cachedLists: true, instead: noise(BOX, 5, 1) },
  ],
  ['which moves them more', { cachedLists: true, instead: noise(BOX, 7, 1) }],
  [
    'at a version whose lists are not to be relied on',
    { cachedLists: true, minor: 31, instead: noise(BOX, 5, 1) },
  ],
  [
    'where an older server has the watch cache all the same',
    { cachedLists: true, minor: 30, instead: noise(BOX, 6, 1) },
  ],
])('somebody else reads values under the new key, %s: the old ones are seen', async (_name, setup) => {
  const { facts } = await factsOf({ stored: OLD, ...setup });
  expect(facts.stored).toEqual({ [OLD]: 5 });
});

test('somebody else reads Secrets all the time: said, and ours are among them', async () => {
  const { facts, words } = await factsOf({ stored: OLD, instead: noise(BOX, 4, 1, 2) });
  expect(facts.stored).toEqual({ [OLD]: 5, [BOX]: 4 });
  expect(words).toContain('4 more were read meanwhile');
});

test('metrics may not be read: not visible, with what to ask for', async () => {
  const { facts, words } = await factsOf({
    instead: ({ path }) =>
      path === '/metrics' ? status(403, 'Forbidden', 'x cannot get path "/metrics"') : undefined,
  });
  expect(facts).toMatchObject({ secrets: 5, stored: undefined, writes: undefined });
  expect(words).toContain('/metrics');
});

test('two readings from different servers say nothing', async () => {
  let reading = 0;
  const { facts, words } = await factsOf({
    instead: ({ path }) =>
      path === '/metrics'
        ? { text: `apiserver_request_total{} 1\nprocess_start_time_seconds ${reading++}\n` }
        : undefined,
  });
  expect(facts.stored).toBeUndefined();
  expect(words).toContain('different API servers');
});

test('something else answers at /metrics: not visible', async () => {
  const { facts } = await factsOf({
    instead: ({ path }) => (path === '/metrics' ? { text: 'up 1\n' } : undefined),
  });
  expect(facts.stored).toBeUndefined();
});

test('Secrets may not be listed in one namespace: neither counted nor shown in part', async () => {
  const { facts, secrets } = await factsOf({
    instead: ({ path }) =>
      path === '/api/v1/namespaces/shop/secrets'
        ? status(
            403,
            'Forbidden',
            'secrets is forbidden: User "me" cannot list resource "secrets" in API group',
          )
        : undefined,
  });
  expect(facts).toMatchObject({ secrets: undefined, stored: undefined });
  expect(secrets).toMatchObject({ state: 'notVisible' });
  expect(secrets?.state === 'notVisible' ? secrets.reason : '').toContain('shop');
});

test.each<[string, Partial<SecretsSetup>, EncryptionFacts['servers']]>([
  ['no endpoints, on loopback: alone', {}, { listed: 1, seen: 1 }],
  ['one', { endpoints: [{ ip: '192.0.2.1', port: 6443 }] }, { listed: 1, seen: 1 }],
  [
    'two',
    {
      endpoints: [
        { ip: '192.0.2.1', port: 6443 },
        { ip: '192.0.2.2', port: 6443 },
      ],
    },
    { listed: 2, seen: 1 },
  ],
  [
    'not to be read, and metrics neither',
    {
      instead: ({ path }) =>
        path === '/metrics' || path.endsWith('/endpoints/kubernetes')
          ? status(403, 'Forbidden', 'User "me" cannot get path "/metrics"')
          : undefined,
    },
    { listed: undefined, seen: 0 },
  ],
])('API servers that are listed, and those whose counters were seen: %s', async (_name, setup, servers) => {
  expect((await factsOf({ stored: BOX, ...setup })).facts.servers).toEqual(servers);
});

test('identity first: before anything was written a re-write is offered, after the gate neither it nor a new key', async () => {
  const server = await secretsServer({ names: NAMES, servers: [{ writes: '' }], flags: ['/etc/e.yaml'] });
  open.push(server);
  const cluster = await connect({ kubeconfigText: server.kubeconfig });
  open.push(cluster);
  for (const flags of [true, false]) {
    const asked = async () => {
      const { encryption, listings } = await cluster.read([{ probe: 'encryption', for: 'test' }]);
      const facts = encryption === undefined || flags ? encryption : { ...encryption, flags: [] };
      const now = { ...snapshotOf(), listings, ...(facts === undefined ? {} : { encryption: facts }) };
      return {
        questions: encryptionAtRest.questions(now).map(({ id }) => id),
        found: encryptionAtRest.assess(now, {}).map(({ id }) => id),
      };
    };
    expect((await asked()).questions).not.toContain('enable');
    expect(await cluster.gate()).toMatchObject({ open: false });
    const { questions, found } = await asked();
    expect(questions).toEqual([]);
    // That the file itself cannot be seen from afar is said beside it.
    expect(found.filter((id) => id !== 'configuration-not-visible')).toEqual(['encryption-without-effect']);
  }
});

test('several API servers: everything goes over one connection, and only one is spoken for', async () => {
  const { facts, server, words } = await factsOf({
    stored: BOX,
    servers: [{ writes: BOX }, { writes: BOX }],
    endpoints: [
      { ip: '192.0.2.1', port: 6443 },
      { ip: '192.0.2.2', port: 6443 },
    ],
  });
  expect(facts.stored).toEqual({ [BOX]: 5 });
  expect(words).toContain('one of 2 API servers');
  const connections = new Set(
    server.seen
      .filter(({ path }) => path === '/metrics' || path.endsWith('/secrets'))
      .filter(({ query }) => query.get('limit') !== '1') // counts, which any server may answer
      .map((seen) => seen.connection),
  );
  expect(connections.size).toBe(1);
});

function seedCounters(prefix: string): NonNullable<SecretsSetup['instead']> {
  let seeded = false;
  return ({ path }, server) => {
    if (path === '/version' && !seeded) {
      seeded = true;
      server.wrote(prefix, 1);
    }
    return undefined;
  };
}
