import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { changeNode, type NodeChange, type NodeTools } from '../../../src/host/control-plane/change.js';
import { STAMP } from '../../../src/host/control-plane/manifest-edit.js';
import { notYet } from '../../../src/host/control-plane/wait.js';
import type { ServerSight } from '../../../src/wizard/ports.js';
import { configText, MANIFEST, secretOf } from './configs.js';
import { CLUSTER, FakeNode } from './fake-node.js';

let node: FakeNode;
beforeEach(() => {
  node = new FakeNode(MANIFEST);
});
afterEach(() => {
  expect(node.breaches).toEqual([]);
  node.remove();
});

const PATIENCE = { poll: 1_000, settle: 15_000, limit: 120_000 };
const tools = (more: Partial<NodeTools> = {}): NodeTools => ({
  place: node.place,
  server: node,
  cluster: CLUSTER,
  time: node.time,
  patience: PATIENCE,
  ...more,
});
const KEY_FIRST = configText('secretbox/key1', 'identity');
const KEY_READ = configText('identity', 'secretbox/key1');
const change = (more: Partial<NodeChange> = {}): NodeChange => ({
  file: node.file,
  before: null,
  after: KEY_FIRST,
  fallback: KEY_READ,
  mounts: [],
  sockets: [],
  ...more,
});
const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);
const P1 = 'k8s:enc:secretbox:v1:key1:';

describe('a change that goes well', () => {
  test('turns encryption on, with files that only root reads, and leaves nothing else behind', async () => {
    const umask = process.umask(0);
    const outcome = await changeNode(tools(), change()).finally(() => process.umask(umask));
    expect(outcome).toMatchObject({
      state: 'applied',
      evidence: expect.stringContaining('reads every Secret'),
    });
    expect(node.configuration).toBe(KEY_FIRST);
    expect([mode(node.file), mode(path.dirname(node.file)), mode(node.place.manifest)]).toEqual([
      '600',
      '700',
      '600',
    ]);
    expect(node.manifest).toContain(`--encryption-provider-config=${node.file}`);
    expect(existsSync(node.place.work)).toBe(false);
    expect(node.state.stored).toContain(P1);
    expect(JSON.stringify(outcome)).not.toContain(secretOf('key1'));
  });

  test('a second time changes nothing and says so', async () => {
    await changeNode(tools(), change());
    const { startedAt } = node.state;
    expect(await changeNode(tools(), change())).toMatchObject({
      state: 'applied',
      evidence: /^in place already/,
    });
    expect(node.state.startedAt).toBe(startedAt);
  });

  test('goes on to another key, another provider, and back to plain text', async () => {
    const rounds = [
      ['secretbox/key1', 'identity'],
      ['secretbox/key1', 'secretbox/key2', 'identity'],
      ['secretbox/key2', 'secretbox/key1', 'identity'],
      ['aescbc/key3', 'secretbox/key2', 'secretbox/key1', 'identity'],
      ['identity', 'aescbc/key3', 'secretbox/key2', 'secretbox/key1'],
    ].map((providers) => configText(...providers));
    let before: string | null = null;
    for (const after of rounds) {
      const { startedAt } = node.state;
      const outcome = await changeNode(tools(), change({ before, after, fallback: before ?? KEY_READ }));
      expect(outcome.state).toBe('applied');
      expect(node.state.startedAt).toBeGreaterThan(startedAt);
      before = after;
    }
    expect(new Set(node.state.stored).size).toBe(4);
    // All is stored in plain text again: only then the flag may go. The file with the keys stays.
    node.rewrite();
    const last = await changeNode(tools(), change({ before, after: null, fallback: before }));
    expect(last.state).toBe('applied');
    expect(node.manifest.replace(new RegExp(`.*${STAMP}.*\n`), '')).toBe(MANIFEST);
    expect(node.configuration).toBe(before);
  });

  test('keeps owner and mode of the manifest', async () => {
    chmodSync(node.place.manifest, 0o640);
    await changeNode(tools(), change());
    expect(mode(node.place.manifest)).toBe('640');
  });
});

