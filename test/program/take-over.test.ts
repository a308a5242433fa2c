import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { harden } from '../support/program.js';

interface PlanJson {
  steps: { changes: { ref: string }[]; held?: { ref: string; why: string }[] }[];
}

/** The embedded cluster has one LimitRange that somebody else wrote. */
const FOREIGN = 'LimitRange payments/defaults';

test('what takes a choice of its own is shown with the manager, left out, and made with --take-over alone', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-take-over-'));
  try {
    const env = { XDG_STATE_HOME: path.join(directory, 'state') };
    const answers = path.join(directory, 'answers.yaml');
    await writeFile(answers, 'quotas: {namespaces: [payments, shop], amendExisting: true}\n');
    const target = [
      '--sandbox-file',
      path.join(directory, 'cluster.json'),
      '--step',
      'quotas',
      '--answers',
      answers,
    ];
    const plan = async () => {
      const { stdout } = await harden(['plan', ...target, '-o', 'json'], env);
      return (JSON.parse(stdout) as PlanJson).steps[0];
    };
    const refs = (some: readonly { ref: string }[] = []) => some.map(({ ref }) => ref);

    const before = await plan();
    expect(refs(before?.held)).toEqual([FOREIGN]);
    const [, manager = ''] = /belong to (.+) by now/.exec(before?.held?.[0]?.why ?? '') ?? [];
    expect(manager).toMatch(/^[a-z-]+$/);
    // The quota asks for what the LimitRange gives: it waits with it.
    expect(refs(before?.changes).filter((ref) => ref.includes('payments'))).toEqual([]);
    expect(refs(before?.changes)).toContain('ResourceQuota shop/namespace-quota');

    await harden(['generate', ...target, '--output-dir', path.join(directory, 'patches')], env);
    const script = await readFile(path.join(directory, 'patches', 'apply.sh'), 'utf8');
    const [, limits = '', quota = ''] =
      /# Left out: Fields that it writes belong to ([\s\S]*?)# Left out: It requires ([\s\S]*?)\n(?!#)/.exec(
        script,
      ) ?? [];
    expect(limits).toMatch(
      new RegExp(`^${manager} by now.*\n# apply --force-conflicts -f \\S*limitrange-payments`),
    );
    expect(quota).toMatch(/\n# apply -f \S*resourcequota-payments/);
    const runs = script.split('\n').filter((line) => /^apply .*-f/.test(line));
    expect(runs.length).toBeGreaterThan(0);
    expect(runs.filter((line) => line.includes('payments'))).toEqual([]);

    expect((await harden(['apply', ...target, '--confirm', 'sandbox'], env)).code).toBe(0);
    const left = await plan();
    expect([left?.changes, refs(left?.held)]).toEqual([[], [FOREIGN]]);

    const taking = await harden(['apply', ...target, '--confirm', 'sandbox', '--take-over'], env);
    expect(taking.code).toBe(0);
    expect(taking.stderr).toMatch(/done: LimitRange payments\/defaults[\s\S]*done: ResourceQuota payments\//);
    expect(await plan()).toMatchObject({ changes: [] });
    expect((await plan())?.held).toBeUndefined();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 60_000);
