import { at, groupOf, isRecord, type Manifest, refOf } from '../model/manifest.js';
import { parseCidr } from './address.js';
import {
  blockPeer,
  optionalList,
  quoted,
  readPortName,
  readPortNumber,
  readProtocol,
} from './networkpolicy.js';
import type { Action, Direction, Peer, PodPeer, Policy, Port, Rule, Tier } from './policy.js';
import type { Protocol } from './portset.js';
import { EVERYTHING, InvalidField, parseSelector } from './selector.js';
import type { Semantics } from './semantics.js';

export const CLUSTER_POLICY_GROUP = 'policy.networking.k8s.io';

/** How one kind of cluster-wide policy writes what all of them say. */
interface Dialect {
  tier(spec: unknown): Tier;
  actions: Readonly<Record<string, Action>>;
  /** Field of a rule that holds ports, and how to read its entries. */
  ports: 'ports' | 'protocols';
  readPort(raw: unknown, field: string, semantics: Semantics): Port;
  priority: boolean;
}

/** network-policy-api v1alpha1 and v1alpha2, by kind. Baseline v1alpha1 has neither Pass nor priority. */
const DIALECTS: Readonly<Record<string, Dialect>> = {
  AdminNetworkPolicy: {
    tier: () => 'Admin',
    actions: { Allow: 'Allow', Deny: 'Deny', Pass: 'Pass' },
    ports: 'ports',
    readPort: readAdminPort,
    priority: true,
  },
  BaselineAdminNetworkPolicy: {
    tier: () => 'Baseline',
    actions: { Allow: 'Allow', Deny: 'Deny' },
    ports: 'ports',
    readPort: readAdminPort,
    priority: false,
  },
  ClusterNetworkPolicy: {
    tier: (spec) => {
      const tier = at(spec, 'tier');
      if (tier === 'Admin' || tier === 'Baseline') return tier;
      throw new InvalidField(`spec.tier: ${quoted(tier)} is neither Admin nor Baseline`);
    },
    actions: { Accept: 'Allow', Deny: 'Deny', Pass: 'Pass' },
    ports: 'protocols',
    readPort: readClusterPort,
    priority: true,
  },
};

/** Whether an object is a cluster-wide policy that this module reads. */
export function isClusterPolicy(manifest: Manifest): boolean {
  return groupOf(manifest.apiVersion) === CLUSTER_POLICY_GROUP && Object.hasOwn(DIALECTS, manifest.kind);
}

/**
 * Reads an AdminNetworkPolicy, BaselineAdminNetworkPolicy or ClusterNetworkPolicy of policy.networking.k8s.io.
 * @throws InvalidField where the API server would refuse it.
 */
export function readClusterPolicy(manifest: Manifest, semantics: Semantics): Policy {
  const dialect = DIALECTS[manifest.kind];
  if (dialect === undefined) throw new InvalidField(`kind ${quoted(manifest.kind)} is not known`);
  const { spec } = manifest;
  if (!isRecord(spec)) throw new InvalidField('spec is missing');
  const rules = (direction: Direction, peers: string) =>
    optionalList(spec, direction, `spec.${direction}`).map((raw, i) =>
      readRule(raw, dialect, direction, i, peers, semantics),
    );
  return {
    ref: { apiVersion: manifest.apiVersion, kind: manifest.kind, name: refOf(manifest).name },
    tier: dialect.tier(spec),
    priority: dialect.priority ? readPriority(at(spec, 'priority')) : 0,
    subject: readPods(at(spec, 'subject'), 'spec.subject', semantics),
    ingress: rules('ingress', 'from'),
    egress: rules('egress', 'to'),
  };
}

function readPriority(raw: unknown): number {
  if (typeof raw === 'number' && Number.isInteger(raw) && raw >= 0 && raw <= 1000) return raw;
  throw new InvalidField(`spec.priority: ${quoted(raw)} is not a whole number from 0 to 1000`);
}

/** Subject or peer: exactly one of `namespaces` and `pods`. */
function readPods(raw: unknown, field: string, semantics: Semantics): PodPeer {
  const namespaces = at(raw, 'namespaces') ?? undefined;
  const pods = at(raw, 'pods') ?? undefined;
  if ((namespaces === undefined) === (pods === undefined))
    throw new InvalidField(`${field} must hold exactly one of namespaces and pods`);
  const neverOnNode = !semantics.clusterWideOnNode;
  if (pods === undefined) {
    const namespace = parseSelector(namespaces, `${field}.namespaces`);
    return { kind: 'pods', namespace, pods: EVERYTHING, neverOnNode };
  }
  return {
    kind: 'pods',
    neverOnNode,
    namespace: parseSelector(at(pods, 'namespaceSelector'), `${field}.pods.namespaceSelector`),
    pods: parseSelector(at(pods, 'podSelector'), `${field}.pods.podSelector`),
  };
}

