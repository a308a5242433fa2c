import { type Address, atoms as cut, type Range, without } from './address.js';
import { Bits } from './bits.js';
import { atomOf, type Classes, classify, ELSEWHERE } from './classes.js';
import type { Inventory, Labels } from './inventory.js';
import type { Direction, Peer, PodPeer, Policy, Rule, Tier } from './policy.js';
import { ALL, NONE, type PortSet, PortSets } from './portset.js';
import type { Selector } from './selector.js';
import type { Semantics } from './semantics.js';

/** How the two things that the documentation leaves to plugins are taken. */
export interface EngineOptions {
  /**
   * `node`: pods on their node's network are not selected by any policy, their node's address stands for them (what
   * most plugins do). `pod`: they are pods like any other. The documentation allows both.
   */
  hostNetwork: 'node' | 'pod';
  /**
   * `ignore`: an ipBlock means addresses outside of the cluster, as the documentation advises and as Cilium takes it.
   * `select`: it also matches pods by their addresses, as plugins do that filter packets.
   */
  podAddresses: 'ignore' | 'select';
  /** Addresses of domain names that policies mention; a name that is not there matches no address. */
  domains: ReadonlyMap<string, readonly Address[]>;
}

/** Of a namespace that nobody described all that is known is that it has a name. */
const ELSEWHERE_LABELS: Labels = new Map([['kubernetes.io/metadata.name', ELSEWHERE]]);
const TIERS: readonly Tier[] = ['Admin', 'NetworkPolicy', 'Baseline'];

/** Policies in force for one class in one direction, in the order in which they decide. */
type InForce = Readonly<Record<Tier, readonly Policy[]>>;

/**
 * Answers what may connect to what. A peer is a number: first the classes of pods, then the atoms of the address space
 * (all addresses of an atom lie in the same blocks).
 */
export class Engine {
  readonly sets = new PortSets();
  /** The address space cut so that all addresses of one atom lie in the same blocks. */
  readonly atoms: readonly Range[];
  /** The same, cut by the blocks of one direction's rules only: what a listing tells apart. */
  readonly outside: Readonly<Record<Direction, readonly Range[]>>;
  readonly classes: Classes;
  readonly semantics: Semantics;
  readonly options: EngineOptions;
  private readonly inventory: Inventory;
  private readonly policies: readonly Policy[];
  private readonly ids: ReadonlyMap<Policy, number>;
  private readonly peerCount: number;
  private readonly inForceOf: Readonly<Record<Direction, readonly InForce[]>>;
  private readonly peersByRule = new Map<Rule, Bits | 'any'>();
  private readonly selectedByText = new Map<string, Bits>();
  private readonly namespacesByText = new Map<string, ReadonlySet<string>>();
  private readonly portsByRule = new Map<Rule, PortSet[]>();
  private readonly rows = new Map<string, Int32Array>();
  private readonly rowOf: Record<Direction, (Int32Array | undefined)[]> = { ingress: [], egress: [] };

  constructor(
    inventory: Inventory,
    policies: readonly Policy[],
    options: EngineOptions,
    semantics: Semantics,
  ) {
    this.inventory = inventory;
    this.semantics = semantics;
    this.options = options;
    this.policies = policies;
    this.ids = new Map(policies.map((policy, i) => [policy, i]));
    const ranges = (direction: Direction) =>
      peersNamed(policies, direction).flatMap((peer) => this.rangesOf(peer));
    const nodes = peersNamed(policies, 'egress').some((peer) => peer.kind === 'nodes');
    this.outside = { ingress: cut(ranges('ingress')), egress: cut(ranges('egress')) };
    this.atoms = cut([...this.outside.ingress, ...this.outside.egress]);
    this.classes = classify(inventory, policies, this.atoms, {
      hostNetworkSelected: semantics.hostNetworkSelected || options.hostNetwork === 'pod',
      podAddresses: options.podAddresses === 'select',
      nodes,
    });
    this.peerCount = this.classes.classes.length + this.atoms.length;
    this.inForceOf = { ingress: this.findInForce('ingress'), egress: this.findInForce('egress') };
  }

  /** The peer that stands for an address outside of all pods. */
  atomPeer(address: Address): number {
    return this.classes.classes.length + atomOf(address, this.atoms);
  }

