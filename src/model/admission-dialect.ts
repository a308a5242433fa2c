import type { ServerVersion } from './snapshot.js';

/** Where API servers of different versions decide differently about the same pod. */
export interface Dialect {
  /**
   * A LimitRange of type Pod adds up what containers state, whether or not all of them do (1.28). Before, a resource
   * that one container leaves out counts as not stated by the pod.
   */
  partialSums: boolean;
  /** A quota counts the overhead of pods (1.21, and the last patches of 1.19 and 1.20). */
  overheadCounts: boolean;
}

export const NEWEST: Dialect = { partialSums: true, overheadCounts: true };

/** How an API server of this version decides. */
export function dialectOf({ major, minor }: ServerVersion): Dialect {
  const since = (wanted: number) => major > 1 || minor >= wanted;
  return { partialSums: since(28), overheadCounts: since(21) };
}
