/** What is done to one request: before it reaches the API server, or to the answer. */
export interface Fault {
  name: string;
  before?: {
    waitMs?: number;
    until?: Promise<unknown>;
    reset?: boolean;
    answer?: { status: number; headers?: Record<string, string>; text: string };
  };
  after?: 'drop' | 'truncate';
}

/** The fault for a request, if it meets one. */
export type Draw = (request: { method: string; path: string; authorization?: string }) => Fault | undefined;

/** A refusal as API servers write it, in place of the answer. */
export const status = (
  code: number,
  reason: string,
  headers: Record<string, string> = {},
  message = 'a fault of the test',
): Fault => ({
  name: `${code}${headers['retry-after'] === undefined ? '' : ` Retry-After ${headers['retry-after']}`}`,
  before: {
    answer: {
      status: code,
      headers,
      text: JSON.stringify({
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        code,
        reason,
        message,
      }),
    },
  },
});

/** Every kind of trouble between a client and an API server, and how often it comes among them. */
export const FAULTS: readonly {
  often: number;
  fault: Fault;
  only?: (request: { method: string; path: string }) => boolean;
}[] = [
  { often: 3, fault: { name: 'delay', before: { waitMs: 40 } } },
  { often: 2, fault: { name: 'reset', before: { reset: true } } },
  { often: 2, fault: { name: 'truncated answer', after: 'truncate' } },
  { often: 3, fault: { name: 'answer lost', after: 'drop' } },
  { often: 2, fault: status(429, 'TooManyRequests', { 'retry-after': '1' }) },
  { often: 1, fault: status(429, 'TooManyRequests', { 'retry-after': '0' }) },
  { often: 1, fault: status(500, 'InternalError') },
  { often: 2, fault: status(503, 'ServiceUnavailable') },
  { often: 2, fault: status(504, 'Timeout') },
  {
    often: 4,
    fault: status(410, 'Expired'),
    only: ({ method, path }) => method === 'GET' && path.includes('continue='),
  },
];

/** A generator of numbers in [0, 1) that a seed fixes (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * The faults of a seed: how many requests in a hundred meet one (from one to twelve, so that some runs get through and
 * others do not), and for one seed in three a stretch in which nothing is answered at all.
 */
export function faultsOf(seed: number): Draw {
  const next = numbers(seed);
  const share = 0.01 + next() * next() * 0.11;
  const outage = next() < 1 / 3 ? { from: Math.floor(20 + next() * 150), requests: 12 } : undefined;
  let count = 0;
  return (request) => {
    const at = count++;
    if (outage !== undefined && at >= outage.from && at < outage.from + outage.requests)
      return { name: 'outage', before: { reset: true } };
    if (next() >= share) return undefined;
    const possible = FAULTS.filter(({ only }) => only === undefined || only(request));
    const lots = possible.flatMap(({ often, fault }) => Array.from({ length: often }, () => fault));
    return lots[Math.floor(next() * lots.length)];
  };
}
