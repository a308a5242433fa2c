import { printable } from '../model/escape.js';
import type { Ref } from '../model/manifest.js';
import type { Cluster } from './cluster.js';
import { Services, type Target } from './services.js';
import {
  type Dangling,
  type Declared,
  type Evidence,
  type Peer,
  peerText,
  SEVERITIES,
  type Severity,
  type Why,
} from './types.js';

/** Longest value and field shown as evidence, in characters. */
const SHOWN = 160;

/** How bad it is to cut a connection of a kind, where its statement says nothing more. */
const SEVERITY: Readonly<Record<Why, Severity>> = {
  dns: 'critical',
  webhook: 'medium',
  'crd-conversion': 'critical',
  'aggregated-api': 'high',
  'kubernetes-api': 'high',
  kubelet: 'high',
  config: 'high',
  ingress: 'high',
  gateway: 'high',
  'load-balancer': 'high',
  'node-port': 'medium',
  'external-ip': 'medium',
  'host-port': 'medium',
  metrics: 'low',
  peers: 'medium',
  observed: 'high',
};

/** Sources whose allow lets these in as well: the API server calls from a node, and a node's address stands for clients outside. */
const WIDER: Readonly<Partial<Record<Peer['kind'], readonly string[]>>> = {
  nodes: ['{kubernetes-api}', '{outside}'],
};

/** Takes the connections that the sources of evidence find; the same connection for the same kind of reason once. */
export class Collector {
  readonly cluster: Cluster;
  readonly services: Services;
  private readonly found = new Map<string, Declared>();
  private readonly lost = new Map<string, Dangling>();
  private readonly ends = new Set<string>();

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.services = new Services(cluster);
  }

  add(source: Peer, target: Target, why: Why, evidence: Evidence, severity = SEVERITY[why]): void {
    const { peer, protocol, port } = target;
    const ends = `${peerText(source)}|${peerText(peer)}|${protocol}|${port ?? ''}`;
    const key = `${why}|${ends}`;
    const known = this.found.get(key);
    if (known !== undefined && SEVERITIES.indexOf(known.severity) <= SEVERITIES.indexOf(severity)) return;
    this.ends.add(ends);
    // Clients outside that were seen came from the ranges that are let in.
    if (source.kind === 'outside') this.ends.add(`{outside}${ends.slice(peerText(source).length)}`);
    this.found.set(key, { source, destination: peer, protocol, port, why, severity, evidence });
  }

  /** Whether what keeps a connection is there already, for whatever reason: on its port or on any, for whom it is from or for more. */
  has(source: Peer, { peer, protocol, port }: Target): boolean {
    return [peerText(source), ...(WIDER[source.kind] ?? []), '{any}'].some((from) => {
      const ends = `${from}|${peerText(peer)}|${protocol}|`;
      return this.ends.has(ends) || this.ends.has(`${ends}${port ?? ''}`);
    });
  }

  dangling(line: Dangling): void {
    const key = `${peerText(line.source)}|${line.host}|${line.port ?? ''}`;
    if (!this.lost.has(key)) this.lost.set(key, line);
  }

  /** Worst first, then by source, destination, protocol and port. */
  connections(): readonly Declared[] {
    return sorted([...this.found.values()], (line) => [
      String(SEVERITIES.indexOf(line.severity)),
      peerText(line.source),
      peerText(line.destination),
      line.protocol,
      String(line.port ?? 0).padStart(5, '0'),
      line.why,
    ]);
  }

  danglingLines(): readonly Dangling[] {
    return sorted([...this.lost.values()], (line) => [
      peerText(line.source),
      line.host,
      String(line.port ?? ''),
    ]);
  }
}

function sorted<T>(lines: readonly T[], keyOf: (line: T) => readonly string[]): readonly T[] {
  return lines
    .map((line) => ({ line, key: keyOf(line).join('\u0000') }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ line }) => line);
}

/** Evidence as it may be shown: no control characters, cut. */
export function evidence(object: Ref, field: string, value: string): Evidence {
  return { object, field: printable(field, SHOWN), value: printable(value, SHOWN) };
}
