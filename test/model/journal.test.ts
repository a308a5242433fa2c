import { type Entry, replay, type Stamped, unfinishedRewrites } from '../../src/model/journal.js';

const ref = { apiVersion: 'v1', kind: 'Namespace', name: 'n' };
const cluster = { id: 'c', context: 'prod', version: 'v1.31.4' };
const started: Entry = { type: 'started', run: 'r1', cluster, command: 'wizard' };
const confirmed = (step: string, ids: string[], excluded: string[] = []): Entry => ({
  type: 'confirmed',
  step,
  hash: 'h',
  changes: ids.map((id) => ({ id, kind: 'apply', ref, hash: 'h' })),
  excluded,
});
const applied = (change: string): Entry => ({ type: 'applied', step: 's', change });
const stamped = (...entries: Entry[]): Stamped[] => entries.map((entry, i) => ({ ...entry, at: `t${i}` }));

test('a journal without a beginning tells nothing', () => {
  expect(replay([])).toBeUndefined();
  expect(replay(stamped(applied('a')))).toBeUndefined();
});

test('a run that has just begun is open', () => {
  expect(replay(stamped(started))).toMatchObject({
    run: 'r1',
    cluster,
    startedAt: 't0',
    lastAt: 't0',
    state: 'open',
    applied: [],
  });
});

test('the last answers of a step count', () => {
  const run = replay(
    stamped(
      started,
      { type: 'answered', step: 's', answers: { a: 1 } },
      { type: 'answered', step: 's', answers: { a: 2 } },
    ),
  );
  expect(run?.answers.get('s')).toEqual({ a: 2 });
});

test('a change that is confirmed or applied twice counts once', () => {
  const run = replay(
    stamped(
      started,
      confirmed('s', ['a', 'b']),
      applied('a'),
      confirmed('s', ['b', 'c'], ['d']),
      applied('b'),
      applied('a'),
    ),
  );
  expect(run?.confirmed.get('s')).toEqual(['a', 'b', 'c']);
  expect(run?.excluded.get('s')).toEqual(['d']);
  expect(run?.applied).toEqual(['a', 'b']);
});

test('a step that is confirmed after all is not skipped', () => {
  const skipped: Entry = { type: 'skipped', step: 's', reason: 'later' };
  expect(replay(stamped(started, skipped))?.skipped.get('s')).toBe('later');
  expect(replay(stamped(started, skipped, confirmed('s', [])))?.skipped.has('s')).toBe(false);
  expect(replay(stamped(started, confirmed('s', []), skipped))?.skipped.get('s')).toBe('later');
});

test('what is left or failed is not applied', () => {
  const run = replay(
    stamped(
      started,
      { type: 'applying', step: 's', change: 'a' },
      { type: 'left', step: 's', change: 'a', reason: 'x' },
      { type: 'failed', step: 's', change: 'b', reason: 'x' },
    ),
  );
  expect(run?.applied).toEqual([]);
});

test('a run that has ended is open again once something happens in it', () => {
  const ended: Entry = { type: 'ended', reason: 'interrupted' };
  expect(replay(stamped(started, ended))?.state).toBe('interrupted');
  expect(replay(stamped(started, ended, applied('a')))?.state).toBe('open');
  expect(replay(stamped(started, ended, applied('a'), { type: 'ended', reason: 'done' }))).toMatchObject({
    state: 'done',
    lastAt: 't3',
  });
});

describe('a re-write that was confirmed and did not come to its end', () => {
  const write = (...kinds: string[]): Entry => ({
    type: 'confirmed',
    step: 'e',
    hash: 'h',
    changes: kinds.map((kind) => ({
      id: `e/-/${kind}/*`,
      kind: 'rewrite',
      ref: { ...ref, kind },
      hash: 'h',
    })),
    excluded: [],
  });
  const ended = (kind: string) => applied(`e/-/${kind}/*`);
  const failed = (kind: string): Entry => ({
    type: 'failed',
    step: 'e',
    change: `e/-/${kind}/*`,
    reason: 'refused',
  });
  test.each<[string, Entry[], string[]]>([
    ['none', [confirmed('e', ['e/-/Secret/*'])], []],
    ['the second of two', [write('Secret', 'ConfigMap'), ended('Secret')], ['configmaps']],
    ['both ended', [write('Secret', 'ConfigMap'), ended('Secret'), ended('ConfigMap')], []],
    [
      'one that failed',
      [write('widgets.example.com'), failed('widgets.example.com')],
      ['widgets.example.com'],
    ],
    ['confirmed again', [write('ConfigMap'), ended('ConfigMap'), write('ConfigMap')], ['configmaps']],
    ['taken out since', [write('ConfigMap'), confirmed('e', [], ['e/-/ConfigMap/*'])], []],
  ])('%s', (_name, entries, expected) => {
    expect(unfinishedRewrites(stamped(started, ...entries))).toEqual(expected);
  });
});
