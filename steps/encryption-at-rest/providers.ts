import type { EncryptionProvider } from '../../src/model/encryption.js';
import type { Choice } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';

const OFFERED: readonly Choice[] = [
  {
    value: 'kms',
    label: 'KMS v2',
    note: 'strongest: the key stays in a plugin that you run on every control-plane node; from 1.29; Secrets can be read only while it answers',
  },
  {
    value: 'secretbox',
    label: 'secretbox',
    note: 'strong (XSalsa20-Poly1305); the key lies in a file on the nodes; not for FIPS',
  },
  {
    value: 'aescbc',
    label: 'aescbc',
    note: 'weak (padding oracle); the key lies in a file on the nodes; only where FIPS demands AES',
  },
];

/** What is offered for new writes, best first, each with its trade-offs. */
export function offered(now: Snapshot): readonly Choice[] {
  return OFFERED.filter(({ value }) => value !== 'kms' || offersKms(now));
}

/** KMS v2 is stable from 1.29; before, it needs a feature gate or does not exist. */
export function offersKms({ cluster }: Snapshot): boolean {
  const { major, minor } = cluster.version;
  return major > 1 || minor >= 29;
}

/** What the documentation of Kubernetes says against a provider. */
export const AGAINST: Readonly<Record<string, string>> = {
  aescbc: 'it is rated weak (padding oracle); secretbox or KMS v2 is better unless FIPS demands AES',
  aesgcm: 'its key must be replaced before 200,000 writes; without automatic rotation it is unsafe',
  'kms v1': 'it is deprecated and off by default since 1.29; KMS v2 replaces it',
};

/** Whether an existing key or plugin may become the first again: not where we only lead away from its provider. */
export function mayWriteAgain(provider: EncryptionProvider): boolean {
  if (provider.kind === 'kms') return provider.version === 'v2';
  return provider.kind === 'secretbox' || provider.kind === 'aescbc';
}
