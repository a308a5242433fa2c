import { Agent } from 'node:https';
import { differences } from '../../src/model/in-use.js';
import { at, listAt, type Manifest, stringAt } from '../../src/model/manifest.js';
import { amountsOf } from '../../src/model/quantity.js';
import { podsOf, workloadsIn } from '../../src/model/workloads.js';
import { type AdmissionCase, admissionCases, CLUSTER_CLASSES } from '../support/admission-cases.js';
import { agrees, type Ground, plain, trial } from '../support/admission-trial.js';
import { missingReal, type RealCluster, startReal } from '../support/real-cluster.js';
import { request } from '../support/rest.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

const reason = missingReal();
const suite = reason === undefined ? describe : describe.skip;

const NAMESPACES = 200;
/** Another one may be tried: each must hold. */
const SEED = Number(process.env.ADMISSION_SEED ?? 20);
const AT_ONCE = 8;
const COUNTED = {
  Pod: 'pods',
  Service: 'services',
  PersistentVolumeClaim: 'persistentvolumeclaims',
  ResourceQuota: 'resourcequotas',
};

suite(`the admission simulator against a real API server${reason ? ` (${reason})` : ''}`, () => {
  let cluster: RealCluster;
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  beforeAll(async () => {
    cluster = await startReal();
  }, 120_000);
  afterAll(async () => {
    agent.destroy();
    await cluster?.stop();
  });

  const ask = (method: string, path: string, body?: object) =>
    request({ ...cluster, agent }, { method, path, ...(body === undefined ? {} : { body }) });
  const post = async (path: string, body: object) => {
    const answer = await ask('POST', path, body);
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    return answer;
  };
  const each = async <T>(all: readonly T[], work: (one: T, index: number) => Promise<void>) => {
    let next = 0;
    const worker = async () => {
      for (let index = next++; index < all.length; index = next++) await work(all[index]!, index);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  };
  const until = async (done: () => Promise<boolean>): Promise<void> => {
    for (let tries = 0; tries < 300; tries++) {
      if (await done()) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('not within 30 s');
  };
  const inNamespace = (name: string, { metadata, ...rest }: Manifest): object => ({
    ...rest,
    metadata: { ...metadata, namespace: name, uid: undefined, resourceVersion: undefined },
  });
  const ground = (name: string): Ground => ({
    post: (plural, one) => ask('POST', `/api/v1/namespaces/${name}/${plural}`, inNamespace(name, one)),
    get: async (plural, one) => (await ask('GET', `/api/v1/namespaces/${name}/${plural}/${one}`)).json,
  });
  const set = async (name: string, of: AdmissionCase): Promise<void> => {
    const path = `/api/v1/namespaces/${name}`;
    await post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
    await post(`${path}/serviceaccounts`, { ...account, automountServiceAccountToken: false });
    for (const range of of.ranges) await post(`${path}/limitranges`, inNamespace(name, range));
    for (const quota of of.quotas) await post(`${path}/resourcequotas`, inNamespace(name, quota));
  };

  test(`${NAMESPACES} namespaces: every pod of a full roll, and one more of each template`, async () => {
    for (const one of CLUSTER_CLASSES)
      await post(
        one.kind === 'RuntimeClass'
          ? '/apis/node.k8s.io/v1/runtimeclasses'
          : '/apis/scheduling.k8s.io/v1/priorityclasses',
        inNamespace('', one),
      );
    const cases = admissionCases(NAMESPACES, SEED, {
      version: '1.20',
      podLevel: false,
      sidecars: false,
      classes: true,
    });
    const began = Date.now();
    await each(cases, (of, index) => set(`sim-${index}`, of));
    const set_ = Date.now();
    // Only a quota whose status was computed is enforced.
    await each(cases, async (of, index) => {
      for (const { metadata, spec } of of.quotas)
        await until(async () => {
          const quota = await ground(`sim-${index}`).get('resourcequotas', metadata.name);
          const [wanted, computed] = [at(spec, 'hard'), at(quota, 'status', 'hard')].map(
            (map) => Object.keys(amountsOf(map)).length,
          );
          return wanted === computed;
        });
    });
    const ready = Date.now();
    const seen: Record<string, number> = {};
    const wrong: unknown[] = [];
    await each(cases, async (of, index) => {
      const name = `sim-${index}`;
      const done = await trial(of, ground(name));
      for (const { what, server, expected } of done.steps) {
        const kind = server.admitted ? 'admitted' : server.by;
        seen[kind] = (seen[kind] ?? 0) + 1;
        if (!agrees(server, expected))
          wrong.push({
            name,
            what,
            server: plain(server),
            expected: expected.map(plain),
          });
      }
      for (const { quota, server, expected } of done.used)
        if (JSON.stringify(texts(server)) !== JSON.stringify(texts(expected)))
          wrong.push({ name, quota, server: texts(server), expected: texts(expected) });
      // Which of several LimitRanges wins is open: then only what is foreseen to fit must fit.
      const { admitted, foreseen } = done.roll;
      if (foreseen ? !admitted : admitted && of.ranges.length < 2) wrong.push({ name, roll: done.roll });
      const fits = foreseen ? 'rolls that fit' : 'rolls that do not';
      seen[fits] = (seen[fits] ?? 0) + 1;
    });
    process.stderr.write(
      `simulator: ${JSON.stringify(seen)}; set up ${set_ - began} ms, status ${ready - set_} ms, pods ${Date.now() - ready} ms\n`,
    );
    expect(wrong.slice(0, 5)).toEqual([]);
    // What the verification after a write looks at: status.used against all that is there.
    const listed: Manifest[] = [];
    for (const [kind, plural] of Object.entries(COUNTED)) {
      const { json } = await ask('GET', `/api/v1/${plural}`);
      for (const one of listAt(json, 'items')) listed.push({ ...(one as Manifest), apiVersion: 'v1', kind });
    }
    const now = snapshotOf({ objects: listed, version: '1.20' });
    const quotas = listed.filter(({ kind }) => kind === 'ResourceQuota');
    expect(quotas.length).toBeGreaterThan(NAMESPACES / 2);
    expect(quotas.flatMap((quota) => differences(now, quota))).toEqual([]);
    // Enough of each for the comparison to mean something.
    for (const kind of [
      'admitted',
      'limits',
      'invalid',
      'unspecified',
      'exceeded',
      'rolls that fit',
      'rolls that do not',
    ])
      expect({ kind, enough: (seen[kind] ?? 0) > 10 }).toEqual({ kind, enough: true });
  }, 300_000);

  test('surge is rounded as the Deployment controller rounds it', async () => {
    const surges = [0, 1, '1%', '25%', '30%', '100%', undefined];
    const cases = [1, 3, 4, 7].flatMap((replicas) => surges.map((maxSurge) => ({ replicas, maxSurge })));
    const path = '/apis/apps/v1/namespaces/default';
    await each(cases, async ({ replicas, maxSurge }, index) => {
      const labels = { app: `surge-${index}` };
      const spec = {
        replicas,
        selector: { matchLabels: labels },
        // What the controller allows at most is written on the ReplicaSet.
        strategy: { rollingUpdate: { ...(maxSurge === undefined ? {} : { maxSurge }), maxUnavailable: 1 } },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      };
      const deployment = object('apps/v1', 'Deployment', 'default', `surge-${index}`, { spec });
      await post(`${path}/deployments`, inNamespace('default', deployment));
      let allowed: string | undefined;
      await until(async () => {
        const { json } = await ask('GET', `${path}/replicasets?labelSelector=app%3Dsurge-${index}`);
        allowed = stringAt(
          json,
          'items',
          0,
          'metadata',
          'annotations',
          'deployment.kubernetes.io/max-replicas',
        );
        return allowed !== undefined;
      });
      const now = snapshotOf({ objects: [namespace('default'), deployment] });
      const [workload] = workloadsIn(now, 'default');
      expect({ replicas, maxSurge, pods: podsOf(workload!) }).toEqual({
        replicas,
        maxSurge,
        pods: Number(allowed),
      });
    });
  }, 60_000);
});

function texts(amounts: Readonly<Record<string, bigint>>): string[] {
  return Object.entries(amounts)
    .map(([key, value]) => `${key} ${value}`)
    .toSorted();
}
