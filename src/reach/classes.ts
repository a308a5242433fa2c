import type { Address, Family, Range } from './address.js';
import type { Inventory, Labels, Pod } from './inventory.js';
import { podFamilies } from './podranges.js';
import type { Peer, Policy } from './policy.js';
import type { NamedPort } from './semantics.js';

/** Where a class lies in the address space. */
export interface Place {
  family: Family;
  /** The first of the atoms that no rule tells apart from its own; undefined where no address is known. */
  atom: number | undefined;
}

/**
 * Pods that no policy can tell apart: same namespace, same labels as far as some selector asks for them, same named
 * ports as far as some rule names them, and in the same ranges where addresses count. A pod with several addresses that
 * lie in different ranges or families is in several classes, one for each: a connection uses one of them. All costs
 * follow classes, not pods.
 */
export interface PodClass {
  namespace: string;
  labels: Labels;
  ports: readonly NamedPort[];
  /** Equal for classes with the same named ports. */
  portsId: number;
  /** On its node's network: no cluster-wide policy selects it, but its node. */
  hostNetwork: boolean;
  /** On its node's network and not selectable for any policy: the node's address stands for it. */
  onNode: boolean;
  /** Name of the node, where that plays a part. */
  node: string | undefined;
  /** Where its address lies, where addresses count. */
  place: Place | undefined;
}

export interface Classes {
  classes: readonly PodClass[];
  /** Classes of each pod of the inventory, at least one. */
  ofPod: readonly (readonly number[])[];
  /** Classes of a pod that does not exist yet, by namespace: labels and ports that nothing asks for. */
  fresh: ReadonlyMap<string, readonly number[]>;
  /** The first class of a pod that does not exist: those of `fresh` and `elsewhere` come after all others. */
  firstFresh: number;
  /** Classes of a source without labels in a namespace that is not known, such as an ingress controller from elsewhere. */
  elsewhere: readonly number[];
  byNamespace: ReadonlyMap<string, readonly number[]>;
}

/** Name of the namespace that stands for "some other one"; no real namespace can be called so. */
export const ELSEWHERE = '{elsewhere}';

/** What policies ask of pods: label keys and port names. */
export function askedFor(policies: readonly Policy[]): {
  keys: ReadonlySet<string>;
  ports: ReadonlySet<string>;
} {
  const keys = new Set<string>();
  const ports = new Set<string>();
  const pods = (peer: Peer) => {
    if (peer.kind === 'pods') for (const { key } of peer.pods.requirements) keys.add(key);
  };
  for (const policy of policies) {
    pods(policy.subject);
    for (const rule of [...(policy.ingress ?? []), ...(policy.egress ?? [])]) {
      if (rule.peers !== 'any') rule.peers.forEach(pods);
      if (rule.ports !== 'any')
        for (const port of rule.ports) if (port.kind === 'named') ports.add(port.name);
    }
  }
  return { keys, ports };
}

export interface ClassOptions {
  /** Whether pods on the node's network are selected like any other. */
  hostNetworkSelected: boolean;
  /** By atom, the first of those that no rule tells apart where it speaks of pods; undefined where none does. */
  forPods: Int32Array | undefined;
  /** The same for nodes and the pods on their network. */
  forNodes: Int32Array | undefined;
  /** Whether some policy selects nodes. */
  nodes: boolean;
}

/** Sorts pods into classes. */
export function classify(
  inventory: Inventory,
  policies: readonly Policy[],
  atoms: readonly Range[],
  options: ClassOptions,
): Classes {
  const asked = askedFor(policies);
  const classes: PodClass[] = [];
  const byKey = new Map<string, number>();
  const portIds = new Map<string, number>([['', 0]]);
  const byNamespace = new Map<string, number[]>();
  const add = (made: PodClass): number => {
    const list = byNamespace.get(made.namespace);
    if (list === undefined) byNamespace.set(made.namespace, [classes.length]);
    else list.push(classes.length);
    return classes.push(made) - 1;
  };
  const nodeAddresses = new Map(inventory.nodes.map((node) => [node.name, node.addresses]));
  const keys = [...asked.keys];
  const families = podFamilies(inventory);
  const unknown: readonly Place[] = families.map((family) => ({ family, atom: undefined }));
  const placesOf = (pod: Pod, onNode: boolean): readonly (Place | undefined)[] => {
    const groups = onNode ? options.forNodes : options.forPods;
    if (groups === undefined) return [undefined];
    const ofNode = onNode && pod.addresses.length === 0 ? nodeAddresses.get(pod.node ?? '') : undefined;
    const places = placesAt(ofNode ?? pod.addresses, groups, atoms);
    return places.length === 0 ? unknown : places;
  };
  const ofPod = inventory.pods.map((pod) => {
    const onNode = pod.hostNetwork && !options.hostNetworkSelected;
    const node = options.nodes && pod.hostNetwork ? pod.node : undefined;
    const values = keys.map((key) => pod.labels.get(key) ?? null);
    const ports = pod.ports.filter((port) => asked.ports.has(port.name));
    const portsKey = ports
      .map((p) => `${p.name}=${p.protocol}${p.port}`)
      .sort()
      .join();
    return placesOf(pod, onNode).map((place) => {
      const where = place === undefined ? 0 : [place.family, place.atom ?? -1];
      const key = JSON.stringify([pod.namespace, pod.hostNetwork, node ?? '', where, portsKey, values]);
      let index = byKey.get(key);
      if (index === undefined) {
        let portsId = portIds.get(portsKey);
        if (portsId === undefined) {
          portsId = portIds.size;
          portIds.set(portsKey, portsId);
        }
        const labels = new Map(
          keys.flatMap((k, i): [string, string][] => {
            const value = values[i];
            return typeof value === 'string' ? [[k, value]] : [];
          }),
        );
        const { namespace, hostNetwork } = pod;
        index = add({ namespace, labels, ports, portsId, hostNetwork, onNode, node, place });
        byKey.set(key, index);
      }
      return index;
    });
  });
  const bare = (namespace: string): readonly number[] =>
    (options.forPods === undefined ? [undefined] : unknown).map((place) =>
      add({
        namespace,
        labels: new Map(),
        ports: [],
        portsId: 0,
        hostNetwork: false,
        onNode: false,
        node: undefined,
        place,
      }),
    );
  const firstFresh = classes.length;
  const fresh = new Map([...inventory.namespaces.keys()].map((name) => [name, bare(name)]));
  const elsewhere = bare(ELSEWHERE);
  return { classes, ofPod, fresh, firstFresh, elsewhere, byNamespace };
}

/** Where addresses lie; those that no rule tells apart once. */
function placesAt(
  addresses: readonly Address[],
  groups: Int32Array,
  atoms: readonly Range[],
): readonly Place[] {
  const found = new Map<string, Place>();
  for (const address of addresses) {
    const { family } = address;
    const atom = groups[atomOf(address, atoms)] ?? 0;
    found.set(`${family} ${atom}`, { family, atom });
  }
  return [...found.values()];
}

/** The atom in which an address lies. */
export function atomOf(address: Address, atoms: readonly Range[]): number {
  let low = 0;
  let high = atoms.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    const range = atoms[middle];
    if (range === undefined) break;
    const before =
      range.family < address.family || (range.family === address.family && range.from <= address.value);
    if (before) low = middle;
    else high = middle - 1;
  }
  return low;
}
