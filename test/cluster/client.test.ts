import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../src/cluster/connect.js';
import { rightsText } from '../../src/model/rights.js';
import { ClusterError } from '../../src/wizard/ports.js';
import {
  basics,
  kubeconfigOf,
  type Recording,
  type Reply,
  recording,
  type Seen,
  status,
} from './recording.js';

const directory = mkdtempSync(join(tmpdir(), 'kubectl-harden-client-'));
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const POLICY = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'web', namespace: 'shop' },
  spec: {},
};
const REF = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'it' };
const FOUND: Reply = {
  body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'it', namespace: 'shop' } },
};

async function server(handler: (seen: Seen) => Reply): Promise<Recording> {
  const it = await recording((seen) => basics(seen) ?? handler(seen));
  open.push(it);
  return it;
}

async function to(kubeconfigText: string) {
  const cluster = await connect({ kubeconfigText, version: '9.9.9' });
  open.push(cluster);
  return cluster;
}

async function failure(work: Promise<unknown>): Promise<ClusterError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ClusterError) return error;
  throw new Error(`expected a ClusterError, got ${String(error)}`);
}

/** Replies one after the other; the last one stays. */
function sequence(...replies: readonly Reply[]): () => Reply {
  let at = 0;
  return () => replies[Math.min(at++, replies.length - 1)]!;
}

const script = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o700);
  return path;
};
const exec = (command: string, more: Record<string, unknown> = {}) => ({
  exec: { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'Never', ...more },
});

describe('requests', () => {
  test('carry token, user agent and gzip, over few connections', async () => {
    const it = await server(() => FOUND);
    const cluster = await to(it.kubeconfig);
    for (let index = 0; index < 5; index++) await cluster.get(REF);
    expect(it.seen.at(-1)?.headers).toMatchObject({
      authorization: 'Bearer a-token',
      'user-agent': 'kubectl-harden/9.9.9',
      'accept-encoding': 'gzip',
    });
    expect(Math.max(...it.seen.map((seen) => seen.connection))).toBeLessThanOrEqual(2);
    expect(await cluster.info()).toEqual({
      context: 'test',
      id: 'uid-of-kube-system',
      sandbox: false,
      version: { major: 1, minor: 31, git: 'v1.31.4-test' },
    });
  });

  test.each<[string, Reply]>([
    ['429', { status: 429, headers: { 'Retry-After': '0' } }],
    ['503', { status: 503, headers: { 'Retry-After': '0' } }],
    ['a broken connection', { reset: true }],
  ])('are made again after %s', async (_name, reply) => {
    const it = await server(sequence(reply, FOUND));
    expect(await (await to(it.kubeconfig)).get(REF)).toMatchObject({ metadata: { name: 'it' } });
  });

  test('are made again after 500 where they only read or remove; what is written may be what it fails at', async () => {
    const it = await server(sequence({ status: 500 }, FOUND, { status: 500 }, FOUND, { status: 500 }, FOUND));
    const cluster = await to(it.kubeconfig);
    expect(await cluster.get(REF)).toMatchObject({ metadata: { name: 'it' } });
    expect(await cluster.delete(REF)).toBe(true);
    expect(await failure(cluster.apply(POLICY))).toMatchObject({ reason: 'server' });
  });

  test('wait as long as the server asks', async () => {
    const it = await server(sequence({ status: 429, headers: { 'Retry-After': '1' } }, FOUND));
    const cluster = await to(it.kubeconfig);
    const before = performance.now();
    await cluster.get(REF);
    expect(performance.now() - before).toBeGreaterThan(950);
  });

  test('give up in words', async () => {
    const it = await server(() => ({ status: 429, headers: { 'Retry-After': '0' }, text: 'planted' }));
    const error = await failure((await to(it.kubeconfig)).get(REF));
    expect(error).toMatchObject({ reason: 'busy', status: 429 });
    expect(error.message).not.toContain('planted');
  });
});

