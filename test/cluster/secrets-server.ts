import { basics, type Recording, type Reply, recording, type Seen, status } from './recording.js';

/** One API server: what it writes, what it can read, and its own counters. */
export interface ServerSetup {
  /** Storage prefix of its first provider; empty for plain text. */
  writes: string;
  /** Prefixes that it can read; all where left out. */
  reads?: readonly string[];
  /** No encryption configuration at all: no counters. */
  unconfigured?: boolean;
  /** The same for ConfigMaps and Leases, where it differs. */
  writesOthers?: string;
  /** SHA-256 of its configuration, as servers from 1.34 tell it. */
  hash?: string;
}

export interface SecretsSetup {
  /** Names by namespace. */
  names: Readonly<Record<string, readonly string[]>>;
  /** How they are stored at first, by `namespace/name`; else `stored`. */
  storedAs?: Readonly<Record<string, string>>;
  stored?: string;
  /** Connections go to these in turn. */
  servers: readonly ServerSetup[];
  /** Lists are served from the watch cache, as on newer servers. */
  cachedLists?: boolean;
  /** Minor version that it tells, where it is not the one that fits `cachedLists`. */
  minor?: number;
  /** Value of --encryption-provider-config per API server pod; undefined: no such pods. */
  flags?: readonly (string | null)[];
  /** Endpoints of the Service `kubernetes`. */
  endpoints?: readonly { ip: string; port: number }[];
  /** Which of the servers a connection (counted from 1) goes to; in turn where left out. */
  balance?: (connection: number) => number;
  /** Answers instead of the usual one. */
  instead?: (seen: Seen, state: SecretsServer) => Reply | undefined;
  page?: number;
}

interface Stored {
  prefix: string;
  version: number;
  uid: string;
}

export interface SecretsServer extends Recording {
  /** Storage prefix by `namespace/name`. */
  stored(): Record<string, string>;
  /** As somebody else would. */
  touch(key: string): void;
  remove(key: string): void;
  add(key: string, prefix: string): void;
  /** As if somebody had read or written so many values. */
  count(prefix: string, by: number): void;
  wrote(prefix: string, by: number): void;
}

export const PLANTED = 'planted-value';
const TYPES = ['from_storage', 'to_storage'] as const;

