import { type EndpointGroup, endpointGroups, isEndpoints } from '../model/endpoints.js';
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
import type { Address } from './address.js';
import { isCiliumPolicy } from './ciliumpolicy.js';
import { isClusterPolicy } from './clusterpolicy.js';
import { overlooked } from './overlooked.js';
import {
  addressesOf,
  controllerOf,
  hasTemplate,
  type Labels,
  type Pod,
  portsOf,
  templateOf,
} from './pods.js';

export type { Labels, Pod } from './pods.js';

/** Something that an analysis could not take as it stands; the rest is still analysed. */
export interface Problem {
  object: Ref;
  message: string;
  /**
   * `broken`: no server would take the object so; something of it plays no part, or it counts as the message says. `notAnalysed`: it is a policy or workload that this engine does not know.
   * `note`: nothing is missing, but how it was taken has to be known.
   */
  effect: 'broken' | 'notAnalysed' | 'note';
}

/** An object of a kind or form that is not known here. */
export function notAnalysed(object: Manifest, message: string): Problem {
  return { object: refOf(object), message, effect: 'notAnalysed' };
}

/** What is shown as one line's source or destination: the owner of pods, or a pod without one. */
export interface Workload {
  /** `namespace/name[Kind]`. */
  name: string;
  ref: Ref;
  namespace: string;
  /** Whether all its pods use their node's network, so that policies do not apply to them with most plugins. */
  hostNetwork: boolean;
}

export interface NodeFacts {
  name: string;
  labels: Labels;
  addresses: readonly Address[];
}

/** Everything of the given objects that plays a part, in the form in which it is used. */
export interface Inventory {
  namespaces: ReadonlyMap<string, Labels>;
  nodes: readonly NodeFacts[];
  workloads: readonly Workload[];
  pods: readonly Pod[];
  policies: readonly Manifest[];
  services: readonly Manifest[];
  /** What EndpointSlices and Endpoints put behind Services. */
  endpoints: readonly EndpointGroup[];
  /** Ingress and OpenShift Route objects. */
  entries: readonly Manifest[];
  problems: readonly Problem[];
}

export interface InventoryOptions {
  /**
   * `implied`: a namespace without the label `kubernetes.io/metadata.name` counts as having it, as every server since
   * 1.21 sets it (for files). `asIs`: labels really there decide (for a cluster, which may be older).
   */
  namespaceLabel: 'implied' | 'asIs';
  /**
   * `top`: pods belong to their topmost owner that is among the objects, and owned objects are no workloads of their
   * own. `direct`: pods belong to the owner that they name, and every object with a pod template is a workload.
   */
  owners: 'top' | 'direct';
}

const NAME_LABEL = 'kubernetes.io/metadata.name';

/** Sorts the objects by the part that they play. Kinds that play none are passed over. */
export function inventoryOf(objects: Iterable<Manifest>, options: InventoryOptions): Inventory {
  return new Builder(options).read(objects);
}

class Builder {
  private readonly options: InventoryOptions;
  private readonly namespaces = new Map<string, Map<string, string>>();
  private readonly nodes: NodeFacts[] = [];
  private readonly workloads: (Workload & { pods: number; hostPods: number })[] = [];
  private readonly workloadIndex = new Map<string, number>();
  private readonly pods: Pod[] = [];
  private readonly policies: Manifest[] = [];
  private readonly services: Manifest[] = [];
  private readonly endpoints: EndpointGroup[] = [];
  private readonly entries: Manifest[] = [];
  private readonly problems: Problem[] = [];
  /** Objects with a pod template by kind, namespace and name. */
  private readonly owners = new Map<string, Manifest>();
  private readonly seen = new Set<string>();

  constructor(options: InventoryOptions) {
    this.options = options;
  }

