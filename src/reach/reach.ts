import { type Manifest, refOf } from '../model/manifest.js';
import { type Address, rangeText } from './address.js';
import { isCiliumPolicy, readCiliumPolicy } from './ciliumpolicy.js';
import { isClusterPolicy, readClusterPolicy } from './clusterpolicy.js';
import { type Endpoint, Endpoints, type Pair } from './endpoint.js';
import { Engine } from './engine.js';
import { entryConnections } from './entry.js';
import { type Explanation, explain, verdictOn } from './explain.js';
import { type Inventory, inventoryOf, notAnalysed, type Problem, type Workload } from './inventory.js';
import { readNetworkPolicy } from './networkpolicy.js';
import { LIVE, type ReachOptions } from './options.js';
import type { Direction, Policy } from './policy.js';
import { ALL, NONE, type PortSet, type Protocol } from './portset.js';
import {
  equalPriorities,
  impossibleValues,
  misnamedBaselines,
  misspelt,
  selectedOnNode,
  undecidedRanges,
  unknownDomains,
} from './problems.js';
import { InvalidField } from './selector.js';
import { KUBERNETES, type Semantics } from './semantics.js';

/** One line of the analysis. */
export interface Connection {
  src: string;
  dst: string;
  /** `All Connections` or such as `TCP 80,443-445,UDP 53`. */
  conn: string;
}

/** A source or destination of the listing: a workload, or addresses outside of the cluster. */
interface Side {
  name: string;
  peers: readonly number[];
}

/** What of the given objects may connect to what. Made once by `reachOf`, asked often; never changes. */
export class Reach {
  readonly workloads: readonly Workload[];
  /** Names of the namespaces that exist or that something lives in. */
  readonly namespaces: readonly string[];
  /** What could not be analysed as it stands. A policy named here counts as not in force: a server would refuse it. */
  readonly problems: readonly Problem[];
  /** For the other modules of this folder. */
  readonly engine: Engine;
  readonly inventory: Inventory;
  private readonly sides: readonly Side[];
  /** Class of each workload that is one class, -1 for the others. */
  private readonly single: Int32Array;
  /** The others, with their index. */
  private readonly several: readonly (readonly [number, Side])[];
  private readonly outside: Readonly<Record<Direction, readonly Side[]>>;
  private readonly endpoints: Endpoints;

  constructor(
    inventory: Inventory,
    policies: readonly Policy[],
    problems: readonly Problem[],
    options: ReachOptions,
    semantics: Semantics,
  ) {
    this.inventory = inventory;
    this.workloads = inventory.workloads;
    this.namespaces = [...inventory.namespaces.keys()].sort();
    this.problems = problems;
    this.engine = new Engine(inventory, policies, options, semantics);
    this.outside = { ingress: outsideOf(this.engine, 'ingress'), egress: outsideOf(this.engine, 'egress') };
    this.endpoints = new Endpoints(inventory, this.engine);
    this.sides = inventory.workloads.map(({ name }, i) => ({
      name,
      peers: this.endpoints.ofWorkload[i] ?? [],
    }));
    this.several = [...this.sides.entries()].filter(([, { peers }]) => peers.length !== 1);
    this.single = Int32Array.from(this.sides, ({ peers }) => (peers.length === 1 ? (peers[0] ?? -1) : -1));
  }

  /**
   * Every pair of workloads, and of a workload and IPv4 addresses outside, with what may pass; pairs between which
   * nothing may pass and a workload with itself are left out. Addresses are told apart where some rule of the direction
   * does so: the same ranges for every workload.
   */
  *connections(): Generator<Connection> {
    const found: Connection[] = [];
    for (const [src] of this.sides.entries()) {
      found.length = 0;
      this.visitFrom(src, (dst, conn) => found.push({ src: this.sides[src]?.name ?? '', dst, conn }));
      yield* found;
    }
    found.length = 0;
    this.visitFromOutside((src, dst, conn) => found.push({ src, dst, conn }));
    yield* found;
    yield* this.entryConnections();
  }

