import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { faultsText, MOST_BYTES, parseConfiguration } from '../encryption/parse.js';
import { type EncryptionConfig, EVERY_SERVER, type ServerEncryption } from '../model/encryption.js';
import { printable } from '../model/escape.js';
import type { EncryptionFacts } from '../model/snapshot.js';
import { HostError, reasonOf } from './errors.js';

/** A copy of the encryption configuration that API servers are said to have; keys stay in the file. */
export interface GivenConfiguration {
  file: string;
  config: EncryptionConfig;
  /** SHA-256 of its bytes, hex: what API servers from 1.34 tell of theirs. */
  hash: string;
}

/** @throws HostError where the file cannot be read, or is no configuration that an API server would take */
export async function readConfigurationFile(file: string): Promise<GivenConfiguration> {
  const name = printable(file);
  const bytes = await readStart(file).catch((error: unknown) => {
    throw new HostError(`The encryption configuration ${name} cannot be read: ${reasonOf(error)}.`);
  });
  if (bytes === undefined)
    throw new HostError(
      `The encryption configuration ${name} is no regular file.\nGive a copy of the file that API servers have; it is read more than once.`,
    );
  const read = parseConfiguration(bytes.toString('utf8'));
  if ('faults' in read)
    throw new HostError(
      `${name} is no encryption configuration that an API server would take: ${faultsText(read.faults)}.\nNothing is planned from it; give a copy of the file that API servers have.`,
    );
  return { file, config: read.config, hash: createHash('sha256').update(bytes).digest('hex') };
}

/**
 * As much of a regular file as tells that it is too large; undefined for anything else: a device never ends, and a pipe
 * would be waited for.
 */
async function readStart(file: string): Promise<Buffer | undefined> {
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!(await handle.stat()).isFile()) return undefined;
    const bytes = Buffer.alloc(MOST_BYTES + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}

/**
 * What the API servers have in force that are seen to be started with a configuration, and whose file nobody here can
 * read, taken from a copy of it. One that tells another hash has another file; one without the flag has none. Where none
 * shows its arguments although something encrypts, nothing is planned from the copy, and that is said: where the file
 * lies on the nodes is not known then, not even where its hash is the same, and rounds would put a second one beside it.
 */
export function asGiven(given: GivenConfiguration, facts: EncryptionFacts): readonly ServerEncryption[] {
  const { apiServers = [] } = facts;
  const shown = facts.flags.length > 0 || apiServers.some(({ file }) => file !== undefined);
  const seen = taken(given, apiServers);
  return !shown && encrypts(facts)
    ? [...seen.filter(({ assumed }) => assumed !== true), unused(given)]
    : seen;
}

function encrypts({ configured, writes, stored = {}, apiServers = [] }: EncryptionFacts): boolean {
  if (apiServers.some(({ hash }) => hash !== undefined)) return true;
  const values = Object.entries(stored).filter(([, count]) => count > 0);
  return configured === true || [writes ?? '', ...values.map(([prefix]) => prefix)].some((one) => one !== '');
}

function unused({ file }: GivenConfiguration): ServerEncryption {
  const value = `${printable(file, 200)} is not used: no API server shows its arguments, so where its file lies on the nodes is not known. On static pods: use an account that may list pods of kube-system, or run this on a control-plane node. A managed control plane has no such file`;
  return { server: EVERY_SERVER, problem: { value, source: 'arguments of API servers' } };
}

function taken(
  { file, config, hash }: GivenConfiguration,
  apiServers: readonly ServerEncryption[],
): readonly ServerEncryption[] {
  const source = `${printable(file, 200)}, as given`;
  return apiServers
    .filter((one) => one.config === undefined && (one.file === undefined || one.file.value !== null))
    .map((one): ServerEncryption => {
      if (one.hash === undefined)
        return { server: one.server, config: { value: config, source }, assumed: true };
      return one.hash.value === hash
        ? { server: one.server, config: { value: config, source: `${source}; its hash is the same` } }
        : {
            server: one.server,
            problem: {
              value: `it has another file in force than ${printable(file, 200)}: its SHA-256 begins with ${printable(one.hash.value.slice(0, 12))}`,
              source: one.hash.source,
            },
          };
    });
}
