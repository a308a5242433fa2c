import { EVERYWHERE } from '../../src/model/configmap-refs.js';
import { isRecord, listAt, type Manifest, stringAt, stringsAt } from '../../src/model/manifest.js';
import { once } from '../../src/model/once.js';
import { PROVIDERS, USUAL } from '../../src/model/providers.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { addressText, parseAddress } from '../../src/reach/address.js';

/** TCP ports by the canonical text of each metadata address of any provider, and by its host names. */
const PORTS = new Map<string, Set<number>>();
for (const { names = [], endpoints } of [...PROVIDERS, { endpoints: USUAL }])
  for (const { address, ports } of endpoints)
    for (const host of [address, ...names]) PORTS.set(host, new Set([...(PORTS.get(host) ?? []), ...ports]));

const LONGEST = 100_000;
/** A host as it may stand in a text: four numbers, an IPv6 address, or a DNS name of the table. */
const NAMES = [...PORTS.keys()]
  .filter((host) => /[g-z]/.test(host))
  .map((name) => name.replaceAll('.', '\\.'));
const HOST = new RegExp(
  `(?<![\\w.-])(?:\\d{1,3}(?:\\.\\d{1,3}){3}|(?<!:)[0-9a-f]{1,4}:[0-9a-f:]{2,40}|${NAMES.join('|')})(?![\\w-]|\\.\\w)`,
  'gi',
);
/** Lists of what is asked without a proxy, and of name servers and clocks: they name the address for something else. */
const NO_PROXY = /(?:no[-_]?proxy|non[-_]?proxy[-_]?hosts)["']?(?:\s*[:=]|\s)\s*["']?(?:[^\s"',]|,\s*)*$/i;
const SERVER = /(?:^|\s)(?:forward|nameservers?|resolver|ntp|pool)\b[^\n]*$/i;

/**
 * The metadata address or name that a text asks, as the table writes it; undefined where it names none. A range
 * (`…/32`), another port than the metadata service's, and lists of exceptions from a proxy are no requests.
 */
export function askedIn(text: string): string | undefined {
  const read = text.slice(0, LONGEST);
  for (const { 0: found, index } of read.matchAll(HOST)) {
    const address = parseAddress(found);
    const host = address === undefined ? found.toLowerCase() : addressText(address);
    const ports = PORTS.get(host);
    if (ports === undefined) continue;
    const rest = read.slice(index + found.length, index + found.length + 12);
    if (/^\/(?:32|128)(?![\w./-])/.test(rest)) continue;
    const port = /^\]?:(\d{1,5})(?!\d)/.exec(rest)?.[1];
    if (port !== undefined && !ports.has(Number(port))) continue;
    const line =
      read
        .slice(Math.max(0, index - 500), index)
        .split('\n')
        .at(-1) ?? '';
    if (NO_PROXY.test(line) || (port === undefined && SERVER.test(line))) continue;
    return host;
  }
  return undefined;
}

/** Variables that say where the SDK of AWS finds the service; idle where that is turned off. */
const ENDPOINT = /^AWS_EC2_METADATA_SERVICE_/;

/**
 * The first place where the pods of these specifications name a metadata address: a variable, a command or its arguments,
 * a key of a ConfigMap that they take settings from. Secrets are never looked at.
 * @returns field and address, never another part of a value
 */
export function literalIn(now: Snapshot, namespace: string, specs: readonly unknown[]): string | undefined {
  for (const spec of specs) {
    const containers = [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')];
    for (const container of containers) {
      const found = inContainer(container);
      if (found !== undefined) return found;
    }
    for (const { name, keys } of mapsOf(spec, containers)) {
      const hit = asking(now)
        .get(`${namespace}/${name}`)
        ?.find(({ key }) => keys?.includes(key) ?? true);
      if (hit !== undefined) return `ConfigMap ${namespace}/${name}: ${hit.key} names ${hit.host}`;
    }
  }
  return undefined;
}

function inContainer(container: unknown): string | undefined {
  const env = listAt(container, 'env').map((one) => [
    stringAt(one, 'name') ?? '',
    stringAt(one, 'value') ?? '',
  ]);
  const off = env.some(
    ([name, value]) => name === 'AWS_EC2_METADATA_DISABLED' && value?.toLowerCase() === 'true',
  );
  for (const [name = '', value = ''] of env) {
    if (off && ENDPOINT.test(name)) continue;
    const host = askedIn(`${name}=${value}`);
    if (host !== undefined) return `variable ${name} names ${host}`;
  }
  for (const field of ['command', 'args'] as const) {
    const words = listAt(container, field).map((word) => (typeof word === 'string' ? word : ''));
    for (const [index, word] of words.entries()) {
      const before = words[index - 1] ?? '';
      // A flag whose value is the next word.
      const host = askedIn(/^--?[\w-]+$/.test(before) ? `${before} ${word}` : word);
      if (host !== undefined) return `${field} of container ${stringAt(container, 'name')} names ${host}`;
    }
  }
  return undefined;
}

interface MapUse {
  name: string;
  /** Only these; undefined: all. */
  keys?: readonly string[] | undefined;
}

/** The ConfigMaps from which a pod takes settings, with the keys that it takes. */
function mapsOf(spec: unknown, containers: readonly unknown[]): readonly MapUse[] {
  const source = (one: unknown, key: string): readonly MapUse[] => {
    const name = stringAt(one, key, 'name');
    if (name === undefined || EVERYWHERE.includes(name)) return [];
    const items = listAt(one, key, 'items').flatMap((item) => stringAt(item, 'key') ?? []);
    return [{ name, keys: items.length === 0 ? undefined : items }];
  };
  return [
    ...containers.flatMap((container) => [
      ...listAt(container, 'env').flatMap((one): readonly MapUse[] => {
        const name = stringAt(one, 'valueFrom', 'configMapKeyRef', 'name');
        const key = stringAt(one, 'valueFrom', 'configMapKeyRef', 'key');
        const variable = stringAt(one, 'name') ?? '';
        return name === undefined || key === undefined || /^no_proxy$/i.test(variable)
          ? []
          : [{ name, keys: [key] }];
      }),
      ...listAt(container, 'envFrom').flatMap((one) => source(one, 'configMapRef')),
    ]),
    ...listAt(spec, 'volumes').flatMap((volume) => [
      ...source(volume, 'configMap').map(({ name, keys }) => ({ name, keys })),
      ...listAt(volume, 'projected', 'sources').flatMap((one) => source(one, 'configMap')),
    ]),
  ];
}

/** The keys of each ConfigMap that name a metadata address, each ConfigMap read once. */
const asking = once((now): ReadonlyMap<string, readonly { key: string; host: string }[]> => {
  const out = new Map<string, readonly { key: string; host: string }[]>();
  const listing = now.listings.get('ConfigMap');
  for (const map of listing?.state === 'read' ? listing.items : []) {
    const hits = keysOf(map);
    if (hits.length > 0) out.set(`${map.metadata.namespace}/${map.metadata.name}`, hits);
  }
  return out;
});

function keysOf(map: Manifest): readonly { key: string; host: string }[] {
  if (!isRecord(map.data)) return [];
  return Object.entries(stringsAt(map, 'data')).flatMap(([key, value]) => {
    const host = askedIn(`${key}=${value}`);
    return host === undefined ? [] : [{ key, host }];
  });
}
