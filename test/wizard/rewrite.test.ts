import { planOf, type RewriteChange } from '../../src/model/plan.js';
import { judge, type ProofMeans } from '../../src/model/rewrite.js';
import { applyChanges } from '../../src/wizard/apply.js';
import { fromEffects } from '../../src/wizard/on-effects.js';
import { ClusterError, type Host, type RewriteOptions } from '../../src/wizard/ports.js';
import { carryOutRewrite } from '../../src/wizard/rewrite.js';
import type { Done, StepState, WizardState } from '../../src/wizard/state.js';
import { encryptionAtRest } from '../../steps/encryption-at-rest.js';
import { MemoryCluster, MemoryHost, MemoryJournal } from '../support/memory.js';
import { snapshotOf } from '../support/snapshot.js';

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

async function run(
  prepare: (cluster: MemoryCluster) => void,
  change: RewriteChange = REWRITE,
  host: Host = new MemoryHost(),
) {
  const cluster = new MemoryCluster([]);
  prepare(cluster);
  const journal = new MemoryJournal();
  const outcomes: Done[] = [];
  const state = { step: encryptionAtRest, plan: planOf('s', [change]), checked: [] };
  const end = await applyChanges(
    { cluster, host, journal },
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
    it.gateResult = {
      open: true,
      servers: ['a'],
      untried: ['b'],
      writes: [],
      evidence: ['b was not tried', LEFT],
    };
  });
  expect(cluster.writes).toEqual(['rewrite secrets']);
  expect(outcome?.message).toMatch(
    /^re-written 1, .*\nProven: .*a second pass moved nothing; etcd itself not available.*\nSeen: b was not tried; the scratch Secret/,
  );
  expect(journal).toContain('b was not tried');
});

