import { versionHas } from '../../src/model/features.js';
import { KINDS, type KindName, kindOf } from '../../src/model/kinds.js';
import type { Manifest } from '../../src/model/manifest.js';
import type { EncryptionFacts, Listing, ServerVersion, Snapshot } from '../../src/model/snapshot.js';

export interface SnapshotOptions {
  objects?: readonly Manifest[];
  /** `1.31` by default. */
  version?: string;
  sandbox?: boolean;
  context?: string;
  /** Globs of `--exclude-namespace`. */
  exclude?: readonly string[];
  /** Kinds that could not be read, with the reason. */
  notVisible?: Partial<Record<KindName, string>>;
  /** Kinds that the server does not serve, beside the CRDs of which no object is given. */
  absent?: readonly KindName[];
  /** CRDs that the server serves although no object of them is given. */
  served?: readonly KindName[];
  encryption?: EncryptionFacts;
}

/** Kinds that are not part of Kubernetes itself: absent unless an object of them is given. */
const CUSTOM: readonly KindName[] = [
  'ClusterNetworkPolicy',
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
  'AntreaClusterNetworkPolicy',
  'CalicoTier',
  'CalicoGlobalNetworkPolicy',
  'CiliumClusterwideNetworkPolicy',
  'EC2NodeClass',
  'KyvernoClusterPolicy',
  'CiliumNetworkPolicy',
  'Route',
  'Gateway',
  'GatewayClass',
  'HTTPRoute',
  'GRPCRoute',
  'TLSRoute',
  'TCPRoute',
  'UDPRoute',
  'ServiceMonitor',
  'PodMonitor',
];

/**
 * A snapshot of a cluster that holds these objects. Like a real server it gives every object a uid and a
 * resourceVersion and, from 1.21, every namespace its name label. Every kind is read unless the options say otherwise.
 */
export function snapshotOf(options: SnapshotOptions = {}): Snapshot {
  const version = parseVersion(options.version ?? '1.31');
  const objects = (options.objects ?? []).map((object, index) => stored(object, index, version));
  const listings = new Map<KindName, Listing>();
  for (const name of Object.keys(KINDS) as KindName[]) {
    const kind = KINDS[name];
    const items = objects.filter((object) => kindOf(object) === kind);
    const reason = options.notVisible?.[name];
    if (reason !== undefined) listings.set(name, { state: 'notVisible', reason });
    else if (
      options.absent?.includes(name) ||
      (CUSTOM.includes(name) && items.length === 0 && !options.served?.includes(name))
    )
      listings.set(name, { state: 'absent', reason: `the server does not serve ${kind.plural}` });
    else
      listings.set(name, { state: 'read', apiVersion: items[0]?.apiVersion ?? kind.apiVersions[0]!, items });
  }
  return {
    cluster: {
      context: options.context ?? (options.sandbox ? 'sandbox' : 'test'),
      id: 'b7a6f3d2-0000-4000-8000-000000000001',
      version,
      sandbox: options.sandbox ?? false,
    },
    takenAt: '2026-01-02T03:04:05.000Z',
    listings,
    ...(options.encryption === undefined ? {} : { encryption: options.encryption }),
    scope: { exclude: options.exclude ?? [] },
  };
}

/** `1.31` or `v1.31.4` as a server version. */
export function parseVersion(text: string): ServerVersion {
  const parts = /^v?(\d+)\.(\d+)/.exec(text);
  if (parts === null) throw new Error(`not a version: ${text}`);
  return { major: Number(parts[1]), minor: Number(parts[2]), git: `v${parts[1]}.${parts[2]}.0` };
}

function stored(object: Manifest, index: number, version: ServerVersion): Manifest {
  const { metadata } = object;
  const named = object.kind === 'Namespace' && versionHas(version, 'namespaceNameLabel');
  return {
    ...object,
    metadata: {
      uid: `uid-${object.kind}-${metadata.namespace ?? ''}-${metadata.name}`.toLowerCase(),
      resourceVersion: String(1000 + index),
      ...metadata,
      ...(named ? { labels: { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name } } : {}),
    },
  };
}

/** Shorthand for an object; the namespace is left out where it is undefined. */
export function object(
  apiVersion: string,
  kind: string,
  namespace: string | undefined,
  name: string,
  rest: Record<string, unknown> = {},
): Manifest {
  const { metadata, ...fields } = rest as { metadata?: Record<string, unknown> };
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...metadata },
    ...fields,
  };
}

/** A namespace with these labels. */
export function namespace(name: string, labels?: Record<string, string>): Manifest {
  return object('v1', 'Namespace', undefined, name, labels === undefined ? {} : { metadata: { labels } });
}
