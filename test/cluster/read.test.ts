import { connect } from '../../src/cluster/connect.js';
import type { KindName } from '../../src/model/kinds.js';
import type { Listing } from '../../src/model/snapshot.js';
import type { ReadProgress } from '../../src/wizard/ports.js';
import { basics, type Reply, recording, type Seen, status } from './recording.js';
import { PLANTED, secretsServer } from './secrets-server.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const PLURALS = ['namespaces', 'pods', 'configmaps', 'secrets', 'services'];
type Want = readonly (readonly [KindName, 'objects' | 'names'])[];

async function read(want: Want, handler: (seen: Seen) => Reply, onProgress?: (p: ReadProgress) => void) {
  const server = await recording((seen) => basics(seen, PLURALS) ?? handler(seen));
  open.push(server);
  const cluster = await connect({ kubeconfigText: server.kubeconfig });
  open.push(cluster);
  const queries = want.map(([kind, as]) => ({ kind, as, for: 'test' }));
  const { listings } = await cluster.read(queries, onProgress);
  return { server, listings };
}

const names = (listing: Listing | undefined) =>
  listing?.state === 'read' ? listing.items.map((item) => item.metadata.name) : listing;
const pod = (name: string, more: object = {}) => ({ metadata: { name, namespace: 'shop' }, ...more });

test('pages are followed; progress tells how far', async () => {
  const progress: ReadProgress[] = [];
  const { server, listings } = await read(
    [['Pod', 'objects']],
    ({ query }) =>
      query.get('continue') === null
        ? { body: { metadata: { continue: 'two' }, items: [pod('a'), pod('b')] } }
        : { body: { metadata: {}, items: [pod('c')] } },
    (p) => progress.push(p),
  );
  expect(names(listings.get('Pod'))).toEqual(['a', 'b', 'c']);
  expect(
    server.seen.filter(({ path }) => path === '/api/v1/pods').map(({ query }) => query.get('limit')),
  ).toEqual(['500', '500']);
  expect(progress.filter(({ kind }) => kind === 'Pod')).toEqual([
    { kind: 'Pod', objects: 2, done: false },
    { kind: 'Pod', objects: 3, done: false },
    { kind: 'Pod', objects: 3, done: true },
  ]);
});

test('an expired token begins the list again, without doubles', async () => {
  let expired = false;
  const { listings } = await read([['Pod', 'objects']], ({ query }) => {
    if (query.get('continue') === null) return { body: { metadata: { continue: 'x' }, items: [pod('a')] } };
    if (expired) return { body: { metadata: {}, items: [pod('b')] } };
    expired = true;
    return status(410, 'Expired', 'The provided continue parameter is too old');
  });
  expect(names(listings.get('Pod'))).toEqual(['a', 'b']);
});

test('a token that expires again and again ends as not visible', async () => {
  const { listings } = await read([['Pod', 'objects']], ({ query }) =>
    query.get('continue') === null
      ? { body: { metadata: { continue: 'x' }, items: [pod('a')] } }
      : status(410, 'Expired', 'too old'),
  );
  expect(listings.get('Pod')).toMatchObject({ state: 'notVisible' });
});

test('what may not be listed is not visible, the rest is read', async () => {
  const { listings } = await read(
    [
      ['Pod', 'objects'],
      ['Service', 'objects'],
    ],
    ({ path }) =>
      path === '/api/v1/pods'
        ? status(403, 'Forbidden', 'pods is forbidden: User "me" cannot list resource "pods" in API group ""')
        : { body: { items: [{ metadata: { name: 'web', namespace: 'shop' } }] } },
  );
  expect(listings.get('Pod')).toEqual({
    state: 'notVisible',
    reason: 'you may not list pods. Ask for that right, or use another account',
  });
  expect(names(listings.get('Service'))).toEqual(['web']);
});

test('what the server lacks is absent; a group that fails is not visible', async () => {
  const server = await recording((seen) => {
    if (seen.path === '/apis')
      return {
        body: { groups: [{ versions: [{ groupVersion: 'apps/v1' }, { groupVersion: 'batch/v1beta1' }] }] },
      };
    if (seen.path === '/apis/apps/v1') return status(500, 'InternalError', 'down');
    if (seen.path === '/apis/batch/v1beta1')
      return { body: { resources: [{ name: 'cronjobs', verbs: ['list'] }] } };
    if (seen.path === '/apis/batch/v1beta1/cronjobs') return { body: { items: [pod('nightly')] } };
    return basics(seen, PLURALS) ?? { status: 404 };
  });
  open.push(server);
  const cluster = await connect({ kubeconfigText: server.kubeconfig });
  open.push(cluster);
  const kinds: KindName[] = ['Deployment', 'CronJob', 'NetworkPolicy'];
  const { listings } = await cluster.read(kinds.map((kind) => ({ kind, as: 'objects', for: 'test' })));
  expect(listings.get('Deployment')).toMatchObject({ state: 'notVisible' });
  expect(listings.get('CronJob')).toMatchObject({ state: 'read', apiVersion: 'batch/v1beta1' });
  expect(listings.get('NetworkPolicy')).toMatchObject({ state: 'absent' });
});

