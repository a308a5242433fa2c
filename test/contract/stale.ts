import { connect } from '../../src/cluster/connect.js';
import type { Manifest } from '../../src/model/manifest.js';
import type { Step } from '../../src/model/step.js';
import { deedsOf } from '../../src/model/undo.js';
import type { Cluster } from '../../src/wizard/ports.js';
import { createSession } from '../../src/wizard/session.js';
import type { Session, WizardState } from '../../src/wizard/state.js';
import { applyUnattended } from '../../src/wizard/unattended.js';
import { undoStep } from '../../steps/undo.js';
import { MemoryHost, MemoryJournal } from '../support/memory.js';
import { writing } from './steps.js';
import { type Client, kubeconfig, POLICIES, type Subject, uid, version } from './tools.js';

const NAME = 'deny';
const networkPolicy = (namespace: string, types: readonly string[]): Manifest => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: NAME, namespace },
  spec: { podSelector: {}, policyTypes: types },
});

/** What is planned, and what somebody else does to that object before it is written. */
const CASES = [
  ['change', 'edits'],
  ['change', 'removes'],
  ['change', 'replaces'],
  ['create', 'creates'],
  ['remove', 'edits'],
  ['remove', 'replaces'],
] as const;
type Planned = (typeof CASES)[number][0];
type Theirs = (typeof CASES)[number][1];

/** After the review, or between the last reading and the write itself. */
const MOMENTS = ['is confirmed', 'is written'] as const;

