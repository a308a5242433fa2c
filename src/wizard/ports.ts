import type { ServerEncryption } from '../model/encryption.js';
import type { Entry, RunSummary, Stamped } from '../model/journal.js';
import type { KindName } from '../model/kinds.js';
import type { Manifest, Ref } from '../model/manifest.js';
import type { HostChange } from '../model/plan.js';
import type { ProbeFacts, ProbeLeftover, ProbeOptions } from '../model/policy-probe.js';
import type { ProofMeans, RewriteCounts, RewritePlace, StoredCounts } from '../model/rewrite.js';
import type { Need, Uses } from '../model/rights.js';
import type { ClusterInfo, EncryptionFacts, Listing, Query } from '../model/snapshot.js';

/** A failed request to a cluster, in words for a person; never a response body or a stack. */
export class ClusterError extends Error {
  override name = 'ClusterError';
  readonly reason: ClusterErrorReason;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** Field managers that own the fields in conflict (409 of server-side apply). */
  readonly managers: readonly string[];
  /** Trying again is of no use: a certificate does not become valid by waiting. */
  readonly lasting: boolean;
  constructor(
    reason: ClusterErrorReason,
    message: string,
    more: { status?: number; managers?: readonly string[]; lasting?: boolean } = {},
  ) {
    super(message);
    this.reason = reason;
    this.status = more.status;
    this.managers = more.managers ?? [];
    this.lasting = more.lasting ?? false;
  }
}

export type ClusterErrorReason =
  | 'unreachable' // no answer: DNS, connection, TLS, time-out
  | 'unauthorized' // 401
  | 'forbidden' // 403 by RBAC
  | 'refused' // 403, 400 or 422 by admission (webhook, quota, policy)
  | 'notFound' // 404
  | 'conflict' // 409 by field ownership
  | 'stale' // 409 by resourceVersion or uid
  | 'exists' // 409 AlreadyExists
  | 'invalid' // 422 or 400: the object is not valid
  | 'busy' // 429, 503, 504 after retries
  | 'server'; // anything else the server answered

/** Outcome of a write or of its dry run. */
export interface Written {
  object: Manifest;
  created: boolean;
  /** Text of the answer's `Warning` headers. */
  warnings: readonly string[];
}

export interface ReadProgress {
  kind: string;
  objects: number;
  done: boolean;
}

export interface RewriteProgress extends RewriteCounts {
  /** How many there are in all, once known. */
  total: number | undefined;
}

/** An object that was not re-written, or a place that could not be listed, and why. */
export interface RewriteFailure {
  ref: Ref;
  reason: string;
}

/** What is done up to a place. */
export interface RewriteCheckpoint {
  place: RewritePlace;
  /** Of everything up to the place, earlier parts of the run included. */
  counts: RewriteCounts;
  /** Those since the last checkpoint. */
  failures: readonly RewriteFailure[];
}

export interface RewriteOptions {
  signal?: AbortSignal;
  onProgress?: (progress: RewriteProgress) => void;
  /** `secrets`, `configmaps`, `widgets.example.com`; Secrets where nothing is said. */
  resources?: readonly string[];
  /** Goes on behind the place that an interrupted run had come to. */
  from?: Pick<RewriteCheckpoint, 'place' | 'counts'>;
  /** Hears of it about once a second, in order; the re-write ends once it has taken the last one. */
  onCheckpoint?: (checkpoint: RewriteCheckpoint) => Promise<void>;
  /** Most objects a second, 0 for no limit; the cluster's default where nothing is said. */
  maxRate?: number;
  /** Most requests at a time; how many there are adapts to what the server bears. */
  concurrency?: number;
}

export interface RewriteResult extends RewriteProgress {
  failures: readonly RewriteFailure[];
  /** Stopped by the signal before all was seen. */
  interrupted: boolean;
  /** What the API server's own counters say was written meanwhile. */
  metrics: ProofMeans;
  /** Whether it could reach every object, by counts over the whole cluster; left out where it was interrupted. */
  reached?: ProofMeans;
}

