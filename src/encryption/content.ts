import type { EncryptionConfig, EncryptionProvider, LocalProvider } from '../model/encryption.js';
import { at, isRecord, listAt } from '../model/manifest.js';
import { KEPT_PLACEHOLDER, KEY_PLACEHOLDER } from '../model/plan.js';
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
  const made = new Map<string, string>();
  const content = contentOf(config);
  for (const [index, entry] of config.entries())
    for (const [number, provider] of entry.providers.entries()) {
      if (provider.kind === 'identity' || provider.kind === 'kms') continue;
      for (const [position, key] of provider.keys.entries()) {
        const id = `${provider.kind}/${key.name}`;
        let value = made.get(id) ?? valueIn(files, provider.kind, key.name, entry.resources);
        if (value === undefined && key.value === 'kept')
          throw new MissingKey(
            `The key ${key.name} of ${provider.kind} has to stay, and no file that is there holds it.`,
          );
        value ??= newKey();
        if (key.value === 'fresh') made.set(id, value);
        const target = at(content, 'resources', index, 'providers', number, provider.kind, 'keys', position);
        if (isRecord(target)) target.secret = value;
      }
    }
  return content;
}

/** The value of a key in the first file that has it. */
function valueIn(
  files: readonly unknown[],
  kind: LocalProvider,
  name: string,
  resources: readonly string[],
): string | undefined {
  for (const file of files) {
    const entries = listAt(file, 'resources');
    const own = entries.filter((entry) =>
      listAt(entry, 'resources').some((one) => resources.some((wanted) => sameResource(String(one), wanted))),
    );
    for (const among of [own, entries]) {
      const values = new Set(among.flatMap((entry) => valuesIn(entry, kind, name)));
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

function valuesIn(entry: unknown, kind: LocalProvider, name: string): string[] {
  return listAt(entry, 'providers').flatMap((provider) =>
    listAt(provider, kind, 'keys').flatMap((key) => {
      const secret = at(key, 'secret');
      const placeholder = secret === KEY_PLACEHOLDER || secret === KEPT_PLACEHOLDER;
      return at(key, 'name') === name && typeof secret === 'string' && !placeholder ? [secret] : [];
    }),
  );
}
