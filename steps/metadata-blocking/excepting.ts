import { at, isRecord, listAt, stringAt } from '../../src/model/manifest.js';
import type { MetadataEndpoint } from '../../src/model/providers.js';
import { parseAddress, parseCidr } from '../../src/reach/address.js';
import { cidrOf, everyAddress, otherPorts, type PolicyPort } from '../default-deny/outside.js';

const LAST_PORT = 65535;

/**
 * Egress rules of a NetworkPolicy without the metadata ports: the addresses are left out with `except`, and their other
 * ports that the rule allowed get a rule of their own. Rules that do not let the ports pass stay as they are.
 * @param ranges whether the server knows `endPort`; without it only DNS and NTP of a range of ports live on.
 * @param ipv6 whether the plugin carries out rules about IPv6; without it no range of it is added
 * @returns undefined where no rule lets them pass.
 */
export function withoutEndpoints(
  rules: readonly unknown[],
  endpoints: readonly MetadataEndpoint[],
  ranges: boolean,
  ipv6 = true,
): readonly unknown[] | undefined {
  let changed = false;
  const out = rules.flatMap((rule) => {
    const hit = endpoints.filter((endpoint) => lets(rule, endpoint));
    if (hit.length === 0) return [rule];
    changed = true;
    const peers = peersWithout(listAt(rule, 'to'), hit, ipv6);
    const rest = hit.map((endpoint) => ({
      to: [{ ipBlock: { cidr: cidrOf(endpoint.address) } }],
      ports: portsWithout(listAt(rule, 'ports'), endpoint, ranges),
    }));
    return [
      // A rule without peers would let everything pass.
      ...(peers.length === 0 ? [] : [{ ...(rule as object), to: peers }]),
      ...rest.filter(({ ports }) => ports.length > 0),
    ];
  });
  return changed ? out : undefined;
}

/** Whether a rule lets one of an endpoint's ports pass. */
function lets(rule: unknown, { address, ports }: MetadataEndpoint): boolean {
  const peers = listAt(rule, 'to');
  if (peers.length > 0 && !peers.some((peer) => matches(peer, address))) return false;
  const own = listAt(rule, 'ports');
  return own.length === 0 || own.some((one) => ports.some((port) => holds(one, 'TCP', port)));
}

/** Whether an address is of an `ipBlock` and none of its exceptions. */
function matches(peer: unknown, address: string): boolean {
  const block = at(peer, 'ipBlock');
  return (
    inCidr(stringAt(block, 'cidr'), address) &&
    !listAt(block, 'except').some((cidr) => typeof cidr === 'string' && inCidr(cidr, address))
  );
}

function inCidr(cidr: string | undefined, address: string): boolean {
  const [range, one] = [parseCidr(cidr ?? ''), parseAddress(address)];
  return (
    range !== undefined &&
    one !== undefined &&
    range.family === one.family &&
    range.from <= one.value &&
    one.value <= range.to
  );
}

/** Whether a port of a rule is one of a number: without a port it is every one; a name is none of an address. */
function holds(raw: unknown, protocol: string, port: number): boolean {
  if ((stringAt(raw, 'protocol') ?? 'TCP') !== protocol) return false;
  const [from, to] = spanOf(raw);
  return from <= port && port <= to;
}

function spanOf(raw: unknown): readonly [from: number, to: number] {
  const [port, end] = [at(raw, 'port') ?? undefined, at(raw, 'endPort') ?? undefined];
  if (port === undefined) return [1, LAST_PORT];
  if (typeof port !== 'number') return [1, 0];
  return [port, typeof end === 'number' ? end : port];
}

function peersWithout(
  peers: readonly unknown[],
  hit: readonly MetadataEndpoint[],
  ipv6: boolean,
): readonly unknown[] {
  if (peers.length === 0) return [{ namespaceSelector: {} }, ...everyAddress(hit, ipv6)];
  return peers.flatMap((peer) => {
    const inside = hit.filter(({ address }) => matches(peer, address));
    const block = at(peer, 'ipBlock');
    if (inside.length === 0 || !isRecord(peer) || !isRecord(block)) return [peer];
    const range = parseCidr(stringAt(block, 'cidr') ?? '');
    // The API takes no exception that is the whole block.
    if (range?.from === range?.to) return [];
    const except = [...listAt(block, 'except'), ...inside.map(({ address }) => cidrOf(address))];
    return [{ ...peer, ipBlock: { ...block, except } }];
  });
}

/** The ports of a rule that are none of an endpoint's, for its address. */
function portsWithout(
  own: readonly unknown[],
  endpoint: MetadataEndpoint,
  ranges: boolean,
): readonly PolicyPort[] {
  const others = otherPorts(endpoint, ranges);
  if (own.length === 0) return others;
  return own.flatMap((raw): PolicyPort[] => {
    const [from, to] = spanOf(raw);
    return others
      .filter(({ protocol }) => protocol === (stringAt(raw, 'protocol') ?? 'TCP'))
      .flatMap(({ protocol, port, endPort }): PolicyPort[] => {
        const [first, last] = [Math.max(from, port), Math.min(to, endPort ?? port)];
        if (first > last) return [];
        return [{ protocol, port: first, ...(last > first && { endPort: last }) }];
      });
  });
}
