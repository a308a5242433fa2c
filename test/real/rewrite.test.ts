import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { kubeconfigOf, recordingProxy } from '../cluster/recording.js';
import { harden, PROGRAM } from '../support/program.js';
import { missingReal, type RealCluster, startReal } from '../support/real-cluster.js';
import { type Ask, request } from '../support/rest.js';

const missing = missingReal();
const suite = missing === undefined ? describe : describe.skip;

const COUNT = 2_000;
const KILLS = 50;
/** Objects a second while it is killed, so that a re-write takes seconds and every moment of it can be met. */
const RATE = '300';
const PLANTED = `planted-${randomBytes(6).toString('hex')}`;

/** Numbers in [0, 1) that a seed decides: a failure can be played again. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

suite(`rewrite-secrets on a real API server${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let real: RealCluster;
  let home: string;
  let kubeconfig: string;
  let first = 0;
  const keys = ['one', 'two'].map((name) => ({ name, secret: randomBytes(32).toString('base64') }));
  const ask = (what: Ask) => request(real, what);

  /** From now on the other key is the first: all that is stored is stale. */
  const flip = async () => {
    first = 1 - first;
    await real.restart(await options());
  };
  const options = async (...more: string[]) => {
    const file = path.join(home, `${[keys[first]!.name, ...more].join('-')}.yaml`);
    const providers = [{ secretbox: { keys: [keys[first], keys[1 - first]] } }, { identity: {} }];
    const kind = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration' };
    await writeFile(
      file,
      stringify({ ...kind, resources: [{ resources: ['secrets', ...more], providers }] }),
      {
        mode: 0o600,
      },
    );
    return { encryptionConfig: file, withoutControllers: true };
  };
  const wanted = () => `k8s:enc:secretbox:v1:${keys[first]!.name}:`;
  /** etcd keys of Secrets that are not stored under the first key. */
  const stale = async () =>
    [...(await real.readStored('/registry/secrets/'))].filter(([, prefix]) => prefix !== wanted());
  /** A digest of each Secret's type, data, labels and annotations, by name, as the API serves it. */
  const digests = async () => {
    const { json } = await ask({ path: '/api/v1/secrets' });
    const { items } = json as { items: Record<string, Record<string, unknown>>[] };
    return new Map(
      items.map((one) => [
        `${one.metadata!.namespace}/${one.metadata!.name}`,
        createHash('sha256')
          .update(
            JSON.stringify([
              one.metadata!.uid,
              one.type,
              one.data,
              one.metadata!.labels,
              one.metadata!.annotations,
            ]),
          )
          .digest('hex'),
      ]),
    );
  };
  const secret = (name: string, value: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `{"data":"${value}"}` },
    },
    stringData: { value },
  });
  const create = (namespace: string, name: string, value: string) =>
    ask({ method: 'POST', path: `/api/v1/namespaces/${namespace}/secrets`, body: secret(name, value) });
  const rewrite = (...flags: string[]) =>
    harden(['rewrite-secrets', '--kubeconfig', kubeconfig, '--confirm', 'real', ...flags], env());
  const env = () => ({ XDG_STATE_HOME: home });

  beforeAll(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-rewrite-'));
    real = await startReal(await options());
    kubeconfig = path.join(home, 'kubeconfig');
    await writeFile(kubeconfig, real.kubeconfig, { mode: 0o600 });
    for (const name of ['few', 'many', 'more'])
      await ask({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } } });
    const left = Array.from({ length: COUNT }, (_, n) => n);
    const worker = async () => {
      for (let n = left.pop(); n !== undefined; n = left.pop())
        await create(n < 20 ? 'few' : n < 1_300 ? 'many' : 'more', `s-${n}`, `${PLANTED}-${n}`);
    };
    await Promise.all(Array.from({ length: 16 }, worker));
  }, 180_000);

  afterAll(async () => {
    await real?.stop();
    await rm(home, { recursive: true, force: true });
  }, 60_000);

  test('all stale ones are re-written and proven, a second pass re-writes none, and no value is ever sent', async () => {
    await flip();
    const before = await digests();
    const proxy = await recordingProxy(real);
    const watched = path.join(home, 'watched');
    await writeFile(watched, kubeconfigOf(proxy.address, { token: real.token }), { mode: 0o600 });
    try {
      const run = (...flags: string[]) =>
        harden(
          [
            'rewrite-secrets',
            '--kubeconfig',
            watched,
            '--confirm',
            'test',
            '--max-rate',
            '0',
            '-o',
            'json',
            ...flags,
          ],
          env(),
        );
      const ran = await run();
      expect(ran.code).toBe(0);
      const report = JSON.parse(ran.stdout);
      expect(report).toMatchObject({
        total: COUNT,
        rewritten: COUNT,
        unchanged: 0,
        refused: 0,
        failures: [],
      });
      expect(report.proof).toMatchObject({
        verdict: 'proven',
        stale: COUNT,
        writes: [wanted()],
        objects: COUNT,
      });
      const means = Object.fromEntries(report.proof.means.map((one: { means: string }) => [one.means, one]));
      expect(means.metrics).toMatchObject({ used: true, written: { [wanted()]: COUNT } });
      expect(means.readAudit).toMatchObject({ used: true, stored: { [wanted()]: COUNT } });
      expect(means.finalPass).toMatchObject({ used: true, moved: 0 });
      expect(means.etcd).toMatchObject({ used: false });
      expect(JSON.parse((await run('--no-proof')).stdout)).toMatchObject({ rewritten: 0, unchanged: COUNT });
      const answered = proxy.answered();
      expect(answered).toContain('s-1999');
      expect(answered).not.toContain(PLANTED);
      expect(answered).not.toContain(Buffer.from(PLANTED).toString('base64').slice(0, 12));
      expect(ran.stdout + ran.stderr).not.toContain(PLANTED);
    } finally {
      await proxy.close();
    }
    expect(await stale()).toEqual([]);
    expect(await digests()).toEqual(before);
  }, 120_000);

  test(`killed at ${KILLS} random moments and resumed: all re-written, none lost, none changed`, async () => {
    const before = await digests();
    const seed = Number.parseInt(process.env.REWRITE_SEED ?? randomBytes(4).toString('hex'), 16);
    const next = random(seed);
    let kills = 0;
    let inMidRun = 0;
    try {
      while (kills < KILLS) {
        await flip();
        let run: string | undefined;
        for (;;) {
          const args =
            run === undefined ? ['rewrite-secrets', '--no-proof', '--max-rate', RATE] : ['resume', run];
          const ended = await killedAfter(
            [...args, '--kubeconfig', kubeconfig, '--confirm', 'real'],
            kills < KILLS ? 300 + next() * 2_200 : undefined,
          );
          if (!ended.killed) {
            expect([ended.code, ended.stderr]).toEqual([0, expect.anything()]);
            break;
          }
          kills++;
          const listed = JSON.parse((await harden(['runs', '-o', 'json'], env())).stdout).runs;
          const last = listed.at(-1);
          // Killed before it had a run of its own: it begins again.
          if (last?.state !== 'open') continue;
          run = last.run;
          const left = (await stale()).length;
          if (left > 0 && left < COUNT) inMidRun++;
        }
        expect(await stale()).toEqual([]);
      }
    } catch (error) {
      throw new Error(`seed ${seed.toString(16)}, after ${kills} kills`, { cause: error });
    }
    // Most of the moments lay in the re-write itself, not before or behind it.
    expect(inMidRun).toBeGreaterThan(KILLS / 4);
    expect(await digests()).toEqual(before);
    const again = JSON.parse((await rewrite('--max-rate', '0', '--no-proof', '-o', 'json')).stdout);
    expect(again).toMatchObject({ rewritten: 0, unchanged: COUNT, refused: 0 });
    expect([...(await real.readStored('/registry/secrets/kube-system/')).keys()]).toEqual([]);
  }, 1_200_000);

  test('those who create, change and delete meanwhile lose nothing', async () => {
    await flip();
    const expected = new Map<string, string | undefined>();
    const next = random(7);
    let over = false;
    let writes = 0;
    const writer = async (id: number) => {
      for (let n = 0; !over; n++) {
        const target = Math.floor(next() * COUNT);
        if (target % 3 !== id) continue; // each Secret has one writer, so that its last value is known
        const namespace = target < 20 ? 'few' : target < 1_300 ? 'many' : 'more';
        const value = `${PLANTED}-changed-${id}-${n}`;
        const at = `/api/v1/namespaces/${namespace}/secrets/s-${target}`;
        const known = expected.has(`${namespace}/s-${target}`)
          ? expected.get(`${namespace}/s-${target}`)
          : 'there';
        let status: number;
        if (known === undefined) {
          status = (await create(namespace, `s-${target}`, value)).status;
          expected.set(`${namespace}/s-${target}`, value);
        } else if (next() < 0.2) {
          status = (await ask({ method: 'DELETE', path: at })).status;
          expected.set(`${namespace}/s-${target}`, undefined);
        } else {
          const body = { stringData: { value } };
          status = (await ask({ method: 'PATCH', path: at, type: 'application/merge-patch+json', body }))
            .status;
          expected.set(`${namespace}/s-${target}`, value);
        }
        expect([200, 201]).toContain(status);
        writes++;
      }
    };
    const writers = [0, 1, 2].map(writer);
    const ran = await rewrite('--max-rate', '800', '--no-proof', '-o', 'json');
    over = true;
    await Promise.all(writers);
    expect(ran.code).toBe(0);
    expect(writes).toBeGreaterThan(50);
    expect(await stale()).toEqual([]);
    const { json } = await ask({ path: '/api/v1/secrets' });
    const { items } = json as {
      items: { metadata: { namespace: string; name: string }; data: { value: string } }[];
    };
    const live = new Map(
      items.map(({ metadata, data }) => [
        `${metadata.namespace}/${metadata.name}`,
        Buffer.from(data.value, 'base64').toString(),
      ]),
    );
    for (const [name, value] of expected) expect([name, live.get(name)]).toEqual([name, value]);
    const untouched = [...live.keys()].filter((name) => !expected.has(name)).length;
    expect(untouched).toBe(COUNT - expected.size);
  }, 120_000);

  test('Secrets whose namespace was taken away by force are never passed over; as told, they are reached', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ghost' } };
    const create = () => ask({ method: 'POST', path: '/api/v1/namespaces', body: namespace });
    await create();
    for (let n = 0; n < 3; n++) {
      const body = { metadata: { name: `left-${n}` }, stringData: { value: PLANTED } };
      await ask({ method: 'POST', path: '/api/v1/namespaces/ghost/secrets', body });
    }
    await ask({ method: 'DELETE', path: '/api/v1/namespaces/ghost' });
    const body = { ...namespace, spec: { finalizers: [] } };
    await ask({ method: 'PUT', path: '/api/v1/namespaces/ghost/finalize', body });
    expect((await ask({ path: '/api/v1/namespaces/ghost' })).status).toBe(404);
    await flip();
    const ran = await rewrite('--max-rate', '0', '-o', 'json');
    expect(ran.code).toBe(1);
    const { proof } = JSON.parse(ran.stdout);
    expect(proof.verdict).toBe('contradicted');
    const { words, missed } = proof.means.find(({ means }: { means: string }) => means === 'count');
    expect([missed, words]).toEqual([3, expect.stringContaining('left-0, left-1, left-2')]);
    expect(ran.stdout + ran.stderr).not.toContain(PLANTED);
    expect((await stale()).map(([key]) => key)).toEqual(
      [0, 1, 2].map((n) => `/registry/secrets/ghost/left-${n}`),
    );
    const quick = await rewrite('--max-rate', '0', '--no-proof');
    expect([quick.code, quick.stdout]).toEqual([
      1,
      expect.stringContaining('Not proven, some were not reached'),
    ]);
    await create();
    const again = await rewrite('--max-rate', '0', '-o', 'json');
    expect([again.code, JSON.parse(again.stdout)]).toMatchObject([
      0,
      { rewritten: 3, proof: { verdict: 'proven' } },
    ]);
    expect(await stale()).toEqual([]);
    for (let n = 0; n < 3; n++)
      await ask({ method: 'DELETE', path: `/api/v1/namespaces/ghost/secrets/left-${n}` });
  }, 60_000);

  test('other resources, with and without namespaces, by the name that configurations use', async () => {
    const run = async (resource: string) => {
      const ran = await rewrite('--resource', resource, '--max-rate', '0', '-o', 'json');
      return { ...ran, report: ran.stdout === '' ? undefined : JSON.parse(ran.stdout) };
    };
    const roles = await run('clusterroles.rbac.authorization.k8s.io');
    expect(roles.code).toBe(0);
    expect(roles.report).toMatchObject({ rewritten: 0, refused: 0, failures: [] });
    expect(roles.report.unchanged).toBeGreaterThan(20);
    for (let n = 0; n < 5; n++) {
      const body = { metadata: { name: `c-${n}` }, data: { value: 'plain' } };
      await ask({ method: 'POST', path: '/api/v1/namespaces/few/configmaps', body });
    }
    await widgets();
    // Of API groups, in the form `resource.group` that custom resources have: one that is tried before, and one that is not.
    const labels = { app: 'few' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'example.test/c' }] } };
    for (let n = 0; n < 3; n++) {
      const metadata = { name: `d-${n}` };
      const spec = { replicas: 0, selector: { matchLabels: labels }, template };
      await ask({
        method: 'POST',
        path: '/apis/apps/v1/namespaces/few/deployments',
        body: { metadata, spec },
      });
      const at = '/apis/coordination.k8s.io/v1/namespaces/few/leases';
      await ask({ method: 'POST', path: at, body: { metadata, spec: { holderIdentity: PLANTED } } });
    }
    const FOLDERS = {
      configmaps: '/registry/configmaps/few/',
      'deployments.apps': '/registry/deployments/few/',
      'leases.coordination.k8s.io': '/registry/leases/few/',
    };
    const stored = async (folder: string) => new Set((await real.readStored(folder)).values());
    for (const folder of Object.values(FOLDERS)) expect(await stored(folder)).toEqual(new Set(['']));
    await real.restart(await options(...Object.keys(FOLDERS)));
    for (const [resource, folder] of Object.entries(FOLDERS)) {
      const { report } = await run(resource);
      expect([resource, report]).toMatchObject([
        resource,
        { refused: 0, failures: [], proof: { verdict: 'proven' } },
      ]);
      expect(report.rewritten).toBeGreaterThanOrEqual(3);
      expect(await stored(folder)).toEqual(new Set([wanted()]));
      expect((await run(resource)).report).toMatchObject({ rewritten: 0 });
    }
    expect([...(await real.readStored('/registry/leases/kube-system/kubectl-harden')).keys()]).toEqual([]);
    const unknown = await run('gadgets.example.com');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('no resource gadgets.example.com');
    expect((await run('widgets.example.com')).report).toMatchObject({ total: 0, refused: 0, failures: [] });
  }, 150_000);

  /** A resource of our own; the server of these tests (1.20.2 of Debian) ends when an object of one is written. */
  const widgets = async () => {
    const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    await ask({
      method: 'POST',
      path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      body: {
        metadata: { name: 'widgets.example.com' },
        spec: {
          group: 'example.com',
          scope: 'Namespaced',
          names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
          versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
        },
      },
    });
    const at = '/apis/example.com/v1/namespaces/few/widgets';
    for (let tries = 0; (await ask({ path: at })).status !== 200 && tries < 100; tries++)
      await new Promise((resolve) => setTimeout(resolve, 100));
  };

  /** Runs the program and kills it after so many milliseconds, without a last word, if it has not ended by then. */
  const killedAfter = (args: readonly string[], ms: number | undefined) =>
    new Promise<{ killed: boolean; code: number | null; stderr: string }>((resolve) => {
      const child = spawn(process.execPath, [PROGRAM, ...args], {
        env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', KUBECONFIG: '/nonexistent', ...env() },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const errors: Buffer[] = [];
      child.stderr.on('data', (piece: Buffer) => errors.push(piece));
      const timer = ms === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), ms);
      child.on('close', (code, signal) => {
        clearTimeout(timer);
        resolve({ killed: signal === 'SIGKILL', code, stderr: Buffer.concat(errors).toString() });
      });
    });
});
