import { listAt, stringAt } from '../model/manifest.js';
import type { Need } from '../model/rights.js';
import { ClusterError } from '../wizard/ports.js';
import type { Client } from './client.js';
import { isLoopback } from './credentials.js';

/** What is asked to know API servers one by one, and their arguments. */
export const SERVERS_NEEDS: readonly Need[] = [
  {
    right: { verb: 'get', group: '', resource: 'endpoints', namespace: 'default', name: 'kubernetes' },
    for: 'which API servers there are',
    without: 'notVisible',
  },
  {
    right: { verb: 'list', group: '', resource: 'pods', namespace: 'kube-system' },
    for: 'the arguments of API servers and of etcd',
    without: 'notVisible',
  },
];

/** The API servers behind the Service `kubernetes`, as far as they are known. */
export interface ApiServers {
  /** `https://10.0.0.1:6443`, one for each. */
  addresses: readonly string[];
  /** How many there are; undefined where it is not known. */
  count: number | undefined;
  /** Why they are not known. */
  reason?: string;
}

/**
 * Reads the endpoints that API servers keep of themselves. Where there are none, a server on this machine's loopback is
 * alone; where they may not be read, it may be a tunnel to several.
 */
export async function apiServers(client: Client): Promise<ApiServers> {
  const alone = isLoopback(new URL(client.route.server).hostname);
  try {
    const { body } = await client.json(
      { method: 'GET', path: '/api/v1/namespaces/default/endpoints/kubernetes' },
      { doing: 'read the endpoints of the Service default/kubernetes' },
    );
    const addresses = addressesOf(body);
    if (addresses.length > 0) return { addresses, count: addresses.length };
    return {
      addresses,
      count: alone ? 1 : undefined,
      reason: 'the Service default/kubernetes has no endpoints',
    };
  } catch (error) {
    if (!(error instanceof ClusterError) || (error.reason !== 'forbidden' && error.reason !== 'notFound'))
      throw error;
    if (error.reason === 'forbidden')
      return {
        addresses: [],
        count: undefined,
        reason: 'the endpoints of the Service default/kubernetes may not be read',
      };
    return {
      addresses: [],
      count: alone ? 1 : undefined,
      reason: 'the Service default/kubernetes has no endpoints',
    };
  }
}

function addressesOf(endpoints: unknown): string[] {
  return listAt(endpoints, 'subsets').flatMap((subset) => {
    const ports = listAt(subset, 'ports');
    const port = ports.find((p) => stringAt(p, 'name') === 'https') ?? ports[0];
    const number = typeof port === 'object' && port !== null && 'port' in port ? Number(port.port) : 443;
    return listAt(subset, 'addresses').flatMap((address) => {
      const ip = stringAt(address, 'ip');
      return ip === undefined ? [] : [`https://${ip.includes(':') ? `[${ip}]` : ip}:${number}`];
    });
  });
}

/** Value of `--encryption-provider-config` of one API server; null: its arguments lack the flag. */
export interface ServerFlag {
  /** Name of its pod. */
  server: string;
  /** Its node. */
  node: string;
  value: string | null;
  /** Whether it takes up a changed file by itself. */
  reload: boolean;
}

/** Reads the arguments of API servers that run as (mirror) pods in kube-system. */
export async function encryptionFlags(client: Client): Promise<{ flags: ServerFlag[]; reason?: string }> {
  try {
    const { body } = await client.json(
      { method: 'GET', path: '/api/v1/namespaces/kube-system/pods?labelSelector=component%3Dkube-apiserver' },
      { doing: 'list pods in namespace kube-system' },
    );
    const flags = listAt(body, 'items').flatMap((pod): ServerFlag[] => {
      const name = stringAt(pod, 'metadata', 'name');
      const container =
        listAt(pod, 'spec', 'containers').find((c) => stringAt(c, 'name') === 'kube-apiserver') ??
        listAt(pod, 'spec', 'containers')[0];
      if (name === undefined || container === undefined) return [];
      const words = [...listAt(container, 'command'), ...listAt(container, 'args')];
      return [
        {
          server: name,
          node: stringAt(pod, 'spec', 'nodeName') ?? name.replace(/^kube-apiserver-/, ''),
          value: flagOf(words, FLAG),
          reload: isTrue(words),
        },
      ];
    });
    return flags.length > 0 ? { flags } : { flags, reason: 'no API server runs as a pod that can be seen' };
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason !== 'forbidden') throw error;
    return { flags: [], reason: 'pods in namespace kube-system may not be listed' };
  }
}

const FLAG = '--encryption-provider-config';
const RELOAD = '--encryption-provider-config-automatic-reload';

/** The last one counts, as the server reads it; `--flag=value` and `--flag value` mean the same. */
function flagOf(words: readonly unknown[], flag: string): string | null {
  let value: string | null = null;
  for (const [index, word] of words.entries()) {
    if (typeof word !== 'string') continue;
    if (word.startsWith(`${flag}=`)) value = word.slice(flag.length + 1);
    else if (word === flag) value = String(words[index + 1] ?? '');
  }
  return value === '' ? null : value;
}

/** A boolean flag: its name alone means yes, and it takes no next word. */
function isTrue(words: readonly unknown[]): boolean {
  const given = words.findLast((word) => word === RELOAD || String(word).startsWith(`${RELOAD}=`));
  return (
    given === RELOAD || ['true', 'TRUE', 'True', 't', 'T', '1'].includes(String(given).split('=')[1] ?? '')
  );
}
