import { at, isRecord, listAt, type Manifest, refOf } from '../model/manifest.js';
import { parseCidr, within } from './address.js';
import type { Direction, IpBlock, Peer, Policy, Port, Rule } from './policy.js';
import type { Protocol } from './portset.js';
import { InvalidField, parseSelector } from './selector.js';
import type { Semantics } from './semantics.js';

const TYPES: readonly unknown[] = ['Ingress', 'Egress'];

/**
 * Reads a NetworkPolicy of networking.k8s.io/v1 (API documentation: NetworkPolicySpec).
 * @throws InvalidField where the API server would refuse it.
 */
export function readNetworkPolicy(manifest: Manifest, semantics: Semantics): Policy {
  const { spec } = manifest;
  if (spec !== undefined && spec !== null && !isRecord(spec)) throw new InvalidField('spec is not a map');
  const namespace = manifest.metadata.namespace ?? 'default';
  const types = optionalList(spec, 'policyTypes', 'spec.policyTypes');
  for (const type of types)
    if (!TYPES.includes(type)) throw new InvalidField(`spec.policyTypes: unknown type ${quoted(type)}`);
  const rules = (direction: Direction, peers: string) =>
    optionalList(spec, direction, `spec.${direction}`).map((raw, i) =>
      readRule(raw, `${direction}[${i}]`, peers, namespace, semantics),
    );
  const ingress = rules('ingress', 'from');
  const egress = rules('egress', 'to');
  const covers = semantics.directions(types as string[], egress.length);
  return {
    ref: { ...refOf(manifest), namespace },
    tier: 'NetworkPolicy',
    priority: 0,
    subject: {
      kind: 'pods',
      namespace,
      pods: parseSelector(at(spec, 'podSelector'), 'spec.podSelector'),
    },
    ingress: covers.ingress ? ingress : undefined,
    egress: covers.egress ? egress : undefined,
  };
}

function readRule(
  raw: unknown,
  place: string,
  peersField: string,
  namespace: string,
  semantics: Semantics,
): Rule {
  const field = `spec.${place}`;
  if (raw !== null && !isRecord(raw)) throw new InvalidField(`${field} is not a map`);
  const peers = optionalList(raw, peersField, `${field}.${peersField}`).map((peer, i) =>
    readPeer(peer, `${field}.${peersField}[${i}]`, namespace, semantics),
  );
  const ports = optionalList(raw, 'ports', `${field}.ports`).map((port, i) =>
    readPort(port, `${field}.ports[${i}]`, semantics),
  );
  return {
    place,
    action: 'Allow',
    peers: peers.length === 0 && semantics.emptyPeersAreAny ? 'any' : peers,
    ports: ports.length === 0 && semantics.emptyPortsAreAny ? 'any' : ports,
  };
}

function readPeer(raw: unknown, field: string, namespace: string, semantics: Semantics): Peer {
  const block = at(raw, 'ipBlock') ?? undefined;
  const pods = at(raw, 'podSelector') ?? undefined;
  const namespaces = at(raw, 'namespaceSelector') ?? undefined;
  if (block !== undefined) {
    if (pods !== undefined || namespaces !== undefined)
      throw new InvalidField(`${field}: ipBlock must not stand together with a selector`);
    return readBlock(block, `${field}.ipBlock`);
  }
  if (pods === undefined && namespaces === undefined)
    throw new InvalidField(`${field} names no peer (ipBlock, podSelector or namespaceSelector)`);
  return semantics.podPeer(
    namespace,
    namespaces === undefined ? undefined : parseSelector(namespaces, `${field}.namespaceSelector`),
    pods === undefined ? undefined : parseSelector(pods, `${field}.podSelector`),
  );
}

function readBlock(raw: unknown, field: string): Peer {
  const text = at(raw, 'cidr');
  const cidr = typeof text === 'string' ? parseCidr(text) : undefined;
  if (cidr === undefined) throw new InvalidField(`${field}.cidr: ${quoted(text)} is not a CIDR`);
  const except = optionalList(raw, 'except', `${field}.except`).map((entry, i) => {
    const range = typeof entry === 'string' ? parseCidr(entry) : undefined;
    if (range === undefined) throw new InvalidField(`${field}.except[${i}]: ${quoted(entry)} is not a CIDR`);
    if (!within(range, cidr))
      throw new InvalidField(`${field}.except[${i}]: ${quoted(entry)} does not lie inside ${quoted(text)}`);
    if (within(cidr, range))
      throw new InvalidField(`${field}.except[${i}]: ${quoted(entry)} is all of ${quoted(text)}`);
    return range;
  });
  return blockPeer({ cidr, except }, `${text}${except.length > 0 ? ' with exceptions' : ''}`, false);
}

/** A peer of addresses; `text` is how it is shown; `pods`: it speaks of pods as well. */
export function blockPeer(block: IpBlock, text: string, pods: boolean): Peer {
  return { kind: 'block', block, text, pods };
}

function readPort(raw: unknown, field: string, semantics: Semantics): Port {
  const protocol = readProtocol(at(raw, 'protocol'), `${field}.protocol`) ?? semantics.defaultProtocol;
  const port = at(raw, 'port') ?? undefined;
  const endPort = at(raw, 'endPort') ?? undefined;
  if (endPort !== undefined && typeof port !== 'number')
    throw new InvalidField(`${field}.endPort needs a numeric port beside it`);
  if (port === undefined) return { kind: 'range', protocol, from: 1, to: 65_535 };
  if (typeof port === 'string') return { kind: 'named', name: readPortName(port, `${field}.port`), protocol };
  const from = readPortNumber(port, `${field}.port`);
  if (endPort === undefined) {
    const [first, last] = semantics.portRange(from, undefined);
    return { kind: 'range', protocol, from: first, to: last };
  }
  const to = readPortNumber(endPort, `${field}.endPort`);
  if (to < from) throw new InvalidField(`${field}.endPort ${to} is less than port ${from}`);
  const [first, last] = semantics.portRange(from, to);
  return { kind: 'range', protocol, from: first, to: last };
}

/** @throws InvalidField unless it is TCP, UDP, SCTP or absent. */
export function readProtocol(raw: unknown, field: string): Protocol | undefined {
  if (raw === undefined || raw === null) return undefined;
  if (raw === 'TCP' || raw === 'UDP' || raw === 'SCTP') return raw;
  throw new InvalidField(`${field}: ${quoted(raw)} is not one of TCP, UDP, SCTP`);
}

/** @throws InvalidField unless it is a whole number from 1 to 65535. */
export function readPortNumber(raw: unknown, field: string): number {
  if (typeof raw === 'number' && Number.isInteger(raw) && raw >= 1 && raw <= 65_535) return raw;
  throw new InvalidField(`${field}: ${quoted(raw)} is not a port from 1 to 65535`);
}

/** IANA service name: at most 15 of a-z, 0-9 and inner single `-`, at least one letter (API: IsValidPortName). */
export function readPortName(raw: string, field: string): string {
  if (
    raw.length <= 15 &&
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(raw) &&
    /[a-z]/.test(raw) &&
    !raw.includes('--')
  )
    return raw;
  throw new InvalidField(`${field}: ${quoted(raw)} is neither a number nor a port name`);
}

/** The list at a field; empty where absent or null. @throws InvalidField where it is something else. */
export function optionalList(value: unknown, key: string, field: string): readonly unknown[] {
  const found = at(value, key) ?? undefined;
  if (found !== undefined && !Array.isArray(found)) throw new InvalidField(`${field} is not a list`);
  return listAt(value, key);
}

/** A value as it stood in the file, cut short. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
