import type { RewriteChange } from '../../src/model/plan.js';
import { check } from '../../src/wizard/check.js';
import { type Cluster, ClusterError, type RewriteSize } from '../../src/wizard/ports.js';

const SIZE: RewriteSize = {
  objects: 1_200,
  bytes: 3 * 2 ** 20,
  etcd: 2 ** 30,
  quota: 2 * 2 ** 30,
  migration: undefined,
  words: ['metrics: an estimate'],
};

function change(resource: string): RewriteChange {
  return {
    kind: 'rewrite',
    id: `encryption-at-rest/-/${resource}/*`,
    ref: { apiVersion: 'v1', kind: resource, name: '*' },
    risk: 'rewritesStorage',
    resource,
    count: undefined,
    why: '',
    breaks: [],
  };
}
const shown = async (resource: string, rewriteSize: Cluster['rewriteSize']) => {
  const cluster = { lacks: async () => [[]], rewriteSize } as unknown as Cluster;
  const [checked] = await check(cluster, [change(resource)]);
  return checked?.diff.map(({ text }) => text).join('\n');
};

test('a re-write in the wizard says what it writes, against the room that etcd has', async () => {
  const asked: (readonly string[])[] = [];
  const text = await shown('secrets', async (resources) => {
    asked.push(resources);
    return SIZE;
  });
  expect(asked).toEqual([['secrets']]);
  expect(text).toContain('1,200 Secrets to look at');
  expect(text).toContain('at most 3.0 MiB · etcd: 1.0 GiB, quota 2.0 GiB');
});

test('the documented command is that of the resource', async () => {
  const text = await shown('widgets.example.com', async () => SIZE);
  expect(text).toContain('kubectl get widgets.example.com --all-namespaces -o json | kubectl replace -f -');
  expect(text).not.toContain('get secrets');
});

test('where the size cannot be known that is said, in words and without an answer of the server', async () => {
  const text = await shown('secrets', async () => {
    throw new ClusterError('busy', 'The API server is busy.\nplanted second line');
  });
  expect(text).toContain('How much is written is not known: The API server is busy.');
  expect(text).not.toContain('planted');
  const away = new ClusterError('unreachable', 'gone');
  await expect(shown('secrets', () => Promise.reject(away))).rejects.toBe(away);
});

test('a command of a provider stands there as a shell takes it', async () => {
  const cluster = { lacks: async () => [[]] } as unknown as Cluster;
  const [checked] = await check(cluster, [
    {
      kind: 'cloud',
      id: 'encryption-at-rest/-/x/eks-1',
      ref: { apiVersion: 'v1', kind: 'x', name: 'eks-1' },
      risk: 'restartsApiServer',
      why: '',
      breaks: [],
      command: ['aws', 'eks', '--encryption-config', '[{"resources":["secrets"]}]'],
    },
  ]);
  expect(checked?.diff.map(({ text }) => text)).toEqual([
    `aws eks --encryption-config '[{"resources":["secrets"]}]'`,
  ]);
});
