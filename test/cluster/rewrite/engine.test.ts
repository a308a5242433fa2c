import fc from 'fast-check';
import type { Checkpoint } from '../../../src/cluster/rewrite/checkpoints.js';
import { type Batch, type EngineOptions, runEngine } from '../../../src/cluster/rewrite/engine.js';
import type { Reply } from '../../../src/cluster/rewrite/pacing.js';
import { ClusterError, type RewriteProgress } from '../../../src/wizard/ports.js';

const failed = (reason: ClusterError['reason']): Reply => ({
  type: 'failed',
  error: new ClusterError(reason, reason),
  retryAfterMs: undefined,
  storageFull: false,
});
const refOf = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name });

/** Objects 0 to count - 1 in pages; the place of each page is its last object. */
async function* pagesOf(
  count: number,
  request: (n: number) => Promise<Reply>,
  { size = 10, onPull = (_names: number) => {} } = {},
): AsyncGenerator<Batch<number>> {
  for (let from = 0; from < count; from += size) {
    const numbers = Array.from({ length: Math.min(size, count - from) }, (_, n) => from + n);
    onPull(numbers.length);
    yield {
      names: numbers.map((n) => `s-${n}`),
      place: numbers.at(-1)!,
      request: (name) => request(Number(name.slice(2))),
      refOf,
    };
  }
}
const run = (options: Partial<EngineOptions<number>> & Pick<EngineOptions<number>, 'batches'>) =>
  runEngine({ most: 8, maxRate: 0, ...options });
const quick = { wait: async () => {}, chance: () => 0 };

type Fate = 'rewritten' | 'unchanged' | 'notFound' | 'forbidden' | 'stale' | 'busy' | 'server';
const replyOf = (fate: Fate): Reply =>
  fate === 'rewritten' || fate === 'unchanged' ? { type: fate } : failed(fate);

test('every object is accounted for exactly once, whatever the server answers', async () => {
  const passing = fc.array(fc.constantFrom<Fate>('stale', 'busy', 'server'), { maxLength: 4 });
  const final = fc.constantFrom<Fate>('rewritten', 'unchanged', 'notFound', 'forbidden');
  const object = fc.tuple(passing, final);
  await fc.assert(
    fc.asyncProperty(
      fc.array(object, { maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      async (fates, most, size) => {
        const left = fates.map(([before, last]) => [...before, last]);
        const progress: RewriteProgress[] = [];
        const told: Checkpoint<number>[] = [];
        let inHand = 0;
        let highest = 0;
        const request = async (n: number) => {
          highest = Math.max(highest, ++inHand);
          await Promise.resolve();
          inHand--;
          return replyOf(left[n]!.shift()!);
        };
        const result = await run({
          batches: pagesOf(fates.length, request, { size }),
          most,
          onProgress: (p) => progress.push(p),
          onCheckpoint: async (one) => void told.push(one),
          ...quick,
        });
        const with_ = (fate: Fate) => fates.filter(([, last]) => last === fate).length;
        expect(result).toMatchObject({
          total: fates.length,
          rewritten: with_('rewritten'),
          unchanged: with_('unchanged'),
          gone: with_('notFound'),
          refused: with_('forbidden'),
          interrupted: false,
          stopped: undefined,
        });
        expect(left.flat()).toEqual([]);
        expect(result.failures.map(({ ref }) => ref.name).sort()).toEqual(
          fates.flatMap(([, last], n) => (last === 'forbidden' ? [`s-${n}`] : [])).sort(),
        );
        expect(highest).toBeLessThanOrEqual(most);
        expect(progress).toHaveLength(fates.length);
        const { rewritten, unchanged, gone, refused } = result;
        if (fates.length > 0)
          expect(told.at(-1)).toMatchObject({
            place: fates.length - 1,
            counts: { rewritten, unchanged, gone, refused },
          });
        expect(told.flatMap(({ failures }) => failures)).toHaveLength(result.failures.length);
      },
    ),
    { numRuns: 200 },
  );
});

test('a signal ends it after what is in hand; pages are pulled only as they are needed', async () => {
  const stop = new AbortController();
  let pulled = 0;
  let finished = 0;
  const told: Checkpoint<number>[] = [];
  const request = async (): Promise<Reply> => {
    await new Promise((resolve) => setImmediate(resolve));
    if (++finished === 100) stop.abort();
    return { type: 'rewritten' };
  };
  const result = await run({
    batches: pagesOf(10_000, request, { onPull: (n) => (pulled += n) }),
    signal: stop.signal,
    total: 10_000,
    onCheckpoint: async (one) => void told.push(one),
  });
  expect(result).toMatchObject({ interrupted: true, total: 10_000 });
  expect(result.rewritten).toBe(finished);
  expect(finished).toBeLessThanOrEqual(100 + 8);
  expect(pulled).toBeLessThanOrEqual(finished + 30);
  // Whole pages only, and none that was not reached.
  expect(told.at(-1)?.place).toBe(Math.floor(finished / 10) * 10 - 1);
});

test('whenever it ends, what a checkpoint calls done is done', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 120 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 1e9 }),
      async (after, size, seed) => {
        const stop = new AbortController();
        const done = new Set<number>();
        let places = -1;
        let turn = seed;
        const request = async (n: number): Promise<Reply> => {
          // Answers come in any order.
          turn = (turn * 1_103_515_245 + 12_345) % 2_147_483_648;
          for (let waits = turn % 5; waits > 0; waits--) await Promise.resolve();
          done.add(n);
          if (done.size >= after) stop.abort();
          return { type: 'rewritten' };
        };
        await run({
          batches: pagesOf(100, request, { size }),
          signal: stop.signal,
          onCheckpoint: async ({ place, counts }) => {
            places = place;
            expect(counts.rewritten).toBe(place + 1);
          },
        });
        for (let n = 0; n <= places; n++) expect(done).toContain(n);
      },
    ),
    { numRuns: 200 },
  );
});

