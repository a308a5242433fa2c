import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Client, SECRETS, TABLE, version } from '../contract/tools.js';
import { ENCRYPTION } from '../support/encryption-configuration.js';
import { missingReal, type RealCluster, startReal } from '../support/real-cluster.js';

const missing = missingReal();
const describeReal = missing === undefined ? describe : describe.skip;
const title = missing === undefined ? '' : ` (skipped: ${missing})`;

describeReal(`the real control plane of the tests${title}`, () => {
  let directory: string;
  let auditLog: string;
  let cluster: RealCluster;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kubectl-harden-harness-'));
    auditLog = join(directory, 'audit.log');
    const encryptionConfig = join(directory, 'encryption-config.yaml');
    await writeFile(encryptionConfig, stringify(ENCRYPTION), { mode: 0o600 });
    cluster = await startReal({ encryptionConfig, auditLog, withoutControllers: true });
  }, 60_000);
  afterAll(async () => {
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  }, 30_000);

  const stored = async (): Promise<Map<string, string>> => cluster.readStored('/registry/secrets/default/');
  const rewrite = (through: Client, name: string) =>
    through.merge(`${SECRETS('default')}/${name}?includeObject=None`, {}, TABLE);

  test('tells how each value is stored, and nothing else of it', async () => {
    const client = new Client(cluster);
    await client.post(SECRETS('default'), {
      metadata: { name: 'one' },
      stringData: { key: 'planted-value' },
    });
    expect([...(await stored())]).toEqual([['/registry/secrets/default/one', 'k8s:enc:secretbox:v1:key1:']]);
  });

  test('a second API server with identity first turns encrypted values back to plain text', async () => {
    const encryptionConfig = join(directory, 'identity-first.yaml');
    const providers = ENCRYPTION.resources[0]!.providers.toReversed();
    const content = { ...ENCRYPTION, resources: [{ resources: ['secrets'], providers }] };
    await writeFile(encryptionConfig, stringify(content), { mode: 0o600 });
    const first = new Client(cluster);
    const second = new Client(await cluster.second({ encryptionConfig }));
    const key = '/registry/secrets/default/one';
    const before = version(await first.get(`${SECRETS('default')}/one?includeObject=None`, TABLE));
    const plain = version(await rewrite(second, 'one'));
    expect(plain).not.toBe(before);
    expect((await stored()).get(key)).toBe('');
    expect(version(await rewrite(first, 'one'))).not.toBe(plain);
    expect((await stored()).get(key)).toBe('k8s:enc:secretbox:v1:key1:');
  }, 60_000);

  test('keeps an audit log of requests, without bodies', async () => {
    const text = await readFile(auditLog, 'utf8');
    const events = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { verb: string; level: string });
    expect(events.some(({ verb }) => verb === 'create')).toBe(true);
    expect(new Set(events.map(({ level }) => level))).toEqual(new Set(['Metadata']));
    expect(text).not.toContain('planted-value');
  });

  test('leaves nothing behind when it is stopped, or cannot start', async () => {
    const ours = async () =>
      (await readdir(tmpdir())).filter((name) => name.startsWith('kubectl-harden-real-'));
    const before = await ours();
    await expect(startReal({ encryptionConfig: join(directory, 'missing.yaml') })).rejects.toThrow(
      /kube-apiserver/,
    );
    expect((await ours()).filter((name) => !before.includes(name))).toEqual([]);
    expect(existsSync(directory)).toBe(true);
  }, 60_000);
});
