/** Providers whose keys stand in the file itself. */
export type LocalProvider = 'secretbox' | 'aescbc' | 'aesgcm';

/**
 * A key by its name; a value is never part of it.
 * - `kept`: the value stands in the file that the API server has now, and is copied from there by whoever writes the next;
 * - `fresh`: the writer makes 32 bytes, once for all rounds and all servers: a file that already holds a key of this name
 *   for this provider gives the value.
 */
export interface KeyRef {
  name: string;
  value: 'kept' | 'fresh';
}

/** One item of `providers`. */
export type EncryptionProvider =
  | { kind: 'identity' }
  | { kind: LocalProvider; keys: readonly KeyRef[] }
  | {
      kind: 'kms';
      version: 'v1' | 'v2';
      name: string;
      /** `unix:///path/of/socket`. */
      endpoint: string;
      /** As it stands in the file, e.g. `3s`. */
      timeout?: string;
      /** Only for v1. */
      cacheSize?: number;
    };

/** One item of `resources`: for a resource that several items list, the first one decides. */
export interface EncryptionEntry {
  /** `secrets`, `configmaps`, `widgets.example.com`, `*.example.com`, `*.` (core), `*.*`. */
  resources: readonly string[];
  /** The first one writes, each of them reads. */
  providers: readonly EncryptionProvider[];
}

/** An EncryptionConfiguration without any key's value. */
export type EncryptionConfig = readonly EncryptionEntry[];

/**
 * What stands before a value in etcd, with provider and key: `k8s:enc:secretbox:v1:key1:`; empty for plain text. It names
 * a key of the whole cluster: who has a provider for it can read the value.
 */
export type StoragePrefix = string;

/**
 * What a round is for:
 * - `read`: servers learn to read what others are going to write; nobody writes anything new;
 * - `write`: servers write under the new first provider;
 * - `remove`: what no value needs any more, proven, is taken out.
 */
export type RoundPhase = 'read' | 'write' | 'remove';

/**
 * What one round makes of an API server, for whoever does it on a node. One server after the other; the round is over
 * when every server of it has `after` in force: restarted with it, or seen to have reloaded it (automatic reload takes up
 * to a minute).
 */
export interface ServerRound {
  phase: RoundPhase;
  /** It is one of the rounds that turn encryption on: before them no API server writes under a key. */
  turnsOn?: true;
  /** Names of the control-plane nodes that it is for; left out: every one. */
  servers?: readonly string[];
  /** Absolute path of the configuration on the node. Where we set the flag, the API server sees it under the same path. */
  file: string;
  /**
   * What may be in force before; null: no configuration and no flag. `after` itself means that this server is through.
   * Anything else: stop, and touch nothing.
   */
  before: readonly (EncryptionConfig | null)[];
  /** What is in force afterwards; null: no flag, and only then the file may go. */
  after: EncryptionConfig | null;
  /**
   * What to go back to where the API server does not come back with `after`, or breaks later: it writes as before and
   * reads all that `after` may have written. Null only where `after` writes nothing new: the manifest as it was.
   */
  fallback: EncryptionConfig | null;
  /** Of these a value may exist: every file that ever lies on the node, even for a moment, must be able to read them. */
  mustRead: readonly StoragePrefix[];
  /** Directories of the node that the API server needs to see, under the same path. */
  mounts: readonly { path: string; readOnly: boolean }[];
  /** Sockets of KMS plugins that must accept connections on the node before anything is touched. */
  sockets: readonly string[];
}

/** A statement with its source: `arguments of Pod kube-system/kube-apiserver-cp1`, `/flagz`, `metrics`, a file. */
export interface Seen<T> {
  value: T;
  source: string;
}

/** Stands for all API servers where their number and names are not known. */
export const EVERY_SERVER = 'every API server';

/** What can be seen of one API server; what is left out is not visible. */
export interface ServerEncryption {
  /** Name of its control-plane node where that is known, else of its pod or lease. */
  server: string;
  /** Value of `--encryption-provider-config`; null: no flag. */
  file?: Seen<string | null>;
  /** Value of `--encryption-provider-config-automatic-reload`. */
  reload?: Seen<boolean>;
  /** SHA-256, hex, of the bytes of the configuration that is in force. */
  hash?: Seen<string>;
  /** What is in force; null: nothing. */
  config?: Seen<EncryptionConfig | null>;
  /** How far a rotation of the key is, as k3s and RKE2 call it: `start`, `prepare`, ..., `reencrypt_finished`. */
  stage?: Seen<string>;
  /** Whether every API server has the same file, as k3s and RKE2 tell. */
  same?: Seen<boolean>;
  /** That is from a copy of the file, and nothing shows that this server has that very one. */
  assumed?: true;
  /** Why its file cannot be taken for what is in force: it cannot be read, is malformed, or waits for a restart. */
  problem?: Seen<string>;
}
