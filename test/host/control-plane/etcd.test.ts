import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { etcdConnection, etcdCounts, etcdFolder } from '../../../src/host/control-plane/etcd.js';
import { EtcdAnswer } from '../../../src/host/control-plane/etcd-answer.js';
import { readStaticPod } from '../../../src/host/control-plane/static-pod.js';
import { MANIFEST } from './configs.js';

const b64 = (text: Buffer | string) => Buffer.from(text).toString('base64');
/** As etcd's gateway writes it: fields at their zero value are left out. */
const answer = (values: readonly (readonly [string, Buffer])[], more: boolean) =>
  JSON.stringify({
    header: { cluster_id: '14841639068965178418', revision: '23', value: 'k8s:enc:x:v1:header:' },
    ...(values.length === 0
      ? {}
      : {
          kvs: values.map(([key, value]) => ({
            key: b64(key),
            create_revision: '4',
            version: '1',
            ...(value.length === 0 ? {} : { value: b64(value) }),
          })),
        }),
    ...(more ? { more } : {}),
    count: String(values.length),
  });

const PREFIXES = [
  '',
  'k8s:enc:secretbox:v1:key1:',
  'k8s:enc:kms:v2:a plugin with a name:',
  'k8s:enc:aescbc:v1:ключ:',
];

test('counts by storage prefix whatever the pieces in which an answer arrives', () => {
  const value = fc.record({
    prefix: fc.constantFrom(...PREFIXES),
    rest: fc.uint8Array({ maxLength: 3_000 }),
  });
  fc.assert(
    fc.property(
      fc.array(value, { maxLength: 12 }),
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 999 }), { minLength: 1, maxLength: 20 }),
      (values, more, pieces) => {
        const kvs = values.map(
          ({ prefix, rest }, at) =>
            [
              `/registry/secrets/ns/${at}`,
              Buffer.concat([Buffer.from(prefix), Buffer.from([0]), rest]),
            ] as const,
        );
        const text = Buffer.from(answer(kvs, more));
        const reader = new EtcdAnswer();
        for (let from = 0, at = 0; from < text.length; at++) {
          const size = pieces[at % pieces.length]!;
          reader.take(text.subarray(from, from + size));
          from += size;
        }
        const wanted = new Map<string, number>();
        for (const { prefix } of values) {
          wanted.set(prefix, (wanted.get(prefix) ?? 0) + 1);
        }
        expect(reader.page.counts).toEqual(wanted);
        expect(reader.page.more).toBe(more);
        expect(reader.page.last).toBe(kvs.length === 0 ? undefined : b64(kvs.at(-1)![0]));
      },
    ),
  );
});

test('a value that only looks like fields of an answer is counted once', () => {
  const reader = new EtcdAnswer();
  reader.take(Buffer.from('{"kvs":[{"key":"L2E=","value":"eyJ\\"kvs\\":[{\\"value\\":"}],"more":true}'));
  expect([...reader.page.counts.values()]).toEqual([1]);
  expect(reader.page.more).toBe(true);
});

describe('an etcd', () => {
  let server: Server;
  let url: string;
  const stored: [string, Buffer][] = [];
  const limits: number[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        if (request.url !== '/v3/kv/range') return void response.writeHead(404).end();
        const { key, range_end, limit } = JSON.parse(Buffer.concat(parts).toString());
        const [from, to] = [key, range_end].map((one: string) => Buffer.from(one, 'base64').toString());
        const found = stored.filter(([name]) => name >= from! && name < to!);
        limits.push(limit);
        response.end(answer(found.slice(0, limit), found.length > limit));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(() => {
    stored.length = 0;
    limits.length = 0;
  });
  const connection = () => ({ servers: [url], tls: {}, prefix: '/registry/' });

  test('is read page by page, other resources left out', async () => {
    for (let at = 0; at < 3_000; at++)
      stored.push([
        `/registry/secrets/ns/${String(at).padStart(5, '0')}`,
        Buffer.from(at % 3 ? 'k8s:enc:secretbox:v1:key1:x' : 'k8s\0plain'),
      ]);
    stored.push(['/registry/secretsmore/a', Buffer.from('x')]);
    expect(await etcdCounts(connection(), 'secrets')).toEqual({
      '': 1_000,
      'k8s:enc:secretbox:v1:key1:': 2_000,
    });
    expect(limits.length).toBeGreaterThan(2);
    expect(await etcdCounts(connection(), '')).toMatchObject({ '': 1_001 });
  });

  test('with large values is asked for few at a time', async () => {
    for (let at = 0; at < 100; at++)
      stored.push([`/registry/secrets/ns/${at + 100}`, Buffer.alloc(200_000, 'x')]);
    expect(await etcdCounts(connection(), 'secrets')).toEqual({ '': 100 });
    expect(limits.slice(1).every((limit) => limit <= 4)).toBe(true);
  });

  test('that does not answer is named, without what it said', async () => {
    const nowhere = { ...connection(), servers: ['http://127.0.0.1:1'] };
    await expect(etcdCounts(nowhere, 'secrets')).rejects.toThrow('etcd cannot be asked');
    await expect(etcdCounts({ ...connection(), servers: [] }, 'secrets')).rejects.toThrow('no address');
    const second = { ...connection(), servers: ['http://127.0.0.1:1', url] };
    expect(await etcdCounts(second, 'secrets')).toEqual({});
  });
});

test.each([
  ['secrets', 'secrets'],
  ['configmaps', 'configmaps'],
  ['widgets.example.com', 'example.com/widgets'],
  ['services', undefined], // services/specs
  ['ingresses.networking.k8s.io', undefined], // ingress
  ['deployments.apps', undefined],
])('etcd keeps %s in %s', (resource, folder) => {
  expect(etcdFolder(resource)).toBe(folder);
});

test('the connection is the one that the API server has', async () => {
  const text = MANIFEST.replace(/- --etcd-(cafile|certfile|keyfile)=.*\n\s+/g, '').replace(
    '--etcd-servers=https://127.0.0.1:2379',
    '--etcd-servers=https://192.0.2.1:2379,https://192.0.2.2:2379',
  );
  expect(await etcdConnection(readStaticPod(text, 'x'))).toEqual({
    servers: ['https://192.0.2.1:2379', 'https://192.0.2.2:2379'],
    tls: {},
    prefix: '/registry/',
  });
  const missing = MANIFEST.replaceAll('/etc/kubernetes/pki', '/nowhere/kubectl-harden');
  await expect(etcdConnection(readStaticPod(missing, 'x'))).rejects.toThrow(
    '/nowhere/kubectl-harden/etcd/ca.crt',
  );
});