/** An API server of Secrets with storage prefixes and counters, that would hand out values if asked for them. */
export async function secretsServer(setup: SecretsSetup): Promise<SecretsServer> {
  let revision = 1_000;
  const secrets = new Map<string, Stored>();
  for (const [namespace, names] of Object.entries(setup.names))
    for (const name of [...names].sort()) {
      const key = `${namespace}/${name}`;
      const prefix = setup.storedAs?.[key] ?? setup.stored ?? '';
      secrets.set(key, { prefix, version: revision++, uid: `uid-${key}` });
    }
  const counters = setup.servers.map(() => new Map<string, number>());
  const at = ({ connection }: Seen) => setup.balance?.(connection) ?? connection % setup.servers.length;
  const bump = (server: number, type: (typeof TYPES)[number], prefix: string, by = 1) => {
    const { unconfigured } = setup.servers[server]!;
    if (unconfigured === true) return;
    // The provider and, for local keys, the key's name are counted apart.
    const [provider, key] = split(prefix);
    for (const label of key === undefined ? [provider] : [provider, key]) {
      const series = `transformation_type="${type}",transformer_prefix="${label}"`;
      counters[server]!.set(series, (counters[server]!.get(series) ?? 0) + by);
    }
  };
  const metrics = (server: number) =>
    [
      'apiserver_request_total{code="200"} 5',
      `process_start_time_seconds ${1_700_000_000 + server}`,
      ...(setup.servers[server]!.hash === undefined
        ? []
        : [
            `apiserver_encryption_config_controller_last_config_info{apiserver_id_hash="sha256:a${server}",hash="sha256:${setup.servers[server]!.hash}"} 1`,
          ]),
      ...[...counters[server]!].map(
        ([series, n]) =>
          `apiserver_storage_transformation_operations_total{resource="secrets",status="OK",${series}} ${n}`,
      ),
      '',
    ].join('\n');

  /** ConfigMaps and Leases are kept beside Secrets, by `configmaps/namespace/name`. */
  const writesFor = (server: number, key: string) => {
    const { writes, writesOthers = writes } = setup.servers[server]!;
    return /^(configmaps|leases)\//.test(key) ? writesOthers : writes;
  };
  const readable = (server: number, prefix: string) => setup.servers[server]!.reads?.includes(prefix) ?? true;
  const table = (keys: readonly string[], more: Record<string, unknown>): Reply => ({
    body: {
      kind: 'Table',
      metadata: { resourceVersion: String(revision), ...more },
      columnDefinitions: [{ name: 'Name' }, { name: 'Type' }, { name: 'Data' }, { name: 'Age' }],
      rows: keys.map((key) => ({ cells: [key.split('/')[1], 'Opaque', 1, '1d'], object: null })),
    },
  });
  const bare = ({ headers, query }: Seen) =>
    headers.accept?.includes('as=Table') === true && query.get('includeObject') === 'None';
  const whole = (key: string) => ({
    kind: 'Secret',
    metadata: {
      name: key.split('/')[1],
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': PLANTED },
    },
    data: { value: PLANTED },
  });

  const list = (seen: Seen, namespace: string | undefined): Reply => {
    const server = at(seen);
    const not = (seen.query.get('fieldSelector') ?? '').split(',').map((one) => one.split('!=')[1]);
    const all = [...secrets.keys()]
      .filter((k) => namespace === undefined || k.startsWith(`${namespace}/`))
      .filter((k) => !not.includes(k.split('/')[0]))
      .sort();
    const from = seen.query.get('continue') ?? '';
    const left = all.filter((key) => key > from);
    const size = Math.min(Number(seen.query.get('limit') ?? all.length), setup.page ?? 500);
    const page = left.slice(0, size);
    if (setup.cachedLists !== true)
      for (const key of page) bump(server, 'from_storage', secrets.get(key)!.prefix);
    if (!bare(seen)) return { body: { kind: 'SecretList', metadata: {}, items: page.map(whole) } };
    const rest = left.length - page.length;
    return table(page, rest > 0 ? { continue: page.at(-1), remainingItemCount: rest } : {});
  };
  const one = (seen: Seen, key: string): Reply => {
    const server = at(seen);
    const writes = writesFor(server, key);
    const secret = secrets.get(key);
    if (secret === undefined) return status(404, 'NotFound', `secrets "${key}" not found`);
    if (seen.method === 'DELETE') {
      const { preconditions } = JSON.parse(seen.body) as { preconditions?: { uid?: string } };
      if (preconditions?.uid !== undefined && preconditions.uid !== secret.uid)
        return status(409, 'Conflict', 'uid');
      if (!readable(server, secret.prefix)) return status(500, 'InternalError', 'no matching prefix');
      secrets.delete(key);
      return { body: { kind: 'Status', status: 'Success' } };
    }
    if (!readable(server, secret.prefix))
      return status(500, 'InternalError', `no matching prefix for ${PLANTED}`);
    bump(server, 'from_storage', secret.prefix);
    if (seen.method === 'PATCH' && secret.prefix !== writes) {
      secret.prefix = writes;
      secret.version = ++revision;
      bump(server, 'to_storage', writes);
    }
    if (!bare(seen)) return { body: whole(key) };
    return table([key], { resourceVersion: String(secret.version) });
  };
  const create = (seen: Seen, namespace: string): Reply => {
    const { metadata } = JSON.parse(seen.body) as { metadata: { name: string } };
    const key = `${namespace}/${metadata.name}`;
    if (secrets.has(key)) return status(409, 'AlreadyExists', 'exists');
    const writes = writesFor(at(seen), key);
    secrets.set(key, { prefix: writes, version: ++revision, uid: `uid-${key}` });
    bump(at(seen), 'to_storage', writes);
    const answer = {
      metadata: { name: metadata.name, uid: `uid-${key}`, resourceVersion: String(revision) },
    };
    return { status: 201, body: answer };
  };

  const handle = (seen: Seen): Reply => {
    const { path } = seen;
    const special = setup.instead?.(seen, server);
    if (special !== undefined) return special;
    // Lists come from the watch cache from 1.31 on.
    const minor = setup.minor ?? (setup.cachedLists === true ? 36 : 20);
    if (path === '/version')
      return { body: { major: '1', minor: String(minor), gitVersion: `v1.${minor}.2` } };
    if (path === '/metrics') return { text: metrics(at(seen)) };
    if (path === '/api/v1/namespaces')
      return { body: { items: Object.keys(setup.names).map((name) => ({ metadata: { name } })) } };
    if (path === '/api/v1/namespaces/default/endpoints/kubernetes')
      return setup.endpoints === undefined
        ? status(404, 'NotFound', 'endpoints "kubernetes" not found')
        : {
            body: {
              subsets: setup.endpoints.map(({ ip, port }) => ({
                addresses: [{ ip }],
                ports: [{ name: 'https', port }],
              })),
            },
          };
    if (path === '/api/v1/namespaces/kube-system/pods')
      return { body: { items: (setup.flags ?? []).map(apiServerPod) } };
    const [, within, kind, name] =
      /^\/(?:api\/v1|apis\/coordination\.k8s\.io\/v1)\/namespaces\/([^/]+)\/(secrets|configmaps|leases)(?:\/([^/]+))?$/.exec(
        path,
      ) ?? [];
    const namespace = kind === undefined || kind === 'secrets' ? within : `${kind}/${within}`;
    if (namespace !== undefined && name !== undefined) return one(seen, `${namespace}/${name}`);
    if (namespace !== undefined && seen.method === 'POST') return create(seen, namespace);
    if (namespace !== undefined || path === '/api/v1/secrets') return list(seen, namespace);
    return basics(seen, ['namespaces', 'secrets', 'pods']) ?? status(404, 'NotFound', 'no such path');
  };
  const it = await recording(handle);
  const server: SecretsServer = {
    ...it,
    stored: () => Object.fromEntries([...secrets].map(([key, { prefix }]) => [key, prefix])),
    touch: (key) => {
      const secret = secrets.get(key);
      if (secret !== undefined) secret.version = ++revision;
    },
    remove: (key) => secrets.delete(key),
    add: (key, prefix) => secrets.set(key, { prefix, version: ++revision, uid: `uid-${key}` }),
    count: (prefix, by) => bump(0, 'from_storage', prefix, by),
    wrote: (prefix, by) => bump(0, 'to_storage', prefix, by),
  };
  return server;
}

function split(prefix: string): [string, string | undefined] {
  const local = /^(k8s:enc:(?:aescbc|aesgcm|secretbox):v\d+:)(.+:)$/.exec(prefix);
  return local === null ? [prefix, undefined] : [local[1]!, local[2]!];
}

function apiServerPod(flag: string | null, index: number): unknown {
  const command = [
    'kube-apiserver',
    '--secure-port=6443',
    ...(flag === null ? [] : [`--encryption-provider-config=${flag}`]),
  ];
  return {
    metadata: { name: `kube-apiserver-${index}` },
    spec: { containers: [{ name: 'kube-apiserver', command }] },
  };
}
