import { LAST, parseCidr, type Range, without } from './address.js';
import type { Engine, Recorder } from './engine.js';
import type { Direction, Policy } from './policy.js';
import { LAST_PORT, NONE, PROTOCOLS } from './portset.js';

/**
 * When a direction of a pod is open: nearly everything may pass to or from peers that nobody listed. Unlisted are
 * - a pod without labels in a namespace of which no policy knows more than that it has some name;
 * - such a pod in each of the namespaces that exist, taken together, where there are at least `FEWEST_NAMESPACES`
 *   (below, policies that name each of the others are a list, not a hole);
 * - the addresses of the Internet, IPv4 and IPv6 each for itself (`PUBLIC`).
 * One of these is enough, on nearly all ports of one protocol. Addresses beside the Internet do not count: to allow
 * all of 10.0.0.0/8 opens a site, not the world, and to leave it out closes nothing of the world.
 *
 * "Nearly all" is all but at most a sixteenth: what is left out in practice (the metadata address, private ranges,
 * ports below 1024, some provider's blocks) is far less, while a list of blocks that are really meant (networks of a
 * partner or of a content network) is far more away from it. A half, or three quarters, of the Internet is not nearly
 * all of it.
 */
export const NEARLY = 15 / 16;
export const FEWEST_NAMESPACES = 16;

/**
 * Not of the Internet: the large blocks of the IANA IPv4 Special-Purpose Address Registry (RFC 6890), multicast
 * (RFC 5771) and reserved addresses (RFC 1112). Those smaller than a /16 weigh too little to matter.
 */
const SPECIAL = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/3',
];
/** All that is handed out of IPv6 for the Internet (IANA: Global Unicast, RFC 4291): an eighth of the address space. */
const GLOBAL_UNICAST = '2000::/3';

const ranges = (texts: readonly string[]) => texts.flatMap((text) => parseCidr(text) ?? []);
const PUBLIC: readonly (readonly Range[])[] = [
  without({ family: 4, from: 0n, to: LAST[4] }, ranges(SPECIAL)),
  ranges([GLOBAL_UNICAST]),
];

/** How a class stands in one direction. */
export interface Standing {
  /**
   * By default nothing passes: a NetworkPolicy isolates it, or the cluster-wide policies decide about every pod (on the
   * way out about every address as well; on the way in they cannot name addresses) and do not let nearly all in.
   */
  isolated: boolean;
  /** Policies that keep it open whatever NetworkPolicies are added: other NetworkPolicies and those of the Admin tier. */
  openBy: readonly Policy[];
  /** Where nothing else decides, policies of the Baseline tier that say so too; a NetworkPolicy goes before them. */
  baseline: readonly Policy[];
}

/** Peers of a row, each with its weight; together they weigh 1. */
type Measure = readonly (readonly [place: number, weight: number])[];

/** Judges rows of one engine. Costs follow namespaces and addresses, not pods; what was judged once is remembered. */
export class Openness {
  private readonly engine: Engine;
  private readonly first: number;
  private readonly measures: readonly Measure[];
  /** By set of ports: for each protocol whether nearly all of its ports are in it. */
  private readonly wide: (readonly boolean[])[] = [];
  private readonly known = new Map<string, Standing>();

  constructor(engine: Engine) {
    this.engine = engine;
    const { classes, firstFresh, fresh, elsewhere } = engine.peers.classes;
    this.first = firstFresh;
    const namespaces = [...fresh.values()];
    const atoms = classes.length - firstFresh;
    this.measures = [
      [[elsewhere - firstFresh, 1]],
      namespaces.length < FEWEST_NAMESPACES
        ? []
        : namespaces.map((one) => [one - firstFresh, 1 / namespaces.length]),
      ...PUBLIC.map((whole) =>
        engine.peers.atoms.flatMap((atom, i): Measure => {
          const weight = share(atom, whole);
          return weight === 0 ? [] : [[atoms + i, weight]];
        }),
      ),
    ];
  }

  /** How a class stands in a direction. */
  standing(direction: Direction, subject: number): Standing {
    const key = this.engine.rowKey(direction, subject);
    let found = this.known.get(key);
    if (found === undefined) {
      found = this.judge(direction, subject);
      this.known.set(key, found);
    }
    return found;
  }

