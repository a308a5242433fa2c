import fc from 'fast-check';
import { diffOf, masked, normalised } from '../../src/model/diff.js';
import type { Manifest } from '../../src/model/manifest.js';
import { object } from '../support/snapshot.js';

const text = (before: Manifest | undefined, after: Manifest | undefined) =>
  diffOf(before, after).map(({ sign, text }) => `${sign}${text}`);
const quota = (hard: object, metadata: object = {}) =>
  object('v1', 'ResourceQuota', 'a', 'q', { metadata: metadata as Record<string, unknown>, spec: { hard } });

test('a new object is all additions, a deleted one all removals', () => {
  expect(text(undefined, quota({ pods: '1' }))).toEqual([
    '+apiVersion: v1',
    '+kind: ResourceQuota',
    '+metadata:',
    '+  name: q',
    '+  namespace: a',
    '+spec:',
    '+  hard:',
    '+    pods: "1"',
  ]);
  expect(diffOf(quota({ pods: '1' }), undefined).every(({ sign }) => sign === '-')).toBe(true);
  expect(diffOf(undefined, undefined)).toEqual([]);
});

test('only what changes is marked', () => {
  expect(text(quota({ pods: '1', cpu: '2' }), quota({ pods: '3', cpu: '2' })).slice(-3)).toEqual([
    '     cpu: "2"',
    '-    pods: "1"',
    '+    pods: "3"',
  ]);
});

test('what the server owns is no difference, nor is the order of keys', () => {
  const live = {
    ...quota(
      { pods: '1', cpu: '2' },
      {
        uid: 'u',
        resourceVersion: '7',
        generation: 2,
        creationTimestamp: 'now',
        managedFields: [{}],
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      },
    ),
    status: { used: { pods: '1' } },
  };
  expect(text(live, quota({ cpu: '2', pods: '1' })).every((line) => line.startsWith(' '))).toBe(true);
  expect(normalised(live).metadata).toEqual({ name: 'q', namespace: 'a' });
});

test('other annotations stay, and the object itself is not touched', () => {
  const live = quota(
    {},
    { uid: 'u', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', a: 'b' } },
  );
  const copy = structuredClone(live);
  expect(normalised(live).metadata.annotations).toEqual({ a: 'b' });
  expect(live).toEqual(copy);
});

describe('values of Secrets', () => {
  const secret: Manifest = {
    ...object('v1', 'Secret', 'a', 's', {
      metadata: {
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"k":"cGxhbnRlZA=="}}' },
      },
    }),
    type: 'Opaque',
    data: { k: 'cGxhbnRlZA==' },
    stringData: { l: 'planted' },
  };

  test('never show, in whatever field they are', () => {
    const shown = JSON.stringify(diffOf(secret, { ...secret, data: { k: 'cGxhbnRlZA==', m: 'planted' } }));
    expect(shown).not.toMatch(/planted|cGxhbnRlZA/);
    expect(shown).toContain('m: \\"***\\"');
  });

  test('are hidden in Secrets only', () => {
    expect(masked(secret)).toMatchObject({ data: { k: '***' }, stringData: { l: '***' }, type: 'Opaque' });
    const config = object('v1', 'ConfigMap', 'a', 'c', { data: { k: 'v' } });
    expect(masked(config)).toBe(config);
  });
});

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    tie('list'),
    tie('map'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  map: fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), tie('value'), { maxKeys: 4 }),
}));
const manifests = json.map.map((spec) => object('v1', 'ConfigMap', 'a', 'c', { spec }));

test('without the added lines a difference is the old text, without the removed ones the new', () => {
  fc.assert(
    fc.property(manifests, manifests, (before, after) => {
      const lines = diffOf(before, after);
      const side = (sign: '+' | '-') => lines.filter((l) => l.sign !== sign).map((l) => l.text);
      expect(side('+')).toEqual(diffOf(undefined, before).map((l) => l.text));
      expect(side('-')).toEqual(diffOf(undefined, after).map((l) => l.text));
    }),
  );
});

test('equal objects differ in no line', () => {
  fc.assert(fc.property(manifests, (m) => diffOf(m, structuredClone(m)).every(({ sign }) => sign === ' ')));
});

test('thousands of lines that all differ are told apart in no time, ends that are the same still shown as such', () => {
  const long = (prefix: string) =>
    object('v1', 'ConfigMap', 'a', 'c', {
      spec: { list: Array.from({ length: 5000 }, (_, i) => `${prefix}${i}`), z: 1 },
    });
  const started = performance.now();
  const lines = diffOf(long('a'), long('b'));
  expect(performance.now() - started).toBeLessThan(4000);
  expect(lines.filter(({ sign }) => sign === '-')).toHaveLength(5000);
  expect(lines.filter(({ sign }) => sign === '+')).toHaveLength(5000);
  expect(lines.at(-1)).toEqual({ sign: ' ', text: '  z: 1' });
  expect(lines[0]).toEqual({ sign: ' ', text: 'apiVersion: v1' });
});
