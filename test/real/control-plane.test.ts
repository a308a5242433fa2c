import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'yaml';
import { localApiServer } from '../../src/cluster/local-server.js';
import { contentOf } from '../../src/encryption/content.js';
import { changeNode, type NodeOutcome } from '../../src/host/control-plane/change.js';
import { etcdConnection, etcdCounts } from '../../src/host/control-plane/etcd.js';
import { THIS_MACHINE } from '../../src/host/control-plane/find.js';
import {
  type ControlPlaneNode,
  lookHere,
  nodeHost,
  storedHere,
} from '../../src/host/control-plane/node-host.js';
import { placeOf } from '../../src/host/control-plane/place.js';
import { readStaticPod } from '../../src/host/control-plane/static-pod.js';
import { filesHost } from '../../src/host/files.js';
import type { EncryptionProvider } from '../../src/model/encryption.js';
import type { HostChange } from '../../src/model/plan.js';
import type { LocalApiServer } from '../../src/wizard/ports.js';
import { Client, field, SECRETS, TABLE } from '../contract/tools.js';
import { missingReal } from '../support/real-cluster.js';
import { type SupervisedNode, superviseNode } from '../support/supervised-node.js';

const missing = missingReal();
const describeReal = missing === undefined ? describe : describe.skip;

const PLANTED = 'planted-value-that-nobody-may-ever-see';
const KEYS = new Map<string, string>();
/** An EncryptionConfiguration for secrets with these providers in order: `identity`, `secretbox/key1`. */
function configText(...providers: readonly string[]): string {
  const keyOf = (name: string) => {
    if (!KEYS.has(name)) KEYS.set(name, randomBytes(32).toString('base64'));
    return KEYS.get(name);
  };
  return stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [
      {
        resources: ['secrets'],
        providers: providers.map((one) => {
          const [kind = '', name = ''] = one.split('/');
          return { [kind]: kind === 'identity' ? {} : { keys: [{ name, secret: keyOf(one) }] } };
        }),
      },
    ],
  });
}

