import { printable } from '../model/escape.js';
import { ClusterError, type GateResult } from '../wizard/ports.js';
import type { Client } from './client.js';
import { readMetrics } from './encryption.js';
import { shownAddress } from './errors.js';
import { byWholePrefix, moved } from './metrics.js';
import { createScratch, removeScratch, SCRATCH_NAMESPACE, type Scratch, touch } from './scratch.js';
import { apiServers, encryptionFlags } from './servers.js';

/** Fresh connections to an address behind which several servers may stand: of two, both are met but once in 500. */
const TRIES = 10;
/** One server needs one try; a second one shows that the first did not change anything that stayed. */
const TRIES_PER_SERVER = 2;

/** No waiting for what cannot be reached: there may be many addresses, and the answer is "not reached". */
const IMPATIENT = { attempts: 2, firstWait: 100, longestWait: 100, longestRetryAfter: 2_000 };

/**
 * Whether re-writing Secrets is safe: all API servers that can be reached write and read the same stored form, and
 * that form is encrypted. An empty patch through a server with another configuration would turn encrypted values back
 * into plain text, each with answer 200; so one meaningless Secret is written and patched through all of them first.
 * @throws ClusterError where the given server fails before anything was found out
 */
export async function gate(client: Client): Promise<GateResult> {
  const evidence: string[] = [];
  let scratch: Scratch | undefined;
  const steady = client.over({ sockets: 1 });
  try {
    const written = await writeObserved(steady);
    if ('refusal' in written) return closed(written.refusal, evidence);
    scratch = written.scratch;
    const agreement = await ask(client, scratch, evidence);
    if (agreement.reason !== undefined) return closed(agreement.reason, evidence);
    const reason = await plainText(client, written.as, evidence);
    return reason === undefined
      ? { open: true, servers: agreement.servers, evidence }
      : closed(reason, evidence);
  } finally {
    // The result holds this list: what is added here is still told.
    if (scratch !== undefined && !(await removeScratch(client, scratch)))
      evidence.push(
        `the scratch Secret ${SCRATCH_NAMESPACE}/${scratch.name} could not be removed: delete it by hand`,
      );
    steady.close();
  }
}

const closed = (reason: string, evidence: readonly string[]): GateResult => ({
  open: false,
  reason,
  evidence,
});

/** How the given server wrote: prefixes that its counters moved under, or why they cannot be seen. */
type WrittenAs = { seen: readonly string[] } | { hidden: string };

/** Attempts to see one write apart from those of others: before 1.32 counters do not tell resources apart. */
const LOOKS = 3;

async function writeObserved(
  client: Client,
): Promise<{ scratch: Scratch; as: WrittenAs } | { refusal: string }> {
  for (let look = 1; ; look++) {
    const before = await readMetrics(client);
    let scratch: Scratch;
    try {
      scratch = await createScratch(client);
    } catch (error) {
      if (!(error instanceof ClusterError) || !['forbidden', 'refused', 'invalid'].includes(error.reason))
        throw error;
      return { refusal: `whether API servers agree cannot be tried out: ${inSentence(error)}` };
    }
    const after = await readMetrics(client).catch(() => 'metrics: the second reading failed');
    if (typeof before === 'string') return { scratch, as: { hidden: before } };
    if (typeof after === 'string') return { scratch, as: { hidden: after } };
    if (before.startedAt !== after.startedAt)
      return { scratch, as: { hidden: 'metrics: two readings came from different API servers' } };
    const seen = Object.keys(byWholePrefix(moved(before.to, after.to)));
    const mixed = seen.includes('') && seen.length > 1;
    if (!mixed || look === LOOKS || !(await removeScratch(client, scratch))) return { scratch, as: { seen } };
  }
}

/** Patches the scratch Secret through every address, each time over a connection of its own. */
async function ask(
  client: Client,
  scratch: Scratch,
  evidence: string[],
): Promise<{ servers: readonly string[]; reason?: string }> {
  const given = client.route.server;
  const { addresses, count, reason } = await apiServers(client);
  if (reason !== undefined && count !== 1)
    evidence.push(`API servers behind ${shownAddress(given)} are not known one by one: ${reason}`);
  const names = [new URL(given).hostname, 'kubernetes.default.svc', 'kubernetes'];
  const routes = [
    { server: given, tries: TRIES, client: client.over({ keepAlive: false }) },
    ...addresses
      .filter((address) => !sameServer(address, given))
      .map((address) => ({
        server: address,
        tries: TRIES_PER_SERVER,
        client: client.over(
          {
            server: address,
            keepAlive: false,
            certificateNames: [new URL(address).hostname.replace(/^\[|\]$/g, ''), ...names],
          },
          IMPATIENT,
        ),
      })),
  ];
  const servers: string[] = [];
  const missed: string[] = [];
  for (const { server, tries, client: fresh } of routes) {
    const shown = shownAddress(server);
    for (let at = 0; at < tries; at++) {
      try {
        const version = await touch(fresh, SCRATCH_NAMESPACE, scratch.name);
        if (version !== scratch.resourceVersion)
          return {
            servers,
            reason: `API servers disagree: a Secret that one wrote was stored in another form by the next (through ${shown}).`,
          };
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error;
        if (error.reason === 'unreachable' && server !== given) {
          missed.push(shown);
          break;
        }
        if (error.reason === 'server' || error.reason === 'notFound')
          return {
            servers,
            reason: `API servers disagree: a Secret that one wrote cannot be read through ${shown} (${error.status ?? 'no answer'}).`,
          };
        if (server === given || error.reason !== 'unauthorized') throw error;
        missed.push(shown);
        break;
      }
    }
    fresh.close();
    if (!missed.includes(shown)) servers.push(shown);
  }
  evidence.push(
    `a scratch Secret kept its stored form through ${servers.map((s) => printable(s, 120)).join(', ')}, over fresh connections`,
  );
  for (const server of missed)
    evidence.push(`API server ${server} could not be reached from here and was not tried`);
  return { servers };
}

function sameServer(a: string, b: string): boolean {
  return new URL(a).host === new URL(b).host;
}

/** Why a re-write would not encrypt; undefined where it would. */
async function plainText(client: Client, as: WrittenAs, evidence: string[]): Promise<string | undefined> {
  if ('seen' in as) {
    if (as.seen.length > 0 && as.seen.every((prefix) => prefix !== '')) {
      evidence.push(
        `metrics: the scratch Secret was written as ${as.seen.map((p) => printable(p, 120)).join(' or ')}`,
      );
      return undefined;
    }
    evidence.push(
      as.seen.length === 0
        ? 'metrics: writing the scratch Secret moved no counter of encryption'
        : 'metrics: values were written in plain text while the scratch Secret was',
    );
    return 'this API server writes Secrets in plain text: set up encryption first (or try again where somebody else wrote meanwhile).';
  }
  evidence.push(as.hidden);
  const { flags, reason } = await encryptionFlags(client);
  if (reason !== undefined) evidence.push(`API server arguments: ${reason}`);
  const without = flags.filter((flag) => flag.value === null);
  if (without.length > 0)
    return `API server ${printable(without[0]!.server, 100)} runs without --encryption-provider-config: set up encryption first.`;
  if (flags.length === 0)
    return 'neither metrics nor arguments of the API server can be seen, so nothing tells that it encrypts what it writes.\nUse an account that may read /metrics.';
  for (const { server, value } of flags)
    evidence.push(
      `${printable(server, 100)} runs with --encryption-provider-config=${printable(value ?? '', 200)}; whether it writes encrypted is not visible`,
    );
  return undefined;
}

function inSentence({ message }: ClusterError): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
