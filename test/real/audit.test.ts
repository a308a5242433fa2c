import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { at, stringAt } from '../../src/model/manifest.js';
import { ENCRYPTION } from '../support/encryption-configuration.js';
import { harden } from '../support/program.js';
import { missingReal, type RealCluster, startReal } from '../support/real-cluster.js';
import { request } from '../support/rest.js';

const reason = missingReal();

/** Everything that could change an object, with its answer. The options of a delete say whether it is a dry run. */
const AUDIT = stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'Request', verbs: ['delete'] },
    { level: 'Metadata', verbs: ['create', 'update', 'patch', 'deletecollection'] },
    { level: 'None' },
  ],
});

const ANSWERS = {
  namespaces: { moreNamespaces: '' },
  'default-deny': { namespaces: ['shop', 'default'], sameNamespace: 'declared', egressOutside: 'open' },
  quotas: { namespaces: ['shop'], limits: false },
  'encryption-at-rest': { enable: false, keyKept: false, rewrite: false },
  'metadata-blocking': { namespaces: 'all' },
};

/** What is written besides the confirmed changes: told with them, and removed again. */
const BESIDES = ['create leases kube-system/kubectl-harden', 'delete leases kube-system/kubectl-harden'];

interface PlanJson {
  steps: { changes: { kind: string; ref: string }[] }[];
}

