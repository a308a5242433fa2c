/** What a flow log says of one end of a connection; what it does not say is absent. */
export interface FlowEnd {
  namespace?: string;
  /** Name of the pod; with a `*` at its end, the beginning of the names of several (Calico's aggregation). */
  pod?: string;
  /** Who made the pod, where the log says it. */
  workload?: { name: string; kind?: string };
  address?: string;
  /** A name under which the address was looked up. */
  host?: string;
  /** What is no pod: the nodes, the pod's own node, the API server, anything outside of the cluster. */
  entity?: 'nodes' | 'ownNode' | 'apiServer' | 'outside';
}

/** Connections of the same kind that somebody saw: from whom, to whom, on which port. */
export interface Flow {
  source: FlowEnd;
  destination: FlowEnd;
  protocol: 'TCP' | 'UDP' | 'SCTP';
  /** Of the destination; undefined where the log leaves it out. */
  port: number | undefined;
  /** Line of the file at which it stands first, counted from 1. */
  line: number;
  /** How many lines say the same. */
  count: number;
  /** When it was seen, where the log says it. */
  seen?: Span;
}

/** From the first moment to the last, in milliseconds since 1970. */
export interface Span {
  first: number;
  last: number;
}

/** The span that covers both. */
export function spanning(one: Span | undefined, other: Span | undefined): Span | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return { first: Math.min(one.first, other.first), last: Math.max(one.last, other.last) };
}

/** A flow log as far as it could be read. */
export interface Flows {
  file: string;
  flows: readonly Flow[];
  /** Lines that hold something. */
  lines: number;
  /** Lines of a known format that count for nothing here, by reason. */
  passedOver: Readonly<Record<PassedOver, number>>;
  /** Lines of no known format. */
  unknown: number;
  /** The time that its flows cover, where they say when they were seen. */
  seen?: Span;
  /** The first of the unknown lines, in words: file, line, what was expected. */
  problems: readonly string[];
}

/** `denied`: a policy stopped it. `reply`: the answer to another. `other`: no TCP, UDP or SCTP, or an event of another kind. */
export type PassedOver = 'denied' | 'reply' | 'other';
