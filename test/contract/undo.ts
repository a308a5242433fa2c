import { connect } from '../../src/cluster/connect.js';
import { type Manifest, refText } from '../../src/model/manifest.js';
import type { Answers } from '../../src/model/question.js';
import type { Step } from '../../src/model/step.js';
import { type DeedWithImages, deedsOf } from '../../src/model/undo.js';
import type { Cluster } from '../../src/wizard/ports.js';
import { createSession } from '../../src/wizard/session.js';
import { applyUnattended } from '../../src/wizard/unattended.js';
import { undoStep } from '../../steps/undo.js';
import { MemoryHost, MemoryJournal } from '../support/memory.js';
import { writing } from './steps.js';
import { type Client, CONFIGMAPS, configMap, field, kubeconfig, POLICIES, type Subject } from './tools.js';

const LIMITS = (namespace: string) => `/api/v1/namespaces/${namespace}/limitranges`;
/** No other run is about. */
const NOBODY_ELSE = async () =>
  ({ held: true, lost: new AbortController().signal, release: async () => {} }) as const;
const clock = { now: () => new Date('2026-01-01T00:00:00Z') };

/** What each case finds: the name of its namespace differs. */
const limitRange = (namespace: string, cpu: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { name: 'limits', namespace },
  spec: { limits: [{ type: 'Container', defaultRequest: { cpu } }] },
});
const networkPolicy = (namespace: string, name: string): Manifest => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace },
  spec: { podSelector: {}, policyTypes: ['Ingress'] },
});
const namespaceOf = (name: string, labels: Record<string, string> = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

/** What a run wrote is taken back, and nothing that somebody else did since. */
export function describeUndo(client: () => Client, subject: () => Subject): void {
  describe('undo', () => {
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await connect({ kubeconfigText: kubeconfig(subject()) });
    });
    afterAll(() => cluster.close());

    test('what was created goes, what was changed is as before, what others wrote stays', async () => {
      const ns = await client().namespace('undo-whole');
      await client().apply(`/api/v1/namespaces/${ns}`, 'team', namespaceOf(ns, { team: 'shop' }));
      await client().post(LIMITS(ns), limitRange(ns, '100m'));
      const journal = await applied([
        namespaceOf('undo-made', { purpose: 'test' }),
        namespaceOf(ns, { purpose: 'test' }),
        limitRange(ns, '250m'),
        networkPolicy(ns, 'deny'),
        networkPolicy('undo-made', 'deny'),
      ]);
      expect(await limits(ns)).toBe('250m');

      expect(await undone(journal)).toEqual({ code: 0, findings: [] });
      expect(await limits(ns)).toBe('100m');
      const after = await client().get(`/api/v1/namespaces/${ns}`);
      expect(field(after, 'metadata', 'labels', 'purpose')).toBeUndefined();
      expect(field(after, 'metadata', 'labels', 'team')).toBe('shop');
      expect((await client().get(`${POLICIES(ns)}/deny`)).status).toBe(404);
      const made = await client().get('/api/v1/namespaces/undo-made');
      expect(made.status === 404 || field(made, 'metadata', 'deletionTimestamp') !== undefined).toBe(true);

      expect(await undone(journal)).toEqual({ code: 0, findings: [] });
    });

    test('what was removed comes back', async () => {
      const ns = await client().namespace('undo-removed');
      await client().post(POLICIES(ns), networkPolicy(ns, 'old'));
      const journal = await applied([], [networkPolicy(ns, 'old')]);
      expect((await client().get(`${POLICIES(ns)}/old`)).status).toBe(404);
      expect(await undone(journal)).toEqual({ code: 0, findings: [] });
      const back = await client().get(`${POLICIES(ns)}/old`);
      expect(field(back, 'spec')).toEqual({ podSelector: {}, policyTypes: ['Ingress'] });
    });

    test('what somebody changed since is left, unless an answer takes it back', async () => {
      const ns = await client().namespace('undo-since');
      await client().post(LIMITS(ns), limitRange(ns, '100m'));
      const journal = await applied([limitRange(ns, '250m'), networkPolicy(ns, 'deny')]);
      await client().merge(`${LIMITS(ns)}/limits`, {
        spec: { limits: [{ type: 'Container', defaultRequest: { cpu: '300m' } }] },
      });
      await client().merge(`${POLICIES(ns)}/deny`, { metadata: { labels: { theirs: 'yes' } } });

      const left = await undone(journal);
      expect(left.findings).toEqual([
        `changed-since NetworkPolicy ${ns}/deny`,
        `changed-since LimitRange ${ns}/limits`,
      ]);
      expect(await limits(ns)).toBe('300m');
      expect((await client().get(`${POLICIES(ns)}/deny`)).status).toBe(200);

      const anyway = { changedSince: [`t/${ns}/LimitRange/limits`, `t/${ns}/NetworkPolicy/deny`] };
      await undone(journal, anyway);
      expect((await client().get(`${POLICIES(ns)}/deny`)).status).toBe(404);
    });

    test('another object under the same name is not touched', async () => {
      const ns = await client().namespace('undo-other');
      const journal = await applied([networkPolicy(ns, 'deny')]);
      await client().delete(`${POLICIES(ns)}/deny`);
      await client().post(POLICIES(ns), networkPolicy(ns, 'deny'));
      expect(await undone(journal)).toEqual({
        code: 0,
        findings: [`not-undone NetworkPolicy ${ns}/deny`],
      });
      expect((await client().get(`${POLICIES(ns)}/deny`)).status).toBe(200);
    });

    test('a namespace that somebody has come to use stays, and it says what it holds', async () => {
      const journal = await applied([namespaceOf('undo-used'), networkPolicy('undo-used', 'deny')]);
      await client().post(CONFIGMAPS('undo-used'), configMap('theirs', { a: 'b' }));
      expect(await undone(journal)).toMatchObject({
        code: 1,
        left: ['Namespace undo-used: namespace undo-used is kept: it holds ConfigMap undo-used/theirs'],
      });
      expect((await client().get(`${POLICIES('undo-used')}/deny`)).status).toBe(404);
      expect((await client().get('/api/v1/namespaces/undo-used')).status).toBe(200);
    });

    async function limits(namespace: string): Promise<unknown> {
      const answer = await client().get(`${LIMITS(namespace)}/limits`);
      return field(answer, 'spec', 'limits', 0, 'defaultRequest', 'cpu');
    }

    /** Writes and removes these by a run of its own; forces what others own, as an answer would. */
    async function applied(
      wanted: readonly Manifest[],
      removed: readonly Manifest[] = [],
    ): Promise<MemoryJournal> {
      const journal = new MemoryJournal();
      const done = await session(journal, writing(wanted, removed));
      expect(done.left).toEqual([]);
      return journal;
    }

    async function undone(journal: MemoryJournal, answers: Answers = {}) {
      const deeds = await Promise.all(
        deedsOf(await journal.entries()).map(
          async ({ before, after, ...deed }): Promise<DeedWithImages> => ({
            ...deed,
            ...(before === undefined ? {} : { before: await journal.image(before) }),
            ...(after === undefined ? {} : { after: await journal.image(after) }),
          }),
        ),
      );
      const { left, ...rest } = await session(new MemoryJournal(), undoStep('0001', deeds), answers);
      return { ...rest, ...(left.length === 0 ? {} : { left }) };
    }

    async function session(journal: MemoryJournal, step: Step, answers: Answers = {}) {
      const running = createSession(
        { cluster, host: new MemoryHost(), journal, clock, claim: NOBODY_ELSE },
        {
          steps: [step],
          templates: new Map(),
          exclude: [],
          decisions: () => new Map([[step.id, { answers, excluded: [] }]]),
        },
      );
      const code = await applyUnattended(running);
      const state = running.state.steps[0];
      return {
        code,
        findings: (state?.findings ?? []).map(({ id, object }) => `${id} ${object && refText(object)}`),
        left: (state?.done ?? [])
          .filter(({ outcome }) => outcome !== 'applied')
          .map(({ change, message }) => `${change.split('/').slice(2).join(' ')}: ${message}`),
      };
    }
  });
}
