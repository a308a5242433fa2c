import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from '../../src/cluster/connect.js';
import { prefixesOf } from '../../src/encryption/configuration.js';
import { filledContent } from '../../src/encryption/content.js';
import { type Goal, type Round, roundsTo, type Situation } from '../../src/encryption/rounds.js';
import type { EncryptionConfig, EncryptionProvider, StoragePrefix } from '../../src/model/encryption.js';
import { yamlText } from '../../src/model/hostfile.js';
import { Client, CONFIGMAPS, field, SECRETS } from '../contract/tools.js';
import { missingReal, type RealCluster, type RealServer, startReal } from '../support/real-cluster.js';

const missing = missingReal();
const describeReal = missing === undefined ? describe : describe.skip;

const PLANTED = 'planted-value-that-nobody-may-ever-see';
const RESOURCES = ['secrets', 'configmaps'];
const PATHS: Readonly<Record<string, string>> = {
  secrets: SECRETS('default'),
  configmaps: CONFIGMAPS('default'),
};

interface Server {
  name: string;
  server: RealServer & Pick<RealCluster, 'restart'>;
  client: Client;
  config: EncryptionConfig | null;
  /** The content of its file, keys included. */
  content: unknown;
}

describeReal(
  `two API servers on one etcd, led through rounds${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let real: RealCluster;
    let directory: string;
    let servers: Server[];
    let written: number;
    beforeEach(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-rounds-'));
      real = await startReal({ withoutControllers: true });
      const made = [real, await real.second({})];
      servers = made.map((server, index) => ({
        name: `cp${index + 1}`,
        server,
        client: new Client(server),
        config: null,
        content: undefined,
      }));
      written = 0;
    }, 120_000);
    afterEach(async () => {
      await real?.stop();
      await rm(directory, { recursive: true, force: true });
    }, 60_000);

    /** The server runs with this configuration; keys come from the files that servers have, new ones are made. */
    const give = async (one: Server, config: EncryptionConfig | null) => {
      const files = [one, ...servers].flatMap(({ content }) => (content === undefined ? [] : [content]));
      const file = path.join(directory, `${one.name}.yaml`);
      if (config !== null) {
        one.content = filledContent(config, files, () => randomBytes(32).toString('base64'));
        await writeFile(file, yamlText(one.content), { mode: 0o600 });
      }
      one.config = config;
      await one.server.restart(config === null ? {} : { encryptionConfig: file });
    };
    /** Each server writes one of each resource: whatever it writes in this moment exists from now on. */
    const write = async () => {
      for (const { name, client } of servers)
        for (const resource of RESOURCES) {
          const body = { metadata: { name: `${name}-${++written}` }, data: { key: dataOf(resource) } };
          expect((await client.post(PATHS[resource] ?? '', body)).status).toBe(201);
        }
    };
    const dataOf = (resource: string) =>
      resource === 'secrets' ? Buffer.from(PLANTED).toString('base64') : PLANTED;
    /** Names of what every server can read from storage, with what was written; anything else is an error. */
    const readByAll = async () => {
      for (const resource of RESOURCES) {
        const keys = [...(await real.readStored(`/registry/${resource}/default/`)).keys()];
        expect(keys).not.toEqual([]);
        for (const { name, client } of servers)
          for (const key of keys) {
            const object = key.split('/').at(-1) ?? '';
            const answer = await client.get(`${PATHS[resource]}/${object}`);
            expect({ server: name, object, status: answer.status }).toEqual({
              server: name,
              object,
              status: 200,
            });
            if (/^cp\d/.test(object)) expect(field(answer, 'data', 'key')).toBe(dataOf(resource));
          }
      }
    };
    const stored = async (resource: string): Promise<Record<StoragePrefix, number>> => {
      const counts: Record<StoragePrefix, number> = {};
      for (const prefix of (await real.readStored(`/registry/${resource}/`)).values())
        counts[prefix] = (counts[prefix] ?? 0) + 1;
      return counts;
    };
    const situation = async (): Promise<Situation> => ({
      servers: servers.map(({ name, config }) => ({ name, config })),
      alone: false,
      stored: Object.fromEntries(
        await Promise.all(RESOURCES.map(async (one) => [one, Object.keys(await stored(one))] as const)),
      ),
    });
    const carryOut = async (round: Round) => {
      switch (round.do) {
        case 'configure':
          for (const { servers: names, after } of round.switches)
            for (const one of servers.filter(({ name }) => names.includes(name))) {
              await give(one, after);
              await write();
              await readByAll();
            }
          return;
        case 'rewrite': {
          const cluster = await connect({ kubeconfigText: real.kubeconfig });
          try {
            const done = await cluster.rewrite({ resources: [round.resource] });
            expect(done).toMatchObject({ failures: [], refused: 0, interrupted: false });
          } finally {
            await cluster.close();
          }
          await readByAll();
          return;
        }
        case 'prove':
          expect(Object.keys(await stored(round.resource))).toEqual([round.under]);
          return;
        case 'keepKey':
          return;
      }
    };
    const lead = async (provider: EncryptionProvider, more: Partial<Goal> = {}) => {
      const goal = { resources: RESOURCES, provider, removeOld: true, keyKept: true, ...more };
      const plan = roundsTo(await situation(), goal);
      if ('refused' in plan) throw new Error(plan.refused);
      for (const round of plan.rounds) await carryOut(round);
      for (const resource of goal.resources)
        expect(Object.keys(await stored(resource))).toEqual(prefixesOf(provider));
      return plan.rounds.map((round) =>
        round.do === 'configure' ? round.phase : `${round.do} ${'resource' in round ? round.resource : ''}`,
      );
    };
    const key = (kind: 'secretbox' | 'aescbc', name: string): EncryptionProvider => ({
      kind,
      keys: [{ name, value: 'fresh' }],
    });
    const OVER = ['rewrite secrets', 'rewrite configmaps', 'prove secrets', 'prove configmaps', 'remove'];

    test('plain, encrypted, rotated, another provider, plain: each proven in etcd, and read by both at each moment', async () => {
      await write();
      expect(await lead(key('secretbox', 'key1'))).toEqual(['read', 'write', ...OVER]);
      expect(await lead(key('secretbox', 'key2'))).toEqual(['read', 'write', ...OVER]);
      expect(await lead(key('aescbc', 'key3'))).toEqual(['read', 'write', ...OVER]);
      expect(await lead({ kind: 'identity' })).toEqual(['read', 'write', ...OVER]);
      expect(servers.map(({ config }) => config)).toEqual([null, null]);
    }, 600_000);

    test('without the first round a server meets what it cannot read: these tests would see it', async () => {
      const config: EncryptionConfig = [
        { resources: RESOURCES, providers: [key('secretbox', 'key1'), { kind: 'identity' }] },
      ];
      const [first, second] = servers;
      await give(first!, config);
      await write();
      const stuck = await second!.client.get(`${PATHS.secrets}/cp1-1`);
      expect(stuck.status).toBe(500);
      await expect(readByAll()).rejects.toThrow();
    }, 120_000);
  },
);
