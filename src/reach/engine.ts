import type { Inventory } from './inventory.js';
import type { EngineOptions } from './options.js';
import { Peers } from './peers.js';
import type { Direction, Policy, Rule, Tier } from './policy.js';
import { ALL, NONE, type PortSet, PortSets } from './portset.js';
import type { Semantics } from './semantics.js';

const TIERS: readonly Tier[] = ['Admin', 'NetworkPolicy', 'Baseline'];

/** Policies in force for one class in one direction, in the order in which they decide. */
export type InForce = Readonly<Record<Tier, readonly Policy[]>>;

/** Told what a policy lets through to or from the peer at a place of a row; undefined: it is open as nothing decides. */
export type Recorder = (by: Policy | undefined, place: number, set: PortSet) => void;

/** Answers what may connect to what, by peers: see `Peers`. */
export class Engine {
  readonly sets = new PortSets();
  readonly peers: Peers;
  readonly semantics: Semantics;
  readonly options: EngineOptions;
  private readonly ids: ReadonlyMap<Policy, number>;
  private readonly inForceOf: Readonly<Record<Direction, readonly InForce[]>>;
  private readonly rows = new Map<string, Int32Array>();
  private readonly rowOf: Record<Direction, (Int32Array | undefined)[]> = { ingress: [], egress: [] };

  constructor(
    inventory: Inventory,
    policies: readonly Policy[],
    options: EngineOptions,
    semantics: Semantics,
  ) {
    this.semantics = semantics;
    this.options = options;
    this.ids = new Map(policies.map((policy, i) => [policy, i]));
    this.peers = new Peers(inventory, policies, options, semantics, this.sets);
    this.inForceOf = {
      ingress: this.findInForce('ingress', policies),
      egress: this.findInForce('egress', policies),
    };
  }

  /**
   * What may pass from one peer to another. `ownNode`: one of them is the node of the other, which no NetworkPolicy
   * cuts; rules of the cluster-wide policies can.
   */
  between(source: number, destination: number, ownNode = false): PortSet {
    const { needs } = this.semantics;
    if (!this.peers.canMeet(source, destination)) return NONE;
    const pods = this.peers.classes.classes.length;
    const out = source < pods && needs.egress ? this.row('egress', source, ownNode)[destination] : ALL;
    if (out === NONE) return NONE;
    const into =
      destination < pods && needs.ingress ? this.row('ingress', destination, ownNode)[source] : ALL;
    return this.sets.intersect(out ?? NONE, into ?? NONE);
  }

  /**
   * Calls `visit` with the place and the set of each destination class to which something may pass: `between`, made
   * short for the listing, which asks for every pair. Negative destinations are passed over.
   */
  fromClass(source: number, destinations: Int32Array, visit: (place: number, set: PortSet) => void): void {
    const { needs } = this.semantics;
    const out = needs.egress ? this.row('egress', source) : undefined;
    const rows = this.rowOf.ingress;
    for (let place = 0; place < destinations.length; place++) {
      const destination = destinations[place] ?? -1;
      const leaves = out === undefined ? ALL : out[destination];
      if (destination < 0 || leaves === NONE || leaves === undefined) continue;
      if (!this.peers.canMeet(source, destination)) continue;
      const row = rows[destination] ?? this.row('ingress', destination);
      const set = this.sets.intersect(leaves, needs.ingress ? (row[source] ?? NONE) : ALL);
      if (set !== NONE) visit(place, set);
    }
  }

  /** Policies that apply to a class in a direction, by tier, in the order in which they decide. */
  inForce(direction: Direction, subject: number): InForce {
    return this.inForceOf[direction][subject] ?? { Admin: [], NetworkPolicy: [], Baseline: [] };
  }

  /** For one class and direction: by peer, what its policies let through. */
  row(direction: Direction, subject: number, ownNode = false): Int32Array {
    const known = ownNode ? undefined : this.rowOf[direction][subject];
    if (known !== undefined) return known;
    const key = this.rowKey(direction, subject, ownNode);
    let row = this.rows.get(key);
    if (row === undefined) {
      row = this.decide(direction, subject, this.inForce(direction, subject), ownNode);
      this.rows.set(key, row);
    }
    if (!ownNode) this.rowOf[direction][subject] = row;
    return row;
  }

  /** Equal for classes of which the same policies decide, with the same outcome, in a direction. */
  rowKey(direction: Direction, subject: number, ownNode = false): string {
    const policies = this.inForce(direction, subject);
    const ids = TIERS.flatMap((tier) => policies[tier].map((policy) => this.ids.get(policy)));
    const ports = direction === 'ingress' ? (this.peers.classAt(subject)?.portsId ?? 0) : 0;
    return `${direction} ${ownNode} ${ports} ${ids.join()}`;
  }

  /**
   * A class's row, if these policies were in force, for the peers from `first` on, with what each policy lets through
   * told to `record`; places count from there. A whole row costs as much as there are classes: whoever asks about
   * hypothetical pods and addresses alone starts at `classes.firstFresh`. Not kept.
   */
  rowFrom(
    direction: Direction,
    subject: number,
    policies: InForce,
    first: number,
    record?: Recorder,
  ): Int32Array {
    return this.decide(direction, subject, policies, false, first, record);
  }