test('ConfigMaps: content only of those that configure DNS and networks', async () => {
  const { server, listings } = await read([['ConfigMap', 'objects']], ({ path, headers }) => {
    if (path === '/api/v1/configmaps') {
      expect(headers.accept).toContain('PartialObjectMetadataList');
      const at = (namespace: string, name: string) => ({ metadata: { name, namespace } });
      return {
        body: { items: [at('kube-system', 'coredns'), at('shop', 'passwords'), at('gone', 'calico-config')] },
      };
    }
    if (path === '/api/v1/namespaces/kube-system/configmaps/coredns')
      return {
        body: { metadata: { name: 'coredns', namespace: 'kube-system' }, data: { Corefile: '.:53 {}' } },
      };
    return status(404, 'NotFound', 'no');
  });
  const listing = listings.get('ConfigMap');
  expect(
    listing?.state === 'read' && listing.items.map(({ metadata, data }) => [metadata.name, data]),
  ).toEqual([
    ['coredns', { Corefile: '.:53 {}' }],
    ['passwords', undefined],
    ['calico-config', undefined],
  ]);
  expect(server.seen.some(({ path }) => path.includes('passwords'))).toBe(false);
});

test('names carry nothing but names', async () => {
  const { listings } = await read([['Service', 'names']], () => ({
    body: { items: [{ metadata: { name: 'web', namespace: 'shop', annotations: { a: 'b' } } }] },
  }));
  expect(listings.get('Service')).toMatchObject({
    items: [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' } }],
  });
});

test.each(['names', 'objects'] as const)(
  'Secrets asked for as %s come as names, page by page, without a value',
  async (as) => {
    const shop = Array.from({ length: 7 }, (_, index) => `s-${index}`);
    const server = await secretsServer({ names: { shop, other: ['x'] }, servers: [{ writes: '' }], page: 3 });
    open.push(server);
    const cluster = await connect({ kubeconfigText: server.kubeconfig });
    open.push(cluster);
    const { listings } = await cluster.read([{ kind: 'Secret', as, for: 'test' }]);
    const listing = listings.get('Secret');
    expect(names(listing)).toEqual([...shop, 'x']);
    expect(listing?.state === 'read' && listing.items[0]).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's-0', namespace: 'shop' },
      type: 'Opaque',
    });
    expect(server.answered()).not.toContain(PLANTED);
  },
);

test('a server that answers a Secret list with objects is not believed', async () => {
  const { listings } = await read([['Secret', 'names']], ({ path }) =>
    path === '/api/v1/namespaces'
      ? { body: { items: [{ metadata: { name: 'shop' } }] } }
      : { body: { kind: 'SecretList', items: [{ metadata: { name: 'x' }, data: { a: 'b' } }] } },
  );
  expect(listings.get('Secret')).toMatchObject({ state: 'notVisible' });
});

test('a server that goes away in the middle ends the whole reading', async () => {
  const broken = read(
    [
      ['Pod', 'objects'],
      ['Service', 'objects'],
    ],
    ({ path }) => (path === '/api/v1/pods' ? { reset: true } : { body: { items: [] } }),
  );
  await expect(broken).rejects.toMatchObject({ name: 'ClusterError', reason: 'unreachable' });
}, 20_000);

test('of ConfigMaps, those that workloads take settings from are read whole; of their fields the data only', async () => {
  const map = (name: string) => ({ metadata: { name, namespace: 'shop' } });
  const spec = {
    containers: [{ name: 'c', envFrom: [{ configMapRef: { name: 'env' } }] }],
    volumes: [
      { name: 'v', configMap: { name: 'files' } },
      { name: 't', projected: { sources: [{ configMap: { name: 'kube-root-ca.crt' } }] } },
    ],
  };
  const { server, listings } = await read(
    [
      ['Pod', 'objects'],
      ['ConfigMap', 'objects'],
    ],
    ({ path }) => {
      if (path === '/api/v1/pods') return { body: { items: [pod('web', { spec })] } };
      if (path === '/api/v1/configmaps')
        return { body: { items: ['env', 'files', 'other', 'kube-root-ca.crt'].map(map) } };
      const name = path.split('/').at(-1) ?? '';
      return { body: { ...map(name), data: { CARTS: 'http://carts' }, binaryData: { blob: 'AAAA' } } };
    },
  );
  const listing = listings.get('ConfigMap');
  expect(
    listing?.state === 'read' &&
      listing.items.map(({ metadata, data, binaryData }) => [metadata.name, data, binaryData]),
  ).toEqual([
    ['env', { CARTS: 'http://carts' }, undefined],
    ['files', { CARTS: 'http://carts' }, undefined],
    ['other', undefined, undefined],
    ['kube-root-ca.crt', undefined, undefined],
  ]);
  expect(
    server.seen.filter(({ path }) => path.startsWith('/api/v1/namespaces/shop/configmaps/')),
  ).toHaveLength(2);
});
