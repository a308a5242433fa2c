import { type Address, inRange } from './address.js';
import type { IpBlock, PodPeer } from './policy.js';
import type { Protocol } from './portset.js';
import { EVERYTHING, type Requirement, type Selector } from './selector.js';

/** A port that a container declares. */
export interface NamedPort {
  /** Empty where it has none. */
  name: string;
  protocol: Protocol;
  port: number;
}

/**
 * The single rules of the NetworkPolicy and ClusterNetworkPolicy documentation, one function or constant each. The
 * engine takes them as a value so that tests can replace one at a time and see that the difference is found.
 */
export interface Semantics {
  /** Directions of a NetworkPolicy: as `policyTypes` says; without it Ingress, and Egress where there are egress rules. */
  directions(types: readonly string[], egressRules: number): { ingress: boolean; egress: boolean };
  /** Whether one requirement of a selector holds for the label's value; undefined where the label is absent. */
  holds(requirement: Requirement, value: string | undefined): boolean;
  /** Several requirements of one selector: all must hold. */
  together(results: readonly boolean[]): boolean;
  /**
   * The pods that a peer of a NetworkPolicy names: both selectors must match; without namespaceSelector it is the
   * policy's own namespace, without podSelector every pod.
   */
  podPeer(own: string, namespaces: Selector | undefined, pods: Selector | undefined): PodPeer;
  /** Whether an empty (or absent) list of peers or ports stands for any. */
  emptyPeersAreAny: boolean;
  emptyPortsAreAny: boolean;
  inBlock(address: Address, block: IpBlock): boolean;
  /** `networks` of a cluster-wide policy: "cluster-internal traffic will be checked against the rule as well". */
  networksMatchPods: boolean;
  /** Ranges that hold every address that a pod can have in a family hold one of which no address is known. */
  wholeFamilyHoldsAll: boolean;
  /** A connection between pods uses one family of addresses, and is decided by those of that family. */
  oneFamily: boolean;
  /** Protocol of a port entry that names none. */
  defaultProtocol: Protocol;
  /** First and last port of an entry. */
  portRange(port: number, endPort: number | undefined): readonly [from: number, to: number];
  /** Whether a container port is the one that a rule names; protocol undefined means any. */
  isNamed(port: NamedPort, name: string, protocol: Protocol | undefined): boolean;
  /** Named ports are those of the connection's destination, in egress rules as well. */
  namedPortsOfDestination: boolean;
  /** A connection needs the source's egress and the destination's ingress. */
  needs: { egress: boolean; ingress: boolean };
  /** Whether pods on the node's network can be subjects or selected peers; the plugins' usual answer is no. */
  hostNetworkSelected: boolean;
  /** Whether cluster-wide policies select such pods in any case; their documentation says never. */
  clusterWideOnNode: boolean;
  selfAlways: boolean;
  ownNodeAlways: boolean;
  /** Order of policies of one tier: lower number first. */
  before(priorityA: number, priorityB: number): number;
  /** Whether the first matching rule of a tier decides, or a later one may. */
  firstRuleDecides: boolean;
  /** Where an Admin rule says Pass, NetworkPolicies decide next. */
  passGoesOn: boolean;
  /** Where a NetworkPolicy isolates a pod in a direction, the Baseline tier is not asked. */
  networkPolicyIsFinal: boolean;
  /** What holds where nothing decides. */
  otherwiseAllowed: boolean;
}

export const KUBERNETES: Semantics = {
  directions: (types, egressRules) =>
    types.length > 0
      ? { ingress: types.includes('Ingress'), egress: types.includes('Egress') }
      : { ingress: true, egress: egressRules > 0 },
  holds({ operator, values }, value) {
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
    }
  },
  together: (results) => results.every((held) => held),
  podPeer: (own, namespaces, pods) => ({
    kind: 'pods',
    namespace: namespaces ?? own,
    pods: pods ?? EVERYTHING,
  }),
  emptyPeersAreAny: true,
  emptyPortsAreAny: true,
  inBlock: (address, { cidr, except }) =>
    inRange(address, cidr) && !except.some((range) => inRange(address, range)),
  networksMatchPods: true,
  wholeFamilyHoldsAll: true,
  oneFamily: true,
  defaultProtocol: 'TCP',
  portRange: (port, endPort) => [port, endPort ?? port],
  isNamed: (port, name, protocol) =>
    port.name === name && (protocol === undefined || port.protocol === protocol),
  namedPortsOfDestination: true,
  needs: { egress: true, ingress: true },
  hostNetworkSelected: false,
  clusterWideOnNode: false,
  selfAlways: true,
  ownNodeAlways: true,
  before: (a, b) => a - b,
  firstRuleDecides: true,
  passGoesOn: true,
  networkPolicyIsFinal: true,
  otherwiseAllowed: true,
};
