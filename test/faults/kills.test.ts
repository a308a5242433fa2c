import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Beginning, beginning, contentOf, started } from './cluster.js';
import { numbers } from './plan.js';
import { faultProxy } from './proxy.js';
import { begunIn, inProcess, kubeconfigFor, wordsOf } from './runs.js';

/** How many runs are killed (`npm run test:faults` takes 200), and how many at a time. */
const KILLS = Number(process.env.FAULT_KILLS ?? 10);
const AT_ONCE = 3;
/** A run is killed as often at most; then it is left alone. */
const MOST = 3;

describe('a process that is killed at any moment', () => {
  let directory: string;
  let from: Beginning;
  let undisturbed: Record<string, string>;
  /** Requests of a run that nobody kills: any of them may be the last one of another. */
  let requests = 0;

  /**
   * Runs all steps on a cluster of their own; `kills` says for each attempt at which request the process is killed, how
   * long after it (milliseconds), and whether that request still reaches the server.
   */
  async function fullRun(name: string, kills: readonly { at: number; afterMs: number; arrives: boolean }[]) {
    const own = path.join(directory, name);
    await mkdir(own);
    const cluster = await started(from, own);
    const said: string[] = [];
    let code: number | undefined;
    let seen = 0;
    try {
      for (const kill of [...kills, undefined]) {
        let count = 0;
        let killed = () => {};
        const proxy = await faultProxy(cluster, () => {
          if (count++ !== kill?.at) return undefined;
          if (kill.arrives) setTimeout(() => killed(), kill.afterMs);
          else killed();
          return kill.arrives ? undefined : { name: 'killed', before: { reset: true } };
        });
        const run = await begunIn(own);
        const words = wordsOf(await kubeconfigFor(cluster, proxy.address, own), from, run);
        const child = inProcess(words, own);
        killed = () => child.kill('SIGKILL');
        const ended = await child;
        await proxy.close();
        seen = count;
        code = ended.exitCode;
        said.push(`${words[0]}: ${ended.signal ?? ended.exitCode}\n${ended.all}`);
        if (code === 0) break;
      }
    } finally {
      await cluster.close();
    }
    return { code, said, requests: seen, content: await contentOf(cluster.file) };
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

  const seeds = Array.from({ length: KILLS }, (_, n) => n + 1);
  const batches = Array.from({ length: Math.ceil(KILLS / AT_ONCE) }, (_, n) =>
    seeds.slice(n * AT_ONCE, (n + 1) * AT_ONCE),
  );
  test.each(batches.map((batch) => [batch.join(', '), batch] as const))(
    'resumed, it completes, and the cluster is the same: seeds %s',
    async (_, batch) => {
      const troubles = await Promise.all(
        batch.map(async (seed) => {
          const next = numbers(seed);
          const kills = Array.from({ length: 1 + Math.floor(next() * MOST) }, () => ({
            at: Math.floor(next() * requests),
            afterMs: Math.floor(next() * 20),
            arrives: next() < 0.7,
          }));
          const { code, said, content } = await fullRun(`seed-${seed}`, kills);
          const names = Object.keys({ ...content, ...undisturbed });
          const differing = names.filter((name) => content[name] !== undisturbed[name]);
          return code === 0 && differing.length === 0 ? [] : [{ seed, kills, code, differing, said }];
        }),
      );
      expect(troubles.flat()).toEqual([]);
    },
    240_000,
  );
});
