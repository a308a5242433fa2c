import { type Address, addressKey, parseAddress } from './address.js';
import type { Engine } from './engine.js';
import type { Inventory, Pod } from './inventory.js';

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

/** An endpoint that names nothing known. */
export class UnknownEndpoint extends Error {
  override name = 'UnknownEndpoint';
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

/** Finds the peers that endpoints stand for. */
export class Endpoints {
  /** Classes of each workload. */
  readonly ofWorkload: readonly (readonly number[])[];
  /** By namespace: workloads with their classes, pods on their node's network left out. */
  private readonly byNamespace = new Map<string, Map<number, Set<number>>>();
  private readonly inventory: Inventory;
  private readonly engine: Engine;
  private readonly podsByName = new Map<string, number>();
  private readonly podsByAddress = new Map<string, number>();
  private readonly workloadIndex: ReadonlyMap<string, number>;

  constructor(inventory: Inventory, engine: Engine) {
    this.inventory = inventory;
    this.engine = engine;
    this.workloadIndex = new Map(inventory.workloads.map(({ name }, i) => [name, i]));
    const ofWorkload = inventory.workloads.map(() => new Set<number>());
    inventory.pods.forEach((pod, i) => {
      for (const member of this.classesOf(i)) {
        ofWorkload[pod.workload]?.add(member);
        if (!pod.hostNetwork) this.addTo(pod, member);
      }
      if (pod.name !== undefined) this.podsByName.set(pod.name, i);
      // The node's address stands for the node, not for one of the pods on its network.
      if (!pod.hostNetwork) for (const a of pod.addresses) this.podsByAddress.set(addressKey(a), i);
    });
    this.ofWorkload = ofWorkload.map((classes) => [...classes]);
  }

  /** Workloads of a namespace by index, each with its classes; pods on their node's network are left out. */
  inNamespace(namespace: string): ReadonlyMap<number, ReadonlySet<number>> {
    return this.byNamespace.get(namespace) ?? new Map();
  }

  /** Classes of a pod of the inventory. */
  classesOf(pod: number): readonly number[] {
    return this.engine.peers.classes.ofPod[pod] ?? [];
  }

  /** Known addresses of the pods that an endpoint stands for. @throws UnknownEndpoint */
  addressesOf(endpoint: Endpoint): readonly Address[] {
    const index =
      'workload' in endpoint
        ? (this.workloadIndex.get(endpoint.workload) ?? this.workloadCalled(endpoint.workload))
        : undefined;
    if (index === undefined) return this.resolve(endpoint).flatMap(({ pod }) => pod?.addresses ?? []);
    return this.inventory.pods.filter((pod) => pod.workload === index).flatMap((pod) => pod.addresses);
  }

  /** The different pairs of peers that two endpoints stand for. @throws UnknownEndpoint */
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
        if (pair.self || this.engine.peers.canMeet(a.peer, b.peer)) seen.set(key, pair);
      }
    return [...seen.values()];
  }

  private addTo({ namespace, workload }: Pod, member: number): void {
    let workloads = this.byNamespace.get(namespace);
    if (workloads === undefined) {
      workloads = new Map();
      this.byNamespace.set(namespace, workloads);
    }
    const known = workloads.get(workload);
    if (known === undefined) workloads.set(workload, new Set([member]));
    else known.add(member);
  }

  private resolve(endpoint: Endpoint): readonly Resolved[] {
    if ('workload' in endpoint) {
      const index = this.workloadIndex.get(endpoint.workload) ?? this.workloadCalled(endpoint.workload);
      const pod = this.podsByName.get(endpoint.workload);
      if (pod !== undefined && (index === undefined || this.isAllOf(pod, index)))
        return this.resolvedPod(pod);
      if (index === undefined) throw new UnknownEndpoint(`there is no workload ${endpoint.workload}`);
      return (this.ofWorkload[index] ?? []).map((peer) => ({ peer }));
    }
    if ('pod' in endpoint) {
      const pod = this.podsByName.get(endpoint.pod);
      if (pod === undefined) throw new UnknownEndpoint(`there is no pod ${endpoint.pod}`);
      return this.resolvedPod(pod);
    }
    if ('freshPod' in endpoint) {
      const peers = this.engine.peers.classes.fresh.get(endpoint.freshPod);
      if (peers === undefined) throw new UnknownEndpoint(`there is no namespace ${endpoint.freshPod}`);
      return peers.map((peer) => ({ peer }));
    }
    const address = parseAddress(endpoint.address);
    if (address === undefined) throw new UnknownEndpoint(`${endpoint.address} is not an IP address`);
    const pod = this.podsByAddress.get(addressKey(address));
    if (pod !== undefined) return this.resolvedPod(pod).filter(({ peer }) => this.liesAt(peer, address));
    return [{ peer: this.engine.peers.addressPeer(address), address }];
  }

  /** The one workload called `namespace/name`, whatever its kind. */
  private workloadCalled(name: string): number | undefined {
    const called = this.inventory.workloads.filter(({ ref }) => `${ref.namespace}/${ref.name}` === name);
    if (called.length > 1)
      throw new UnknownEndpoint(`${name} may be ${called.map((workload) => workload.name).join(' or ')}`);
    return called[0] === undefined ? undefined : this.workloadIndex.get(called[0].name);
  }

  /** Whether a workload is this pod and never another one: a pod without an owner. */
  private isAllOf(pod: number, workload: number): boolean {
    return (
      this.inventory.pods[pod]?.workload === workload &&
      this.inventory.workloads[workload]?.ref.kind === 'Pod'
    );
  }

  private resolvedPod(index: number): readonly Resolved[] {
    const pod = this.inventory.pods[index];
    return this.classesOf(index).map((peer) => (pod === undefined ? { peer } : { peer, pod }));
  }

  /** Whether a class is the one of its pods' addresses that are like this one. */
  private liesAt(peer: number, { family }: Address): boolean {
    const place = this.engine.peers.classAt(peer)?.place;
    return place === undefined || place.family === family;
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
  private isNodeOf(node: Resolved, other: Resolved, hostNetwork: 'node' | 'pod'): boolean {
    const name = other.pod?.node;
    if (name === undefined) return false;
    if (node.pod !== undefined)
      return hostNetwork === 'node' && node.pod.hostNetwork && node.pod.node === name;
    const facts = this.inventory.nodes.find((n) => n.name === name);
    const { address } = node;
    return (
      address !== undefined && facts?.addresses.some((a) => addressKey(a) === addressKey(address)) === true
    );
  }
}
