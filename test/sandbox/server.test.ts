import { request as http } from 'node:http';
import { parse } from 'yaml';
import { at } from '../../src/model/manifest.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.js';
import { Client, CONFIGMAPS, configMap, field, names, POLICIES, policy, reason } from '../contract/tools.js';
import { request } from '../support/rest.js';

let sandbox: Sandbox;
let cluster: Client;
beforeAll(async () => {
  sandbox = await startSandbox({
    empty: true,
    denied: [
      { verb: 'list', resource: 'secrets' },
      { verb: '*', resource: 'leases', namespace: 'kube-system' },
    ],
  });
  cluster = new Client(sandbox);
});
afterAll(() => sandbox.close());

test('the kubeconfig names one context, and nothing but loopback', () => {
  const config: unknown = parse(sandbox.kubeconfig);
  expect(at(config, 'current-context')).toBe('sandbox');
  expect(at(config, 'contexts', 0, 'name')).toBe('sandbox');
  expect(at(config, 'clusters', 0, 'cluster', 'server')).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(at(config, 'users', 0, 'user', 'token')).toBe(sandbox.token);
});

test.each(['', 'Bearer ', 'Bearer wrong', 'Basic YTpi'])('answers nothing to %j', async (authorization) => {
  for (const path of ['/version', '/api/v1/namespaces', '/metrics', '/nothing']) {
    const answer = await request(sandbox, { path, headers: { authorization } });
    expect(answer.status).toBe(401);
  }
});

test('each run has a token of its own', async () => {
  const other = await startSandbox({ empty: true });
  expect(other.token).not.toBe(sandbox.token);
  await other.close();
});

test('warns of fields that the kind does not have, or refuses them when asked to', async () => {
  const typo = policy('typo', { podSelector: {}, policyType: ['Egress'] });
  const warned = await cluster.post(`${POLICIES('default')}?dryRun=All`, typo);
  expect(warned.status).toBe(201);
  expect(warned.headers.warning).toBe('299 - "unknown field \\"spec.policyType\\""');
  const silent = await cluster.post(`${POLICIES('default')}?dryRun=All&fieldValidation=Ignore`, typo);
  expect(silent.headers.warning).toBeUndefined();
  const strict = await cluster.post(`${POLICIES('default')}?dryRun=All&fieldValidation=Strict`, typo);
  expect([strict.status, reason(strict)]).toEqual([400, 'BadRequest']);
});

test('what the user may not do is refused, and reviews say so beforehand', async () => {
  const review = async (verb: string, resource: string, namespace = '') =>
    field(
      await cluster.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        spec: { resourceAttributes: { verb, resource, namespace } },
      }),
      'status',
      'allowed',
    );
  const listed = await cluster.get('/api/v1/secrets');
  expect([listed.status, reason(listed)]).toEqual([403, 'Forbidden']);
  expect(await review('list', 'secrets')).toBe(false);
  expect((await cluster.get('/api/v1/namespaces/default/secrets/none')).status).toBe(404);
  expect(await review('get', 'secrets')).toBe(true);
  expect((await cluster.get('/apis/coordination.k8s.io/v1/namespaces/kube-system/leases')).status).toBe(403);
  expect((await cluster.get('/apis/coordination.k8s.io/v1/namespaces/default/leases')).status).toBe(200);
  expect(await review('get', 'leases', 'kube-system')).toBe(false);
});

test('gives every namespace its own name as a label', async () => {
  const made = await cluster.post('/api/v1/namespaces', { metadata: { name: 'labelled' } });
  expect(field(made, 'metadata', 'labels')).toEqual({ 'kubernetes.io/metadata.name': 'labelled' });
});

test('a page whose moment is long gone has expired', async () => {
  for (const name of ['a', 'b', 'c']) await cluster.post(CONFIGMAPS('default'), configMap(name));
  const token = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: '7', start: 'default/b' })).toString(
    'base64url',
  );
  const late = await cluster.get(`${CONFIGMAPS('default')}?limit=1&continue=${token}`);
  expect([late.status, reason(late)]).toEqual([410, 'Expired']);
});

test('many clients at once see writes in one order', async () => {
  await cluster.post(CONFIGMAPS('default'), configMap('counter', { n: '0' }));
  const path = `${CONFIGMAPS('default')}/counter`;
  const add = async (): Promise<void> => {
    for (;;) {
      const { json } = await cluster.get(path);
      const n = Number(at(json, 'data', 'n'));
      const next = configMap(
        'counter',
        { n: String(n + 1) },
        { resourceVersion: at(json, 'metadata', 'resourceVersion') },
      );
      if ((await cluster.put(path, next)).status === 200) return;
    }
  };
  await Promise.all(Array.from({ length: 12 }, add));
  expect(field(await cluster.get(path), 'data', 'n')).toBe('12');
});

test.each([
  '/api/v1/namespaces/../secrets',
  '/api/v1/namespaces/default/configmaps/a/b',
  '/api/v1/namespaces/%2e%2e/configmaps/x',
  '/api',
  '//',
  '/%',
])('a strange path is an answer, never a crash: %s', async (path) => {
  const status = await new Promise<number>((resolve, reject) => {
    const sent = http(
      sandbox.server,
      { path, agent: false, headers: { authorization: `Bearer ${sandbox.token}` } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    sent.on('error', reject);
    sent.end();
  });
  expect([200, 400, 403, 404]).toContain(status);
  expect((await cluster.get('/version')).status).toBe(200);
});

test('refuses a request that is too large', async () => {
  const answer = await cluster.post(
    CONFIGMAPS('default'),
    configMap('huge', { text: 'x'.repeat(4 * 1024 * 1024) }),
  );
  expect(answer.status).toBe(413);
});

test('names like those of object properties are only names', async () => {
  const odd = configMap('constructor', { constructor: '1', hasOwnProperty: '2' });
  expect((await cluster.post(CONFIGMAPS('default'), odd)).status).toBe(201);
  const raw = `{"metadata":{"name":"proto","labels":{"__proto__":"x"}},"data":{"__proto__":"y","a":"1"}}`;
  const answer = await cluster.ask({ method: 'POST', path: CONFIGMAPS('default'), raw });
  expect([201, 422]).toContain(answer.status);
  expect(({} as Record<string, unknown>).a).toBeUndefined();
  expect(names(await cluster.get(CONFIGMAPS('default')))).toContain('constructor');
});
