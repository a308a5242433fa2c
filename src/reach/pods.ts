import { at, isRecord, listAt, type Manifest, stringAt } from '../model/manifest.js';
import { type Address, parseAddress } from './address.js';
import type { Protocol } from './portset.js';
import type { NamedPort } from './semantics.js';

export type Labels = ReadonlyMap<string, string>;

/** A pod, or the pod that a template would make. */
export interface Pod {
  /** `namespace/name`; undefined for a template. */
  name: string | undefined;
  namespace: string;
  labels: Labels;
  /** Ports that its containers declare. */
  ports: readonly NamedPort[];
  /** Empty where none is known. */
  addresses: readonly Address[];
  node: string | undefined;
  hostNetwork: boolean;
  /** Index into the workloads. */
  workload: number;
}

/** Kinds with a pod template, their API groups, and where the template stands. */
const TEMPLATES: Readonly<Record<string, { groups: readonly string[]; path: readonly string[] }>> = {
  Deployment: { groups: ['apps', 'extensions'], path: ['spec', 'template'] },
  ReplicaSet: { groups: ['apps', 'extensions'], path: ['spec', 'template'] },
  StatefulSet: { groups: ['apps'], path: ['spec', 'template'] },
  DaemonSet: { groups: ['apps', 'extensions'], path: ['spec', 'template'] },
  ReplicationController: { groups: [''], path: ['spec', 'template'] },
  Job: { groups: ['batch'], path: ['spec', 'template'] },
  CronJob: { groups: ['batch'], path: ['spec', 'jobTemplate', 'spec', 'template'] },
  // Kinds of others that make pods with just the labels of the template (OpenShift, KubeVirt).
  DeploymentConfig: { groups: ['apps.openshift.io', ''], path: ['spec', 'template'] },
  VirtualMachine: { groups: ['kubevirt.io'], path: ['spec', 'template'] },
};

/** Whether a kind of a group makes pods from a template. */
export function hasTemplate(kind: string, group: string): boolean {
  return Object.hasOwn(TEMPLATES, kind) && TEMPLATES[kind]?.groups.includes(group) === true;
}

/** The pod template of an object, where it has one. */
export function templateOf(object: Manifest): Record<string, unknown> | undefined {
  const template = at(object, ...(TEMPLATES[object.kind]?.path ?? []));
  return isRecord(template) ? template : undefined;
}

/** The controller that a pod or workload names as its owner; a static pod's Node is none. */
export function controllerOf(
  object: Manifest,
): { apiVersion: string; kind: string; name: string } | undefined {
  for (const reference of listAt(object, 'metadata', 'ownerReferences')) {
    if (at(reference, 'controller') !== true) continue;
    const kind = stringAt(reference, 'kind');
    const name = stringAt(reference, 'name');
    if (kind === undefined || name === undefined || kind === 'Node') return undefined;
    return { apiVersion: stringAt(reference, 'apiVersion') ?? '', kind, name };
  }
  return undefined;
}

/** Ports that containers declare (name empty where they have none), and those of init containers that keep running beside them (sidecars). */
export function portsOf(spec: unknown): readonly NamedPort[] {
  const sidecars = listAt(spec, 'initContainers').filter((c) => stringAt(c, 'restartPolicy') === 'Always');
  const out: NamedPort[] = [];
  for (const container of [...listAt(spec, 'containers'), ...sidecars])
    for (const raw of listAt(container, 'ports')) {
      const name = at(raw, 'name') ?? '';
      const port = at(raw, 'containerPort');
      const protocol = at(raw, 'protocol') ?? 'TCP';
      if (typeof name === 'string' && typeof port === 'number' && isProtocol(protocol))
        out.push({ name, port, protocol });
    }
  return out;
}

function isProtocol(value: unknown): value is Protocol {
  return value === 'TCP' || value === 'UDP' || value === 'SCTP';
}

/** The addresses that texts name, each once; what names none is passed over. */
export function addressesOf(texts: readonly unknown[]): readonly Address[] {
  const out: Address[] = [];
  for (const text of texts) {
    const address = typeof text === 'string' ? parseAddress(text) : undefined;
    if (address !== undefined && !out.some((a) => a.family === address.family && a.value === address.value))
      out.push(address);
  }
  return out;
}