describe('an API server that does not come back', () => {
  test('goes back to a configuration that reads the key; the manifest keeps the flag', async () => {
    node.health = (configuration) => (configuration === KEY_FIRST ? 'down' : 'well');
    const outcome = await changeNode(tools(), change());
    expect(outcome).toMatchObject({ state: 'fellBack', reason: 'connection refused' });
    expect(node.configuration).toBe(KEY_READ);
    expect(await node.readsSecrets()).toBe(true);
    expect(existsSync(node.place.work)).toBe(false);
  });

  test('breaks after ten encrypted writes: each of them stays readable', async () => {
    node.health = (configuration) => (configuration === KEY_FIRST ? { breaksAfter: 10 } : 'well');
    const outcome = await changeNode(tools(), change());
    expect(outcome.state).toBe('fellBack');
    expect(node.state.stored.filter((prefix) => prefix === P1)).toHaveLength(10);
    expect(await node.readsSecrets()).toBe(true);
    expect(node.configuration).toContain(secretOf('key1'));
  });

  test('a crash every few seconds is not well, however often it comes back', async () => {
    const { look } = node;
    let starts = 0;
    node.look = async () => {
      const sight = await look.call(node);
      return sight.at === 'up' && node.state.configuration === KEY_FIRST
        ? { ...sight, startedAt: (sight.startedAt ?? 0) + Math.floor(starts++ / 5) }
        : sight;
    };
    expect(await changeNode(tools(), change())).toMatchObject({
      state: 'fellBack',
      reason: 'it does not stay ready',
    });
  });

  test('the manifest as it was comes only where etcd holds nothing encrypted', async () => {
    node.health = (configuration) => (configuration === null ? 'well' : 'down');
    const outcome = await changeNode(tools({ allPlain: async () => true }), change());
    expect(outcome.state).toBe('fellBack');
    expect(node.manifest).toBe(MANIFEST);
    expect(node.configuration).toContain(secretOf('key1'));
  });

  test.each([
    ['holds such values', { allPlain: async () => false }],
    ['cannot be seen', {}],
  ])('where etcd %s, what reads all stays, and a person is called', async (_name, more) => {
    node.health = (configuration) => (configuration === null ? 'well' : 'down');
    await expect(changeNode(tools(more), change())).rejects.toThrow('does not come back');
    expect(node.configuration).toBe(KEY_READ);
    expect(node.manifest).toContain('--encryption-provider-config');
    // Later it can be brought to its end, and begun anew.
    node.health = () => 'well';
    expect((await changeNode(tools(more), change())).state).toBe('fellBack');
    const again = await changeNode(tools(more), change({ before: KEY_READ, fallback: KEY_READ }));
    expect(again.state).toBe('applied');
    expect(existsSync(node.place.work)).toBe(false);
  });

  test('a round that writes nothing new goes back to the manifest as it was', async () => {
    node.health = (configuration) => (configuration === null ? 'well' : 'down');
    const outcome = await changeNode(tools(), change({ after: KEY_READ, fallback: null }));
    expect(outcome.state).toBe('fellBack');
    expect(node.manifest).toBe(MANIFEST);
  });

  test('a server that does not come back without its configuration gets it again', async () => {
    await changeNode(tools(), change({ after: KEY_READ, fallback: null }));
    const manifest = node.manifest;
    node.health = (configuration) => (configuration === null ? 'down' : 'well');
    const outcome = await changeNode(tools(), change({ before: KEY_READ, after: null, fallback: null }));
    expect(outcome.state).toBe('fellBack');
    expect([node.manifest, node.configuration]).toEqual([manifest, KEY_READ]);
  });

  test('where it answers but nobody can judge it, neither way is taken; the next run goes on', async () => {
    const { look } = node;
    node.look = async () =>
      node.manifest === MANIFEST
        ? look.call(node)
        : { at: 'strange', reason: 'the credentials have expired' };
    await expect(changeNode(tools(), change())).rejects.toThrow('the credentials have expired');
    node.look = look;
    expect(await changeNode(tools(), change())).toMatchObject({ state: 'applied' });
    expect(node.configuration).toBe(KEY_FIRST);
  });
});