(reason === undefined ? describe : describe.skip)(
  `nothing is written that was not confirmed${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let cluster: RealCluster;
    let directory: string;
    let log: string;
    let seen = 0;
    const on = (...words: string[]) =>
      harden([...words, '--kubeconfig', path.join(directory, 'kubeconfig')], {
        XDG_STATE_HOME: path.join(directory, 'state'),
      });
    const run = (...words: string[]) => on(...words, '--answers', path.join(directory, 'answers.yaml'));

    beforeAll(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-audit-'));
      log = path.join(directory, 'audit.log');
      cluster = await startReal({
        auditPolicy: AUDIT,
        auditLog: log,
        flags: { 'disable-admission-plugins': 'ServiceAccount' },
      });
      await writeFile(path.join(directory, 'kubeconfig'), cluster.kubeconfig, { mode: 0o600 });
      await writeFile(path.join(directory, 'answers.yaml'), stringify(ANSWERS));
      const post = (where: string, body: unknown) => request(cluster, { method: 'POST', path: where, body });
      await post('/api/v1/namespaces', { metadata: { name: 'shop' } });
      await post('/api/v1/nodes', {
        metadata: { name: 'node-1' },
        spec: { providerID: 'aws:///eu-central-1a/i-0123456789abcdef0' },
      });
      for (const [namespace, name] of [
        ['shop', 'web'],
        ['kube-system', 'coredns'],
        ['kube-system', 'calico-node'],
      ] as const) {
        const labels = name === 'coredns' ? { 'k8s-app': 'kube-dns' } : { 'k8s-app': name };
        const resources = { requests: { cpu: '100m', memory: '64Mi' } };
        await post(
          `/apis/apps/v1/namespaces/${namespace}/${name === 'calico-node' ? 'daemonsets' : 'deployments'}`,
          {
            metadata: { name },
            spec: {
              selector: { matchLabels: labels },
              template: {
                metadata: { labels },
                spec: { containers: [{ name, image: `example.test/${name}:1`, resources }] },
              },
            },
          },
        );
      }
      await post('/api/v1/namespaces/kube-system/services', {
        metadata: { name: 'kube-dns', labels: { 'k8s-app': 'kube-dns' } },
        spec: { selector: { 'k8s-app': 'kube-dns' }, ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] },
      });
    }, 120_000);
    afterAll(async () => {
      await cluster?.stop();
      await rm(directory, { recursive: true, force: true });
    }, 60_000);

    /** What this program had persisted since the last look: dry runs and reviews are none. */
    async function persisted(): Promise<string[]> {
      const lines = (await readFile(log, 'utf8')).trim().split('\n');
      const fresh = lines.slice(seen).map((line): unknown => JSON.parse(line));
      seen = lines.length;
      return fresh.flatMap((event) => {
        const uri = stringAt(event, 'requestURI') ?? '';
        const status = at(event, 'responseStatus', 'code');
        if (!(stringAt(event, 'userAgent') ?? '').startsWith('kubectl-harden/')) return [];
        const dry = uri.includes('dryRun=') || at(event, 'requestObject', 'dryRun') !== undefined;
        if (dry || uri.includes('accessreviews')) return [];
        if (typeof status !== 'number' || status >= 300) return [];
        const ref = (key: string) => stringAt(event, 'objectRef', key) ?? '';
        const where =
          ref('namespace') === '' || ref('resource') === 'namespaces' ? '' : `${ref('namespace')}/`;
        return [`${stringAt(event, 'verb')} ${ref('resource')} ${where}${ref('name')}`];
      });
    }

    async function planned(): Promise<string[]> {
      const { stdout } = await run('plan', '-o', 'json');
      const { steps } = JSON.parse(stdout) as PlanJson;
      const PLURALS: Record<string, string> = {
        NetworkPolicy: 'networkpolicies',
        Namespace: 'namespaces',
        LimitRange: 'limitranges',
        ResourceQuota: 'resourcequotas',
      };
      return steps.flatMap(({ changes }) =>
        changes.map(({ kind, ref }) => {
          const [word = '', name = ''] = ref.split(' ');
          return `${kind === 'apply' ? 'patch' : kind} ${PLURALS[word] ?? word} ${name}`;
        }),
      );
    }

    test('plan and generate persist nothing; apply exactly the plan and its Lease; undo exactly the way back', async () => {
      await persisted();
      const plan = await planned();
      expect(plan.length).toBeGreaterThan(4);
      expect((await run('generate', '--output-dir', path.join(directory, 'patches'))).code).toBe(0);
      expect(await persisted()).toEqual([]);

      expect(await run('apply', '--confirm', 'real')).toMatchObject({ code: 0 });
      const applied = await persisted();
      expect(applied.filter((one) => !BESIDES.includes(one)).sort()).toEqual(plan.toSorted());
      expect(applied.filter((one) => BESIDES.includes(one))).toEqual(BESIDES);

      expect(await on('undo', '--confirm', 'real')).toMatchObject({ code: 0 });
      const undone = await persisted();
      // Namespaces that were there get their label taken off again; everything else was created.
      const back = plan.map((one) => (one.includes(' namespaces ') ? one : one.replace(/^patch/, 'delete')));
      expect(undone.filter((one) => !BESIDES.includes(one)).sort()).toEqual(back.toSorted());
      expect(undone.filter((one) => BESIDES.includes(one))).toEqual(BESIDES);
      expect(await planned()).toEqual(plan);
    }, 180_000);

    test('a re-write persists an empty patch of each Secret and a scratch Secret, which is removed again', async () => {
      const post = (where: string, body: unknown) => request(cluster, { method: 'POST', path: where, body });
      for (const name of ['one', 'two', 'three'])
        await post('/api/v1/namespaces/shop/secrets', { metadata: { name }, stringData: { key: 'planted' } });
      const encryptionConfig = path.join(directory, 'encryption.yaml');
      await writeFile(encryptionConfig, stringify(ENCRYPTION), { mode: 0o600 });
      const flags = { 'disable-admission-plugins': 'ServiceAccount' };
      await cluster.restart({ auditPolicy: AUDIT, auditLog: log, flags, encryptionConfig });
      await persisted();

      const answers = path.join(directory, 'rewrite.yaml');
      await writeFile(answers, 'encryption-at-rest: {rewrite: true}\n');
      const words = ['apply', '--step', 'encryption-at-rest', '--answers', answers, '--confirm', 'real'];
      expect(await on(...words)).toMatchObject({ code: 0 });
      const applied = await persisted();
      expect(applied.filter((one) => BESIDES.includes(one))).toEqual(BESIDES);
      const SCRATCH = /^(\w+) secrets kube-system\/(kubectl-harden-[0-9a-z-]+)$/;
      const scratch = applied.flatMap((one) => {
        const [, verb = '', name = ''] = SCRATCH.exec(one) ?? [];
        return name === '' ? [] : [{ verb, name }];
      });
      const names = (wanted: string) =>
        scratch.flatMap(({ verb, name }) => (verb === wanted ? [name] : [])).sort();
      expect(names('create').length).toBeGreaterThan(0);
      expect(names('delete')).toEqual(names('create'));
      expect(scratch.every(({ name }) => names('create').includes(name))).toBe(true);
      const rest = applied.filter((one) => !BESIDES.includes(one) && !SCRATCH.test(one));
      expect([...new Set(rest)].sort()).toEqual(
        ['one', 'three', 'two'].map((name) => `patch secrets shop/${name}`),
      );
    }, 120_000);
  },
);
