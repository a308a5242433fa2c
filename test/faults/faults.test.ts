import { EventEmitter } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Beginning, beginning, contentOf, started } from './cluster.js';
import { KEPT } from './kept.js';
import { type Draw, FAULTS, faultsOf, status } from './plan.js';
import { faultProxy } from './proxy.js';
import { carriedOut, kubeconfigFor, toResume, UNFIT, underFaults, wordsOf, wrongWith } from './runs.js';

/** How many seeds (`npm run test:faults` takes 500), the first of them, and how many at a time: most of a run is waiting. */
const SEEDS = Number(process.env.FAULT_SEEDS ?? 20);
const FIRST = Number(process.env.FAULT_FIRST ?? 1);
const AT_ONCE = 10;

describe('an API server that fails in every way', () => {
  let directory: string;
  let from: Beginning;
  let undisturbed: Record<string, string>;

  /** A full run on a cluster of its own. */
  async function fullRun(name: string, faults: (attempt: number) => Draw) {
    const own = path.join(directory, name);
    await mkdir(own);
    const cluster = await started(from, own);
    const kubeconfig = (address: string) => kubeconfigFor(cluster, address, own);
    const attempts = await underFaults({ cluster, own, given: from, kubeconfig }, faults).finally(
      cluster.close,
    );
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

  test('a right that is withdrawn while it writes ends it with the next write: it says which, and how to resume', async () => {
    const own = path.join(directory, 'withdrawn');
    await mkdir(own);
    const cluster = await started(from, own);
    let written = 0;
    let refused = 0;
    const proxy = await faultProxy(cluster, ({ method, path: url }) => {
      if (method !== 'PATCH' || url.includes('dryRun') || !url.includes('/networkpolicies/'))
        return undefined;
      if (++written <= 2) return undefined;
      refused++;
      const words =
        'networkpolicies.networking.k8s.io "x" is forbidden: User "me" cannot patch resource "networkpolicies" in API group "networking.k8s.io" in the namespace "shop"';
      return status(403, 'Forbidden', {}, words);
    });
    const stopped = await carriedOut(wordsOf(await kubeconfigFor(cluster, proxy.address, own), from), own);
    await proxy.close();
    expect({ code: stopped.code, refused }).toEqual({ code: 2, refused: 1 });
    expect(stopped.said).toMatch(
      /You may not apply NetworkPolicy .*\(patch networkpolicies\.networking\.k8s\.io\)/,
    );
    expect(stopped.said).not.toMatch(/done: (ResourceQuota|LimitRange)/);
    expect(stopped.said).not.toMatch(UNFIT);
    const again = await faultProxy(cluster, () => undefined);
    const words = wordsOf(await kubeconfigFor(cluster, again.address, own), from, toResume(stopped));
    expect(words[0]).toBe('resume');
    const resumed = await carriedOut(words, own);
    await again.close();
    await cluster.close();
    expect({ code: resumed.code, said: resumed.said }).toMatchObject({ code: 0 });
    expect(await contentOf(cluster.file)).toEqual(undisturbed);
  }, 60_000);

  /** Names of the faults that runs have met. */
  const met = new Set<string>();
  const seeds = [...new Set([...KEPT, ...Array.from({ length: SEEDS }, (_, n) => n + FIRST)])];
  const batches = Array.from({ length: Math.ceil(seeds.length / AT_ONCE) }, (_, n) =>
    seeds.slice(n * AT_ONCE, (n + 1) * AT_ONCE),
  );
  test.each(batches.map((batch) => [batch.join(', '), batch] as const))(
    'a full run ends complete or cleanly stopped, and resumed it completes: seeds %s',
    async (_, batch) => {
      const troubles = await Promise.all(
        batch.map(async (seed) => {
          const { attempts, content } = await fullRun(`seed-${seed}`, (attempt) =>
            faultsOf(seed * 8 + attempt),
          );
          for (const line of attempts.flatMap(({ faults }) => faults)) met.add(line.replace(/^.*: /, ''));
          const trouble = wrongWith(attempts, content, undisturbed);
          return trouble === undefined ? [] : [{ seed, trouble, attempts }];
        }),
      );
      expect(troubles.flat()).toEqual([]);
    },
    180_000,
  );

  test('the runs have met every kind of fault', () => {
    const kinds = FAULTS.map(({ fault: { name } }) => name);
    expect([...met].filter((name) => name !== 'outage').sort()).toEqual([...new Set(kinds)].sort());
  });
});
