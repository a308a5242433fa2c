import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { contentOf } from '../../src/encryption/content.js';
import { asGiven, readConfigurationFile } from '../../src/host/configuration-file.js';
import { filesHost } from '../../src/host/files.js';
import type { EncryptionConfig, ServerEncryption } from '../../src/model/encryption.js';
import type { HostChange } from '../../src/model/plan.js';
import type { EncryptionFacts } from '../../src/model/snapshot.js';
import { encryptionAtRest } from '../../steps/encryption-at-rest.js';
import { snapshotOf } from '../support/snapshot.js';
import { configText, secretOf } from './control-plane/configs.js';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'kubectl-harden-copy-'));
  file = path.join(directory, 'copy.yaml');
  writeFileSync(file, configText('secretbox/key1', 'identity'), { mode: 0o600 });
});
afterEach(() => rmSync(directory, { recursive: true }));

const facts = (apiServers: readonly ServerEncryption[]): EncryptionFacts => ({
  secrets: 1,
  stored: undefined,
  writes: undefined,
  flags: [],
  apiServers,
  evidence: [],
});
const flag = (value: string | null) => ({ value, source: 'its arguments' });

describe('a copy of the configuration', () => {
  test('stands for the file of each API server with the flag, as an assumption', async () => {
    const given = await readConfigurationFile(file);
    const seen = asGiven(
      given,
      facts([
        { server: 'a', file: flag('/e') },
        { server: 'b', file: flag(null) },
      ]),
    );
    expect(seen).toEqual([
      { server: 'a', assumed: true, config: { value: given.config, source: `${file}, as given` } },
    ]);
    expect(JSON.stringify(seen)).not.toContain(secretOf('key1'));
  });

  test('is proven by the hash of the server, or refuted', async () => {
    const given = await readConfigurationFile(file);
    const hash = createHash('sha256').update(readFileSync(file)).digest('hex');
    const [same, other] = asGiven(
      given,
      facts([
        { server: 'a', file: flag('/e'), hash: { value: hash, source: 'metrics' } },
        { server: 'b', file: flag('/e'), hash: { value: 'f'.repeat(64), source: 'metrics' } },
      ]),
    );
    expect(same).toEqual({
      server: 'a',
      config: { value: given.config, source: expect.stringContaining('hash is the same') },
    });
    expect(other).toMatchObject({ server: 'b', problem: { source: 'metrics' } });
    expect(other?.config).toBeUndefined();
  });

  test('whose hash is that of the server is still no place to plan from where its path is not shown', async () => {
    const given = await readConfigurationFile(file);
    const value = createHash('sha256').update(readFileSync(file)).digest('hex');
    const hidden = facts([{ server: 'a', hash: { value, source: 'metrics' } }]);
    const seen = asGiven(given, hidden);
    expect(seen).toMatchObject([
      { server: 'a', config: { source: expect.stringContaining('hash is the same') } },
      { server: 'every API server', problem: { value: expect.stringContaining('is not used') } },
    ]);
    const box = 'k8s:enc:secretbox:v1:key1:';
    const now = snapshotOf({
      encryption: { ...hidden, writes: box, stored: { [box]: 1 }, apiServers: seen },
    });
    expect(encryptionAtRest.questions(now).map(({ id }) => id)).not.toContain('goal');
    const rotate = { goal: 'use/secretbox/key-2026-01', keyKept: true, rewrite: true, removeOld: true };
    expect(encryptionAtRest.plan(now, rotate, new Map())).toEqual([]);
    // With the flag shown it is one.
    const shown = facts([{ server: 'a', file: flag('/e'), hash: { value, source: 'metrics' } }]);
    expect(asGiven(given, shown).map(({ server }) => server)).toEqual(['a']);
  });

  test('is not used, and that is said, where something encrypts and no API server shows its arguments', async () => {
    const given = await readConfigurationFile(file);
    const box = 'k8s:enc:secretbox:v1:key1:';
    for (const sign of [{ configured: true }, { writes: box }, { stored: { [box]: 1 } }]) {
      const seen = asGiven(given, { ...facts([]), ...sign });
      expect(seen).toEqual([
        {
          server: 'every API server',
          problem: { value: expect.stringContaining(file), source: expect.any(String) },
        },
      ]);
      const now = snapshotOf({ encryption: { ...facts(seen), ...sign } });
      const findings = encryptionAtRest.assess(now, {});
      const said = findings.find(({ id }) => id === 'configuration-unclear')?.message;
      expect(said).toContain(`${file} is not used: no API server shows its arguments`);
      expect(findings.map(({ id }) => id)).not.toContain('configuration-not-visible');
      expect(encryptionAtRest.questions(now).map(({ id }) => id)).not.toContain('goal');
    }
    expect(asGiven(given, facts([]))).toEqual([]);
    expect(asGiven(given, { ...facts([]), writes: '', stored: { '': 3 } })).toEqual([]);
  });

  test('never takes the place of what is seen', async () => {
    const own: ServerEncryption = { server: 'a', config: { value: null, source: 'its own file' } };
    expect(asGiven(await readConfigurationFile(file), facts([own]))).toEqual([]);
  });
});

