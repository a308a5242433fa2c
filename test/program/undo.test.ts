import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { harden } from '../support/program.js';

interface PlanJson {
  steps: { id: string; changes: { id: string; kind: string }[] }[];
}

describe('undo on the embedded cluster', () => {
  let directory: string;
  let env: Record<string, string>;
  let target: string[];
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-undo-'));
    env = { XDG_STATE_HOME: path.join(directory, 'state') };
    target = ['--sandbox-file', path.join(directory, 'cluster.json')];
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const planned = async (...steps: string[]) => {
    const flags = steps.flatMap((step) => ['--step', step]);
    const ran = await harden(['plan', ...target, ...flags, '-o', 'json'], env);
    const { steps: all } = JSON.parse(ran.stdout) as PlanJson;
    return all.flatMap(({ changes }) => changes.map(({ id }) => id)).sort();
  };
  const OBJECTS = ['namespaces', 'default-deny', 'quotas'];
  const flags = OBJECTS.flatMap((step) => ['--step', step]);

  test('after apply and undo the plan is the one of before, and the runs say so', async () => {
    const before = await planned(...OBJECTS);
    expect(before.length).toBeGreaterThan(20);
    expect((await harden(['apply', ...target, ...flags, '--confirm', 'sandbox'], env)).code).toBe(0);
    expect(await planned(...OBJECTS)).toEqual([]);

    const undo = await harden(['undo', ...target, '--confirm', 'sandbox'], env);
    expect(undo).toMatchObject({ code: 0, stdout: '' });
    expect(await planned(...OBJECTS)).toEqual(before);
    const runs = (await harden(['runs'], env)).stdout;
    expect(runs).toMatch(/undone by [0-9a-f]+[\s\S]*undo of [0-9a-f]+: done/);

    const again = await harden(['undo', ...target, '--confirm', 'sandbox'], env);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('No run on sandbox has writes that could be taken back');
  }, 120_000);

  test('encryption that was turned on is taken off in rounds, and what was refused stays and is named', async () => {
    const before = await planned('encryption-at-rest');
    await harden(['apply', ...target, '--step', 'encryption-at-rest', '--confirm', 'sandbox'], env);
    const answers = path.join(directory, 'answers.yaml');
    await writeFile(answers, 'undo: {decrypt: false}\n');
    const kept = await harden(['undo', ...target, '--answers', answers, '--confirm', 'sandbox'], env);
    expect(kept.code).toBe(1);
    expect(await planned('encryption-at-rest')).toEqual([]);

    const undo = await harden(['undo', ...target, '--confirm', 'sandbox'], env);
    expect(undo).toMatchObject({ code: 0, stderr: expect.stringContaining('Proven: ') });
    const done = [...undo.stderr.matchAll(/\[ok\] done: ([^:]+):/g)].map(([, what]) => what);
    expect(done).toEqual([
      'EncryptionConfiguration encryption-config',
      'every Secret',
      'EncryptionConfiguration encryption-config-remove',
    ]);
    expect(await planned('encryption-at-rest')).toEqual(before);
  }, 60_000);

  test('the wrong context, no terminal and a run that is not there are refused before anything is written', async () => {
    await harden(['apply', ...target, '--step', 'namespaces', '--confirm', 'sandbox'], env);
    const cases: [string[], string][] = [
      [['undo', ...target], '--confirm CONTEXT'],
      [['undo', ...target, '--confirm', 'production'], "--confirm names 'production'"],
      [['undo', '0000', ...target, '--confirm', 'sandbox'], "There is no run '0000'"],
      [['undo', '--sandbox', '--confirm', 'sandbox'], 'No run on sandbox has writes'],
    ];
    for (const [args, words] of cases) {
      const ran = await harden(args, env);
      expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining(words) });
    }
    expect(await planned('namespaces')).toEqual([]);
  }, 60_000);
});
