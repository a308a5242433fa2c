import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { parse, stringify } from 'yaml';
import { readManifests } from '../../src/host/manifests.js';
import { KINDS } from '../../src/model/kinds.js';
import type { Manifest } from '../../src/model/manifest.js';
import { manifestsIn } from '../support/golden.js';
import { harden, ROOT } from '../support/program.js';
import { missingReal, type RealCluster, startReal } from '../support/real-cluster.js';

const FLOWS = path.resolve(ROOT, '../shared/conformance/flows');
const APPS = ['onlineboutique', 'bookinfo', 'sockshop'];
const reason = missingReal() ?? (existsSync(FLOWS) ? undefined : '../shared/conformance/flows is missing');
const PLANTED = 'planted-value-that-nobody-may-ever-see';
const TARGET = 'shops';

/** Kinds of Kubernetes itself; those of Istio and the like this server does not have. */
const own = ({ kind, apiVersion }: Manifest) =>
  Object.values<{ kind: string; apiVersions: readonly string[] }>(KINDS).some(
    (one) => one.kind === kind && one.apiVersions.includes(apiVersion),
  ) &&
  !apiVersion.includes('istio') &&
  kind !== 'Namespace' &&
  !apiVersion.startsWith('gateway');

(reason === undefined ? describe : describe.skip)(
  `workloads out of default on a real API server${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let cluster: RealCluster;
    let directory: string;
    const kubectl = (args: readonly string[], options: { input?: string; shell?: string } = {}) =>
      execa(options.shell ?? path.join(process.env.KUBEBUILDER_ASSETS ?? '', 'kubectl'), args, {
        reject: false,
        env: {
          KUBECONFIG: path.join(directory, 'kubeconfig'),
          KUBECTL: path.join(process.env.KUBEBUILDER_ASSETS ?? '', 'kubectl'),
          HOME: directory,
        },
        ...(options.input === undefined ? {} : { input: options.input }),
      });
    const list = async (namespace: string, kinds: string) => {
      const { stdout } = await kubectl(['get', kinds, '--namespace', namespace, '-o', 'json']);
      return (JSON.parse(stdout) as { items: Manifest[] }).items;
    };

    beforeAll(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-move-'));
      cluster = await startReal({ flags: { 'disable-admission-plugins': 'ServiceAccount' } });
      await writeFile(path.join(directory, 'kubeconfig'), cluster.kubeconfig, { mode: 0o600 });
    }, 120_000);
    afterAll(async () => {
      await cluster?.stop();
      await rm(directory, { recursive: true, force: true });
    });

    test('three shops and a bit of everything: every copy is accepted, Secrets go by the script, the old ones stay', async () => {
      const shops: Manifest[] = [];
      for (const app of APPS) {
        const { objects } = await readManifests(path.join(FLOWS, app, 'manifests'));
        for (const object of objects.filter(own))
          shops.push({ ...object, metadata: { ...object.metadata, namespace: 'default' } });
      }
      const mixed = manifestsIn('namespaces/move/default.yaml');
      // Of the samples, one Deployment and one Service are not valid for any server.
      const invalid = ['Deployment checkoutservice', 'Service carts'];
      const objects = [...shops, ...mixed].filter(
        ({ kind, metadata }) => !invalid.includes(`${kind} ${metadata.name}`),
      );
      const input = objects.map((object) => stringify(object)).join('---\n');
      const applied = await kubectl(['apply', '-f', '-'], { input });
      expect([applied.exitCode, applied.stderr.replace(/Warning:.*/g, '').trim()]).toEqual([0, '']);
      const secret = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'db', namespace: 'default', labels: { app: 'db' } },
        type: 'Opaque',
        stringData: { password: PLANTED, 'tricky.key': 'yes: "no"\n# x' },
      };
      expect((await kubectl(['apply', '-f', '-'], { input: stringify(secret) })).exitCode).toBe(0);
      const before = await list('default', 'all,cm,ing,netpol,pvc,hpa,pdb,role,rolebinding,sa,ep,secret');

      await writeFile(
        path.join(directory, 'answers.yaml'),
        stringify({ namespaces: { migrateTo: `${TARGET}=team-shop` } }),
      );
      const out = path.join(directory, 'patch');
      const made = await harden(
        [
          'generate',
          '--kubeconfig',
          path.join(directory, 'kubeconfig'),
          '--step',
          'namespaces',
          '--answers',
          path.join(directory, 'answers.yaml'),
          '--output-dir',
          out,
        ],
        { XDG_STATE_HOME: path.join(directory, 'state') },
      );
      expect([made.code, made.stderr]).toEqual([0, '']);
      const folder = path.join(out, '01-namespaces', 'migration');
      const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
      const manifests = await Promise.all(
        files.map(async (name) => parse(await readFile(path.join(folder, name), 'utf8')) as Manifest),
      );
      // Each object that a person put there has its copy.
      const expected = objects
        .filter(({ kind }) => kind !== 'Job' && kind !== 'Secret')
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      expect(new Set(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`))).toEqual(
        new Set(expected),
      );

      const first = await kubectl([path.join(out, 'apply.sh')], { shell: 'sh' });
      expect([first.exitCode, first.stderr]).toEqual([0, '']);
      const accepted = await kubectl([
        'apply',
        '--server-side',
        '--field-manager=kubectl-harden',
        ...files.flatMap((name) => ['-f', path.join(folder, name)]),
      ]);
      expect([accepted.exitCode, accepted.stderr.replace(/Warning:.*/g, '').trim()]).toEqual([0, '']);
      expect(accepted.stdout.split('\n')).toHaveLength(files.length);
      const copied = await kubectl([path.join(folder, 'copy-secrets.sh')], { shell: 'sh' });
      expect([copied.exitCode, copied.stderr, copied.stdout]).toEqual([
        0,
        '',
        'secret/db created\nsecret/mysql-credentials created',
      ]);
      expect((await kubectl([path.join(folder, 'copy-secrets.sh')], { shell: 'sh' })).stdout).toContain(
        'it stays as it is',
      );

      const [there] = (await list(TARGET, 'secret')).filter(({ metadata }) => metadata.name === 'db');
      const [here] = (await list('default', 'secret')).filter(({ metadata }) => metadata.name === 'db');
      expect(there).toMatchObject({ data: here?.data, type: 'Opaque', metadata: { labels: { app: 'db' } } });
      expect(there?.metadata.annotations).toBeUndefined();

      // The old ones are untouched, and no value is in any file.
      const versions = (all: Manifest[]) =>
        all
          .filter(
            ({ kind }) =>
              !['Pod', 'ReplicaSet', 'Endpoints'].includes(kind) &&
              kind !== 'Deployment' &&
              kind !== 'StatefulSet' &&
              kind !== 'DaemonSet' &&
              kind !== 'PodDisruptionBudget',
          )
          .map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`)
          .sort();
      expect(
        versions(await list('default', 'all,cm,ing,netpol,pvc,hpa,pdb,role,rolebinding,sa,ep,secret')),
      ).toEqual(versions(before));
      for (const name of await readdir(out, { recursive: true })) {
        const text = await readFile(path.join(out, name), 'utf8').catch(() => '');
        expect(text.includes(PLANTED) || text.includes(Buffer.from(PLANTED).toString('base64'))).toBe(false);
      }
      const binding = manifests.find(({ kind }) => kind === 'RoleBinding');
      expect(binding?.subjects).toEqual([{ kind: 'ServiceAccount', name: 'reporter', namespace: TARGET }]);

      // Asked again, nothing is left to copy, and nothing is proposed.
      const again = await harden(
        [
          'plan',
          '--kubeconfig',
          path.join(directory, 'kubeconfig'),
          '--step',
          'namespaces',
          '--answers',
          path.join(directory, 'answers.yaml'),
          '-o',
          'json',
        ],
        { XDG_STATE_HOME: path.join(directory, 'state') },
      );
      expect((JSON.parse(again.stdout) as { steps: { changes: unknown[] }[] }).steps[0]?.changes).toEqual([]);
    }, 240_000);
  },
);
