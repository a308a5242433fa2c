import {
  at,
  groupOf,
  isRecord,
  listAt,
  type Manifest,
  type Ref,
  refOf,
  stringAt,
} from '../model/manifest.js';
import type { Protocol } from '../reach/index.js';
import { type Inventory, inventoryOf, type Labels } from '../reach/inventory.js';
import type { NamedPort } from '../reach/semantics.js';
import type { Peer } from './types.js';

/** Pods of one workload that are alike in everything that Services select by. */
export interface Variant {
  workload: number;
  namespace: string;
  labels: Labels;
  ports: readonly NamedPort[];
}

/** A workload, with what its pods are made from. */
export interface Made {
  index: number;
  peer: Peer & { kind: 'workload' };
  object: Ref;
  /** Specifications of its pods: of its template, or of its pods where that is not among the objects. */
  specs: readonly unknown[];
  annotations: readonly unknown[];
  hostNetwork: boolean;
}

const TEMPLATE_PATHS: Readonly<Record<string, readonly string[]>> = {
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  Pod: [],
};
/** Labels that tell the generation of a pod from others of its workload. */
const GENERATION = ['pod-template-hash', 'controller-revision-hash', 'pod-template-generation'];
const NO_VARIANTS: readonly Variant[] = [];

/** The objects that say something about connections, sorted and indexed once. */
export class Cluster {
  readonly inventory: Inventory;
  readonly workloads: readonly Made[];
  readonly nodeAddresses: ReadonlySet<string>;
  /** Of pods on the pods' own network, to their workload. */
  readonly podAddresses: ReadonlyMap<string, number>;
  /** `namespace/name` of pods, to their workload. */
  readonly podNames: ReadonlyMap<string, number>;
  private readonly kinds = new Map<string, Manifest[]>();
  private readonly named = new Map<string, Manifest>();
  private readonly byLabel = new Map<string, Variant[]>();
  private readonly inNamespace = new Map<string, Variant[]>();
  private readonly ofWorkload = new Map<number, Variant[]>();

  constructor(objects: Iterable<Manifest>) {
    const all = [...objects];
    for (const object of all) {
      const key = kindKey(object.kind, groupOf(object.apiVersion));
      const list = this.kinds.get(key);
      if (list === undefined) this.kinds.set(key, [object]);
      else list.push(object);
      const name = `${key} ${namespaceOf(object)}/${object.metadata.name}`;
      if (!this.named.has(name)) this.named.set(name, object);
    }
    this.inventory = inventoryOf(all, { namespaceLabel: 'implied', owners: 'top' });
    this.workloads = this.makeWorkloads();
    const podNames = new Map<string, number>();
    const podAddresses = new Map<string, number>();
    for (const pod of this.inventory.pods) if (pod.name !== undefined) podNames.set(pod.name, pod.workload);
    for (const pod of this.of('Pod')) {
      const workload = podNames.get(`${namespaceOf(pod)}/${pod.metadata.name}`);
      if (workload === undefined || at(pod, 'spec', 'hostNetwork') === true) continue;
      for (const ip of [
        stringAt(pod, 'status', 'podIP'),
        ...listAt(pod, 'status', 'podIPs').map((e) => at(e, 'ip')),
      ])
        if (typeof ip === 'string') podAddresses.set(ip, workload);
    }
    this.podNames = podNames;
    this.podAddresses = podAddresses;
    this.nodeAddresses = new Set(
      this.of('Node').flatMap((node) =>
        listAt(node, 'status', 'addresses').flatMap((entry) => stringAt(entry, 'address') ?? []),
      ),
    );
    this.indexVariants();
  }

  /** The objects of a kind; the group is needed where it is not the core's. */
  of(kind: string, group = ''): readonly Manifest[] {
    return this.kinds.get(kindKey(kind, group)) ?? [];
  }

  /** One object by kind and name; the first, where several have the same. */
  one(kind: string, namespace: string, name: string, group = ''): Manifest | undefined {
    return this.named.get(`${kindKey(kind, group)} ${namespace}/${name}`);
  }

  hasNamespace(name: string): boolean {
    return (
      this.inventory.namespaces.has(name) || this.named.has(`${kindKey('Namespace', '')} default/${name}`)
    );
  }

  /**
   * The workload whose pods the DNS knows by this host name below a subdomain: a StatefulSet's by its `serviceName`,
   * others' by what their specification says.
   */
  hostNamed(namespace: string, subdomain: string, hostname: string): number | undefined {
    return this.workloads.find(({ object, peer, specs }) => {
      if (peer.namespace !== namespace) return false;
      const set =
        object.kind === 'StatefulSet' ? this.one('StatefulSet', namespace, object.name, 'apps') : undefined;
      if (set !== undefined && stringAt(set, 'spec', 'serviceName') === subdomain)
        return hostname.startsWith(`${object.name}-`) && /^\d+$/.test(hostname.slice(object.name.length + 1));
      return specs.some((spec) => at(spec, 'subdomain') === subdomain && at(spec, 'hostname') === hostname);
    })?.index;
  }

