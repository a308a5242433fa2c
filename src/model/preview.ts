/** How far a namespace is closed: to nothing, in part, or for every pod that is there and to come. */
export type Closedness = 'open' | 'narrowed' | 'closed';

/** What a step's changes would do to one namespace. */
export interface NamespacePreview {
  namespace: string;
  before: Closedness;
  after: Closedness;
  /** Ordered pairs of workloads, one of them or both in this namespace, between which something may pass. */
  pairsBefore: number;
  pairsAfter: number;
}

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
  namespaces: readonly NamespacePreview[];
  /** Worst first. */
  cut: readonly CutConnection[];
  /** Connections that are declared and pass today. */
  declared: number;
  /** Ordered pairs of different workloads between which something may pass, in the whole cluster. */
  pairsBefore: number;
  pairsAfter: number;
}
