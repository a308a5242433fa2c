import type { Manifest } from '../model/manifest.js';
import { type Address, parseAddress, rangeText } from './address.js';
import { isClusterPolicy, readClusterPolicy } from './clusterpolicy.js';
import { addressesOf, Engine, type EngineOptions } from './engine.js';
import { entryConnections } from './entry.js';
import { type Explanation, explain, verdictOn } from './explain.js';
import {
  type Inventory,
  type InventoryOptions,
  inventoryOf,
  type Pod,
  type Problem,
  type Workload,
} from './inventory.js';
import { readNetworkPolicy } from './networkpolicy.js';
import type { Direction, Policy } from './policy.js';
import { ALL, NONE, type PortSet, type Protocol } from './portset.js';
import { InvalidField } from './selector.js';
import { KUBERNETES, type Semantics } from './semantics.js';

/** Who connects or is connected to. */
export type Endpoint =
  /**
   * `namespace/name[Kind]` as in `Reach.workloads`, or `namespace/name` of a pod or of the one workload so called. What
   * holds for its pods wherever they run, and for two different ones where source and destination are the same workload.
   */
  | { workload: string }
  /** `namespace/name` of one pod, which always reaches itself and (as far as NetworkPolicies go) its own node. */
  | { pod: string }
  /** A pod of this namespace that does not exist yet, with labels that no selector knows. */
  | { freshPod: string }
  /** An IP address. A known pod's address means that pod. */
  | { address: string };

/** One line of the analysis. */
export interface Connection {
  src: string;
  dst: string;
  /** `All Connections` or such as `TCP 80,443-445,UDP 53`. */
  conn: string;
}

export type ReachOptions = InventoryOptions & EngineOptions;

/** For a live cluster: labels as they are, pods under their topmost owner, pods on the node's network left to it. */
export const LIVE: ReachOptions = {
  namespaceLabel: 'asIs',
  owners: 'top',
  hostNetwork: 'node',
  podAddresses: 'ignore',
  domains: new Map(),
};

/**
 * For manifests in files, of which nobody has made a cluster yet: every object is taken as it stands, and pods on their
 * node's network as pods, with a problem that says so where a policy selects them.
 */
export const FILES: ReachOptions = {
  ...LIVE,
  namespaceLabel: 'implied',
  owners: 'direct',
  hostNetwork: 'pod',
};