  /**
   * What may pass from one peer to another. `ownNode`: one of them is the node of the other, which no NetworkPolicy
   * cuts; rules of the cluster-wide policies can.
   */
  between(source: number, destination: number, ownNode = false): PortSet {
    const { needs } = this.semantics;
    const pods = this.classes.classes.length;
    const out = source < pods && needs.egress ? this.row('egress', source, ownNode)[destination] : ALL;
    if (out === NONE) return NONE;
    const into =
      destination < pods && needs.ingress ? this.row('ingress', destination, ownNode)[source] : ALL;
    return this.sets.intersect(out ?? NONE, into ?? NONE);
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
    const ports = direction === 'ingress' ? (this.classes.classes[subject]?.portsId ?? 0) : 0;
    const key = `${direction} ${ownNode} ${ports} ${ids.join()}`;
    let row = this.rows.get(key);
    if (row === undefined) {
      row = this.decide(direction, subject, policies, ownNode);
      this.rows.set(key, row);
    }
    if (!ownNode) this.rowOf[direction][subject] = row;
    return row;
  }

  /** Whether a rule has a peer among its peers. */
  ruleHasPeer(rule: Rule, peer: number): boolean {
    const peers = this.peersOf(rule);
    return peers === 'any' || peers.has(peer);
  }

