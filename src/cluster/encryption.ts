import { printable } from '../model/escape.js';
import type { Need } from '../model/rights.js';
import type { EncryptionFacts } from '../model/snapshot.js';
import { ClusterError } from '../wizard/ports.js';
import type { Client } from './client.js';
import { versionOf } from './discovery.js';
import { TABLE } from './list.js';
import {
  byWholePrefix,
  METRIC_LINES,
  moved,
  type Transformations,
  transformations,
  valuesIn,
} from './metrics.js';
import type { SecretName } from './names.js';
import { inParallel } from './pool.js';
import { serverFacts } from './server-facts.js';
import { apiServers, encryptionFlags, SERVERS_NEEDS, type ServerFlag } from './servers.js';

const stored = { for: 'how Secrets are stored', without: 'notVisible' } as const;

/**
 * What the probe asks for. Secrets are read in forms that carry no value; RBAC knows no right to such a form alone.
 * Single reads count where lists come from the watch cache (from 1.31); `/flagz` is there from 1.36.
 */
export const ENCRYPTION_NEEDS: readonly Need[] = [
  { right: { verb: 'list', group: '', resource: 'namespaces' }, ...stored },
  { right: { verb: 'list', group: '', resource: 'secrets' }, ...stored },
  { right: { verb: 'get', group: '', resource: 'secrets' }, ...stored },
  { right: { verb: 'get', url: '/metrics' }, ...stored },
  { right: { verb: 'get', url: '/flagz' }, ...stored, for: 'flags of API servers (from 1.36)' },
  {
    right: { verb: 'list', group: 'coordination.k8s.io', resource: 'leases', namespace: 'kube-system' },
    ...stored,
    for: 'which of several API servers answers (from 1.34)',
  },
  ...SERVERS_NEEDS,
];

/** Secrets read by name at most: 10,000 take about 3 s on a near server at this concurrency. */
const AUDIT = { atOnce: 32, most: 20_000 };
/** The same over one connection, which is what it takes to stay on one of several servers. */
const AUDIT_ONE_CONNECTION = { atOnce: 1, most: 2_000 };

export interface EncryptionProbe {
  facts: EncryptionFacts;
  names: readonly SecretName[];
  /** Why the names are not known. */
  failure?: ClusterError;
}

/**
 * What can be seen of encryption at rest from outside. Secrets are counted by name; the server's own counters tell how
 * what it read from storage was kept, while every Secret is read in a form that carries nothing of it. Single reads
 * always come from storage. Lists do so on older servers, and are believed there where the counters moved by exactly the
 * number of Secrets: what others read meanwhile could stand in for what a list did not.
 * @param list lists all Secret names through the client that it is given
 */
export async function encryptionFacts(
  client: Client,
  list: (through: Client) => Promise<SecretName[]>,
): Promise<EncryptionProbe> {
  const [servers, { flags, reason: flagsHidden }] = await Promise.all([
    apiServers(client),
    encryptionFlags(client),
  ]);
  const several = servers.count !== 1;
  // Counters are each server's own: one connection stays on one server, whatever stands in between.
  const one = several ? client.over({ sockets: 1 }) : client;
  const evidence = [...flagEvidence(flags, flagsHidden)];
  try {
    const before = await readMetrics(one);
    const seen = {
      servers: { listed: servers.count, seen: typeof before === 'string' ? 0 : 1 },
      flags: flags.map(({ server, value }) => ({ server, value })),
      apiServers: await serverFacts(one, flags, before, servers.count === 1),
    };
    let names: readonly SecretName[] = [];
    try {
      names = await list(one);
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      if (error.reason === 'unreachable' || error.reason === 'unauthorized') throw error;
      const facts = {
        secrets: undefined,
        stored: undefined,
        writes: undefined,
        ...seen,
        evidence: [...evidence, firstLine(error)],
      };
      return { facts, names: [], failure: error };
    }
    evidence.push(`${names.length} Secrets, counted by name`);
    if (typeof before === 'string') {
      evidence.push(before);
      return {
        facts: { secrets: names.length, stored: undefined, writes: undefined, ...seen, evidence },
        names,
      };
    }
    if (several) evidence.push(oneOfSeveral(servers.count));
    const audit = await auditStored(one, before, names, { flags, several });
    evidence.push(...audit.evidence);
    // The counters appear with the first value that passes a provider: reading the Secrets was just that.
    const after = await readMetrics(one);
    const configured = typeof after === 'string' ? {} : { configured: after.configured };
    return {
      facts: {
        secrets: names.length,
        stored: audit.stored,
        writes: audit.writes,
        ...configured,
        ...seen,
        evidence,
      },
      names,
    };
  } finally {
    if (one !== client) one.close();
  }
}

interface Audit {
  stored: Readonly<Record<string, number>> | undefined;
  writes: string | undefined;
  evidence: readonly string[];
}

