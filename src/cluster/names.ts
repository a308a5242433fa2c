import { type Manifest, stringAt } from '../model/manifest.js';
import { ClusterError } from '../wizard/ports.js';
import type { Client } from './client.js';
import { listItems, METADATA_LIST, pages, type Row, rowsOf, TABLE } from './list.js';
import { inParallel } from './pool.js';

/** One Secret by name; nothing else is ever asked for. */
export interface SecretName {
  namespace: string;
  name: string;
  type: string | undefined;
}

/** How many namespaces are asked at a time. */
const AT_ONCE = 12;

/** The names of all namespaces. @throws ClusterError */
export function namespaceNames(client: Client): Promise<string[]> {
  const call = { path: '/api/v1/namespaces', doing: 'list namespaces', accept: METADATA_LIST };
  return listItems(client, call, (item) => stringAt(item, 'metadata', 'name'));
}

/**
 * Objects of one collection, page by page, as table rows without objects: the one form of a list that carries neither
 * values nor annotations (`last-applied-configuration` may hold values). Rows name no namespace, hence one list each.
 * Names are in byte order; where the server forgets the place and the list begins again, names already given are left out.
 */
export async function* rowPages(
  client: Client,
  { path, doing }: { path: string; doing: string },
): AsyncGenerator<{ rows: readonly Row[]; resourceVersion: string | undefined }> {
  let last = '';
  for await (const page of pages(client, {
    path,
    doing,
    accept: TABLE,
    query: { includeObject: 'None' },
    resume: true,
    secret: true,
  })) {
    const rows = rowsOf(page.body, doing).filter((row) => row.name > last);
    last = rows.at(-1)?.name ?? last;
    yield { rows, resourceVersion: page.resourceVersion };
  }
}

async function* secretPages(client: Client, namespace: string): AsyncGenerator<readonly SecretName[]> {
  const doing = `list Secret names in namespace ${namespace}`;
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`;
  for await (const { rows } of rowPages(client, { path, doing }))
    yield rows.map((row) => ({ namespace, name: row.name, type: row.cell('type') }));
}

/** All Secrets by name, namespaces in order. @throws ClusterError, also where a single namespace may not be listed */
export async function secretNames(
  client: Client,
  onCount: (count: number) => void = () => {},
): Promise<SecretName[]> {
  let count = 0;
  const each = await inParallel(await namespaceNames(client), AT_ONCE, async (namespace) => {
    const found: SecretName[] = [];
    try {
      for await (const page of secretPages(client, namespace)) {
        found.push(...page);
        count += page.length;
        onCount(count);
      }
    } catch (error) {
      // A namespace deleted meanwhile answers an empty list; 404 comes from servers that check it.
      if (!(error instanceof ClusterError) || error.reason !== 'notFound') throw error;
    }
    return found;
  });
  return each.flat();
}

/** A Secret's name as an object of a snapshot. */
export function asManifest({ namespace, name, type }: SecretName): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    ...(type === undefined ? {} : { type }),
  };
}
