import { at, listAt, type Manifest } from '../model/manifest.js';
import { checkLimits, defaultFromLimits } from './admission-limits.js';
import { enforcePodSecurity } from './pod-security.js';
import { quotaProblem } from './quota.js';
import { coreResource, type Resource } from './resources.js';
import { forbidden, notFound } from './status.js';
import type { Store } from './store.js';

/** Namespaces that cannot be deleted. Source: admission plugin NamespaceLifecycle. */
export const IMMORTAL = ['default', 'kube-system', 'kube-public'];

/**
 * Admission as far as it decides here: a new object's namespace must exist and not be on its way out, Services get
 * an address, Pods get the defaults of LimitRanges. May change the object.
 */
export function admit(
  store: Store,
  resource: Resource,
  namespace: string,
  object: Record<string, unknown>,
  operation: 'create' | 'update',
): void {
  if (operation !== 'create') return;
  if (namespace !== '') requireNamespace(store, resource, namespace, object);
  if (resource.kind === 'Service') allocateAddress(store, resource, object);
  if (resource.kind === 'Pod') defaultFromLimits(store, namespace, object);
}

/** The last checks, of an object that is valid: Pod Security, LimitRanges, then the ResourceQuotas of its namespace. Throws 403. */
export function admitValid(store: Store, resource: Resource, namespace: string, object: Manifest): void {
  if (resource.group === '') enforcePodSecurity(store, resource, namespace, object);
  if (resource.group === '' && (resource.kind === 'Pod' || resource.kind === 'PersistentVolumeClaim'))
    checkLimits(store, resource.kind, namespace, object);
  const problem = namespace === '' ? undefined : quotaProblem(store, resource, namespace, object);
  if (problem !== undefined) throw forbidden(resource, object.metadata.name, problem);
}

function requireNamespace(
  store: Store,
  resource: Resource,
  namespace: string,
  object: Record<string, unknown>,
): void {
  const namespaces = coreResource('Namespace');
  const found = store.get(namespaces, '', namespace);
  if (found === undefined) throw notFound(namespaces, namespace);
  if (found.object.metadata.deletionTimestamp === undefined) return;
  throw forbidden(
    resource,
    String(at(object, 'metadata', 'name') ?? ''),
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  );
}

/** Cluster addresses come from 10.96.0.0/16, as kubeadm's default range. */
function allocateAddress(store: Store, resource: Resource, object: Record<string, unknown>): void {
  const spec = object.spec as Record<string, unknown>;
  if (spec.type === 'ExternalName') return;
  if (spec.clusterIP === undefined) {
    const taken = new Set(
      store.all(resource).flatMap(({ object: other }) => listAt(other, 'spec', 'clusterIPs')),
    );
    let number = 256;
    while (taken.has(address(number))) number += 1;
    spec.clusterIP = address(number);
  }
  spec.clusterIPs ??= [spec.clusterIP];
}

function address(number: number): string {
  return `10.96.${(number >> 8) & 255}.${number & 255}`;
}
