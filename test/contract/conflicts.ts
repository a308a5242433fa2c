import { connect } from '../../src/cluster/connect.js';
import { type Manifest, refOf } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import type { ApplyChange } from '../../src/model/plan.js';
import type { Step } from '../../src/model/step.js';
import type { Decisions } from '../../src/wizard/assemble.js';
import { createSession } from '../../src/wizard/session.js';
import { applyUnattended } from '../../src/wizard/unattended.js';
import { MemoryHost, MemoryJournal } from '../support/memory.js';
import { type Client, field, kubeconfig, type Subject } from './tools.js';

const bounds = (cpu: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { name: 'bounds' },
  spec: { limits: [{ type: 'Container', defaultRequest: { cpu } }] },
});

/** Wants other bounds than those that are there. */
function wanting(namespace: string, more: Partial<ApplyChange> = {}): Step {
  const manifest = { ...bounds('100m'), metadata: { name: 'bounds', namespace } };
  return {
    id: 't',
    title: 'test',
    why: ['', ''],
    references: [],
    folder: 't',
    reads: [{ kind: 'LimitRange', as: 'objects', for: 'the test' }],
    writes: [{ kind: 'LimitRange', by: 'apply', for: 'the test' }],
    questions: () => [],
    assess: () => [],
    plan: (now) =>
      objectsIn(now, 'LimitRange', namespace).flatMap((before): ApplyChange[] =>
        JSON.stringify(before.spec).includes('100m')
          ? []
          : [
              {
                kind: 'apply',
                id: 'bounds',
                ref: refOf(manifest),
                risk: 'none',
                why: '',
                breaks: [],
                manifest,
                before,
                ...more,
              },
            ],
      ),
  };
}

/** Fields of others are shown with their names, and taken over by a choice of its own only. */
export function describeConflicts(client: () => Client, subject: () => Subject): void {
  describe('what somebody else manages', () => {
    async function setting(name: string, manager: string): Promise<string> {
      const namespace = await client().namespace(name);
      const path = `/api/v1/namespaces/${namespace}/limitranges/bounds`;
      expect((await client().apply(path, manager, bounds('50m'))).status).toBe(201);
      return namespace;
    }

    async function run(step: Step, chosen: Decisions['chosen'] = []) {
      const cluster = await connect({ kubeconfigText: kubeconfig(subject()) });
      const session = createSession(
        {
          cluster,
          host: new MemoryHost(),
          journal: new MemoryJournal(),
          clock: { now: () => new Date() },
          claim: async () => ({ held: true, lost: new AbortController().signal, release: async () => {} }),
        },
        {
          steps: [step],
          templates: new Map(),
          exclude: [],
          decisions: () => new Map([['t', { answers: {}, excluded: [], chosen }]]),
        },
      );
      const code = await applyUnattended(session);
      await cluster.close();
      const [state] = session.state.steps;
      return { code, held: state?.held, said: JSON.stringify([state?.checked, state?.done]) };
    }

    const cpu = async (namespace: string) =>
      field(
        await client().get(`/api/v1/namespaces/${namespace}/limitranges/bounds`),
        'spec',
        'limits',
        0,
        'defaultRequest',
        'cpu',
      );

    test('a conflict names the other manager, and nothing is forced', async () => {
      const namespace = await setting('conflict-named', 'jo');
      const { code, said } = await run(wanting(namespace), 'all');
      expect({ code, cpu: await cpu(namespace) }).toEqual({ code: 1, cpu: '50m' });
      expect(said).toContain('fields belong to \\"jo\\" (spec.limits)');
    });

    test('to take fields over takes a choice of its own', async () => {
      const namespace = await setting('conflict-taken', 'jo');
      const step = wanting(namespace, { force: true, takesOver: ['jo'] });
      expect(await run(step)).toMatchObject({ code: 0, held: ['bounds'] });
      expect(await cpu(namespace)).toBe('50m');
      expect(await run(step, ['bounds'])).toMatchObject({ code: 0, held: [] });
      expect(await cpu(namespace)).toBe('100m');
    });

    test('what Argo CD applies is left alone; chosen, its fields are still its own', async () => {
      const namespace = await setting('conflict-argo', 'argocd-controller');
      expect(await run(wanting(namespace))).toMatchObject({ code: 0, held: ['bounds'] });
      const { code, said } = await run(wanting(namespace), ['bounds']);
      expect({ code, cpu: await cpu(namespace) }).toEqual({ code: 1, cpu: '50m' });
      expect(said).toContain('fields belong to \\"argocd-controller\\" (spec.limits)');
    });
  });
}
