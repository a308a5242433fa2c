import { at, isRecord, listAt, stringAt } from '../model/manifest.js';
import { ClusterError } from '../wizard/ports.js';
import type { Client } from './client.js';
import { errorOf } from './errors.js';
import { withQuery } from './paths.js';

/** Objects a page; what kubectl uses, and what keeps a page of pods at about 2 MB. */
export const PAGE = 500;

export const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1';
export const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/** What to list and in which form. */
export interface ListCall {
  path: string;
  doing: string;
  accept?: string;
  query?: Readonly<Record<string, string>>;
  /** Objects a page; `PAGE` where nothing is said. */
  page?: number;
  /**
   * Where the place in the list is forgotten, go on from the same key at a newer state, if the server offers that.
   * For long walks that need every object once, not all of one moment.
   */
  resume?: boolean;
  /** What is listed are Secrets: nothing that the server says is repeated. */
  secret?: boolean;
}

/** One page of a list; `restarted`: the server forgot where we were, and this is the first page of a new beginning. */
export interface Page {
  body: unknown;
  resourceVersion: string | undefined;
  restarted: boolean;
}

/** How often a list is begun again, and an offered place tried in a row (continue tokens last about 5 minutes). */
const MOST_EXPIRED = 5;

/**
 * A list page by page. Where the token has expired (410) it goes on as offered, or starts again: the caller drops what
 * it has.
 * @throws ClusterError as every request does
 */
export async function* pages(client: Client, call: ListCall): AsyncGenerator<Page> {
  const about = { doing: call.doing, ...(call.secret === true ? { secret: true } : {}) };
  let token: string | undefined;
  let beginnings = 0;
  let expiredInARow = 0;
  let restarted = false;
  do {
    const path = withQuery(call.path, { ...call.query, limit: String(call.page ?? PAGE), continue: token });
    const headers = call.accept === undefined ? {} : { Accept: call.accept };
    const answer = await client.send({ method: 'GET', path, headers }, about);
    const patience = beginnings < MOST_EXPIRED && expiredInARow < MOST_EXPIRED;
    if (answer.status === 410 && token !== undefined && patience) {
      const offered = call.resume === true ? continueOf(answer.body) : undefined;
      expiredInARow++;
      if (offered === undefined) beginnings++;
      token = offered;
      restarted = offered === undefined;
      continue;
    }
    if (answer.status !== 200) throw errorOf(answer, about);
    const body = listBody(answer.body, call);
    yield { body, resourceVersion: stringAt(body, 'metadata', 'resourceVersion'), restarted };
    restarted = false;
    expiredInARow = 0;
    token = stringAt(body, 'metadata', 'continue') || undefined;
  } while (token !== undefined || restarted);
}

/** The token that an `Expired` answer offers for going on at a newer state (API concepts: retrieving large results). */
function continueOf(text: Buffer): string | undefined {
  try {
    return stringAt(JSON.parse(text.toString('utf8')), 'metadata', 'continue') || undefined;
  } catch {
    return undefined;
  }
}

function listBody(text: Buffer, call: ListCall): unknown {
  try {
    const body: unknown = JSON.parse(text.toString('utf8'));
    if (isRecord(body)) return body;
  } catch {
    // Told below: what came is nobody's business.
  }
  throw new ClusterError('server', `Could not ${call.doing}: the answer is not a list.`);
}

/** All items of a list, each already through `keep`, so that a page's full objects live only as long as the page. */
export async function listItems<T>(
  client: Client,
  call: ListCall,
  keep: (item: unknown) => T | undefined,
  onCount: (count: number) => void = () => {},
): Promise<T[]> {
  let items: T[] = [];
  for await (const page of pages(client, call)) {
    if (page.restarted) items = [];
    for (const item of listAt(page.body, 'items')) {
      const kept = keep(item);
      if (kept !== undefined) items.push(kept);
    }
    onCount(items.length);
  }
  return items;
}

/** One row of a table without objects. */
export interface Row {
  name: string;
  /** Cells by the lower-case name of their column. */
  cell(column: string): string | undefined;
}

/**
 * The rows of a page in table form. Refuses any answer that carries more than cells.
 * @throws ClusterError `server` where the server did not answer with a bare table
 */
export function rowsOf(body: unknown, doing: string): Row[] {
  const columns = listAt(body, 'columnDefinitions').map((column) => stringAt(column, 'name')?.toLowerCase());
  const nameAt = columns.indexOf('name');
  if (at(body, 'kind') !== 'Table' || nameAt < 0)
    throw new ClusterError('server', `Could not ${doing}: the server does not list by name only.`);
  return listAt(body, 'rows').flatMap((row) => {
    if (isRecord(at(row, 'object')))
      throw new ClusterError('server', `Could not ${doing}: the server sends more than names.`);
    const name = at(row, 'cells', nameAt);
    const cell = (column: string) => {
      const value = at(row, 'cells', columns.indexOf(column));
      return typeof value === 'string' ? value : undefined;
    };
    return typeof name === 'string' ? [{ name, cell }] : [];
  });
}