  private judge(direction: Direction, subject: number): Standing {
    const { engine, first } = this;
    const { Admin, NetworkPolicy, Baseline } = engine.inForce(direction, subject);
    const selected = NetworkPolicy.length > 0;
    if (!selected && Admin.length === 0 && Baseline.length === 0)
      return { isolated: false, openBy: [], baseline: [] };
    if (selected && !this.opens(engine.rowFrom(direction, subject, first)))
      return { isolated: true, openBy: [], baseline: [] };
    const by = this.contributions(direction, subject);
    const above = [...by].filter(([policy]) => policy.tier !== 'Baseline');
    const openBy = this.deciding(above);
    const baseline = openBy.length > 0 || selected ? [] : this.deciding([...by]).filter(inBaseline);
    const isolated =
      selected ||
      (openBy.length === 0 && baseline.length === 0 && this.everythingDecided(direction, subject));
    return { isolated, openBy, baseline };
  }

  /** What each policy lets through of the unlisted peers. */
  private contributions(direction: Direction, subject: number): Map<Policy, Int32Array> {
    const { engine, first } = this;
    const by = new Map<Policy, Int32Array>();
    const record: Recorder = (policy, place, set) => {
      if (policy === undefined) return;
      const row = by.get(policy) ?? new Int32Array(engine.peers.count - first).fill(NONE);
      by.set(policy, row);
      row[place] = engine.sets.union(row[place] ?? NONE, set);
    };
    engine.rowFrom(direction, subject, first, record);
    return by;
  }

  /** Those that open alone; where none does, as few as open together; none where all of them do not. */
  private deciding(by: readonly (readonly [Policy, Int32Array])[]): readonly Policy[] {
    const alone = by.filter(([, row]) => this.opens(row));
    if (alone.length > 0) return alone.map(([policy]) => policy);
    let needed = by;
    if (!this.opens(this.together(needed))) return [];
    for (const one of by) {
      const others = needed.filter((other) => other !== one);
      if (this.opens(this.together(others))) needed = others;
    }
    return needed.map(([policy]) => policy);
  }

  private together(by: readonly (readonly [Policy, Int32Array])[]): Int32Array {
    const { sets, peers } = this.engine;
    const all = new Int32Array(peers.count - this.first).fill(NONE);
    for (const [, row] of by)
      for (let place = 0; place < all.length; place++)
        all[place] = sets.union(all[place] ?? NONE, row[place] ?? NONE);
    return all;
  }

  /** Whether policies decide about every pod, and on the way out about every address. Looks at pods that exist as well. */
  private everythingDecided(direction: Direction, subject: number): boolean {
    const { classes } = this.engine.peers.classes;
    let decided = true;
    this.engine.rowFrom(direction, subject, 0, (policy, peer) => {
      if (policy !== undefined) return;
      const one = classes[peer];
      if (one === undefined ? direction === 'egress' : !one.onNode) decided = false;
    });
    return decided;
  }

  /** Whether nearly everything of some measure is let through, on nearly all ports of one protocol. */
  private opens(row: Int32Array): boolean {
    return this.measures.some((measure) => {
      const sums = PROTOCOLS.map(() => 0);
      for (const [place, weight] of measure) {
        const set = row[place] ?? NONE;
        if (set === NONE) continue;
        this.widthOf(set).forEach((isWide, protocol) => {
          if (isWide) sums[protocol] = (sums[protocol] ?? 0) + weight;
        });
      }
      return sums.some((sum) => sum >= NEARLY - 1e-9);
    });
  }

  private widthOf(set: number): readonly boolean[] {
    let widths = this.wide[set];
    if (widths === undefined) {
      widths = PROTOCOLS.map((protocol) => this.engine.sets.count(set, protocol) >= NEARLY * LAST_PORT);
      this.wide[set] = widths;
    }
    return widths;
  }
}

function inBaseline({ tier }: Policy): boolean {
  return tier === 'Baseline';
}

/** The share that a range has of disjoint others. */
function share(range: Range, whole: readonly Range[]): number {
  let [common, all] = [0n, 0n];
  for (const { family, from, to } of whole) {
    all += to - from + 1n;
    if (family !== range.family || to < range.from || from > range.to) continue;
    common += (to < range.to ? to : range.to) - (from > range.from ? from : range.from) + 1n;
  }
  return Number(common) / Number(all);
}