describe('apply', () => {
  test('sends the very object, strictly, and tells warnings', async () => {
    const it = await server(() => ({
      status: 201,
      body: { ...POLICY, extra: 1 },
      headers: { Warning: ['299 - "old \\"thing\\""', '299 - "b", 299 - "c"'] },
    }));
    const manifest = { ...POLICY, unknownToAnyModel: { kept: true } };
    const written = await (await to(it.kubeconfig)).apply(manifest, { dryRun: true, force: true });
    const seen = it.seen.at(-1);
    expect(JSON.parse(seen?.body ?? '')).toEqual(manifest);
    expect(Object.fromEntries(seen?.query ?? [])).toEqual({
      fieldManager: 'kubectl-harden',
      force: 'true',
      dryRun: 'All',
      fieldValidation: 'Strict',
    });
    expect(seen?.headers['content-type']).toBe('application/apply-patch+yaml');
    expect(written).toMatchObject({
      created: true,
      object: { extra: 1 },
      warnings: ['old "thing"', 'b', 'c'],
    });
  });

  const causes = (...managers: string[]) => ({
    details: {
      causes: managers.map((m) => ({
        reason: 'FieldManagerConflict',
        message: `conflict with "${m}" using v1`,
        field: '.spec',
      })),
    },
  });
  test.each<[string, Reply, Partial<ClusterError>]>([
    [
      'another owner',
      status(409, 'Conflict', 'x', causes('kubectl', 'argocd', 'kubectl')),
      { reason: 'conflict', managers: ['kubectl', 'argocd'] },
    ],
    ['an old resourceVersion', status(409, 'Conflict', 'the object has been modified'), { reason: 'stale' }],
    [
      'missing rights',
      status(
        403,
        'Forbidden',
        'networkpolicies "web" is forbidden: User "me" cannot patch resource "networkpolicies" in API group',
      ),
      { reason: 'forbidden' },
    ],
    ['quota', status(403, 'Forbidden', 'pods "x" is forbidden: exceeded quota: q'), { reason: 'refused' }],
    [
      'a webhook',
      status(400, 'BadRequest', 'admission webhook "w.example" denied the request: no'),
      { reason: 'refused' },
    ],
    ['an invalid object', status(422, 'Invalid', 'spec.x: Required value'), { reason: 'invalid' }],
    [
      'an unknown field on old servers',
      status(
        500,
        'InternalError',
        'failed to create typed patch object: .spec.x: field not declared in schema',
      ),
      { reason: 'invalid' },
    ],
    ['a missing namespace', status(404, 'NotFound', 'namespaces "shop" not found'), { reason: 'notFound' }],
    ['expired credentials', status(401, 'Unauthorized', 'Unauthorized'), { reason: 'unauthorized' }],
    [
      'etcd without space',
      status(500, 'InternalError', 'etcdserver: mvcc: database space exceeded'),
      { reason: 'server', message: expect.stringContaining('etcd has no space left.\nCompact') },
    ],
    ['a failing server', { status: 500, text: '<html>oops</html>' }, { reason: 'server' }],
  ])('says what is wrong: %s', async (_name, reply, expected) => {
    const it = await server(() => reply);
    const error = await failure((await to(it.kubeconfig)).apply(POLICY));
    expect(error).toMatchObject(expected);
    expect(error.message.split('\n').length).toBeLessThanOrEqual(3);
    expect(error.message).not.toMatch(/<html>|\{|at .*\.ts/);
  });

  test('never sends or fetches a Secret', async () => {
    const it = await server(() => ({ status: 500 }));
    const cluster = await to(it.kubeconfig);
    const requests = it.seen.length;
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x', namespace: 'shop' } };
    await failure(cluster.apply({ ...secret, data: {} }));
    await failure(cluster.get({ apiVersion: 'v1', kind: 'Secret', name: 'x', namespace: 'shop' }));
    expect(it.seen.length).toBe(requests);
  });
});

test('delete names the uid, goes on in the background, and knows what is gone', async () => {
  const it = await server(
    sequence({}, status(404, 'NotFound', 'gone'), status(409, 'Conflict', 'the UID in the precondition')),
  );
  const cluster = await to(it.kubeconfig);
  expect(await cluster.delete(REF, { uid: 'u1', dryRun: true })).toBe(true);
  expect(JSON.parse(it.seen.at(-1)?.body ?? '')).toMatchObject({
    propagationPolicy: 'Background',
    preconditions: { uid: 'u1' },
    dryRun: ['All'],
  });
  expect(await cluster.delete(REF)).toBe(false);
  expect((await failure(cluster.delete(REF, { uid: 'u2' }))).reason).toBe('stale');
});

test('rights are asked one by one; what is lacking is told for each use', async () => {
  const it = await server(({ body }) => {
    const { spec } = JSON.parse(body) as { spec: { resourceAttributes: { verb: string } } };
    return { status: 201, body: { status: { allowed: spec.resourceAttributes.verb === 'list' } } };
  });
  const cluster = await to(it.kubeconfig);
  const [reading, writing] = await cluster.lacks([
    { reads: [{ kind: 'Deployment', as: 'objects', for: 'the test' }], writes: [] },
    { reads: [], writes: [{ kind: 'NetworkPolicy', by: 'apply', namespace: 'shop', for: 'policies' }] },
  ]);
  expect(reading?.map(({ right }) => rightsText([right]))).toEqual(['get namespaces kube-system']);
  expect(rightsText(writing?.map(({ right }) => right) ?? [])).toBe(
    'get namespaces kube-system; get, patch, create networkpolicies.networking.k8s.io in shop; create leases.coordination.k8s.io in kube-system; get, patch, delete leases.coordination.k8s.io kubectl-harden in kube-system',
  );
  // Equal rights are asked for once.
  expect(it.seen.filter(({ path }) => path.includes('selfsubjectaccessreviews'))).toHaveLength(9);
  const reviews = it.seen.slice(-9).map(({ body }) => (JSON.parse(body) as { spec: unknown }).spec);
  expect(reviews).toContainEqual({
    resourceAttributes: { verb: 'list', group: 'apps', resource: 'deployments' },
  });
});

describe('credentials', () => {
  test('a plugin is told what is wanted, and asked again when its token is no longer accepted', async () => {
    const counter = join(directory, 'count');
    const command = script(
      'renewing',
      `echo x >> ${counter}
test -n "$KUBERNETES_EXEC_INFO" || exit 9
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t'$(wc -l < ${counter} | tr -d ' ')'"}}'`,
    );
    const it = await recording((seen) =>
      basics(seen) !== undefined && seen.headers.authorization === 'Bearer t1'
        ? basics(seen)!
        : seen.headers.authorization === 'Bearer t2'
          ? FOUND
          : status(401, 'Unauthorized', 'Unauthorized'),
    );
    open.push(it);
    const cluster = await to(kubeconfigOf(it.address, exec(command)));
    await Promise.all([cluster.get(REF), cluster.get(REF), cluster.get(REF)]);
    expect(it.seen.filter((seen) => seen.headers.authorization === 'Bearer t3')).toEqual([]);
  });

  test.each<[string, Record<string, unknown>, readonly string[]]>([
    [
      'fails',
      exec(script('failing', 'echo "first line" >&2; echo "session has expired" >&2; exit 1')),
      ['failing', 'session has expired'],
    ],
    [
      'does not exist',
      exec(join(directory, 'not-there'), { installHint: 'install it\nthus' }),
      ['not-there', 'was not found', 'install it'],
    ],
    ['talks nonsense', exec(script('nonsense', 'echo "{ planted-token"')), ['nonsense', 'did not answer']],
  ])('a plugin that %s', async (_name, user, parts) => {
    const it = await server(() => FOUND);
    const error = await failure(connect({ kubeconfigText: kubeconfigOf(it.address, user) }));
    expect(error.reason).toBe('unauthorized');
    for (const part of parts) expect(error.message).toContain(part);
    expect(error.message).not.toContain('planted');
    expect(error.message.split('\n').length).toBeLessThanOrEqual(3);
    expect(it.seen).toEqual([]);
  });

  test('a token file is read without its line feed', async () => {
    const it = await server(() => FOUND);
    const tokenFile = join(directory, 'token');
    writeFileSync(tokenFile, 'from-a-file\n');
    await to(kubeconfigOf(it.address, { tokenFile }));
    expect(it.seen[0]?.headers.authorization).toBe('Bearer from-a-file');
  });

  test('a token file that is missing is named as the fault', async () => {
    const error = await failure(
      connect({ kubeconfigText: kubeconfigOf('http://127.0.0.1:1', { tokenFile: '/no/such/file' }) }),
    );
    expect(error).toMatchObject({ reason: 'unauthorized' });
    expect(error.message).toContain('ENOENT');
  });

  test('acting as other groups is refused rather than done with other rights', async () => {
    const it = await server(() => FOUND);
    const user = { token: 't', as: 'somebody', 'as-groups': ['a'] };
    expect((await failure(connect({ kubeconfigText: kubeconfigOf(it.address, user) }))).message).toContain(
      'as-groups',
    );
    await to(kubeconfigOf(it.address, { token: 't', as: 'somebody' }));
    expect(it.seen[0]?.headers['impersonate-user']).toBe('somebody');
  });
});

describe('a server that cannot be reached', () => {
  test('nobody listens', async () => {
    const closed = await server(() => FOUND);
    await open.pop()?.close();
    const error = await failure(connect({ kubeconfigText: closed.kubeconfig }));
    expect(error).toMatchObject({ reason: 'unreachable' });
    expect(error.message).toContain(closed.address);
    expect(error.message).toMatch(/connection refused; .* is the address right\?$/);
  });

  test('it does not speak TLS', async () => {
    const it = await server(() => FOUND);
    const https = kubeconfigOf(it.address.replace('http:', 'https:'), { token: 't' });
    const error = await failure(connect({ kubeconfigText: https }));
    expect(error.reason).toBe('unreachable');
    expect(error.message).toContain('does not speak');
  });

  test('it hangs up on everybody', async () => {
    const listener = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    open.push({ close: () => new Promise((resolve) => listener.close(() => resolve())) });
    const address = listener.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const error = await failure(connect({ kubeconfigText: kubeconfigOf(`http://127.0.0.1:${port}`, {}) }));
    expect(error).toMatchObject({ reason: 'unreachable' });
    expect(error.message).toContain('the connection broke');
  });

  test('it is not Kubernetes', async () => {
    const it = await recording(() => ({ text: '<html>welcome</html>' }));
    open.push(it);
    const error = await failure(connect({ kubeconfigText: it.kubeconfig }));
    expect(error.message).toContain('is this a Kubernetes API server?');
    expect(error.message).not.toContain('welcome');
  });
});
