import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { withConfiguration } from '../../src/host/control-plane/manifest-edit.js';
import { Client, field, SECRETS } from '../contract/tools.js';
import { type NodeCommand, onNode } from '../support/node-command.js';
import { missingReal } from '../support/real-cluster.js';
import { type SupervisedNode, superviseNode } from '../support/supervised-node.js';

const missing = missingReal();
const describeReal = missing === undefined ? describe : describe.skip;
const HOOKS = pathToFileURL(path.join(import.meta.dirname, '../support/typescript-hooks.mjs')).href;
const COMMAND = path.join(import.meta.dirname, '../support/node-command.ts');
/** How often an undo is killed, and for how long at most, in milliseconds. */
const KILLS = Number(process.env.UNDO_KILLS ?? '4');
const KILLED_FOR = KILLS > 4 ? Number.POSITIVE_INFINITY : 45_000;
const PLANTED = 'planted-value-that-nobody-may-ever-see';

describeReal(
  `the commands on a control-plane node${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let node: SupervisedNode;
    let home: string;
    let said: string;
    beforeEach(async () => {
      node = await superviseNode();
      home = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-home-'));
      await writeFile(path.join(home, 'kubeconfig'), node.kubeconfig, { mode: 0o600 });
      said = '';
    }, 120_000);
    afterEach(async () => {
      await node?.stop();
      await rm(home, { recursive: true, force: true });
    }, 60_000);

    /** A command line, with this directory in place of the machine's files. */
    const command = async (
      name: 'apply' | 'undo',
      answers: string,
      more: readonly string[],
    ): Promise<NodeCommand> => {
      const file = path.join(home, 'answers.yaml');
      await writeFile(file, answers);
      const flags = ['--kubeconfig', path.join(home, 'kubeconfig'), '--answers', file, '--confirm', 'real'];
      const steps = name === 'apply' ? ['--step', 'encryption-at-rest'] : [];
      return {
        words: [name, ...more, ...flags, ...steps],
        home,
        node: { root: node.root, manifest: node.manifest },
        patience: { poll: 200, settle: 1_000, limit: 60_000 },
      };
    };
    const run = async (name: 'apply' | 'undo', answers: string, ...more: string[]): Promise<number> =>
      onNode(await command(name, answers, more), (text) => {
        said += text;
      });
    /** The same in a process of its own, killed without a last word after so many milliseconds unless it has ended. */
    const killed = async (after: number, ...line: Parameters<typeof command>): Promise<number | null> => {
      const file = path.join(home, 'command.json');
      await writeFile(file, JSON.stringify(await command(...line)));
      const child = spawn(process.execPath, ['--import', HOOKS, COMMAND, file], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      child.stderr.on('data', (part: Buffer) => {
        said += part.toString();
      });
      const timer = setTimeout(() => child.kill('SIGKILL'), after);
      const [code] = (await once(child, 'close')) as [number | null];
      clearTimeout(timer);
      return code;
    };
    const up = async (client: Client) => {
      for (let at = 0; at < 600; at++) {
        const answer = await client.get('/readyz').catch(() => undefined);
        if (answer?.status === 200) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error('the API server did not come back within a minute');
    };
    const counts = async () => {
      const stored: Record<string, number> = {};
      for (const prefix of (await node.readStored('/registry/secrets/default/')).values())
        stored[prefix.replace(/\d{4}-\d{2}/, 'MONTH')] = (stored[prefix] ?? 0) + 1;
      return Object.keys(stored);
    };

    test('encryption is turned on for the first time, for ConfigMaps as well; the same answers then change nothing', async () => {
      const client = new Client(node);
      const body = { metadata: { name: 's' }, stringData: { key: PLANTED } };
      expect((await client.post(SECRETS('default'), body)).status).toBe(201);
      const answers =
        'encryption-at-rest: {enable: true, provider: secretbox, alsoEncrypt: [configmaps], keyKept: true, rewrite: true, unreachedServers: goOn}';
      expect([await run('apply', answers), said]).toEqual([0, expect.stringContaining('Proven')]);
      const stored = await Promise.all(
        ['secrets', 'configmaps'].map((kind) => node.readStored(`/registry/${kind}/`)),
      );
      const forms = new Set(stored.flatMap((values) => [...values.values()]));
      expect([...forms]).toEqual([expect.stringMatching(/^k8s:enc:secretbox:v1:key-\d{4}-\d{2}:$/)]);
      expect(stored.every((values) => values.size > 0)).toBe(true);
      const text = await readFile(node.configuration, 'utf8');
      const began = node.starts();
      expect(await run('apply', answers)).toBe(0);
      const same = (await readFile(node.configuration, 'utf8')) === text;
      expect([same, node.starts()]).toEqual([true, began]);
      for (const [, secret = ''] of text.matchAll(/secret: (\S+)/g)) expect(said).not.toContain(secret);
      expect(said).not.toContain(PLANTED);
      expect([...node.names]).toEqual(['kube-apiserver.yaml']);
    }, 400_000);

    test('a configuration that encrypts nothing is led to a key, to another one, and undone to plain text', async () => {
      const identity = [
        'apiVersion: apiserver.config.k8s.io/v1',
        'kind: EncryptionConfiguration',
        'resources:',
        '  # by hand',
        '  - resources: [secrets]',
        '    providers:',
        '      - identity: {}',
        '',
      ].join('\n');
      await mkdir(path.dirname(node.configuration), { mode: 0o700 });
      await writeFile(node.configuration, identity, { mode: 0o600 });
      const manifest = await readFile(node.manifest, 'utf8');
      const began = node.starts();
      await writeFile(
        node.manifest,
        withConfiguration(manifest, node.manifest, { file: node.configuration, sha256: 'f'.repeat(64) }),
      );
      const client = new Client(node);
      while (node.starts() === began) await new Promise((resolve) => setTimeout(resolve, 100));
      await up(client);
      for (let at = 0; at < 20; at++)
        expect(
          (
            await client.post(SECRETS('default'), {
              metadata: { name: `s-${at}` },
              stringData: { key: PLANTED },
            })
          ).status,
        ).toBe(201);

      const all = 'keyKept: true, rewrite: true, removeOld: true, unreachedServers: goOn';
      expect([await run('apply', `encryption-at-rest: {goal: secretbox, ${all}}`), said]).toEqual([
        0,
        expect.stringContaining('Proven'),
      ]);
      expect(await counts()).toEqual(['k8s:enc:secretbox:v1:key-MONTH:']);
      const [turnedOn = ''] = await readdir(path.join(home, 'kubectl-harden/runs'));
      // The same answers once more: what they ask for is there.
      const before = await readFile(node.configuration, 'utf8');
      expect(await run('apply', `encryption-at-rest: {goal: secretbox, ${all}}`)).toBe(0);
      expect((await readFile(node.configuration, 'utf8')) === before).toBe(true);
      const next = `use/secretbox/key-${new Date().toISOString().slice(0, 7)}-2`;
      expect(await run('apply', `encryption-at-rest: {goal: ${next}, ${all}}`)).toBe(0);
      expect(await counts()).toEqual(['k8s:enc:secretbox:v1:key-MONTH-2:']);
      const text = await readFile(node.configuration, 'utf8');
      for (const [, secret = ''] of text.matchAll(/secret: (\S+)/g)) expect(said).not.toContain(secret);
      expect(said).not.toContain(PLANTED);
      const back = 'undo: {decrypt: true, unreachedServers: goOn}';
      const kept = [...text.matchAll(/secret: \S+/g)].map(([line]) => line);
      const allReadable = async () => {
        for (let at = 0; at < 20; at++) {
          const answer = await client.get(`${SECRETS('default')}/s-${at}`);
          expect(Buffer.from(String(field(answer, 'data', 'key')), 'base64').toString()).toBe(PLANTED);
        }
      };
      // Killed at random moments and begun again: at each of them every Secret can be read, and no key is gone.
      const end = Date.now() + KILLED_FOR;
      const moments: number[] = [];
      for (let kills = 0; kills < KILLS && Date.now() < end; kills++) {
        const after = Math.round(2_000 + Math.random() * 11_000);
        const code = await killed(after, 'undo', back, [turnedOn]);
        moments.push(after);
        await up(client);
        await allReadable();
        const file = await readFile(node.configuration, 'utf8');
        expect({ moments, keys: kept.every((line) => file.includes(line)) }).toEqual({ moments, keys: true });
        if (code === 0) break;
        expect({ moments, code, said }).toEqual({ moments, code: null, said });
      }
      expect([await run('undo', back, turnedOn), moments]).toEqual([0, moments]);
      expect(await counts()).toEqual(['']);
      expect(await readFile(node.manifest, 'utf8')).not.toContain('--encryption-provider-config');
      for (const line of kept) expect(await readFile(node.configuration, 'utf8')).toContain(line);
      expect([...node.names]).toEqual(['kube-apiserver.yaml']);
      await allReadable();
      for (const line of kept) expect(said).not.toContain(line.replace('secret: ', ''));
      expect(said).not.toContain(PLANTED);
    }, 500_000);
  },
);
