import type { EncryptionFacts, Snapshot } from '../../src/model/snapshot.js';

/**
 * How Secrets are stored, judged by effect:
 * - `encrypted`: every stored value and every new one is under a key;
 * - `stale`: new values are encrypted as they should be, `stored` ones partly not, or under another key;
 * - `plain`: new values are written in plain text, and no API server has a configuration;
 * - `configured`: an API server has a configuration, yet new values are written in plain text or servers differ;
 * - `unseen`: what storage holds cannot be seen.
 */
export type EncryptionState =
  | { at: 'encrypted'; writes: string | undefined; evidence: string }
  | { at: 'stale'; writes: string; stale: number; evidence: string }
  | { at: 'plain'; evidence: string }
  | { at: 'configured'; evidence: string; differ: boolean }
  | { at: 'unseen'; writes: string | undefined; evidence: string };

/** The state that the facts of the snapshot prove; anything they do not prove is `unseen`. */
export function encryptionState(now: Snapshot): EncryptionState {
  const facts = now.encryption;
  if (facts === undefined)
    return { at: 'unseen', writes: undefined, evidence: 'the API server was not asked' };
  const evidence = facts.evidence.length > 0 ? facts.evidence.join('; ') : 'nothing could be asked';
  const set = facts.flags.filter((flag) => flag.value !== null);
  const unset = facts.flags.filter((flag) => flag.value === null);
  if (set.length > 0 && unset.length > 0)
    return { at: 'configured', differ: true, evidence: serversText(facts, evidence) };
  const { stored, writes } = facts;
  if (writes !== undefined && encrypts(writes)) {
    if (stored === undefined) return { at: 'unseen', writes, evidence };
    const stale = Object.entries(stored)
      .filter(([prefix, count]) => count > 0 && !samePrefix(prefix, writes))
      .reduce((sum, [, count]) => sum + count, 0);
    return stale === 0
      ? { at: 'encrypted', writes, evidence }
      : { at: 'stale', writes, stale, evidence: `${storedText(stored)}; ${evidence}` };
  }
  const anyPlain = Object.entries(stored ?? {}).some(([prefix, count]) => count > 0 && !encrypts(prefix));
  const isPlain = writes !== undefined || anyPlain || (unset.length > 0 && set.length === 0);
  if (isPlain)
    return set.length > 0
      ? { at: 'configured', differ: false, evidence: serversText(facts, evidence) }
      : { at: 'plain', evidence: stored === undefined ? evidence : `${storedText(stored)}; ${evidence}` };
  const total = Object.values(stored ?? {}).reduce((sum, count) => sum + count, 0);
  return total > 0
    ? { at: 'encrypted', writes: undefined, evidence: `${storedText(stored ?? {})}; ${evidence}` }
    : { at: 'unseen', writes: undefined, evidence };
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
  return Object.entries(stored)
    .filter(([, count]) => count > 0)
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