  /** Decides for the peers from `first` on; places in the result, and for `record`, count from there. */
  private decide(
    direction: Direction,
    subject: number,
    policies: InForce,
    ownNode: boolean,
    first = 0,
    record?: Recorder,
  ): Int32Array {
    const { semantics, sets } = this;
    const count = this.peers.count - first;
    const filled = (value: PortSet) => new Int32Array(count).fill(value);
    const tier = (list: readonly Policy[], allowed: Int32Array, rest: Int32Array) =>
      this.applyTier(direction, subject, list, allowed, rest, first, record);
    const byNetworkPolicies = (rest?: Int32Array) =>
      ownNode
        ? filled(ALL)
        : this.networkPolicyRow(direction, subject, policies.NetworkPolicy, first, rest, record);
    const isolated = policies.NetworkPolicy.length > 0;
    if (
      record === undefined &&
      policies.Admin.length === 0 &&
      (isolated ? semantics.networkPolicyIsFinal : policies.Baseline.length === 0)
    ) {
      return isolated ? byNetworkPolicies() : filled(semantics.otherwiseAllowed ? ALL : NONE);
    }
    const allowed = filled(NONE);
    const rest = filled(ALL);
    tier(policies.Admin, allowed, rest);
    if (isolated) {
      const row = byNetworkPolicies(rest);
      for (let peer = 0; peer < count; peer++) {
        const open = sets.intersect(rest[peer] ?? NONE, row[peer] ?? NONE);
        allowed[peer] = sets.union(allowed[peer] ?? NONE, open);
        rest[peer] = semantics.networkPolicyIsFinal ? NONE : sets.subtract(rest[peer] ?? NONE, open);
      }
    }
    tier(policies.Baseline, allowed, rest);
    if (semantics.otherwiseAllowed)
      for (let peer = 0; peer < count; peer++) {
        const open = rest[peer] ?? NONE;
        allowed[peer] = sets.union(allowed[peer] ?? NONE, open);
        if (open !== NONE) record?.(undefined, peer, open);
      }
    return allowed;
  }

  /** Applies the ordered rules of a tier: what they decide leaves `rest`, what they accept enters `allowed`. */
  private applyTier(
    direction: Direction,
    subject: number,
    policies: readonly Policy[],
    allowed: Int32Array,
    rest: Int32Array,
    first: number,
    record: Recorder | undefined,
  ): void {
    if (policies.length === 0) return;
    const { semantics, sets } = this;
    const passed = new Int32Array(rest.length).fill(NONE);
    const rules = policies.flatMap((policy) => (policy[direction] ?? []).map((rule) => ({ policy, rule })));
    for (const { policy, rule } of semantics.firstRuleDecides ? rules : rules.toReversed()) {
      this.peers.forEachPeer(
        rule,
        (one) => {
          const peer = one - first;
          const hit = sets.intersect(this.portsOf(direction, rule, subject, one), rest[peer] ?? NONE);
          if (hit === NONE) return;
          rest[peer] = sets.subtract(rest[peer] ?? NONE, hit);
          if (rule.action === 'Pass') passed[peer] = sets.union(passed[peer] ?? NONE, hit);
          if (rule.action !== 'Allow') return;
          allowed[peer] = sets.union(allowed[peer] ?? NONE, hit);
          record?.(policy, peer, hit);
        },
        first,
      );
    }
    const goOn = semantics.passGoesOn ? rest : allowed;
    for (let peer = 0; peer < passed.length; peer++)
      if (passed[peer] !== NONE) goOn[peer] = sets.union(goOn[peer] ?? NONE, passed[peer] ?? NONE);
  }

  /** The union of what the NetworkPolicies of an isolated subject allow; recorded as far as `rest` leaves it to them. */
  private networkPolicyRow(
    direction: Direction,
    subject: number,
    policies: readonly Policy[],
    first: number,
    rest: Int32Array | undefined,
    record: Recorder | undefined,
  ): Int32Array {
    const { sets } = this;
    const row = new Int32Array(this.peers.count - first).fill(NONE);
    for (const policy of policies)
      for (const rule of policy[direction] ?? [])
        this.peers.forEachPeer(
          rule,
          (one) => {
            const peer = one - first;
            const ports = this.portsOf(direction, rule, subject, one);
            row[peer] = sets.union(row[peer] ?? NONE, ports);
            record?.(policy, peer, sets.intersect(ports, rest?.[peer] ?? ALL));
          },
          first,
        );
    return row;
  }

  /** The ports of a rule; named ones are the destination's. */
  private portsOf(direction: Direction, rule: Rule, subject: number, peer: number): PortSet {
    const toSubject = direction === 'ingress' || !this.semantics.namedPortsOfDestination;
    return this.peers.rulePorts(rule, toSubject ? subject : peer);
  }

  private findInForce(direction: Direction, policies: readonly Policy[]): readonly InForce[] {
    const found = this.peers.classes.classes.map(() => ({
      Admin: [] as Policy[],
      NetworkPolicy: [] as Policy[],
      Baseline: [] as Policy[],
    }));
    // What equal priorities mean is not defined; by name the answer is the same for any order of the files.
    const ordered = policies.toSorted(
      (a, b) => this.semantics.before(a.priority, b.priority) || (a.ref.name < b.ref.name ? -1 : 1),
    );
    for (const policy of ordered) {
      if (policy[direction] === undefined) continue;
      for (const subject of this.peers.classesOf(policy.subject)) found[subject]?.[policy.tier].push(policy);
    }
    for (const one of found) if (one.NetworkPolicy.every(({ addsOnly }) => addsOnly)) one.NetworkPolicy = [];
    return found;
  }
}
