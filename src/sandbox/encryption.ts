import { isRecord, listAt, stringAt } from '../model/manifest.js';
import { VERSION } from './discovery.js';
import type { Resource } from './resources.js';
import { ApiError } from './status.js';

/** One provider of an EncryptionConfiguration: its name and the names of its keys, never a key. */
export interface Provider {
  provider: string;
  keys: readonly string[];
}

/** What the API server was started with; undefined: no configuration, everything is stored as it is. */
export type Configuration =
  | readonly { resources: readonly string[]; providers: readonly Provider[] }[]
  | undefined;

/** Providers, names of keys and resources of an EncryptionConfiguration; undefined where it is none. */
export function readConfiguration(content: unknown): Configuration {
  if (!isRecord(content) || content.kind !== 'EncryptionConfiguration') return undefined;
  return listAt(content, 'resources').map((entry) => ({
    resources: listAt(entry, 'resources').map(String),
    providers: listAt(entry, 'providers').flatMap((item) =>
      isRecord(item)
        ? Object.entries(item).map(([provider, options]) => ({
            provider,
            keys:
              provider === 'kms'
                ? [stringAt(options, 'name') ?? '']
                : listAt(options, 'keys').map((key) => stringAt(key, 'name') ?? ''),
          }))
        : [],
    ),
  }));
}

/** Storage prefix of a provider's first key; empty for identity. */
function prefixesOf({ provider, keys }: Provider): string[] {
  if (provider === 'identity') return [''];
  const version = provider === 'kms' ? 'v2' : 'v1';
  return keys.map((key) => `k8s:enc:${provider}:${version}:${key}:`);
}

/**
 * How the API server stores Secrets: under which prefix it writes, which it can read, and its counters
 * (`apiserver_storage_transformation_operations_total`). Without a configuration nothing is counted.
 */
export class Encryption {
  #configuration: Configuration;
  readonly #counts = new Map<string, number>();
  #startedAt = 0;

  /** A restart of the API server: another configuration, counters at zero. */
  restart(configuration: Configuration, now: Date): void {
    this.#configuration = configuration;
    this.#startedAt = now.getTime() / 1000;
    this.#counts.clear();
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  /** The prefix under which new values of a resource are written. */
  writes(resource: Resource): string {
    return this.#prefixes(resource)[0] ?? '';
  }

  /** Counts a read of one stored value; 500 where no provider of the configuration can read it. */
  read(resource: Resource, prefix: string, name: string): void {
    const prefixes = this.#prefixes(resource);
    if (prefixes.length === 0 && prefix === '') return;
    if (!prefixes.includes(prefix))
      throw new ApiError(
        500,
        'InternalError',
        `Internal error occurred: unable to transform key "/registry/${resource.plural}/${name}": no matching prefix found`,
      );
    // The outer transformer tells identity by that name when it reads, and by an empty prefix when it writes.
    this.#count('from_storage', prefix === '' ? ['identity'] : parts(prefix));
  }

  /** Counts a write and returns the prefix that it is stored under. */
  write(resource: Resource): string {
    const prefixes = this.#prefixes(resource);
    if (prefixes.length === 0) return '';
    const prefix = prefixes[0]!;
    this.#count('to_storage', prefix === '' ? [''] : parts(prefix));
    return prefix;
  }

  /** The text of `/metrics`; its series carry no `resource` label, as before 1.32. */
  metrics(): string {
    const started = [
      '# HELP kubernetes_build_info [ALPHA] A metric with a constant 1 value labeled by the version it was built from.',
      '# TYPE kubernetes_build_info gauge',
      `kubernetes_build_info{git_version="${VERSION.gitVersion}",major="${VERSION.major}",minor="${VERSION.minor}"} 1`,
      '# HELP process_start_time_seconds [ALPHA] Start time of the process since unix epoch in seconds.',
      '# TYPE process_start_time_seconds gauge',
      `process_start_time_seconds ${this.#startedAt}`,
      // What tells an API server from whatever else may answer at this path.
      '# HELP apiserver_request_total [STABLE] Counter of apiserver requests.',
      '# TYPE apiserver_request_total counter',
      'apiserver_request_total{code="200",resource="namespaces",scope="cluster",verb="LIST"} 1',
      '',
    ].join('\n');
    if (this.#counts.size === 0) return started;
    const name = 'apiserver_storage_transformation_operations_total';
    const lines = [...this.#counts]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, count]) => {
        const [type, prefix] = JSON.parse(key) as [string, string];
        return `${name}{status="OK",transformation_type="${type}",transformer_prefix="${prefix}"} ${count}`;
      });
    return [
      `${started}# HELP ${name} [ALPHA] Total number of transformations.`,
      `# TYPE ${name} counter`,
      ...lines,
      '',
    ].join('\n');
  }

  #prefixes(resource: Resource): string[] {
    const name = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
    const wild = resource.group === '' ? '*.' : `*.${resource.group}`;
    const entry = this.#configuration?.find(({ resources }) =>
      resources.some((one) => one === name || one === wild || one === '*.*'),
    );
    return entry?.providers.flatMap(prefixesOf) ?? [];
  }

  #count(type: string, prefixes: readonly string[]): void {
    for (const prefix of prefixes) {
      const key = JSON.stringify([type, prefix]);
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    }
  }
}

/** `k8s:enc:secretbox:v1:key1:` is two transformers, one in the other: the provider's and the key's. */
function parts(prefix: string): string[] {
  const key = prefix.lastIndexOf(':', prefix.length - 2) + 1;
  return [prefix.slice(0, key), prefix.slice(key)];
}