/** What moved since it was planned is not written, is said, and is planned and shown again. */
export function describeStale(client: () => Client, subject: () => Subject): void {
  describe('a plan that has become stale', () => {
    async function theirs(ns: string, what: Theirs): Promise<void> {
      const path = `${POLICIES(ns)}/${NAME}`;
      if (what === 'edits') await client().merge(path, { metadata: { labels: { theirs: 'yes' } } });
      if (what === 'removes' || what === 'replaces') await client().delete(path);
      if (what === 'creates' || what === 'replaces')
        await client().post(POLICIES(ns), { ...networkPolicy(ns, ['Ingress']), metadata: { name: NAME } });
    }

    const table = CASES.flatMap(([planned, what]) =>
      MOMENTS.map((moment) => [planned, what, moment] as const),
    );
    test.each(table)('to %s an object that somebody %s before it %s', async (planned, what, moment) => {
      const ns = await client().namespace(`stale-${planned}-${what}-${moment.slice(3)}`);
      const path = `${POLICIES(ns)}/${NAME}`;
      if (planned !== 'create') await client().post(POLICIES(ns), networkPolicy(ns, ['Ingress']));
      const cluster = await connect({ kubeconfigText: kubeconfig(subject()) });
      let happened: { uid: string; version: string; status: number } | undefined;
      const happens = async () => {
        await theirs(ns, what);
        const after = await client().get(path);
        happened = { uid: uid(after), version: version(after), status: after.status };
      };
      const hooked = moment === 'is written' ? beforeWrite(cluster, happens) : cluster;
      const { session, journal } = leading(hooked, planned, ns);
      try {
        await reaches(session, 'overview');
        session.send({ type: 'open', step: 0 });
        session.send({ type: 'next' });
        await reaches(session, 'review');
        expect(session.state.steps[0]?.plan.changes).toHaveLength(1);
        if (moment === 'is confirmed') await happens();
        session.send({ type: 'next' });
        await reaches(session, 'confirm');
        session.send({ type: 'confirm', typed: session.state.snapshot?.cluster.context ?? '' });
        await reaches(session, 'overview', 'result');

        const after = await client().get(path);
        expect({ uid: uid(after), version: version(after), status: after.status }).toEqual(happened);
        expect((await journal.entries()).filter(({ type }) => type === 'applied')).toEqual([]);
        const { screen, notice, steps } = session.state;
        if (moment === 'is confirmed') {
          expect({ at: screen.at, notice }).toEqual({
            at: 'overview',
            notice: expect.stringMatching(`NetworkPolicy ${ns}/${NAME}.*Nothing was written`),
          });
        } else {
          expect(steps[0]?.done).toMatchObject([{ outcome: expect.stringMatching(/^(failed|stale)$/) }]);
          expect(steps[0]?.done[0]?.message).toMatch(
            /changed or replaced in the meantime|not found|fields belong to/,
          );
        }
        // It is planned again on what is there now, where there is anything left to do.
        const again = steps[0]?.plan.basis.find(({ ref }) => ref.name === NAME);
        if (again?.uid !== undefined) expect(again).toMatchObject({ uid: happened?.uid });
        expect(again?.resourceVersion ?? '').toBe(again === undefined ? '' : happened?.version);
      } finally {
        session.send({ type: 'quit' });
        await session.ended;
        await cluster.close();
      }
    });

    test('one that somebody creates alike in the moment of the write is said to be theirs, and no undo removes it', async () => {
      const ns = await client().namespace('stale-alike');
      const cluster = await connect({ kubeconfigText: kubeconfig(subject()) });
      const alike = { ...networkPolicy(ns, ['Ingress', 'Egress']), metadata: { name: NAME } };
      const hooked = beforeWrite(cluster, async () => {
        expect((await client().post(POLICIES(ns), alike)).status).toBe(201);
      });
      const { session, journal } = leading(hooked, 'create', ns);
      try {
        expect(await applyUnattended(session)).toBe(0);
        expect(session.state.steps[0]?.done).toMatchObject([
          { outcome: 'failed', message: expect.stringContaining('somebody created it in that moment') },
        ]);
        const deeds = await Promise.all(
          deedsOf(await journal.entries()).map(async ({ before: _before, after = '', ...deed }) => ({
            ...deed,
            after: await journal.image(after),
          })),
        );
        const undo = sessionOf(cluster, undoStep('0001', deeds)).session;
        expect(await applyUnattended(undo)).toBe(0);
        expect(undo.state.steps[0]?.findings.map(({ id }) => id)).toEqual(['not-undone']);
      } finally {
        await cluster.close();
      }
      expect((await client().get(`${POLICIES(ns)}/${NAME}`)).status).toBe(200);
    });

    function leading(cluster: Cluster, planned: Planned, ns: string) {
      const wanted = [networkPolicy(ns, ['Ingress', 'Egress'])];
      return sessionOf(
        cluster,
        planned === 'remove' ? writing([], wanted) : writing(wanted, [], planned === 'change'),
      );
    }

    function sessionOf(cluster: Cluster, step: Step) {
      const journal = new MemoryJournal();
      const session = createSession(
        {
          cluster,
          host: new MemoryHost(),
          journal,
          clock: { now: () => new Date() },
          claim: async () => ({ held: true, lost: new AbortController().signal, release: async () => {} }),
        },
        {
          steps: [step],
          templates: new Map(),
          exclude: [],
          decisions: () => new Map(),
        },
      );
      return { session, journal };
    }
  });
}

/** The same cluster, on which something happens in the moment before the first write. */
function beforeWrite(cluster: Cluster, happens: () => Promise<void>): Cluster {
  let due = true;
  const once = async () => {
    if (due) await happens();
    due = false;
  };
  return new Proxy(cluster, {
    get(target, key: keyof Cluster) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      return async (...given: unknown[]) => {
        const options = given.at(-1) as { dryRun?: boolean } | undefined;
        if ((key === 'apply' || key === 'delete') && options?.dryRun !== true) await once();
        return value.apply(target, given);
      };
    },
  });
}

function reaches(session: Session, ...screens: WizardState['screen']['at'][]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = () => {
    const { screen } = session.state;
    if (screen.at === 'failed') reject(new Error(screen.message));
    if (screens.includes(screen.at)) resolve();
  };
  const stop = session.subscribe(look);
  look();
  return promise.finally(stop);
}
