import type { EncryptionConfig, EncryptionProvider, StoragePrefix } from '../model/encryption.js';

/** Prefix of values in plain text. */
export const PLAIN: StoragePrefix = '';

const IDENTITY: readonly EncryptionProvider[] = [{ kind: 'identity' }];

/**
 * The providers that decide for a resource (`secrets`, `widgets.example.com`): the first writes, each reads. As the API
 * server looks it up: entries with the resource's own name, put together in their order; else one with its group's
 * wildcard; else `*.*`; else none, which is plain text. Null is a server without configuration.
 * Source: kube-apiserver, encryptionconfig.GetTransformerOverrides and StaticTransformers.
 */
export function providersFor(
  config: EncryptionConfig | null,
  resource: string,
): readonly EncryptionProvider[] {
  for (const name of namesFor(resource)) {
    const found = (config ?? []).filter((entry) => entry.resources.some((one) => sameResource(one, name)));
    if (found.length > 0) return found.flatMap((entry) => entry.providers);
  }
  return IDENTITY;
}

/** Under which names a configuration may list a resource, the most exact first. */
export function namesFor(resource: string): readonly string[] {
  const [, group] = groupResource(resource);
  return [resource, `*.${group}`, '*.*'];
}

/** `secrets` and `secrets.` are the same; everything behind the first dot is the group. */
export function groupResource(text: string): readonly [resource: string, group: string] {
  const dot = text.indexOf('.');
  return dot < 0 ? [text, ''] : [text.slice(0, dot), text.slice(dot + 1)];
}

export function sameResource(a: string, b: string): boolean {
  const [[nameA, groupA], [nameB, groupB]] = [groupResource(a), groupResource(b)];
  return nameA === nameB && groupA === groupB;
}

/** What stands before values of this provider in etcd: one prefix for each key, in order. */
export function prefixesOf(provider: EncryptionProvider): readonly StoragePrefix[] {
  switch (provider.kind) {
    case 'identity':
      return [PLAIN];
    case 'kms':
      return [`k8s:enc:kms:${provider.version}:${provider.name}:`];
    default:
      return provider.keys.map(({ name }) => `k8s:enc:${provider.kind}:v1:${name}:`);
  }
}

/** The prefixes that a list of providers reads, the one that it writes under first; each once. */
export function prefixesIn(providers: readonly EncryptionProvider[]): readonly StoragePrefix[] {
  return [...new Set(providers.flatMap(prefixesOf))];
}

/** The prefix under which a server with this configuration writes a resource. */
export function writesUnder(config: EncryptionConfig | null, resource: string): StoragePrefix {
  return prefixesIn(providersFor(config, resource))[0] ?? PLAIN;
}

/** The prefixes that a server with this configuration can read of a resource, the one that it writes under first. */
export function readsUnder(config: EncryptionConfig | null, resource: string): readonly StoragePrefix[] {
  return prefixesIn(providersFor(config, resource));
}

/** `secretbox key1`, `kms v2 vault`, `plain text`: a prefix for people. */
export function prefixText(prefix: StoragePrefix): string {
  const [, , provider, version, ...name] = prefix.split(':');
  if (prefix === PLAIN || provider === undefined) return 'plain text';
  const key = name.join(':').replace(/:$/, '');
  return provider === 'kms' ? `KMS ${version} ${key}` : `${provider} ${key}`;
}

/** The providers of a configuration for people, as the file has them: `secrets: secretbox key1, then identity`. */
export function configText(config: EncryptionConfig | null): string {
  if (config === null) return 'no configuration';
  return config
    .map(
      ({ resources, providers }) =>
        `${resources.join(', ')}: ${providers.flatMap(prefixesOf).map(providerText).join(', then ')}`,
    )
    .join('; ');
}

function providerText(prefix: StoragePrefix): string {
  return prefix === PLAIN ? 'identity' : prefixText(prefix);
}

/** Whether two configurations do the same: the order of names within `resources` and kept or fresh keys aside. */
export function sameConfig(a: EncryptionConfig | null, b: EncryptionConfig | null): boolean {
  return JSON.stringify(comparable(a)) === JSON.stringify(comparable(b));
}

function comparable(config: EncryptionConfig | null): unknown {
  return (
    config?.map(({ resources, providers }) => [
      resources.map((one) => groupResource(one).join('.')).toSorted(),
      providers.map((provider) =>
        provider.kind === 'kms'
          ? ['kms', provider.version, provider.name, provider.endpoint]
          : [provider.kind, ...prefixesOf(provider)],
      ),
    ]) ?? null
  );
}

/** Keys that are generated for this configuration, each in words and once. */
export function freshKeys(config: EncryptionConfig | null): readonly string[] {
  const names = (config ?? []).flatMap(({ providers }) =>
    providers.flatMap((provider) =>
      'keys' in provider
        ? provider.keys
            .filter(({ value }) => value === 'fresh')
            .flatMap((key) => prefixesOf({ kind: provider.kind, keys: [key] }).map(prefixText))
        : [],
    ),
  );
  return [...new Set(names)];
}

/** A resource as configurations are compared by: `secrets` for `secrets.` as well. */
export function outlineName(resource: string): string {
  return groupResource(resource).filter(Boolean).join('.');
}

/** What configurations name, each once; what a wildcard stands for is not known. */
export function namedIn(configs: readonly (EncryptionConfig | null)[]): readonly string[] {
  const names = configs.flatMap((config) => (config ?? []).flatMap(({ resources }) => resources));
  return [...new Set(names.filter((name) => !name.includes('*')).map(outlineName))].sort();
}
