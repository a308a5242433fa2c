import { readFileSync } from 'node:fs';
import { stringAt } from '../model/manifest.js';
import type { Credentials } from './credentials.js';
import type { Selected } from './kubeconfig.js';

/** Keys of a user and of a cluster that mean what they say; anything else is the library's to understand. */
const USER = new Set([
  'token',
  'tokenFile',
  'client-certificate',
  'client-certificate-data',
  'client-key',
  'client-key-data',
]);
const CLUSTER = new Set([
  'server',
  'certificate-authority',
  'certificate-authority-data',
  'insecure-skip-tls-verify',
  'tls-server-name',
  'extensions',
]);

/**
 * What a kubeconfig says by itself: a token or a certificate, in the text or in a file. Loading the library takes half a
 * second, which is longer than the re-write of a small cluster. Undefined where a plugin, a provider, a proxy or
 * impersonation comes into it.
 * @throws what reading a file throws
 */
export function staticCredentials({ user, cluster }: Selected): Omit<Credentials, 'proxy'> | undefined {
  if (!Object.keys(user).every((key) => USER.has(key))) return undefined;
  if (!Object.keys(cluster).every((key) => CLUSTER.has(key))) return undefined;
  const token = textOf(user, 'tokenFile') ?? stringAt(user, 'token');
  const ca = pem(cluster, 'certificate-authority');
  const cert = pem(user, 'client-certificate');
  const key = pem(user, 'client-key');
  const servername = stringAt(cluster, 'tls-server-name');
  return {
    headers: token === undefined || token.trim() === '' ? {} : { Authorization: `Bearer ${token.trim()}` },
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(cluster['insecure-skip-tls-verify'] === true ? { rejectUnauthorized: false } : {}),
      ...(servername === undefined || servername === '' ? {} : { servername }),
    },
  };
}

/** A certificate or key: base64 in the text counts before a file, as for kubectl. */
function pem(of: Record<string, unknown>, key: string): Buffer | undefined {
  const data = stringAt(of, `${key}-data`);
  if (data !== undefined && data !== '') return Buffer.from(data, 'base64');
  const file = stringAt(of, key);
  return file === undefined || file === '' ? undefined : readFileSync(file);
}

function textOf(of: Record<string, unknown>, key: string): string | undefined {
  const file = stringAt(of, key);
  return file === undefined || file === '' ? undefined : readFileSync(file, 'utf8');
}
