/** What may pass from one place to another: all as before, less than before, nothing any more, or nothing ever. */
export type Passage = 'open' | 'narrowed' | 'closed' | 'none';

/** Stands beside the namespaces for addresses outside of the cluster. */
export const OUTSIDE = 'outside';

/** A connection that somebody counts on and that the changes would cut. */
export interface CutConnection {
  /** `SRC => DST : TCP 80`. */
  connection: string;
  severity: 'critical' | 'high' | 'medium' | 'low';
  why: string;
  /** Object, field and value that declare it. */
  evidence: string;
}

/** What changes would do to the connections of a cluster, computed before anything is written. */
export interface Preview {
  /** Namespaces with workloads, sorted, then `OUTSIDE`: rows (from) and columns (to) of the matrix. */
  places: readonly string[];
  /** By row, then by column. */
  matrix: readonly (readonly Passage[])[];
  /** Connections that are declared and pass today. */
  declared: number;
  /** Those of them that would be cut, worst first. */
  cut: readonly CutConnection[];
  /** Ordered pairs of different workloads between which something may pass, in the whole cluster. */
  pairsBefore: number;
  pairsAfter: number;
  /** What the changes mean for namespaces that do not exist yet, in sentences; empty where they mean nothing. */
  newNamespaces: readonly string[];
}