async function auditStored(
  client: Client,
  before: Transformations,
  names: readonly SecretName[],
  known: { flags: readonly ServerFlag[]; several: boolean },
): Promise<Audit> {
  const limit = known.several ? AUDIT_ONE_CONNECTION : AUDIT;
  const listed = await readMetrics(client);
  if (typeof listed === 'string') return unseen(listed);
  if (listed.startedAt !== before.startedAt) return unseen(OTHER_SERVER);
  const writes = writtenAs(listed);
  if (!listed.configured) return unconfigured(names.length, known.flags);
  const exact = valuesIn(moved(before.from, listed.from)) === names.length;
  const byList =
    exact && (await listsFromStorage(client))
      ? judge(before, listed, names.length, `all ${names.length} Secrets were listed by name`)
      : undefined;
  if (byList !== undefined) return { ...byList, writes };
  if (names.length > limit.most)
    return unseen(
      `${names.length} Secrets are too many to be read by name one by one (at most ${limit.most})`,
      writes,
    );
  const gone = await readEach(client, names, limit.atOnce);
  if (gone === undefined) return unseen(MAY_NOT_GET, writes);
  const after = await readMetrics(client);
  if (typeof after === 'string') return unseen(after);
  if (after.startedAt !== before.startedAt) return unseen(OTHER_SERVER);
  const count = names.length - gone;
  const byRead = judge(listed, after, count, `each of ${count} Secrets was read in a form without content`);
  if (byRead !== undefined) return { ...byRead, writes: writtenAs(after) };
  const seen = valuesIn(moved(listed.from, after.from));
  if (seen === 0 && !known.several)
    return {
      stored: { '': count },
      writes: '',
      evidence: [
        `metrics: reading all ${count} Secrets moved no counter, so none of them passes an encryption provider`,
      ],
    };
  return unseen(
    `metrics: ${count} Secrets were read, but the counters moved by ${seen} only; another server may have answered`,
    writes,
  );
}

/** Lists without a resourceVersion come from the watch cache from 1.31 on, where etcd supports it. */
async function listsFromStorage(client: Client): Promise<boolean> {
  const { major, minor } = await versionOf(client);
  return major === 1 && minor < 31;
}

/** Facts from counters that moved at least once for each Secret; undefined where they moved less. */
function judge(
  before: Transformations,
  after: Transformations,
  count: number,
  how: string,
): Omit<Audit, 'writes'> | undefined {
  const difference = moved(before.from, after.from);
  const seen = valuesIn(difference);
  if (seen < count) return undefined;
  const stored = byWholePrefix(difference);
  const parts = Object.entries(stored).map(
    ([prefix, n]) => `${n} ${prefix === '' ? 'in plain text' : `as ${printable(prefix, 120)}`}`,
  );
  const evidence = [`metrics of the API server while ${how}: ${parts.join(', ') || 'none'}`];
  if (seen > count)
    evidence.push(
      `${seen - count} more were read meanwhile by somebody else: the counts are at most so many`,
    );
  return { stored, evidence };
}

/** No series at all although Secrets were read: nothing is transformed. */
function unconfigured(count: number, flags: readonly ServerFlag[]): Audit {
  if (flags.some((flag) => flag.value !== null))
    return unseen(
      'metrics: an encryption configuration is set, but the API server that answered counts nothing',
    );
  return {
    stored: count === 0 ? {} : { '': count },
    writes: '',
    evidence: [
      'metrics: the API server has no encryption configuration, so everything is stored in plain text',
    ],
  };
}

/** The prefix of all writes since the server started; undefined where there were none or several. */
function writtenAs({ to }: Transformations): string | undefined {
  const prefixes = Object.keys(byWholePrefix(to));
  return prefixes.length === 1 ? prefixes[0] : undefined;
}

const MAY_NOT_GET =
  'Secrets were listed by name, which moved no counter, and this account may not get them one by one';

/** Reads every Secret as a table row without object; the number of those that were gone, undefined where that is not allowed. */
async function readEach(
  client: Client,
  names: readonly SecretName[],
  atOnce: number,
): Promise<number | undefined> {
  let gone = 0;
  let forbidden = false;
  await inParallel(names, atOnce, async ({ namespace, name }) => {
    if (forbidden) return;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}?includeObject=None`;
    try {
      await client.json(
        { method: 'GET', path, headers: { Accept: TABLE } },
        { doing: `look at Secret ${namespace}/${name}`, secret: true },
      );
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      if (error.reason === 'forbidden') forbidden = true;
      else if (error.reason === 'notFound') gone++;
      else throw error;
    }
  });
  return forbidden ? undefined : gone;
}

/** Series by which an API server is known. */
const SIGN = /^(?:apiserver_request_total|kubernetes_build_info)\{/m;
const READ_LINES = new RegExp(`${SIGN.source}|${METRIC_LINES.source}`);

/** The counters of the server that answers, or in words why they cannot be seen. */
export async function readMetrics(client: Client): Promise<Transformations | string> {
  const about = { doing: 'read the metrics of the API server' };
  const answer = await client.send(
    { method: 'GET', path: '/metrics', headers: { Accept: 'text/plain' }, lines: READ_LINES },
    about,
  );
  if (answer.status === 403)
    return 'metrics: you may not read /metrics of the API server; ask for get on the non-resource URL /metrics';
  if (answer.status !== 200) return `metrics: the API server does not show them (${answer.status})`;
  const text = answer.body.toString('utf8');
  // Without such a series it is not an API server that answered, and an absent counter would mean nothing.
  if (!SIGN.test(text)) return 'metrics: what answers at /metrics is not an API server';
  return transformations(text);
}

const OTHER_SERVER =
  'metrics: two readings came from different API servers or from one that restarted in between';

function unseen(why: string, writes?: string): Audit {
  return { stored: undefined, writes, evidence: [why] };
}

function oneOfSeveral(count: number | undefined): string {
  return count === undefined
    ? 'metrics are those of the one API server that answered; how many there are is not known'
    : `metrics are those of one of ${count} API servers`;
}

function flagEvidence(flags: readonly ServerFlag[], hidden: string | undefined): string[] {
  if (hidden !== undefined) return [`API server arguments: ${hidden}`];
  return flags.map(({ server, value }) =>
    value === null
      ? `Pod kube-system/${printable(server, 100)}: no --encryption-provider-config`
      : `Pod kube-system/${printable(server, 100)}: --encryption-provider-config=${printable(value, 200)}`,
  );
}

function firstLine({ message }: ClusterError): string {
  return message.split('\n')[0] ?? '';
}
