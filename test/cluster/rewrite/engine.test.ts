import fc from 'fast-check';
import { type Item, runEngine } from '../../../src/cluster/rewrite/engine.js';
import type { Reply } from '../../../src/cluster/rewrite/pacing.js';
import { ClusterError, type RewriteProgress } from '../../../src/wizard/ports.js';

const failed = (reason: ClusterError['reason']): Reply => ({
  type: 'failed',
  error: new ClusterError(reason, reason),
  retryAfterMs: undefined,
  storageFull: false,
});
const refOf = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name });

async function* itemsOf(count: number, onPull: (n: number) => void = () => {}): AsyncGenerator<Item<number>> {
  for (let n = 0; n < count; n++) {
    onPull(n);
    yield { type: 'object', ref: refOf(`s-${n}`), data: n };
  }
}
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
      async (fates, concurrency) => {
        const left = fates.map(([before, last]) => [...before, last]);
        const progress: RewriteProgress[] = [];
        let inHand = 0;
        let most = 0;
        const result = await runEngine({
          items: itemsOf(fates.length),
          concurrency,
          onProgress: (p) => progress.push(p),
          request: async ({ data }) => {
            most = Math.max(most, ++inHand);
            await Promise.resolve();
            inHand--;
            return replyOf(left[data]!.shift()!);
          },
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
        expect(most).toBeLessThanOrEqual(concurrency);
        expect(progress).toHaveLength(fates.length);
      },
    ),
    { numRuns: 200 },
  );
});

test('a signal ends it after what is in hand; names are pulled only as they are needed', async () => {
  const stop = new AbortController();
  let pulled = 0;
  let finished = 0;
  const result = await runEngine({
    items: itemsOf(10_000, () => pulled++),
    concurrency: 8,
    signal: stop.signal,
    request: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      if (++finished === 100) stop.abort();
      return { type: 'rewritten' };
    },
    total: 10_000,
  });
  expect(result).toMatchObject({ interrupted: true, total: 10_000 });
  expect(result.rewritten).toBe(finished);
  expect(finished).toBeLessThanOrEqual(100 + 8);
  expect(pulled).toBe(finished);
});

test('a signal does not wait for a server that asks for patience', async () => {
  const stop = new AbortController();
  const before = performance.now();
  const running = runEngine({
    items: itemsOf(3),
    concurrency: 3,
    signal: stop.signal,
    request: async () => ({ ...failed('busy'), retryAfterMs: 60_000 }) as Reply,
  });
  setTimeout(() => stop.abort(), 20);
  expect(await running).toMatchObject({ interrupted: true, rewritten: 0, refused: 0, failures: [] });
  expect(performance.now() - before).toBeLessThan(5_000);
});

test('what no other object would survive stops the whole run, cleanly', async () => {
  let requests = 0;
  const result = await runEngine({
    items: itemsOf(1_000),
    concurrency: 4,
    request: async () => (++requests > 50 ? failed('unauthorized') : { type: 'rewritten' }),
    ...quick,
  });
  expect(result).toMatchObject({ stopped: 'unauthorized', interrupted: true, rewritten: 50 });
  expect(requests).toBeLessThan(60);
});

test('a list that fails is thrown once work in hand is done', async () => {
  async function* broken(): AsyncGenerator<Item<number>> {
    yield { type: 'object', ref: refOf('a'), data: 0 };
    throw new ClusterError('server', 'list failed');
  }
  let done = 0;
  const running = runEngine({
    items: broken(),
    concurrency: 2,
    request: async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      done++;
      return { type: 'rewritten' };
    },
  });
  await expect(running).rejects.toMatchObject({ reason: 'server' });
  expect(done).toBe(1);
});

test('places that cannot be listed are told by name, the rest is done', async () => {
  async function* partly(): AsyncGenerator<Item<number>> {
    yield {
      type: 'unlisted',
      ref: { apiVersion: 'v1', kind: 'Namespace', name: 'dark' },
      reason: 'no right',
    };
    yield { type: 'object', ref: refOf('a'), data: 0 };
  }
  const result = await runEngine({
    items: partly(),
    concurrency: 1,
    request: async () => ({ type: 'unchanged' }),
  });
  expect(result).toMatchObject({ unchanged: 1, failures: [{ ref: { name: 'dark' }, reason: 'no right' }] });
});
