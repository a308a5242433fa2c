import { type Flow, type FlowEnd, type Flows, type Span, spanning } from '../model/flow.js';
import type { Manifest } from '../model/manifest.js';
import type { Snapshot } from '../model/snapshot.js';
import { Cluster } from './cluster.js';
import { Collector, evidence } from './collect.js';
import { allObjects } from './input.js';
import type { Target } from './services.js';
import { type Declared, type Peer, peerText } from './types.js';

/** What a flow log says about the cluster at hand. */
export interface ObservedLog {
  log: Flows;
  /** Different connections of workloads: between them, and between them and what is outside. */
  connections: number;
  /** Those of them that no object declares; only they are added to what is declared. */
  undeclared: number;
  /** Flows of which an end is no workload that exists any more, or of which too little is said; nothing follows from them. */
  unmatched: readonly Flow[];
}

/** Connections that flow logs show, between the workloads that the objects know. */
export function observedConnections(
  logs: readonly Flows[],
  objects: Iterable<Manifest> | Snapshot,
): { connections: readonly Declared[]; observed: readonly ObservedLog[] } {
  const collector = new Collector(new Cluster(allObjects(objects)));
  const told = observed(collector, logs);
  return { connections: collector.connections(), observed: told };
}

/** A connection as several flows of one log show it. */
interface Sighting {
  source: Peer;
  target: Target;
  first: Flow;
  lines: number;
  seen: Span | undefined;
  /** How many destinations outside it stands for, where these are too many. */
  addresses?: number;
}

/** Adds what flow logs show and nothing else that was collected says. */
export function observed(collector: Collector, logs: readonly Flows[]): readonly ObservedLog[] {
  const names = logs.length === 0 ? undefined : new WorkloadNames(collector.cluster);
  if (names === undefined) return [];
  return logs.map((log): ObservedLog => {
    const sightings = new Map<string, Sighting>();
    const unmatched: Flow[] = [];
    for (const flow of log.flows) {
      // A pod and its own node: no policy ever cuts that.
      if (flow.source.entity === 'ownNode') continue;
      const source = sourceOf(collector, names, flow.source);
      const targets = targetsOf(collector, names, flow);
      if (source === undefined || !countable(source, targets)) {
        unmatched.push(flow);
        continue;
      }
      for (const target of targets) sight(sightings, source, target, flow);
    }
    const all = together([...sightings.values()]);
    const news = all.filter(({ source, target }) => !collector.has(source, target));
    for (const sighting of news) {
      const { source, target, first } = sighting;
      const file = { apiVersion: '', kind: 'File', name: log.file };
      collector.add(source, target, 'observed', evidence(file, `line ${first.line}`, sightingText(sighting)));
    }
    return { log, connections: all.length, undeclared: news.length, unmatched };
  });
}

/** Whether something follows: a workload takes part, and whoever comes from a node says for which port. */
function countable(source: Peer, targets: readonly Target[]): boolean {
  const workloads = [source, ...targets.map(({ peer }) => peer)].some(({ kind }) => kind === 'workload');
  // From where a node's packets come is not known, so that without a port the allow would open all of the pod.
  const known = source.kind === 'workload' || targets.every(({ port }) => port !== undefined);
  return targets.length > 0 && workloads && known;
}

function sight(sightings: Map<string, Sighting>, source: Peer, target: Target, flow: Flow): void {
  const key = `${peerText(source)}|${peerText(target.peer)}|${target.protocol}|${target.port ?? ''}`;
  const known = sightings.get(key);
  if (known === undefined)
    sightings.set(key, { source, target, first: flow, lines: flow.count, seen: flow.seen });
  else {
    known.lines += flow.count;
    known.seen = spanning(known.seen, flow.seen);
  }
}

/** More addresses outside than this, on one port, are no list of destinations: names that lead to many, or the Internet. */
const MOST_ADDRESSES = 100;

/** Destinations outside of one workload on one port count as one where there are too many to be named in a policy. */
function together(sightings: readonly Sighting[]): readonly Sighting[] {
  const groups = Map.groupBy(sightings, ({ source, target: { peer, protocol, port } }) =>
    peer.kind === 'external' ? `${peerText(source)}|${protocol}|${port ?? ''}` : '',
  );
  return [...groups].flatMap(([key, some]): readonly Sighting[] => {
    const [first] = some;
    if (key === '' || first === undefined || some.length <= MOST_ADDRESSES) return some;
    return [
      {
        ...first,
        target: { ...first.target, peer: { kind: 'outside', ranges: [] } },
        lines: some.reduce((sum, { lines }) => sum + lines, 0),
        seen: some.map(({ seen }) => seen).reduce(spanning),
        addresses: some.length,
      },
    ];
  });
}

function sightingText({ first, lines, seen, addresses }: Sighting): string {
  const port = first.port === undefined ? '' : ` ${first.port}`;
  const to = addresses === undefined ? flowEndText(first.destination) : `${addresses} addresses`;
  const when = seen === undefined ? '' : `, ${spanText(seen)}`;
  const ends = `${flowEndText(first.source)} -> ${to} ${first.protocol}${port}`;
  return `${lines === 1 ? '1 line' : `${lines} lines`}${when}: ${ends}`;
}

