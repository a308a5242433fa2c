import { readFileSync } from 'node:fs';
import path from 'node:path';
import { localApiServer } from '../../src/cluster/local-server.js';
import { FIXTURES } from '../support/golden.js';
import {
  basics,
  kubeconfigOf,
  type Recording,
  type Reply,
  recording,
  type Seen,
  status,
} from './recording.js';

const PLANTED = 'planted-value';
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** As recorded from 1.34: the digest of the file's bytes. */
const RECORDED = readFileSync(path.join(FIXTURES, 'encryption-servers/metrics-1.34.txt'), 'utf8');
const DIGEST = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';
const METRICS = [
  'kubernetes_build_info{git_version="v1.34.0"} 1',
  'process_start_time_seconds 1.70000000025e+09',
  RECORDED.match(/^\S*last_config_info\{.*$/m)?.[0],
].join('\n');

/** An API server reached past the address in the kubeconfig, where nobody answers. */
async function serverOf(instead: (seen: Seen) => Reply | undefined = () => undefined) {
  const recorded: Recording = await recording(
    (seen) =>
      instead(seen) ??
      basics(seen) ??
      (seen.path === '/readyz'
        ? { text: 'ok' }
        : seen.path === '/metrics'
          ? { text: METRICS }
          : seen.path === '/api/v1/secrets'
            ? { body: { kind: 'Table', metadata: {}, rows: [] } }
            : status(404, 'NotFound', 'not found')),
  );
  const server = localApiServer(
    {
      kubeconfigText: kubeconfigOf(
        'http://127.0.0.1:1',
        { token: 'a-token' },
        { 'proxy-url': 'http://127.0.0.1:2' },
      ),
    },
    recorded.address,
  );
  open.push(recorded, server);
  return { server, recorded };
}

test('shows who it is, when it began and which configuration it has, past load balancer and proxy', async () => {
  const { server, recorded } = await serverOf();
  expect(await server.look()).toEqual({
    at: 'up',
    ready: true,
    cluster: 'uid-of-kube-system',
    startedAt: 1_700_000_000.25,
    configuration: DIGEST,
  });
  expect(new Set(recorded.seen.map(({ connection }) => connection)).size).toBe(recorded.seen.length);
});

test('what is not ready is named by its checks, and nothing else of the answer', async () => {
  const text = `[+]ping ok\n[-]etcd failed: ${PLANTED}\n[-]poststarthook/start failed: reason withheld`;
  const { server } = await serverOf(({ path }) => (path === '/readyz' ? { status: 500, text } : undefined));
  const sight = await server.look();
  expect(sight).toMatchObject({ at: 'up', ready: false, failing: 'etcd, poststarthook/start' });
  expect(JSON.stringify(sight)).not.toContain(PLANTED);
});

test.each<[string, (seen: Seen) => Reply | undefined, string]>([
  ['breaks connections', () => ({ reset: true }), 'down'],
  ['is busy', () => status(503, 'ServiceUnavailable', 'not yet'), 'down'],
  ['does not accept the token', () => status(401, 'Unauthorized', 'no'), 'strange'],
  [
    'may not be read',
    ({ path }) =>
      path.startsWith('/api/v1/namespaces')
        ? status(403, 'Forbidden', 'User "me" cannot get resource "namespaces"')
        : undefined,
    'strange',
  ],
  [
    'hides /readyz',
    ({ path }) => (path === '/readyz' ? status(403, 'Forbidden', 'no') : undefined),
    'strange',
  ],
  [
    'is something else',
    ({ path }) => (path.endsWith('kube-system') ? { body: { hello: 1 } } : undefined),
    'strange',
  ],
])('a server that %s', async (_name, instead, at) => {
  const { server } = await serverOf(instead);
  expect((await server.look()).at).toBe(at);
});

test('nobody at the address is down; metrics that are hidden leave the rest', async () => {
  const nobody = localApiServer(
    { kubeconfigText: kubeconfigOf('http://127.0.0.1:1', {}) },
    'http://127.0.0.1:1',
  );
  open.push(nobody);
  expect((await nobody.look()).at).toBe('down');
  const { server } = await serverOf(({ path }) =>
    path === '/metrics' ? status(403, 'Forbidden', 'no') : undefined,
  );
  expect(await server.look()).toEqual({ at: 'up', ready: true, cluster: 'uid-of-kube-system' });
});

test('all Secrets are read in the form that carries none of them', async () => {
  const { server, recorded } = await serverOf();
  expect(await server.readsSecrets()).toBe(true);
  const [list] = recorded.seen;
  expect([list?.query.get('includeObject'), list?.headers.accept]).toEqual([
    'None',
    'application/json;as=Table;g=meta.k8s.io;v=v1',
  ]);
});

test.each([
  [500, false],
  [403, undefined],
])('a list that answers %s: %s', async (code, wanted) => {
  const { server } = await serverOf(({ path }) =>
    path === '/api/v1/secrets' ? status(code, 'X', `cannot list resource "secrets" ${PLANTED}`) : undefined,
  );
  expect(await server.readsSecrets()).toBe(wanted);
});

test.each<[string, number, boolean]>([
  ['can be read', 200, true],
  ['cannot be read', 500, false],
  ['may not be listed', 403, true],
])('besides Secrets, what the configuration names and %s', async (_name, code, wanted) => {
  const { server, recorded } = await serverOf(({ path }) => {
    if (path === '/api/v1')
      return { body: { resources: [{ name: 'configmaps', kind: 'ConfigMap', verbs: ['list', 'patch'] }] } };
    if (path !== '/api/v1/configmaps') return undefined;
    return code === 200
      ? { body: { kind: 'Table', metadata: {}, rows: [] } }
      : status(code, 'X', `cannot list resource "configmaps" ${PLANTED}`);
  });
  // What is served no more is not asked for.
  expect(await server.readsSecrets(['gone.example.com', 'configmaps'])).toBe(wanted);
  const list = recorded.seen.find(({ path }) => path === '/api/v1/configmaps');
  expect(list?.query.get('includeObject')).toBe('None');
});