test.each<[string, Partial<Extract<ServerSight, { at: 'up' }>>, string | undefined]>([
  ['the hash of the new configuration, whenever it began', { configuration: 'b', startedAt: 1 }, undefined],
  ['the hash of another', { configuration: 'a', startedAt: 2_000 }, 'another encryption configuration'],
  ['no hash, and a process that began since', { startedAt: 1_000 }, undefined],
  ['no hash, and the process from before', { startedAt: 900 }, 'the process from before'],
  ['neither', {}, 'cannot be seen'],
])('an API server that shows %s', (_name, shown, reason) => {
  const sight = { at: 'up', ready: true, cluster: CLUSTER, ...shown } as const;
  const said = notYet(sight, { cluster: CLUSTER, configuration: 'b', placedAt: 1_000_000 });
  if (reason === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(reason);
});

describe('nothing is touched', () => {
  const untouched = async (given: NodeChange, message: string, more: Partial<NodeTools> = {}) => {
    const before = [node.manifest, node.configuration];
    await expect(changeNode(tools(more), given)).rejects.toThrow(message);
    expect([node.manifest, node.configuration]).toEqual(before);
    expect(existsSync(node.place.work)).toBe(false);
  };

  test('where the server is down, of another cluster, or its start cannot be seen', async () => {
    await untouched(change(), 'another cluster answers', { cluster: 'other' });
    const { look } = node;
    node.look = async () => ({ at: 'down', reason: 'connection refused' });
    await untouched(change(), 'connection refused');
    node.look = async () => ({ at: 'up', ready: true, cluster: CLUSTER });
    await untouched(change(), 'cannot be seen');
    node.look = look;
  });

  test('where another configuration is in force, or one lies there that nobody uses', async () => {
    node.begin(KEY_READ, MANIFEST);
    await untouched(
      change({ after: configText('aescbc/key9', 'identity'), fallback: null }),
      'only copy of a key',
    );
    await changeNode(tools(), change());
    await untouched(change({ after: configText('aescbc/key9', 'identity') }), 'has changed since');
    await untouched(change({ file: `${node.file}.other` }), 'another encryption configuration');
  });

  test('where the manifest is a link, or gone', async () => {
    const real = path.join(node.root, 'real.yaml');
    writeFileSync(real, MANIFEST);
    const linked = path.join(node.root, 'etc/kubernetes/manifests2/kube-apiserver.yaml');
    mkdirSync(path.dirname(linked));
    symlinkSync(real, linked);
    await untouched(change(), 'not a regular file', { place: { ...node.place, manifest: linked } });
    await untouched(change(), 'There is no', { place: { ...node.place, manifest: `${linked}.no` } });
  });

  test('where our directory is on another file system', async () => {
    if (!existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync(node.root).dev) return;
    const work = `/dev/shm/kubectl-harden-test-${process.pid}`;
    await untouched(change(), 'another file system', { place: { ...node.place, work } });
  });

  test.each([
    ['missing', 'does not exist'],
    ['a file', 'is not a socket'],
    ['left by a plugin that is gone', 'ECONNREFUSED'],
  ])('where the socket of a KMS plugin is %s', async (what, message) => {
    const socket = path.join(node.root, 'kms.sock');
    if (what === 'a file') writeFileSync(socket, '');
    if (what.startsWith('left')) {
      const server = await listening(path.join(node.root, 'first.sock'));
      linkSync(path.join(node.root, 'first.sock'), socket);
      await new Promise((resolve) => server.close(resolve));
    }
    await untouched(change({ sockets: [socket] }), message);
  });

  test('and where the plugin listens, it goes on, with its directory mounted', async () => {
    const socket = path.join(node.root, 'kms.sock');
    const server = await listening(socket);
    const mounts = [{ path: node.root, readOnly: false }];
    const outcome = await changeNode(tools(), change({ sockets: [socket], mounts }));
    await new Promise((resolve) => server.close(resolve));
    expect(outcome.state).toBe('applied');
    expect(node.manifest).toContain(`- mountPath: ${node.root}\n`);
  });

  test('where the script for nodes is unfinished', async () => {
    mkdirSync(`${node.place.work}-script`);
    writeFileSync(path.join(`${node.place.work}-script`, 'phase'), 'wanted 1');
    await untouched(change(), 'node.sh is unfinished');
  });

  test('where another process works on this node', async () => {
    const both = await Promise.allSettled([changeNode(tools(), change()), changeNode(tools(), change())]);
    const refused = both.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
    expect(refused).toEqual([expect.stringContaining('in use')]);
  });
});

test('no file of ours but the configuration ever holds a key, and no second file is in the manifests directory', async () => {
  node.health = (configuration) => (configuration === KEY_FIRST ? { breaksAfter: 3 } : 'well');
  const seen = new Set<string>();
  const { look } = node;
  node.look = async () => {
    for (const name of existsSync(node.place.work) ? readdirSync(node.place.work) : []) {
      const file = path.join(node.place.work, name);
      if (readFileSync(file, 'utf8').includes(secretOf('key1'))) seen.add(`${name} ${mode(file)}`);
    }
    return look.call(node);
  };
  await changeNode(tools(), change());
  expect([...seen].toSorted()).toEqual(['fallback.configuration 600']);
});

async function listening(file: string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(file, resolve));
  return server;
}
