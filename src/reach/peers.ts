import { type Address, atoms as cut, type Family, type Range, without } from './address.js';
import { Bits } from './bits.js';
import { atomOf, type Classes, classify, ELSEWHERE, type PodClass } from './classes.js';
import { EntityPeers } from './entitypeers.js';
import type { Inventory, Labels } from './inventory.js';
import type { EngineOptions } from './options.js';
import { POD_RANGES } from './podranges.js';
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
  /** Classes of which it counts where their addresses lie. */
  private readonly placed: readonly number[];
  /** Of each class the family of its address; 0 where that does not count. */
  private readonly families: Uint8Array;
  private readonly podAddresses: EngineOptions['podAddresses'];
  /** The atoms in which addresses of pods can lie, by family. */
  private readonly podAtoms: Readonly<Record<Family, readonly number[]>>;
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
    this.podAddresses = options.podAddresses;
    this.entities = new EntityPeers(options.entities);
    this.semantics = semantics;
    this.sets = sets;
    const ranges = (direction: Direction) =>
      peersNamed(policies, direction).flatMap((peer) => this.rangesOf(peer));
    this.outside = { ingress: cut(ranges('ingress')), egress: cut(ranges('egress')) };
    this.atoms = cut([...this.outside.ingress, ...this.outside.egress]);
    this.podAtoms = { 4: this.atomsWithin(POD_RANGES[4]), 6: this.atomsWithin(POD_RANGES[6]) };
    const egress = peersNamed(policies, 'egress');
    const named = [...peersNamed(policies, 'ingress'), ...egress].filter(isAddresses);
    const ofPods = options.podAddresses === 'ignore' ? named.filter(speaksOfPods) : named;
    this.classes = classify(inventory, policies, this.atoms, {
      hostNetworkSelected: semantics.hostNetworkSelected || options.hostNetwork === 'pod',
      forPods: this.groupsOf(ofPods),
      forNodes: this.groupsOf(named),
      nodes: egress.some((peer) => peer.kind === 'nodes'),
    });
    // Where entities stand for nodes, they do so for the pods on their network as well.
    this.placed = this.classes.classes.flatMap(({ place, onNode }, index) =>
      place !== undefined && !(onNode && this.entities.count > 0) ? [index] : [],
    );
    this.families = Uint8Array.from(this.classes.classes, ({ place }) => place?.family ?? 0);
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

  /** Whether a connection between two peers can be: pods with addresses of different families have none. */
  canMeet(source: number, destination: number): boolean {
    if (!this.semantics.oneFamily) return true;
    const [from, to] = [this.families[source] ?? 0, this.families[destination] ?? 0];
    return from === to || from === 0 || to === 0;
  }

  /** Whether a rule has a peer among its peers. */
  ruleHasPeer(rule: Rule, peer: number): boolean {
    const peers = this.peersOf(rule);
    return peers === 'any' || peers.has(peer);
  }

  /**
   * How far the ranges of a rule hold what pods of which no address is known may have: `whole` where they hold every
   * address of the family, `part` where they hold some. `pods`: only ranges that speak of pods with every plugin.
   */
  rangesHold(rule: Rule, family: Family, pods: boolean): 'whole' | 'part' | 'none' {
    const blocks =
      rule.peers === 'any' ? [] : rule.peers.filter((peer) => peer.kind === 'block' && peer.pods === pods);
    const atoms = new Bits(this.atoms.length);
    for (const peer of blocks.filter(isAddresses)) for (const atom of this.atomsOf(peer)) atoms.add(atom);
    if (!this.podAtoms[family].some((atom) => atoms.has(atom))) return 'none';
    return this.isWhole(atoms, family) ? 'whole' : 'part';
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
    for (const peer of peers) {
      if (peer.kind === 'pods') found.addAll(this.selected(peer));
      if (peer.kind === 'entity') this.addEntity(peer.name, found);
      if (peer.kind === 'nodes') this.addOnNodes(peer.nodes, found);
    }
    const addresses = peers.filter(isAddresses);
    if (addresses.length > 0) this.addAddresses(addresses, found);
    return found;
  }

  /** Adds the atoms of address peers, and the classes that lie there. */
  private addAddresses(peers: readonly AddressPeer[], found: Bits): void {
    const [all, always] = [new Bits(this.atoms.length), new Bits(this.atoms.length)];
    for (const peer of peers)
      for (const atom of this.atomsOf(peer)) {
        all.add(atom);
        if (speaksOfPods(peer)) always.add(atom);
      }
    const { classes } = this.classes;
    all.forEach((atom) => {
      found.add(classes.length + atom);
    });
    const [known, unknown] = [
      this.podAddresses === 'ignore' ? always : all,
      this.podAddresses === 'select' ? all : always,
    ];
    const whole = {
      4: { nodes: this.isWhole(all, 4), pods: this.isWhole(unknown, 4) },
      6: { nodes: this.isWhole(all, 6), pods: this.isWhole(unknown, 6) },
    };
    for (const index of this.placed) {
      const { place, onNode } = classes[index] ?? {};
      if (place === undefined) continue;
      const { family, atom } = place;
      const isIn =
        atom === undefined ? whole[family][onNode ? 'nodes' : 'pods'] : (onNode ? all : known).has(atom);
      if (isIn) found.add(index);
    }
  }

  /** Whether atoms hold every address that a pod can have in a family. */
  private isWhole(atoms: Bits, family: Family): boolean {
    return this.semantics.wholeFamilyHoldsAll && this.podAtoms[family].every((atom) => atoms.has(atom));
  }

  /** The classes of a peer as a set; many rules name the same. */
  selected(peer: PodPeer): Bits {
    const namespace = typeof peer.namespace === 'string' ? `name ${peer.namespace}` : peer.namespace.text;
    const key = `${peer.neverOnNode} ${namespace} ${peer.pods.text}`;
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

  /** The atoms of a block, of nodes or of a domain name. */
  private atomsOf(peer: AddressPeer): readonly number[] {
    if (peer.kind !== 'block') return this.atomsWithin(this.rangesOf(peer));
    const { family } = peer.block.cidr;
    return this.atomsWithin([peer.block.cidr]).filter((atom) => {
      const value = this.atoms[atom]?.from;
      return value !== undefined && this.semantics.inBlock({ family, value }, peer.block);
    });
  }

  /** The atoms that have addresses in common with ranges. */
  private atomsWithin(ranges: readonly Range[]): readonly number[] {
    return ranges.flatMap(({ family, from, to }) => {
      const first = atomOf({ family, value: from }, this.atoms);
      const last = atomOf({ family, value: to }, this.atoms);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
  }

  /** By atom, the first of those that lie in the same of the given peers; undefined where there are no peers. */
  private groupsOf(peers: readonly AddressPeer[]): Int32Array | undefined {
    if (peers.length === 0) return undefined;
    const group = new Int32Array(this.atoms.length);
    let groups = 1;
    for (const peer of new Map(peers.map((one) => [keyOf(one), one])).values()) {
      const moved = new Map<number, number>();
      for (const atom of this.atomsOf(peer)) {
        const from = group[atom] ?? 0;
        const to = moved.get(from) ?? groups++;
        moved.set(from, to);
        group[atom] = to;
      }
    }
    const first = new Map<number, number>();
    return group.map((one, atom) => {
      if (!first.has(one)) first.set(one, atom);
      return first.get(one) ?? atom;
    });
  }

  /** Adds the classes that stand for pods on the network of the selected nodes. */
  private addOnNodes(selector: Selector, found: Bits): void {
    const nodes = this.nodesOf(selector);
    this.classes.classes.forEach((candidate, index) => {
      if (candidate.hostNetwork && nodes.has(candidate.node ?? '')) found.add(index);
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
        if (candidate === undefined || candidate.onNode || (peer.neverOnNode && candidate.hostNetwork))
          continue;
        if (this.selects(peer.pods, candidate.labels)) out.push(index);
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

type AddressPeer = Exclude<Peer, PodPeer | { kind: 'entity' }>;

function isAddresses(peer: Peer): peer is AddressPeer {
  return peer.kind !== 'pods' && peer.kind !== 'entity';
}

/** Whether a peer of addresses matches pods with every plugin: `nodes` and names are resolved to addresses as well. */
function speaksOfPods(peer: AddressPeer): boolean {
  return peer.kind !== 'block' || peer.pods;
}

/** Equal for peers of the same addresses. */
function keyOf(peer: AddressPeer): string {
  if (peer.kind === 'nodes') return `nodes ${peer.nodes.text}`;
  if (peer.kind === 'domain') return `domain ${peer.name}`;
  return [peer.block.cidr, ...peer.block.except]
    .map(({ family, from, to }) => `${family} ${from} ${to}`)
    .join();
}

/** Addresses of a domain name; `*.example.com` stands for every known name below it. */
export function addressesOf(written: string, domains: EngineOptions['domains']): readonly Address[] {
  const name = written.toLowerCase().replace(/\.$/, '');
  if (!name.startsWith('*.')) return domains.get(name) ?? [];
  return [...domains].flatMap(([known, addresses]) => (known.endsWith(name.slice(1)) ? addresses : []));
}

function peersNamed(policies: readonly Policy[], direction: Direction): readonly Peer[] {
  return policies.flatMap((policy) =>
    (policy[direction] ?? []).flatMap((rule) => (rule.peers === 'any' ? [] : rule.peers)),
  );
}
