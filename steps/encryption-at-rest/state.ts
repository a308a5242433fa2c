import { writesUnder } from '../../src/encryption/configuration.js';
import type { EncryptionFacts, Snapshot } from '../../src/model/snapshot.js';

/**
 * How Secrets are stored, judged by effect:
 * - `encrypted`: every stored value and every new one is under a key;
 * - `stale`: a configuration is in force, but `stale` stored values are not under the key that writes (or, where nothing
 *   was written yet, not under the key of most);
 * - `plain`: values are in plain text, and no API server is seen to have a configuration;
 * - `configured`: an API server has a configuration, yet new values are written in plain text or servers differ;
 * - `unseen`: what storage holds cannot be seen.
 */
export type EncryptionState =
  | { at: 'encrypted'; writes: string | undefined; evidence: string }
  | { at: 'stale'; writes: string | undefined; stale: number; evidence: string }
  | { at: 'plain'; evidence: string }
  | { at: 'configured'; evidence: string; differ: boolean }
  | { at: 'unseen'; writes: string | undefined; configured: boolean; evidence: string };

/** The state that the facts of the snapshot prove; anything they do not prove is `unseen`. */
export function encryptionState(now: Snapshot): EncryptionState {
  const facts = now.encryption;
  if (facts === undefined)
    return { at: 'unseen', writes: undefined, configured: false, evidence: 'the API server was not asked' };
  const asked = facts.evidence.length > 0 ? facts.evidence.join('; ') : 'nothing could be asked';
  const { stored } = facts;
  const writes = facts.writes ?? writtenBy(facts);
  const evidence = stored === undefined ? asked : `${storedText(stored)}; ${asked}`;
  const looked = facts.apiServers ?? [];
  const set =
    facts.flags.some((flag) => flag.value !== null) ||
    looked.some(({ file, config }) => (file?.value ?? config?.value ?? null) !== null);
  const unset =
    facts.flags.some((flag) => flag.value === null) || looked.some(({ file }) => file?.value === null);
  const values = Object.entries(stored ?? {}).filter(([, count]) => count > 0);
  // A value under a key that somebody else chose: a configuration exists, seen or not, and must not be replaced.
  const known = set || facts.configured === true || values.some(([prefix]) => encrypts(prefix));
  if (set && unset) return { at: 'configured', differ: true, evidence: serversText(facts, evidence) };
  if (writes !== undefined && !encrypts(writes))
    return known
      ? { at: 'configured', differ: false, evidence: serversText(facts, evidence) }
      : { at: 'plain', evidence };
  if (unset && writes === undefined && !known) return { at: 'plain', evidence };
  if (stored === undefined || (values.length === 0 && writes === undefined))
    // Without a configuration the probe would know how Secrets are written: in plain text.
    return {
      at: 'unseen',
      writes,
      configured: set || writes !== undefined || stored !== undefined,
      evidence,
    };
  const current = writes ?? mostUsed(values);
  const stale = values
    .filter(([prefix]) => current === undefined || !samePrefix(prefix, current))
    .reduce((sum, [, count]) => sum + count, 0);
  return stale === 0
    ? { at: 'encrypted', writes: current, evidence }
    : { at: 'stale', writes, stale, evidence };
}

/**
 * What is written by the configuration of every API server that is seen, where counters do not tell as nothing was
 * written yet; undefined where one is not seen, or they differ.
 */
function writtenBy({ apiServers = [] }: EncryptionFacts): string | undefined {
  const writers = apiServers.map(({ config, problem }) =>
    config === undefined || problem !== undefined ? undefined : writesUnder(config.value, 'secrets'),
  );
  return new Set(writers).size === 1 ? writers[0] : undefined;
}

/** The encrypting prefix of most values. */
function mostUsed(values: readonly (readonly [string, number])[]): string | undefined {
  return values
    .filter(([prefix]) => encrypts(prefix))
    .toSorted((a, b) => b[1] - a[1])
    .map(([prefix]) => prefix)[0];
}

/** Whether a storage prefix stands for encryption; an empty one, or anything foreign, does not. */
export function encrypts(prefix: string): boolean {
  return prefix.startsWith('k8s:enc:');
}

/** The provider in a storage prefix: `secretbox`, `aescbc`, `aesgcm`, `kms v1`, `kms v2`. */
export function providerIn(prefix: string): string | undefined {
  const [, , provider, version] = prefix.split(':');
  if (!encrypts(prefix) || provider === undefined) return undefined;
  return provider === 'kms' ? `kms ${version}` : provider;
}

/** One prefix may name the provider only, where the other names the key as well. */
function samePrefix(a: string, b: string): boolean {
  return a !== '' && b !== '' && (a.startsWith(b) || b.startsWith(a));
}

function storedText(stored: Readonly<Record<string, number>>): string {
  const values = Object.entries(stored).filter(([, count]) => count > 0);
  if (values.length === 0) return 'no Secret is stored';
  return values
    .map(([prefix, count]) => `${count} stored ${encrypts(prefix) ? `as ${prefix}` : 'in plain text'}`)
    .sort()
    .join(', ');
}

function serversText(facts: EncryptionFacts, evidence: string): string {
  const servers = facts.flags.map(
    ({ server, value }) =>
      `${server}: --encryption-provider-config ${value === null ? 'absent' : `= ${value}`}`,
  );
  return [...servers, evidence].join('; ');
}