describeReal(
  `a control-plane node with a real API server${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let node: SupervisedNode;
    let server: LocalApiServer;
    let client: Client;
    let cluster: string;
    beforeEach(async () => {
      node = await superviseNode();
      server = localApiServer({ kubeconfigText: node.kubeconfig }, node.server);
      client = new Client(node);
      cluster = String(field(await client.get('/api/v1/namespaces/kube-system'), 'metadata', 'uid'));
      for (let at = 0; at < 30; at++) await create(`before-${at}`);
    }, 120_000);
    afterEach(async () => {
      server?.close();
      await node?.stop();
    }, 60_000);

    const create = async (name: string) => {
      const answer = await client.post(SECRETS('default'), {
        metadata: { name },
        stringData: { key: PLANTED },
      });
      expect(answer.status).toBe(201);
    };
    const change = (
      before: string | null,
      after: string | null,
      fallback: string | null,
    ): Promise<NodeOutcome> =>
      changeNode(
        {
          place: placeOf(node.manifest),
          server,
          cluster,
          time: { now: () => Date.now(), sleep: (milliseconds) => pause(milliseconds) },
          patience: { poll: 200, settle: 2_000, limit: 40_000 },
        },
        { file: node.configuration, before, after, fallback, mounts: [], sockets: [] },
      );
    const rewrite = async () => {
      for (const row of await names())
        await client.merge(`${SECRETS('default')}/${row}?includeObject=None`, {}, TABLE);
    };
    const names = async (): Promise<string[]> => {
      const answer = await client.get(`${SECRETS('default')}?includeObject=None`, TABLE);
      expect(answer.status).toBe(200);
      return ((answer.json as { rows: { cells: string[] }[] }).rows ?? []).map((row) => row.cells[0] ?? '');
    };
    /** By our own way to etcd; the tests' own oracle has to agree. */
    const counts = async () => {
      const pod = readStaticPod(await readFile(node.manifest, 'utf8'), node.manifest);
      const ours = await etcdCounts(await etcdConnection(pod), 'secrets');
      const oracle: Record<string, number> = {};
      for (const prefix of (await node.readStored('/registry/secrets/')).values())
        oracle[prefix] = (oracle[prefix] ?? 0) + 1;
      expect(ours).toEqual(oracle);
      return ours;
    };
    const readable = async () => {
      for (const name of await names()) {
        const answer = await client.get(`${SECRETS('default')}/${name}`);
        expect(Buffer.from(String(field(answer, 'data', 'key')), 'base64').toString()).toBe(PLANTED);
      }
    };

    test('plain, encrypted, rotated, another provider, plain again: each proven in etcd', async () => {
      const begin = await readFile(node.manifest, 'utf8');
      expect(await counts()).toEqual({ '': 30 });
      const rounds: [after: string[], wanted: Record<string, number>][] = [
        [['secretbox/key1', 'identity'], { 'k8s:enc:secretbox:v1:key1:': 30 }],
        [['secretbox/key1', 'secretbox/key2', 'identity'], { 'k8s:enc:secretbox:v1:key1:': 30 }],
        [['secretbox/key2', 'secretbox/key1', 'identity'], { 'k8s:enc:secretbox:v1:key2:': 30 }],
        [['aescbc/key3', 'secretbox/key2'], { 'k8s:enc:aescbc:v1:key3:': 30 }],
        [['identity', 'aescbc/key3'], { '': 30 }],
      ];
      let before: string | null = null;
      for (const [providers, wanted] of rounds) {
        const after = configText(...providers);
        const outcome = await change(before, after, before ?? configText('identity', 'secretbox/key1'));
        expect(outcome).toMatchObject({
          state: 'applied',
          evidence: expect.stringContaining('reads every Secret'),
        });
        await rewrite();
        expect(await counts()).toEqual(wanted);
        await readable();
        before = after;
      }
      const last = await change(before, null, before);
      expect(last.state).toBe('applied');
      await readable();
      const stamped = (await readFile(node.manifest, 'utf8')).split('\n');
      expect(stamped.filter((line) => !line.includes('sha256') && line !== '  annotations:').join('\n')).toBe(
        begin,
      );
      expect([...node.names]).toEqual(['kube-apiserver.yaml']);
      expect(existsSync(placeOf(node.manifest).work)).toBe(false);
    }, 300_000);

    test('a configuration that breaks after ten encrypted writes: all Secrets stay readable', async () => {
      const wanted = configText('secretbox/key1', 'identity');
      const keeping = configText('identity', 'secretbox/key1');
      const encrypted = async () =>
        [...(await node.readStored('/registry/secrets/')).values()].filter((prefix) => prefix !== '').length;
      node.breaks = async () =>
        (await readFile(node.configuration, 'utf8').catch(() => '')) === wanted && (await encrypted()) >= 10;
      let over = false;
      let written = 0;
      const writer = (async () => {
        for (let at = 0; !over; at++) {
          const answer = await client
            .post(SECRETS('default'), { metadata: { name: `during-${at}` }, stringData: { key: PLANTED } })
            .catch(() => undefined);
          if (answer?.status === 201) written++;
          await pause(answer === undefined ? 200 : 60);
        }
      })();
      const outcome = await change(null, wanted, keeping).finally(() => {
        over = true;
      });
      await writer;
      expect(outcome).toMatchObject({ state: 'fellBack' });
      expect(await readFile(node.configuration, 'utf8')).toBe(keeping);
      const now = await counts();
      expect(now['k8s:enc:secretbox:v1:key1:']).toBeGreaterThanOrEqual(10);
      expect((now[''] ?? 0) + (now['k8s:enc:secretbox:v1:key1:'] ?? 0)).toBe((await names()).length);
      expect(written).toBeGreaterThanOrEqual(10);
      await readable();
      expect([...node.names]).toEqual(['kube-apiserver.yaml']);
    }, 180_000);

    test('a configuration that the API server refuses: it comes back with the one to go back to', async () => {
      const wanted = configText('secretbox/key1', 'identity').replace('identity: {}', 'nosuch: {}');
      const outcome = await change(null, wanted, configText('identity', 'secretbox/key1'));
      expect(outcome.state).toBe('fellBack');
      await readable();
      await create('afterwards');
      expect(await counts()).toEqual({ '': 31 });
    }, 180_000);

    test('the wizard on that node does a round by itself, and sees what is in force', async () => {
      const home = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-home-'));
      const here: ControlPlaneNode = {
        machine: { ...THIS_MACHINE, kubeletConfig: '/nowhere', manifests: path.dirname(node.manifest) },
        server,
        cluster,
        time: { now: () => Date.now(), sleep: (milliseconds) => pause(milliseconds) },
        patience: { poll: 200, settle: 2_000, limit: 40_000 },
      };
      const key: EncryptionProvider = { kind: 'secretbox', keys: [{ name: 'key1', value: 'fresh' }] };
      const [after, fallback] = [
        [key, { kind: 'identity' } as const],
        [{ kind: 'identity' } as const, key],
      ].map((providers) => [{ resources: ['secrets'], providers }]);
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
        files: [
          { path: node.configuration, as: 'encryption-config.yaml', mode: 0o600, content: contentOf(after!) },
        ],
        instructions: [],
        encryption: {
          phase: 'write',
          servers: [hostname().toLowerCase()],
          file: node.configuration,
          before: [null],
          after: after!,
          fallback: fallback!,
          mustRead: [''],
          mounts: [],
          sockets: [],
        },
      };
      const files = filesHost(home, () => '04');
      expect(await lookHere(here)).toMatchObject([{ file: { value: null }, config: { value: null } }]);
      const other = nodeHost(files, { ...here, cluster: 'another' });
      expect((await other.apply(change)).state).toBe('left');
      expect((await nodeHost(files, here).apply(change)).state).toBe('applied');
      const kept: EncryptionProvider = { kind: 'secretbox', keys: [{ name: 'key1', value: 'kept' }] };
      expect(await lookHere(here)).toMatchObject([
        { config: { value: [{ providers: [kept, { kind: 'identity' }] }] } },
      ]);
      await rewrite();
      expect(await counts()).toEqual({ 'k8s:enc:secretbox:v1:key1:': 30 });
      expect(await storedHere(here, 'secrets')).toEqual({ 'k8s:enc:secretbox:v1:key1:': 30 });
      await readable();
      await rm(home, { recursive: true });
    }, 120_000);

    test('nothing of a key or a value is said', async () => {
      const said: string[] = [];
      const outcome = await change(
        null,
        configText('secretbox/key1', 'identity'),
        configText('identity', 'secretbox/key1'),
      );
      said.push(JSON.stringify(outcome), JSON.stringify(await server.look()), JSON.stringify(await counts()));
      const again = await change(null, configText('secretbox/key9'), null).catch((error: unknown) => error);
      said.push(String(again));
      for (const value of [...KEYS.values(), PLANTED, Buffer.from(PLANTED).toString('base64')])
        expect(said.join('\n')).not.toContain(value);
    }, 120_000);
  },
);
