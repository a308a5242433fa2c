import { createHash } from 'node:crypto';
import type { ServerEncryption } from '../model/encryption.js';
import { at, isRecord, listAt, stringAt } from '../model/manifest.js';
import { ClusterError } from '../wizard/ports.js';
import type { Client } from './client.js';
import type { Transformations } from './metrics.js';
import type { ServerFlag } from './servers.js';

/**
 * What API servers show of their configuration from outside: the arguments of each that runs as a pod and, of the one
 * that answers over this connection, `/flagz` (from 1.36) and the hash of its file (metrics from 1.34). Which one that
 * is, its Lease tells; where it does not and there are several, what it shows is left out.
 * @param one stays on one API server
 */
export async function serverFacts(
  one: Client,
  flags: readonly ServerFlag[],
  metrics: Transformations | string,
  alone: boolean,
): Promise<readonly ServerEncryption[]> {
  const servers = new Map<string, ServerEncryption>();
  for (const { server, node, value, reload } of flags) {
    const source = `arguments of Pod kube-system/${server}`;
    servers.set(node, { server: node, file: { value, source }, reload: { value: reload, source } });
  }
  const hash = typeof metrics === 'string' ? undefined : metrics.configuration;
  const answers = await whichAnswers(
    one,
    flags,
    typeof metrics === 'string' ? undefined : metrics.identity,
    alone,
  );
  const shown = await flagz(one);
  if (answers === undefined || (shown === undefined && hash === undefined)) return [...servers.values()];
  servers.set(answers, {
    ...servers.get(answers),
    server: answers,
    ...shown,
    ...(hash === undefined ? {} : { hash: { value: hash.replace(/^sha256:/, ''), source: 'metrics' } }),
  });
  return [...servers.values()];
}

/** The node of the server that answers. */
async function whichAnswers(
  client: Client,
  flags: readonly ServerFlag[],
  identity: string | undefined,
  alone: boolean,
): Promise<string | undefined> {
  if (alone) return flags[0]?.node ?? 'the only API server';
  if (identity === undefined) return undefined;
  const answer = await softly(
    client,
    '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases',
    'application/json',
  );
  for (const lease of listAt(answer === undefined ? undefined : parsed(answer), 'items')) {
    const name = stringAt(lease, 'metadata', 'name') ?? '';
    if (!name.startsWith('apiserver-')) continue;
    const digest = `sha256:${createHash('sha256').update(name).digest('hex')}`;
    if (digest === identity) return stringAt(lease, 'metadata', 'labels', 'kubernetes.io/hostname') ?? name;
  }
  return undefined;
}

/** Structured from 1.35 on, in words before; the server picks. */
const FLAGZ = [
  'application/json;v=v1beta1;g=config.k8s.io;as=Flagz',
  'application/json;v=v1alpha1;g=config.k8s.io;as=Flagz',
  'text/plain',
].join(', ');

/** The two flags, as the server that answers shows them; undefined where it shows none. */
async function flagz(client: Client): Promise<Pick<ServerEncryption, 'file' | 'reload'> | undefined> {
  const text = await softly(client, '/flagz', FLAGZ);
  const flags = text === undefined ? undefined : flagsIn(text);
  if (flags === undefined) return undefined;
  const source = '/flagz';
  return {
    file: { value: flags.file === '' ? null : flags.file, source },
    reload: { value: flags.reload === 'true', source },
  };
}

/** The values in an answer of `/flagz`, structured or in words; undefined where it is neither. */
export function flagsIn(text: string): { file: string; reload: string } | undefined {
  const flags = at(parsed(text), 'flags');
  const named = (name: string) =>
    isRecord(flags)
      ? stringAt(flags, name)
      : new RegExp(`^${name}(?:: ?|=| )(.*)$`, 'm').exec(text)?.[1]?.trim();
  const file = named('encryption-provider-config');
  // Another answer at this path names no such flag: nothing is known then, and not that there is none.
  if (file === undefined) return undefined;
  return { file, reload: named('encryption-provider-config-automatic-reload') ?? '' };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The body of an answer 200; undefined for any other: it is one more source, and none that anything depends on. */
async function softly(client: Client, path: string, accept: string): Promise<string | undefined> {
  try {
    const answer = await client.send(
      { method: 'GET', path, headers: { Accept: accept } },
      { doing: `read ${path}` },
    );
    return answer.status === 200 ? answer.body.toString('utf8') : undefined;
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    return undefined;
  }
}
