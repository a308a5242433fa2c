import type { Manifest } from '../../model/manifest.js';

/** A container of a seeded workload. */
export interface ContainerSeed {
  name?: string;
  image: string;
  args?: readonly string[];
  command?: readonly string[];
  /** Port names to numbers; UDP where the name ends in `-udp` or is `dns`. */
  ports?: Readonly<Record<string, number>>;
  env?: Readonly<Record<string, string>>;
  /** Environment variables out of a Secret: variable to `secret/key`. */
  secretEnv?: Readonly<Record<string, string>>;
  requests?: Readonly<Record<string, string>>;
  limits?: Readonly<Record<string, string>>;
  securityContext?: Readonly<Record<string, unknown>>;
  volumeMounts?: readonly Readonly<Record<string, unknown>>[];
}

/** A workload with its pods. */
export interface WorkloadSeed {
  kind?: 'Deployment' | 'DaemonSet' | 'StatefulSet' | 'CronJob' | 'Pod';
  namespace: string;
  name: string;
  replicas?: number;
  labels?: Readonly<Record<string, string>>;
  /** Labels of its pods; `app: <name>` where left out. */
  podLabels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
  serviceAccount?: string;
  hostNetwork?: boolean;
  schedule?: string;
  priorityClass?: string;
  containers: readonly ContainerSeed[];
  volumes?: readonly Readonly<Record<string, unknown>>[];
}

export interface ServiceSeed {
  namespace: string;
  name: string;
  selector: Readonly<Record<string, string>>;
  type?: string;
  clusterIP?: string;
  labels?: Readonly<Record<string, string>>;
  ports: readonly {
    name?: string;
    port: number;
    targetPort?: number | string;
    protocol?: string;
    nodePort?: number;
  }[];
}

/** Secrets of a namespace: how many of each sort, and those that are named. */
export interface SecretSeed {
  namespace: string;
  name: string;
  type: string;
  keys: readonly string[];
  /** Made with `kubectl apply`, so that a copy of its values lies in an annotation. */
  applied?: boolean;
}

/** What one part of the seeded cluster consists of. */
export interface Part {
  namespaces?: readonly { name: string; labels?: Readonly<Record<string, string>> }[];
  workloads?: readonly WorkloadSeed[];
  services?: readonly ServiceSeed[];
  secrets?: readonly SecretSeed[];
  /** Everything else, as it is. */
  objects?: readonly Manifest[];
}

const OPAQUE = 'Opaque';

export const opaque = (namespace: string, name: string, ...keys: string[]): SecretSeed => ({
  namespace,
  name,
  type: OPAQUE,
  keys,
});

export const tls = (namespace: string, name: string): SecretSeed => ({
  namespace,
  name,
  type: 'kubernetes.io/tls',
  keys: ['tls.crt', 'tls.key'],
});

export const registry = (namespace: string): SecretSeed => ({
  namespace,
  name: 'registry-pull',
  type: 'kubernetes.io/dockerconfigjson',
  keys: ['.dockerconfigjson'],
});

/** Long-lived tokens of service accounts, as clusters older than 1.24 still have them. */
export const accountTokens = (namespace: string, ...accounts: string[]): SecretSeed[] =>
  accounts.map((account) => ({
    namespace,
    name: `${account}-token`,
    type: 'kubernetes.io/service-account-token',
    keys: ['ca.crt', 'namespace', 'token'],
  }));

/** Helm keeps every revision of a release as a Secret. */
export const helmHistory = (namespace: string, release: string, revisions: number): SecretSeed[] =>
  Array.from({ length: revisions }, (_, index) => ({
    namespace,
    name: `sh.helm.release.v1.${release}.v${index + 1}`,
    type: 'helm.sh/release.v1',
    keys: ['release'],
  }));
