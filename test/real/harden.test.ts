import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { declaredConnections, declaredText, peerText } from '../../src/declared/index.js';
import { readManifests } from '../../src/host/manifests.js';
import type { Manifest } from '../../src/model/manifest.js';
import { isolation, reachOf } from '../../src/reach/index.js';
import { PLATFORM } from '../support/platform.js';
import { harden, type Ran, ROOT } from '../support/program.js';
import { missingReal, type RealCluster, startReal } from '../support/real-cluster.js';
import { request } from '../support/rest.js';

const FLOWS = path.resolve(ROOT, '../shared/conformance/flows');
const APPS = ['bookinfo', 'onlineboutique', 'sockshop'] as const;
const reason = missingReal() ?? (existsSync(FLOWS) ? undefined : '../shared/conformance/flows is missing');

/** Whether connections in words (`All Connections`, `TCP 80,443-445,UDP 53`) hold a port. */
function speaksOf(conn: string, protocol: string, port: number | undefined): boolean {
  if (conn === 'All Connections') return true;
  let current = '';
  return conn.split(',').some((part) => {
    const match = /^(?:([A-Z]+) )?(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (match === null) return true;
    current = match[1] ?? current;
    return (
      current === protocol &&
      (port === undefined || (Number(match[2]) <= port && port <= Number(match[3] ?? match[2])))
    );
  });
}

const ANSWERS = {
  namespaces: { moreNamespaces: '' },
  'default-deny': { namespaces: 'all', sameNamespace: 'all', egressOutside: 'closed' },
  quotas: { namespaces: 'all', limits: false },
  'encryption-at-rest': { enable: true, provider: 'secretbox', keyKept: true, rewrite: true },
  'metadata-blocking': { namespaces: 'all' },
};

const PLANTED = 'planted-value-that-nobody-may-ever-see';

(reason === undefined ? describe : describe.skip)(
  `the whole way on a real API server${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let cluster: RealCluster;
    let directory: string;
    let env: Record<string, string>;
    let common: string[];

    const kubectl = (...args: string[]) =>
      execa(
        path.join(process.env.KUBEBUILDER_ASSETS ?? '', 'kubectl'),
        ['--kubeconfig', path.join(directory, 'kubeconfig'), ...args],
        { reject: false },
      );

    beforeEach(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-e2e-'));
      cluster = await startReal({ flags: { 'disable-admission-plugins': 'ServiceAccount' } });
      await writeFile(path.join(directory, 'kubeconfig'), cluster.kubeconfig, { mode: 0o600 });
      await writeFile(path.join(directory, 'answers.yaml'), stringify(ANSWERS));
      await writeFile(path.join(directory, 'platform.yaml'), PLATFORM.map((m) => stringify(m)).join('---\n'));
      env = { XDG_STATE_HOME: path.join(directory, 'state') };
      common = [
        '--kubeconfig',
        path.join(directory, 'kubeconfig'),
        '--answers',
        path.join(directory, 'answers.yaml'),
      ];
      expect(await kubectl('apply', '-f', path.join(directory, 'platform.yaml'))).toMatchObject({
        exitCode: 0,
      });
      for (const app of APPS) {
        await kubectl('create', 'namespace', app);
        // Kinds that this server does not have are refused; all others are applied.
        await kubectl('apply', '-n', app, '-f', path.join(FLOWS, app, 'manifests'));
        await kubectl('apply', '-f', path.join(FLOWS, app, 'manifests'));
        for (let i = 0; i < 10; i++) {
          const body = { metadata: { name: `secret-${i}` }, stringData: { value: `${PLANTED}-${i}` } };
          const answer = await request(cluster, {
            method: 'POST',
            path: `/api/v1/namespaces/${app}/secrets`,
            body,
          });
          expect(answer.status).toBe(201);
        }
      }
    }, 180_000);

    afterEach(async () => {
      await cluster?.stop();
      await rm(directory, { recursive: true, force: true });
    }, 60_000);

    async function all(pathOfList: string): Promise<Manifest[]> {
      const answer = await request(cluster, { path: pathOfList });
      const list = answer.json as { apiVersion: string; kind: string; items: Manifest[] };
      return list.items.map((item) => ({
        ...item,
        apiVersion: list.apiVersion,
        kind: list.kind.replace(/List$/, ''),
      }));
    }

    /** kubectl refuses the rest of this file for one volume without a name; here each object is created, that one named. */
    async function createBoutique(): Promise<void> {
      const plurals: Record<string, string> = {
        Deployment: '/apis/apps/v1/namespaces/onlineboutique/deployments',
        Service: '/api/v1/namespaces/onlineboutique/services',
        ServiceAccount: '/api/v1/namespaces/onlineboutique/serviceaccounts',
      };
      const { objects } = await readManifests(path.join(FLOWS, 'onlineboutique', 'manifests'));
      for (const object of objects) {
        const list = plurals[object.kind];
        if (list === undefined) continue;
        const body = structuredClone(object) as Manifest & {
          spec?: { template?: { spec?: { volumes?: { name?: string }[] } } };
        };
        body.spec?.template?.spec?.volumes?.forEach((volume, i) => {
          volume.name ??= `volume-${i}`;
        });
        const answer = await request(cluster, { method: 'POST', path: list, body });
        expect([object.kind, object.metadata.name, [201, 409].includes(answer.status)]).toEqual([
          object.kind,
          object.metadata.name,
          true,
        ]);
      }
    }

    const templates = async () =>
      (
        await Promise.all(
          ['deployments', 'daemonsets', 'statefulsets'].map((kind) => all(`/apis/apps/v1/${kind}`)),
        )
      ).flat();

    async function userNamespaces(): Promise<string[]> {
      return (await all('/api/v1/namespaces'))
        .map((ns) => ns.metadata.name)
        .filter((name) => !name.startsWith('kube-'));
    }

    function expectNoValue(...runs: Ran[]) {
      for (const { stdout, stderr } of runs) expect(stdout + stderr).not.toContain(PLANTED);
    }

    test('apply, the configuration put in place by hand, resume: all is applied, proven and stays so', async () => {
      const first = await harden(['apply', '--confirm', 'real', ...common], env);
      expect({ code: first.code, stderr: first.stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('INSTRUCTIONS.md'),
      });

      // What the administrator does on the control-plane node: the file, the flag, a restart.
      const run = /resume ([0-9a-f]+)/.exec(first.stderr)?.[1];
      expect(run).toBeDefined();
      const runDirectory = path.join(directory, 'state', 'kubectl-harden', 'runs', run ?? '');
      const config = path.join(
        runDirectory,
        'files',
        '04-encryption-at-rest',
        '1-write',
        'encryption-config.yaml',
      );
      expect((await stat(config)).mode & 0o777).toBe(0o600);
      await cluster.restart({
        encryptionConfig: config,
        flags: { 'disable-admission-plugins': 'ServiceAccount' },
      });

      const second = await harden(['resume', run ?? '', '--confirm', 'real', ...common], env);
      expect({ code: second.code, stderr: second.stderr }).toMatchObject({ code: 0 });

      const stored = await cluster.readStored('/registry/secrets/');
      expect(stored.size).toBeGreaterThanOrEqual(30);
      expect([...new Set(stored.values())]).toEqual([expect.stringMatching(/^k8s:enc:secretbox:v1:/)]);

      const planned = await harden(['plan', '-o', 'json', ...common], env);
      expect({
        code: planned.code,
        changes: (JSON.parse(planned.stdout) as { steps: { changes: unknown[] }[] }).steps.map(
          (s) => s.changes,
        ),
      }).toEqual({
        code: 0,
        changes: [[], [], [], [], []],
      });
      expectNoValue(first, second, planned);

      const reach = reachOf([
        ...(await all('/api/v1/namespaces')),
        ...(await all('/api/v1/pods')),
        ...(await templates()),
        ...(await all('/apis/networking.k8s.io/v1/networkpolicies')),
      ]);
      for (const namespace of await userNamespaces()) {
        const { ingress, egress } = isolation(reach, namespace);
        expect({ namespace, ingress, egress }).toMatchObject({
          namespace,
          ingress: { covered: true, open: [], freshOpenBy: [] },
          egress: { covered: true, open: [], freshOpenBy: [] },
        });
      }

      for (const { kind, metadata, spec } of await templates()) {
        const template = (spec as { template: { metadata?: object; spec: object } }).template;
        const pod = {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { ...template.metadata, name: `${metadata.name}-probe` },
          spec: template.spec,
        };
        const answer = await request(cluster, {
          method: 'POST',
          path: `/api/v1/namespaces/${metadata.namespace}/pods?dryRun=All`,
          body: pod,
        });
        expect({
          kind,
          name: metadata.name,
          status: answer.status,
          text: answer.status === 201 ? '' : answer.text,
        }).toMatchObject({ status: 201 });
      }
    }, 300_000);

    test('default-deny with the recommended answers closes no declared connection, and most open pairs', async () => {
      const lists = [
        '/api/v1/namespaces',
        '/api/v1/pods',
        '/api/v1/services',
        '/api/v1/configmaps',
        '/apis/networking.k8s.io/v1/networkpolicies',
        '/apis/networking.k8s.io/v1/ingresses',
        '/apis/rbac.authorization.k8s.io/v1/rolebindings',
        '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
      ];
      const state = async (name: string) => {
        const items = [...(await templates()), ...(await Promise.all(lists.map(all))).flat()];
        const file = path.join(directory, `${name}.json`);
        await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
        return { items, file };
      };
      await createBoutique();
      const answers = path.join(directory, 'recommended.yaml');
      // On a real cluster nobody cuts traffic unattended without saying so: the one question that has to be answered is.
      await writeFile(answers, 'default-deny: {namespaces: recommended}\n');
      const flags = ['--kubeconfig', path.join(directory, 'kubeconfig'), '--answers', answers];
      const unanswered = await harden(
        ['apply', '--confirm', 'real', '--step', 'default-deny', ...flags.slice(0, 2)],
        env,
      );
      expect(unanswered).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('{default-deny: {namespaces: recommended}}'),
      });
      const before = await state('before');
      const ran = await harden(['apply', '--confirm', 'real', '--step', 'default-deny', ...flags], env);
      expect({ code: ran.code, stderr: ran.stderr }).toMatchObject({ code: 0 });
      expect((await harden(['plan', '--step', 'default-deny', ...flags], env)).code).toBe(0);
      const after = await state('after');

      const diff = await harden(
        ['reach', 'diff', '--from', before.file, '--to', after.file, '-o', 'json'],
        env,
      );
      const { closed } = JSON.parse(diff.stdout) as { closed: { src: string; dst: string; conn: string }[] };
      expect(closed.length).toBeGreaterThan(100);
      const declared = declaredConnections(before.items).filter(
        ({ source, destination }) => source.kind === 'workload' && destination.kind === 'workload',
      );
      expect(declared.length).toBeGreaterThan(40);
      for (const flow of declared) {
        const line = closed.find(
          ({ src, dst }) => src === peerText(flow.source) && dst === peerText(flow.destination),
        );
        expect([
          declaredText(flow),
          line !== undefined && speaksOf(line.conn, flow.protocol, flow.port),
        ]).toEqual([declaredText(flow), false]);
      }
      const pairs = (items: readonly Manifest[]) => {
        const reach = reachOf(items, { podAddresses: 'select' });
        const names = new Set(reach.workloads.map(({ name }) => name));
        return [...reach.connections()].filter(
          ({ src, dst }) => names.has(src) && names.has(dst) && dst.startsWith('onlineboutique/'),
        ).length;
      };
      expect(pairs(before.items)).toBeGreaterThan(12 * 11);
      expect(pairs(after.items)).toBeGreaterThan(10);
      expect(pairs(after.items)).toBeLessThanOrEqual(pairs(before.items) * 0.2);
      process.stdout.write(`onlineboutique: open pairs ${pairs(before.items)} -> ${pairs(after.items)}\n`);
    }, 300_000);

    test('patch files applied with kubectl come to the same', async () => {
      const out = path.join(directory, 'patches');
      const generated = await harden(['generate', '--output-dir', out, ...common], env);
      expect({ code: generated.code, stderr: generated.stderr }).toMatchObject({ code: 0 });
      expect(existsSync(path.join(directory, 'state'))).toBe(false);

      const config = path.join(out, '04-encryption-at-rest', '1-write', 'encryption-config.yaml');
      expect((await stat(config)).mode & 0o777).toBe(0o600);
      await cluster.restart({
        encryptionConfig: config,
        flags: { 'disable-admission-plugins': 'ServiceAccount' },
      });

      // Only the tests' own kubectl and kubeconfig can be reached by the script.
      const bin = path.join(directory, 'bin');
      await mkdir(bin);
      await writeFile(
        path.join(bin, 'kubectl'),
        `#!/bin/sh\nexec '${process.env.KUBEBUILDER_ASSETS}/kubectl' "$@"\n`,
        { mode: 0o755 },
      );
      const kubectlEnv = {
        KUBECONFIG: path.join(directory, 'kubeconfig'),
        PATH: `${bin}:${process.env.PATH}`,
      };
      const applied = await execa('sh', [path.join(out, 'apply.sh')], {
        reject: false,
        stdin: 'ignore',
        env: kubectlEnv,
      });
      expect({ code: applied.exitCode, stderr: applied.stderr }).toMatchObject({ code: 0 });

      const script = path.join(out, '04-encryption-at-rest', '2-rewrite', 'rewrite-secrets.sh');
      const rewritten = await execa('sh', [script], {
        reject: false,
        stdin: 'ignore',
        env: kubectlEnv,
      });
      expect({ code: rewritten.exitCode, stderr: rewritten.stderr }).toMatchObject({ code: 0 });

      const planned = await harden(['plan', '-o', 'json', ...common], env);
      const steps = (JSON.parse(planned.stdout) as { steps: { id: string; changes: unknown[] }[] }).steps;
      expect({ code: planned.code, left: steps.filter((s) => s.changes.length > 0) }).toEqual({
        code: 0,
        left: [],
      });
      expect(await readFile(path.join(out, 'README.md'), 'utf8')).toContain('apply.sh');
      expectNoValue(generated, planned);
    }, 300_000);
  },
);