  read(objects: Iterable<Manifest>): Inventory {
    const podObjects: Manifest[] = [];
    for (const object of objects) {
      const group = groupOf(object.apiVersion);
      const isPod = object.kind === 'Pod' && group === '';
      if (!isPod && !this.plays(object, group)) {
        const message = overlooked(object);
        if (message !== undefined) this.problems.push(notAnalysed(object, message));
        continue;
      }
      if (this.isDuplicate(object, group)) continue;
      if (isPod) podObjects.push(object);
      else this.sort(object, group);
    }
    for (const object of this.owners.values()) this.addTemplate(object);
    for (const object of podObjects) this.addPod(object);
    for (const { namespace } of this.pods) this.namespace(namespace);
    for (const { metadata } of this.policies)
      if (metadata.namespace !== undefined) this.namespace(metadata.namespace);
    this.addImpliedLabels();
    return {
      namespaces: this.namespaces,
      nodes: this.nodes,
      workloads: this.workloads.map(({ name, ref, namespace, pods, hostPods }) => ({
        name,
        ref,
        namespace,
        hostNetwork: hostPods === pods,
      })),
      pods: this.pods,
      policies: this.policies,
      services: this.services,
      endpoints: this.endpoints,
      entries: this.entries,
      problems: this.problems,
    };
  }

  private plays(object: Manifest, group: string): boolean {
    const { kind } = object;
    return (
      (group === '' && (kind === 'Namespace' || kind === 'Node' || kind === 'Service')) ||
      isPolicy(object, group) ||
      isEntry(kind, group) ||
      isEndpoints(kind, group) ||
      hasTemplate(kind, group)
    );
  }

  private sort(object: Manifest, group: string): void {
    const { kind, metadata } = object;
    if (isPolicy(object, group)) this.policies.push(object);
    else if (isEntry(kind, group)) this.entries.push(object);
    else if (kind === 'Service') this.services.push(object);
    else if (isEndpoints(kind, group)) this.endpoints.push(...endpointGroups(object));
    else if (kind === 'Namespace') this.namespaces.set(metadata.name, this.labels(object, object.metadata));
    else if (kind === 'Node') this.nodes.push(this.node(object));
    else this.owners.set(ownerKey(kind, metadata.namespace ?? 'default', metadata.name), object);
  }

  private isDuplicate(object: Manifest, group: string): boolean {
    const { kind, metadata } = object;
    const key = `${group}/${kind}/${metadata.namespace ?? 'default'}/${metadata.name}`;
    if (this.seen.has(key)) {
      this.problems.push({
        object: refOf(object),
        message: 'appears more than once; only the first is used',
        effect: 'broken',
      });
      return true;
    }
    this.seen.add(key);
    return false;
  }

  private node(object: Manifest): NodeFacts {
    const addresses = listAt(object, 'status', 'addresses').filter((a) => {
      const type = stringAt(a, 'type');
      return type === 'InternalIP' || type === 'ExternalIP';
    });
    return {
      name: object.metadata.name,
      labels: this.labels(object, object.metadata),
      addresses: addressesOf(addresses.map((a) => at(a, 'address'))),
    };
  }

  private labels(object: Manifest, metadata: unknown): Map<string, string> {
    const labels = new Map<string, string>();
    const raw = at(metadata, 'labels');
    if (!isRecord(raw)) return labels;
    for (const key of Object.keys(raw)) {
      const value = raw[key];
      if (typeof value === 'string') labels.set(key, value);
      else if (value !== null)
        this.problems.push({
          object: refOf(object),
          message: `label ${key} is not text (quote it in YAML); it is left out`,
          effect: 'broken',
        });
    }
    return labels;
  }

  private namespace(name: string): Map<string, string> {
    let labels = this.namespaces.get(name);
    if (labels === undefined) {
      labels = new Map();
      this.namespaces.set(name, labels);
    }
    return labels;
  }

  private addImpliedLabels(): void {
    if (this.options.namespaceLabel === 'asIs') return;
    for (const [name, labels] of this.namespaces) if (!labels.has(NAME_LABEL)) labels.set(NAME_LABEL, name);
  }