/** How much a re-write writes, and how much room there is, in bytes; without reading a value. */
export interface RewriteSize {
  /** Objects, where they can be counted. */
  objects: number | undefined;
  /** What is written at most; undefined where nothing bounds it. */
  bytes: number | undefined;
  /** Size of etcd's database and its quota, where they are known. */
  etcd: number | undefined;
  quota: number | undefined;
  /** API version of StorageVersionMigration, where the server can re-write by itself. */
  migration: string | undefined;
  /** For people: where each number comes from, and what is not known. */
  words: readonly string[];
}

/** `evenIfUntried`: a person answered that servers which cannot be tried from here were looked at. */
export interface GateOptions {
  evenIfUntried?: boolean;
  /** What API servers have to write under; empty: plain text. Left out: any key. */
  under?: string;
  /** What is going to be re-written: of those of which an object can be made one is tried as well. */
  resources?: readonly string[];
}

/**
 * Whether every API server encrypts what it writes and can read what the others wrote. `writes`: prefixes that values
 * were stored under while the scratch Secret was written. `untried`: addresses of those
 * that could not be asked; without `evenIfUntried` they close the gate. `evidence` names them, and what was left behind.
 */
export type GateResult =
  | {
      open: true;
      servers: readonly string[];
      untried: readonly string[];
      writes: readonly string[];
      evidence: readonly string[];
    }
  /** `untried`: nothing else speaks against it but that these could not be tried. */
  | { open: false; reason: string; untried?: readonly string[]; evidence: readonly string[] };

/** A live probe of the network plugin that was confirmed. */
export interface ProbeRequest {
  options: ProbeOptions;
  /** Namespaces of earlier probes to remove: those that were named in the confirmation. */
  leftovers: readonly ProbeLeftover[];
  /** Awaited before anything is created: the scratch namespace is on record by then. */
  before(namespace: string): Promise<void>;
  /** What is being done, in words. */
  onStage?(text: string): void;
  /** Stops the trial; the scratch namespace is removed all the same. */
  signal?: AbortSignal;
}

/** The process that writes to a cluster, for others to see. */
export interface Holder {
  run: string;
  host: string;
  pid: number;
  /** Tells the process from a later one with the same number. */
  start: string;
}

/**
 * Whether a run may write to a cluster: one at a time. `lost` fires where another one took over. `note`: what a person
 * should know about how it was claimed.
 */
export type Claim =
  | { held: true; note?: string; lost: AbortSignal; release(): Promise<void> }
  | { held: false; reason: string };

/** What the wizard needs of a cluster. All methods reject with `ClusterError` only. */
export interface Cluster {
  info(): Promise<ClusterInfo>;
  /** Answers queries in parallel; a kind that cannot be read becomes a listing that says why. */
  read(
    queries: readonly Query[],
    onProgress?: (progress: ReadProgress) => void,
  ): Promise<{ listings: Map<KindName, Listing>; encryption?: EncryptionFacts }>;
  /** The live object, undefined where it does not exist. */
  get(ref: Ref): Promise<Manifest | undefined>;
  /** Server-side apply as field manager `kubectl-harden`. A `resourceVersion` in the manifest is a precondition. */
  apply(manifest: Manifest, options?: { dryRun?: boolean; force?: boolean }): Promise<Written>;
  /** Deletes an object if it is still the one with this uid and resourceVersion; resolves false where it is gone already. */
  delete(ref: Ref, options?: { uid?: string; resourceVersion?: string; dryRun?: boolean }): Promise<boolean>;
  /** What a namespace holds besides what Kubernetes puts into every one, by name. */
  contents(namespace: string): Promise<readonly Ref[]>;
  /**
   * What this account lacks for each of these, by the server's own access reviews. Rights on a kind that reaches all
   * namespaces are asked for in all of them.
   */
  lacks(uses: readonly Uses[]): Promise<readonly (readonly Need[])[]>;
  /** Claims the cluster for this process until it is released; `gone` tells whether another holder is known to be dead. */
  claim(own: Holder, gone: (other: Holder) => Promise<boolean>): Promise<Claim>;
  /** Removes what a dead process claimed for this run; anything else stays. */
  unclaim(run: string, gone: (other: Holder) => Promise<boolean>): Promise<void>;
  gate(options?: GateOptions): Promise<GateResult>;
  /**
   * Tries out whether NetworkPolicies have an effect, in a scratch namespace that is removed whatever happens. What goes
   * wrong makes it inconclusive; it rejects only with what `before` rejects with.
   */
  probePolicies(request: ProbeRequest): Promise<ProbeFacts>;
  /** Re-writes every object in the form that the API server writes today, without receiving a value. */
  rewrite(options: RewriteOptions): Promise<RewriteResult>;
  /** What a re-write of these resources writes, as far as it can be known before. */
  rewriteSize(resources: readonly string[]): Promise<RewriteSize>;
  /** Looks how objects are stored: the read audit, and a pass that must move nothing. Writes only what is stale. */
  proveRewrite(options: Omit<RewriteOptions, 'from' | 'onCheckpoint'>): Promise<readonly ProofMeans[]>;
  close(): Promise<void>;
}

