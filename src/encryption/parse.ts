import { LineCounter, parseDocument } from 'yaml';
import type {
  EncryptionConfig,
  EncryptionEntry,
  EncryptionProvider,
  LocalProvider,
} from '../model/encryption.js';
import { at, isRecord } from '../model/manifest.js';
import { resourceFaults } from './resources.js';

/** One thing that is wrong with a configuration: where in it, what was expected. Never the value of a key. */
export interface ConfigFault {
  /** `resources[0].providers[1].secretbox.keys[0].secret`; empty: the file as a whole. */
  place: string;
  message: string;
}

export type ParsedConfig = { config: EncryptionConfig } | { faults: readonly ConfigFault[] };

/** Bytes; larger than any real configuration: what is not read cannot hang us. */
export const MOST_BYTES = 1 << 20;

/** Key lengths in bytes that the API server accepts. */
const LENGTHS: Readonly<Record<LocalProvider, readonly number[]>> = {
  secretbox: [32],
  aescbc: [16, 24, 32],
  aesgcm: [16, 24, 32],
};

const KMS_FIELDS = ['apiVersion', 'name', 'endpoint', 'timeout', 'cachesize'];

/**
 * The configuration in the text of a file (YAML or JSON), without any key's value; or all that is wrong with it. The rules
 * are those of the API server (validation of `apiserver.config.k8s.io/v1`), and fields that it does not know are
 * faults: what we do not understand we could not carry over into the next file.
 */
export function parseConfiguration(text: string): ParsedConfig {
  const content = readContent(text);
  if ('faults' in content) return content;
  return configurationOf(content.value);
}

/** The same for a value that is parsed already. */
export function configurationOf(value: unknown): ParsedConfig {
  const reader = new Reader();
  const config = reader.read(value);
  return reader.faults.length > 0 ? { faults: reader.faults } : { config };
}

/** The value of a YAML or JSON text. It may hold keys: for whoever writes the next file, and for nobody else. */
export function readContent(text: string): { value: unknown } | { faults: readonly ConfigFault[] } {
  const fault = (message: string) => ({ faults: [{ place: '', message }] });
  if (Buffer.byteLength(text) > MOST_BYTES) return fault('expected a file of at most 1 MiB');
  const lines = new LineCounter();
  const document = parseDocument(text, { version: '1.1', prettyErrors: false, lineCounter: lines });
  // The library's own words may quote the file, and with it a key.
  const [error] = document.errors;
  if (error !== undefined)
    return fault(`not valid YAML: ${error.code} at line ${lines.linePos(error.pos[0]).line}`);
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) };
  } catch {
    return fault('not valid YAML: an alias that leads nowhere or too far');
  }
}

/** Every fault in these, one to a line, as a person reads them. */
export function faultsText(faults: readonly ConfigFault[]): string {
  return faults.map(({ place, message }) => (place === '' ? message : `${place}: ${message}`)).join('\n');
}

/** Reads one configuration and collects what is wrong with it. */
class Reader {
  readonly faults: ConfigFault[] = [];
  readonly #kmsNames = new Set<string>();

