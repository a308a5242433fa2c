/** What came of objects of a re-write. `rewritten`: their stored form was stale; `unchanged`: it was not. */
export interface RewriteCounts {
  rewritten: number;
  unchanged: number;
  /** Deleted since they were listed. */
  gone: number;
  refused: number;
}

/** A place in a re-write: all before it, by resource, namespace and name, and the object itself, are done. */
export interface RewritePlace {
  /** As encryption configurations name it: `secrets`, `widgets.example.com`. */
  resource: string;
  /** Empty for what has no namespace. */
  namespace: string;
  name: string;
}

/** Counts of stored objects by what stands before their value in etcd: `k8s:enc:secretbox:v1:key1:`; empty: plain text. */
export type StoredCounts = Readonly<Record<string, number>>;

/** One means of seeing how objects are stored, and what it showed. */
export type ProofMeans = {
  means: 'metrics' | 'readAudit' | 'finalPass' | 'count' | 'etcd';
  /** What was seen, or why nothing could be. */
  words: string;
} & (
  | { used: false }
  /** `stored`: all objects, by stored form. `written`: those written by the re-write. `moved`: those a second pass wrote.
   *  `missed`: those that the re-write could not reach, since their namespace no longer exists. */
  | { used: true; stored?: StoredCounts; written?: StoredCounts; moved?: number; missed?: number }
);

/** How objects are stored after a re-write, by every means there is. */
export interface RewriteProof {
  /** Objects, counted by name when the proof was made. */
  objects: number | undefined;
  /** How many were stale: their resourceVersion moved. */
  stale: number;
  /** The prefix that the API server writes; several where metrics could not tell them apart. */
  writes: readonly string[];
  means: readonly ProofMeans[];
}

/** How many objects the re-write could not reach, as far as counts tell. */
export function missedOf({ means }: Pick<RewriteProof, 'means'>): number {
  return means.reduce((sum, one) => sum + (one.used ? (one.missed ?? 0) : 0), 0);
}

/**
 * What a proof comes to. `contradicted`: a means shows objects in another form than the one that is written, which may
 * also be what somebody else wrote meanwhile, or objects that were not reached. `unproven`: no means shows how all
 * objects are stored, or whether all were reached was asked and could not be seen, other than in etcd itself.
 */
export function judge(proof: RewriteProof): 'proven' | 'contradicted' | 'unproven' {
  if (missedOf(proof) > 0) return 'contradicted';
  let seen = false;
  for (const means of proof.means) {
    if (!means.used) continue;
    if (means.moved !== undefined) {
      if (means.moved > 0) return 'contradicted';
      seen = true;
    }
    if (means.stored === undefined) continue;
    if (Object.entries(means.stored).some(([prefix, count]) => count > 0 && !isOneOf(prefix, proof.writes)))
      return 'contradicted';
    seen = true;
  }
  const uncounted = proof.means.some(({ means, used }) => means === 'count' && !used);
  if (uncounted && !proof.means.some(({ means, used }) => means === 'etcd' && used)) return 'unproven';
  return seen ? 'proven' : 'unproven';
}

/** Old servers count provider and key apart, so that one means may know the key and another not. */
function isOneOf(prefix: string, writes: readonly string[]): boolean {
  // Back to plain text is a form as well; nothing else is like it.
  if (prefix === '' || writes.includes('')) return writes.length === 1 && writes[0] === prefix;
  return writes.some((one) => prefix === one || prefix.startsWith(one) || one.startsWith(prefix));
}
