import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { contentOf } from '../../../src/encryption/content.js';
import { findServer, type Machine } from '../../../src/host/control-plane/find.js';
import {
  type ControlPlaneNode,
  lookHere,
  nodeHost,
  storedHere,
} from '../../../src/host/control-plane/node-host.js';
import { filesHost } from '../../../src/host/files.js';
import type { EncryptionConfig, EncryptionProvider, ServerRound } from '../../../src/model/encryption.js';
import type { HostChange } from '../../../src/model/plan.js';
import { configText, MANIFEST, secretOf } from './configs.js';
import { CLUSTER, FakeNode } from './fake-node.js';

let node: FakeNode;
let home: string;
beforeEach(() => {
  node = new FakeNode(MANIFEST);
  node.pods = async () => [mirror('cp1')];
  home = mkdtempSync(path.join(tmpdir(), 'kubectl-harden-home-'));
});
afterEach(() => {
  expect(node.breaches).toEqual([]);
  expect(existsSync(node.place.work)).toBe(false);
  node.remove();
  rmSync(home, { recursive: true });
});

const commandIn = (manifest: string): string[] => parse(manifest).spec.containers[0].command;
const machine = (more: Partial<Machine> = {}): Machine => ({
  kubeletConfig: path.join(node.root, 'kubelet.yaml'),
  manifests: path.dirname(node.place.manifest),
  processes: async () => [['sh'], commandIn(node.manifest)],
  addresses: () => ['127.0.0.1', '192.0.2.10'],
  ...more,
});
const here = (more: Partial<ControlPlaneNode> = {}): ControlPlaneNode => ({
  machine: machine(),
  server: node,
  cluster: CLUSTER,
  time: node.time,
  patience: { poll: 1_000, settle: 5_000, limit: 60_000 },
  ...more,
});

const key = (name: string, value: 'kept' | 'fresh' = 'fresh'): EncryptionProvider => ({
  kind: 'secretbox',
  keys: [{ name, value }],
});
const identity: EncryptionProvider = { kind: 'identity' };
const config = (...providers: EncryptionProvider[]): EncryptionConfig => [
  { resources: ['secrets'], providers },
];

function change(round: Partial<ServerRound>): HostChange {
  const encryption: ServerRound = {
    phase: 'write',
    servers: ['cp1'],
    file: node.file,
    before: [null],
    after: config(key('key1'), identity),
    fallback: config(identity, key('key1')),
    mustRead: [''],
    mounts: [],
    sockets: [],
    ...round,
  };
  return {
    kind: 'host',
    id: 'encryption-at-rest/-/EncryptionConfiguration/encryption-config',
    ref: {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'EncryptionConfiguration',
      name: 'encryption-config',
    },
    risk: 'restartsApiServer',
    why: 'New Secrets are encrypted.',
    breaks: [],
    files:
      encryption.after === null
        ? []
        : [
            {
              path: node.file,
              as: 'encryption-config.yaml',
              mode: 0o600,
              content: contentOf(encryption.after),
            },
          ],
    instructions: ['Put it in place.'],
    encryption,
  };
}
const files = () => filesHost(home, () => '04');
const apply = (round: Partial<ServerRound> = {}, more: Partial<ControlPlaneNode> = {}) =>
  nodeHost(files(), here(more)).apply(change(round));
const leftConfig = () => readFileSync(path.join(home, 'files/04/encryption-config.yaml'), 'utf8');

test('the only control-plane node: the round is done, with the key that the files have', async () => {
  const outcome = await apply();
  expect(outcome).toMatchObject({ state: 'applied', evidence: expect.stringContaining('kubeadm upgrade') });
  const { secret } = parse(node.configuration ?? '').resources[0].providers[0].secretbox.keys[0];
  expect(Buffer.from(secret, 'base64')).toHaveLength(32);
  expect(leftConfig()).toContain(secret);
  expect(JSON.stringify(outcome)).not.toContain(secret);
});