test('a checkpoint that cannot be kept ends the run', async () => {
  const running = run({
    batches: pagesOf(50, async () => ({ type: 'rewritten' })),
    onCheckpoint: async () => {
      throw new Error('disk full');
    },
  });
  await expect(running).rejects.toThrow('disk full');
});

test('a signal does not wait for a server that asks for patience', async () => {
  const stop = new AbortController();
  const before = performance.now();
  const running = run({
    batches: pagesOf(3, async () => ({ ...failed('busy'), retryAfterMs: 60_000 }) as Reply),
    signal: stop.signal,
  });
  setTimeout(() => stop.abort(), 20);
  expect(await running).toMatchObject({ interrupted: true, rewritten: 0, refused: 0, failures: [] });
  expect(performance.now() - before).toBeLessThan(5_000);
});

test('what one answer asks for is waited for by all', async () => {
  let busyAt = 0;
  const begun: number[] = [];
  await run({
    batches: pagesOf(200, async () => {
      begun.push(performance.now());
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (begun.length !== 50) return { type: 'rewritten' };
      busyAt = performance.now();
      return { ...failed('busy'), retryAfterMs: 300 } as Reply;
    }),
  });
  const meanwhile = begun.filter((at) => at > busyAt + 1 && at < busyAt + 290);
  expect(begun.filter((at) => at >= busyAt + 290).length).toBeGreaterThan(100);
  expect(meanwhile).toEqual([]);
});

test('a rate is kept', async () => {
  const before = performance.now();
  await run({ batches: pagesOf(150, async () => ({ type: 'rewritten' })), maxRate: 200 });
  const seconds = (performance.now() - before) / 1000;
  expect(150 / seconds).toBeLessThan(240); // a tenth of a second's worth may begin at once
});

test('what no other object would survive stops the whole run, cleanly', async () => {
  let requests = 0;
  const result = await run({
    batches: pagesOf(1_000, async () => (++requests > 50 ? failed('unauthorized') : { type: 'rewritten' })),
    ...quick,
  });
  expect(result).toMatchObject({ stopped: 'unauthorized', interrupted: true, rewritten: 50 });
  expect(requests).toBeLessThan(60);
});

test('a list that fails is thrown once work in hand is done', async () => {
  let done = 0;
  async function* broken(): AsyncGenerator<Batch<number>> {
    yield* pagesOf(1, async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      done++;
      return { type: 'rewritten' };
    });
    throw new ClusterError('server', 'list failed');
  }
  await expect(run({ batches: broken() })).rejects.toMatchObject({ reason: 'server' });
  expect(done).toBe(1);
});

test('places that cannot be listed are told by name, the rest is done', async () => {
  const dark = { ref: { apiVersion: 'v1', kind: 'Namespace', name: 'dark' }, reason: 'no right' };
  async function* partly(): AsyncGenerator<Batch<number>> {
    yield { names: [], place: 0, unlisted: dark, request: async () => ({ type: 'unchanged' }), refOf };
    yield* pagesOf(1, async () => ({ type: 'unchanged' }));
  }
  const result = await run({ batches: partly() });
  expect(result).toMatchObject({ unchanged: 1, failures: [dark], interrupted: false });
});
