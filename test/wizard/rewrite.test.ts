import { planOf, type RewriteChange } from '../../src/model/plan.js';
import { applyChanges } from '../../src/wizard/apply.js';
import { ClusterError } from '../../src/wizard/ports.js';
import type { Done, StepState } from '../../src/wizard/state.js';
import { MemoryCluster, MemoryHost, MemoryJournal } from '../support/memory.js';

const REWRITE: RewriteChange = {
  kind: 'rewrite',
  id: 'encryption-at-rest/-/Secret/*',
  ref: { apiVersion: 'v1', kind: 'Secret', name: '*' },
  risk: 'rewritesStorage',
  why: '',
  breaks: [],
  resource: 'secrets',
  count: 1,
};
const LEFT = 'the scratch Secret kube-system/x could not be removed: delete it by hand';

async function run(prepare: (cluster: MemoryCluster) => void, change: RewriteChange = REWRITE) {
  const cluster = new MemoryCluster([]);
  prepare(cluster);
  const journal = new MemoryJournal();
  const outcomes: Done[] = [];
  const state = { step: { id: 'encryption-at-rest' }, plan: planOf('s', [change]), checked: [] };
  const end = await applyChanges(
    { cluster, host: new MemoryHost(), journal },
    state as unknown as StepState,
    [change],
    new AbortController().signal,
    { applying: () => {}, rewriting: () => {}, done: (done) => outcomes.push(done) },
  );
  return { cluster, end, outcome: outcomes[0], journal: JSON.stringify(journal.lines) };
}

test('a closed gate leaves everything, with its reason and what it left behind, on screen and in the journal', async () => {
  const { cluster, outcome, journal } = await run((it) => {
    it.gateResult = { open: false, reason: 'servers disagree', evidence: [LEFT] };
  });
  expect(cluster.writes).toEqual([]);
  expect(outcome).toMatchObject({ outcome: 'left', message: `servers disagree\nSeen: ${LEFT}.` });
  expect(journal).toContain(LEFT);
});

test('what was not tried and what was left behind is told with the counts, and journaled', async () => {
  const { cluster, outcome, journal } = await run((it) => {
    it.gateResult = { open: true, servers: ['a'], untried: ['b'], evidence: ['b was not tried', LEFT] };
  });
  expect(cluster.writes).toEqual(['rewrite secrets']);
  expect(outcome?.message).toMatch(/^re-written 1, .*\nSeen: b was not tried; the scratch Secret/);
  expect(journal).toContain('b was not tried');
});

test('a re-write that breaks off tells it as well', async () => {
  const { outcome } = await run((it) => {
    it.gateResult = { open: true, servers: ['a'], untried: [], evidence: [LEFT] };
    it.rewrite = async () => {
      throw new ClusterError('server', 'etcd has no space left.');
    };
  });
  expect(outcome).toMatchObject({
    outcome: 'failed',
    message: expect.stringContaining(`no space left.\nSeen: ${LEFT}`),
  });
});

test('the gate is told to go on without untried servers only where the change says so', async () => {
  expect((await run(() => {})).cluster.gates).toEqual([{}]);
  expect((await run(() => {}, { ...REWRITE, evenIfUntried: true })).cluster.gates).toEqual([
    { evenIfUntried: true },
  ]);
});