test('a rotation keeps comments and keys of the file that is there, and takes nothing away', async () => {
  node.begin(`# by hand\n${configText('secretbox/key1', 'identity')}`, onManifest());
  const before = config(key('key1', 'kept'), identity);
  const both = config(key('key2'), key('key1', 'kept'), identity);
  const outcome = await apply({
    before: [before],
    after: both,
    fallback: config(key('key1', 'kept'), key('key2'), identity),
  });
  expect(outcome.state).toBe('applied');
  expect(node.configuration).toMatch(/^# by hand/);
  expect(node.configuration).toContain(secretOf('key1'));
  expect(node.state.stored.at(-1)).toBe('k8s:enc:secretbox:v1:key2:');
});

test('a key goes only in a round that removes, and only where no value may need it', async () => {
  node.begin(configText('secretbox/key2', 'secretbox/key1'), onManifest());
  node.rewrite();
  const both = config(key('key2', 'kept'), key('key1', 'kept'));
  const one = config(key('key2', 'kept'));
  const P1 = 'k8s:enc:secretbox:v1:key1:';
  const P2 = 'k8s:enc:secretbox:v1:key2:';
  const round = { before: [both], after: one, fallback: both };
  await expect(apply({ ...round, phase: 'write', mustRead: [P2] })).rejects.toThrow(P1);
  await expect(apply({ ...round, phase: 'remove', mustRead: [P1, P2] })).rejects.toThrow(P1);
  expect(node.configuration).toBe(configText('secretbox/key2', 'secretbox/key1'));
  expect((await apply({ ...round, phase: 'remove', mustRead: [P2] })).state).toBe('applied');
  expect(node.configuration).not.toContain(secretOf('key1'));
});

test('one node of several: done here, left for the others with the same key', async () => {
  const outcome = await apply({ servers: ['cp1', 'cp2', 'cp3'] });
  expect(outcome).toMatchObject({
    state: 'left',
    reason: expect.stringMatching(/^done on this node .* cp2, cp3: follow/),
  });
  expect(leftConfig()).toBe(node.configuration);
});

test('a node that has the key already gives it to the others; files with another are refused', async () => {
  node.begin(configText('secretbox/key1', 'identity'), onManifest());
  const round = { servers: ['cp1', 'cp2'], before: [null, config(key('key1', 'kept'), identity)] };
  expect((await apply(round)).state).toBe('left');
  expect(leftConfig()).toContain(secretOf('key1'));
  writeFileSync(
    path.join(home, 'files/04/encryption-config.yaml'),
    configText('secretbox/key1', 'identity').replace(secretOf('key1'), secretOf('x')),
  );
  await expect(apply(round)).rejects.toThrow('another value for the key secretbox/key1');
});

test('where a configuration that was read is not the one on this node, nothing is touched', async () => {
  node.begin(configText('secretbox/key1', 'identity'), onManifest());
  const before = node.configuration;
  await expect(apply({ after: config(key('key2'), identity) })).rejects.toThrow(
    'than this round was planned from',
  );
  expect(node.configuration).toBe(before);
});

test.each<[string, () => Promise<unknown>]>([
  ['another cluster answers', () => apply({}, { cluster: 'another' })],
  [
    'no process has these arguments',
    () => apply({}, { machine: machine({ processes: async () => [['kube-apiserver', '--other']] }) }),
  ],
  [
    'the address is another machine',
    () => apply({}, { machine: machine({ addresses: () => ['127.0.0.1'] }) }),
  ],
  ['there are no manifests', () => apply({}, { machine: machine({ manifests: '/nowhere/kubectl-harden' }) })],
  ['the round is for other nodes', () => apply({ servers: ['cp8', 'cp9'] })],
  ['the round is for one other node', () => apply({ servers: ['cp9'] })],
])('where %s, the files are left for a person', async (_name, act) => {
  expect(await act()).toMatchObject({ state: 'left', reason: expect.stringContaining('by hand') });
  expect(node.manifest).toBe(MANIFEST);
  expect(node.configuration).toBeNull();
});

test('an API server that does not come back: said, with what it runs with now', async () => {
  node.health = (text) =>
    (text?.indexOf('identity') ?? 0) > (text?.indexOf('secretbox') ?? 0) ? 'down' : 'well';
  await expect(apply()).rejects.toThrow(/did not come back .*\nIt runs again with one that reads every key/s);
  expect(await node.readsSecrets()).toBe(true);
});

test('the kubelet says where its manifests are', async () => {
  const elsewhere = path.join(node.root, 'elsewhere');
  mkdirSync(elsewhere);
  writeFileSync(path.join(elsewhere, '.hidden.yaml'), MANIFEST);
  writeFileSync(path.join(elsewhere, 'api.yaml'), MANIFEST);
  writeFileSync(
    path.join(node.root, 'kubelet.yaml'),
    `kind: KubeletConfiguration\nstaticPodPath: ${elsewhere}\n`,
  );
  expect(await findServer(machine())).toMatchObject({
    place: { manifest: path.join(elsewhere, 'api.yaml') },
    address: 'https://192.0.2.10:6443',
  });
});

describe('a look at what is in force', () => {
  test('without a configuration, and with one', async () => {
    expect(await lookHere(here())).toMatchObject([{ file: { value: null }, config: { value: null } }]);
    node.begin(configText('secretbox/key1', 'identity'), onManifest());
    const [seen] = await lookHere(here({ time: node.time }));
    // Made after the process of this fake node began: as if it were edited by hand and waited for a restart.
    expect(seen?.problem?.value).toContain('waits for a restart');
    expect(JSON.stringify(seen)).not.toContain(secretOf('key1'));
  });

  test('a broken file is a problem, without what stands in it', async () => {
    node.begin(configText('secretbox/key1').replace(secretOf('key1'), 'c2hvcnQ='), onManifest());
    const [seen] = await lookHere(here());
    expect(seen?.problem?.value).toContain('32 bytes');
    expect(JSON.stringify(seen)).not.toContain('c2hvcnQ');
  });

  test('on another machine there is nothing', async () => {
    expect(await lookHere(here({ cluster: 'another' }))).toEqual([]);
  });
});

test.each<[string, () => Promise<unknown>, RegExp]>([
  ['another cluster answers', () => storedHere(here({ cluster: 'another' }), 'secrets'), /another cluster/],
  ['etcd cannot be reached', () => storedHere(here(), 'secrets'), /etcd cannot be asked/],
  ['its folder is not known', () => storedHere(here(), 'leases.coordination.k8s.io'), /is not known/],
])('etcd is not looked into where %s, and that is said', async (_name, ask, words) => {
  expect(await ask()).toMatch(words);
});

/** kubeadm's manifest with the flag for the fake node's file. */
function onManifest(): string {
  return MANIFEST.replace(
    /( +)- --secure-port/,
    `$1- --encryption-provider-config=${node.file}\n$1- --secure-port`,
  )
    .replace(
      /( +)volumeMounts:\n/,
      `$&$1- mountPath: ${path.dirname(node.file)}\n$1  name: encryption-config\n`,
    )
    .replace(
      /( +)volumes:\n/,
      `$&$1- hostPath:\n$1    path: ${path.dirname(node.file)}\n$1  name: encryption-config\n`,
    );
}

function mirror(nodeName: string) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `kube-apiserver-${nodeName}`, namespace: 'kube-system' },
    spec: { nodeName, containers: [{ name: 'kube-apiserver', command: commandIn(node.manifest) }] },
  };
}
