import { loadTemplates } from '../../src/host/templates.js';
import type { Manifest } from '../../src/model/manifest.js';
import type { ProbeFacts } from '../../src/model/policy-probe.js';
import { type Answers, completeAnswers, needsAnswer } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { defaultDeny as step } from '../../steps/default-deny.js';
import { coreDns, daemonSet, pod } from '../support/objects.js';
import { namespace, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const real = (...plugin: Manifest[]): Snapshot =>
  snapshotOf({
    objects: [
      namespace('kube-system'),
      namespace('shop'),
      ...coreDns(),
      pod('shop', 'web', { app: 'web' }),
      ...plugin,
    ],
  });
const tried = (now: Snapshot, verdict: ProbeFacts['verdict']): Snapshot => ({
  ...now,
  policyProbe: { verdict, evidence: ['seen'], at: '2026-01-01T00:00:00Z', interrupted: false, left: [] },
});
const ids = (now: Snapshot) => step.questions(now).map(({ id }) => id);
const planned = (now: Snapshot, given: Answers = {}) =>
  step.plan(now, completeAnswers(step.questions(now), { namespaces: ['shop'], ...given }, false), templates)
    .length;
const FLANNEL = daemonSet('kube-flannel', 'kube-flannel-ds');

test.each<[string, Snapshot, string]>([
  ['a plugin that enforces', real(daemonSet('kube-system', 'calico-node')), 'they are.'],
  ['one that does not', real(FLANNEL), 'they are not.'],
  ['one that is not known', real(), 'What can be read does not tell.'],
])('with %s a live probe is offered, default no, and needs no answer', (_name, now, help) => {
  const question = step.questions(now).find(({ id }) => id === 'probe');
  expect(question).toMatchObject({ recommended: false, cautious: false });
  expect(question?.help).toContain(help);
  expect(question === undefined || needsAnswer(question)).toBe(false);
  expect(step.probes?.(now, { probe: false })).toBe(false);
  expect(step.probes?.(now, {})).toBe(false);
  expect(step.probes?.(now, { probe: true })).toBe(true);
});

test('nothing is offered where no pod can run, and nothing twice', () => {
  const now = real();
  const embedded = { ...now, cluster: { ...now.cluster, sandbox: true } };
  const files: Snapshot = { ...now, cluster: { ...now.cluster, files: true } };
  for (const other of [embedded, files, tried(now, 'enforced'), tried(now, 'inconclusive')]) {
    expect(ids(other)).not.toContain('probe');
    expect(step.probes?.(other, { probe: true })).toBe(false);
  }
});

test('the verdict decides over what could be read', () => {
  expect(planned(real())).toBeGreaterThan(0);
  expect(planned(tried(real(), 'notEnforced'))).toBe(0);
  expect(ids(tried(real(), 'notEnforced'))).toContain('anyway');
  expect(planned(tried(real(), 'notEnforced'), { anyway: true })).toBeGreaterThan(0);
  expect(planned(real(FLANNEL))).toBe(0);
  expect(planned(tried(real(FLANNEL), 'enforced'))).toBeGreaterThan(0);
  expect(planned(tried(real(FLANNEL), 'inconclusive'))).toBe(0);
});

test('findings name the verdict, or how to come to one', () => {
  const about = (now: Snapshot) => step.assess(now, {}).filter(({ id }) => id.startsWith('polic'));
  expect(about(real())).toMatchObject([{ id: 'policy-enforcement-not-visible', severity: 'notVisible' }]);
  expect(about(real())[0]?.message).toContain('kubectl harden probe');
  expect(about(tried(real(), 'enforced'))).toEqual([]);
  expect(about(tried(real(), 'notEnforced'))).toMatchObject([
    { id: 'policies-not-enforced', evidence: expect.stringContaining('live probe: seen') },
  ]);
});
