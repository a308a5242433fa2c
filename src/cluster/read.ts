import { configMapsOf, EVERYWHERE } from '../model/configmap-refs.js';
import type { Kind, KindName } from '../model/kinds.js';
import { type Manifest, stringAt } from '../model/manifest.js';
import type { EncryptionFacts, Listing, Query } from '../model/snapshot.js';
import { WORKLOAD_KINDS } from '../model/workloads.js';
import { ClusterError, type ReadProgress } from '../wizard/ports.js';
import type { Client } from './client.js';
import { discover, type Served } from './discovery.js';
import { type EncryptionProbe, encryptionFacts } from './encryption.js';
import { errorOf } from './errors.js';
import { type ListCall, listItems, METADATA_LIST } from './list.js';
import { asManifest, type SecretName, secretNames } from './names.js';
import { listPath, objectPath, resourceName, row } from './paths.js';
import { inParallel } from './pool.js';
import { KEEP, type Keep, pruned } from './prune.js';
import { reachedAll } from './rewrite/reached.js';
import { SECRETS } from './rewrite/resource.js';

/** Kinds listed at a time. */
const AT_ONCE = 6;

export interface ReadResult {
  listings: Map<KindName, Listing>;
  encryption?: EncryptionFacts;
}

type Report = (progress: ReadProgress) => void;

/**
 * Answers queries in parallel. A kind that the server lacks becomes `absent`; one that may not be listed or whose list
 * fails becomes `notVisible` with the reason. Only what concerns the whole server is thrown.
 * @throws ClusterError where the server cannot be reached or does not accept the credentials
 */
export async function readAll(
  client: Client,
  queries: readonly Query[],
  onProgress: Report,
): Promise<ReadResult> {
  const served = await discover(client);
  const plans = plansOf(queries);
  const probe = queries.some((query) => 'probe' in query);
  const listings = new Map<KindName, Listing>();
  // The encryption probe counts reads of Secrets on the server: nobody else may list them meanwhile.
  const secrets: Secrets | undefined =
    probe || plans.has('Secret') ? secretsOnce(client, probe, onProgress) : undefined;
  const lists = inParallel(plans, AT_ONCE, async ([kind, full]) => {
    const listing =
      kind === 'Secret' && secrets !== undefined
        ? await listingOf('v1', async () => (await secrets.names()).map(asManifest))
        : await readKind(client, served, kind, full, onProgress);
    listings.set(kind, listing);
  });
  const [encryption] = await Promise.all([secrets?.facts(), lists]);
  for (const [kind, full] of plans)
    if (full && KEEP[kind].metadataOnly?.referenced === true)
      listings.set(kind, await withReferenced(client, kind, listings));
  return encryption === undefined ? { listings } : { listings, encryption };
}

/** A listing with the objects that workloads name read whole; the others stay what they are. */
async function withReferenced(
  client: Client,
  kind: KindName,
  listings: ReadonlyMap<KindName, Listing>,
): Promise<Listing> {
  const listing = listings.get(kind);
  if (listing?.state !== 'read') return listing ?? { state: 'notVisible', reason: `${kind} was not read` };
  const named = configMapsOf(
    WORKLOAD_KINDS.flatMap((workload) => {
      const known = listings.get(workload);
      return known?.state === 'read' ? known.items : [];
    }),
  );
  const known = KEEP[kind].metadataOnly?.inFull ?? [];
  return await listingOf(listing.apiVersion, () =>
    inParallel(listing.items, AT_ONCE, (item) =>
      named.has(`${item.metadata.namespace ?? ''}/${item.metadata.name}`) &&
      !known.includes(item.metadata.name) &&
      !isWholeConfig(item, KEEP[kind])
        ? readOne(client, item, KEEP[kind])
        : Promise.resolve(item),
    ),
  );
}

/** Which kinds to list, and whether as objects; a kind wanted both ways is read as objects. Secrets never are. */
function plansOf(queries: readonly Query[]): Map<KindName, boolean> {
  const plans = new Map<KindName, boolean>();
  for (const query of queries) {
    if ('probe' in query) continue;
    const full = query.as === 'objects' && query.kind !== 'Secret';
    plans.set(query.kind, full || plans.get(query.kind) === true);
  }
  return plans;
}

interface Secrets {
  names(): Promise<readonly SecretName[]>;
  facts(): Promise<EncryptionFacts | undefined>;
}

/** One pass over the Secrets' names serves both the listing and the probe. */
function secretsOnce(client: Client, probe: boolean, onProgress: Report): Secrets {
  const count = (objects: number) => onProgress({ kind: 'Secret', objects, done: false });
  const list = async (through: Client) => {
    const names = await secretNames(through, count);
    onProgress({ kind: 'Secret', objects: names.length, done: true });
    return names;
  };
  if (!probe) {
    const names = list(client);
    names.catch(() => {});
    return { names: () => names, facts: async () => undefined };
  }
  const facts = encryptionFacts(client, list).then((found) => ofAll(client, found));
  facts.catch(() => {});
  return {
    names: async () => {
      const { names, failure } = await facts;
      if (failure !== undefined) throw failure;
      return names;
    },
    facts: async () => (await facts).facts,
  };
}

