import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { RbacPart } from '../../src/cli/command.js';
import { connect } from '../../src/cluster/connect.js';
import { needsOf } from '../../src/cluster/rights.js';
import { rbacUses } from '../../src/commands/rbac.js';
import { parseAnswers } from '../../src/host/answers.js';
import { loadTemplates } from '../../src/host/templates.js';
import { listAt, stringAt } from '../../src/model/manifest.js';
import { PROBE_DEFAULTS } from '../../src/model/policy-probe.js';
import type { Answers } from '../../src/model/question.js';
import { type Need, rightKey, rightsText, writeOf } from '../../src/model/rights.js';
import type { Step } from '../../src/model/step.js';
import type { Templates } from '../../src/model/template.js';
import { deedsOf } from '../../src/model/undo.js';
import { rbacObjects } from '../../src/report/rbac.js';
import { pending } from '../../src/wizard/assemble.js';
import { createSession, takeSnapshot, usesOf } from '../../src/wizard/session.js';
import { applyUnattended } from '../../src/wizard/unattended.js';
import { rewriteOf } from '../../steps/encryption-at-rest/rewrites.js';
import { encryptionState } from '../../steps/encryption-at-rest/state.js';
import { STEPS } from '../../steps/index.js';
import { undoStep } from '../../steps/undo.js';
import { kubeconfigOf } from '../cluster/recording.js';
import { MemoryHost, MemoryJournal } from '../support/memory.js';
import { missingReal, type RealCluster, startReal } from '../support/real-cluster.js';
import { request } from '../support/rest.js';

const reason = missingReal();

const ANSWERS: Readonly<Record<string, Answers>> = {
  namespaces: { moreNamespaces: 'team-x=x' },
  'default-deny': { namespaces: ['shop'], sameNamespace: 'declared', egressOutside: 'open' },
  quotas: { namespaces: ['shop'], limits: false },
  'encryption-at-rest': { rewrite: true },
  'metadata-blocking': { namespaces: ['shop'] },
};

const KEY = Buffer.alloc(32, 'k').toString('base64');
const ENCRYPTION = {
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources: [
    {
      resources: ['secrets'],
      providers: [{ secretbox: { keys: [{ name: 'key1', secret: KEY }] } }, { identity: {} }],
    },
  ],
};

const options = { steps: [], exclude: [], flows: [], sandbox: false, plain: false, noColor: false };
const ask = (steps: readonly string[], also: readonly RbacPart[] = []) =>
  rbacUses({ options: { ...options, steps }, readOnly: false, also, resources: [] });
const step = (id: string): Step => STEPS.find((one) => one.id === id)!;
const words = (needs: readonly Need[]) => rightsText(needs.map(({ right }) => right));

