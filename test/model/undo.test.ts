import type { Entry } from '../../src/model/journal.js';
import type { Manifest } from '../../src/model/manifest.js';
import { deedsOf, isAsLeft } from '../../src/model/undo.js';

const ref = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name });
const confirmed = (...names: string[]): Entry => ({
  type: 'confirmed',
  step: 's',
  hash: '',
  changes: names.map((name) => ({ id: name, kind: 'apply', ref: ref(name), hash: '' })),
  excluded: [],
});
const applying = (change: string, before?: string): Entry => ({
  type: 'applying',
  step: 's',
  change,
  ...(before === undefined ? {} : { before }),
});
const applied = (change: string, after: string): Entry => ({ type: 'applied', step: 's', change, after });
const deeds = (...entries: Entry[]) => deedsOf(entries.map((entry) => ({ ...entry, at: '' })));

describe('what a run did, by its journal', () => {
  test('newest first', () => {
    const found = deeds(
      confirmed('a', 'b'),
      applying('a'),
      applied('a', '1'),
      applying('b'),
      applied('b', '2'),
    );
    expect(found.map(({ change }) => change)).toEqual(['b', 'a']);
  });

  test('confirmed and not begun is no deed', () => {
    expect(deeds(confirmed('a'))).toEqual([]);
  });

  test('written twice: as it was before the first write and after the last', () => {
    const found = deeds(
      confirmed('a'),
      applying('a', 'at first'),
      applied('a', 'between'),
      applying('a', 'between'),
      applied('a', 'at last'),
    );
    expect(found).toMatchObject([{ before: 'at first', after: 'at last', created: false, unheard: false }]);
  });

  test('created and then changed again is still created', () => {
    const found = deeds(
      confirmed('a'),
      applying('a'),
      applied('a', '1'),
      applying('a', '1'),
      applied('a', '2'),
    );
    expect(found).toMatchObject([{ created: true, after: '2' }]);
  });

  test('a run that died over a write never heard of it', () => {
    expect(deeds(confirmed('a'), applying('a'))).toMatchObject([{ created: true, unheard: true }]);
    const again = deeds(confirmed('a'), applying('a'), applied('a', '1'), applying('a', '1'));
    expect(again).toMatchObject([{ created: true, after: '1', unheard: true }]);
  });
});

describe('a write that nobody heard of', () => {
  const entry = (manager: string, time: number, more: object = {}) => ({
    manager,
    operation: manager === 'kubectl-harden' ? 'Apply' : 'Update',
    time: new Date(1000 * time).toISOString(),
    fieldsV1: { 'f:spec': {} },
    ...more,
  });
  const object = (resourceVersion: string, ...managedFields: object[]): Manifest => ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q', namespace: 'shop', uid: 'u', resourceVersion, managedFields },
  });
  const before = object('1', entry('kubectl', 1));
  const status = { fieldsV1: { 'f:status': {} } };

  test.each<[string, Manifest | undefined, Manifest, boolean]>([
    ['created, and nobody came since', undefined, object('2', entry('kubectl-harden', 5)), true],
    [
      'changed, and nobody came since',
      before,
      object('2', entry('kubectl', 1), entry('kubectl-harden', 5)),
      true,
    ],
    [
      'its status was written since',
      undefined,
      object('3', entry('kubectl-harden', 5), entry('kcm', 9, status)),
      true,
    ],
    [
      'the same, as newer servers say it',
      undefined,
      object('3', entry('kubectl-harden', 5), entry('kcm', 9, { subresource: 'status' })),
      true,
    ],
    ['somebody came since', undefined, object('3', entry('kubectl-harden', 5), entry('kubectl', 9)), false],
    ['somebody else made it', undefined, object('3', entry('kubectl', 9)), false],
    ['it was never made', before, before, false],
    [
      'another object has its name',
      before,
      { ...object('9', entry('kubectl-harden', 5)), metadata: { name: 'q', uid: 'v', resourceVersion: '9' } },
      false,
    ],
  ])('%s', (_name, old, live, is) => {
    expect(isAsLeft(old, live)).toBe(is);
  });
});