/** How Secrets are stored is not known where some lie in namespaces that no longer exist: no list by namespace has them. */
async function ofAll(client: Client, found: EncryptionProbe): Promise<EncryptionProbe> {
  const { facts } = found;
  if (facts.stored === undefined) return found;
  const reached = await reachedAll(client, [SECRETS]);
  if (!reached.used || (reached.missed ?? 0) === 0) return found;
  return { ...found, facts: { ...facts, stored: undefined, evidence: [...facts.evidence, reached.words] } };
}

async function readKind(
  client: Client,
  served: Served,
  name: KindName,
  full: boolean,
  onProgress: Report,
): Promise<Listing> {
  const kind = row(name);
  const version = served.version(name);
  if (version === undefined) {
    onProgress({ kind: name, objects: 0, done: true });
    const unknown = served.unknown(name);
    if (unknown !== undefined) return notVisible(unknown, unknown.message.split('\n')[0] ?? '');
    return {
      state: 'absent',
      reason: `this server does not serve ${kind.apiVersions.join(' or ')} ${kind.plural}`,
    };
  }
  const onCount = (objects: number) => onProgress({ kind: name, objects, done: false });
  const listing = await listingOf(version, () =>
    full
      ? readObjects(client, kind, version, KEEP[name], onCount)
      : readNames(client, kind, version, onCount),
  );
  onProgress({ kind: name, objects: listing.state === 'read' ? listing.items.length : 0, done: true });
  return listing;
}

/** A listing from a list: its items, or in words why there are none. */
async function listingOf(apiVersion: string, list: () => Promise<Manifest[]>): Promise<Listing> {
  try {
    return { state: 'read', apiVersion, items: await list() };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    if (error.reason === 'unreachable' || error.reason === 'unauthorized') throw error;
    if (error.reason === 'notFound') return { state: 'absent', reason: 'the server no longer serves it' };
    return notVisible(error, asReason(error));
  }
}

/** What could not be read. Only a server's own trouble passes; rights and what it does not know stay as they are. */
function notVisible({ reason: kind }: ClusterError, reason: string): Listing {
  const passes = kind === 'server' || kind === 'busy' || kind === 'unreachable';
  return { state: 'notVisible', reason, ...(passes ? { passing: true } : {}) };
}

/** An error's words in the middle of a sentence. */
function asReason({ message }: ClusterError): string {
  const line = message.split('\n').join(' ').replace(/\.$/, '');
  return line.charAt(0).toLowerCase() + line.slice(1);
}

function readNames(
  client: Client,
  kind: Kind,
  version: string,
  onCount: (count: number) => void,
): Promise<Manifest[]> {
  const keep = (item: unknown): Manifest | undefined => {
    const name = stringAt(item, 'metadata', 'name');
    const namespace = stringAt(item, 'metadata', 'namespace');
    if (name === undefined) return undefined;
    return {
      apiVersion: version,
      kind: kind.kind,
      metadata: namespace === undefined ? { name } : { name, namespace },
    };
  };
  return listItems(client, { ...callOf(kind, version), accept: METADATA_LIST }, keep, onCount);
}

async function readObjects(
  client: Client,
  kind: Kind,
  version: string,
  keep: Keep,
  onCount: (count: number) => void,
): Promise<Manifest[]> {
  const call = callOf(kind, version);
  const light = keep.metadataOnly;
  const take = (item: unknown) => pruned(item, keep, version, kind.kind);
  if (light === undefined)
    return listItems(
      client,
      {
        ...call,
        ...(keep.page === undefined ? {} : { page: keep.page }),
        ...(keep.fieldSelector === undefined ? {} : { query: { fieldSelector: keep.fieldSelector } }),
      },
      take,
      onCount,
    );
  const items = await listItems(client, { ...call, accept: METADATA_LIST }, take, onCount);
  return inParallel(items, AT_ONCE, (item) =>
    light.inFull.includes(item.metadata.name) || isWholeConfig(item, keep)
      ? readOne(client, item, keep)
      : Promise.resolve(item),
  );
}

/** Whether an object is to be read whole for where it is; what every namespace has is in none of them by intent. */
function isWholeConfig({ metadata }: Manifest, { wholeIn }: Keep): boolean {
  return metadata.namespace === wholeIn && wholeIn !== undefined && !EVERYWHERE.includes(metadata.name);
}

/** The whole object in place of its metadata, which stays where it is gone. @throws ClusterError where it may not be read */
async function readOne(client: Client, item: Manifest, keep: Keep): Promise<Manifest> {
  const { apiVersion, kind, metadata } = item;
  const ref = { apiVersion, kind, name: metadata.name, namespace: metadata.namespace ?? '' };
  const about = { doing: `read ${kind} ${metadata.name}` };
  const answer = await client.send({ method: 'GET', path: objectPath(ref) }, about);
  if (answer.status === 404) return item;
  if (answer.status !== 200) throw errorOf(answer, about);
  return pruned(JSON.parse(answer.body.toString('utf8')), keep, apiVersion, kind) ?? item;
}

function callOf(kind: Kind, version: string): ListCall {
  return { path: listPath(kind, version), doing: `list ${resourceName(kind)}` };
}
