import { printable } from '../../model/escape.js';
import type { ProofMeans, StoredCounts } from '../../model/rewrite.js';
import { ClusterError, type RewriteOptions } from '../../wizard/ports.js';
import type { Client } from '../client.js';
import { encryptionFacts, readMetrics } from '../encryption.js';
import { byWholePrefix, moved, type Transformations } from '../metrics.js';
import { secretNames } from '../names.js';
import { apiServers } from '../servers.js';

/** One reading of the counters, to be set against a second one; in words why there is none. */
export type Reading = Transformations | string;

/** Counters before a re-write. Those of one of several servers would miss what passed the others. */
export async function firstReading(client: Client, resources: readonly string[]): Promise<Reading> {
  if (resources.some((name) => name !== 'secrets'))
    return 'counters of the API server: only those of Secrets are read';
  try {
    const [{ count }, reading] = await Promise.all([apiServers(client), readMetrics(client)]);
    if (count !== 1)
      return `counters are those of one API server, and there are ${count === undefined ? 'perhaps several' : count}`;
    return reading;
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    return firstLine(error);
  }
}

/** What was written between a reading and now. */
export async function writtenSince(client: Client, before: Reading): Promise<ProofMeans> {
  const unused = (words: string): ProofMeans => ({ means: 'metrics', used: false, words });
  if (typeof before === 'string') return unused(before);
  let after: Reading;
  try {
    after = await readMetrics(client);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    after = firstLine(error);
  }
  if (typeof after === 'string') return unused(after);
  if (after.startedAt !== before.startedAt)
    return unused('the API server was started anew meanwhile, and counts from nought');
  const written = byWholePrefix(moved(before.to, after.to));
  const of = after.byResource ? 'Secrets' : 'values of all encrypted resources';
  return {
    means: 'metrics',
    used: true,
    written,
    words: `the API server wrote ${countsText(written)} (${of}, those of others included)`,
  };
}

/** `1,200 as k8s:enc:secretbox:v1:key1:, 3 in plain text`. */
export function countsText(counts: StoredCounts): string {
  const parts = Object.entries(counts).map(
    ([prefix, count]) =>
      `${count.toLocaleString('en-US')} ${prefix === '' ? 'in plain text' : `as ${printable(prefix, 120)}`}`,
  );
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

/** Every Secret is read in a form without content, no faster than it is re-written, while the server counts how it was stored. */
export async function readAudit(
  client: Client,
  resources: readonly string[],
  { maxRate, signal }: { maxRate: number; signal?: AbortSignal },
): Promise<ProofMeans> {
  const unused = (words: string): ProofMeans => ({ means: 'readAudit', used: false, words });
  if (resources.some((name) => name !== 'secrets')) return unused('only Secrets are audited by reading');
  try {
    const { facts } = await encryptionFacts(client.paced(maxRate, signal), secretNames);
    if (signal?.aborted) return unused('it was interrupted');
    const words = facts.evidence.filter((line) => line.startsWith('metrics')).join('; ');
    if (facts.stored === undefined) return unused(words || 'the API server does not count what it reads');
    return { means: 'readAudit', used: true, stored: facts.stored, words };
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason === 'unauthorized') throw error;
    return unused(firstLine(error));
  }
}

/** What a second pass moved. */
export function finalPass(result: {
  rewritten: number;
  unchanged: number;
  interrupted: boolean;
}): ProofMeans {
  const { rewritten, unchanged, interrupted } = result;
  if (interrupted) return { means: 'finalPass', used: false, words: 'a final pass was interrupted' };
  return {
    means: 'finalPass',
    used: true,
    moved: rewritten,
    words:
      rewritten === 0
        ? `a second pass over ${unchanged.toLocaleString('en-US')} objects moved nothing`
        : `a second pass moved ${rewritten} objects: stale again, or written by somebody else at that moment`,
  };
}

export type ProveOptions = Omit<RewriteOptions, 'from' | 'onCheckpoint'>;

function firstLine({ message }: ClusterError): string {
  return message.split('\n')[0] ?? '';
}
