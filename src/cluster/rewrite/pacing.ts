import type { ClusterError } from '../../wizard/ports.js';
import { type RetryPolicy, waitBefore } from '../retry.js';

/** What came of one request of a re-write. */
export type Reply =
  | { type: 'rewritten' }
  | { type: 'unchanged' }
  | { type: 'failed'; error: ClusterError; retryAfterMs: number | undefined; storageFull: boolean };

/** What the engine does next about an object. */
export type Verdict =
  | { type: 'rewritten' | 'unchanged' | 'gone' }
  | { type: 'refused'; reason: string }
  | { type: 'again'; waitMs: number }
  /** Nothing else would fare better: the whole re-write ends here. */
  | { type: 'stop'; reason: 'storageFull' | 'unauthorized' | 'unreachable' };

/** Outlasts a restart of the API server (about 40 s in all), and a queue that asks for a minute. Milliseconds. */
export const PATIENT: RetryPolicy = {
  attempts: 14,
  firstWait: 200,
  longestWait: 5_000,
  longestRetryAfter: 60_000,
};

/**
 * Judges one reply. Deleted since it was listed: done. Edited, busy or failing: again, within limits. Refused by
 * rights or by admission: told at the end, by name.
 * @param attempt 1 for the first
 * @param chance a number in [0, 1) that spreads repeats apart
 */
export function verdict(reply: Reply, attempt: number, chance: number): Verdict {
  if (reply.type !== 'failed') return reply;
  const { error, retryAfterMs, storageFull } = reply;
  if (storageFull) return { type: 'stop', reason: 'storageFull' };
  switch (error.reason) {
    case 'notFound':
      return { type: 'gone' };
    case 'unauthorized':
      return { type: 'stop', reason: 'unauthorized' };
    case 'forbidden':
    case 'refused':
    case 'invalid':
      return { type: 'refused', reason: error.message };
    default: {
      const outcome = { type: 'answer' as const, status: 503, retryAfterMs };
      const waitMs = waitBefore({ attempt, outcome, chance }, PATIENT);
      if (waitMs !== undefined) return { type: 'again', waitMs };
      if (error.reason === 'unreachable') return { type: 'stop', reason: 'unreachable' };
      return { type: 'refused', reason: error.message };
    }
  }
}
