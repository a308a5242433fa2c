import { EventEmitter } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Beginning, beginning, contentOf, started } from './cluster.js';
import { KEPT } from './kept.js';
import { type Draw, faultsOf, status } from './plan.js';
import { faultProxy } from './proxy.js';
import { carriedOut, kubeconfigFor, toResume, wordsOf } from './runs.js';

/** How many seeds (`npm run test:faults` takes 500), and how many at a time: most of a run is waiting. */
const SEEDS = Number(process.env.FAULT_SEEDS ?? 20);
const AT_ONCE = 10;
/** Troubles end at last: from this attempt on the way is clear. */
const CLEAR_AFTER = 3;

/** Words that nobody should read. */
const UNFIT = /\n\s+at .*:\d+|"kind":\s*"Status"|a fault of the test|undefined|\[object/;

describe('an API server that fails in every way', () => {
  let directory: string;
  let from: Beginning;
  let undisturbed: Record<string, string>;

  /** Runs all steps under the faults of each attempt and resumes until all is done. */
  async function fullRun(name: string, faults: (attempt: number) => Draw) {
    const own = path.join(directory, name);
    await mkdir(own);
    const cluster = await started(from, own);
    const attempts: { code: number; faults: readonly string[]; said: string }[] = [];
    try {
      let run: string | undefined;
      for (let attempt = 0; attempt <= CLEAR_AFTER; attempt++) {
        const proxy = await faultProxy(cluster, faults(attempt));
        const words = wordsOf(await kubeconfigFor(cluster, proxy.address, own), from, run);
        const ended = await carriedOut(words, own);
        await proxy.close();
        attempts.push({ code: ended.code, faults: proxy.done, said: ended.said });
        if (ended.code === 0) break;
        run = toResume(ended) ?? run;
      }
    } finally {
      await cluster.close();
    }
    return { attempts, content: await contentOf(cluster.file) };
  }

  beforeAll(async () => {
    EventEmitter.defaultMaxListeners = 4 * AT_ONCE + 10;
    directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-faults-'));
    from = await beginning(directory);
    const { attempts, content } = await fullRun('undisturbed', () => () => undefined);
    if (attempts[0]?.code !== 0)
      throw new Error(`without faults: ${attempts[0]?.code}\n${attempts[0]?.said}`);
    undisturbed = content;
  }, 120_000);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('a run without faults does something in each step', async () => {
    const before = await contentOf(from.state);
    const added = Object.keys(undisturbed).filter((name) => !(name in before));
    expect(added.filter((name) => name.startsWith('NetworkPolicy/')).length).toBeGreaterThan(5);
    expect(added.filter((name) => name.startsWith('ResourceQuota/')).length).toBeGreaterThan(2);
    expect(added).toContain('Namespace/team-a');
    expect(Object.values(undisturbed).filter((text) => text.includes('"stored":"k8s:enc:')).length).toBe(30);
    expect(Object.keys(undisturbed).filter((name) => /^Lease\/.*kubectl-harden/.test(name))).toEqual([]);
  });

  test('what the server fails to show is no answer: plan and apply say so with 2, and the step is left alone', async () => {
    const own = path.join(directory, 'unread');
    await mkdir(own);
    const cluster = await started(from, own);
    const proxy = await faultProxy(cluster, ({ path: url }) =>
      url.startsWith('/apis/networking.k8s.io/v1/networkpolicies?')
        ? status(500, 'InternalError')
        : undefined,
    );
    const [, ...flags] = wordsOf(await kubeconfigFor(cluster, proxy.address, own), from);
    const apply = ['apply', ...flags, '--step', 'default-deny', '--step', 'quotas'];
    const planned = await carriedOut(['plan', ...flags.slice(0, -2)], own);
    const applied = await carriedOut(apply, own);
    await proxy.close();
    await cluster.close();
    const words =
      'Default-deny: could not list networkpolicies.networking.k8s.io: the API server failed (500)';
    expect([planned.code, applied.code]).toEqual([2, 2]);
    expect([planned.said, applied.said]).toEqual([
      expect.stringContaining(words),
      expect.stringContaining(words),
    ]);
    const content = Object.keys(await contentOf(cluster.file));
    expect(content.filter((name) => /^NetworkPolicy\/.*\/default-deny$/.test(name))).toEqual([]);
  }, 60_000);

  const seeds = [...new Set([...KEPT, ...Array.from({ length: SEEDS }, (_, n) => n + 1)])];
  const batches = Array.from({ length: Math.ceil(seeds.length / AT_ONCE) }, (_, n) =>
    seeds.slice(n * AT_ONCE, (n + 1) * AT_ONCE),
  );
  test.each(batches.map((batch) => [batch.join(', '), batch] as const))(
    'a full run ends complete or cleanly stopped, and resumed it completes: seeds %s',
    async (_, batch) => {
      const troubles = await Promise.all(
        batch.map(async (seed) => {
          const { attempts, content } = await fullRun(`seed-${seed}`, (attempt) =>
            attempt < CLEAR_AFTER ? faultsOf(seed * 8 + attempt) : () => undefined,
          );
          const trouble = wrongWith(attempts, content);
          return trouble === undefined ? [] : [{ seed, trouble, attempts }];
        }),
      );
      expect(troubles.flat()).toEqual([]);
    },
    180_000,
  );

  function wrongWith(
    attempts: readonly { code: number; said: string }[],
    content: Record<string, string>,
  ): string | undefined {
    const last = attempts.at(-1);
    if (last?.code !== 0) return `it never completed: exit ${last?.code}`;
    for (const { code, said } of attempts) {
      if (![0, 1, 2].includes(code)) return `exit code ${code}`;
      if (UNFIT.test(said)) return `unfit words: ${UNFIT.exec(said)?.[0]}`;
      // Before the run has begun there is nothing to take up: the words say why.
      if (code !== 0 && said.includes('Kept in:') && !said.includes('Resume: ')) return 'no resume line';
    }
    const names = Object.keys({ ...content, ...undisturbed });
    const differing = names.filter((name) => content[name] !== undisturbed[name]);
    const [name = ''] = differing;
    return differing.length === 0
      ? undefined
      : `differs in the end: ${differing.slice(0, 5).join(', ')}\n${content[name]}\nin place of\n${undisturbed[name]}`;
  }
});