/** An endpoint that names nothing known. */
export class UnknownEndpoint extends Error {
  override name = 'UnknownEndpoint';
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
  private readonly outside: Readonly<Record<Direction, readonly Side[]>>;
  private readonly podsByName = new Map<string, number>();
  private readonly podsByAddress = new Map<string, number>();
  private readonly workloadIndex: ReadonlyMap<string, number>;

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
    this.workloadIndex = new Map(inventory.workloads.map(({ name }, i) => [name, i]));
    const byWorkload: number[][] = inventory.workloads.map(() => []);
    inventory.pods.forEach((pod, i) => {
      byWorkload[pod.workload]?.push(i);
      if (pod.name !== undefined) this.podsByName.set(pod.name, i);
      // The node's address stands for the node, not for one of the pods on its network.
      if (!pod.hostNetwork) for (const a of pod.addresses) this.podsByAddress.set(addressKey(a), i);
    });
    this.sides = byWorkload.map((pods, i) => ({
      name: inventory.workloads[i]?.name ?? '',
      peers: [...new Set(pods.map((pod) => this.classOf(pod)))],
    }));
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
    for (const [dst, side] of this.sides.entries()) {
      if (dst === src) continue;
      const conn = this.betweenSides(source.peers, side.peers);
      if (conn !== NONE) visit(side.name, engine.sets.text(conn));
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
    const outside = [this.engine.atomPeer({ family: 4, value: address })];
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

  /** Class of a pod of the inventory. */
  classOf(pod: number): number {
    return this.engine.classes.ofPod[pod] ?? 0;
  }

  /** The different pairs of peers that two endpoints stand for. */
  pairs(src: Endpoint, dst: Endpoint): readonly Pair[] {
    const to = this.resolve(dst);
    const seen = new Map<string, Pair>();
    for (const a of this.resolve(src))
      for (const b of to) {
        const pair = {
          source: a.peer,
          destination: b.peer,
          self: this.isSame(a, b),
          ownNode: this.isOwnNode(a, b),
        };
        const key = JSON.stringify(pair);
        if (!seen.has(key)) seen.set(key, pair);
      }
    return [...seen.values()];
  }

  private setBetween(src: Endpoint, dst: Endpoint): PortSet {
    const { sets } = this.engine;
    let all: PortSet = NONE;
    for (const { source, destination, self, ownNode } of this.pairs(src, dst))
      all = sets.union(all, self ? ALL : this.engine.between(source, destination, ownNode));
    return all;
  }

  private resolve(endpoint: Endpoint): readonly Resolved[] {
    if ('workload' in endpoint) {
      const index = this.workloadIndex.get(endpoint.workload) ?? this.workloadCalled(endpoint.workload);
      const pod = this.podsByName.get(endpoint.workload);
      if (index === undefined && pod !== undefined) return [this.resolvedPod(pod)];
      if (index === undefined) throw new UnknownEndpoint(`there is no workload ${endpoint.workload}`);
      return (this.sides[index]?.peers ?? []).map((peer) => ({ peer }));
    }
    if ('pod' in endpoint) {
      const pod = this.podsByName.get(endpoint.pod);
      if (pod === undefined) throw new UnknownEndpoint(`there is no pod ${endpoint.pod}`);
      return [this.resolvedPod(pod)];
    }
    if ('freshPod' in endpoint) {
      const peer = this.engine.classes.fresh.get(endpoint.freshPod);
      if (peer === undefined) throw new UnknownEndpoint(`there is no namespace ${endpoint.freshPod}`);
      return [{ peer }];
    }
    const address = parseAddress(endpoint.address);
    if (address === undefined) throw new UnknownEndpoint(`${endpoint.address} is not an IP address`);
    const pod = this.podsByAddress.get(addressKey(address));
    if (pod !== undefined) return [this.resolvedPod(pod)];
    return [{ peer: this.engine.atomPeer(address), address }];
  }

  /** The one workload called `namespace/name`, whatever its kind. */
  private workloadCalled(name: string): number | undefined {
    const called = this.workloads.filter(({ ref }) => `${ref.namespace}/${ref.name}` === name);
    if (called.length > 1)
      throw new UnknownEndpoint(`${name} may be ${called.map((workload) => workload.name).join(' or ')}`);
    return called[0] === undefined ? undefined : this.workloadIndex.get(called[0].name);
  }

  private resolvedPod(index: number): Resolved {
    const pod = this.inventory.pods[index];
    return pod === undefined ? { peer: this.classOf(index) } : { peer: this.classOf(index), pod };
  }

  private isSame(a: Resolved, b: Resolved): boolean {
    return this.engine.semantics.selfAlways && a.pod?.name !== undefined && a.pod === b.pod;
  }

  private isOwnNode(a: Resolved, b: Resolved): boolean {
    if (!this.engine.semantics.ownNodeAlways) return false;
    const { hostNetwork } = this.engine.options;
    return this.isNodeOf(a, b, hostNetwork) || this.isNodeOf(b, a, hostNetwork);
  }

  /** Whether the first is the node on which the second runs, or a pod on that node's network. */
  private isNodeOf(node: Resolved, other: Resolved, hostNetwork: EngineOptions['hostNetwork']): boolean {
    const name = other.pod?.node;
    if (name === undefined) return false;
    if (node.pod !== undefined)
      return hostNetwork === 'node' && node.pod.hostNetwork && node.pod.node === name;
    const facts = this.inventory.nodes.find((n) => n.name === name);
    return facts?.addresses.some((a) => addressKey(a) === addressKey(node.address)) === true;
  }

  private betweenSides(sources: readonly number[], destinations: readonly number[]): PortSet {
    const { engine } = this;
    const [source, destination] = [sources[0], destinations[0]];
    // Nearly always there is one class on each side.
    if (
      sources.length === 1 &&
      destinations.length === 1 &&
      source !== undefined &&
      destination !== undefined
    )
      return engine.between(source, destination);
    let all: PortSet = NONE;
    for (const source of sources)
      for (const destination of destinations)
        all = engine.sets.union(all, engine.between(source, destination));
    return all;
  }
}

/** The IPv4 ranges that the rules of a direction tell apart, each with a peer that stands for all of it. */
function outsideOf(engine: Engine, direction: Direction): readonly Side[] {
  return engine.outside[direction]
    .filter((range) => range.family === 4)
    .map((range) => ({
      name: `${rangeText(range)}[External]`,
      peers: [engine.atomPeer({ family: 4, value: range.from })],
    }));
}

/** Two peers of the engine, and how they stand to each other. */
export interface Pair {
  source: number;
  destination: number;
  /** One and the same pod: nothing can cut it. */
  self: boolean;
  /** One is the node of the other: no NetworkPolicy can cut it. */
  ownNode: boolean;
}

interface Resolved {
  peer: number;
  pod?: Pod;
  address?: Address;
}

function addressKey(address: Address | undefined): string {
  return address === undefined ? '' : `${address.family}:${address.value}`;
}

/**
 * Analyses objects: pods, workloads, namespaces, nodes, NetworkPolicies, Services, Ingresses, Routes and the
 * cluster-wide policies of policy.networking.k8s.io. Other kinds play no part. `semantics` is for tests.
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
    try {
      const read = isClusterPolicy(manifest) ? readClusterPolicy : readNetworkPolicy;
      policies.push(read(manifest, semantics));
    } catch (error) {
      if (!(error instanceof InvalidField)) throw error;
      const { apiVersion, kind, metadata } = manifest;
      const object =
        metadata.namespace === undefined
          ? { apiVersion, kind, name: metadata.name }
          : { apiVersion, kind, namespace: metadata.namespace, name: metadata.name };
      problems.push({
        object,
        message: `${error.message}; a server would refuse it, so it counts as not there`,
      });
    }
  }
  problems.push(...unknownDomains(policies, all));
  const reach = new Reach(inventory, policies, problems, all, semantics);
  if (all.hostNetwork === 'pod') problems.push(...selectedOnNode(reach));
  return reach;
}

/** Rules that name domains: what their names resolve to is not known here. */
function unknownDomains(policies: readonly Policy[], { domains }: ReachOptions): readonly Problem[] {
  return policies.flatMap((policy) =>
    (policy.egress ?? []).flatMap(({ place, action, peers }) =>
      (peers === 'any' ? [] : peers).flatMap((peer) => {
        if (peer.kind !== 'domain' || addressesOf(peer.name, domains).length > 0) return [];
        const message = `${place} (${action}) names the domain ${peer.name}, whose addresses are not known here: it counts as matching none`;
        return [{ object: policy.ref, message }];
      }),
    ),
  );
}

/** Workloads on their node's network that policies select: most plugins overlook that. */
function selectedOnNode(reach: Reach): readonly Problem[] {
  const { inventory, engine } = reach;
  const found = new Set<number>();
  inventory.pods.forEach((pod, i) => {
    const inForce = (['ingress', 'egress'] as const).map((direction) =>
      engine.inForce(direction, reach.classOf(i)),
    );
    if (pod.hostNetwork && inForce.some((by) => Object.values(by).some((policies) => policies.length > 0)))
      found.add(pod.workload);
  });
  return [...found].flatMap((index) => {
    const workload = inventory.workloads[index];
    if (workload === undefined) return [];
    const message =
      "uses its node's network: policies that select it are shown as in force, most plugins do not apply them";
    return [{ object: workload.ref, message }];
  });
}
