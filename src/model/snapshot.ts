import type { ServerEncryption } from './encryption.js';
import type { Flows } from './flow.js';
import type { KindName } from './kinds.js';
import type { Manifest } from './manifest.js';
import type { ProbeFacts } from './policy-probe.js';
import type { Rights } from './rights.js';

/**
 * What a step needs to read. It drives the snapshot and the permission check.
 * - `objects`: raw JSON, of which only the fields that some step reads are kept.
 * - `names`: namespace, name and type only, asked for in a form that carries no content (Secrets are only ever read so).
 * - `probe`: facts that are not a list of objects.
 */
export type Query =
  | { kind: KindName; as: 'objects'; for: string }
  | { kind: KindName; as: 'names'; for: string }
  | { probe: 'encryption'; for: string };

/** The answer to one query. Anything but `read` means "not visible", with the reason in words. */
export type Listing =
  | { state: 'read'; apiVersion: string; items: readonly Manifest[] }
  | { state: 'absent'; reason: string }
  /** `passing`: the server failed, was busy or out of reach, so that another try may well see it. */
  | { state: 'notVisible'; reason: string; passing?: true };

export interface ServerVersion {
  major: number;
  minor: number;
  /** As the server says it, e.g. `v1.31.4-eks-1234`. */
  git: string;
}

export interface ClusterInfo {
  /** The context's name; `sandbox` for the embedded cluster. */
  context: string;
  /** UID of the namespace kube-system: the identity of a cluster. */
  id: string;
  version: ServerVersion;
  sandbox: boolean;
  /** Manifests in files: there is nothing that could be tried out. */
  files?: true;
}

/** What can be seen of encryption at rest without reading a Secret. */
export interface EncryptionFacts {
  /** Secrets known to the cluster, by name lists; undefined where they could not be listed. */
  secrets: number | undefined;
  /**
   * How stored Secrets are written, as the server's own counters told while all of them were read by name:
   * storage prefix (`k8s:enc:secretbox:v1:key1:`; empty for plain text) to count. Undefined where not visible.
   */
  stored: Readonly<Record<string, number>> | undefined;
  /** Prefix under which new values are written (empty: plain text); undefined where not visible. */
  writes: string | undefined;
  /** Whether the server that was asked has an encryption configuration at all; undefined where not visible. */
  configured?: boolean;
  /** API servers as the cluster lists them (undefined: not known), and how many showed their counters. */
  servers?: { listed: number | undefined; seen: number };
  /** Every API server there is, where a re-write of this run tried each before, and all kept one stored form. */
  agreed?: readonly string[];
  /** Resources (`configmaps`) whose re-write was confirmed in this run, and did not come to its end. */
  unfinished?: readonly string[];
  /** Value of `--encryption-provider-config` for each API server whose arguments are visible; null: flag absent. */
  flags: readonly { server: string; value: string | null }[];
  /** API servers of which more is known than whether they have the flag. */
  apiServers?: readonly ServerEncryption[];
  /** Where each statement comes from, in words; also what could not be asked, and why. */
  evidence: readonly string[];
}

/** The state of a cluster at one moment, as far as it could be seen. Pure data. */
export interface Snapshot {
  cluster: ClusterInfo;
  /** ISO 8601. */
  takenAt: string;
  listings: ReadonlyMap<KindName, Listing>;
  encryption?: EncryptionFacts;
  /** What this account may not do; absent where nobody asks, as for files. */
  rights?: Rights;
  /** What a live probe of the network plugin found in this run. */
  policyProbe?: ProbeFacts;
  /** Flow logs that were given; absent where there were none. */
  observed?: readonly Flows[];
  /** The cloud, by its id, that somebody said of nodes which do not tell where they run. */
  unmarkedOn?: string;
  scope: Scope;
}

/** Which namespaces a run may touch. */
export interface Scope {
  /** Globs of `--exclude-namespace`. */
  exclude: readonly string[];
}

const EMPTY: readonly Manifest[] = [];

/** The objects of a kind; empty where it was not read. Ask `visible` before taking an empty list as a fact. */
export function objects(now: Snapshot, kind: KindName): readonly Manifest[] {
  const listing = now.listings.get(kind);
  return listing?.state === 'read' ? listing.items : EMPTY;
}

/** Whether a kind was read, so that an empty list means that there are none. A kind the server lacks counts as read. */
export function visible(now: Snapshot, kind: KindName): boolean {
  const state = now.listings.get(kind)?.state;
  return state === 'read' || state === 'absent';
}

/**
 * Kinds of servers that others add to the API server. They may be broken for months while the cluster does well, and what
 * they tell is only ever a help: steps say so where it is missing.
 */
const AGGREGATED: ReadonlySet<KindName> = new Set<KindName>(['PodMetrics']);

/**
 * Why kinds of these queries were not read though the server has them, where another try may well read them; in words,
 * each once. What was not seen for want of rights is no such thing: it stays so.
 */
export function unread(now: Snapshot, queries: readonly Query[]): string[] {
  const reasons = queries.flatMap((query) => {
    if ('probe' in query || AGGREGATED.has(query.kind)) return [];
    const listing = now.listings.get(query.kind);
    return listing?.state === 'notVisible' && listing.passing === true ? [listing.reason] : [];
  });
  return [...new Set(reasons)];
}

/** Why a kind was not visible, in words; undefined where it was. */
export function notVisibleReason(now: Snapshot, kind: KindName): string | undefined {
  const listing = now.listings.get(kind);
  if (listing === undefined) return `${kind} was not read`;
  return listing.state === 'notVisible' ? listing.reason : undefined;
}
