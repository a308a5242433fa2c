import type { Ref } from '../model/manifest.js';
import type { Protocol } from '../reach/index.js';

/** One end of a connection that somebody counts on. */
export type Peer =
  /** `name` is `namespace/name[Kind]`, as the engine names workloads. */
  | { kind: 'workload'; name: string; namespace: string; ref: Ref }
  /** Any pod of a namespace: what runs there is not among the objects. */
  | { kind: 'namespace'; namespace: string }
  /**
   * As a destination: the addresses behind Service default/kubernetes. As a source: calls to webhooks and aggregated
   * APIs; from which address they come differs by platform, so only an allow from any source keeps them.
   */
  | { kind: 'apiServer' }
  /** The nodes themselves (their kubelets). */
  | { kind: 'nodes' }
  /** A host name outside of the cluster; no NetworkPolicy can name it. */
  | { kind: 'external'; host: string }
  /** An IP address or a CIDR that is no pod's. */
  | { kind: 'external'; address: string }
  /**
   * Clients outside of the cluster. `ranges`: CIDRs that a Service lets in; empty: all. A node's address may stand for
   * theirs (`externalTrafficPolicy: Cluster`).
   */
  | { kind: 'outside'; ranges: readonly string[] }
  /** Who it is cannot be told from the objects. */
  | { kind: 'any' };

/** What kind of statement declares a connection. */
export type Why =
  | 'dns'
  | 'webhook'
  | 'crd-conversion'
  | 'aggregated-api'
  | 'kubernetes-api'
  | 'kubelet'
  /** A name or address in env, arguments, command or a referenced ConfigMap. */
  | 'config'
  | 'ingress'
  | 'gateway'
  | 'load-balancer'
  | 'node-port'
  | 'external-ip'
  | 'host-port'
  | 'metrics'
  /** Pods of one StatefulSet find each other through its governing Service. */
  | 'peers'
  | 'observed';

/** How bad it is to cut a connection, in the order in which a preview shows them. */
export type Severity = 'critical' | 'high' | 'medium' | 'low';

export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low'];

/** Where a connection is declared. */
export interface Evidence {
  object: Ref;
  /** Path in the object, e.g. `containers[web].env[CARTS_URL]`. */
  field: string;
  /** The part of the value that says so: printable, short, never with credentials, query or path. */
  value: string;
}

/** A connection that the objects of a cluster (or its flow logs) show somebody to count on. */
export interface Declared {
  source: Peer;
  destination: Peer;
  protocol: Protocol;
  /** Port of the destination's pods, after a Service's address translation; undefined: not said, so any. */
  port: number | undefined;
  why: Why;
  severity: Severity;
  evidence: Evidence;
}

/** A name in the form of a Service of this cluster that no object has: cutting it breaks nothing today. */
export interface Dangling {
  source: Peer;
  host: string;
  port: number | undefined;
  evidence: Evidence;
  /** Why nothing answers there, in words. */
  reason: string;
}

/** Identity of a peer as text: equal for equal peers. */
export function peerText(peer: Peer): string {
  switch (peer.kind) {
    case 'workload':
      return peer.name;
    case 'namespace':
      return `${peer.namespace}/*`;
    case 'apiServer':
      return '{kubernetes-api}';
    case 'nodes':
      return '{nodes}';
    case 'external':
      return 'host' in peer ? peer.host : peer.address;
    case 'outside':
      return peer.ranges.length === 0 ? '{outside}' : `{outside ${[...peer.ranges].sort().join(' ')}}`;
    case 'any':
      return '{any}';
  }
}

/** `SRC => DST : TCP 80`. */
export function declaredText({ source, destination, protocol, port }: Declared): string {
  return `${peerText(source)} => ${peerText(destination)} : ${protocol}${port === undefined ? '' : ` ${port}`}`;
}
