import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { writeAtomic, writeNew } from '../../src/host/atomic.js';
import { filesHost } from '../../src/host/files.js';
import { type HostChange, KEY_PLACEHOLDER } from '../../src/model/plan.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'files-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const CONFIG = 'encryption-config.yaml';
function encryption(patch: unknown = [{ op: 'add', path: '/a', value: 1 }]): HostChange {
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
    breaks: ['The API server restarts.'],
    files: [
      {
        path: '/etc/kubernetes/enc/encryption-config.yaml',
        as: CONFIG,
        mode: 0o600,
        content: {
          kind: 'EncryptionConfiguration',
          resources: [
            {
              resources: ['secrets'],
              providers: [{ secretbox: { keys: [{ name: 'key-1', secret: KEY_PLACEHOLDER }] } }],
            },
          ],
        },
      },
      {
        path: '/etc/kubernetes/patches/kube-apiserver+json.yaml',
        as: 'kubeadm-patches/kube-apiserver+json.yaml',
        mode: 0o644,
        content: patch,
      },
    ],
    instructions: ['Keep a copy.', 'Put it in place.'],
  };
}
const host = () =>
  filesHost(home, (step) => (step === 'encryption-at-rest' ? '04-encryption-at-rest' : step));
const folder = () => path.join(home, 'files/04-encryption-at-rest');
const text = (name: string) => readFileSync(path.join(folder(), name), 'utf8');
const keyIn = (file: string): string => parse(file).resources[0].providers[0].secretbox.keys[0].secret;
const key = (): string => keyIn(text(CONFIG));

test('leaves files and instructions for a person, for nobody else to read', async () => {
  const before = process.umask(0);
  const outcome = await host()
    .apply(encryption())
    .finally(() => process.umask(before));
  expect(outcome).toEqual({
    state: 'left',
    reason: `to be done on each control-plane node by hand: follow ${path.join(folder(), 'INSTRUCTIONS.md')}; the new key is in ${path.join(folder(), CONFIG)} (0600): keep a copy of it outside of the cluster before anything is written under it`,
    files: [CONFIG, 'kubeadm-patches/kube-apiserver+json.yaml', 'INSTRUCTIONS.md'].map((f) =>
      path.join(folder(), f),
    ),
  });
  const modes = [
    '.',
    CONFIG,
    'kubeadm-patches',
    'kubeadm-patches/kube-apiserver+json.yaml',
    'INSTRUCTIONS.md',
  ].map((f) => (statSync(path.join(folder(), f)).mode & 0o777).toString(8));
  expect(modes).toEqual(['700', '600', '700', '600', '600']);
  expect(JSON.parse(text('kubeadm-patches/kube-apiserver+json.yaml'))).toEqual([
    { op: 'add', path: '/a', value: 1 },
  ]);
  expect(text('INSTRUCTIONS.md')).toContain('1. Keep a copy.\n2. Put it in place.');
});

test('the key has 32 random bytes and stands in no other file and no outcome', async () => {
  const outcome = await host().apply(encryption());
  expect(Buffer.from(key(), 'base64')).toHaveLength(32);
  expect(text(CONFIG)).not.toContain(KEY_PLACEHOLDER);
  expect(JSON.stringify(outcome)).not.toContain(key());
  expect(text('INSTRUCTIONS.md')).not.toContain(key());
  const other = mkdtempSync(path.join(home, 'other-'));
  await filesHost(other, () => '04-encryption-at-rest').apply(encryption());
  const again = readFileSync(path.join(other, 'files/04-encryption-at-rest', CONFIG), 'utf8');
  expect(keyIn(again)).not.toBe(key());
});

test('a key is found again, never generated anew or replaced; other files follow the plan', async () => {
  await host().apply(encryption());
  const first = text(CONFIG);
  await host().apply(encryption([{ op: 'add', path: '/b', value: 2 }]));
  expect(text(CONFIG)).toBe(first);
  expect(JSON.parse(text('kubeadm-patches/kube-apiserver+json.yaml'))[0].path).toBe('/b');
});

test('each round of a change has a folder of its own, and all have the same key', async () => {
  const rounds = ['1-read', '2-write'];
  for (const round of rounds) await host().apply({ ...encryption(), folder: round });
  const [first, second] = rounds.map((round) => keyIn(text(path.join(round, CONFIG))));
  expect(second).toBe(first);
  expect(readdirSync(path.join(folder(), '2-write'))).toContain('INSTRUCTIONS.md');
});

test('a configuration of another plan is left as it is, and said', async () => {
  await host().apply(encryption());
  const first = text(CONFIG);
  const other = encryption();
  const content = { kind: 'EncryptionConfiguration', resources: [{ secret: KEY_PLACEHOLDER }] };
  const change = { ...other, files: [{ ...other.files[0]!, content }] };
  await expect(host().apply(change)).rejects.toThrow('belongs to another plan');
  expect(text(CONFIG)).toBe(first);
});

test('of many that write a key at once, all end with the same one', async () => {
  await Promise.all(Array.from({ length: 8 }, () => host().apply(encryption())));
  const kept = key();
  await host().apply(encryption());
  expect(key()).toBe(kept);
  expect(readdirSync(folder()).toSorted()).toEqual(['INSTRUCTIONS.md', CONFIG, 'kubeadm-patches']);
});

test.each(['../outside.yaml', '/etc/outside.yaml', 'a/../../outside', '.'])(
  'a file at %s is refused',
  async (as) => {
    const change = encryption();
    const stray = { ...change, files: [{ ...change.files[0]!, as }] };
    await expect(host().apply(stray)).rejects.toThrow('leads out of');
  },
);

describe('atomic writing', () => {
  test('replaces the content at once and leaves nothing else behind', async () => {
    const file = path.join(home, 'f');
    await writeAtomic(file, 'one', 0o644);
    await writeAtomic(file, 'two', 0o600);
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777, readdirSync(home)]).toEqual([
      'two',
      0o600,
      ['f'],
    ]);
  });

  test('a failure leaves the old content and no temporary file', async () => {
    const file = path.join(home, 'f');
    await writeAtomic(file, 'one', 0o644);
    await expect(writeAtomic(file, 5 as unknown as string, 0o644)).rejects.toThrow();
    await expect(writeAtomic(path.join(home, 'no/f'), 'x', 0o644)).rejects.toThrow('ENOENT');
    expect([readFileSync(file, 'utf8'), readdirSync(home)]).toEqual(['one', ['f']]);
  });

  test('a new file never replaces one, nor a dangling link', async () => {
    writeFileSync(path.join(home, 'f'), 'mine');
    symlinkSync('nowhere', path.join(home, 'l'));
    expect(await writeNew(path.join(home, 'f'), 'other', 0o600)).toBe(false);
    expect(await writeNew(path.join(home, 'l'), 'other', 0o600)).toBe(false);
    expect(await writeNew(path.join(home, 'n'), 'new', 0o600)).toBe(true);
    expect(readFileSync(path.join(home, 'f'), 'utf8')).toBe('mine');
    expect(readdirSync(home).toSorted()).toEqual(['f', 'l', 'n']);
  });
});
