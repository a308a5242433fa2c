import { printable } from '../../model/escape.js';
import { at, listAt } from '../../model/manifest.js';
import type { ProofMeans } from '../../model/rewrite.js';
import { commandLine } from '../../model/shell.js';
import { ClusterError } from '../../wizard/ports.js';
import type { Client } from '../client.js';
import { pages, rowsOf, TABLE } from '../list.js';
import { namespaceNames } from '../names.js';
import { inParallel } from '../pool.js';
import { collectionPath, type Resource } from './resource.js';

/** Namespaces counted at a time. */
const AT_ONCE = 8;
/** Longest field selector that is sent: a request line of 8 KiB passes every usual proxy. Bytes. */
const LONGEST_SELECTOR = 6_000;
/** Longest one that a person is given to type. */
const LONGEST_TYPED = 240;
/** Objects named as examples. */
const EXAMPLES = 3;

/**
 * Whether the re-write could reach every object. It goes from namespace to namespace; a namespace whose finalizers were
 * taken off by force leaves its objects behind, which no list by namespace finds and the API server still has to decrypt.
 * Counts are compared first (one row each); where they differ, what lies in none of the namespaces is listed by name.
 * Looked at twice, since namespaces and objects come and go meanwhile.
 * @throws ClusterError `unauthorized` or `unreachable`; any other is told as what could not be seen
 */
export async function reachedAll(client: Client, resources: readonly Resource[]): Promise<ProofMeans> {
  const left: string[] = [];
  let missed = 0;
  try {
    for (const resource of resources.filter(({ namespaced }) => namespaced)) {
      let outside = await outsideNamespaces(client, resource);
      if (outside.count > 0) outside = await outsideNamespaces(client, resource);
      if (outside.count === 0) continue;
      missed += outside.count;
      left.push(outsideText(resource, outside));
    }
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason === 'unauthorized' || error.reason === 'unreachable')
      throw error;
    return { means: 'count', used: false, words: error.message.split('\n')[0] ?? '' };
  }
  const all = 'counts over the whole cluster: none lies outside the namespaces there are';
  return { means: 'count', used: true, missed, words: missed === 0 ? all : left.join('; ') };
}

interface Outside {
  count: number;
  names: readonly string[];
  selector: string;
}

async function outsideNamespaces(client: Client, resource: Resource): Promise<Outside> {
  const before = await countOf(client, resource);
  const namespaces = await namespaceNames(client);
  const selector = namespaces.map((name) => `metadata.namespace!=${name}`).join(',');
  const each = await inParallel(namespaces, AT_ONCE, (namespace) => countOf(client, resource, namespace));
  const after = await countOf(client, resource);
  if (before !== undefined && after !== undefined && each.every((count) => count !== undefined)) {
    const excess = Math.max(before, after) - each.reduce((sum, count) => sum + count, 0);
    if (excess <= 0) return { count: 0, names: [], selector };
    if (selector.length > LONGEST_SELECTOR) return { count: excess, names: [], selector };
  }
  if (selector.length > LONGEST_SELECTOR)
    throw new ClusterError(
      'server',
      `Could not count ${resource.name}: the server does not tell how many there are.`,
    );
  return { ...(await listed(client, resource, selector)), selector };
}

/** Objects that a field selector leaves, as table rows without objects. */
async function listed(client: Client, resource: Resource, fieldSelector: string) {
  const doing = `list ${resource.kind} names outside the namespaces there are`;
  const query = { includeObject: 'None', fieldSelector };
  let count = 0;
  const names: string[] = [];
  const call = { path: collectionPath(resource, ''), doing, accept: TABLE, query, secret: true };
  for await (const page of pages(client, call)) {
    if (page.restarted) [count, names.length] = [0, 0];
    const rows = rowsOf(page.body, doing);
    count += rows.length;
    names.push(...rows.slice(0, EXAMPLES - names.length).map(({ name }) => name));
  }
  return { count, names };
}

function outsideText({ kind, name }: Resource, { count, names, selector }: Outside): string {
  const some = names.map((one) => printable(one, 60)).join(', ');
  const examples = some === '' ? '' : ` (${some}${count > names.length ? ', …' : ''})`;
  const kubectl = ['kubectl', 'get', name, '-A'];
  const command = commandLine(
    selector.length > LONGEST_TYPED ? kubectl : [...kubectl, '--field-selector', selector],
  );
  return `${count} × ${kind}${examples} in namespaces that no longer exist: not re-written, and without the old key the API server cannot read them. See the namespaces with ${command}; create each again, run this again, then delete it with what you do not need`;
}

/**
 * How many objects there are, in one namespace or in all, from the server's own count of what a page of one leaves;
 * undefined where it does not say, or this account may not ask.
 * @throws ClusterError
 */
export async function countOf(
  client: Client,
  resource: Resource,
  namespace = '',
): Promise<number | undefined> {
  const call = {
    method: 'GET' as const,
    path: `${collectionPath(resource, namespace)}?limit=1&includeObject=None`,
    headers: { Accept: TABLE },
  };
  try {
    const { body } = await client.json(call, { doing: `count ${resource.name}`, secret: true });
    const rest = at(body, 'metadata', 'remainingItemCount');
    if (!Array.isArray(at(body, 'rows'))) return undefined;
    const rows = listAt(body, 'rows').length;
    if (typeof rest === 'number') return rows + rest;
    return at(body, 'metadata', 'continue') === undefined ? rows : undefined;
  } catch (error) {
    if (error instanceof ClusterError && error.reason === 'forbidden') return undefined;
    if (error instanceof ClusterError && error.reason === 'notFound' && namespace !== '') return 0;
    throw error;
  }
}
