/** Who talks to whom, as the objects of a cluster and its flow logs say. Pure: objects in, connections out. */
import { dns } from '../model/dns.js';
import type { Manifest } from '../model/manifest.js';
import type { Snapshot } from '../model/snapshot.js';
import { Cluster } from './cluster.js';
import { Collector } from './collect.js';
import { configured } from './configured.js';
import { controlPlane } from './control-plane.js';
import { dnsClients } from './dns.js';
import { entrances } from './entrances.js';
import { allObjects, isSnapshot, snapshotOf } from './input.js';
import { metrics } from './metrics.js';
import { type ObservedLog, observed } from './observed.js';
import { statefulPeers } from './peers.js';
import { remembered } from './remembered.js';
import type { Dangling, Declared } from './types.js';

export { flowEndText, type ObservedLog, observedConnections, spanText } from './observed.js';
export { DECLARING_KINDS } from './reads.js';
export { OBSERVED, observedNote } from './remembered.js';
export { referencedConfigMaps } from './settings.js';
export {
  type Dangling,
  type Declared,
  declaredText,
  type Evidence,
  type Peer,
  peerText,
  SEVERITIES,
  type Severity,
  type Why,
} from './types.js';

export interface Declarations {
  /** Worst to cut first; each connection once for each kind of reason. */
  connections: readonly Declared[];
  /** Settings that name a Service or port which is not there. */
  dangling: readonly Dangling[];
  /** What each flow log that was given says. */
  observed: readonly ObservedLog[];
}

/** Connections that the objects declare, worst to cut first. See `declarations`. */
export function declaredConnections(objects: Iterable<Manifest> | Snapshot): readonly Declared[] {
  return declarations(objects).connections;
}

/**
 * Reads the objects of a cluster, or of files, for what they say about connections: settings of containers and the
 * ConfigMaps that they refer to, Ingress, Gateway and Route backends, published Services, webhooks, CRD conversion,
 * aggregated APIs, scraping, DNS, the Kubernetes API, kubelets; then, for what none of them says, flow logs. Values of Secrets are never looked at. Kinds that play
 * no part are passed over; what is not among the objects declares nothing.
 */
export function declarations(objects: Iterable<Manifest> | Snapshot): Declarations {
  const all = allObjects(objects);
  const collector = new Collector(new Cluster(all));
  configured(collector);
  entrances(collector);
  controlPlane(collector);
  metrics(collector);
  statefulPeers(collector);
  dnsClients(collector, dns(isSnapshot(objects) ? objects : snapshotOf(all)));
  const logs = observed(collector, isSnapshot(objects) ? (objects.observed ?? []) : []);
  remembered(collector);
  return { connections: collector.connections(), dangling: collector.danglingLines(), observed: logs };
}
