import { refOf, stringAt } from '../model/manifest.js';
import { namespaceOf } from './cluster.js';
import { type Collector, evidence } from './collect.js';
import { isHeadless } from './services.js';

/**
 * Pods of one StatefulSet that find each other by the names which its governing headless Service gives them: they
 * connect to each other on the ports that they declare.
 */
export function statefulPeers(collector: Collector): void {
  const { cluster, services } = collector;
  for (const set of cluster.of('StatefulSet', 'apps')) {
    const name = stringAt(set, 'spec', 'serviceName');
    const service = name === undefined ? undefined : services.get(namespaceOf(set), name);
    if (name === undefined || service === undefined || !isHeadless(service)) continue;
    const index = cluster.workloads.findIndex(
      ({ peer }) =>
        peer.ref.kind === 'StatefulSet' &&
        peer.ref.name === set.metadata.name &&
        peer.namespace === namespaceOf(set),
    );
    for (const variant of cluster.variantsIn(namespaceOf(set)).filter(({ workload }) => workload === index))
      for (const { protocol, port } of variant.ports) {
        const peer = cluster.peer(index);
        collector.add(
          peer,
          { peer, protocol, port },
          'peers',
          evidence(refOf(set), 'spec.serviceName', name),
        );
      }
  }
}
