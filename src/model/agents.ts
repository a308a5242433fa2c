import { at, isRecord, listAt, type Manifest, type Ref, refOf, stringAt } from './manifest.js';
import { reservedName } from './namespaces.js';
import { objects, type Snapshot, visible } from './snapshot.js';

export interface AgentContainer {
  name: string;
  image: string;
  /** Command and arguments, in this order. */
  args: readonly string[];
}

/** Something that runs on every node: a DaemonSet of a system namespace. */
export interface Agent {
  name: string;
  ref: Ref;
  containers: readonly AgentContainer[];
  /** Pods that are ready; undefined where it is not told. */
  ready: number | undefined;
}

/**
 * The DaemonSets of system namespaces; where DaemonSets are not visible, the same from the pods that they own.
 * A DaemonSet of the same name in a user's namespace says nothing about the cluster.
 */
export function agents(now: Snapshot): readonly Agent[] {
  if (visible(now, 'DaemonSet'))
    return objects(now, 'DaemonSet')
      .filter(inSystemNamespace)
      .map((set) => ({
        name: set.metadata.name,
        ref: refOf(set),
        containers: containersOf(at(set, 'spec', 'template', 'spec')),
        ready: readyOf(set),
      }));
  const byName = new Map<string, Agent>();
  for (const pod of objects(now, 'Pod').filter(inSystemNamespace)) {
    const owner = pod.metadata.ownerReferences?.find((ref) => ref.kind === 'DaemonSet')?.name;
    if (owner === undefined || byName.has(owner)) continue;
    byName.set(owner, {
      name: owner,
      ref: refOf(pod),
      containers: containersOf(pod.spec),
      ready: undefined,
    });
  }
  return [...byName.values()];
}

/** Name, image and arguments of a pod's main containers. */
export function containersOf(podSpec: unknown): readonly AgentContainer[] {
  return listAt(podSpec, 'containers')
    .filter(isRecord)
    .map((container) => ({
      name: stringAt(container, 'name') ?? '',
      image: stringAt(container, 'image') ?? '',
      args: [...listAt(container, 'command'), ...listAt(container, 'args')].filter(
        (arg): arg is string => typeof arg === 'string',
      ),
    }));
}

function inSystemNamespace({ metadata }: Manifest): boolean {
  return metadata.namespace !== undefined && reservedName(metadata.namespace);
}

function readyOf(set: Manifest): number | undefined {
  const ready = at(set, 'status', 'numberReady');
  return typeof ready === 'number' ? ready : undefined;
}
