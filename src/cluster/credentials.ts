import { readFileSync } from 'node:fs';
import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import { printable } from '../model/escape.js';
import { at, isRecord, listAt, stringAt } from '../model/manifest.js';
import { ClusterError } from '../wizard/ports.js';
import type { Selected } from './kubeconfig.js';
import { staticCredentials } from './static-credentials.js';

/** What a request must carry, and what a connection must be made with. */
export interface Credentials {
  headers: Record<string, string>;
  tls: Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'>;
  /** A new agent that goes through the kubeconfig's proxy; undefined where there is none. */
  proxy: Agent | undefined;
}

/** Longest a credential plugin may take, in milliseconds: some open a browser and wait for a login. */
const PLUGIN_LIMIT = 120_000;

/**
 * The credentials of a context: certificates and tokens as they stand, by client-node exec plugins and OIDC refresh.
 * Every call starts anew, so that an expired token is not served from a cache.
 * @throws ClusterError `unauthorized` where a plugin or a token file fails
 */
export async function credentialsOf(selected: Selected): Promise<Credentials> {
  try {
    const found = staticCredentials(selected);
    if (found !== undefined)
      return {
        ...found,
        headers: mayCarryCredentials(selected.server) ? found.headers : {},
        proxy: undefined,
      };
  } catch (error) {
    throw failure(selected, error);
  }
  return await credentialsByLibrary(selected);
}

/** The same by client-node, for whatever a kubeconfig may hold. */
export async function credentialsByLibrary(selected: Selected): Promise<Credentials> {
  // Loading the library takes half a second: only what needs it pays for it.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const options: RequestOptions = {};
  try {
    config.loadFromString(JSON.stringify(forLibrary(selected)));
    await within(PLUGIN_LIMIT, config.applyToHTTPSOptions(options));
  } catch (error) {
    throw failure(selected, error);
  }
  const { ca, cert, key, rejectUnauthorized, servername } = options;
  const proxied = stringAt(selected.cluster, 'proxy-url') !== undefined;
  return {
    headers: mayCarryCredentials(selected.server)
      ? { ...headersOf(options), ...impersonation(selected.user) }
      : {},
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
      ...(servername === undefined ? {} : { servername }),
    },
    proxy: proxied && typeof options.agent === 'object' ? options.agent : undefined,
  };
}

/** Over plain http a credential goes nowhere but to this machine (kubectl sends none at all). */
function mayCarryCredentials(server: string): boolean {
  const { protocol, hostname } = new URL(server);
  return protocol === 'https:' || isLoopback(hostname);
}

/** Whether a host name stands for this machine. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '[::1]' || hostname === '::1' || hostname.startsWith('127.')
  );
}

/**
 * The selected context as the library wants it. It refuses http unless TLS checks are off (there is no TLS to check),
 * knows token files under another name, and tells plugins nothing of what is asked of them.
 */
function forLibrary(selected: Selected): Record<string, unknown> {
  const cluster = { ...selected.cluster };
  if (selected.server.startsWith('http:')) cluster['insecure-skip-tls-verify'] = true;
  const user = { ...selected.user };
  const tokenFile = stringAt(user, 'tokenFile');
  const token =
    tokenFile !== undefined && tokenFile !== '' ? readFileSync(tokenFile, 'utf8') : stringAt(user, 'token');
  if (token !== undefined) user.token = token.trim();
  if (isRecord(user.exec)) user.exec = { ...user.exec, env: pluginEnvironment(selected) };
  return {
    clusters: [{ name: 'it', cluster }],
    users: [{ name: 'it', user }],
    contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }],
    'current-context': 'it',
  };
}

/** Plugins read the wanted API version, and the cluster where asked for, from KUBERNETES_EXEC_INFO. */
function pluginEnvironment({ user, cluster, server }: Selected): unknown[] {
  const about = {
    kind: 'ExecCredential',
    apiVersion: stringAt(user, 'exec', 'apiVersion') ?? 'client.authentication.k8s.io/v1beta1',
    spec: {
      interactive: false,
      ...(at(user, 'exec', 'provideClusterInfo') === true
        ? {
            cluster: {
              server,
              'certificate-authority-data': stringAt(cluster, 'certificate-authority-data'),
              'tls-server-name': stringAt(cluster, 'tls-server-name'),
              'insecure-skip-tls-verify': cluster['insecure-skip-tls-verify'] === true ? true : undefined,
            },
          }
        : {}),
    },
  };
  return [...listAt(user, 'exec', 'env'), { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(about) }];
}

function headersOf(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  if (isRecord(options.headers))
    for (const [name, value] of Object.entries(options.headers))
      if (typeof value === 'string') headers[name] = value;
  if (typeof options.auth === 'string')
    headers.Authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return headers;
}

/** The library passes on the user to act as, but neither groups, uid nor extras: acting with other rights than asked. */
function impersonation(user: Record<string, unknown>): Record<string, string> {
  if (
    listAt(user, 'as-groups').length === 0 &&
    user['as-uid'] === undefined &&
    user['as-user-extra'] === undefined
  )
    return {};
  throw new ClusterError(
    'unauthorized',
    'This kubeconfig user acts as other groups (as-groups, as-uid or as-user-extra), which is not supported.\nUse a user with its own credentials, or "as" alone.',
  );
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

function failure(selected: Selected, error: unknown): ClusterError {
  if (error instanceof ClusterError) return error;
  const raw = stringAt(error, 'message') ?? '';
  const command = stringAt(selected.user, 'exec', 'command');
  const code = stringAt(error, 'code');
  const user = `user "${printable(selected.userName, 100)}"`;
  if (command !== undefined && isRecord(selected.user.exec)) {
    const plugin = `The credential plugin "${printable(command, 100)}" of ${user}`;
    if (code === 'ENOENT') {
      const hint = stringAt(selected.user, 'exec', 'installHint')?.trim().split('\n')[0];
      return unauthorized(`${plugin} was not found.`, hint === undefined ? undefined : printable(hint, 200));
    }
    if (error instanceof SyntaxError) return unauthorized(`${plugin} did not answer with a credential.`);
    const said = raw.trim().split('\n').at(-1) ?? '';
    return unauthorized(`${plugin} failed.`, said === '' ? undefined : `It said: ${printable(said, 200)}`);
  }
  if (code !== undefined)
    return unauthorized(
      `A file that ${user} or its cluster names in the kubeconfig cannot be read (${code}).`,
    );
  return unauthorized(`The credentials of ${user} in the kubeconfig cannot be used.`);
}

function unauthorized(...lines: (string | undefined)[]): ClusterError {
  return new ClusterError('unauthorized', lines.filter((line) => line !== undefined).join('\n'));
}
