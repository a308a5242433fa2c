import type { EncryptionConfig, EncryptionProvider } from '../model/encryption.js';
import { isRecord, listAt } from '../model/manifest.js';
import { canonical, KEPT_PLACEHOLDER, KEY_PLACEHOLDER } from '../model/plan.js';
import { sameResource } from './configuration.js';

/** A configuration as the content of its file, with a placeholder where each key's value belongs. */
export function contentOf(config: EncryptionConfig): Record<string, unknown> {
  return {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: config.map(({ resources, providers }) => ({
      resources: [...resources],
      providers: providers.map(providerContent),
    })),
  };
}

function providerContent(provider: EncryptionProvider): Record<string, unknown> {
  switch (provider.kind) {
    case 'identity':
      return { identity: {} };
    case 'kms': {
      const { version, name, endpoint, timeout, cacheSize } = provider;
      return {
        kms: {
          apiVersion: version,
          name,
          endpoint,
          ...(cacheSize === undefined ? {} : { cachesize: cacheSize }),
          ...(timeout === undefined ? {} : { timeout }),
        },
      };
    }
    default:
      return {
        [provider.kind]: {
          keys: provider.keys.map(({ name, value }) => ({
            name,
            secret: value === 'fresh' ? KEY_PLACEHOLDER : KEPT_PLACEHOLDER,
          })),
        },
      };
  }
}

/** A key that no file at hand holds, although it has to stay: without it nothing may be written. */
export class MissingKey extends Error {
  override name = 'MissingKey';
}

/**
 * The content of the next file with every key's value in it. Values come from the files that are there (parsed; the one
 * on the node first), by provider and name and, where one name has several values, by the resources of its entry. What
 * is fresh and nowhere to be found is made by `newKey`, once for each provider and name.
 * The result is for the file alone: it must not reach a journal, a screen, a log or an argument list.
 * @throws MissingKey where a key that has to stay is in none of the files, or in several with different values.
 */
export function filledContent(
  config: EncryptionConfig,
  files: readonly unknown[],
  newKey: () => string,
): Record<string, unknown> {
  return withValues(contentOf(config), files, newKey, ({ kind, name }) => {
    throw new MissingKey(`The key ${name} of ${kind} has to stay, and no file that is there holds it.`);
  });
}

/**
 * A copy of a file's content with values in place of its placeholders, as `filledContent` has it.
 * @param missing called for a key that has to stay and is nowhere; without it the placeholder stays, for a person
 */
export function withValues<T>(
  content: T,
  files: readonly unknown[],
  newKey: () => string,
  missing?: (key: { kind: string; name: string }) => void,
): T {
  const copy = structuredClone(content);
  const made = new Map<string, string>();
  for (const { key, kind, resources } of keysIn(copy)) {
    const { secret } = key;
    if (secret !== KEY_PLACEHOLDER && secret !== KEPT_PLACEHOLDER) continue;
    const name = String(key.name);
    const id = `${kind}/${name}`;
    let value = made.get(id) ?? valueIn(files, kind, name, resources);
    if (value === undefined && secret === KEPT_PLACEHOLDER) {
      missing?.({ kind, name });
      continue;
    }
    value ??= newKey();
    if (secret === KEY_PLACEHOLDER) made.set(id, value);
    key.secret = value;
  }
  return copy;
}

/** Whether two files differ in nothing but the values of keys. */
export function sameButForValues(a: unknown, b: unknown): boolean {
  const without = (content: unknown) => {
    const copy = structuredClone(content);
    for (const { key } of keysIn(copy)) key.secret = '';
    return canonical(copy);
  };
  return without(a) === without(b);
}

interface KeyPlace {
  key: Record<string, unknown>;
  kind: string;
  resources: readonly string[];
}

/** Every key of a file's content, with its place in it. */
function keysIn(content: unknown): readonly KeyPlace[] {
  return listAt(content, 'resources').flatMap((entry) => {
    const resources = listAt(entry, 'resources').map(String);
    return listAt(entry, 'providers').flatMap((provider) =>
      Object.entries(isRecord(provider) ? provider : {}).flatMap(([kind, options]) =>
        listAt(options, 'keys').flatMap((key) => (isRecord(key) ? [{ key, kind, resources }] : [])),
      ),
    );
  });
}

/** The value of a key in the first file that has it. */
function valueIn(
  files: readonly unknown[],
  kind: string,
  name: string,
  resources: readonly string[],
): string | undefined {
  for (const file of files) {
    const all = keysIn(file).filter(
      ({ key, kind: other }) => other === kind && key.name === name && isValue(key.secret),
    );
    const own = all.filter((place) =>
      place.resources.some((one) => resources.some((wanted) => sameResource(one, wanted))),
    );
    for (const among of [own, all]) {
      const values = new Set(among.map(({ key }) => String(key.secret)));
      if (values.size > 1)
        throw new MissingKey(
          `The key ${name} of ${kind} has several values in one file: which of them has to stay cannot be told.`,
        );
      const [value] = values;
      if (value !== undefined) return value;
    }
  }
  return undefined;
}

function isValue(secret: unknown): boolean {
  return typeof secret === 'string' && secret !== KEY_PLACEHOLDER && secret !== KEPT_PLACEHOLDER;
}
