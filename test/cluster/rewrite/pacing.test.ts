import fc from 'fast-check';
import { DEFAULT_RETRY, retryAfterMs, waitBefore } from '../../../src/cluster/retry.js';
import { PATIENT, type Reply, verdict } from '../../../src/cluster/rewrite/pacing.js';
import { ClusterError, type ClusterErrorReason } from '../../../src/wizard/ports.js';

const failed = (
  reason: ClusterErrorReason,
  more: Partial<Extract<Reply, { type: 'failed' }>> = {},
): Reply => ({
  type: 'failed',
  error: new ClusterError(reason, `because of ${reason}`),
  retryAfterMs: undefined,
  storageFull: false,
  ...more,
});

test.each<[string, Reply, number, object]>([
  ['re-written', { type: 'rewritten' }, 1, { type: 'rewritten' }],
  ['in its final form', { type: 'unchanged' }, 1, { type: 'unchanged' }],
  ['deleted since', failed('notFound'), 1, { type: 'gone' }],
  ['edited meanwhile', failed('stale'), 1, { type: 'again', waitMs: 100 }],
  [
    'busy, and it says how long',
    failed('busy', { retryAfterMs: 7_000 }),
    1,
    { type: 'again', waitMs: 7_000 },
  ],
  ['busy, and it says too long', failed('busy', { retryAfterMs: 1e9 }), 1, { type: 'again', waitMs: 60_000 }],
  ['failing', failed('server'), 3, { type: 'again', waitMs: 400 }],
  ['failing for good', failed('server'), PATIENT.attempts, { type: 'refused', reason: 'because of server' }],
  ['no right', failed('forbidden'), 1, { type: 'refused', reason: 'because of forbidden' }],
  ['webhook', failed('refused'), 1, { type: 'refused', reason: 'because of refused' }],
  ['away for a moment', failed('unreachable'), 1, { type: 'again', waitMs: 100 }],
  ['away for good', failed('unreachable'), PATIENT.attempts, { type: 'stop', reason: 'unreachable' }],
  ['token expired', failed('unauthorized'), 1, { type: 'stop', reason: 'unauthorized' }],
  ['etcd full', failed('server', { storageFull: true }), 1, { type: 'stop', reason: 'storageFull' }],
])('%s', (_name, reply, attempt, expected) => expect(verdict(reply, attempt, 0)).toEqual(expected));

test('waits grow, are bounded and end', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.option(fc.integer({ min: 0, max: 1e7 }), { nil: undefined }),
      (attempt, chance, after) => {
        const outcome = { type: 'answer' as const, status: 429, retryAfterMs: after };
        const wait = waitBefore({ attempt, outcome, chance });
        if (attempt >= DEFAULT_RETRY.attempts) expect(wait).toBeUndefined();
        else if (after === undefined) {
          expect(wait).toBeGreaterThanOrEqual(DEFAULT_RETRY.firstWait / 2);
          expect(wait).toBeLessThanOrEqual(DEFAULT_RETRY.longestWait);
        } else expect(wait).toBe(Math.min(after, DEFAULT_RETRY.longestRetryAfter));
      },
    ),
  );
});

test('an answer that is an answer is not asked for again', () => {
  for (const status of [200, 201, 400, 401, 403, 404, 409, 410, 422, 500])
    expect(
      waitBefore({ attempt: 1, outcome: { type: 'answer', status, retryAfterMs: 5 }, chance: 0 }),
    ).toBeUndefined();
});

test.each<[string | undefined, number | undefined]>([
  ['5', 5_000],
  ['0', 0],
  ['Thu, 01 Jan 1970 00:00:12 GMT', 2_000],
  ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After: %s', (header, expected) => expect(retryAfterMs(header, 10_000)).toBe(expected));
