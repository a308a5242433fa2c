import { type MetadataEndpoint, metadataEndpoints, providers, USUAL } from '../../src/model/providers.js';
import type { Snapshot } from '../../src/model/snapshot.js';

const LAST_PORT = 65535;

export interface PolicyPort {
  protocol: 'TCP' | 'UDP' | 'SCTP';
  port: number;
  endPort?: number;
}

/** What metadata addresses may serve beside metadata: DNS and NTP. */
export const SERVED: readonly PolicyPort[] = [
  { protocol: 'UDP', port: 53 },
  { protocol: 'TCP', port: 53 },
  { protocol: 'UDP', port: 123 },
];

/** The endpoints that stay closed where egress to the outside is open; empty where pods need them (concealed ones). Where no
 * provider is recognised, the usual ones. */
export function exceptedEndpoints(now: Snapshot): readonly MetadataEndpoint[] {
  const facts = providers(now);
  return facts.found.length === 0 ? USUAL : metadataEndpoints(facts);
}

/**
 * Egress rules for every address outside of the cluster but the metadata service. Names and time of the same addresses
 * are served to pods by some clouds and stay open.
 */
export function outsideRules(now: Snapshot): readonly unknown[] {
  const endpoints = exceptedEndpoints(now);
  const open = { to: [allBut('0.0.0.0/0', endpoints), allBut('::/0', endpoints)] };
  if (endpoints.length === 0) return [open];
  return [
    open,
    { to: endpoints.map(({ address }) => ({ ipBlock: { cidr: cidrOf(address) } })), ports: SERVED },
  ];
}

/** Rules for the other ports of metadata addresses. */
export function otherRules(endpoints: readonly MetadataEndpoint[], ranges: boolean): readonly unknown[] {
  return endpoints.map((endpoint) => ({
    to: [{ ipBlock: { cidr: cidrOf(endpoint.address) } }],
    ports: otherPorts(endpoint, ranges),
  }));
}

/** Every address of a family but those of the endpoints. */
export function allBut(cidr: string, endpoints: readonly MetadataEndpoint[]): unknown {
  const v6 = cidr.includes(':');
  const except = endpoints.map(({ address }) => address).filter((address) => address.includes(':') === v6);
  return { ipBlock: { cidr, ...(except.length > 0 ? { except: except.map(cidrOf) } : {}) } };
}

/** Every address but those of the endpoints, of both families unless the plugin knows no IPv6. */
export function everyAddress(endpoints: readonly MetadataEndpoint[], ipv6: boolean): readonly unknown[] {
  return ['0.0.0.0/0', ...(ipv6 ? ['::/0'] : [])].map((cidr) => allBut(cidr, endpoints));
}

/** One address as a range. */
export function cidrOf(address: string): string {
  return address.includes('/') ? address : `${address}/${address.includes(':') ? 128 : 32}`;
}

/**
 * Every port of the address but the metadata's. DNS and NTP stand by themselves as well: a plugin that does not know
 * `endPort` takes only the first port of a range.
 */
export function otherPorts(endpoint: MetadataEndpoint, ranges: boolean): readonly PolicyPort[] {
  if (!ranges) return SERVED;
  const tcp: PolicyPort[] = [];
  let from = 1;
  for (const port of [...endpoint.ports, LAST_PORT + 1]) {
    if (port > from) tcp.push(range('TCP', from, port - 1));
    from = port + 1;
  }
  return [...SERVED, ...tcp, range('UDP', 1, LAST_PORT), range('SCTP', 1, LAST_PORT)];
}

function range(protocol: PolicyPort['protocol'], port: number, endPort: number): PolicyPort {
  return port === endPort ? { protocol, port } : { protocol, port, endPort };
}
