import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { connect } from '../../src/cluster/connect.js';
import { KINDS, type KindName } from '../../src/model/kinds.js';
import type { Manifest } from '../../src/model/manifest.js';
import { type Cluster, ClusterError } from '../../src/wizard/ports.js';
import { kubeconfigOf, type Reply, recordingProxy, type Seen } from '../cluster/recording.js';
import { missingReal, type RealCluster, type RealServer, startReal } from '../support/real-cluster.js';
import { type Ask, request } from '../support/rest.js';

const missing = missingReal();
const suite = missing === undefined ? describe : describe.skip;

/** Providers for Secrets, first one writes. */
type Providers = readonly Record<string, unknown>[];
const key = () => randomBytes(32).toString('base64');
const KEYS = { one: key(), two: key() };
const SECRETBOX = { secretbox: { keys: [{ name: 'key1', secret: KEYS.one }] } };
const AESCBC = { aescbc: { keys: [{ name: 'key2', secret: KEYS.two }] } };
const IDENTITY = { identity: {} };

const policy = (name: string, extra: Record<string, unknown> = {}): Manifest => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace: 'shop' },
  spec: { podSelector: {}, policyTypes: ['Ingress'], ...extra },
});

suite(`the cluster port over a real API server${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let real: RealCluster;
  let cluster: Cluster;
  let directory: string;
  const ask = (what: Ask) => request(real, what);
  const create = (path: string, body: unknown) => ask({ method: 'POST', path, body });
  const configuration = async (providers: Providers) => {
    const file = join(directory, `${randomBytes(4).toString('hex')}.yaml`);
    const resources = [{ resources: ['secrets'], providers }];
    const kind = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration' };
    await writeFile(file, stringify({ ...kind, resources }), { mode: 0o600 });
    return { encryptionConfig: file };
  };
  const restart = async (providers: Providers | undefined) => {
    await real.restart(providers === undefined ? {} : await configuration(providers));
    await cluster.close();
    cluster = await connect({ kubeconfigText: real.kubeconfig });
  };
  const stored = async () => {
    const counts: Record<string, number> = {};
    for (const prefix of (await real.readStored('/registry/secrets/')).values())
      counts[prefix] = (counts[prefix] ?? 0) + 1;
    return counts;
  };
  const facts = async () => (await cluster.read([{ probe: 'encryption', for: 'test' }])).encryption;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kubectl-harden-cluster-'));
    real = await startReal();
    cluster = await connect({ kubeconfigText: real.kubeconfig });
    await create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  }, 120_000);

  afterAll(async () => {
    await cluster?.close();
    await real?.stop();
    await rm(directory, { recursive: true, force: true });
  }, 60_000);

  test('identifies the cluster and says what this server does not have', async () => {
    const info = await cluster.info();
    const live = await ask({ path: '/api/v1/namespaces/kube-system' });
    expect(info).toMatchObject({ context: 'real', sandbox: false });
    expect(live.text).toContain(info.id);
    const { listings } = await cluster.read([
      { kind: 'Namespace', as: 'objects', for: 'test' },
      { kind: 'ClusterNetworkPolicy', as: 'objects', for: 'test' },
      { kind: 'CronJob', as: 'objects', for: 'test' },
    ]);
    expect(listings.get('ClusterNetworkPolicy')?.state).toBe('absent');
    expect(listings.get('CronJob')?.state).toBe('read');
    const namespaces = listings.get('Namespace');
    const names = namespaces?.state === 'read' ? namespaces.items.map((item) => item.metadata.name) : [];
    expect(names).toEqual(expect.arrayContaining(['default', 'kube-system', 'shop']));
  });

  test('applies, dry-runs, notices other owners and stale objects, deletes', async () => {
    expect((await cluster.apply(policy('web'), { dryRun: true })).created).toBe(true);
    const ref = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', namespace: 'shop', name: 'web' };
    expect(await cluster.get(ref)).toBeUndefined();
    const first = await cluster.apply(policy('web'));
    expect(first.created).toBe(true);
    expect((await cluster.apply(policy('web'))).created).toBe(false);

    await ask({
      method: 'PATCH',
      path: '/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/web?fieldManager=somebody',
      type: 'application/merge-patch+json',
      body: { spec: { policyTypes: ['Ingress', 'Egress'] } },
    });
    const conflict = await failure(cluster.apply(policy('web')));
    expect(conflict).toMatchObject({ reason: 'conflict', managers: ['somebody'] });
    const old = {
      ...policy('web'),
      metadata: { ...policy('web').metadata, resourceVersion: String(first.object.metadata.resourceVersion) },
    };
    expect((await failure(cluster.apply(old, { force: true }))).reason).toBe('stale');
    expect((await cluster.apply(policy('web'), { force: true })).created).toBe(false);

    expect((await failure(cluster.delete(ref, { uid: 'of-another' }))).reason).toBe('stale');
    expect(await cluster.delete(ref, { uid: String(first.object.metadata.uid), dryRun: true })).toBe(true);
    expect(await cluster.delete(ref, { uid: String(first.object.metadata.uid) })).toBe(true);
    expect(await cluster.delete(ref)).toBe(false);
  });

  test('refuses what is not valid, in words', async () => {
    const unknown = await failure(cluster.apply(policy('typo', { policyType: ['Egress'] })));
    expect(unknown.reason).toBe('invalid');
    expect(unknown.message).toContain('policyType');
    const wrong = await failure(cluster.apply(policy('wrong', { policyTypes: ['Sideways'] })));
    expect(wrong.reason).toBe('invalid');
    expect(wrong.message.split('\n').length).toBeLessThanOrEqual(3);
    const nowhere = { ...policy('web'), metadata: { name: 'web', namespace: 'nowhere' } };
    expect((await failure(cluster.apply(nowhere))).reason).toBe('notFound');
    expect(
      (await failure(cluster.get({ apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name: 'x' }))).reason,
    ).toBe('invalid');
  });

  test('a server that the kubeconfig does not vouch for is not talked to', async () => {
    const error = await failure(
      connect({ kubeconfigText: kubeconfigOf(real.server, { token: real.token }) }),
    );
    expect(error.reason).toBe('unreachable');
    expect(error.message).toContain('not signed by the authority');
    const stranger = real.kubeconfig.replace(real.token, 'wrong');
    expect((await failure(connect({ kubeconfigText: stranger }))).reason).toBe('unauthorized');
  });

  test('an account without rights is told what it may not see', async () => {
    const nobody = kubeconfigOf(
      real.server,
      { token: real.token, as: 'nobody' },
      { 'certificate-authority-data': Buffer.from(real.ca ?? '').toString('base64') },
    );
    const limited = await connect({ kubeconfigText: nobody });
    const { listings, encryption } = await limited.read([
      { kind: 'Pod', as: 'objects', for: 'test' },
      { kind: 'Secret', as: 'names', for: 'test' },
      { probe: 'encryption', for: 'test' },
    ]);
    expect(listings.get('Pod')).toMatchObject({ state: 'notVisible' });
    expect(listings.get('Secret')).toMatchObject({ state: 'notVisible' });
    expect(encryption).toMatchObject({ secrets: undefined, stored: undefined, writes: undefined });
    expect(await limited.gate()).toMatchObject({ open: false });
    const uses = { reads: [{ kind: 'Pod', as: 'objects', for: 'test' }], writes: [] } as const;
    expect((await limited.lacks([uses]))[0]).toHaveLength(2);
    expect((await failure(limited.apply(policy('x')))).reason).toBe('forbidden');
    await limited.close();
  });

  test('asks the server about rights', async () => {
    const writes = [{ kind: 'NetworkPolicy', by: 'apply', for: 'test' }] as const;
    expect(await cluster.lacks([{ reads: [{ probe: 'encryption', for: 'test' }], writes }])).toEqual([[]]);
  });

  describe('encryption at rest, told from outside and checked in etcd', () => {
    const COUNT = 1_100; // three pages

    beforeAll(async () => {
      for (const namespace of ['many', 'few'])
        await create('/api/v1/namespaces', {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name: namespace },
        });
      const made = Array.from({ length: COUNT }, (_, index) => index);
      const worker = async () => {
        for (let index = made.pop(); index !== undefined; index = made.pop())
          await create(`/api/v1/namespaces/${index < 30 ? 'few' : 'many'}/secrets`, {
            apiVersion: 'v1',
            kind: 'Secret',
            metadata: { name: `s-${index}` },
            stringData: { value: `planted-${index}` },
            ...(index % 50 === 0 ? { immutable: true } : {}),
          });
      };
      await Promise.all(Array.from({ length: 16 }, worker));
    }, 120_000);

    test('no answer to anything that the product asks carries a value', async () => {
      await ask({
        method: 'PATCH',
        path: '/api/v1/namespaces/few/secrets/s-1',
        type: 'application/merge-patch+json',
        body: {
          metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'planted-noted' } },
        },
      });
      const proxy = await recordingProxy(real);
      const watched = await connect({ kubeconfigText: kubeconfigOf(proxy.address, { token: real.token }) });
      try {
        const kinds = Object.keys(KINDS) as KindName[];
        await watched.read([
          { probe: 'encryption', for: 'test' },
          ...kinds.map((kind) => ({ kind, as: 'objects' as const, for: 'test' })),
        ]);
        await watched.gate();
        expect(await watched.rewrite({ maxRate: 0 })).toMatchObject({ total: COUNT, unchanged: COUNT });
        const answered = proxy.answered();
        expect(answered).toContain('s-1');
        expect(answered).not.toContain('planted');
        expect(answered).not.toContain(Buffer.from('planted').toString('base64').slice(0, 9));
      } finally {
        await watched.close();
        await proxy.close();
      }
    }, 60_000);

    test('plain: facts say so, the gate is closed', async () => {
      expect(await facts()).toMatchObject({ secrets: COUNT, stored: { '': COUNT }, writes: '' });
      const gate = await cluster.gate();
      expect(gate).toMatchObject({ open: false });
      expect(await stored()).toEqual({ '': COUNT });
    });

    test('plain -> secretbox -> aescbc -> plain, each told by counters and true in etcd', async () => {
      await restart([SECRETBOX, IDENTITY]);
      expect(await facts()).toMatchObject({ stored: { '': COUNT } });
      expect(await cluster.gate()).toMatchObject({ open: true });
      const progress: number[] = [];
      const first = await cluster.rewrite({ maxRate: 0, onProgress: (p) => progress.push(p.rewritten) });
      expect(first).toMatchObject({
        total: COUNT,
        rewritten: COUNT,
        unchanged: 0,
        gone: 0,
        failures: [],
        interrupted: false,
      });
      expect(progress.at(-1)).toBe(COUNT);
      expect(await stored()).toEqual({ 'k8s:enc:secretbox:v1:key1:': COUNT });
      expect(await facts()).toMatchObject({
        secrets: COUNT,
        stored: { 'k8s:enc:secretbox:v1:key1:': COUNT },
        writes: 'k8s:enc:secretbox:v1:key1:',
      });
      expect(await cluster.rewrite({ maxRate: 0 })).toMatchObject({ rewritten: 0, unchanged: COUNT });

      await restart([AESCBC, SECRETBOX, IDENTITY]);
      expect(await cluster.gate()).toMatchObject({ open: true });
      await stopsAfter(200);
      const half = await stored();
      expect(half['k8s:enc:aescbc:v1:key2:']).toBeGreaterThanOrEqual(200);
      expect(half['k8s:enc:secretbox:v1:key1:']).toBeGreaterThan(0);
      expect((await facts())?.stored).toEqual(half);
      const rest = await cluster.rewrite({ maxRate: 0 });
      expect(rest.unchanged).toBe(half['k8s:enc:aescbc:v1:key2:']);
      expect(await stored()).toEqual({ 'k8s:enc:aescbc:v1:key2:': COUNT });

      await restart([IDENTITY, AESCBC]);
      const back = await cluster.gate();
      expect(back).toMatchObject({ open: false });
      expect((await facts())?.stored).toEqual({ 'k8s:enc:aescbc:v1:key2:': COUNT });
      expect(await cluster.rewrite({ maxRate: 0 })).toMatchObject({ rewritten: COUNT });
      expect(await stored()).toEqual({ '': COUNT });
      expect(await facts()).toMatchObject({ stored: { '': COUNT } });
    }, 180_000);

    const stopsAfter = async (count: number) => {
      const stop = new AbortController();
      const result = await cluster.rewrite({
        maxRate: 0,
        signal: stop.signal,
        onProgress: ({ rewritten }) => {
          if (rewritten >= count) stop.abort();
        },
      });
      expect(result.interrupted).toBe(true);
      // What is in hand is done; at most 64 are.
      expect(result.rewritten).toBeLessThanOrEqual(count + 64);
    };

    test('two API servers with different configurations behind one address: the gate refuses', async () => {
      await restart([SECRETBOX, IDENTITY]);
      const other = await real.second(await configuration([IDENTITY, SECRETBOX]));
      const balancer = await balance([real, other]);
      const through = await connect({
        kubeconfigText: real.kubeconfig.replace(real.server, balancer.address),
      });
      try {
        const gate = await through.gate();
        expect(gate.open).toBe(false);
        expect(gate.open ? '' : gate.reason).toContain('disagree');
      } finally {
        await through.close();
        await balancer.close();
      }
      expect([...(await real.readStored('/registry/secrets/kube-system/')).keys()]).toEqual([]);
    }, 120_000);

    /** The gate through an address that spreads connections over servers, with these endpoints listed. */
    const gateThrough = async (
      servers: readonly RealServer[],
      ports: readonly number[],
      hidden: (seen: Seen) => Reply | undefined = () => undefined,
    ) => {
      const endpoints = ports.map((port) => ({
        addresses: [{ ip: '127.0.0.1' }],
        ports: [{ name: 'https', port }],
      }));
      const proxy = await recordingProxy(
        (connection) => servers[connection % servers.length]!,
        (seen) =>
          seen.path.endsWith('/endpoints/kubernetes') ? { body: { subsets: endpoints } } : hidden(seen),
      );
      const authority = { 'certificate-authority-data': Buffer.from(real.ca ?? '').toString('base64') };
      const through = await connect({
        kubeconfigText: kubeconfigOf(proxy.address, { token: real.token }, authority),
      });
      try {
        return await through.gate();
      } finally {
        await through.close();
        await proxy.close();
      }
    };
    const portOf = ({ server }: RealServer) => Number(new URL(server).port);

    test('two API servers that agree: tried by their own addresses, or met behind one, or the gate refuses', async () => {
      await restart([SECRETBOX, IDENTITY]);
      const other = await real.second(await configuration([SECRETBOX, IDENTITY]));
      const direct = await gateThrough([real], [portOf(real), portOf(other)]);
      expect(direct).toMatchObject({ open: true, untried: [] });
      expect(direct.open ? direct.servers : []).toContain(`https://127.0.0.1:${portOf(other)}`);
      const behind = await gateThrough([real, other], [1, 2]);
      expect(behind).toMatchObject({ open: true, untried: [] });
      const unmet = await gateThrough([real], [portOf(real), 2]);
      expect(unmet.open ? '' : unmet.reason).toContain('not tried from here: https://127.0.0.1:2');
      expect([...(await real.readStored('/registry/secrets/kube-system/')).keys()]).toEqual([]);
    }, 120_000);

    test('another API server with identity first, at its own address only: the gate refuses', async () => {
      await restart([SECRETBOX, IDENTITY]);
      const other = await real.second(await configuration([IDENTITY, SECRETBOX]));
      const gate = await gateThrough([real], [portOf(real), portOf(other)]);
      expect(gate.open ? '' : gate.reason).toContain('disagree');
    }, 120_000);

    test('identity first, the key second, metrics hidden and the flag shown: the gate refuses', async () => {
      await restart([SECRETBOX, IDENTITY]);
      await cluster.rewrite({ maxRate: 0 });
      const before = await stored();
      expect(Object.keys(before)).toEqual(['k8s:enc:secretbox:v1:key1:']);
      await restart([IDENTITY, SECRETBOX]);
      const command = ['kube-apiserver', '--encryption-provider-config=/etc/kubernetes/enc/config.yaml'];
      const pod = { metadata: { name: 'a' }, spec: { containers: [{ name: 'kube-apiserver', command }] } };
      const gate = await gateThrough([real], [portOf(real)], ({ path }) => {
        if (path === '/metrics') return { status: 403, body: {} };
        return path.endsWith('/kube-system/pods') ? { body: { items: [pod] } } : undefined;
      });
      expect(gate.open ? '' : gate.reason).toContain('a flag does not prove');
      expect(await stored()).toEqual(before);
    }, 120_000);
  });
});

async function failure(work: Promise<unknown>): Promise<ClusterError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ClusterError) return error;
  throw new Error(`expected a ClusterError, got ${String(error)}`);
}

/** Spreads connections over servers in turn, as a load balancer does. */
async function balance(servers: readonly RealServer[]): Promise<{ address: string; close(): Promise<void> }> {
  let next = 0;
  const open = new Set<Socket>();
  const listener: Server = createServer((client) => {
    const server = servers[next++ % servers.length]!;
    const upstream = dial(Number(new URL(server.server).port), '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    address: `https://127.0.0.1:${port}`,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
