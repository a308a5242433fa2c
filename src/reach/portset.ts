/**
 * Sets of (protocol, port) in canonical form. All ports of all protocols lie on one line of whole numbers, a set is its
 * sorted list of disjoint intervals that do not touch, and equal sets share one id: equality is `===`.
 */
export type Protocol = 'TCP' | 'UDP' | 'SCTP';
export const PROTOCOLS: readonly Protocol[] = ['SCTP', 'TCP', 'UDP'];

/** Id of a set in one `PortSets`. */
export type PortSet = number;
export const NONE: PortSet = 0;
export const ALL: PortSet = 1;

export const LAST_PORT = 65_535;
const OFFSET: Readonly<Record<Protocol, number>> = { SCTP: 0, TCP: 65_536, UDP: 131_072 };
/** Larger than any id: pairs of ids become one number that a map can hold as key. */
const PAIR = 2 ** 26;

/** Flat list of inclusive intervals: from, to, from, to, ... Port 0 of each protocol is never in, so they never touch. */
type Intervals = readonly number[];

/** All sets that one analysis meets, each once, with remembered results of union, intersection and difference. */
export class PortSets {
  private readonly sets: Intervals[] = [];
  private readonly ids = new Map<string, PortSet>();
  private readonly unions = new Map<number, PortSet>();
  private readonly intersections = new Map<number, PortSet>();
  private readonly differences = new Map<number, PortSet>();
  private readonly texts: (string | undefined)[] = [];

  constructor() {
    this.intern([]);
    this.intern(PROTOCOLS.flatMap((p) => [OFFSET[p] + 1, OFFSET[p] + LAST_PORT]));
  }

  /** The set of ports `from` to `to` (inclusive, 1 to 65535) of a protocol. */
  range(protocol: Protocol, from: number, to: number): PortSet {
    return this.intern([OFFSET[protocol] + from, OFFSET[protocol] + to]);
  }

  /** The same set as one of another analysis. */
  copied(from: PortSets, set: PortSet): PortSet {
    return this.intern(from.sets[set] ?? []);
  }

  union(a: PortSet, b: PortSet): PortSet {
    if (a === b || b === NONE || a === ALL) return a;
    if (a === NONE || b === ALL) return b;
    const key = a < b ? a * PAIR + b : b * PAIR + a;
    let id = this.unions.get(key);
    if (id === undefined) {
      id = this.intern(merged(this.sets[a] ?? [], this.sets[b] ?? []));
      this.unions.set(key, id);
    }
    return id;
  }

  intersect(a: PortSet, b: PortSet): PortSet {
    if (a === b || b === ALL || a === NONE) return a;
    if (a === ALL || b === NONE) return b;
    const key = a < b ? a * PAIR + b : b * PAIR + a;
    let id = this.intersections.get(key);
    if (id === undefined) {
      id = this.intern(common(this.sets[a] ?? [], this.sets[b] ?? []));
      this.intersections.set(key, id);
    }
    return id;
  }

  /** What is in `a` and not in `b`. */
  subtract(a: PortSet, b: PortSet): PortSet {
    if (a === NONE || b === NONE) return a;
    if (b === ALL || a === b) return NONE;
    const key = a * PAIR + b;
    let id = this.differences.get(key);
    if (id === undefined) {
      id = this.intern(common(this.sets[a] ?? [], complement(this.sets[b] ?? [])));
      this.differences.set(key, id);
    }
    return id;
  }

  has(set: PortSet, protocol: Protocol, port: number): boolean {
    if (port < 1 || port > LAST_PORT) return false;
    const point = OFFSET[protocol] + port;
    const intervals = this.sets[set] ?? [];
    for (let i = 0; i < intervals.length; i += 2)
      if (point >= at(intervals, i) && point <= at(intervals, i + 1)) return true;
    return false;
  }

  /** How many ports of a protocol are in a set. */
  count(set: PortSet, protocol: Protocol): number {
    const intervals = this.sets[set] ?? [];
    let count = 0;
    for (let i = 0; i < intervals.length; i += 2) {
      const from = Math.max(at(intervals, i), OFFSET[protocol] + 1);
      const to = Math.min(at(intervals, i + 1), OFFSET[protocol] + LAST_PORT);
      if (from <= to) count += to - from + 1;
    }
    return count;
  }

  /** `All Connections`, `No Connections` or `TCP 80,443-445,UDP 53`, protocols in alphabetical order. */
  text(set: PortSet): string {
    let text = this.texts[set];
    if (text === undefined) {
      text = this.written(set);
      this.texts[set] = text;
    }
    return text;
  }

  private written(set: PortSet): string {
    if (set === ALL) return 'All Connections';
    if (set === NONE) return 'No Connections';
    const intervals = this.sets[set] ?? [];
    const parts: string[] = [];
    for (const protocol of PROTOCOLS) {
      const base = OFFSET[protocol];
      const ports: string[] = [];
      for (let i = 0; i < intervals.length; i += 2) {
        const from = at(intervals, i) - base;
        const to = at(intervals, i + 1) - base;
        if (from >= 1 && to <= LAST_PORT) ports.push(from === to ? `${from}` : `${from}-${to}`);
      }
      if (ports.length > 0) parts.push(`${protocol} ${ports.join(',')}`);
    }
    return parts.join(',');
  }

  private intern(intervals: Intervals): PortSet {
    const key = intervals.join();
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.sets.length;
      this.sets.push(intervals);
      this.ids.set(key, id);
    }
    return id;
  }
}

function at(list: readonly number[], i: number): number {
  return list[i] ?? 0;
}

function merged(a: Intervals, b: Intervals): Intervals {
  const out: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const fromA = j >= b.length || (i < a.length && at(a, i) <= at(b, j));
    const from = fromA ? at(a, i) : at(b, j);
    const to = fromA ? at(a, i + 1) : at(b, j + 1);
    if (fromA) i += 2;
    else j += 2;
    const last = out.length - 1;
    if (last > 0 && from <= at(out, last) + 1) out[last] = Math.max(at(out, last), to);
    else out.push(from, to);
  }
  return out;
}

function common(a: Intervals, b: Intervals): Intervals {
  const out: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const from = Math.max(at(a, i), at(b, j));
    const to = Math.min(at(a, i + 1), at(b, j + 1));
    if (from <= to) out.push(from, to);
    if (at(a, i + 1) < at(b, j + 1)) i += 2;
    else j += 2;
  }
  return out;
}

/** All ports that are not in the set. */
function complement(set: Intervals): Intervals {
  const out: number[] = [];
  for (const protocol of PROTOCOLS) {
    let next = OFFSET[protocol] + 1;
    const end = OFFSET[protocol] + LAST_PORT;
    for (let i = 0; i < set.length; i += 2) {
      if (at(set, i) > end || at(set, i + 1) < next) continue;
      if (at(set, i) > next) out.push(next, at(set, i) - 1);
      next = at(set, i + 1) + 1;
    }
    if (next <= end) out.push(next, end);
  }
  return out;
}
