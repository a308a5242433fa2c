import type { DnsFacts, DnsPort } from '../../src/model/dns.js';
import type { MetadataEndpoint } from '../../src/model/providers.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { cidrOf, exceptedEndpoints } from './outside.js';

/** What a guard leaves open, whatever the form in which it is written. Everything else between pods is closed. */
export interface GuardRules {
  /** Egress is closed too: only where it is known what answers names. */
  egress: boolean;
  /** Addresses outside of the cluster stay open, metadata excepted. */
  outside: boolean;
  /** DNS by its pods. */
  dns: readonly { namespace: string; labels: Readonly<Record<string, string>>; ports: readonly DnsPort[] }[];
  /** DNS by address: caches on the nodes, and servers on their network. */
  dnsAddresses: readonly { cidrs: readonly string[]; ports: readonly DnsPort[] }[];
  metadata: readonly MetadataEndpoint[];
}

const DNS_PORTS: readonly DnsPort[] = [
  { protocol: 'UDP', port: 53 },
  { protocol: 'TCP', port: 53 },
];

/** The rules of a guard in this cluster. */
export function guardRules(now: Snapshot, facts: DnsFacts, outside: boolean): GuardRules {
  const { services, nodeLocal, missing } = facts;
  const cached = [...new Set((nodeLocal?.addresses ?? []).concat(services.flatMap((s) => s.clusterIPs)))];
  return {
    egress: missing === undefined,
    outside,
    dns: services.map(({ ref, podLabels, ports }) => ({
      namespace: ref.namespace ?? '',
      labels: podLabels,
      ports,
    })),
    dnsAddresses: [
      ...services
        .filter(({ hostAddresses }) => hostAddresses.length > 0)
        .map(({ hostAddresses, ports }) => ({ cidrs: hostAddresses.map(cidrOf), ports })),
      ...(nodeLocal === undefined ? [] : [{ cidrs: cached.sort().map(cidrOf), ports: DNS_PORTS }]),
    ],
    metadata: outside ? exceptedEndpoints(now) : [],
  };
}

/** Metadata addresses as ranges. */
export function metadataRanges({ metadata }: GuardRules): readonly string[] {
  return metadata.map(({ address }) => cidrOf(address));
}

/** Ranges by family: what holds both is refused by some APIs. */
export function byFamily(cidrs: readonly string[]): readonly (readonly string[])[] {
  const v6 = (cidr: string) => cidr.includes(':');
  return [cidrs.filter((cidr) => !v6(cidr)), cidrs.filter(v6)].filter((list) => list.length > 0);
}
