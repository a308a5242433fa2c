import fc from 'fast-check';
import { loadTemplates } from '../../src/host/templates.js';
import type { Manifest } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import { type Answers, completeAnswers } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { namespaces as step } from '../../steps/namespaces.js';
import { expectGolden, manifestsIn, yamlText } from '../support/golden.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const planOf = (now: Snapshot, given: Answers = {}) =>
  step.plan(now, completeAnswers(step.questions(now), given, true), templates);
const findings = (now: Snapshot) =>
  step.assess(now, {}).map(({ id, object }) => `${id} ${object?.name ?? ''}`.trim());

const pod = (ns: string, name: string, labels: Record<string, string> = {}): Manifest =>
  object('v1', 'Pod', ns, name, {
    metadata: { labels },
    spec: { containers: [{ name: 'c' }] },
    status: { phase: 'Running' },
  });

test('a shop with misplaced workloads: findings, questions and changes', () => {
  const now = snapshotOf({ objects: manifestsIn('namespaces/shop/cluster.yaml') });
  const answers = completeAnswers(
    step.questions(now),
    { moreNamespaces: 'legacy=old, web-front=Team.Web' },
    true,
  );
  const text = yamlText({
    questions: step.questions(now),
    findings: step.assess(now, answers),
    changes: step.plan(now, answers, templates),
  });
  expectGolden('namespaces/shop/plan.golden.yaml', text);
});

test('after the changes there are no more, and each team has its namespace', () => {
  const now = snapshotOf({ objects: manifestsIn('namespaces/shop/cluster.yaml') });
  const changes = planOf(now);
  expect(changes.map(({ id }) => id)).toEqual([
    'namespaces/-/Namespace/observability',
    'namespaces/-/Namespace/payments',
    'namespaces/-/Namespace/team-data',
  ]);
  const after = overlay(now, changes);
  expect(planOf(after)).toEqual([]);
  expect(findings(after).filter((id) => id.startsWith('team-without'))).toEqual([]);
});

test('a new namespace carries the name label, which servers below 1.21 do not set', () => {
  const now = snapshotOf({
    version: '1.20',
    objects: [namespace('default'), pod('default', 'a', { team: 'pay' })],
  });
  expect(
    planOf(now).map((change) => (change.kind === 'apply' ? change.manifest.metadata : undefined)),
  ).toEqual([
    {
      name: 'pay',
      labels: {
        owner: 'pay',
        'app.kubernetes.io/managed-by': 'kubectl-harden',
        'kubernetes.io/metadata.name': 'pay',
      },
    },
  ]);
});

test('what could not be seen is said, and nothing is proposed from it', () => {
  const now = snapshotOf({
    objects: [pod('default', 'a', { team: 'pay' })],
    notVisible: { Namespace: 'forbidden' },
  });
  expect(
    step
      .assess(now, {})
      .filter((f) => f.severity === 'notVisible')
      .map((f) => f.evidence),
  ).toEqual(['Namespace: forbidden']);
  expect(planOf(now, { moreNamespaces: 'a=b' })).toEqual([]);
});

test('excluded namespaces are neither judged nor created', () => {
  const now = snapshotOf({
    exclude: ['default', 'pay*', 'own'],
    objects: [namespace('default'), namespace('own'), pod('default', 'a', { team: 'pay' })],
  });
  expect(findings(now)).toEqual([]);
  expect(planOf(now, { moreNamespaces: 'payments=pay' })).toEqual([]);
});

test.each([
  ['', []],
  ['a=b', ['a']],
  [' a = b , c = D.e ', ['a', 'c']],
  ['a=b,a=c', ['a']],
  ['default=b', []],
  ['kube-extra=b', []],
  ['a', []],
  ['a=b,', []],
  ['A=b', []],
  ['a=b;c=d', []],
])('the typed list %j creates %j', (text, names) => {
  const now = snapshotOf({ objects: [namespace('default')] });
  expect(planOf(now, { moreNamespaces: text }).map(({ ref }) => ref.name)).toEqual(names);
});

test('the pattern of the typed list accepts what is planned and nothing else', () => {
  const [question] = step.questions(snapshotOf()).filter((q) => q.id === 'moreNamespaces');
  if (question?.type !== 'text' || question.pattern === undefined) throw new Error('no pattern');
  const pattern = new RegExp(question.pattern.source);
  expect(['', 'a=b', 'a=b, c=d'].every((text) => pattern.test(text))).toBe(true);
  expect(['a', 'a=', '=b', 'kube-a=b', 'a=b,', 'a=b c=d'].some((text) => pattern.test(text))).toBe(false);
});

describe('for any cluster', () => {
  const team = fc.constantFrom('pay', 'Pay', 'shop', 'kube-ops', 'default', '_', 'a.b', 'x'.repeat(63), '9');
  const labels = fc.dictionary(fc.constantFrom('team', 'owner', 'acme.io/team', 'app', 'k8s-app'), team);
  const place = fc.constantFrom('default', 'kube-system', 'kube-public', 'shop', 'pay');
  const clusters = fc
    .record({
      namespaces: fc.uniqueArray(
        fc.record({ name: fc.constantFrom('shop', 'pay', 'a-b', 'team-pay', '9'), labels }),
        {
          selector: ({ name }) => name,
        },
      ),
      pods: fc.array(fc.record({ place, labels }), { maxLength: 8 }),
    })
    .map(({ namespaces, pods }) =>
      snapshotOf({
        objects: [
          ...['default', 'kube-system', 'kube-public'].map((name) => namespace(name)),
          ...namespaces.map(({ name, labels }) => namespace(name, labels)),
          ...pods.map(({ place, labels }, i) => pod(place, `p${i}`, labels)),
        ],
      }),
    );

  test('only valid, new names are proposed, and after them no more', () => {
    fc.assert(
      fc.property(clusters, (now) => {
        const changes = planOf(now);
        const existing = objects(now, 'Namespace').map((ns) => ns.metadata.name);
        for (const { ref, ...change } of changes) {
          expect(ref.name).toMatch(/^(?!kube-)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
          expect('before' in change).toBe(false);
          expect(existing).not.toContain(ref.name);
        }
        expect(new Set(changes.map(({ id }) => id)).size).toBe(changes.length);
        expect(planOf(overlay(now, changes))).toEqual([]);
      }),
    );
  });
});
