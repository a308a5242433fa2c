/** What came of one attempt at a request. `dropped`: the connection broke; `refused`: nothing was sent at all. */
export type Attempt =
  | { type: 'answer'; status: number; retryAfterMs: number | undefined }
  | { type: 'dropped' }
  | { type: 'refused' };

/** How often and how long to wait for a busy or restarting API server. Times in milliseconds. */
export interface RetryPolicy {
  /** Attempts in all after which an answer is taken as it is. */
  attempts: number;
  firstWait: number;
  longestWait: number;
  /** Longest `Retry-After` that is waited for. */
  longestRetryAfter: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 4,
  firstWait: 250,
  longestWait: 4_000,
  longestRetryAfter: 30_000,
};

/** Statuses that say "not now" (API conventions: too many requests, server and gateway trouble). */
const PASSING = new Set([429, 502, 503, 504]);
/** What a read or a removal is repeated for as well. A write that met it may fail for what it says, and is not tried on. */
const PASSING_FOR_MOST = new Set([...PASSING, 500]);

/**
 * How long to wait before the next attempt, in milliseconds; undefined where the outcome stands.
 * Every request that we make may be repeated: reads, server-side apply, empty patches, deletes by uid.
 * @param attempt 1 for the first
 * @param bare the request says nothing that a server could fail at: it reads or removes
 * @param chance a number in [0, 1) that spreads clients apart
 */
export function waitBefore(
  next: { attempt: number; outcome: Attempt; chance: number; bare?: boolean },
  policy: RetryPolicy = DEFAULT_RETRY,
): number | undefined {
  const { attempt, outcome, chance } = next;
  if (attempt >= policy.attempts) return undefined;
  if (outcome.type === 'answer') {
    if (!(next.bare === true ? PASSING_FOR_MOST : PASSING).has(outcome.status)) return undefined;
    if (outcome.retryAfterMs !== undefined) return Math.min(outcome.retryAfterMs, policy.longestRetryAfter);
  }
  const backoff = Math.min(policy.firstWait * 2 ** (attempt - 1), policy.longestWait);
  return Math.round(backoff * (0.5 + chance / 2));
}

/** `Retry-After` in milliseconds: seconds, or an HTTP date (RFC 9110 section 10.2.3); undefined where it is neither. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined || header === '') return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Resolves after `ms`, or at once when the signal says stop. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}

/** How much of a rate may be begun at once after a pause, in milliseconds. */
const BURST = 100;

/** Gives out turns, at most so many a second (0: no limit): each call resolves when its turn has come, or at a stop. */
export function turns(perSecond: number): (signal?: AbortSignal) => Promise<void> {
  let next = Number.NEGATIVE_INFINITY;
  return async (signal) => {
    if (perSecond <= 0) return;
    const now = performance.now();
    const mine = Math.max(next, now - BURST);
    next = mine + 1000 / perSecond;
    if (mine > now) await pause(mine - now, signal);
  };
}