  #fault(place: string, message: string): void {
    this.faults.push({ place, message });
  }

  read(value: unknown): EncryptionConfig {
    if (!isRecord(value)) {
      this.#fault('', 'expected an EncryptionConfiguration of apiserver.config.k8s.io/v1, found none');
      return [];
    }
    const { apiVersion, kind } = value;
    if (kind !== 'EncryptionConfiguration' || apiVersion !== 'apiserver.config.k8s.io/v1') {
      const old = kind === 'EncryptionConfig' ? ', the form before Kubernetes 1.13' : '';
      this.#fault(
        '',
        `expected kind EncryptionConfiguration of apiserver.config.k8s.io/v1, found ${word(kind)} of ${word(apiVersion)}${old}`,
      );
      return [];
    }
    this.#known(value, '', ['apiVersion', 'kind', 'resources']);
    const config = this.#list(value, 'resources', '').map((entry, index) =>
      this.#entry(entry, `resources[${index}]`),
    );
    for (const { place, message } of resourceFaults(config)) this.#fault(place, message);
    return config;
  }

  #entry(value: unknown, place: string): EncryptionEntry {
    if (!isRecord(value)) {
      this.#fault(place, 'expected resources and providers');
      return { resources: [], providers: [] };
    }
    this.#known(value, place, ['resources', 'providers']);
    const resources = this.#list(value, 'resources', place).flatMap((name, index) => {
      if (typeof name === 'string' && name !== '') return [name];
      this.#fault(`${place}.resources[${index}]`, 'expected the name of a resource, such as secrets');
      return [];
    });
    const providers = this.#list(value, 'providers', place).flatMap((item, index) =>
      this.#provider(item, `${place}.providers[${index}]`),
    );
    this.#oneKeyAName(value, place);
    return { resources, providers };
  }

  #provider(value: unknown, place: string): EncryptionProvider[] {
    const kinds = isRecord(value) ? Object.keys(value) : [];
    const [kind] = kinds;
    if (kind === undefined || kinds.length > 1) {
      this.#fault(
        place,
        kind === undefined
          ? 'expected one of secretbox, aescbc, aesgcm, kms, identity'
          : `expected one provider an item, found ${kinds.length}`,
      );
      return [];
    }
    const options = at(value, kind);
    const inside = `${place}.${word(kind)}`;
    if (kind === 'identity') {
      if (!isRecord(options)) this.#fault(inside, 'expected {}');
      else this.#known(options, inside, []);
      return [{ kind }];
    }
    if (kind === 'kms') return [this.#kms(options, inside)];
    if (kind !== 'secretbox' && kind !== 'aescbc' && kind !== 'aesgcm') {
      this.#fault(inside, 'expected one of secretbox, aescbc, aesgcm, kms, identity');
      return [];
    }
    if (!isRecord(options)) {
      this.#fault(`${inside}.keys`, 'expected at least one key');
      return [];
    }
    this.#known(options, inside, ['keys']);
    const keys = this.#list(options, 'keys', inside).flatMap((key, index) =>
      this.#key(key, kind, `${inside}.keys[${index}]`),
    );
    return [{ kind, keys: keys.map((name) => ({ name, value: 'kept' as const })) }];
  }

  #key(value: unknown, kind: LocalProvider, place: string): string[] {
    if (!isRecord(value)) {
      this.#fault(place, 'expected name and secret');
      return [];
    }
    this.#known(value, place, ['name', 'secret']);
    const { name, secret } = value;
    if (typeof name !== 'string' || name === '') this.#fault(`${place}.name`, 'expected a name');
    const length = typeof secret === 'string' && secret !== '' ? bytesOf(secret) : undefined;
    const wanted = LENGTHS[kind];
    const expected = `expected base64 of ${wanted.join(', ').replace(/, (\d+)$/, ' or $1')} bytes`;
    if (secret === undefined || secret === '') this.#fault(`${place}.secret`, `${expected}, found nothing`);
    else if (length === undefined) this.#fault(`${place}.secret`, `${expected}; it is not base64`);
    else if (!wanted.includes(length)) this.#fault(`${place}.secret`, `${expected}, found ${length}`);
    return typeof name === 'string' ? [name] : [];
  }

  #kms(value: unknown, place: string): EncryptionProvider {
    const options = isRecord(value) ? value : {};
    this.#known(options, place, KMS_FIELDS);
    // Left out, it means v1: that is how the API server reads it.
    const version = options.apiVersion ?? 'v1';
    if (version !== 'v1' && version !== 'v2') this.#fault(`${place}.apiVersion`, 'expected v1 or v2');
    const name = typeof options.name === 'string' ? options.name : '';
    if (name === '') this.#fault(`${place}.name`, 'expected the name of the plugin');
    else if (version !== 'v1' && name.includes(':'))
      this.#fault(`${place}.name`, 'expected a name without a colon');
    else if (version !== 'v1' && this.#kmsNames.has(name))
      this.#fault(
        `${place}.name`,
        'expected a name of its own: another kms provider of this file has the same',
      );
    this.#kmsNames.add(name);
    const endpoint = typeof options.endpoint === 'string' ? options.endpoint : '';
    if (socketOf(endpoint) === undefined)
      this.#fault(`${place}.endpoint`, 'expected the address of a socket, unix:///path/of/socket');
    const { timeout, cachesize } = options;
    if (timeout !== undefined && !isDuration(timeout))
      this.#fault(`${place}.timeout`, 'expected a duration above zero, such as 3s');
    if (cachesize !== undefined && (version !== 'v1' || !Number.isInteger(cachesize) || cachesize === 0))
      this.#fault(
        `${place}.cachesize`,
        version === 'v1' ? 'expected a whole number other than 0' : 'expected no cachesize: v2 has none',
      );
    return {
      kind: 'kms',
      version: version === 'v2' ? 'v2' : 'v1',
      name,
      endpoint,
      ...(typeof timeout === 'string' ? { timeout } : {}),
      ...(typeof cachesize === 'number' ? { cacheSize: cachesize } : {}),
    };
  }

  /** Two keys of one name in one entry: which of them a value was written under could not be told. */
  #oneKeyAName(entry: unknown, place: string): void {
    const values = new Map<string, unknown>();
    for (const [index, item] of listOf(entry, 'providers').entries()) {
      if (!isRecord(item)) continue;
      for (const [kind, options] of Object.entries(item))
        for (const [number, key] of listOf(options, 'keys').entries()) {
          const name = `${kind}/${String(at(key, 'name'))}`;
          const secret = at(key, 'secret');
          if (values.has(name) && values.get(name) !== secret)
            this.#fault(
              `${place}.providers[${index}].${word(kind)}.keys[${number}].name`,
              'expected a name of its own: an earlier key of this provider has the same name and another value',
            );
          else values.set(name, secret);
        }
    }
  }

  /** A list of at least one item. */
  #list(value: Record<string, unknown>, field: string, place: string): readonly unknown[] {
    const list = listOf(value, field);
    if (list.length === 0)
      this.#fault(place === '' ? field : `${place}.${field}`, `expected at least one item`);
    return list;
  }

  #known(value: Record<string, unknown>, place: string, fields: readonly string[]): void {
    for (const field of Object.keys(value))
      if (!fields.includes(field))
        this.#fault(
          place,
          `unknown field ${word(field)}; expected ${fields.length === 0 ? 'none' : fields.join(', ')}`,
        );
  }
}

function listOf(value: unknown, field: string): readonly unknown[] {
  const list = at(value, field);
  return Array.isArray(list) ? list : [];
}

/** A short word of the file as it may be shown. A mistake in indentation can put a key where a word belongs. */
function word(value: unknown): string {
  if (typeof value !== 'string') return 'nothing';
  // No key is as short without padding.
  return /^[\w./-]{1,31}$/.test(value) ? value : '(not shown)';
}

/** Bytes that base64 text stands for; undefined where it is none. Line breaks within are skipped, as Go does. */
function bytesOf(text: string): number | undefined {
  const base64 = text.replaceAll(/[\r\n]/g, '');
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return undefined;
  return (base64.length / 4) * 3 - (base64.length - base64.replace(/=+$/, '').length);
}

/**
 * Path of the socket that an endpoint such as `unix:///run/kms.sock` names; undefined where it names none. The API server
 * takes what stands between two slashes and the next for a host, and drops it: `unix://run/kms.sock` is `/kms.sock`.
 */
export function socketOf(endpoint: string): string | undefined {
  return /^unix:\/\/[^/\s?#]*(\/[^\s?#]+)$/.exec(endpoint)?.[1];
}

function isDuration(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(value) &&
    /[1-9]/.test(value)
  );
}
