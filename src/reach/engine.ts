import type { Inventory } from './inventory.js';
import type { EngineOptions } from './options.js';
import { Peers } from './peers.js';
import type { Direction, Policy, Tier } from './policy.js';
import { ALL, NONE, type PortSet, PortSets } from './portset.js';
import type { Semantics } from './semantics.js';

const TIERS: readonly Tier[] = ['Admin', 'NetworkPolicy', 'Baseline'];

/** Policies in force for one class in one direction, in the order in which they decide. */
export type InForce = Readonly<Record<Tier, readonly Policy[]>>;

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
    const policies = this.inForce(direction, subject);
    const ids = TIERS.flatMap((tier) => policies[tier].map((policy) => this.ids.get(policy)));
    const ports = direction === 'ingress' ? (this.peers.classAt(subject)?.portsId ?? 0) : 0;
    const key = `${direction} ${ownNode} ${ports} ${ids.join()}`;
    let row = this.rows.get(key);
    if (row === undefined) {
      row = this.decide(direction, subject, policies, ownNode);
      this.rows.set(key, row);
    }
    if (!ownNode) this.rowOf[direction][subject] = row;
    return row;
  }

  private decide(direction: Direction, subject: number, policies: InForce, ownNode: boolean): Int32Array {
    const { semantics, sets } = this;
    const byNetworkPolicies = () =>
      ownNode ? this.filled(ALL) : this.networkPolicyRow(direction, subject, policies.NetworkPolicy);
    const isolated = policies.NetworkPolicy.length > 0;
    if (
      policies.Admin.length === 0 &&
      (isolated ? semantics.networkPolicyIsFinal : policies.Baseline.length === 0)
    ) {
      return isolated ? byNetworkPolicies() : this.filled(semantics.otherwiseAllowed ? ALL : NONE);
    }
    const allowed = this.filled(NONE);
    const rest = this.filled(ALL);
    this.applyTier(direction, subject, policies.Admin, allowed, rest);
    if (isolated) {
      const row = byNetworkPolicies();
      for (let peer = 0; peer < this.peers.count; peer++) {
        const open = sets.intersect(rest[peer] ?? NONE, row[peer] ?? NONE);
        allowed[peer] = sets.union(allowed[peer] ?? NONE, open);
        rest[peer] = semantics.networkPolicyIsFinal ? NONE : sets.subtract(rest[peer] ?? NONE, open);
      }
    }
    this.applyTier(direction, subject, policies.Baseline, allowed, rest);
    if (semantics.otherwiseAllowed)
      for (let peer = 0; peer < this.peers.count; peer++)
        allowed[peer] = sets.union(allowed[peer] ?? NONE, rest[peer] ?? NONE);
    return allowed;
  }

  /** Applies the ordered rules of a tier: what they decide leaves `rest`, what they accept enters `allowed`. */
  private applyTier(
    direction: Direction,
    subject: number,
    policies: readonly Policy[],
    allowed: Int32Array,
    rest: Int32Array,
  ): void {
    const { semantics, sets } = this;
    const passed = this.filled(NONE);
    const rules = policies.flatMap((policy) => policy[direction] ?? []);
    for (const rule of semantics.firstRuleDecides ? rules : rules.toReversed()) {
      this.peers.forEachPeer(rule, (peer) => {
        const ports = this.peers.rulePorts(
          rule,
          direction === 'ingress' ? subject : this.destination(subject, peer),
        );
        const hit = sets.intersect(ports, rest[peer] ?? NONE);
        if (hit === NONE) return;
        rest[peer] = sets.subtract(rest[peer] ?? NONE, hit);
        if (rule.action === 'Pass') passed[peer] = sets.union(passed[peer] ?? NONE, hit);
        if (rule.action === 'Allow') allowed[peer] = sets.union(allowed[peer] ?? NONE, hit);
      });
    }
    const goOn = semantics.passGoesOn ? rest : allowed;
    for (let peer = 0; peer < this.peers.count; peer++)
      if (passed[peer] !== NONE) goOn[peer] = sets.union(goOn[peer] ?? NONE, passed[peer] ?? NONE);
  }

  /** The union of what the NetworkPolicies of an isolated subject allow. */
  private networkPolicyRow(direction: Direction, subject: number, policies: readonly Policy[]): Int32Array {
    const { sets } = this;
    const row = this.filled(NONE);
    for (const policy of policies)
      for (const rule of policy[direction] ?? [])
        this.peers.forEachPeer(rule, (peer) => {
          const ports = this.peers.rulePorts(
            rule,
            direction === 'ingress' ? subject : this.destination(subject, peer),
          );
          row[peer] = sets.union(row[peer] ?? NONE, ports);
        });
    return row;
  }

  private destination(subject: number, peer: number): number {
    return this.semantics.namedPortsOfDestination ? peer : subject;
  }

  private filled(value: PortSet): Int32Array {
    return new Int32Array(this.peers.count).fill(value);
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
    return found;
  }
}
