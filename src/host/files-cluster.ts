import { createHash } from 'node:crypto';
import { KINDS, type KindName } from '../model/kinds.js';
import { groupOf, type Manifest, refOf, sameRef } from '../model/manifest.js';
import type { ClusterInfo, Listing } from '../model/snapshot.js';
import { type Cluster, ClusterError } from '../wizard/ports.js';

/** The server that manifests are judged for, as none has been asked: one that has every feature of our table. */
const VERSION = { major: 1, minor: 36, git: 'files' };

/**
 * Manifests as a cluster that can be read and planned for, and not be written to. Every kind counts as read: what the
 * files do not hold is taken not to exist. `path` names the files in messages.
 */
export function filesCluster(path: string, objects: readonly Manifest[]): Cluster {
  const info: ClusterInfo = {
    context: path,
    id: `files-${createHash('sha256').update(path).digest('hex').slice(0, 16)}`,
    version: VERSION,
    sandbox: false,
    files: true,
  };
  const refuse = async (): Promise<never> => {
    throw new ClusterError(
      'invalid',
      `${path} holds manifests, which cannot be written to as a cluster can.`,
    );
  };
  const implied = withNamespaces(objects);
  return {
    info: async () => info,
    read: async (queries) => {
      const listings = new Map<KindName, Listing>();
      for (const query of queries)
        if ('kind' in query) listings.set(query.kind, listingOf(query.kind, implied));
      return { listings };
    },
    get: async (ref) => implied.find((object) => sameRef(refOf(object), ref)),
    contents: async (namespace) =>
      implied.filter((object) => object.metadata.namespace === namespace).map(refOf),
    lacks: async (uses) => uses.map(() => []),
    apply: refuse,
    delete: refuse,
    claim: refuse,
    unclaim: refuse,
    gate: refuse,
    probePolicies: refuse,
    rewrite: refuse,
    rewriteSize: refuse,
    proveRewrite: refuse,
    close: async () => undefined,
  };
}

function listingOf(name: KindName, objects: readonly Manifest[]): Listing {
  const kind = KINDS[name];
  const groups = new Set<string>(kind.apiVersions.map(groupOf));
  const items = objects.filter(
    (object) => object.kind === kind.kind && groups.has(groupOf(object.apiVersion)),
  );
  return {
    state: 'read',
    apiVersion: kind.apiVersions[0] ?? '',
    items: name === 'Secret' ? items.map(nameOnly) : items,
  };
}

/** Of a Secret in a file only its name goes on: no step may see a value, wherever it comes from. */
function nameOnly({ apiVersion, kind, metadata }: Manifest): Manifest {
  const { name, namespace } = metadata;
  return { apiVersion, kind, metadata: namespace === undefined ? { name } : { name, namespace } };
}

const NAME_LABEL = 'kubernetes.io/metadata.name';

/** The objects with the namespaces that they imply, each with the label that a server gives it. */
function withNamespaces(objects: readonly Manifest[]): readonly Manifest[] {
  const isNamespace = ({ apiVersion, kind }: Manifest) => apiVersion === 'v1' && kind === 'Namespace';
  const labelled = objects.map((object) =>
    isNamespace(object)
      ? {
          ...object,
          metadata: {
            ...object.metadata,
            labels: { [NAME_LABEL]: object.metadata.name, ...object.metadata.labels },
          },
        }
      : namespaced(object),
  );
  const there = new Set(labelled.filter(isNamespace).map(({ metadata }) => metadata.name));
  const missing = new Set(
    labelled.flatMap(({ metadata }) => metadata.namespace ?? []).filter((name) => !there.has(name)),
  );
  const implied = [...missing].map(
    (name): Manifest => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { [NAME_LABEL]: name } },
    }),
  );
  return [...labelled, ...implied];
}

/** An object without a namespace is one of `default`, where its kind has namespaces. */
function namespaced(object: Manifest): Manifest {
  if (object.metadata.namespace !== undefined) return object;
  const kind = Object.values(KINDS).find(
    (k) => k.kind === object.kind && k.apiVersions.some((v) => groupOf(v) === groupOf(object.apiVersion)),
  );
  return kind?.namespaced === true
    ? { ...object, metadata: { ...object.metadata, namespace: 'default' } }
    : object;
}
