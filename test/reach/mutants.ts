import { EVERYTHING } from '../../src/reach/selector.js';
import { KUBERNETES, type Semantics } from '../../src/reach/semantics.js';

/** Mistakes that an engine could make, each one rule of the documentation replaced; every one must be found. */
export const MUTANTS: Readonly<Record<string, Partial<Semantics>>> = {
  'policyTypes absent never means Egress': {
    directions: (types, rules) =>
      types.length > 0 ? KUBERNETES.directions(types, rules) : { ingress: true, egress: false },
  },
  'policyTypes absent always means Egress': {
    directions: (types, rules) =>
      types.length > 0 ? KUBERNETES.directions(types, rules) : { ingress: true, egress: true },
  },
  'policyTypes [Egress] covers ingress as well': {
    directions: (types, rules) => ({ ...KUBERNETES.directions(types, rules), ingress: true }),
  },
  'NotIn needs the label to be there': {
    holds: (requirement, value) =>
      KUBERNETES.holds(requirement, value) && (requirement.operator !== 'NotIn' || value !== undefined),
  },
  'Exists means a value that is not empty': {
    holds: (requirement, value) =>
      KUBERNETES.holds(requirement, requirement.operator === 'Exists' && value === '' ? undefined : value),
  },
  'an absent label equals the empty one': {
    holds: (requirement, value) =>
      KUBERNETES.holds(requirement, requirement.operator === 'In' ? (value ?? '') : value),
  },
  'one requirement of a selector is enough': { together: (results) => results.some((held) => held) },
  'podSelector alone means every namespace': {
    podPeer: (own, namespaces, pods) => KUBERNETES.podPeer(own, namespaces ?? EVERYTHING, pods),
  },
  'podSelector beside namespaceSelector is overlooked': {
    podPeer: (own, namespaces, pods) =>
      KUBERNETES.podPeer(own, namespaces, namespaces === undefined ? pods : undefined),
  },
  'namespaceSelector beside podSelector is overlooked': {
    podPeer: (own, namespaces, pods) =>
      KUBERNETES.podPeer(own, pods === undefined ? namespaces : undefined, pods),
  },
  'no peers means nobody': { emptyPeersAreAny: false },
  'no ports means none': { emptyPortsAreAny: false },
  'except is overlooked': {
    inBlock: (address, { cidr }) => KUBERNETES.inBlock(address, { cidr, except: [] }),
  },
  'blocks match IPv4 only': {
    inBlock: (address, block) => address.family === 4 && KUBERNETES.inBlock(address, block),
  },
  'networks of cluster-wide policies match no pods': { networksMatchPods: false },
  'no range matches a pod without address': { wholeFamilyHoldsAll: false },
  'pods talk across families of addresses': { oneFamily: false },
  'a port without protocol is UDP': { defaultProtocol: 'UDP' },
  'endPort is overlooked': { portRange: (port) => [port, port] },
  'endPort is not inside': {
    portRange: (port, end) => [port, end === undefined ? port : Math.max(port, end - 1)],
  },
  'named ports are matched whatever their protocol': { isNamed: (port, name) => port.name === name },
  'named ports in egress are those of the source': { namedPortsOfDestination: false },
  'egress of the source is not asked': { needs: { egress: false, ingress: true } },
  'ingress of the destination is not asked': { needs: { egress: true, ingress: false } },
  'pods on the node network are selected': { hostNetworkSelected: true },
  'cluster-wide policies select pods on the node network': { clusterWideOnNode: true },
  'a pod can be cut off from itself': { selfAlways: false },
  'a pod can be cut off from its own node': { ownNodeAlways: false },
  'higher numbers come first': { before: (a, b) => b - a },
  'the last matching rule decides': { firstRuleDecides: false },
  'Pass allows': { passGoesOn: false },
  'Baseline is asked after a NetworkPolicy': { networkPolicyIsFinal: false },
  'nothing said means blocked': { otherwiseAllowed: false },
};
