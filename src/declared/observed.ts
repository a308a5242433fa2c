import type { Flow, FlowEnd, Flows } from '../model/flow.js';
import type { Manifest } from '../model/manifest.js';
import type { Snapshot } from '../model/snapshot.js';
import { Cluster } from './cluster.js';
import { Collector, evidence } from './collect.js';
import { allObjects } from './input.js';
import type { Target } from './services.js';
import type { Declared, Peer } from './types.js';

export interface Observed {
  /** Between workloads, and between a workload and what is outside; each once. */
  connections: readonly Declared[];
  /** Flows of which an end is no workload that exists any more; nothing is declared for them. */
  unmatched: readonly Flow[];
}

/** Connections that a flow log shows, between the workloads that the objects know. */
export function observedConnections(log: Flows, objects: Iterable<Manifest> | Snapshot): Observed {
  const collector = new Collector(new Cluster(allObjects(objects)));
  const names = new WorkloadNames(collector.cluster);
  const unmatched: Flow[] = [];
  const file = { apiVersion: '', kind: 'File', name: log.file };
  for (const flow of log.flows) {
    const source = sourceOf(collector, names, flow.source);
    const targets = targetsOf(collector, names, flow);
    const counts = [source, ...targets.map(({ peer }) => peer)].some((peer) => peer?.kind === 'workload');
    if (source === undefined || targets.length === 0 || !counts) {
      unmatched.push(flow);
      continue;
    }
    const times = flow.count === 1 ? '' : ` (${flow.count} lines)`;
    const port = flow.port === undefined ? '' : ` ${flow.port}`;
    const text = `${endText(flow.source)} -> ${endText(flow.destination)} ${flow.protocol}${port}${times}`;
    for (const target of targets)
      collector.add(source, target, 'observed', evidence(file, `line ${flow.line}`, text));
  }
  return { connections: collector.connections(), unmatched };
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
  if (host !== undefined) return [{ peer: { kind: 'external', host }, protocol, port }];
  return known === undefined ? [] : [{ peer: known, protocol, port }];
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

function endText({ namespace, pod, workload, host, address, entity }: FlowEnd): string {
  const name = pod ?? workload?.name;
  if (namespace !== undefined && name !== undefined) return `${namespace}/${name}`;
  return host ?? address ?? entity ?? 'unknown';
}
