import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { harden, PROGRAM } from '../support/program.js';

interface RunsJson {
  runs: {
    run: string;
    undoes?: string;
    provisional?: { step: string; standing: string; until: string; changes: number }[];
  }[];
}

const APPLY = ['apply', '--step', 'quotas', '--confirm', 'sandbox'];

/** A state directory and an embedded cluster of its own, so that cases can run at the same time. */
async function placeIn(directory: string) {
  const env = { XDG_STATE_HOME: path.join(directory, 'state') };
  const target = ['--sandbox-file', path.join(directory, 'cluster.json')];
  const apply = (...args: string[]) => harden([...APPLY, ...target, ...args], env);
  const runs = async () => JSON.parse((await harden(['runs', '-o', 'json'], env)).stdout) as RunsJson;
  const standing = async () =>
    (await runs()).runs.flatMap((run) => run.provisional ?? []).map((one) => one.standing);
  /** Changes of the step that are pending: as before it was applied, or none. */
  const pending = async () => {
    const { stdout } = await harden(['plan', ...target, '--step', 'quotas', '-o', 'json'], env);
    return (JSON.parse(stdout) as { steps: { changes: unknown[] }[] }).steps[0]?.changes.length;
  };
  const runDirectory = async () => {
    const all = path.join(directory, 'state', 'kubectl-harden', 'runs');
    const [first = ''] = await readdir(all).catch(() => ['']);
    return path.join(all, first);
  };

  async function until(what: string, holds: () => Promise<boolean>, seconds = 90): Promise<void> {
    const end = Date.now() + 1000 * seconds;
    while (!(await holds())) {
      if (Date.now() > end) throw new Error(`waited for ${what}; ${JSON.stringify(await runs())}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  const untilIs = (word: string) => until(word, async () => (await standing()).includes(word));

  /** Processes that watch over the runs of this test. */
  async function guardians(): Promise<number[]> {
    const all = path.join(directory, 'state', 'kubectl-harden', 'runs');
    const found: number[] = [];
    for (const run of await readdir(all).catch(() => [])) {
      const folder = path.join(all, run, 'confirm');
      for (const name of await readdir(folder).catch(() => []))
        if (name.startsWith('lock.'))
          found.push((JSON.parse(await readFile(path.join(folder, name), 'utf8')) as { pid: number }).pid);
    }
    return found;
  }

  return { directory, env, target, apply, runs, standing, pending, runDirectory, until, untilIs, guardians };
}

type Place = Awaited<ReturnType<typeof placeIn>>;

/** A case that runs beside the others: most of its time goes by with waiting. */
function beside(name: string, body: (place: Place) => Promise<void>): void {
  test.concurrent(name, async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-keep-'));
    const place = await placeIn(directory);
    try {
      await body(place);
    } finally {
      for (const pid of await place.guardians()) end(pid, 'SIGKILL');
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    }
  }, 150_000);
}

describe('what takes itself back unless it is kept', () => {
  beside(
    'not kept: it is taken back, as a run of its own, and the plan is the one of before',
    async ({ env, apply, runs, pending, until, untilIs, guardians }) => {
      const before = await pending();
      expect(before).toBeGreaterThan(5);
      const applied = await apply('--confirm-within', '6s');
      expect(applied.code).toBe(0);
      expect(applied.stderr).toMatch(
        /Quotas is taken back at \d\d:\d\d:\d\d UTC, unless it is kept:\n +kubectl harden keep/,
      );
      await untilIs('takenBack');
      expect(await pending()).toBe(before);
      expect((await runs()).runs.map(({ undoes }) => undoes)).toEqual([
        undefined,
        (await runs()).runs[0]?.run,
      ]);
      expect((await harden(['runs'], env)).stdout).toMatch(/done; quotas taken back/);
      await until('the guardian to end', async () => (await guardians()).length === 0);
      const late = await harden(['keep'], env);
      expect(late).toMatchObject({ code: 2, stderr: expect.stringContaining('Nothing waits to be kept') });
    },
  );

  beside(
    'kept: it stays, the guardian ends, and an undo takes the run back as any other',
    async ({ env, target, apply, standing, pending, until, guardians }) => {
      await apply('--confirm-within', '5m');
      expect((await harden(['runs'], env)).stdout).toMatch(
        /quotas waiting for confirmation until \d\d:\d\d:\d\d UTC/,
      );
      expect(await standing()).toEqual(['waiting']);
      expect(await harden(['keep'], env)).toMatchObject({ code: 0, stderr: 'quotas: kept.' });
      await until('the guardian to end', async () => (await guardians()).length === 0);
      expect([await standing(), await pending()]).toEqual([['kept'], 0]);
      expect((await harden(['undo', ...target, '--confirm', 'sandbox'], env)).code).toBe(0);
      expect(await pending()).toBeGreaterThan(5);
    },
  );

  for (const signal of ['SIGKILL', 'SIGHUP'] as const)
    beside(
      `the terminal is lost (${signal}) while it writes: what was written is taken back`,
      async ({ env, target, pending, runDirectory, until, untilIs }) => {
        const before = await pending();
        const child = spawn(process.execPath, [PROGRAM, ...APPLY, ...target, '--confirm-within', '2s'], {
          env: { PATH: process.env.PATH, HOME: '/nonexistent', KUBECONFIG: '/nonexistent', ...env },
          stdio: 'ignore',
          detached: true,
        });
        const ended = once(child, 'exit');
        await until('a write', async () =>
          (await readFile(path.join(await runDirectory(), 'journal.jsonl'), 'utf8').catch(() => '')).includes(
            '"applied"',
          ),
        );
        // The whole group, as a terminal that goes does it.
        process.kill(-(child.pid ?? 0), signal);
        await ended;
        await untilIs('takenBack');
        expect(await pending()).toBe(before);
      },
    );

  beside(
    'the guardian is ended: the next command says so and names the way back, and the undo is that',
    async ({ env, target, apply, standing, pending, guardians }) => {
      const before = await pending();
      await apply('--confirm-within', '1h');
      const [guardian] = await guardians();
      end(guardian ?? 0, 'SIGKILL');
      const plan = await harden(['plan', ...target, '--step', 'namespaces'], env);
      expect(plan.stderr).toMatch(
        /quotas on sandbox was to be kept by .* the process that watched over it is gone/,
      );
      expect(plan.stderr).toMatch(/kubectl harden undo [0-9a-f]+/);
      expect(await standing()).toEqual(['unguarded']);
      expect((await harden(['undo', ...target, '--confirm', 'sandbox'], env)).code).toBe(0);
      expect([await standing(), await pending()]).toEqual([['takenBack'], before]);
      expect((await harden(['plan', ...target, '--step', 'namespaces'], env)).stderr).toBe('');
    },
  );

  beside(
    'a run that is removed from this machine leaves no guardian behind',
    async ({ directory, apply, until, guardians }) => {
      await apply('--confirm-within', '1h');
      const [guardian = 0] = await guardians();
      await rm(path.join(directory, 'state'), { recursive: true });
      await until('the guardian to end', async () => !isAlive(guardian));
    },
  );

  beside(
    'a health check decides when the time is up and not before, and the exit code tells how',
    async ({ env, target, apply, runs, standing, untilIs }) => {
      const asked: number[] = [];
      const server = createServer((_request, response) => {
        asked.push(Date.now());
        response.writeHead(302).end();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
      try {
        const passed = await apply('--confirm-within', '4s', '--health-check', url);
        expect({ code: passed.code, standing: await standing() }).toEqual({ code: 0, standing: ['kept'] });
        expect(passed.stderr).toMatch(/The health check decides at [\d:]+ UTC[\s\S]*quotas: kept\./);
        const until = (await runs()).runs.flatMap(({ provisional = [] }) => provisional)[0]?.until ?? '';
        expect(asked.map((at) => at >= Date.parse(until) - 1)).toEqual([true]);
      } finally {
        server.close();
      }
      await harden(['undo', ...target, '--confirm', 'sandbox'], env);
      const failed = await apply(
        '--confirm-within',
        '4s',
        '--health-check',
        `${process.execPath} -e 'process.exit(3)'`,
      );
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain('the health check did not pass');
      await untilIs('takenBack');
    },
  );

  beside(
    'what cannot take itself back is left, and said',
    async ({ env, target, standing, runDirectory }) => {
      const both = [
        '--step',
        'quotas',
        '--step',
        'encryption-at-rest',
        '--confirm',
        'sandbox',
        '--confirm-within',
        '1h',
      ];
      const applied = await harden(['apply', ...target, ...both], env);
      expect(applied.code).toBe(1);
      expect(applied.stderr).toMatch(/Encryption at rest was left: it cannot be taken back by itself/);
      const journal = await readFile(path.join(await runDirectory(), 'journal.jsonl'), 'utf8');
      expect(journal).not.toMatch(/"confirmed","step":"encryption/);
      expect(await standing()).toEqual(['waiting']);
    },
  );
});

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
