import type { EncryptionConfig, EncryptionProvider, StoragePrefix } from '../model/encryption.js';
import {
  groupResource,
  namesFor,
  PLAIN,
  prefixesOf,
  providersFor,
  sameConfig,
  sameResource,
} from './configuration.js';

export type Providers = readonly EncryptionProvider[];

/** One item for each key. */
export function singles(providers: Providers): readonly EncryptionProvider[] {
  return providers.flatMap((provider): EncryptionProvider[] =>
    'keys' in provider ? provider.keys.map((key) => ({ kind: provider.kind, keys: [key] })) : [provider],
  );
}

/** The first of each prefix. */
export function distinct(providers: Providers): readonly EncryptionProvider[] {
  const seen = new Set<StoragePrefix>();
  return providers.filter((provider) => {
    const [prefix = PLAIN] = prefixesOf(provider);
    return !seen.has(prefix) && seen.add(prefix);
  });
}

/** Those with these prefixes first, in that order, then the rest; neighbours of one kind share an item. */
export function ordered(first: readonly StoragePrefix[], all: Providers): Providers {
  const rank = (provider: EncryptionProvider) => {
    const at = first.indexOf(prefixesOf(provider)[0] ?? PLAIN);
    return at < 0 ? first.length : at;
  };
  const out: EncryptionProvider[] = [];
  for (const provider of all.toSorted((a, b) => rank(a) - rank(b))) {
    const last = out.at(-1);
    if (last !== undefined && 'keys' in last && 'keys' in provider && last.kind === provider.kind)
      out[out.length - 1] = { kind: last.kind, keys: [...last.keys, ...provider.keys] };
    else out.push(provider);
  }
  return out;
}

export function hasKey(provider: EncryptionProvider): boolean {
  return provider.kind !== 'identity' && provider.kind !== 'kms';
}

/**
 * The configuration with these providers for these resources, in entries of their own before all others, which stay as
 * they are for the rest. Null where nothing would be encrypted or readable but plain text.
 */
export function withLists(
  config: EncryptionConfig | null,
  resources: readonly string[],
  listOf: (resource: string) => Providers,
): EncryptionConfig | null {
  const others = (config ?? []).flatMap((entry) => {
    const left = entry.resources.filter((name) => !resources.some((own) => sameResource(own, name)));
    return left.length === 0 ? [] : [{ resources: left, providers: entry.providers }];
  });
  const lists = resources.map((resource) => ({ resource, providers: listOf(resource) }));
  const same = lists.every(({ resource, providers }) => sameList(providers, providersFor(config, resource)));
  const allPlain = lists.every(({ providers }) => isPlain(providers));
  if (same && !allPlain) return config;
  const own: { key: string; resources: string[]; providers: Providers }[] = [];
  for (const { resource, providers } of lists) {
    // Keys of one name in two entries may have two values: what stood apart stays apart.
    const key = JSON.stringify([providers, decidingEntries(config, resource)]);
    const known = own.find((entry) => entry.key === key);
    if (known !== undefined) known.resources.push(resource);
    else own.push({ key, resources: [resource], providers });
  }
  const needed = own
    .filter(
      ({ resources: names, providers }) =>
        !isPlain(providers) || names.some((name) => isListed(others, name)),
    )
    .map(({ resources: names, providers }) => ({ resources: names, providers }));
  const next = [...needed, ...others];
  return next.every(({ providers }) => isPlain(providers)) ? null : next;
}

/** Numbers of the entries that decide for a resource. */
function decidingEntries(config: EncryptionConfig | null, resource: string): readonly number[] {
  for (const name of namesFor(resource)) {
    const found = [...(config ?? []).entries()].filter(([, entry]) =>
      entry.resources.some((one) => sameResource(one, name)),
    );
    if (found.length > 0) return found.map(([index]) => index);
  }
  return [];
}

function sameList(a: Providers, b: Providers): boolean {
  return sameConfig([{ resources: [], providers: a }], [{ resources: [], providers: b }]);
}

function isPlain(providers: Providers): boolean {
  return providers.every(({ kind }) => kind === 'identity');
}

/** Whether a wildcard among these entries means a resource. */
function isListed(entries: EncryptionConfig, resource: string): boolean {
  const [, group] = groupResource(resource);
  return entries.some((entry) => entry.resources.some((one) => one === '*.*' || one === `*.${group}`));
}

/** A KMS plugin that stands in several entries: its name must be unique in a file. */
export function pluginTwice(config: EncryptionConfig | null): string | undefined {
  const names = (config ?? []).flatMap(({ providers }) =>
    providers.flatMap((provider) => (provider.kind === 'kms' ? [provider.name] : [])),
  );
  return names.find((name, index) => names.indexOf(name) !== index);
}
