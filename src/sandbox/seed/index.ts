import type { Manifest } from '../../model/manifest.js';
import { decode } from '../decode.js';
import { setDefaults } from '../defaults.js';
import { mirrorPod } from '../host.js';
import { writeManagers } from '../managers.js';
import { ownersOfNew } from '../ownership.js';
import type { SavedState, SecretValue } from '../persist.js';
import { type Resource, resourceOf } from '../resources.js';
import type { Part } from './build.js';
import { controlPlane } from './cluster.js';
import { defaultNamespace } from './default.js';
import { Expander } from './expand.js';
import { NODES, nodeObjects, staticPods } from './nodes.js';
import { payments } from './payments.js';
import { platform } from './platform.js';
import { reports } from './reports.js';
import { serviceObjects } from './services.js';
import { shop } from './shop.js';

/** What every cluster has, and nothing of the shop. */
const BARE: Part = {
  namespaces: ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) => ({ name })),
};

const PARTS: readonly Part[] = [BARE, controlPlane, platform, defaultNamespace, shop, payments, reports];

const MADE = '2025-02-03T08:00:00Z';

/** Kinds that a hardening changes: of these it is known who owns which field. */
const CONFIGURED = ['Namespace', 'NetworkPolicy', 'LimitRange', 'ResourceQuota'];

/**
 * The state of a new embedded cluster.
 * @param options.salt makes its UIDs, and with them its identity
 * @param options.secretValue the value of a Secret's key
 */
export function freshState(options: { salt: string; secretValue: SecretValue; empty: boolean }): SavedState {
  const expander = new Expander(options.salt, NODES);
  const parts = options.empty ? [BARE] : PARTS;
  const [apiServer, ...otherStatic] = staticPods();
  const pods: Manifest[] = options.empty ? [] : [apiServer!, ...otherStatic].map((pod) => mirrorPod(pod));
  const all: Manifest[] = options.empty ? [] : [...nodeObjects()];
  for (const part of parts) {
    for (const { name, labels } of part.namespaces ?? [])
      all.push({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name, ...(labels === undefined ? {} : { labels: { ...labels } }) },
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      });
    for (const workload of part.workloads ?? [])
      for (const object of expander.workload(workload)) (object.kind === 'Pod' ? pods : all).push(object);
    all.push(
      ...(part.secrets ?? []).map((secret) => expander.secret(secret, options.secretValue)),
      ...(part.objects ?? []),
    );
  }
  for (const service of parts.flatMap((part) => part.services ?? []))
    all.push(...serviceObjects(service, pods, (...names) => expander.short(...names)));

  let revision = 1_000;
  let address = 256;
  const objects = [...all, ...pods].map((manifest) => {
    revision += 1;
    const resource = resourceOf(manifest);
    if (resource === undefined) throw new Error(`no resource for ${manifest.kind}`);
    const object = complete(resource, manifest, expander, revision);
    if (manifest.kind === 'Service') giveAddress(object, () => `10.96.${address >> 8}.${address++ & 255}`);
    return { resource, object, prefix: '' };
  });
  return { revision, node: { staticPod: apiServer!, configurations: {} }, objects };
}

/** An object as the server would have it after it was created. */
function complete(resource: Resource, manifest: Manifest, expander: Expander, revision: number): Manifest {
  const { object, unknown } = decode(resource.schema, manifest);
  if (unknown.length > 0)
    throw new Error(`${manifest.kind} ${manifest.metadata.name}: ${unknown.join(', ')}`);
  const copy = structuredClone(object);
  setDefaults(resource, copy);
  const { apiVersion, kind, metadata, ...rest } = copy as unknown as Manifest;
  const owners = CONFIGURED.includes(resource.kind)
    ? writeManagers(ownersOfNew(resource, copy, 'kubectl-client-side-apply'), MADE)
    : [];
  return {
    kind,
    apiVersion,
    metadata: {
      ...metadata,
      ...(owners.length === 0 ? {} : { managedFields: owners }),
      uid: metadata.uid ?? expander.uid(manifest.kind, metadata.namespace ?? '', metadata.name),
      resourceVersion: String(revision),
      creationTimestamp: metadata.creationTimestamp ?? MADE,
      ...(resource.generation ? { generation: 1 } : {}),
    },
    ...rest,
  };
}

function giveAddress(service: Manifest, next: () => string): void {
  const spec = service.spec as Record<string, unknown>;
  if (spec.type === 'ExternalName') return;
  spec.clusterIP ??= next();
  spec.clusterIPs ??= [spec.clusterIP];
}