function readRule(
  raw: unknown,
  dialect: Dialect,
  direction: Direction,
  index: number,
  peersField: string,
  semantics: Semantics,
): Rule {
  const field = `spec.${direction}[${index}]`;
  const word = at(raw, 'action');
  const action =
    typeof word === 'string' && Object.hasOwn(dialect.actions, word) ? dialect.actions[word] : undefined;
  if (action === undefined)
    throw new InvalidField(
      `${field}.action: ${quoted(word)} is not one of ${Object.keys(dialect.actions).join(', ')}`,
    );
  const peers = optionalList(raw, peersField, `${field}.${peersField}`).flatMap((peer, i) =>
    readPeers(peer, `${field}.${peersField}[${i}]`, direction, semantics),
  );
  if (peers.length === 0) throw new InvalidField(`${field}.${peersField} names no peer`);
  const ports = optionalList(raw, dialect.ports, `${field}.${dialect.ports}`).map((port, i) =>
    dialect.readPort(port, `${field}.${dialect.ports}[${i}]`, semantics),
  );
  const name = at(raw, 'name');
  return {
    place: typeof name === 'string' ? `${direction}[${index}] "${name}"` : `${direction}[${index}]`,
    action,
    peers,
    ports: ports.length === 0 && semantics.emptyPortsAreAny ? 'any' : ports,
  };
}

const PEER_FIELDS = ['namespaces', 'pods', 'nodes', 'networks', 'domainNames'] as const;

function readPeers(raw: unknown, field: string, direction: Direction, semantics: Semantics): readonly Peer[] {
  const named = PEER_FIELDS.filter((key) => (at(raw, key) ?? undefined) !== undefined);
  if (named.length > 1) throw new InvalidField(`${field} must hold exactly one of ${named.join(' and ')}`);
  if (direction === 'egress') {
    const networks = at(raw, 'networks') ?? undefined;
    if (networks !== undefined)
      return optionalList(raw, 'networks', `${field}.networks`).map((text, i) => {
        const cidr = typeof text === 'string' ? parseCidr(text) : undefined;
        if (cidr === undefined)
          throw new InvalidField(`${field}.networks[${i}]: ${quoted(text)} is not a CIDR`);
        return blockPeer({ cidr, except: [] }, `${text}`, semantics.networksMatchPods);
      });
    const nodes = at(raw, 'nodes') ?? undefined;
    if (nodes !== undefined) return [{ kind: 'nodes', nodes: parseSelector(nodes, `${field}.nodes`) }];
    const domains = at(raw, 'domainNames') ?? undefined;
    if (domains !== undefined)
      return optionalList(raw, 'domainNames', `${field}.domainNames`).map((name, i) => {
        if (typeof name !== 'string')
          throw new InvalidField(`${field}.domainNames[${i}]: ${quoted(name)} is not text`);
        return { kind: 'domain', name };
      });
  }
  return [readPods(raw, field, semantics)];
}

/** v1alpha1: exactly one of `portNumber`, `portRange` and `namedPort`. */
function readAdminPort(raw: unknown, field: string, semantics: Semantics): Port {
  const number = at(raw, 'portNumber') ?? undefined;
  const range = at(raw, 'portRange') ?? undefined;
  const name = at(raw, 'namedPort') ?? undefined;
  if (number !== undefined) {
    const protocol = readProtocol(at(number, 'protocol'), `${field}.portNumber.protocol`);
    const port = readPortNumber(at(number, 'port'), `${field}.portNumber.port`);
    return ports(protocol ?? semantics.defaultProtocol, port, undefined, semantics);
  }
  if (range !== undefined) {
    const protocol = readProtocol(at(range, 'protocol'), `${field}.portRange.protocol`);
    return readRange(range, protocol ?? semantics.defaultProtocol, `${field}.portRange`, semantics);
  }
  if (typeof name === 'string')
    return { kind: 'named', name: readPortName(name, `${field}.namedPort`), protocol: undefined };
  throw new InvalidField(`${field} must hold one of portNumber, portRange and namedPort`);
}

/** v1alpha2: exactly one of `tcp`, `udp`, `sctp` (each with `destinationPort`) and `destinationNamedPort`. */
function readClusterPort(raw: unknown, field: string, semantics: Semantics): Port {
  const name = at(raw, 'destinationNamedPort') ?? undefined;
  if (typeof name === 'string')
    return { kind: 'named', name: readPortName(name, `${field}.destinationNamedPort`), protocol: undefined };
  for (const protocol of ['TCP', 'UDP', 'SCTP'] as const) {
    const key = protocol.toLowerCase();
    const entry = at(raw, key) ?? undefined;
    if (entry === undefined) continue;
    const port = at(entry, 'destinationPort') ?? undefined;
    if (port === undefined) return { kind: 'range', protocol, from: 1, to: 65_535 };
    const number = at(port, 'number') ?? undefined;
    const range = at(port, 'range') ?? undefined;
    const place = `${field}.${key}.destinationPort`;
    if (number !== undefined)
      return ports(protocol, readPortNumber(number, `${place}.number`), undefined, semantics);
    if (range !== undefined) return readRange(range, protocol, `${place}.range`, semantics);
    throw new InvalidField(`${place} must hold one of number and range`);
  }
  throw new InvalidField(`${field} must hold one of tcp, udp, sctp and destinationNamedPort`);
}

function readRange(raw: unknown, protocol: Protocol, field: string, semantics: Semantics): Port {
  const start = readPortNumber(at(raw, 'start'), `${field}.start`);
  const end = readPortNumber(at(raw, 'end'), `${field}.end`);
  if (end < start) throw new InvalidField(`${field}.end ${end} is less than start ${start}`);
  return ports(protocol, start, end, semantics);
}

function ports(protocol: Protocol, port: number, endPort: number | undefined, semantics: Semantics): Port {
  const [from, to] = semantics.portRange(port, endPort);
  return { kind: 'range', protocol, from, to };
}