  /** The pods that a map of labels selects in a namespace; none for an empty map, as a Service without selector. */
  selected(namespace: string, selector: unknown): readonly Variant[] {
    if (!isRecord(selector)) return NO_VARIANTS;
    const wanted = Object.entries(selector);
    const [first] = wanted;
    if (first === undefined) return NO_VARIANTS;
    const candidates = this.byLabel.get(labelKey(namespace, first[0], first[1])) ?? NO_VARIANTS;
    return candidates.filter(({ labels }) => wanted.every(([key, value]) => labels.get(key) === value));
  }

  /** All pods of a namespace, alike ones once. */
  variantsIn(namespace: string): readonly Variant[] {
    return this.inNamespace.get(namespace) ?? NO_VARIANTS;
  }

  /** The pods of a workload, alike ones once. */
  variantsOf(workload: number): readonly Variant[] {
    return this.ofWorkload.get(workload) ?? NO_VARIANTS;
  }

  peer(workload: number): Peer {
    return this.workloads[workload]?.peer ?? { kind: 'any' };
  }

  private makeWorkloads(): Made[] {
    const pods = new Map<number, Manifest[]>();
    const names = new Map(this.of('Pod').map((pod) => [`${namespaceOf(pod)}/${pod.metadata.name}`, pod]));
    for (const { name, workload } of this.inventory.pods) {
      const pod = name === undefined ? undefined : names.get(name);
      if (pod === undefined) continue;
      const list = pods.get(workload);
      if (list === undefined) pods.set(workload, [pod]);
      else list.push(pod);
    }
    return this.inventory.workloads.map(({ name, ref, namespace, hostNetwork }, index) => {
      const object = this.one(ref.kind, namespace, ref.name, groupOf(ref.apiVersion));
      const template = object === undefined ? undefined : templateOf(object);
      const sources = isRecord(at(template, 'spec')) ? [template] : generations(pods.get(index) ?? []);
      return {
        index,
        peer: { kind: 'workload', name, namespace, ref },
        object: object === undefined ? ref : refOf(object),
        specs: sources.map((source) => at(source, 'spec')),
        annotations: sources.map((source) => at(source, 'metadata', 'annotations')),
        hostNetwork,
      };
    });
  }

  /** Pods that no Service can tell apart count once: the labels are cut to the keys that selectors of the namespace use. */
  private indexVariants(): void {
    const keys = new Map<string, Set<string>>();
    for (const [kind, path] of [
      ['Service', ['spec', 'selector']],
      ['PodMonitor', ['spec', 'selector', 'matchLabels']],
    ] as const)
      for (const object of this.of(kind, kind === 'Service' ? '' : 'monitoring.coreos.com')) {
        const selector = at(object, ...path);
        if (!isRecord(selector)) continue;
        const own = keys.get(namespaceOf(object)) ?? new Set();
        for (const key of Object.keys(selector)) own.add(key);
        keys.set(namespaceOf(object), own);
      }
    const seen = new Set<string>();
    for (const { workload, namespace, labels, ports } of this.inventory.pods) {
      const used = keys.get(namespace);
      const shown = used === undefined ? [] : [...labels].filter(([key]) => used.has(key)).sort();
      const identity = JSON.stringify([workload, shown, ports]);
      if (seen.has(identity)) continue;
      seen.add(identity);
      const variant: Variant = { workload, namespace, labels, ports };
      push(this.inNamespace, namespace, variant);
      push(this.ofWorkload, workload, variant);
      for (const [key, value] of shown) push(this.byLabel, labelKey(namespace, key, value), variant);
    }
  }
}

function push<K>(map: Map<K, Variant[]>, key: K, variant: Variant): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [variant]);
  else list.push(variant);
}

function kindKey(kind: string, group: string): string {
  return `${group}/${kind}`;
}

function labelKey(namespace: string, key: string, value: unknown): string {
  return JSON.stringify([namespace, key, value]);
}

/** Where an object lives; in files, none means `default`, as the engine takes it. */
export function namespaceOf(object: Manifest): string {
  return object.metadata.namespace ?? 'default';
}

function templateOf(object: Manifest): unknown {
  const path = TEMPLATE_PATHS[object.kind] ?? ['spec', 'template'];
  return path.length === 0 ? object : at(object, ...path);
}

/** One pod of each generation: pods of one are made alike. */
function generations(pods: readonly Manifest[]): Manifest[] {
  const out = new Map<string, Manifest>();
  for (const pod of pods) {
    const key = GENERATION.map((label) => pod.metadata.labels?.[label] ?? '').join(' ');
    if (!out.has(key)) out.set(key, pod);
  }
  return [...out.values()];
}

/** A protocol as the API writes it; TCP where none is said, undefined for an unknown one. */
export function protocolOf(raw: unknown): Protocol | undefined {
  if (raw === undefined || raw === null) return 'TCP';
  return raw === 'TCP' || raw === 'UDP' || raw === 'SCTP' ? raw : undefined;
}
