import { type Address, atoms as cut, type Range, without } from './address.js';
import { Bits } from './bits.js';
import { atomOf, type Classes, classify, ELSEWHERE, type PodClass } from './classes.js';
import { EntityPeers } from './entitypeers.js';
import type { Inventory, Labels } from './inventory.js';
import type { EngineOptions } from './options.js';
import type { Direction, Entity, Peer, PodPeer, Policy, Rule } from './policy.js';
import { ALL, NONE, type PortSet, type PortSets } from './portset.js';
import type { Selector } from './selector.js';
import type { Semantics } from './semantics.js';

/** Of a namespace that nobody described all that is known is that it has a name. */
const ELSEWHERE_LABELS: Labels = new Map([['kubernetes.io/metadata.name', ELSEWHERE]]);

/**
 * Who can be at the end of a connection, and which rules speak of whom. A peer is a number: first the classes of pods,
 * then the atoms of the address space (all addresses of an atom lie in the same blocks).
 */
export class Peers {
  /** The address space cut so that all addresses of one atom lie in the same blocks. */
  readonly atoms: readonly Range[];
  /** The same, cut by the blocks of one direction's rules only: what a listing tells apart. */
  readonly outside: Readonly<Record<Direction, readonly Range[]>>;
  readonly classes: Classes;
  readonly count: number;
  /** Classes with addresses that count. */
  private readonly addressed: readonly number[];
  private readonly inventory: Inventory;
  private readonly domains: EngineOptions['domains'];
  private readonly entities: EntityPeers;
  /** The first peer of those that stand for entities: they come after the atoms. */
  private readonly firstEntity: number;
  private readonly semantics: Semantics;
  private readonly sets: PortSets;
  private readonly peersByRule = new Map<Rule, Bits | 'any'>();
  private readonly selectedByText = new Map<string, Bits>();
  private readonly namespacesByText = new Map<string, ReadonlySet<string>>();
  private readonly portsByRule = new Map<Rule, PortSet[]>();

  constructor(
    inventory: Inventory,
    policies: readonly Policy[],
    options: EngineOptions,
    semantics: Semantics,
    sets: PortSets,
  ) {
    this.inventory = inventory;
    this.domains = options.domains;
    this.entities = new EntityPeers(options.entities);
    this.semantics = semantics;
    this.sets = sets;
    const ranges = (direction: Direction) =>
      peersNamed(policies, direction).flatMap((peer) => this.rangesOf(peer));
    this.outside = { ingress: cut(ranges('ingress')), egress: cut(ranges('egress')) };
    this.atoms = cut([...this.outside.ingress, ...this.outside.egress]);
    this.classes = classify(inventory, policies, this.atoms, {
      hostNetworkSelected: semantics.hostNetworkSelected || options.hostNetwork === 'pod',
      podAddresses: options.podAddresses === 'select',
      nodes: peersNamed(policies, 'egress').some((peer) => peer.kind === 'nodes'),
    });
    // Where entities stand for nodes, they do so for the pods on their network as well.
    this.addressed = this.classes.classes.flatMap(({ atoms, onNode }, index) =>
      atoms.length > 0 && !(onNode && this.entities.count > 0) ? [index] : [],
    );
    this.firstEntity = this.classes.classes.length + this.atoms.length;
    this.count = this.firstEntity + this.entities.count;
  }

  /** The class that a peer is; undefined for addresses. */
  classAt(peer: number): PodClass | undefined {
    return this.classes.classes[peer];
  }

  /** The peer that stands for one address outside of all pods: of an entity, or its atom. */
  addressPeer(address: Address): number {
    const entity = this.entities.at(address);
    return entity === undefined ? this.atomPeer(address) : this.firstEntity + entity;
  }

  /** The peer that stands for the addresses around one, outside of all pods and entities. */
  atomPeer(address: Address): number {
    return this.classes.classes.length + atomOf(address, this.atoms);
  }

  /** Whether a rule has a peer among its peers. */
  ruleHasPeer(rule: Rule, peer: number): boolean {
    const peers = this.peersOf(rule);
    return peers === 'any' || peers.has(peer);
  }

  /** The ports of a rule where the connection goes to `destination` (named ports are the destination's). */
  rulePorts(rule: Rule, destination: number): PortSet {
    if (rule.ports === 'any') return ALL;
    const target = this.classAt(destination);
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

  /** Calls `visit` for each peer of a rule from `first` on. */
  forEachPeer(rule: Rule, visit: (peer: number) => void, first = 0): void {
    const peers = this.peersOf(rule);
    if (peers === 'any') for (let peer = first; peer < this.count; peer++) visit(peer);
    else peers.forEach(visit, first);
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
    const found = new Bits(this.count);
    const atoms = new Bits(this.atoms.length);
    for (const peer of peers) {
      if (peer.kind === 'pods') found.addAll(this.selected(peer));
      else if (peer.kind === 'entity') this.addEntity(peer.name, found);
      else this.addAtoms(peer, atoms);
      if (peer.kind === 'nodes') this.addOnNodes(peer.nodes, found);
    }
    const { classes } = this.classes;
    atoms.forEach((atom) => {
      found.add(classes.length + atom);
    });
    for (const index of this.addressed)
      if (classes[index]?.atoms.some((atom) => atoms.has(atom))) found.add(index);
    return found;
  }

  /** The classes of a peer as a set; many rules name the same. */
  private selected(peer: PodPeer): Bits {
    const namespace = typeof peer.namespace === 'string' ? `name ${peer.namespace}` : peer.namespace.text;
    const key = `${namespace} ${peer.pods.text}`;
    let found = this.selectedByText.get(key);
    if (found === undefined) {
      found = new Bits(this.count);
      for (const index of this.classesOf(peer)) found.add(index);
      this.selectedByText.set(key, found);
    }
    return found;
  }

  /** Adds the peers of an entity; nodes are also the pods on their network. */
  private addEntity(name: Entity, found: Bits): void {
    for (const index of this.entities.of(name)) found.add(this.firstEntity + index);
    if (name === 'nodes')
      this.classes.classes.forEach(({ onNode }, index) => {
        if (onNode) found.add(index);
      });
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
      case 'entity':
        return [];
      case 'block':
        return without(peer.block.cidr, peer.block.except);
      case 'nodes': {
        const names = this.nodesOf(peer.nodes);
        return this.inventory.nodes.filter((n) => names.has(n.name)).flatMap((n) => points(n.addresses));
      }
      case 'domain':
        return points(addressesOf(peer.name, this.domains));
    }
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
