import { BlockList } from 'node:net';
import { at, listAt, type Manifest, stringAt, stringsAt } from '../../src/model/manifest.js';

/**
 * A second evaluator, written from the API documentation alone and as plainly as can be: one pair of ends, one
 * protocol, one port at a time, straight from the manifests. It shares nothing with the engine that it checks.
 */
export interface NaiveOptions {
  hostNetwork: 'node' | 'pod';
  podAddresses: 'ignore' | 'known' | 'select';
  namespaceLabel: 'implied' | 'asIs';
}

/** One end of a connection: a pod, or the pod that a Deployment would make, or an address. */
export interface End {
  object?: Manifest;
  address?: string;
}

/** An end with the one address that a connection uses; a pod without one has some address of a family. */
interface Placed extends End {
  ip: string | { unknown: Family };
}
type Family = 'ipv4' | 'ipv6';

type Rule = unknown;
type Side = 'ingress' | 'egress';

/** Whether `from` may open a connection to `to`. */
export function allowed(
  objects: readonly Manifest[],
  options: NaiveOptions,
  from: End,
  to: End,
  protocol: string,
  port: number,
): boolean {
  const world = { objects, options };
  const isOnePod = from.object !== undefined && from.object === to.object && from.object.kind === 'Pod';
  if (isOnePod) return true;
  return placesOf(world, from).some((source) =>
    placesOf(world, to).some(
      (target) =>
        (from.object === undefined || to.object === undefined || familyAt(source) === familyAt(target)) &&
        side(world, 'egress', source, target, target, protocol, port) &&
        side(world, 'ingress', target, source, target, protocol, port),
    ),
  );
}