  /** The lines of `connections` from `{ingress-controller}`, for what Ingress and Route objects expose. */
  entryConnections(): Generator<Connection> {
    return entryConnections(this);
  }

  /** The lines of `connections` with one workload as source. */
  visitFrom(src: number, visit: (dst: string, conn: string) => void): void {
    const { engine } = this;
    const source = this.sides[src];
    if (source === undefined) return;
    const { sets } = engine;
    const only = source.peers.length === 1 ? source.peers[0] : undefined;
    // Nearly every workload is one class; these pairs are many and go a way of their own.
    if (only !== undefined)
      engine.fromClass(only, this.single, (dst, conn) => {
        if (dst !== src) visit(this.sides[dst]?.name ?? '', sets.text(conn));
      });
    for (const [dst, { name, peers }] of only === undefined ? this.sides.entries() : this.several) {
      const conn = dst === src ? NONE : this.betweenSides(source.peers, peers);
      if (conn !== NONE) visit(name, sets.text(conn));
    }
    for (const { name, peers } of this.outside.egress) {
      const conn = this.betweenSides(source.peers, peers);
      if (conn !== NONE) visit(name, engine.sets.text(conn));
    }
  }

  /** The lines of `connections` with addresses outside of the cluster as source. */
  visitFromOutside(visit: (src: string, dst: string, conn: string) => void): void {
    for (const outside of this.outside.ingress)
      for (const { name, peers } of this.sides) {
        const conn = this.betweenSides(outside.peers, peers);
        if (conn !== NONE) visit(outside.name, name, this.engine.sets.text(conn));
      }
  }

  /** What may pass between two workloads by their index; nothing where one of them is undefined. */
  setBetweenWorkloads(src: number | undefined, dst: number | undefined): PortSet {
    const source = this.sides[src ?? -1];
    const destination = this.sides[dst ?? -1];
    if (source === undefined || destination === undefined) return NONE;
    return this.betweenSides(source.peers, destination.peers);
  }

  /** What may pass between a workload by its index and an IPv4 address outside; egress: to the address. */
  setBetweenOutside(direction: Direction, workload: number | undefined, address: bigint): PortSet {
    const side = this.sides[workload ?? -1];
    if (side === undefined) return NONE;
    const outside = [this.engine.peers.atomPeer({ family: 4, value: address })];
    return direction === 'egress'
      ? this.betweenSides(side.peers, outside)
      : this.betweenSides(outside, side.peers);
  }

  /** What may pass from one endpoint to another, as text. @throws UnknownEndpoint */
  between(src: Endpoint, dst: Endpoint): string {
    return this.engine.sets.text(this.setBetween(src, dst));
  }

  /**
   * Whether some pod of the source may open a connection to some pod of the destination. Without a protocol: traffic
   * that only rules without ports speak of.
   * @throws UnknownEndpoint where an endpoint is not known.
   */
  allows(src: Endpoint, dst: Endpoint, protocol?: Protocol, port?: number): boolean {
    if (protocol === undefined || port === undefined)
      return this.pairs(src, dst).some(
        (pair) => pair.self || verdictOn(this.engine, pair, 'portless').allowed,
      );
    return this.engine.sets.has(this.setBetween(src, dst), protocol, port);
  }

  /**
   * The policies and rules that decide a question. Without protocol and port: all rules that speak of the two.
   * @throws UnknownEndpoint
   */
  explain(src: Endpoint, dst: Endpoint, protocol?: Protocol, port?: number): Explanation {
    return explain(this, src, dst, protocol, port);
  }

  /** Classes of a pod of the inventory. */
  classesOf(pod: number): readonly number[] {
    return this.endpoints.classesOf(pod);
  }