(reason === undefined ? describe : describe.skip)(
  `rights on a real API server${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let real: RealCluster;
    let directory: string;
    let templates: Templates;
    let users = 0;

    const post = async (path: string, body: unknown) => {
      const answer = await request(real, { method: 'POST', path, body });
      if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    };

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'kubectl-harden-rbac-'));
      templates = await loadTemplates();
      const flags = { 'disable-admission-plugins': 'ServiceAccount', 'authorization-mode': 'RBAC' };
      real = await startReal({ flags });
      await post('/api/v1/namespaces', { metadata: { name: 'shop' } });
      await post('/api/v1/nodes', {
        metadata: { name: 'node-1' },
        spec: { providerID: 'aws:///eu-central-1a/i-0123456789abcdef0' },
      });
      await post('/api/v1/namespaces/shop/configmaps', {
        metadata: { name: 'settings' },
        data: { BACKEND: 'http://web.shop.svc:80' },
      });
      for (const [namespace, name] of [
        ['shop', 'web'],
        ['kube-system', 'coredns'],
        ['kube-system', 'calico-node'],
      ] as const) {
        const labels = { 'k8s-app': name === 'coredns' ? 'kube-dns' : name };
        const container = {
          name,
          image: `example.test/${name}:1`,
          resources: { requests: { cpu: '100m', memory: '64Mi' } },
          ...(name === 'web' ? { envFrom: [{ configMapRef: { name: 'settings' } }] } : {}),
        };
        await post(
          `/apis/apps/v1/namespaces/${namespace}/${name === 'calico-node' ? 'daemonsets' : 'deployments'}`,
          {
            metadata: { name },
            spec: {
              selector: { matchLabels: labels },
              template: { metadata: { labels }, spec: { containers: [container] } },
            },
          },
        );
      }
      await post('/api/v1/namespaces/kube-system/services', {
        metadata: { name: 'kube-dns', labels: { 'k8s-app': 'kube-dns' } },
        spec: { selector: { 'k8s-app': 'kube-dns' }, ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] },
      });
      // Stored in plain text, before the server is told to encrypt: there is something to re-write.
      for (const name of ['a', 'b'])
        await post('/api/v1/namespaces/shop/secrets', {
          metadata: { name },
          stringData: { value: 'planted' },
        });
      const encryptionConfig = join(directory, 'encryption.yaml');
      await writeFile(encryptionConfig, stringify(ENCRYPTION), { mode: 0o600 });
      await real.restart({ flags, encryptionConfig });
    }, 120_000);
    afterAll(async () => {
      await real?.stop();
      await rm(directory, { recursive: true, force: true });
    }, 60_000);

    /** A new user with exactly these rights, by the roles that `rbac` prints; resolves with the kubeconfig. */
    async function userWith(needs: readonly Need[]): Promise<string> {
      const name = `user-${users++}`;
      for (const object of rbacObjects({ needs, name, steps: [], groups: [], users: [name] })) {
        const within =
          object.metadata.namespace === undefined ? '' : `namespaces/${object.metadata.namespace}/`;
        const plural = `${object.kind.toLowerCase()}s`;
        await post(`/apis/rbac.authorization.k8s.io/v1/${within}${plural}`, object);
      }
      const ca = { 'certificate-authority-data': Buffer.from(real.ca ?? '').toString('base64') };
      return kubeconfigOf(real.server, { token: real.token, as: name }, ca);
    }

    /** Until the authorizer, which watches, has taken up all that the user has. */
    async function connected(needs: readonly Need[]) {
      const cluster = await connect({ kubeconfigText: await userWith(needs) });
      const probes = needs.map(({ right }) => rightKey(right));
      for (let tries = 0; tries < 100; tries++) {
        const [lacks = []] = await cluster.lacks([ask([], ['undo', 'guard', 'probe'])]);
        if (!lacks.some(({ right }) => probes.includes(rightKey(right)))) return cluster;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error('the roles did not come into force within 5 s');
    }

    /** A step carried out unattended with an account. */
    async function run(cluster: Awaited<ReturnType<typeof connected>>, one: Step, answers: Answers = {}) {
      const journal = new MemoryJournal();
      const unexpected: unknown[] = [];
      const holder = { run: 'aaaa', host: 'here', pid: 1, start: '1' };
      const session = createSession(
        {
          cluster,
          journal,
          host: new MemoryHost(),
          clock: { now: () => new Date() },
          claim: () => cluster.claim(holder, async () => false),
        },
        {
          steps: [one],
          templates,
          exclude: [],
          onUnexpected: (error) => unexpected.push(error),
          decisions: () => new Map([[one.id, { answers, excluded: [] }]]),
        },
      );
      const code = await applyUnattended(session);
      expect(unexpected).toEqual([]);
      return { code, state: session.state, journal };
    }

    /** Everything that a step could have written, by version. */
    async function everything(): Promise<readonly string[]> {
      const paths = [
        '/api/v1/namespaces',
        '/api/v1/secrets',
        '/api/v1/limitranges',
        '/api/v1/resourcequotas',
        '/apis/networking.k8s.io/v1/networkpolicies',
        '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases',
      ];
      const lists = await Promise.all(paths.map((path) => request(real, { path })));
      return lists.flatMap(({ json }, index) =>
        listAt(json, 'items').flatMap((item) => {
          const meta = (key: string) => stringAt(item, 'metadata', key);
          // What an undo removed goes in its own time.
          if (meta('deletionTimestamp') !== undefined) return [];
          return `${paths[index]} ${meta('namespace')}/${meta('name')} ${meta('resourceVersion')}`;
        }),
      );
    }

    const all = needsOf(ask([]));
    /** Without a right, and without those to the same for one name or namespace that it holds. */
    const less = (needs: readonly Need[], { right }: Need) =>
      needs.filter(({ right: other }) =>
        'url' in right || 'url' in other
          ? rightKey(right) !== rightKey(other)
          : !(
              right.verb === other.verb &&
              right.group === other.group &&
              right.resource === other.resource &&
              (right.namespace ?? other.namespace) === other.namespace &&
              (right.name ?? other.name) === other.name
            ),
      );
    const sameRoles = (a: readonly Need[], b: readonly Need[]) =>
      JSON.stringify(rbacObjects({ needs: a, name: 'x', steps: [], groups: [], users: [] })) ===
      JSON.stringify(rbacObjects({ needs: b, name: 'x', steps: [], groups: [], users: [] }));

    test('to plan, the read-only roles suffice: all of it is visible', async () => {
      const uses = rbacUses({ options, readOnly: true, also: [], resources: [] });
      const cluster = await connected(needsOf(uses));
      const snapshot = await takeSnapshot(
        { cluster, clock: { now: () => new Date() } },
        { steps: STEPS, exclude: [] },
      );
      const hidden = [...snapshot.listings].filter(([, { state }]) => state === 'notVisible');
      expect(hidden).toEqual([]);
      expect(snapshot.encryption?.stored).toEqual({ '': 2 });
      await cluster.close();
    }, 60_000);

    test('without any one right to read, that is told, and what it shows is not visible', async () => {
      const admin = await connect({ kubeconfigText: real.kubeconfig });
      const served = new Set(
        [...(await admin.read(STEPS.flatMap(({ reads }) => reads))).listings].flatMap(([kind, { state }]) =>
          state === 'absent' ? [] : [kind],
        ),
      );
      await admin.close();
      const uses = rbacUses({ options, readOnly: true, also: [], resources: [] });
      const needs = needsOf(uses);
      const cases = needs.filter(
        (need) =>
          (need.kind === undefined || served.has(need.kind)) &&
          !sameRoles(
            needs.filter((one) => one !== need),
            needs,
          ),
      );
      expect(cases.length).toBeGreaterThan(25);
      for (const need of cases) {
        const cluster = await connected(less(needs, need));
        const snapshot = await takeSnapshot(
          { cluster, clock: { now: () => new Date() } },
          { steps: STEPS, exclude: [] },
        );
        const { rights } = snapshot;
        const lacks = rights !== undefined && 'lacks' in rights ? [...rights.lacks.values()].flat() : [];
        expect(lacks.map(({ right }) => rightKey(right))).toContain(rightKey(need.right));
        if (need.kind !== undefined && need.kind !== 'Secret')
          expect({ kind: need.kind, state: snapshot.listings.get(need.kind)?.state }).toEqual({
            kind: need.kind,
            state: 'notVisible',
          });
        if (need.right.verb === 'get' && 'name' in need.right && need.right.name === 'kube-system')
          expect(snapshot.cluster.id).toMatch(/^address-/);
        await cluster.close();
      }
    }, 180_000);

    describe.each(STEPS.map(({ id }) => id))('%s', (id) => {
      test('without any one right that its changes take, nothing is written, and which one is told', async () => {
        const uses = ask([id]);
        const needs = needsOf(uses);
        const full = await connected(needs);
        const { changes } = await planned(full, id);
        await full.close();
        expect(changes.length).toBeGreaterThan(0);
        const writes = changes.flatMap((change) => writeOf(change) ?? []);
        const used = new Set(
          needsOf({
            reads: [],
            writes: writes.map((one) => ('kind' in one ? { kind: one.kind, by: one.by, for: '' } : one)),
          })
            .filter(({ without }) => without === 'refused')
            .map(({ right }) => rightKey(right)),
        );
        const before = await everything();
        const cases = needs.filter(
          (need) =>
            used.has(rightKey(need.right)) &&
            !sameRoles(
              needs.filter((one) => one !== need),
              needs,
            ),
        );
        expect(cases.length).toBeGreaterThan(2);
        for (const need of cases) {
          const cluster = await connected(less(needs, need));
          const { code, state } = await run(cluster, step(id), ANSWERS[id]);
          const told = JSON.stringify([
            state.screen,
            state.notice,
            state.steps[0]?.checked,
            state.steps[0]?.findings,
          ]);
          expect({ need: words([need]), code, after: await everything() }).toEqual({
            need: words([need]),
            code: need.right.verb === 'list' ? expect.any(Number) : 2,
            after: before,
          });
          const { rights } = state.snapshot ?? {};
          const lacks = rights !== undefined && 'lacks' in rights ? (rights.lacks.get(id) ?? []) : [];
          const needed = lacks.filter(({ option }) => option === undefined);
          expect(needed.map(({ right }) => rightKey(right))).toContain(rightKey(need.right));
          expect(
            new Set(
              needed.map(({ right }) =>
                words([{ ...need, right }])
                  .split(' ')
                  .slice(0, 2)
                  .join(),
              ),
            ),
          ).toHaveProperty('size', 1);
          expect(told).not.toMatch(/ at .*\.ts|TypeError|"kind\\*":\\*"Status/);
          await cluster.close();
        }
      }, 120_000);

      test('its roles suffice, and with --also undo the way back', async () => {
        const needs = needsOf(ask([id], ['undo']));
        const cluster = await connected(needsOf(ask([id])));
        const { code, state, journal } = await run(cluster, step(id), ANSWERS[id]);
        expect({
          code,
          screen: state.screen,
          done: state.steps[0]?.done.map(({ outcome, message }) => [outcome, message]),
        }).toMatchObject({ code: 0 });
        expect(state.steps[0]?.done.every(({ outcome }) => outcome === 'applied')).toBe(true);
        expect(state.steps[0]?.done.length).toBeGreaterThan(0);
        await cluster.close();
        if (id === 'encryption-at-rest') return;
        const deeds = deedsOf(journal.lines).map(({ before, after, ...deed }) => ({
          ...deed,
          ...(before === undefined ? {} : { before: journal.images.get(before)! }),
          ...(after === undefined ? {} : { after: journal.images.get(after)! }),
        }));
        const undo = undoStep('aaaa', deeds);
        const plain = await connected(needsOf(ask([id])));
        if (deeds.some(({ created }) => created) && !words(needsOf(ask([id]))).includes('delete'))
          expect((await run(plain, undo)).code).toBe(2);
        await plain.close();
        const back = await connected(needs);
        expect(await run(back, undo)).toMatchObject({ code: 0 });
        await back.close();
      }, 120_000);
    });

    test('a live probe begins with its roles only, and leaves nothing', async () => {
      const request_ = () => ({
        options: { ...PROBE_DEFAULTS, startSeconds: 1, settleSeconds: 1, removeSeconds: 10 },
        leftovers: [],
        before: async () => {},
      });
      const without = await connected(needsOf(ask(['default-deny'])));
      expect((await without.probePolicies(request_())).evidence[0]).toMatch(
        /^this account may not create, delete namespaces; create, get pods; nothing was created$|^this account may not .*nothing was created$/,
      );
      await without.close();
      const with_ = await connected(needsOf(ask(['default-deny'], ['probe'])));
      const facts = await with_.probePolicies(request_());
      expect(facts.evidence[0]).not.toContain('may not');
      expect(facts.verdict).toBe('inconclusive');
      // A controller takes away what is in it, in its own time: what counts here is that it was allowed to.
      expect(facts.evidence.join()).not.toContain('could not be removed');
      for (const { namespace } of facts.left) {
        const { json } = await request(real, { path: `/api/v1/namespaces/${namespace}` });
        expect(stringAt(json, 'metadata', 'deletionTimestamp')).toBeDefined();
      }
      await with_.close();
    }, 90_000);

    test('without a right to the Lease none is made, and that is told', async () => {
      const needs = needsOf(ask(['quotas']));
      const holder = { run: 'aaaa', host: 'here', pid: 1, start: '1' };
      for (const need of needs.filter(({ right }) => 'resource' in right && right.resource === 'leases')) {
        const cluster = await connected(less(needs, need));
        const claim = await cluster.claim(holder, async () => false);
        expect(claim).toMatchObject({
          held: true,
          note: `This account may not ${need.right.verb} the Lease kube-system/kubectl-harden: another run at the same time is not noticed.`,
        });
        const { status } = await request(real, {
          path: '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kubectl-harden',
        });
        expect(status).toBe(404);
        await cluster.close();
      }
    }, 60_000);

    async function planned(cluster: Awaited<ReturnType<typeof connected>>, id: string) {
      const snapshot = await takeSnapshot(
        { cluster, clock: { now: () => new Date() } },
        { steps: [step(id)], exclude: [] },
      );
      const { assemble } = await import('../../src/wizard/assemble.js');
      const [state] = assemble(snapshot, [step(id)], templates, () => ({
        answers: ANSWERS[id] ?? {},
        excluded: [],
      }));
      return { changes: state === undefined ? [] : pending(state) };
    }

    describe('what answers ask to be encrypted as well', () => {
      const answers: Answers = { alsoEncrypt: ['configmaps', 'deployments.apps'] };
      const given = parseAnswers(
        'encryption-at-rest: {alsoEncrypt: [configmaps, deployments.apps]}',
        'answers.yaml',
        STEPS,
      );
      const needs = needsOf(
        rbacUses({
          options: { ...options, steps: ['encryption-at-rest'] },
          readOnly: false,
          also: [],
          resources: [],
          given,
        }),
      );
      const RESOURCES = ['secrets', 'configmaps', 'deployments.apps'];
      /** The step with the re-writes that follow from such answers, whatever is seen of the server. */
      const rewriting: Step = {
        ...step('encryption-at-rest'),
        questions: () => [],
        plan: (now) => RESOURCES.map((resource) => rewriteOf(now, encryptionState(now), answers, resource)),
      };
      const everyVersion = async () => {
        const paths = ['/api/v1/secrets', '/api/v1/configmaps', '/apis/apps/v1/deployments'];
        const lists = await Promise.all(paths.map((path) => request(real, { path })));
        return lists.map(({ json }) =>
          listAt(json, 'items').map((item) => stringAt(item, 'metadata', 'resourceVersion')),
        );
      };

      beforeAll(async () => {
        const encryptionConfig = join(directory, 'encryption-all.yaml');
        const { resources, ...rest } = ENCRYPTION;
        const all = [{ ...resources[0], resources: RESOURCES }];
        await writeFile(encryptionConfig, stringify({ ...rest, resources: all }), { mode: 0o600 });
        const flags = { 'disable-admission-plugins': 'ServiceAccount', 'authorization-mode': 'RBAC' };
        await real.restart({ flags, encryptionConfig });
      }, 60_000);

      test('one verb less: nothing is written, and which one is told', async () => {
        const before = await everyVersion();
        const own = needsOf({ reads: [], writes: rewriting.writesFor?.(answers) ?? [] }).filter(
          ({ right, without }) =>
            without === 'refused' &&
            'resource' in right &&
            ['configmaps', 'deployments'].includes(right.resource),
        );
        expect(own.map((need) => words([need])).toSorted()).toEqual([
          'create configmaps in kube-system',
          'delete configmaps in kube-system',
          'list configmaps',
          'list deployments.apps',
          'patch configmaps',
          'patch configmaps in kube-system',
          'patch deployments.apps',
        ]);
        for (const need of own.filter(({ right }) => !('namespace' in right && right.verb === 'patch'))) {
          const cluster = await connected(less(needs, need));
          const { code, state } = await run(cluster, rewriting);
          const told = JSON.stringify([state.screen, state.notice, state.steps[0]?.checked]);
          expect({ need: words([need]), code, after: await everyVersion(), told }).toEqual({
            need: words([need]),
            code: 2,
            after: before,
            told: expect.stringContaining(`You may not ${words([need])}`),
          });
          await cluster.close();
        }
      }, 120_000);

      test('the roles that rbac --answers prints suffice', async () => {
        const cluster = await connected(needs);
        const { code, state } = await run(cluster, rewriting);
        expect({
          // It plans the same again, whatever is done.
          code,
          done: state.steps[0]?.done.map(({ outcome, message }) => [outcome, message]),
        }).toEqual({
          code: 1,
          done: RESOURCES.map(() => ['applied', expect.any(String)]),
        });
        await cluster.close();
        const moved = await real.readStored('/registry/');
        for (const prefix of ['/registry/configmaps/shop/', '/registry/deployments/']) {
          const values = [...moved].filter(([key]) => key.startsWith(prefix));
          expect(values.length).toBeGreaterThan(0);
          expect(values.filter(([, value]) => !value.startsWith('k8s:enc:secretbox:v1:key1:'))).toEqual([]);
        }
      }, 60_000);
    });

    test('the roles of all steps hold those of each', () => {
      const held = new Set(all.map(({ right }) => rightKey(right)));
      for (const { id } of STEPS)
        expect(needsOf(ask([id])).filter(({ right }) => !held.has(rightKey(right)))).toEqual([]);
      expect(usesOf(step('quotas')).writes).toHaveLength(2);
    });
  },
);