test('a re-write that breaks off tells it as well', async () => {
  const { outcome } = await run((it) => {
    it.gateResult = { open: true, servers: ['a'], untried: [], writes: [], evidence: [LEFT] };
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
  expect((await run(() => {})).cluster.gates).toEqual([{ resources: ['secrets'] }]);
  expect((await run(() => {}, { ...REWRITE, evenIfUntried: true })).cluster.gates).toEqual([
    { resources: ['secrets'], evenIfUntried: true },
  ]);
});

const ports = (prepare: (cluster: MemoryCluster) => void = () => {}) => {
  const cluster = new MemoryCluster([]);
  cluster.gateResult = { open: true, servers: ['a'], untried: [], writes: [BOX], evidence: [] };
  prepare(cluster);
  return { cluster, journal: new MemoryJournal() };
};
const BOX = 'k8s:enc:secretbox:v1:key1:';
const REQUEST = {
  step: 's',
  change: 's/-/Secret/*',
  resources: ['secrets'],
  evenIfUntried: false,
  prove: true,
};
const signal = new AbortController().signal;
const quiet = { progress: () => {} };
const place = { resource: 'secrets', namespace: 'shop', name: 'b' };
const counts = { rewritten: 2, unchanged: 0, gone: 0, refused: 1 };
const failure = {
  ref: { apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name: 'a' },
  reason: 'webhook',
};
/** A re-write that tells one checkpoint and is interrupted. */
const interrupted = (it: MemoryCluster, seen: RewriteOptions[] = []) => {
  it.rewrite = async (options) => {
    seen.push(options);
    await options.onCheckpoint?.({ place, counts, failures: [failure] });
    const metrics = { means: 'metrics' as const, used: false as const, words: '' };
    return { total: 9, ...counts, failures: [failure], interrupted: true, metrics };
  };
};

test('an interrupted re-write goes on behind its last place, with its counts and its failures', async () => {
  const seen: RewriteOptions[] = [];
  const { cluster, journal } = ports((it) => interrupted(it, seen));
  const first = await carryOutRewrite({ cluster, journal }, REQUEST, signal, quiet);
  expect(first).toMatchObject({ end: 'interrupted', done: { resumed: false } });
  const again = await carryOutRewrite({ cluster, journal }, REQUEST, signal, quiet);
  expect(seen.map(({ from }) => from?.place)).toEqual([undefined, place]);
  expect(seen[1]?.from?.counts).toEqual(counts);
  expect(again).toMatchObject({ done: { resumed: true, result: { failures: [failure, failure] } } });
});

test.each<[string, (journal: MemoryJournal, cluster: MemoryCluster) => Promise<void> | void]>([
  [
    'writes another form now',
    (_journal, cluster) => {
      cluster.gateResult = {
        open: true,
        servers: ['a'],
        untried: [],
        writes: ['k8s:enc:aescbc:v1:k:'],
        evidence: [],
      };
    },
  ],
  [
    'does not show what it writes',
    (_journal, cluster) => {
      cluster.gateResult = { open: true, servers: ['a'], untried: [], writes: [], evidence: [] };
    },
  ],
  [
    'has ended a pass since',
    (journal) =>
      journal.append({
        type: 'rewritten',
        step: REQUEST.step,
        change: REQUEST.change,
        writes: [BOX],
        counts,
      }),
  ],
])('it begins anew where the server %s', async (_name, between) => {
  const seen: RewriteOptions[] = [];
  const { cluster, journal } = ports((it) => interrupted(it, seen));
  await carryOutRewrite({ cluster, journal }, REQUEST, signal, quiet);
  await between(journal, cluster);
  await carryOutRewrite({ cluster, journal }, REQUEST, signal, quiet);
  expect(seen.map(({ from }) => from)).toEqual([undefined, undefined]);
});

test('the proof tells the means that were used and those that were not', async () => {
  const { cluster, journal } = ports();
  const outcome = await carryOutRewrite(
    { cluster, journal, etcdCounts: async () => ({ [BOX]: 3, '': 1 }) },
    REQUEST,
    signal,
    quiet,
  );
  const proof = outcome.end === 'ended' ? outcome.done.proof : undefined;
  expect(proof).toMatchObject({ stale: 1, objects: 4, writes: [BOX] });
  expect(proof?.means.map(({ means, used }) => [means, used])).toEqual([
    ['metrics', false],
    ['finalPass', true],
    ['etcd', true],
  ]);
  expect(judge(proof!)).toBe('contradicted'); // one in plain text
});

test('an etcd that shows none of what was re-written proves nothing', async () => {
  const { cluster, journal } = ports();
  const etcdCounts = async () => ({});
  const outcome = await carryOutRewrite({ cluster, journal, etcdCounts }, REQUEST, signal, quiet);
  const proof = outcome.end === 'ended' ? outcome.done.proof : undefined;
  expect(proof?.means.at(-1)).toMatchObject({ means: 'etcd', used: false });
});

test('the step takes the way to etcd that the machine has', async () => {
  const host = Object.assign(new MemoryHost(), { stored: async () => ({ [BOX]: 1 }) });
  const { outcome } = await run(() => {}, REWRITE, host);
  expect(outcome?.message).toContain(`etcd itself holds 1 as ${BOX}`);
});

describe('that every API server was tried', () => {
  const gate = (untried: readonly string[]) => ({
    open: true as const,
    servers: ['https://a'],
    untried,
    writes: [BOX],
    evidence: [],
  });
  const tried = async (untried: readonly string[]) =>
    (await run((cluster) => (cluster.gateResult = gate(untried)))).outcome?.agreed;

  test('is told of a re-write, unless one was left out', async () => {
    expect(await tried([])).toEqual(['https://a']);
    expect(await tried(['https://b'])).toBeUndefined();
  });

  const done = (more: Partial<Done>): Done => ({ change: 'c', outcome: 'applied', message: '', ...more });
  test.each<[string, Done[], readonly string[] | undefined]>([
    ['a re-write was the last thing', [done({}), done({ agreed: ['a', 'b'] })], ['a', 'b']],
    ['what came after it was left', [done({ agreed: ['a'] }), done({ outcome: 'left' })], ['a']],
    ['a round came after it', [done({ agreed: ['a'] }), done({})], undefined],
    ['not all were tried', [done({})], undefined],
  ])('is known of the cluster as it is read again: %s', (_name, all, agreed) => {
    const facts = { secrets: 1, stored: undefined, writes: BOX, flags: [], evidence: [] };
    const state = { steps: [{ step: { id: 's' }, done: all }], screen: { at: 'overview' }, snapshot: {} };
    const setting = { steps: [], templates: new Map(), decisions: () => new Map(), exclude: [] };
    const [next] = fromEffects.snapshot(
      state as unknown as WizardState,
      { type: 'snapshot', snapshot: snapshotOf({ encryption: facts }) },
      setting,
    )!;
    expect(next.snapshot?.encryption?.agreed).toEqual(agreed);
  });
});

const used = { used: true, words: '' } as const;
test.each<[string, ProofMeans[], ReturnType<typeof judge>]>([
  ['nothing looked', [], 'unproven'],
  ['counters alone', [{ means: 'metrics', ...used, written: { [BOX]: 9 } }], 'unproven'],
  ['all under the key', [{ means: 'readAudit', ...used, stored: { [BOX]: 9 } }], 'proven'],
  ['key not told apart', [{ means: 'readAudit', ...used, stored: { 'k8s:enc:secretbox:v1:': 9 } }], 'proven'],
  ['one in plain text', [{ means: 'readAudit', ...used, stored: { [BOX]: 8, '': 1 } }], 'contradicted'],
  [
    'one under another key',
    [{ means: 'etcd', ...used, stored: { [BOX]: 8, 'k8s:enc:secretbox:v1:key2:': 1 } }],
    'contradicted',
  ],
  ['a pass that moved nothing', [{ means: 'finalPass', ...used, moved: 0 }], 'proven'],
  ['all were reached, and nothing else', [{ means: 'count', ...used, missed: 0 }], 'unproven'],
  [
    'some were not reached',
    [
      { means: 'finalPass', ...used, moved: 0 },
      { means: 'count', ...used, missed: 5 },
    ],
    'contradicted',
  ],
  [
    'whether all were reached is not known',
    [
      { means: 'finalPass', ...used, moved: 0 },
      { means: 'count', used: false, words: '' },
    ],
    'unproven',
  ],
  [
    'whether all were reached is not known, but etcd is',
    [
      { means: 'count', used: false, words: '' },
      { means: 'etcd', ...used, stored: { [BOX]: 9 } },
    ],
    'proven',
  ],
  [
    'a pass that moved some',
    [
      { means: 'finalPass', ...used, moved: 2 },
      { means: 'readAudit', ...used, stored: { [BOX]: 9 } },
    ],
    'contradicted',
  ],
])('a proof: %s', (_name, means, verdict) =>
  expect(judge({ objects: 9, stale: 9, writes: [BOX], means })).toBe(verdict),
);
