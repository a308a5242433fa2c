import { LAST, parseCidr, type Range, without } from './address.js';
import type { Engine, InForce } from './engine.js';
import type { Direction, Policy } from './policy.js';
import { LAST_PORT, NONE, type PortSet, type Protocol } from './portset.js';

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
 * ports below 1024, some provider's blocks) is less, and a list of blocks that are really meant (a partner's, a
 * content network's) comes nowhere near. A half, or three quarters, of the Internet is not nearly all of it.
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

/** Peers of a row by their place, each with its weight; together they weigh 1. */
interface Measure {
  places: Int32Array;
  weights: Float64Array;
}

/** Sums of weights that are no binary fractions are off by less than this. */
const ROUNDING = 1e-9;

/** Judges rows of one engine. Costs follow namespaces and addresses, not pods; what was judged once is remembered. */
export class Openness {
  private readonly engine: Engine;
  private readonly first: number;
  private readonly measures: readonly Measure[];
  /** `widthOf` by set of ports. */
  private readonly wide: number[] = [];
  /** Whether a NetworkPolicy opens alone, by direction and named ports of the subject. */
  private readonly alone = new Map<Policy, Map<string, boolean>>();
  private readonly known = new Map<string, Standing>();

  constructor(engine: Engine) {
    this.engine = engine;
    const { classes, firstFresh, fresh, elsewhere } = engine.peers.classes;
    this.first = firstFresh;
    // By family of addresses, where these count: a pod has one in each, and either makes it open.
    const families = elsewhere.map((one, i) => ({
      one,
      namespaces: [...fresh.values()].flatMap((classes) => classes[i] ?? []),
    }));
    const atoms = classes.length - firstFresh;
    const listed = fresh.size < FEWEST_NAMESPACES;
    this.measures = [
      ...families.flatMap(({ one, namespaces }) => [
        measure([[one - firstFresh, 1]]),
        measure(listed ? [] : namespaces.map((place) => [place - firstFresh, 1 / namespaces.length])),
      ]),
      ...PUBLIC.map((whole) =>
        measure(engine.peers.atoms.map((atom, i) => [atoms + i, share(atom, whole)] as const)),
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
    const inForce = this.engine.inForce(direction, subject);
    const { Admin, NetworkPolicy, Baseline } = inForce;
    const selected = NetworkPolicy.length > 0;
    if (selected && Admin.length === 0)
      return { isolated: true, openBy: this.opening(direction, subject, NetworkPolicy), baseline: [] };
    if (!selected && Admin.length === 0 && Baseline.length === 0)
      return { isolated: false, openBy: [], baseline: [] };
    const by = this.contributions(direction, subject, inForce);
    const openBy = this.deciding(by.filter(([policy]) => !inBaseline(policy)));
    const baseline = openBy.length > 0 || selected ? [] : this.deciding(by).filter(inBaseline);
    const isolated =
      selected ||
      (openBy.length === 0 && baseline.length === 0 && this.everythingDecided(direction, subject));
    return { isolated, openBy, baseline };
  }

  /** Those of a subject's NetworkPolicies that open it. What one of them allows is the same for many subjects. */
  private opening(direction: Direction, subject: number, policies: readonly Policy[]): readonly Policy[] {
    const inForce = (list: readonly Policy[]) => ({ Admin: [], NetworkPolicy: list, Baseline: [] });
    const opens = (list: readonly Policy[]) =>
      this.opens(this.engine.rowFrom(direction, subject, inForce(list), this.first));
    const ports = direction === 'ingress' ? (this.engine.peers.classAt(subject)?.portsId ?? 0) : 0;
    const alone = policies.filter((policy) => {
      const known = this.alone.get(policy) ?? new Map<string, boolean>();
      this.alone.set(policy, known);
      const key = `${direction} ${ports}`;
      const found = known.get(key) ?? opens([policy]);
      known.set(key, found);
      return found;
    });
    if (alone.length > 0 || policies.length < 2 || !opens(policies)) return alone;
    return this.deciding(this.contributions(direction, subject, inForce(policies)));
  }

  /** What each policy lets through of the unlisted peers. */
  private contributions(
    direction: Direction,
    subject: number,
    inForce: InForce,
  ): readonly (readonly [Policy, Int32Array])[] {
    const { engine, first } = this;
    const by = new Map<Policy, Int32Array>();
    engine.rowFrom(direction, subject, inForce, first, (policy, place, set) => {
      if (policy === undefined) return;
      const row = by.get(policy) ?? new Int32Array(engine.peers.count - first).fill(NONE);
      by.set(policy, row);
      row[place] = engine.sets.union(row[place] ?? NONE, set);
    });
    return [...by];
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
    const inForce = this.engine.inForce(direction, subject);
    this.engine.rowFrom(direction, subject, inForce, 0, (policy, peer) => {
      if (policy !== undefined) return;
      const one = classes[peer];
      if (one === undefined ? direction === 'egress' : !one.onNode) decided = false;
    });
    return decided;
  }

  /** Whether nearly everything of some measure is let through, on nearly all ports of one protocol. */
  private opens(row: Int32Array): boolean {
    return this.measures.some(({ places, weights }) => {
      let [sctp, tcp, udp] = [0, 0, 0];
      for (let i = 0; i < places.length; i++) {
        const set = row[places[i] ?? 0] ?? NONE;
        if (set === NONE) continue;
        const wide = this.wide[set] ?? this.widthOf(set);
        const weight = weights[i] ?? 0;
        if (wide & 1) sctp += weight;
        if (wide & 2) tcp += weight;
        if (wide & 4) udp += weight;
      }
      return Math.max(sctp, tcp, udp) >= NEARLY - ROUNDING;
    });
  }

  /** One bit for each protocol of which nearly all ports are in a set. */
  private widthOf(set: PortSet): number {
    const { sets } = this.engine;
    const isWide = (protocol: Protocol) => sets.count(set, protocol) >= NEARLY * LAST_PORT;
    const wide = (isWide('SCTP') ? 1 : 0) + (isWide('TCP') ? 2 : 0) + (isWide('UDP') ? 4 : 0);
    this.wide[set] = wide;
    return wide;
  }
}

function measure(weighed: readonly (readonly [place: number, weight: number])[]): Measure {
  const counted = weighed.filter(([, weight]) => weight > 0);
  return {
    places: Int32Array.from(counted, ([place]) => place),
    weights: Float64Array.from(counted, ([, weight]) => weight),
  };
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
