import fc from 'fast-check';
import type { Manifest } from '../../src/model/manifest.js';
import {
  BUILT_IN,
  candidateNamespaces,
  excluded,
  globMatches,
  namespaceKind,
  namespaceVerdict,
  systemNamespaces,
} from '../../src/model/namespaces.js';
import { ourLabels } from '../../src/model/ours.js';
import { hasOwner, namespaceNameFor, ownerOf } from '../../src/model/owners.js';
import { PROBE_COMPONENT, PROBE_PREFIX } from '../../src/model/policy-probe.js';
import { node } from '../support/objects.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

test.each([
  ['default', 'user'],
  ['shop', 'user'],
  ['kubeless', 'user'],
  ['my-istio-system', 'user'],
  ...BUILT_IN.map((name) => [name, 'system'] as const),
  ['kube-flannel', 'system'],
  ['tigera-operator', 'system'],
  ['ingress-nginx', 'infrastructure'],
  ['cert-manager', 'infrastructure'],
  ['linkerd-viz', 'infrastructure'],
] as const)('%s is of kind %s', (name, kind) => {
  expect(namespaceKind(snapshotOf(), namespace(name))).toBe(kind);
});

test.each([
  ['gke-managed-cim', { labels: { 'cloud.google.com/gke-nodepool': 'a' } }, []],
  ['amazon-cloudwatch', { kubeletVersion: 'v1.31.4-eks-1' }, []],
  ['openshift-monitoring', { labels: { 'node.openshift.io/os_id': 'rhcos' } }, []],
  ['cattle-fleet-local-system', {}, ['cattle-system']],
  ['fleet-default', {}, ['cattle-system']],
] as const)('%s is of the system on its distribution, and of its user elsewhere', (name, signs, others) => {
  const kind = (objects: readonly Manifest[]) => namespaceKind(snapshotOf({ objects }), namespace(name));
  expect(kind([node('n', signs), ...others.map((other) => namespace(other))])).toBe('system');
  expect(kind([node('n')])).toBe('user');
});

test('the scratch namespace of any run’s probe is nobody’s to change; its name alone does not make one', () => {
  const name = `${PROBE_PREFIX}0123456789ab`;
  const scratch = namespace(name, ourLabels(PROBE_COMPONENT));
  expect(namespaceVerdict(snapshotOf(), scratch)).toEqual({
    kind: 'system',
    why: 'scratch namespace of a live probe',
  });
  expect(namespaceKind(snapshotOf(), namespace(name))).toBe('user');
  expect(namespaceKind(snapshotOf(), namespace('shop', ourLabels(PROBE_COMPONENT)))).toBe('user');
});

test('where the distribution cannot be seen, its names are shown, not hidden', () => {
  const now = snapshotOf({ notVisible: { Node: 'forbidden' } });
  expect(namespaceKind(now, namespace('openshift-x'))).toBe('infrastructure');
  expect(namespaceVerdict(now, namespace('gke-x')).why).toContain('cannot be seen');
});

test('OpenShift is known by the annotations of its namespaces as well', () => {
  const annotations = { 'openshift.io/sa.scc.uid-range': '1000/1' };
  const any = object('v1', 'Namespace', undefined, 'any', { metadata: { annotations } });
  expect(namespaceKind(snapshotOf({ objects: [any] }), namespace('openshift-dns'))).toBe('system');
});

test('a name that only begins like one of a distribution is of its user', () => {
  const rancher = snapshotOf({ objects: [namespace('cattle-system'), node('n')] });
  expect(namespaceKind(rancher, namespace('fleet-tracking'))).toBe('user');
});

test('a label of its distribution makes a namespace one of the system; control-plane alone does not', () => {
  const now = snapshotOf();
  expect(namespaceKind(now, namespace('x', { 'openshift.io/run-level': '0' }))).toBe('system');
  expect(namespaceKind(now, namespace('shipping', { 'control-plane': 'yes' }))).toBe('infrastructure');
  expect(namespaceKind(now, namespace('x', { team: 'a' }))).toBe('user');
});