const key = (kind: string, name: string, secret: string) => ({ [kind]: { keys: [{ name, secret }] } });
const whole = (...providers: object[]) =>
  JSON.stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers }],
  });
const OTHER = Buffer.from('another-key-of-thirty-two-bytes!').toString('base64');
const MARK = Buffer.from('planted-key-of-thirty-two-bytes!').toString('base64');

test.each([
  ['not YAML', `${MARK}: [`],
  ['another kind', JSON.stringify({ apiVersion: 'v1', kind: 'Secret', data: { key: MARK } })],
  ['a key that is too short', whole(key('secretbox', 'key1', MARK.slice(0, 20)))],
  ['a key that is no base64', whole(key('aescbc', 'key1', `${MARK}?!`))],
  [
    'two keys of one name',
    whole({
      aescbc: {
        keys: [
          { name: 'a', secret: MARK },
          { name: 'a', secret: OTHER },
        ],
      },
    }),
  ],
  ['no provider', whole()],
  ['an unknown provider', whole(key('rot13', 'key1', MARK))],
  ['nothing', ''],
])('%s is refused with words, and no key is said', async (_name, text) => {
  writeFileSync(file, text);
  const error: unknown = await readConfigurationFile(file).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'HostError', message: expect.stringContaining('copy.yaml') });
  expect(String(error).split('\n').length).toBeLessThanOrEqual(3);
  for (const part of [MARK, OTHER, MARK.slice(0, 20)]) expect(String(error)).not.toContain(part);
});

test('a file that is not there', async () => {
  await expect(readConfigurationFile(path.join(directory, 'none'))).rejects.toThrow('does not exist');
});

test.each<[string, () => string, string]>([
  ['a device that never ends', () => '/dev/zero', 'is no regular file'],
  [
    'a pipe that nobody writes into',
    () => {
      const pipe = path.join(directory, 'pipe');
      execFileSync('mkfifo', [pipe]);
      return pipe;
    },
    'is no regular file',
  ],
  ['a directory', () => directory, 'is no regular file'],
  [
    'a file of 8 GiB, all but its start unread',
    () => {
      truncateSync(file, 2 ** 33);
      return file;
    },
    'expected a file of at most 1 MiB',
  ],
])('%s is refused at once', async (_name, make, words) => {
  const before = process.memoryUsage().rss;
  await expect(readConfigurationFile(make())).rejects.toThrow(words);
  expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
});

test('the files of a round hold the keys of the copy, 0600, and a placeholder where there is none', async () => {
  const after: EncryptionConfig = [
    {
      resources: ['secrets'],
      providers: [{ kind: 'identity' }, { kind: 'secretbox', keys: [{ name: 'key1', value: 'kept' }] }],
    },
  ];
  const change: HostChange = {
    kind: 'host',
    id: 'encryption-at-rest/-/EncryptionConfiguration/encryption-config',
    ref: {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'EncryptionConfiguration',
      name: 'encryption-config',
    },
    risk: 'restartsApiServer',
    why: '',
    breaks: [],
    folder: '1-write',
    files: [{ path: '/etc/e.yaml', as: 'encryption-config.yaml', mode: 0o600, content: contentOf(after) }],
    instructions: [],
  };
  const [with_] = await filesHost(path.join(directory, 'a'), () => '04', [file]).prepare(change);
  expect(readFileSync(with_ ?? '', 'utf8')).toContain(secretOf('key1'));
  expect(statSync(with_ ?? '').mode & 0o777).toBe(0o600);
  const [without] = await filesHost(path.join(directory, 'b'), () => '04').prepare(change);
  expect(readFileSync(without ?? '', 'utf8')).toContain('<as in the file on the node>');
});
