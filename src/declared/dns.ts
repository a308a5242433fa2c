import type { DnsFacts } from '../model/dns.js';
import { at, listAt, refText, stringAt } from '../model/manifest.js';
import type { Made } from './cluster.js';
import { type Collector, evidence } from './collect.js';
import type { Target } from './services.js';
import type { Evidence, Peer } from './types.js';

const PORT = 53;
const PROTOCOLS = ['UDP', 'TCP'] as const;
/** Where DNS is served in nearly every cluster; asked for where its Service is not among the objects. */
const USUAL: Peer = { kind: 'namespace', namespace: 'kube-system' };

/**
 * Every pod that resolves names through the cluster: to the pods behind the DNS Services, to a cache on each node, to
 * its own name servers. Pods that use their node's resolver (`dnsPolicy: Default`, or the node's network without
 * `ClusterFirstWithHostNet`) ask no part of the cluster.
 */
export function dnsClients(collector: Collector, facts: DnsFacts): void {
  const servers = clusterServers(collector, facts);
  for (const made of collector.cluster.workloads)
    for (const spec of made.specs) {
      const policy = stringAt(spec, 'dnsPolicy') ?? 'ClusterFirst';
      const byCluster =
        policy === 'ClusterFirstWithHostNet' ||
        (policy === 'ClusterFirst' && at(spec, 'hostNetwork') !== true);
      if (byCluster)
        for (const { target, proof } of servers) collector.add(made.peer, target, 'dns', proof(made, policy));
      for (const server of listAt(spec, 'dnsConfig', 'nameservers'))
        if (typeof server === 'string')
          for (const protocol of PROTOCOLS)
            collector.add(
              made.peer,
              { peer: collector.services.peerAt(server), protocol, port: PORT },
              'dns',
              evidence(made.object, 'dnsConfig.nameservers', server),
            );
    }
}

interface Server {
  target: Target;
  proof: (made: Made, policy: string) => Evidence;
}

function clusterServers(collector: Collector, facts: DnsFacts): readonly Server[] {
  const out: Server[] = [];
  const add = (target: Target, value: string) => {
    out.push({ target, proof: (made, policy) => evidence(made.object, 'dnsPolicy', `${policy}: ${value}`) });
  };
  for (const { ref, clusterIPs } of facts.services) {
    const service = collector.services.get(ref.namespace ?? 'default', ref.name);
    if (service === undefined) continue;
    for (const protocol of PROTOCOLS) {
      // Clients fall back to TCP for long answers, also where the Service lists UDP alone.
      const own = collector.services.targets(service, { number: PORT, protocol });
      const targets = own.length > 0 ? own : collector.services.targets(service, { number: PORT });
      for (const target of targets) add({ ...target, protocol }, refText(ref));
      if (facts.nodeLocal !== undefined)
        for (const address of clusterIPs)
          add({ peer: { kind: 'external', address }, protocol, port: PORT }, `${refText(ref)} ${address}`);
    }
  }
  for (const address of facts.nodeLocal?.addresses ?? [])
    for (const protocol of PROTOCOLS)
      add({ peer: { kind: 'external', address }, protocol, port: PORT }, `cache on each node ${address}`);
  if (out.length === 0)
    for (const protocol of PROTOCOLS) add({ peer: USUAL, protocol, port: PORT }, facts.missing ?? 'DNS');
  return out;
}
