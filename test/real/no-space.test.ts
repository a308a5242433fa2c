import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { harden } from '../support/program.js';
import { missingReal, type RealCluster, startReal } from '../support/real-cluster.js';
import { type Ask, request } from '../support/rest.js';

const missing = missingReal();
const suite = missing === undefined ? describe : describe.skip;

const COUNT = 300;
const BYTES = 24 * 1024;
/** Room for all Secrets once, and for most of them a second time. */
const QUOTA = 14 * 2 ** 20;

suite(`a re-write that etcd has no room for${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let real: RealCluster;
  let home: string;
  const value = randomBytes(BYTES / 2).toString('hex');
  const ask = (what: Ask) => request(real, what);

  beforeAll(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-space-'));
    real = await startReal({ withoutControllers: true, etcdQuota: QUOTA });
    await writeFile(path.join(home, 'kubeconfig'), real.kubeconfig, { mode: 0o600 });
    for (let n = 0; n < COUNT; n++) {
      const body = { metadata: { name: `s-${n}` }, stringData: { value } };
      const { status } = await ask({ method: 'POST', path: '/api/v1/namespaces/default/secrets', body });
      expect(status).toBe(201);
    }
    const encryptionConfig = path.join(home, 'encryption.yaml');
    const keys = [{ name: 'key1', secret: randomBytes(32).toString('base64') }];
    const configuration = {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'EncryptionConfiguration',
      resources: [{ resources: ['secrets'], providers: [{ secretbox: { keys } }, { identity: {} }] }],
    };
    await writeFile(encryptionConfig, stringify(configuration), { mode: 0o600 });
    await real.restart({ withoutControllers: true, encryptionConfig });
  }, 120_000);
  afterAll(async () => {
    await real?.stop();
    await rm(home, { recursive: true, force: true });
  }, 60_000);

  const etcd = async (call: string, body: object) => {
    const answer = await fetch(`${real.etcdUrl}/v3/${call}`, { method: 'POST', body: JSON.stringify(body) });
    const json = (await answer.json()) as {
      header?: { revision?: string };
      alarms?: readonly { memberID: string }[];
    };
    expect({ call, status: answer.status }).toEqual({ call, status: 200 });
    return json;
  };
  /** What an administrator does about the alarm (etcd, maintenance: space quota). */
  const makeRoom = async () => {
    const { header } = await etcd('kv/range', { key: Buffer.from('/').toString('base64') });
    await etcd('kv/compaction', { revision: header?.revision, physical: true });
    await etcd('maintenance/defragment', {});
    const { alarms = [] } = await etcd('maintenance/alarm', { action: 'GET' });
    for (const { memberID } of alarms)
      await etcd('maintenance/alarm', { action: 'DEACTIVATE', alarm: 'NOSPACE', memberID });
  };
  const run = (...words: string[]) =>
    harden([...words, '--kubeconfig', path.join(home, 'kubeconfig'), '--confirm', 'real'], {
      XDG_STATE_HOME: home,
    });
  const forms = async () => {
    const stored = await real.readStored('/registry/secrets/default/');
    return Map.groupBy(stored.values(), (prefix) => prefix);
  };

  test('it stops with a line to resume, nothing is lost, and goes on once there is room', async () => {
    const full = await run('rewrite-secrets', '--max-rate', '0');
    expect(full.code).toBe(2);
    expect(full.stderr).toContain('etcd has no space left');
    expect(full.stderr).toContain('What is done stays done');
    expect(full.stderr).not.toContain(value.slice(0, 20));
    const [id = ''] = await readdir(path.join(home, 'kubectl-harden/runs'));
    expect(full.stderr).toContain(`Resume: kubectl harden resume ${id}`);
    const half = await forms();
    expect(half.get('k8s:enc:secretbox:v1:key1:')?.length).toBeGreaterThan(0);
    expect(half.get('')?.length).toBeGreaterThan(0);

    // Begun again before anybody did something about it: the words are those of the cause.
    const tooEarly = await run('resume', id);
    expect(tooEarly.code).toBe(2);
    expect(tooEarly.stderr).toMatch(/: etcd has no space left\.\nCompact and defragment it/);

    await makeRoom();
    const resumed = await run('resume', id);
    expect([resumed.code, resumed.stderr]).toEqual([0, expect.any(String)]);
    expect([...(await forms()).keys()]).toEqual(['k8s:enc:secretbox:v1:key1:']);
    for (const n of [0, COUNT / 2, COUNT - 1]) {
      const { json } = await ask({ path: `/api/v1/namespaces/default/secrets/s-${n}` });
      const { data } = json as { data: { value: string } };
      expect(Buffer.from(data.value, 'base64').toString() === value).toBe(true);
    }
  }, 120_000);
});
