/** Counter of values that the API server turned into or out of their stored form. */
const OPERATIONS = 'apiserver_storage_transformation_operations_total';

/** Counts by storage prefix. The empty prefix is plain text. */
export type Counts = ReadonlyMap<string, number>;

/** What the metrics of one API server tell about stored Secrets at one moment. */
export interface Transformations {
  /** When the process began, in seconds since 1970: tells servers apart, and one from itself before a restart. */
  startedAt: string | undefined;
  /** Whether the server counts any resource; without an encryption configuration there are no series. */
  configured: boolean;
  /** Whether series tell resources apart (from 1.32); without that they count every configured resource. */
  byResource: boolean;
  /** Values read from storage. */
  from: Counts;
  /** Values written to storage. */
  to: Counts;
  /** SHA-256 of the encryption configuration in force (from 1.34). */
  configuration: string | undefined;
  /** SHA-256 of the name of the server's Lease in kube-system (from 1.34). */
  identity: string | undefined;
  storage: StorageSizes;
}

/** What is told of the size of etcd, in bytes. */
export interface StorageSizes {
  /** The largest member's database file, free pages included. */
  size: number | undefined;
  /** What all objects of a resource take, by `group/resource` (from 1.34). */
  resources: ReadonlyMap<string, number>;
}

/** The size of etcd's database, newest name first: from 1.28, 1.26 to 1.28, up to 1.25. */
const SIZES = [
  'apiserver_storage_size_bytes',
  'apiserver_storage_db_total_size_in_bytes',
  'etcd_db_total_size_in_bytes',
];

interface Sample {
  labels: ReadonlyMap<string, string>;
  value: number;
}

/** The hash of the encryption configuration in force (from 1.34). */
const CONFIGURATION = 'apiserver_encryption_config_controller_last_config_info';
/** What the objects of a resource take (from 1.34). */
const ESTIMATE = 'apiserver_resource_size_estimate_bytes';
const STARTED = 'process_start_time_seconds';

/** The lines that `transformations` looks at. */
export const METRIC_LINES = new RegExp(
  `^(?:${[OPERATIONS, CONFIGURATION, ESTIMATE, STARTED, ...SIZES].join('|')})[ {]`,
);

/** Reads the Prometheus text format, of which only the series that matter are looked at. */
export function transformations(text: string): Transformations {
  const samples = [...samplesOf(text, OPERATIONS)];
  const count = (type: string): Counts => {
    const counts = new Map<string, number>();
    for (const { labels, value } of samples) {
      if ((labels.get('resource') ?? 'secrets') !== 'secrets') continue;
      if (labels.get('transformation_type') !== type || labels.get('status') !== 'OK') continue;
      const label = labels.get('transformer_prefix') ?? '';
      // Plain text is `identity` up to about 1.25 and empty in newer servers.
      const prefix = label === 'identity' ? '' : label;
      counts.set(prefix, (counts.get(prefix) ?? 0) + value);
    }
    return counts;
  };
  const [config] = [...samplesOf(text, CONFIGURATION)];
  return {
    startedAt: /^process_start_time_seconds (\S+)/m.exec(text)?.[1],
    configured: samples.length > 0,
    byResource: samples.some(({ labels }) => labels.has('resource')),
    from: count('from_storage'),
    to: count('to_storage'),
    configuration: config?.labels.get('hash'),
    identity: config?.labels.get('apiserver_id_hash'),
    storage: storageSizes(text),
  };
}

function storageSizes(text: string): StorageSizes {
  const sizes = SIZES.map((metric) => [...samplesOf(text, metric)].map(({ value }) => value));
  const size = sizes.find((values) => values.length > 0);
  const resources = new Map<string, number>();
  for (const { labels, value } of samplesOf(text, ESTIMATE))
    if (value >= 0) resources.set(`${labels.get('group') ?? ''}/${labels.get('resource') ?? ''}`, value);
  return { size: size === undefined ? undefined : Math.max(...size), resources };
}

/** Samples of one metric. Labels may hold any character; backslash, quote and line feed are escaped in them. */
function* samplesOf(text: string, metric: string): Generator<Sample> {
  const pattern = new RegExp(`^${metric}\\{((?:[^"}\\n]|"(?:[^"\\\\\\n]|\\\\.)*")*)\\}[ \\t]+(\\S+)`, 'gm');
  for (const [, labels, number] of text.matchAll(pattern)) {
    const value = Number(number);
    if (Number.isFinite(value)) yield { labels: labelsOf(labels ?? ''), value };
  }
}

function labelsOf(text: string): Map<string, string> {
  const labels = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
    labels.set(
      name ?? '',
      (value ?? '').replace(/\\(.)/g, (_all, char: string) => (char === 'n' ? '\n' : char)),
    );
  return labels;
}

/** By how much each prefix moved between two readings of one server; what did not move is left out. */
export function moved(before: Counts, after: Counts): Map<string, number> {
  const out = new Map<string, number>();
  for (const [prefix, value] of after) {
    const more = value - (before.get(prefix) ?? 0);
    if (more > 0) out.set(prefix, more);
  }
  return out;
}

const isStorage = (prefix: string) => prefix === '' || prefix.startsWith('k8s:enc:');

/** Sum over storage prefixes: how many values were turned. Key names are counted a second time, under their own. */
export function valuesIn(counts: Counts): number {
  return [...counts].reduce((sum, [prefix, value]) => (isStorage(prefix) ? sum + value : sum), 0);
}

/**
 * Counts by whole prefix, as it stands before the value in storage. Servers count `k8s:enc:secretbox:v1:` and `key1:`
 * apart; they are put together where only one way of doing so fits the numbers, else the key's name is left out.
 */
export function byWholePrefix(counts: Counts): Record<string, number> {
  const providers = [...counts].filter(([prefix]) => isStorage(prefix));
  const keys = [...counts].filter(([prefix]) => !isStorage(prefix));
  const keyed = providers.filter(([prefix]) => /^k8s:enc:(aescbc|aesgcm|secretbox):v\d+:$/.test(prefix));
  const fits = assignments(keyed, keys);
  const [only] = fits.length === 1 ? fits : [];
  if (only === undefined) return Object.fromEntries(providers);
  const out = Object.fromEntries(providers.filter((provider) => !keyed.includes(provider)));
  for (const [index, [key, value]] of keys.entries()) out[`${keyed[only[index]!]![0]}${key}`] = value;
  return out;
}

/** More of either than this is no real server, and trying all ways would take long. */
const MOST = 6;

/** Every way to give each key to one provider so that the keys' counts add up to the provider's. */
function assignments(
  providers: readonly (readonly [string, number])[],
  keys: readonly (readonly [string, number])[],
): number[][] {
  if (providers.length === 0 || providers.length > MOST || keys.length > MOST) return [];
  const found: number[][] = [];
  const go = (index: number, left: readonly number[], chosen: readonly number[]) => {
    if (index === keys.length) {
      if (left.every((value) => value === 0)) found.push([...chosen]);
      return;
    }
    const value = keys[index]![1];
    for (const [at, room] of left.entries())
      if (room >= value)
        go(
          index + 1,
          left.map((r, i) => (i === at ? r - value : r)),
          [...chosen, at],
        );
  };
  go(
    0,
    providers.map(([, value]) => value),
    [],
  );
  return found;
}
