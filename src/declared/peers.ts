import { refOf, stringAt } from '../model/manifest.js';
import { type Collector, evidence } from './collect.js';
import { isHeadless } from './services.js';

/**
 * Pods of one StatefulSet that find each other by the names which its governing headless Service gives them: they
 * connect to each other on the ports that they declare.
 */
export function statefulPeers(collector: Collector): void {
  const { cluster, services } = collector;
  for (const { index, peer } of cluster.workloads) {
    if (peer.ref.kind !== 'StatefulSet') continue;
    const set = cluster.one('StatefulSet', peer.namespace, peer.ref.name, 'apps');
    const name = stringAt(set, 'spec', 'serviceName');
    const service = name === undefined ? undefined : services.get(peer.namespace, name);
    if (set === undefined || name === undefined || service === undefined || !isHeadless(service)) continue;
    for (const { ports } of cluster.variantsOf(index))
      for (const { protocol, port } of ports)
        collector.add(
          peer,
          { peer, protocol, port },
          'peers',
          evidence(refOf(set), 'spec.serviceName', name),
        );
  }
}