  /** Workloads of a namespace by index, each with its classes; pods on their node's network are left out. */
  inNamespace(namespace: string): ReadonlyMap<number, ReadonlySet<number>> {
    return this.endpoints.inNamespace(namespace);
  }

  /** Known addresses of the pods that an endpoint stands for. @throws UnknownEndpoint */
  addressesOf(endpoint: Endpoint): readonly Address[] {
    return this.endpoints.addressesOf(endpoint);
  }

  /** The different pairs of peers that two endpoints stand for. @throws UnknownEndpoint */
  pairs(src: Endpoint, dst: Endpoint): readonly Pair[] {
    return this.endpoints.pairs(src, dst);
  }

  private setBetween(src: Endpoint, dst: Endpoint): PortSet {
    const { sets } = this.engine;
    let all: PortSet = NONE;
    for (const { source, destination, self, ownNode } of this.pairs(src, dst))
      all = sets.union(all, self ? ALL : this.engine.between(source, destination, ownNode));
    return all;
  }

  private betweenSides(sources: readonly number[], destinations: readonly number[]): PortSet {
    const { engine } = this;
    let all: PortSet = NONE;
    for (const source of sources)
      for (const destination of destinations)
        all = engine.sets.union(all, engine.between(source, destination));
    return all;
  }
}

/** The IPv4 ranges that the rules of a direction tell apart, each with a peer that stands for all of it. */
function outsideOf(engine: Engine, direction: Direction): readonly Side[] {
  return engine.peers.outside[direction]
    .filter((range) => range.family === 4)
    .map((range) => ({
      name: `${rangeText(range)}[External]`,
      peers: [engine.peers.atomPeer({ family: 4, value: range.from })],
    }));
}

const OTHER_FORM =
  'is a policy of a kind that is not analysed; what it allows or closes is not in the result';
const ONLY_ENTITIES =
  'only adds connections with nodes and the API server, by names of Cilium; which addresses these have is not known here, so they are not in the result';

/**
 * Analyses objects: pods, workloads, namespaces, nodes, NetworkPolicies, Services, Ingresses, Routes and the
 * cluster-wide policies of policy.networking.k8s.io; where the plugin is Cilium (`entities`), also CiliumNetworkPolicies
 * that only add. Other kinds play no part. `semantics` is for tests.
 */
export function reachOf(
  objects: Iterable<Manifest>,
  options: Partial<ReachOptions> = {},
  semantics: Semantics = KUBERNETES,
): Reach {
  const all: ReachOptions = { ...LIVE, ...options };
  const inventory = inventoryOf(objects, all);
  const problems = [...inventory.problems];
  const policies: Policy[] = [];
  for (const manifest of inventory.policies) {
    if (isCiliumPolicy(manifest)) {
      const read = readCiliumPolicy(manifest);
      if (read === undefined) problems.push(notAnalysed(manifest, OTHER_FORM));
      else if (all.entities.size === 0) problems.push(notAnalysed(manifest, ONLY_ENTITIES));
      else {
        policies.push(read.policy);
        for (const place of read.unread)
          problems.push(notAnalysed(manifest, `${place} allows more than is analysed`));
      }
      continue;
    }
    try {
      const read = isClusterPolicy(manifest) ? readClusterPolicy : readNetworkPolicy;
      policies.push(read(manifest, semantics));
      problems.push(...misspelt(manifest));
    } catch (error) {
      if (!(error instanceof InvalidField)) throw error;
      problems.push({
        object: refOf(manifest),
        message: `${error.message}; a server would refuse it, so it counts as not there`,
        effect: 'broken',
      });
    }
  }
  problems.push(
    ...unknownDomains(policies, all),
    ...misnamedBaselines(policies),
    ...equalPriorities(policies),
    ...impossibleValues(policies),
  );
  const reach = new Reach(inventory, policies, problems, all, semantics);
  problems.push(...undecidedRanges(reach, policies));
  if (all.hostNetwork === 'pod') problems.push(...selectedOnNode(reach, policies));
  return reach;
}
