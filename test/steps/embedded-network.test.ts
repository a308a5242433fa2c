import { connect } from '../../src/cluster/connect.js';
import { loadTemplates } from '../../src/host/templates.js';
import { overlay } from '../../src/model/overlay.js';
import type { Change, HostChange } from '../../src/model/plan.js';
import { networkPlugin } from '../../src/model/plugins.js';
import { completeAnswers } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.js';
import type { Cluster } from '../../src/wizard/ports.js';
import { cutBy, declaredIn, flowText } from '../../steps/default-deny/flows.js';
import { previewOf } from '../../steps/default-deny/preview.js';
import { namespaceState, reachIn } from '../../steps/default-deny/state.js';
import { defaultDeny } from '../../steps/default-deny.js';
import { encryptionState } from '../../steps/encryption-at-rest/state.js';
import { encryptionAtRest } from '../../steps/encryption-at-rest.js';
import { metadataBlocking } from '../../steps/metadata-blocking.js';

const STEPS = [defaultDeny, encryptionAtRest, metadataBlocking];
const templates = await loadTemplates();
let sandbox: Sandbox;
let cluster: Cluster;

beforeEach(async () => {
  sandbox = await startSandbox();
  cluster = await connect({ kubeconfigText: sandbox.kubeconfig, sandbox: true });
});
afterEach(async () => {
  await cluster.close();
  await sandbox.close();
});

async function read(): Promise<Snapshot> {
  const [info, answer] = await Promise.all([
    cluster.info(),
    cluster.read(STEPS.flatMap((step) => step.reads)),
  ]);
  return { cluster: info, takenAt: new Date().toISOString(), scope: { exclude: [] }, ...answer };
}
const planOf = (now: Snapshot, step: (typeof STEPS)[number]) =>
  step.plan(now, completeAnswers(step.questions(now), {}, true), templates);
const write = async (changes: readonly Change[]) => {
  for (const change of changes) if (change.kind === 'apply') await cluster.apply(change.manifest);
};

test('default-deny on the embedded cluster: predicted by the overlay, closed in effect, nothing left', async () => {
  const now = await read();
  expect(networkPlugin(now).verdict).toBe('enforced');
  const changes = planOf(now, defaultDeny);
  const names = changes.map(({ ref }) => ref.namespace ?? '');
  expect(names).toEqual(expect.arrayContaining(['default', 'payments', 'shop']));
  await write(changes);
  const then = await read();
  for (const name of names) {
    expect(namespaceState(then, name)).toMatchObject({ ingress: { closed: true }, egress: { closed: true } });
    expect(namespaceState(overlay(now, changes), name)).toEqual(namespaceState(then, name));
    const dns = reachIn(then).workloads.find(
      ({ ref }) => ref.namespace === 'kube-system' && ref.name === 'coredns',
    );
    expect(reachIn(then).allows({ freshPod: name }, { workload: dns?.name ?? '' }, 'UDP', 53)).toBe(true);
  }
  expect(planOf(then, defaultDeny)).toEqual([]);
});

test('its policies are taken as they are written: the server drops no field and adds none that matters', async () => {
  const changes = planOf(await read(), defaultDeny);
  await write(changes);
  const live = objects(await read(), 'NetworkPolicy');
  for (const change of changes)
    if (change.kind === 'apply')
      expect(
        live.find(
          ({ metadata }) => metadata.name === change.ref.name && metadata.namespace === change.ref.namespace,
        )?.spec,
      ).toEqual(change.manifest.spec);
});

test('metadata blocking alone blocks the address; after default-deny it adds nothing', async () => {
  const now = await read();
  const alone = planOf(now, metadataBlocking);
  expect(alone.length).toBeGreaterThan(0);
  const closed = overlay(now, planOf(now, defaultDeny));
  const namespaces = new Set(planOf(now, defaultDeny).map(({ ref }) => ref.namespace));
  expect(planOf(closed, metadataBlocking).filter(({ ref }) => namespaces.has(ref.namespace))).toEqual([]);
  await write(alone);
  const then = await read();
  for (const { ref } of alone) {
    const src = { freshPod: ref.namespace ?? '' };
    expect(reachIn(then).allows(src, { address: '169.254.169.254' }, 'TCP', 80)).toBe(false);
    expect(reachIn(then).allows(src, { address: '192.0.2.1' }, 'TCP', 443)).toBe(true);
  }
  expect(planOf(then, metadataBlocking)).toEqual([]);
});

test('encryption: plain, turned on by the node, stale, re-written, encrypted', async () => {
  const seen: string[] = [];
  const state = async () => seen.push(encryptionState(await read()).at);
  await state();
  const changes = planOf(await read(), encryptionAtRest);
  expect(changes.map(({ kind }) => kind)).toEqual(['host', 'rewrite']);
  expect(await sandbox.host.apply(changes[0] as HostChange)).toMatchObject({ state: 'applied' });
  await state();
  const stale = planOf(await read(), encryptionAtRest);
  expect(stale.map(({ kind }) => kind)).toEqual(['rewrite']);
  expect(await cluster.gate()).toMatchObject({ open: true });
  expect(await cluster.rewrite({})).toMatchObject({ failures: [] });
  await state();
  expect(seen).toEqual(['plain', 'stale', 'encrypted']);
  const now = await read();
  expect(planOf(now, encryptionAtRest)).toEqual([]);
  // Who only reads through the API server does not see which file it runs with.
  expect(encryptionAtRest.assess(now, {}).map(({ id }) => id)).toEqual(['configuration-not-visible']);
});

test('on the embedded cluster no declared connection is cut after any write, and its preview says so', async () => {
  const now = await read();
  const changes = planOf(now, defaultDeny);
  expect(declaredIn(now).length).toBeGreaterThan(50);
  let then = now;
  for (const change of changes) {
    then = overlay(then, [change]);
    expect([change.id, cutBy(now, then).map(({ flow }) => flowText(flow))]).toEqual([change.id, []]);
  }
  const preview = previewOf(now, changes);
  expect(preview.cut).toEqual([]);
  // Its plugin matches pods by address: egress to any address reaches the pods that are not closed themselves.
  expect(preview.pairsAfter).toBeLessThan(preview.pairsBefore * 0.65);
  const at = (from: string, to: string) =>
    preview.matrix[preview.places.indexOf(from)]?.[preview.places.indexOf(to)];
  expect(at('shop', 'shop')).toBe('narrowed');
  expect(at('shop', 'reports')).toBe('closed');
  expect(at('shop', 'outside')).not.toBe('closed');
});

test('a preview names what a bare deny would cut, the worst first', async () => {
  const now = await read();
  const cut = previewOf(
    now,
    planOf(now, defaultDeny).filter(({ ref }) => ref.name === 'default-deny'),
  ).cut;
  expect(cut.length).toBeGreaterThan(0);
  const order = ['critical', 'high', 'medium', 'low'];
  const ranks = cut.map(({ severity }) => order.indexOf(severity));
  expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
  expect(cut.every(({ evidence }) => evidence.length > 0)).toBe(true);
});