/** What happened to a host change. `left`: it waits for a person; the files lie where the instructions say. */
export type HostOutcome =
  | { state: 'applied'; evidence: string }
  | { state: 'left'; reason: string; files: readonly string[] };

/** The machine on which host changes are made, or the folder where they are left for a person. */
export interface Host {
  apply(change: HostChange): Promise<HostOutcome>;
  /**
   * How etcd itself keeps the objects of a resource (`secrets`, `widgets.example.com`), by prefix; in words why that
   * cannot be seen. Where it is missing, the machine has no way to etcd.
   */
  stored?(resource: string): Promise<StoredCounts | string>;
}

/** What one API server shows of itself when it is asked at its own address. */
export type ServerSight =
  /** Nobody answers. */
  | { at: 'down'; reason: string }
  /** Somebody answers who cannot be judged: other credentials, another certificate, another cluster. */
  | { at: 'strange'; reason: string }
  | {
      at: 'up';
      /** `/readyz` answers ok; else the checks that fail. */
      ready: boolean;
      failing?: string;
      /** uid of its namespace kube-system. */
      cluster: string;
      /** When its process began, in seconds since 1970; undefined where its metrics are not visible. */
      startedAt?: number;
      /** SHA-256, hex, of the encryption configuration in force (from 1.34); undefined where it is not served. */
      configuration?: string;
    };

/** The API server of the machine that this program runs on, asked past any load balancer. No method rejects. */
export interface LocalApiServer {
  look(): Promise<ServerSight>;
  /**
   * Whether it can read every stored Secret, and every object of these resources as far as they are served and may be
   * listed, without a value coming back; undefined where that cannot be tried.
   */
  readsSecrets(resources?: readonly string[]): Promise<boolean | undefined>;
  /** The (mirror) pod of this name in kube-system; undefined where there is none or it cannot be read. */
  pod(name: string): Promise<Manifest | undefined>;
  /** The (mirror) pods of all API servers; empty where there are none or they cannot be read. */
  pods(): Promise<readonly Manifest[]>;
  close(): void;
}

/**
 * Looks at the API servers whose files can be read on this machine, or of whose file there is a copy: what is in force,
 * with its source and without any key. Empty where there are none.
 * @param facts what was seen from outside
 */
export type Look = (facts: EncryptionFacts) => Promise<readonly ServerEncryption[]>;

/** One run's journal and before-images. Every append is on disk before it resolves. */
export interface Journal {
  readonly run: string;
  /** The run's directory, to be told to the user. */
  readonly directory: string;
  append(entry: Entry): Promise<void>;
  entries(): Promise<readonly Stamped[]>;
  /** Keeps an object as it is before or after a write (0600) and returns its name for the journal. Secrets are refused. */
  keep(object: Manifest): Promise<string>;
  /** An object that was kept, by the name that the journal has for it. */
  image(name: string): Promise<Manifest>;
}

/** All runs of this user. */
export interface Runs {
  list(): Promise<readonly RunSummary[]>;
  create(): Promise<Journal>;
  open(run: string): Promise<Journal>;
}

export interface Clock {
  now(): Date;
}
