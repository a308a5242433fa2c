import fc from 'fast-check';
import { refOf } from '../../src/model/manifest.js';
import { type ApplyChange, type Change, canonical, hashOf, planOf, without } from '../../src/model/plan.js';
import { object } from '../support/snapshot.js';

const change = (id: string, more: Partial<ApplyChange> = {}): ApplyChange => {
  const manifest = object('v1', 'ConfigMap', 'a', id);
  return { kind: 'apply', id, ref: refOf(manifest), risk: 'none', why: '', breaks: [], manifest, ...more };
};

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, shuffled(inner)]),
  );
}

test('the hash does not depend on the order of keys', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => hashOf(shuffled(value)) === hashOf(value)));
});

test('canonical text is JSON of the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('any change of a plan changes its hash, the order of changes too', () => {
  const plans = [
    [],
    [change('a')],
    [change('b')],
    [change('a'), change('b')],
    [change('b'), change('a')],
    [change('a', { force: true })],
    [change('a', { manifest: object('v1', 'ConfigMap', 'a', 'a', { data: { k: 'v' } }) })],
  ].map((changes) => planOf('s', changes).hash);
  expect(new Set(plans).size).toBe(plans.length);
  expect(plans[0]).toMatch(/^[0-9a-f]{64}$/);
});

test('the basis of a plan is what its objects were: uid and version, or that they were not', () => {
  const before = object('v1', 'ConfigMap', 'a', 'old', { metadata: { uid: 'u', resourceVersion: '7' } });
  const other: Change = {
    kind: 'cloud',
    id: 'c',
    ref: refOf(before),
    risk: 'none',
    why: '',
    breaks: [],
    command: ['x'],
  };
  expect(planOf('s', [change('new'), change('old', { before }), other]).basis).toEqual([
    { ref: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'a', name: 'new' } },
    {
      ref: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'a', name: 'old' },
      uid: 'u',
      resourceVersion: '7',
    },
  ]);
});

describe('leaving changes out', () => {
  const changes = [
    change('a'),
    change('b', { requires: ['a'] }),
    change('c', { requires: ['b'] }),
    change('d'),
  ];
  test.each([
    [[], ['a', 'b', 'c', 'd']],
    [['d'], ['a', 'b', 'c']],
    [['c'], ['a', 'b', 'd']],
    [['a'], ['d']],
    [['elsewhere'], ['a', 'b', 'c', 'd']],
  ])('without %j there remain %j', (excluded, remain) => {
    expect(without(changes, excluded).map(({ id }) => id)).toEqual(remain);
    expect(without(changes.toReversed(), excluded).map(({ id }) => id)).toEqual(remain.toReversed());
  });
});
