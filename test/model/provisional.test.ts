import fc from 'fast-check';
import type { Entry, Stamped } from '../../src/model/journal.js';
import {
  isDue,
  leftText,
  provisionalsOf,
  spanText,
  standingOf,
  type Watched,
  waitToTakeBack,
  writesOf,
} from '../../src/model/provisional.js';
import { wordsOf } from '../../src/model/shell.js';

const from = { context: 'prod' };
let second = 0;
const at = (entry: Entry): Stamped => ({
  ...entry,
  at: new Date(Date.UTC(2026, 0, 1) + 1000 * second++).toISOString(),
});
const confirmed = (step: string) => at({ type: 'confirmed', step, hash: '', changes: [], excluded: [] });
const provisional = (id: string, seconds = 60) =>
  at({ type: 'provisional', id, step: id.split('.')[0] ?? '', seconds, from });
const writes = (step: string, change: string): Stamped[] => [
  at({ type: 'applying', step, change }),
  at({ type: 'applied', step, change }),
];

describe('what a run writes provisionally', () => {
  const journal = [
    confirmed('quotas'),
    ...writes('quotas', 'for-good'),
    confirmed('quotas'),
    provisional('quotas.1'),
    ...writes('quotas', 'a'),
    confirmed('default-deny'),
    provisional('default-deny.1', 5),
    ...writes('default-deny', 'b'),
    confirmed('quotas'),
    provisional('quotas.1'),
    ...writes('quotas', 'c'),
    confirmed('quotas'),
    ...writes('quotas', 'kept-open'),
  ];

  test('is what came after it was said, until the step is confirmed again; time counts from the last write', () => {
    const [quotas, deny, ...rest] = provisionalsOf(journal);
    expect(rest).toEqual([]);
    expect(quotas).toMatchObject({ id: 'quotas.1', step: 'quotas', seconds: 60, changes: ['a', 'c'] });
    expect(deny).toMatchObject({ id: 'default-deny.1', seconds: 5, changes: ['b'] });
    const last = journal.findLast((e) => e.type === 'applied' && e.change === 'c');
    expect(quotas?.since).toBe(last?.at);
  });

  test('is all that an undo of it sees', () => {
    const seen = (...ids: string[]) =>
      writesOf(journal, new Set(ids)).flatMap((e) => (e.type === 'applied' ? [e.change] : []));
    expect(seen('quotas.1')).toEqual(['a', 'c']);
    expect(seen('quotas.1', 'default-deny.1')).toEqual(['a', 'b', 'c']);
    expect(writesOf(journal, new Set(['quotas.1'])).filter((e) => e.type === 'confirmed')).toHaveLength(5);
  });
});

describe('time is up', () => {
  const one = { since: '2026-01-01T00:00:00.000Z', seconds: 60 };
  const start = Date.parse(one.since);

  test.each([
    ['before it', 59_000, 59_000, false],
    ['by both clocks', 60_000, 60_000, true],
    ['with the clock on the wall set back by a day', -86_400_000, 60_000, true],
    ['after the machine slept, when the steady clock stood still', 61_000, 2_000, true],
    ['with the clock set back, before it', -86_400_000, 59_999, false],
  ])('%s', (_name, wall, steady, due) => {
    expect(isDue(one, { wall: start, steady: 1_000 }, { wall: start + wall, steady: 1_000 + steady })).toBe(
      due,
    );
  });

  test('never later than by the steady clock, whatever the one on the wall says', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.nat(1e9), (wall, then, steady) => {
        const now = { wall: then, steady: steady + 60_000 };
        expect(isDue(one, { wall, steady }, now)).toBe(true);
      }),
    );
  });

  test('a journal with a time that is none still ends', () => {
    expect(isDue({ since: 'x', seconds: 1 }, { wall: 0, steady: 0 }, { wall: 0, steady: 999 })).toBe(false);
    expect(isDue({ since: 'x', seconds: 1 }, { wall: 0, steady: 0 }, { wall: 0, steady: 1_000 })).toBe(true);
  });
});

test.each<[Partial<Watched>, boolean, string]>([
  [{ guarded: true }, false, 'waiting'],
  [{ guarded: false }, false, 'unguarded'],
  [{ verdict: 'kept', guarded: true }, false, 'kept'],
  [{ verdict: 'takenBack', guarded: true }, false, 'takingBack'],
  [{ verdict: 'takenBack', guarded: false }, false, 'unfinished'],
  [{ verdict: 'takenBack', guarded: false }, true, 'takenBack'],
  [{ guarded: false }, true, 'takenBack'],
  [{ verdict: 'takenBack', guarded: false, changes: [] }, false, 'takenBack'],
])('%j, undone %s: %s', (part, undone, standing) => {
  const one: Watched = { id: 'a.1', step: 'a', seconds: 1, from, since: '', changes: ['c'], guarded: false };
  expect(standingOf({ ...one, ...part }, undone)).toBe(standing);
});

describe('how often taking back is tried', () => {
  const elapsed = (forbidden: boolean) => {
    let [tries, time] = [0, 0];
    for (;;) {
      const wait = waitToTakeBack(++tries, time, { forbidden });
      if (wait === undefined) return { tries, time };
      time += wait;
    }
  };
  test('soon at first, then every minute, for a day at most', () => {
    expect([1, 2, 3, 4, 50].map((tries) => waitToTakeBack(tries, 0, { forbidden: false }))).toEqual([
      2_000, 5_000, 15_000, 60_000, 60_000,
    ]);
    expect(elapsed(false).time / 3_600_000).toBeCloseTo(24, 1);
    expect(elapsed(false).tries).toBeLessThan(1_500);
  });
  test('a right that is missing is asked for as long as an API server takes to restart, not for a day', () => {
    expect(elapsed(true).time).toBeLessThan(6.5 * 60_000);
    expect(elapsed(true).time).toBeGreaterThan(60_000);
  });
});

test('times in words', () => {
  expect([2, 60, 90, 300, 3600, 7200].map(spanText)).toEqual([
    '2 seconds',
    '1 minute',
    '90 seconds',
    '5 minutes',
    '1 hour',
    '2 hours',
  ]);
  expect([0, 4_100, 65_000, 3_600_000].map((left) => leftText(left, 0))).toEqual([
    '0:00',
    '0:05',
    '1:05',
    '1:00:00',
  ]);
  expect(leftText(0, 5_000)).toBe('0:00');
});

test.each([
  ['curl -fsS http://shop/health', ['curl', '-fsS', 'http://shop/health']],
  [`sh -c 'exit 1 && "x"' ""`, ['sh', '-c', 'exit 1 && "x"', '']],
  [String.raw`a\ b "c\"d" 'e\f' $HOME;rm`, ['a b', 'c"d', String.raw`e\f`, '$HOME;rm']],
  ['  ', []],
  ['"open', undefined],
  ['trailing\\', undefined],
])('the words of %s', (line, words) => {
  expect(wordsOf(line)).toEqual(words);
});
