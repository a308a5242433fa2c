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

describe('what takes itself back unless it is kept', () => {
  let directory: string;
  let env: Record<string, string>;
  let target: string[];
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-keep-'));
    env = { XDG_STATE_HOME: path.join(directory, 'state') };
    target = ['--sandbox-file', path.join(directory, 'cluster.json')];
  });
  afterEach(async () => {
    for (const pid of await guardians()) end(pid, 'SIGKILL');
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  const APPLY = ['apply', '--step', 'quotas', '--confirm', 'sandbox'];
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

  async function until(what: string, holds: () => Promise<boolean>, seconds = 40): Promise<void> {
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

  test('not kept: it is taken back, as a run of its own, and the plan is the one of before', async () => {
    const before = await pending();
    expect(before).toBeGreaterThan(5);
    const applied = await apply('--confirm-within', '2s');
    expect(applied.code).toBe(0);
    expect(applied.stderr).toMatch(
      /Quotas is taken back at \d\d:\d\d:\d\d UTC, unless it is kept:\n +kubectl harden keep/,
    );
    await untilIs('takenBack');
    expect(await pending()).toBe(before);
    expect((await runs()).runs.map(({ undoes }) => undoes)).toEqual([undefined, (await runs()).runs[0]?.run]);
    expect((await harden(['runs'], env)).stdout).toMatch(/done; quotas taken back/);
    await until('the guardian to end', async () => (await guardians()).length === 0);
    const late = await harden(['keep'], env);
    expect(late).toMatchObject({ code: 2, stderr: expect.stringContaining('Nothing waits to be kept') });
  }, 90_000);

  test('kept: it stays, the guardian ends, and an undo takes the run back as any other', async () => {
    await apply('--confirm-within', '20s');
    expect((await harden(['runs'], env)).stdout).toMatch(
      /quotas waiting for confirmation until \d\d:\d\d:\d\d UTC/,
    );
    expect(await standing()).toEqual(['waiting']);
    expect(await harden(['keep'], env)).toMatchObject({ code: 0, stderr: 'quotas: kept.' });
    await until('the guardian to end', async () => (await guardians()).length === 0);
    expect([await standing(), await pending()]).toEqual([['kept'], 0]);
    expect((await harden(['undo', ...target, '--confirm', 'sandbox'], env)).code).toBe(0);
    expect(await pending()).toBeGreaterThan(5);
  }, 90_000);

  test.each(['SIGKILL', 'SIGHUP'] as const)(
    'the terminal is lost (%s) while it writes: what was written is taken back',
    async (signal) => {
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
    90_000,
  );

  test('the guardian is ended: the next command says so and names the way back, and the undo is that', async () => {
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
  }, 90_000);

  test('a run that is removed from this machine leaves no guardian behind', async () => {
    await apply('--confirm-within', '1h');
    const [guardian = 0] = await guardians();
    await rm(path.join(directory, 'state'), { recursive: true });
    await until('the guardian to end', async () => !isAlive(guardian));
  }, 90_000);

  test('a health check decides when the time is up, and the exit code tells how', async () => {
    const server = createServer((_request, response) => response.writeHead(302).end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
    try {
      const passed = await apply('--confirm-within', '2s', '--health-check', url);
      expect({ code: passed.code, standing: await standing() }).toEqual({ code: 0, standing: ['kept'] });
      expect(passed.stderr).toMatch(/The health check decides at [\d:]+ UTC[\s\S]*quotas: kept\./);
    } finally {
      server.close();
    }
    await harden(['undo', ...target, '--confirm', 'sandbox'], env);
    const failed = await apply(
      '--confirm-within',
      '2s',
      '--health-check',
      `${process.execPath} -e 'process.exit(3)'`,
    );
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('the health check did not pass');
    await untilIs('takenBack');
  }, 120_000);

  test('what cannot take itself back is left, and said', async () => {
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
  }, 60_000);
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