/** To the minute, in UTC: `2026-11-01T10:00Z to 2026-11-03T09:30Z`. */
export function spanText({ first, last }: Span): string {
  const [from, to] = [first, last].map((time) => `${new Date(time).toISOString().slice(0, -8)}Z`);
  return from === to ? `${from}` : `${from} to ${to}`;
}

/** Whoever comes from outside counts as one: a policy for each client's address would let nobody else in. */
function sourceOf(collector: Collector, names: WorkloadNames, end: FlowEnd): Peer | undefined {
  const named = podOf(collector, names, end);
  if (named !== 'none') return named;
  if (end.entity === 'nodes' || end.entity === 'apiServer') return { kind: end.entity };
  const peer = end.address === undefined ? undefined : collector.services.peerAt(end.address);
  return peer === undefined || peer.kind === 'external' ? { kind: 'outside', ranges: [] } : peer;
}

function targetsOf(
  collector: Collector,
  names: WorkloadNames,
  { destination, protocol, port }: Flow,
): readonly Target[] {
  const named = podOf(collector, names, destination);
  if (named !== 'none') return named === undefined ? [] : [{ peer: named, protocol, port }];
  const { address, host, entity } = destination;
  const service = address === undefined ? undefined : collector.services.atAddress(address);
  if (service !== undefined) return collector.services.targets(service, { number: port, protocol });
  if (entity === 'nodes' || entity === 'apiServer') return [{ peer: { kind: entity }, protocol, port }];
  const known = address === undefined ? undefined : collector.services.peerAt(address, port);
  if (known !== undefined && known.kind !== 'external') return [{ peer: known, protocol, port }];
  // No policy can hold a name: where the log says to which address it led, that is what an allow can name.
  if (known !== undefined) return [{ peer: known, protocol, port }];
  return host === undefined ? [] : [{ peer: { kind: 'external', host }, protocol, port }];
}

/** The workload of an end that is a pod; undefined where it is none that exists, `none` where the end is no pod. */
function podOf(collector: Collector, names: WorkloadNames, end: FlowEnd): Peer | undefined | 'none' {
  const { namespace, pod, workload } = end;
  if (namespace === undefined || (pod === undefined && workload === undefined)) return 'none';
  const exact = pod === undefined ? undefined : collector.cluster.podNames.get(`${namespace}/${pod}`);
  const index =
    exact ??
    (workload === undefined ? undefined : names.workload(namespace, workload.name, workload.kind)) ??
    (pod === undefined ? undefined : names.ofPod(namespace, pod));
  return index === undefined ? undefined : collector.cluster.peer(index);
}

/** How many parts controllers add to their own name for a pod's: a Deployment the hash of its ReplicaSet and five letters. */
const ADDED: Readonly<Record<string, number>> = {
  Deployment: 2,
  CronJob: 2,
  ReplicaSet: 1,
  ReplicationController: 1,
  StatefulSet: 1,
  DaemonSet: 1,
  Job: 1,
  Pod: 0,
};

/** Finds workloads by their own names and by names of pods that are gone. */
class WorkloadNames {
  private readonly index = new Map<string, { workload: number; kind: string }[]>();

  constructor(cluster: Cluster) {
    for (const { index, peer } of cluster.workloads) {
      const key = `${peer.namespace}/${peer.ref.name}`;
      const list = this.index.get(key);
      const entry = { workload: index, kind: peer.ref.kind };
      if (list === undefined) this.index.set(key, [entry]);
      else list.push(entry);
    }
  }

  workload(namespace: string, name: string, kind?: string): number | undefined {
    const found = this.index.get(`${namespace}/${name}`) ?? [];
    return found.find((entry) => kind === undefined || entry.kind === kind)?.workload;
  }

  /** The workload whose pods are called like this: `web-6d4b75cb6d-x2x9z`, `web-6d4b75cb6d-*`, `db-0`, `db-*`, or its own name. */
  ofPod(namespace: string, pod: string): number | undefined {
    const parts = pod.replace(/-?\*$/, '-*').split('-');
    for (const added of [0, 1, 2]) {
      const name = parts.slice(0, parts.length - added).join('-');
      const found = (this.index.get(`${namespace}/${name}`) ?? []).find(
        ({ kind }) => added === 0 || ADDED[kind] === added || ADDED[kind] === undefined,
      );
      if (found !== undefined) return found.workload;
    }
    return undefined;
  }
}

/** An end in the words of the log. */
export function flowEndText({ namespace, pod, workload, host, address, entity }: FlowEnd): string {
  const name = pod ?? workload?.name;
  if (namespace !== undefined && name !== undefined) return `${namespace}/${name}`;
  if (host !== undefined && address !== undefined) return `${host} (${address})`;
  return host ?? address ?? entity ?? 'unknown';
}
