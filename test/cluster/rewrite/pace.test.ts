import { Pace } from '../../../src/cluster/rewrite/pace.js';

/** Plays rounds of answers against a server whose answers take as long as `latency` says for so many at a time. */
function play(pace: Pace, rounds: number, latency: (atOnce: number) => number, start = 0): number {
  let now = start;
  for (let round = 0; round < rounds; round++) {
    const atOnce = pace.limit;
    const ms = latency(atOnce);
    now += ms;
    for (let n = 0; n < atOnce; n++) pace.answered(ms, now);
  }
  return now;
}

test('doubles every round while answers stay as quick, up to the most', () => {
  const pace = new Pace({ most: 64, maxRate: 0 });
  const limits = [pace.limit];
  for (let round = 0; round < 4; round++) {
    play(pace, 1, () => 22);
    limits.push(pace.limit);
  }
  expect(limits).toEqual([16, 32, 64, 64, 64]);
});

test('settles where a server begins to take longer', () => {
  const pace = new Pace({ most: 1000, maxRate: 0 });
  // Bears 40 at a time in 40 ms each; more of them only wait longer.
  play(pace, 400, (atOnce) => 40 * Math.max(1, atOnce / 40));
  expect(pace.limit).toBeGreaterThan(60);
  expect(pace.limit).toBeLessThan(250);
});

test('halves where the server is busy, once a round, and never below one', () => {
  const pace = new Pace({ most: 64, maxRate: 0 });
  let now = play(pace, 5, () => 10);
  for (let n = 0; n < 64; n++) pace.busy(undefined, now);
  expect(pace.limit).toBe(32);
  for (let n = 0; n < 20; n++) {
    now += 100;
    pace.busy(undefined, now);
  }
  expect(pace.limit).toBe(1);
  play(pace, 200, () => 10, now);
  expect(pace.limit).toBeGreaterThan(10); // comes back, slowly
});

test('what the server asks for holds until it is over', () => {
  const pace = new Pace({ most: 8, maxRate: 0 });
  pace.busy(5_000, 1_000);
  expect(pace.wait(0, 1_000)).toBe(5_000);
  pace.busy(1_000, 2_000); // asks for less: the longer one stands
  expect(pace.wait(0, 2_000)).toBe(4_000);
  expect(pace.wait(0, 6_000)).toBe(0);
});

test('keeps the rate over any second', () => {
  const pace = new Pace({ most: 1000, maxRate: 200 });
  play(pace, 20, () => 1);
  const begun: number[] = [];
  for (let now = 0; now < 5_000; now += 1)
    while (pace.wait(0, now) === 0) {
      pace.began(now);
      begun.push(now);
    }
  for (const from of begun)
    expect(begun.filter((at) => at >= from && at < from + 1_000).length).toBeLessThanOrEqual(221);
  expect(begun.length).toBeGreaterThan(980);
});