/** One field of an object that was read from nowhere but this test's own generator. */
function get(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

interface World {
  objects: readonly Manifest[];
  options: NaiveOptions;
}

function side(
  world: World,
  direction: Side,
  subject: Placed,
  peer: Placed,
  to: Placed,
  protocol: string,
  port: number,
): boolean {
  if (subject.object === undefined || standsForNode(world, subject)) return true;
  const speaks = (rule: Rule, peers: string, ports: string, own?: string) =>
    namesPeer(world, get(rule, peers), peer, own) && namesPort(get(rule, ports), to, protocol, port);
  const peers = direction === 'ingress' ? 'from' : 'to';

  const first = (policies: readonly Manifest[]): string | undefined => {
    for (const policy of policies)
      for (const rule of listAt(policy, 'spec', direction))
        if (speaks(rule, peers, policy.kind === 'ClusterNetworkPolicy' ? 'protocols' : 'ports'))
          return stringAt(rule, 'action');
    return undefined;
  };

  const admin = first(tier(world, 'Admin', subject));
  if (admin === 'Allow' || admin === 'Accept') return true;
  if (admin === 'Deny') return false;

  const namespace = namespaceOf(subject);
  const isolating = world.objects.filter(
    (policy) =>
      policy.kind === 'NetworkPolicy' &&
      policy.metadata.namespace === namespace &&
      selects(at(policy, 'spec', 'podSelector'), labelsOf(subject)) &&
      appliesTo(policy, direction),
  );
  if (isolating.length > 0) {
    if (nodeOf(world, subject, peer) || nodeOf(world, peer, subject)) return true;
    return isolating.some((policy) =>
      listAt(policy, 'spec', direction).some((rule) => speaks(rule, peers, 'ports', namespace)),
    );
  }
  return first(tier(world, 'Baseline', subject)) !== 'Deny';
}

/** "policyTypes ... if this field is not specified, it will default based on the existence of ingress or egress rules". */
function appliesTo(policy: Manifest, direction: Side): boolean {
  const types = listAt(policy, 'spec', 'policyTypes');
  if (types.length > 0) return types.includes(direction === 'ingress' ? 'Ingress' : 'Egress');
  return direction === 'ingress' || listAt(policy, 'spec', 'egress').length > 0;
}

/** Cluster-wide policies of a tier whose subject the pod is, lowest priority number first. */
function tier(world: World, name: 'Admin' | 'Baseline', subject: End): readonly Manifest[] {
  return world.objects
    .filter(
      (policy) =>
        (name === 'Admin' && policy.kind === 'AdminNetworkPolicy') ||
        (name === 'Baseline' && policy.kind === 'BaselineAdminNetworkPolicy') ||
        (policy.kind === 'ClusterNetworkPolicy' && at(policy, 'spec', 'tier') === name),
    )
    .filter((policy) => namesPods(world, at(policy, 'spec', 'subject'), subject))
    .sort((a, b) => Number(at(a, 'spec', 'priority') ?? 0) - Number(at(b, 'spec', 'priority') ?? 0));
}

/** Subject or peer of a cluster-wide policy that names pods. */
function namesPods(world: World, raw: unknown, end: End): boolean {
  // Its documentation: pods on the network of their node are never subjects or peers of pods.
  if (end.object === undefined || onHostNetwork(end)) return false;
  const namespaces = get(raw, 'namespaces');
  if (namespaces !== undefined) return selects(namespaces, namespaceLabels(world, namespaceOf(end)));
  const pods = get(raw, 'pods');
  return (
    pods !== undefined &&
    selects(get(pods, 'namespaceSelector'), namespaceLabels(world, namespaceOf(end))) &&
    selects(get(pods, 'podSelector'), labelsOf(end))
  );
}

/** Peers of a rule; `own` is the namespace of a NetworkPolicy and undefined for cluster-wide policies. */
function namesPeer(world: World, peers: unknown, end: Placed, own: string | undefined): boolean {
  const list = Array.isArray(peers) ? peers : [];
  if (list.length === 0) return own !== undefined;
  if (
    list.some((peer) => (own === undefined ? clusterPeer(world, peer, end) : podPeer(world, peer, end, own)))
  )
    return true;
  // "cluster-internal traffic will be checked against the rule as well": `networks` whatever the plugin does.
  const { podAddresses } = world.options;
  const isPod = end.object !== undefined && !standsForNode(world, end);
  if (own !== undefined && isPod && podAddresses === 'ignore') return false;
  const holds = (address: string) => list.some((peer) => inRanges(peer, address));
  if (typeof end.ip === 'string') return holds(end.ip);
  // Some address of the family: only ranges that hold every one that a pod can have are certain to hold it.
  return (own === undefined || !isPod || podAddresses === 'select') && PROBES[end.ip.unknown].every(holds);
}

/** Addresses on both sides of every bound that the generator's ranges have, as far as pods can have them. */
const PROBES: Readonly<Record<Family, readonly string[]>> = {
  ipv4: [
    ...['1.1.1.1', '8.8.8.8', '10.0.0.9', '10.0.1.9', '10.1.0.9', '172.16.0.8', '172.16.0.9', '172.16.0.129'],
    ...['172.17.0.1', '192.168.0.0', '192.168.0.1', '192.168.0.2', '192.168.0.3', '223.255.255.1'],
  ],
  ipv6: ['2001:db8::7', '2001:db8:1::7', '2001:db9::7', '2a00::1', 'fd00::9', 'fd01::1', 'fc00::1'],
};

/** Whether an `ipBlock` or one of `networks` holds an address. */
function inRanges(peer: unknown, address: string): boolean {
  const block = get(peer, 'ipBlock');
  const networks = block === undefined ? listAt(peer, 'networks') : [get(block, 'cidr')];
  const except = listAt(block, 'except');
  const holds = (text: unknown) => contains(subnet(String(text)), address);
  return networks.some(holds) && !except.some(holds);
}

/** A peer of a NetworkPolicy that selects pods. */
function podPeer(world: World, peer: unknown, end: Placed, own: string): boolean {
  if (get(peer, 'ipBlock') !== undefined || end.object === undefined || standsForNode(world, end))
    return false;
  const namespaceSelector = get(peer, 'namespaceSelector');
  const podSelector = get(peer, 'podSelector');
  const inNamespace =
    namespaceSelector === undefined
      ? namespaceOf(end) === own
      : selects(namespaceSelector, namespaceLabels(world, namespaceOf(end)));
  return inNamespace && (podSelector === undefined || selects(podSelector, labelsOf(end)));
}

/** A peer of a cluster-wide policy that selects pods or nodes. */
function clusterPeer(world: World, peer: unknown, end: Placed): boolean {
  const nodes = get(peer, 'nodes');
  if (nodes === undefined) return namesPods(world, peer, end);
  return nodesOf(world).some(
    (node) =>
      selects(nodes, stringsAt(node, 'metadata', 'labels')) &&
      ((onHostNetwork(end) && nodeName(end) === node.metadata.name) ||
        (typeof end.ip === 'string' && nodeAddresses(node).includes(end.ip))),
  );
}

/** NetworkPolicyPort, AdminNetworkPolicyPort or ClusterNetworkPolicyProtocol; a named port is the destination's. */
function namesPort(ports: unknown, to: End, protocol: string, port: number): boolean {
  const list = Array.isArray(ports) ? ports : [];
  if (list.length === 0) return true;
  const named = (name: unknown, wanted: string | undefined) =>
    containerPorts(to).some(
      (p) =>
        p.name === name &&
        p.port === port &&
        p.protocol === protocol &&
        (wanted === undefined || wanted === protocol),
    );
  const inside = (range: unknown) => Number(get(range, 'start')) <= port && port <= Number(get(range, 'end'));
  return list.some((entry) => {
    const number = get(entry, 'portNumber');
    if (number !== undefined)
      return (get(number, 'protocol') ?? 'TCP') === protocol && get(number, 'port') === port;
    const range = get(entry, 'portRange');
    if (range !== undefined) return (get(range, 'protocol') ?? 'TCP') === protocol && inside(range);
    const name = get(entry, 'namedPort') ?? get(entry, 'destinationNamedPort');
    if (name !== undefined) return named(name, undefined);
    for (const key of ['tcp', 'udp', 'sctp']) {
      if (get(entry, key) === undefined) continue;
      const target = at(entry, key, 'destinationPort');
      if (key.toUpperCase() !== protocol) return false;
      if (target === undefined || get(target, 'number') === port) return true;
      return get(target, 'range') !== undefined && inside(get(target, 'range'));
    }
    const wanted = stringAt(entry, 'protocol') ?? 'TCP';
    const first = get(entry, 'port');
    if (typeof first === 'string') return named(first, wanted);
    if (wanted !== protocol) return false;
    if (first === undefined) return true;
    return Number(first) <= port && port <= Number(get(entry, 'endPort') ?? first);
  });
}

/** LabelSelector: matchLabels and matchExpressions are ANDed; an absent or empty selector matches everything. */
function selects(selector: unknown, labels: Record<string, string>): boolean {
  const has = (key: string) => Object.hasOwn(labels, key);
  for (const [key, value] of Object.entries(stringsAt(selector, 'matchLabels')))
    if (!has(key) || labels[key] !== value) return false;
  for (const expression of listAt(selector, 'matchExpressions')) {
    const key = stringAt(expression, 'key') ?? '';
    const listed = listAt(expression, 'values').includes(labels[key]);
    const operator = stringAt(expression, 'operator');
    if (operator === 'In' && !(has(key) && listed)) return false;
    if (operator === 'NotIn' && has(key) && listed) return false;
    if (operator === 'Exists' && !has(key)) return false;
    if (operator === 'DoesNotExist' && has(key)) return false;
  }
  return true;
}

/** A pod on its node's network, where policies do not see it as a pod. */
function standsForNode({ options }: World, end: End): boolean {
  return options.hostNetwork === 'node' && onHostNetwork(end);
}

function onHostNetwork(end: End): boolean {
  return at(podOf(end), 'spec', 'hostNetwork') === true;
}

/** An end with each address by which it can be reached, or reach others. */
function placesOf(world: World, end: End): readonly Placed[] {
  if (end.address !== undefined) return [{ ...end, ip: end.address }];
  const known = podAddresses(world, end);
  return known.length > 0
    ? known.map((ip) => ({ ...end, ip }))
    : familiesIn(world).map((unknown) => ({ ...end, ip: { unknown } }));
}

function podAddresses(world: World, end: End): readonly string[] {
  const pod = podOf(end);
  const own = listAt(pod, 'status', 'podIPs').map((entry) => String(get(entry, 'ip')));
  const host = at(pod, 'status', 'hostIP');
  if (at(pod, 'spec', 'hostNetwork') === true && typeof host === 'string') own.push(host);
  if (own.length > 0 || !standsForNode(world, end)) return own;
  return nodesOf(world).flatMap((node) => (node.metadata.name === nodeName(end) ? nodeAddresses(node) : []));
}

/** The families of addresses that the cluster's pods and nodes have; IPv4 where none is known. */
function families({ objects }: World): readonly Family[] {
  const known = objects.flatMap((object) =>
    object.kind === 'Pod'
      ? listAt(object, 'status', 'podIPs').map((entry) => familyOf(String(get(entry, 'ip'))))
      : object.kind === 'Node'
        ? nodeAddresses(object).map(familyOf)
        : [],
  );
  return known.length === 0 ? ['ipv4'] : [...new Set(known)];
}

const familiesIn = remembered(families);

/** The same for one cluster is looked up once. */
function remembered<T>(make: (world: World) => T): (world: World) => T {
  const made = new WeakMap<readonly Manifest[], T>();
  return (world) => {
    const known = made.get(world.objects) ?? make(world);
    made.set(world.objects, known);
    return known;
  };
}

function familyAt({ ip }: Placed): Family {
  return typeof ip === 'string' ? familyOf(ip) : ip.unknown;
}

/** Whether the first end is the node on which the second runs: by its address, or as a pod on its network. */
function nodeOf(world: World, first: End, second: End): boolean {
  const name = nodeName(second);
  if (name === undefined) return false;
  if (first.object !== undefined) return standsForNode(world, first) && nodeName(first) === name;
  return nodesOf(world).some(
    (node) => node.metadata.name === name && nodeAddresses(node).includes(first.address ?? ''),
  );
}

function nodesOf({ objects }: World): readonly Manifest[] {
  return objects.filter((object) => object.kind === 'Node');
}

function nodeAddresses(node: Manifest): readonly string[] {
  return listAt(node, 'status', 'addresses').map((entry) => String(get(entry, 'address')));
}

function nodeName(end: End): string | undefined {
  return stringAt(podOf(end), 'spec', 'nodeName');
}

/** The pod itself, or the template that stands for it. */
function podOf({ object }: End): unknown {
  return object?.kind === 'Deployment' ? at(object, 'spec', 'template') : object;
}

function labelsOf(end: End): Record<string, string> {
  return stringsAt(podOf(end), 'metadata', 'labels');
}

function namespaceOf({ object }: End): string {
  return object?.metadata.namespace ?? 'default';
}

function namespaceLabels({ objects, options }: World, name: string): Record<string, string> {
  const found = objects.find((object) => object.kind === 'Namespace' && object.metadata.name === name);
  const labels = stringsAt(found, 'metadata', 'labels');
  return options.namespaceLabel === 'implied' ? { 'kubernetes.io/metadata.name': name, ...labels } : labels;
}

function containerPorts(end: End): readonly { name: unknown; port: unknown; protocol: unknown }[] {
  return listAt(podOf(end), 'spec', 'containers').flatMap((container) =>
    listAt(container, 'ports').map((p) => ({
      name: get(p, 'name'),
      port: get(p, 'containerPort'),
      protocol: get(p, 'protocol') ?? 'TCP',
    })),
  );
}

interface Subnet {
  list: BlockList;
  family: Family;
}

const subnets = new Map<string, Subnet>();

function subnet(cidr: string): Subnet {
  let found = subnets.get(cidr);
  if (found === undefined) {
    const [network = '', prefix] = cidr.split('/');
    found = { list: new BlockList(), family: familyOf(network) };
    found.list.addSubnet(network, Number(prefix), found.family);
    subnets.set(cidr, found);
  }
  return found;
}

/** BlockList would find IPv4 addresses in `::/0`, as addresses mapped into IPv6. */
function contains({ list, family }: Subnet, address: string): boolean {
  return family === familyOf(address) && list.check(address, family);
}

function familyOf(address: string): Family {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}
