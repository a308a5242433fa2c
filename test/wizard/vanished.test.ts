import { loadTemplates } from '../../src/host/templates.js';
import { createSession } from '../../src/wizard/session.js';
import type { Session, WizardState } from '../../src/wizard/state.js';
import { metadataBlocking } from '../../steps/metadata-blocking.js';
import { MemoryCluster, MemoryHost, MemoryJournal } from '../support/memory.js';
import { daemonSet, node, pod } from '../support/objects.js';
import { namespace } from '../support/snapshot.js';

const templates = await loadTemplates();

function harness() {
  const cluster = new MemoryCluster([
    namespace('kube-system'),
    { ...namespace('shop'), metadata: { name: 'shop', labels: { 'kubernetes.io/metadata.name': 'shop' } } },
    node('n1', { providerID: 'aws:///eu-central-1a/i-1' }),
    daemonSet('kube-system', 'calico-node', [{ name: 'calico-node', image: 'calico/node:v3.29.1' }]),
    pod('shop', 'web', { app: 'web' }),
  ]);
  for (const kind of ['ClusterNetworkPolicy', 'AdminNetworkPolicy'] as const) cluster.absent.add(kind);
  const journal = new MemoryJournal();
  const clock = { now: () => new Date('2026-01-01T00:00:00Z') };
  const decisions = () =>
    new Map([[metadataBlocking.id, { answers: { namespaces: ['shop'] }, excluded: [] }]]);
  const session = createSession(
    { cluster, host: new MemoryHost(), journal, clock, claim: () => cluster.claim() },
    { steps: [metadataBlocking], templates, decisions, exclude: [] },
  );
  return { cluster, session };
}

function reaches(session: Session, at: WizardState['screen']['at']): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (session.state.screen.at !== at) return;
      stop();
      resolve();
    };
    const stop = session.subscribe(look);
    look();
  });
}

async function toConfirm(session: Session) {
  await reaches(session, 'overview');
  session.send({ type: 'open', step: 0 });
  session.send({ type: 'next' });
  await reaches(session, 'review');
  session.send({ type: 'next' });
  await reaches(session, 'confirm');
}

test('what is there still is written, the tier first', async () => {
  const { cluster, session } = harness();
  await toConfirm(session);
  session.send({ type: 'confirm', typed: 'prod' });
  await reaches(session, 'result');
  expect(cluster.writes).toEqual([
    'Tier kubectl-harden',
    'GlobalNetworkPolicy kubectl-harden.block-cloud-metadata',
  ]);
});

test.each(['CalicoTier', 'CalicoGlobalNetworkPolicy'] as const)(
  'a CRD that vanishes between plan and apply (%s): nothing is written, it is said, and the next plan does without',
  async (kind) => {
    const { cluster, session } = harness();
    await toConfirm(session);
    cluster.absent.add(kind);
    session.send({ type: 'confirm', typed: 'prod' });
    await reaches(session, 'overview');
    expect(cluster.writes).toEqual([]);
    expect(session.state.notice).toContain(`${kind.replace('Calico', '')} (the server serves it no more)`);
    expect(session.state.notice).toContain('Nothing was written');
    expect(session.state.steps[0]?.plan.changes.map(({ ref }) => ref.kind)).toEqual(['NetworkPolicy']);
  },
);
