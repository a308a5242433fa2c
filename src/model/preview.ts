/** What may pass from one place to another: all as before, less than before, nothing any more, or nothing ever. */
export type Passage = 'open' | 'narrowed' | 'closed' | 'none';

/** Stands beside the namespaces for addresses outside of the cluster. */
export const OUTSIDE = 'outside';

/** What is said of a cut that happens with some network plugins only, where it is not known which one runs. */
export const DEPENDS = 'depending on the network plugin';

/** A connection that somebody counts on and that the changes would cut. */
export interface CutConnection {
  /** `SRC => DST : TCP 80`. */
  connection: string;
  severity: 'critical' | 'high' | 'medium' | 'low';
  why: string;
  /** Some network plugins cut it, others do not, and which one runs is not known. */
  depends: boolean;
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
  /** Those of `pairsAfter` that lead to workloads that serve names, which are kept always. */
  pairsToDns: number;
  /** What the changes mean for namespaces that do not exist yet, in sentences; empty where they mean nothing. */
  newNamespaces: readonly string[];
}

/** One line for a connection that is cut. */
export function cutText({ connection, severity, why, evidence, depends }: CutConnection): string {
  return `${depends ? `may cut, ${DEPENDS}, ` : 'cuts '}${connection} (${why}, ${severity}); seen in ${evidence}`;
}

/** What a preview comes to, in one line. `number` writes a count. */
export function countsText(preview: Preview, number: (count: number) => string): string {
  const { cut, declared, pairsBefore, pairsAfter, pairsToDns } = preview;
  const depends = cut.filter((one) => one.depends).length;
  return [
    `declared connections cut: ${number(cut.length - depends)} of ${number(declared)}`,
    ...(depends === 0 ? [] : [`may be cut, ${DEPENDS}: ${number(depends)}`]),
    `open workload pairs: ${number(pairsBefore)} to ${number(pairsAfter)}${pairsToDns === 0 ? '' : ` (${number(pairsToDns)} to DNS)`}`,
  ].join('; ');
}
