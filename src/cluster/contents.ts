import { listAt, type Ref, stringAt } from '../model/manifest.js';
import { ClusterError } from '../wizard/ports.js';
import type { Client } from './client.js';
import { groupVersions } from './discovery.js';
import { METADATA_LIST, pages, rowsOf, TABLE } from './list.js';
import { groupPath } from './paths.js';
import { inParallel } from './pool.js';

/** A namespaced resource that can be listed and created: what others may have put into a namespace. */
interface Resource {
  apiVersion: string;
  kind: string;
  plural: string;
}

const AT_ONCE = 8;
/** More are not named: one is enough to keep a namespace. */
const ENOUGH = 50;

/**
 * What a namespace holds, besides what Kubernetes puts into every one and what only reports (events). By name only:
 * Secrets as table rows, everything else as metadata.
 * @throws ClusterError where a resource cannot be listed: what is not seen cannot be said to be absent
 */
export async function contentsOf(client: Client, namespace: string): Promise<readonly Ref[]> {
  const found = await inParallel(await namespacedResources(client), AT_ONCE, (resource) =>
    listed(client, resource, namespace),
  );
  return found.flat().filter((ref) => !isDefault(ref));
}

async function listed(client: Client, resource: Resource, namespace: string): Promise<Ref[]> {
  const { apiVersion, kind, plural } = resource;
  const doing = `list ${plural} in namespace ${namespace}`;
  const secret = kind === 'Secret' && apiVersion === 'v1';
  const out: Ref[] = [];
  const call = {
    path: `${groupPath(apiVersion)}/namespaces/${encodeURIComponent(namespace)}/${plural}`,
    doing,
    accept: secret ? TABLE : METADATA_LIST,
    ...(secret ? { query: { includeObject: 'None' }, secret: true } : {}),
  };
  try {
    for await (const page of pages(client, call)) {
      const names = secret
        ? rowsOf(page.body, doing).map((row) => row.name)
        : listAt(page.body, 'items').map((item) => stringAt(item, 'metadata', 'name') ?? '');
      out.push(...names.map((name) => ({ apiVersion, kind, namespace, name })));
      if (out.length >= ENOUGH) break;
    }
  } catch (error) {
    // Some resources are served and cannot be listed after all.
    if (!(error instanceof ClusterError) || (error.status !== 404 && error.status !== 405)) throw error;
  }
  return out;
}

async function namespacedResources(client: Client): Promise<Resource[]> {
  const versions = await groupVersions(client);
  const byResource = new Map<string, Resource>();
  const each = await inParallel([...versions], 6, async (apiVersion) => {
    const { body } = await client.json(
      { method: 'GET', path: groupPath(apiVersion) },
      { doing: `read what the API group ${apiVersion} serves` },
    );
    return listAt(body, 'resources').flatMap((one): Resource[] => {
      const verbs = listAt(one, 'verbs');
      const [plural, kind] = [stringAt(one, 'name'), stringAt(one, 'kind')];
      if (plural === undefined || kind === undefined || plural.includes('/')) return [];
      const there = (one as { namespaced?: unknown }).namespaced === true;
      return there && verbs.includes('list') && verbs.includes('create') && kind !== 'Event'
        ? [{ apiVersion, kind, plural }]
        : [];
    });
  });
  // Several versions of a group show the same objects.
  for (const resource of each.flat()) {
    const group = resource.apiVersion.includes('/') ? resource.apiVersion.split('/')[0] : '';
    const key = `${group}/${resource.plural}`;
    if (!byResource.has(key)) byResource.set(key, resource);
  }
  return [...byResource.values()];
}

/** What controllers of Kubernetes and OpenShift put into every namespace. */
const DEFAULTS: readonly { kind: string; name: RegExp }[] = [
  { kind: 'ServiceAccount', name: /^(default|builder|deployer)$/ },
  { kind: 'ConfigMap', name: /^(kube-root-ca|openshift-service-ca)\.crt$/ },
  { kind: 'Secret', name: /^(default|builder|deployer)-(token|dockercfg)-[a-z0-9]{5}$/ },
  { kind: 'RoleBinding', name: /^system:(deployers|image-builders|image-pullers)$/ },
];

function isDefault({ kind, name }: Ref): boolean {
  return DEFAULTS.some((one) => one.kind === kind && one.name.test(name));
}
