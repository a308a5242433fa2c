import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Beginning, beginning, contentOf, started } from './cluster.js';
import { differences, type Kill, killedAgain, killsOf, kubeconfigFor } from './runs.js';

/** How many runs are killed (`npm run test:faults` takes 200), the first seed of them, and how many at a time. */
const KILLS = Number(process.env.FAULT_KILLS ?? 10);
const FIRST = Number(process.env.FAULT_FIRST ?? 1);
const AT_ONCE = 3;

describe('a process that is killed at any moment', () => {
  let directory: string;
  let from: Beginning;
  let undisturbed: Record<string, string>;
  /** Requests of a run that nobody kills: any of them may be the last one of another. */
  let requests = 0;

  /** Runs all steps on a cluster of their own. */
  async function fullRun(name: string, kills: readonly Kill[]) {
    const own = path.join(directory, name);
    await mkdir(own);
    const cluster = await started(from, own);
    const kubeconfig = (address: string) => kubeconfigFor(cluster, address, own);
    const ended = await killedAgain({ cluster, own, given: from, kubeconfig }, kills).finally(() =>
      cluster.close(),
    );
    return { ...ended, content: await contentOf(cluster.file) };
  }

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-kills-'));
    from = await beginning(directory);
    const { code, said, requests: count, content } = await fullRun('undisturbed', []);
    if (code !== 0) throw new Error(`without a kill: ${code}\n${said.join('\n')}`);
    undisturbed = content;
    requests = count;
  }, 120_000);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const seeds = Array.from({ length: KILLS }, (_, n) => n + FIRST);
  const batches = Array.from({ length: Math.ceil(KILLS / AT_ONCE) }, (_, n) =>
    seeds.slice(n * AT_ONCE, (n + 1) * AT_ONCE),
  );
  test.each(batches.map((batch) => [batch.join(', '), batch] as const))(
    'resumed, it completes, and the cluster is the same: seeds %s',
    async (_, batch) => {
      const troubles = await Promise.all(
        batch.map(async (seed) => {
          const kills = killsOf(seed, requests);
          const { code, said, content } = await fullRun(`seed-${seed}`, kills);
          const differing = differences(content, undisturbed);
          return code === 0 && differing.length === 0 ? [] : [{ seed, kills, code, differing, said }];
        }),
      );
      expect(troubles.flat()).toEqual([]);
    },
    240_000,
  );
});