  /** The ports of a rule where the connection goes to `destination` (named ports are the destination's). */
  rulePorts(rule: Rule, destination: number): PortSet {
    if (rule.ports === 'any') return ALL;
    const target = this.classes.classes[destination];
    const portsId = target?.portsId ?? 0;
    let known = this.portsByRule.get(rule);
    if (known === undefined) {
      known = [];
      this.portsByRule.set(rule, known);
    }
    let set = known[portsId];
    if (set === undefined) {
      set = NONE;
      for (const port of rule.ports) {
        if (port.kind === 'range')
          set = this.sets.union(set, this.sets.range(port.protocol, port.from, port.to));
        else
          for (const named of target?.ports ?? [])
            if (this.semantics.isNamed(named, port.name, port.protocol))
              set = this.sets.union(
                set,
                this.sets.range(port.protocol ?? named.protocol, named.port, named.port),
              );
      }
      known[portsId] = set;
    }
    return set;
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
      for (let peer = 0; peer < this.peerCount; peer++) {
        const open = sets.intersect(rest[peer] ?? NONE, row[peer] ?? NONE);
        allowed[peer] = sets.union(allowed[peer] ?? NONE, open);
        rest[peer] = semantics.networkPolicyIsFinal ? NONE : sets.subtract(rest[peer] ?? NONE, open);
      }
    }
    this.applyTier(direction, subject, policies.Baseline, allowed, rest);
    if (semantics.otherwiseAllowed)
      for (let peer = 0; peer < this.peerCount; peer++)
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
      this.forEachPeer(rule, (peer) => {
        const ports = this.rulePorts(
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
    for (let peer = 0; peer < this.peerCount; peer++)
      if (passed[peer] !== NONE) goOn[peer] = sets.union(goOn[peer] ?? NONE, passed[peer] ?? NONE);
  }

  /** The union of what the NetworkPolicies of an isolated subject allow. */
  private networkPolicyRow(direction: Direction, subject: number, policies: readonly Policy[]): Int32Array {
    const { sets } = this;
    const row = this.filled(NONE);
    for (const policy of policies)
      for (const rule of policy[direction] ?? [])
        this.forEachPeer(rule, (peer) => {
          const ports = this.rulePorts(
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
    return new Int32Array(this.peerCount).fill(value);
  }

  private forEachPeer(rule: Rule, visit: (peer: number) => void): void {
    const peers = this.peersOf(rule);
    if (peers === 'any') for (let peer = 0; peer < this.peerCount; peer++) visit(peer);
    else peers.forEach(visit);
  }

  private peersOf(rule: Rule): Bits | 'any' {
    let peers = this.peersByRule.get(rule);
    if (peers === undefined) {
      peers = rule.peers === 'any' ? 'any' : this.collected(rule.peers);
      this.peersByRule.set(rule, peers);
    }
    return peers;
  }

  private collected(peers: readonly Peer[]): Bits {
    const only = peers[0];
    if (peers.length === 1 && only?.kind === 'pods') return this.selected(only);
    const found = new Bits(this.peerCount);
    const atoms = new Bits(this.atoms.length);
    for (const peer of peers) {
      if (peer.kind === 'pods') found.addAll(this.selected(peer));
      else this.addAtoms(peer, atoms);
      if (peer.kind === 'nodes') this.addOnNodes(peer.nodes, found);
    }
    const { classes } = this.classes;
    atoms.forEach((atom) => {
      found.add(classes.length + atom);
    });
    classes.forEach((candidate, index) => {
      if (candidate.atoms.some((atom) => atoms.has(atom))) found.add(index);
    });
    return found;
  }

  /** The classes of a peer as a set; many rules name the same. */
  private selected(peer: PodPeer): Bits {
    const namespace = typeof peer.namespace === 'string' ? `name ${peer.namespace}` : peer.namespace.text;
    const key = `${namespace} ${peer.pods.text}`;
    let found = this.selectedByText.get(key);
    if (found === undefined) {
      found = new Bits(this.peerCount);
      for (const index of this.classesOf(peer)) found.add(index);
      this.selectedByText.set(key, found);
    }
    return found;
  }

  /** Adds the atoms of a block, of nodes or of a domain name. */
  private addAtoms(peer: Exclude<Peer, PodPeer>, atoms: Bits): void {
    const ranges = peer.kind === 'block' ? [peer.block.cidr] : this.rangesOf(peer);
    for (const { family, from, to } of ranges) {
      const last = atomOf({ family, value: to }, this.atoms);
      for (let atom = atomOf({ family, value: from }, this.atoms); atom <= last; atom++) {
        const value = this.atoms[atom]?.from;
        const inside =
          peer.kind !== 'block' ||
          (value !== undefined && this.semantics.inBlock({ family, value }, peer.block));
        if (inside) atoms.add(atom);
      }
    }
  }

  /** Adds the classes that stand for pods on the network of the selected nodes. */
  private addOnNodes(selector: Selector, found: Bits): void {
    const nodes = this.nodesOf(selector);
    this.classes.classes.forEach((candidate, index) => {
      if (candidate.onNode && nodes.has(candidate.node ?? '')) found.add(index);
    });
  }

  /** The classes that a subject or peer selects. */
  classesOf(peer: PodPeer): readonly number[] {
    const { classes, byNamespace } = this.classes;
    const namespaces =
      typeof peer.namespace === 'string' ? [peer.namespace] : this.namespacesOf(peer.namespace);
    const out: number[] = [];
    for (const name of namespaces)
      for (const index of byNamespace.get(name) ?? []) {
        const candidate = classes[index];
        if (candidate !== undefined && !candidate.onNode && this.selects(peer.pods, candidate.labels))
          out.push(index);
      }
    return out;
  }

  private namespacesOf(selector: Selector): ReadonlySet<string> {
    let names = this.namespacesByText.get(selector.text);
    if (names === undefined) {
      const found = new Set<string>();
      for (const name of this.classes.byNamespace.keys())
        if (this.selects(selector, this.inventory.namespaces.get(name) ?? ELSEWHERE_LABELS)) found.add(name);
      names = found;
      this.namespacesByText.set(selector.text, names);
    }
    return names;
  }

  private nodesOf(selector: Selector): ReadonlySet<string> {
    const nodes = this.inventory.nodes.filter((node) => this.selects(selector, node.labels));
    return new Set(nodes.map((node) => node.name));
  }

  private selects(selector: Selector, labels: Labels): boolean {
    const { requirements } = selector;
    if (requirements.length === 0) return true;
    return this.semantics.together(
      requirements.map((requirement) => this.semantics.holds(requirement, labels.get(requirement.key))),
    );
  }

  private rangesOf(peer: Peer): readonly Range[] {
    const points = (addresses: readonly Address[]) =>
      addresses.map(({ family, value }) => ({ family, from: value, to: value }));
    switch (peer.kind) {
      case 'pods':
        return [];
      case 'block':
        return without(peer.block.cidr, peer.block.except);
      case 'nodes': {
        const names = this.nodesOf(peer.nodes);
        return this.inventory.nodes.filter((n) => names.has(n.name)).flatMap((n) => points(n.addresses));
      }
      case 'domain':
        return points(addressesOf(peer.name, this.options.domains));
    }
  }

  private findInForce(direction: Direction): readonly InForce[] {
    const found = this.classes.classes.map(() => ({
      Admin: [] as Policy[],
      NetworkPolicy: [] as Policy[],
      Baseline: [] as Policy[],
    }));
    const ordered = this.policies.toSorted((a, b) => this.semantics.before(a.priority, b.priority));
    for (const policy of ordered) {
      if (policy[direction] === undefined) continue;
      for (const subject of this.classesOf(policy.subject)) found[subject]?.[policy.tier].push(policy);
    }
    return found;
  }
}

/** Addresses of a domain name; `*.example.com` stands for every known name below it. */
export function addressesOf(name: string, domains: EngineOptions['domains']): readonly Address[] {
  if (!name.startsWith('*.')) return domains.get(name) ?? [];
  return [...domains].flatMap(([known, addresses]) => (known.endsWith(name.slice(1)) ? addresses : []));
}

function peersNamed(policies: readonly Policy[], direction: Direction): readonly Peer[] {
  return policies.flatMap((policy) =>
    (policy[direction] ?? []).flatMap((rule) => (rule.peers === 'any' ? [] : rule.peers)),
  );
}
