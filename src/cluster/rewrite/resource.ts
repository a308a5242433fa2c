import { printable } from '../../model/escape.js';
import { at, listAt, stringAt } from '../../model/manifest.js';
import { ClusterError } from '../../wizard/ports.js';
import type { Client } from '../client.js';
import { groupPath } from '../paths.js';

/** A resource as an API server serves it. */
export interface Resource {
  /** As people and encryption configurations name it: `secrets`, `widgets.example.com`. */
  name: string;
  apiVersion: string;
  kind: string;
  plural: string;
  namespaced: boolean;
}

export const SECRETS: Resource = {
  name: 'secrets',
  apiVersion: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
};

/** Path of all objects of a resource, in one namespace where it has any. */
export function collectionPath({ apiVersion, plural, namespaced }: Resource, namespace: string): string {
  const within = namespaced && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${groupPath(apiVersion)}${within}/${plural}`;
}

/**
 * What the server has under these names, each once, in order.
 * @throws ClusterError `invalid` where it has no such resource, or one that cannot be listed and patched
 */
export async function resolveResources(client: Client, names: readonly string[]): Promise<Resource[]> {
  const resources: Resource[] = [];
  for (const name of new Set(names))
    resources.push(name === SECRETS.name ? SECRETS : await resolve(client, name));
  return resources;
}

async function resolve(client: Client, name: string): Promise<Resource> {
  const dot = name.indexOf('.');
  const [plural, group] = dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot + 1)];
  for (const apiVersion of group === '' ? ['v1'] : await versionsOf(client, name, group)) {
    const { body } = await client.json(
      { method: 'GET', path: groupPath(apiVersion) },
      { doing: `read what the API group ${printable(apiVersion, 100)} serves` },
    );
    const found = listAt(body, 'resources').find((resource) => at(resource, 'name') === plural);
    const kind = stringAt(found, 'kind');
    const verbs = listAt(found, 'verbs');
    if (kind !== undefined && verbs.includes('list') && verbs.includes('patch'))
      return { name, apiVersion, kind, plural, namespaced: at(found, 'namespaced') === true };
  }
  throw new ClusterError(
    'invalid',
    `The API server has no resource ${printable(name, 100)} that can be listed and patched.\nName it as an encryption configuration does: configmaps, widgets.example.com.`,
  );
}

/** Group versions, the server's preferred one first. */
async function versionsOf(client: Client, name: string, group: string): Promise<string[]> {
  try {
    const { body } = await client.json(
      { method: 'GET', path: `/apis/${encodeURIComponent(group)}` },
      { doing: `look for ${printable(name, 100)}` },
    );
    const preferred = stringAt(body, 'preferredVersion', 'groupVersion');
    const all = listAt(body, 'versions').map((version) => stringAt(version, 'groupVersion'));
    return [...new Set([preferred, ...all])].filter((version) => version !== undefined);
  } catch (error) {
    if (error instanceof ClusterError && error.reason === 'notFound') return [];
    throw error;
  }
}