  private addTemplate(object: Manifest): void {
    if (this.options.owners === 'top' && this.ownerOf(object) !== undefined) return;
    const template = templateOf(object);
    const namespace = object.metadata.namespace ?? 'default';
    if (template === undefined) {
      this.problems.push({
        object: refOf(object),
        message: 'has no pod template; it is left out',
        effect: 'broken',
      });
      return;
    }
    const { apiVersion, kind, metadata } = object;
    const workload = this.workload({ apiVersion, kind, namespace, name: metadata.name });
    this.push(object, undefined, template, namespace, workload);
  }

  private addPod(object: Manifest): void {
    const namespace = object.metadata.namespace ?? 'default';
    const { apiVersion, kind, metadata } = object;
    const own: Ref = { apiVersion, kind, namespace, name: metadata.name };
    this.push(
      object,
      `${namespace}/${metadata.name}`,
      object,
      namespace,
      this.workload(this.topOwner(object) ?? own),
    );
  }

  /** Who a pod belongs to: see `InventoryOptions.owners`. A static pod's Node is no owner. */
  private topOwner(object: Manifest): Ref | undefined {
    const namespace = object.metadata.namespace ?? 'default';
    const reference = controllerOf(object);
    if (reference === undefined) return undefined;
    let owner = this.owners.get(ownerKey(reference.kind, namespace, reference.name));
    if (this.options.owners === 'direct' || owner === undefined) return { ...reference, namespace };
    // Owner chains are short (pod, Job, CronJob); the bound is for references that go round in a circle.
    for (let i = 0; i < 8; i++) {
      const next = this.ownerOf(owner);
      if (next === undefined) break;
      owner = next;
    }
    return { apiVersion: owner.apiVersion, kind: owner.kind, namespace, name: owner.metadata.name };
  }

  private ownerOf(object: Manifest): Manifest | undefined {
    const reference = controllerOf(object);
    if (reference === undefined) return undefined;
    return this.owners.get(ownerKey(reference.kind, object.metadata.namespace ?? 'default', reference.name));
  }

  private workload(ref: Ref): number {
    const name = `${ref.namespace}/${ref.name}[${ref.kind}]`;
    let index = this.workloadIndex.get(name);
    if (index === undefined) {
      index = this.workloads.length;
      this.workloadIndex.set(name, index);
      this.workloads.push({
        name,
        ref,
        namespace: ref.namespace ?? 'default',
        hostNetwork: false,
        pods: 0,
        hostPods: 0,
      });
    }
    return index;
  }

  private push(
    object: Manifest,
    name: string | undefined,
    from: Record<string, unknown>,
    namespace: string,
    workload: number,
  ): void {
    const { spec, status } = from;
    const hostNetwork = at(spec, 'hostNetwork') === true;
    const facts = this.workloads[workload];
    if (facts !== undefined) {
      facts.pods++;
      if (hostNetwork) facts.hostPods++;
    }
    const ips = [...listAt(status, 'podIPs').map((entry) => at(entry, 'ip')), at(status, 'podIP')];
    if (hostNetwork)
      ips.push(...listAt(status, 'hostIPs').map((entry) => at(entry, 'ip')), at(status, 'hostIP'));
    this.pods.push({
      name,
      namespace,
      labels: this.labels(object, from.metadata),
      ports: portsOf(spec),
      addresses: addressesOf(ips),
      node: stringAt(spec, 'nodeName'),
      hostNetwork,
      workload,
    });
  }
}

function isPolicy(object: Manifest, group: string): boolean {
  return (
    (object.kind === 'NetworkPolicy' && group === 'networking.k8s.io') ||
    isClusterPolicy(object) ||
    isCiliumPolicy(object)
  );
}

function isEntry(kind: string, group: string): boolean {
  return (
    (kind === 'Ingress' && (group === 'networking.k8s.io' || group === 'extensions')) ||
    (kind === 'Route' && group === 'route.openshift.io')
  );
}

function ownerKey(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}
