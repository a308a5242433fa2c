import type { Ref } from '../../model/manifest.js';
import type { RewritePlace } from '../../model/rewrite.js';
import { ClusterError } from '../../wizard/ports.js';
import type { Client } from '../client.js';
import { namespaceNames, rowPages } from '../names.js';
import { collectionPath, type Resource } from './resource.js';

/** Names of objects of one resource in one namespace, or why there are none to be had. */
export interface ObjectsPage {
  resource: Resource;
  /** Empty for what has no namespace. */
  namespace: string;
  names: readonly string[];
  /** resourceVersion of the list: what is newer was written after it. */
  resourceVersion: string | undefined;
  unlisted?: string;
}

/** Namespaces whose first page of names is fetched ahead. */
const AHEAD = 8;

/**
 * Every object by name, in order of resource, namespace and name, behind a place where one is given. The first pages of
 * the next namespaces are on their way. A namespace that may not be listed is told; one that is gone is left out.
 */
export async function* objectPages(
  client: Client,
  resources: readonly Resource[],
  from?: RewritePlace,
): AsyncGenerator<ObjectsPage> {
  const at = resources.findIndex(({ name }) => name === from?.resource);
  for (const resource of resources.slice(Math.max(0, at)))
    yield* pagesOf(client, resource, resource.name === from?.resource ? from : undefined);
}

async function* pagesOf(
  client: Client,
  resource: Resource,
  from: RewritePlace | undefined,
): AsyncGenerator<ObjectsPage> {
  const all = resource.namespaced ? (await namespaceNames(client)).sort() : [''];
  const waiting = all.filter((namespace) => namespace >= (from?.namespace ?? ''));
  const started: { pages: AsyncGenerator<ObjectsPage>; first: Promise<IteratorResult<ObjectsPage>> }[] = [];
  for (;;) {
    while (started.length < AHEAD && waiting.length > 0) {
      const namespace = waiting.shift() ?? '';
      const pages = pagesIn(client, resource, namespace, namespace === from?.namespace ? from.name : '');
      const first = pages.next();
      first.catch(() => {});
      started.push({ pages, first });
    }
    const now = started.shift();
    if (now === undefined) return;
    for (let page = await now.first; page.done !== true; page = await now.pages.next()) yield page.value;
  }
}

async function* pagesIn(
  client: Client,
  resource: Resource,
  namespace: string,
  behind: string,
): AsyncGenerator<ObjectsPage> {
  const where = namespace === '' ? '' : ` in namespace ${namespace}`;
  const call = {
    path: collectionPath(resource, namespace),
    doing: `list ${resource.kind} names${where}`,
  };
  try {
    for await (const { rows, resourceVersion } of rowPages(client, call)) {
      const names = rows.map(({ name }) => name).filter((name) => name > behind);
      yield { resource, namespace, names, resourceVersion };
    }
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    if (error.reason === 'notFound') return;
    if (error.reason !== 'forbidden' && error.reason !== 'refused') throw error;
    yield { resource, namespace, names: [], resourceVersion: undefined, unlisted: error.message };
  }
}

/** The namespace of a page as an object, or its whole resource where there is none. */
export function placeRef({ resource, namespace }: ObjectsPage): Ref {
  return namespace === ''
    ? { apiVersion: resource.apiVersion, kind: resource.kind, name: '*' }
    : { apiVersion: 'v1', kind: 'Namespace', name: namespace };
}

/** The reference of an object on a page. */
export function objectRef({ resource, namespace }: ObjectsPage, name: string): Ref {
  const { apiVersion, kind } = resource;
  return namespace === '' ? { apiVersion, kind, name } : { apiVersion, kind, namespace, name };
}
