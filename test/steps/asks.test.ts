import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from '../../src/cluster/connect.js';
import { parseAnswers } from '../../src/host/answers.js';
import { startSandbox } from '../../src/sandbox/index.js';
import { takeSnapshot } from '../../src/wizard/session.js';
import { STEPS } from '../../steps/index.js';
import { harden } from '../support/program.js';

test('every question that a step asks is among those that it says it may ask', async () => {
  const sandbox = await startSandbox();
  const cluster = await connect({ kubeconfigText: sandbox.kubeconfig, sandbox: true });
  try {
    const clock = { now: () => new Date(0) };
    const now = await takeSnapshot({ cluster, clock }, { steps: STEPS, exclude: [] });
    const asked = STEPS.map((step) => [step.id, step.questions(now).map((question) => question.id)] as const);
    expect(asked.flatMap(([, ids]) => ids).length).toBeGreaterThan(5);
    for (const [index, [, ids]] of asked.entries())
      expect(STEPS[index]?.asks).toEqual(expect.arrayContaining(ids));
  } finally {
    await cluster.close();
    await sandbox.close();
  }
});

test.each(STEPS.map((step) => step.id))(
  'a question that %s never asks is a mistake in an answers file',
  (id) => {
    expect(() => parseAnswers(`${id}:\n  namespacse: all\n`, 'answers.yaml', STEPS)).toThrow(
      `answers.yaml:2: step ${id} asks no question 'namespacse'; it asks `,
    );
  },
);

test('one answers file serves before and after applying', async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'answers-'));
  try {
    const answers = path.join(home, 'answers.yaml');
    writeFileSync(
      answers,
      `namespaces: {newNamespaces: all, moreNamespaces: ''}
default-deny: {namespaces: [shop, payments], sameNamespace: true}
quotas: {namespaces: ['shop*', payments], headroom: 30, limits: false, amendExisting: true}
encryption-at-rest: {provider: secretbox, enable: true, rewrite: true}
metadata-blocking: {namespaces: none}
`,
    );
    const env = { HOME: home, XDG_STATE_HOME: path.join(home, 'state') };
    const flags = ['--sandbox-file', path.join(home, 'cluster.json'), '--answers', answers];
    expect((await harden(['plan', ...flags], env)).code).toBe(1);
    expect((await harden(['apply', ...flags, '--confirm', 'sandbox'], env)).code).toBe(0);
    const after = await harden(['plan', ...flags], env);
    expect({ code: after.code, plan: /^Plan: .*$/m.exec(after.stdout)?.[0] }).toEqual({
      code: 0,
      plan: 'Plan: nothing to change.',
    });
    expect(after.stderr).toContain("encryption-at-rest does not ask 'enable' as the cluster stands");
  } finally {
    rmSync(home, { recursive: true });
  }
}, 120_000);