test('candidates are neither system, nor excluded, nor being deleted; sorted', () => {
  const ending = object('v1', 'Namespace', undefined, 'ending', { metadata: { deletionTimestamp: 'now' } });
  const now = snapshotOf({
    exclude: ['tmp-*'],
    objects: [...['z', 'a', 'kube-system', 'tmp-1', 'velero'].map((name) => namespace(name)), ending],
  });
  expect(candidateNamespaces(now).map((ns) => ns.metadata.name)).toEqual(['a', 'velero', 'z']);
  expect(systemNamespaces(now).map((ns) => ns.metadata.name)).toEqual(['kube-system']);
  expect(excluded(now, 'tmp-1')).toBe(true);
});

test.each([
  ['*', '', true],
  ['*', 'anything', true],
  ['team-*', 'team-a', true],
  ['team-*', 'my-team-a', false],
  ['?-b', 'a-b', true],
  ['?-b', 'aa-b', false],
  ['a.b', 'a.b', true],
  ['a.b', 'axb', false],
  ['[a]', 'a', false],
  ['(a|b)+', 'a', false],
  ['a$', 'a', false],
])('glob %s on %j: %s', (glob, name, matches) => {
  expect(globMatches(glob, name)).toBe(matches);
});

test('any text without wildcards matches itself and nothing else', () => {
  const plain = fc.string().filter((text) => !/[*?]/.test(text));
  fc.assert(fc.property(plain, plain, (a, b) => globMatches(a, b) === (a === b)));
});

test('wildcards mean what they mean as a regular expression', () => {
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 6 });
  const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
  fc.assert(
    fc.property(glob, name, (g, n) => {
      const source = g.replaceAll('*', '.*').replaceAll('?', '.');
      expect(globMatches(g, n)).toBe(new RegExp(`^${source}$`).test(n));
    }),
    { numRuns: 1000 },
  );
});

test('many wildcards against a long name end soon', () => {
  const started = performance.now();
  expect(globMatches(`${'*a'.repeat(30)}b`, 'a'.repeat(253))).toBe(false);
  expect(performance.now() - started).toBeLessThan(500);
});

describe('owners', () => {
  test.each([
    [{ team: 'a', owner: 'b' }, 'a'],
    [{ owner: 'b' }, 'b'],
    [{ 'example.com/team': 'a' }, 'a'],
    [{ 'app.kubernetes.io/owner': 'b', 'x.io/team': 'a' }, 'a'],
    [{ team: '' }, undefined],
    [{ steam: 'x', 'team-lead': 'y', ownership: 'z' }, undefined],
    [{ team: 7 }, undefined],
    ['team', undefined],
    [undefined, undefined],
  ])('%j names %s', (labels, owner) => {
    expect(ownerOf(labels)?.owner).toBe(owner);
  });

  test('a namespace says whose it is by label, annotation or project', () => {
    const annotated = (annotations: Record<string, string>) =>
      object('v1', 'Namespace', undefined, 'n', { metadata: { annotations } });
    expect(hasOwner(namespace('n', { team: 'a' }))).toBe(true);
    expect(hasOwner(annotated({ owner: 'a' }))).toBe(true);
    expect(hasOwner(annotated({ 'field.cattle.io/projectId': 'c:p' }))).toBe(true);
    expect(hasOwner(namespace('n', { app: 'a' }))).toBe(false);
  });

  test.each([
    ['Payments', 'payments'],
    ['Team A.B_c', 'team-a-b-c'],
    ['kube-ops', 'team-kube-ops'],
    ['default', 'team-default'],
    ['--x--', 'x'],
    ['_', undefined],
  ])('%s gets the namespace %s', (owner, name) => {
    expect(namespaceNameFor(owner)).toBe(name);
  });

  test('a name for an owner is always one that the API takes', () => {
    fc.assert(
      fc.property(fc.string(), (owner) => {
        const name = namespaceNameFor(owner) ?? 'none';
        expect(name).toMatch(/^(?!kube-)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
      }),
    );
  });
});
