import { printable } from '../model/escape.js';
import { ClusterError } from '../wizard/ports.js';
import type { Client } from './client.js';
import { readMetrics } from './encryption.js';
import { shownAddress } from './errors.js';
import type { Transformations } from './metrics.js';
import { inParallel } from './pool.js';
import { type Scratch, touch } from './scratch.js';
import { apiServers } from './servers.js';

/** Whether API servers keep one stored form, and which of them could not be asked. */
export interface Agreement {
  /** Addresses through which the scratch Secret kept its stored form. */
  servers: readonly string[];
  /** Listed addresses behind which a server may stand that nobody met; in words where the list is not known. */
  untried: readonly string[];
  /** There is one API server, so that there is nothing to disagree with. */
  alone: boolean;
  /** Why they disagree; undefined where all that were asked agree. */
  reason?: string;
}

/** Fresh connections to an address behind which several servers may stand: of two, both are met but once in 500. */
const TRIES = 10;
/** One server needs one try; a second one shows that the first did not change anything that stayed. */
const TRIES_PER_SERVER = 2;
/** However servers are spread behind an address, and however often they restart. */
const MOST_TRIES = 100;

/** No waiting for what cannot be reached: there may be many addresses, and the answer is "not reached". */
const IMPATIENT = { attempts: 2, firstWait: 100, longestWait: 100, longestRetryAfter: 2_000 };

/**
 * Patches the scratch object with nothing through every listed address and through the given one, each time over a
 * connection of its own. A listed server that cannot be reached by its own address counts as tried only where it must
 * have been met behind the given one: as many processes answered there as servers are listed. A single listed server is
 * the given one.
 * @param configuration hash of the configuration of the server that wrote the scratch object, where it tells it
 * @throws ClusterError where the given server fails, or another one in a way that says nothing about stored forms
 */
export async function agreement(
  client: Client,
  scratch: Scratch,
  configuration: string | undefined,
  evidence: string[],
): Promise<Agreement> {
  const given = client.route.server;
  const { addresses, count, reason } = await apiServers(client);
  const alone = count === 1;
  const servers: string[] = [];
  const missed: string[] = [];
  for (const address of addresses.filter((one) => new URL(one).host !== new URL(given).host)) {
    const fault = await throughOwnAddress(client, address, scratch, configuration);
    if (fault === 'unreachable') missed.push(address);
    else if (fault !== undefined) return { servers, untried: missed, alone, reason: fault };
    else servers.push(address);
  }
  const wanted = missed.length > 0 && count !== 1 ? count : undefined;
  const behind = await throughGiven(client, scratch, wanted, configuration);
  if (behind.reason !== undefined) return { servers, untried: missed, alone, reason: behind.reason };
  servers.unshift(shownAddress(given));
  evidence.push(
    `a scratch ${scratch.kind} kept its stored form through ${servers.map((server) => printable(server, 120)).join(', ')}, over fresh connections`,
  );
  if (count === undefined) {
    const others = `API servers behind ${shownAddress(given)} (${reason})`;
    evidence.push(`${others} are not known one by one`);
    return { servers, untried: [`other ${others}`], alone };
  }
  if (missed.length === 0 || alone) return { servers, untried: [], alone };
  if (behind.met >= count) {
    evidence.push(`${behind.met} API servers were met behind ${shownAddress(given)}: all that are listed`);
    return { servers, untried: [], alone };
  }
  for (const server of missed)
    evidence.push(`API server ${server} could not be reached from here and was not tried`);
  return { servers, untried: missed, alone };
}

/** Why the server at its own address disagrees; `unreachable` where it says nothing; undefined where it agrees. */
async function throughOwnAddress(
  client: Client,
  address: string,
  scratch: Scratch,
  configuration: string | undefined,
): Promise<string | undefined> {
  const names = [
    new URL(address).hostname.replace(/^\[|\]$/g, ''),
    new URL(client.route.server).hostname,
    'kubernetes.default.svc',
    'kubernetes',
  ];
  const fresh = client.over({ server: address, keepAlive: false, certificateNames: names }, IMPATIENT);
  try {
    for (let at = 0; at < TRIES_PER_SERVER; at++) {
      const fault = await touched(fresh, scratch);
      if (fault !== undefined) return fault;
    }
    return await otherConfiguration(fresh, configuration);
  } catch (error) {
    if (error instanceof ClusterError && ['unreachable', 'unauthorized'].includes(error.reason))
      return 'unreachable';
    throw error;
  } finally {
    fresh.close();
  }
}

/**
 * Through the given address as often as it takes to meet `wanted` processes, told apart by when they began; ten times
 * where that does not matter.
 */
async function throughGiven(
  client: Client,
  scratch: Scratch,
  wanted: number | undefined,
  configuration: string | undefined,
): Promise<{ met: number; reason?: string }> {
  if (wanted === undefined) return { met: 0, ...(await throughMany(client, scratch)) };
  const lastMet = new Map<string, number>();
  let newest = 0;
  // A process that restarts is another one from then on: those count that were met since the last new one was.
  const met = () => [...lastMet.values()].filter((at) => at >= newest).length;
  const enough = (at: number) =>
    at >= MOST_TRIES || (at >= TRIES && (met() >= wanted || at - newest > 5 * (wanted + 1)));
  for (let at = 0; !enough(at); at++) {
    const fresh = client.over({ sockets: 1 });
    try {
      const metrics = await readMetrics(fresh);
      const process = typeof metrics === 'string' ? undefined : metrics.startedAt;
      const other = typeof metrics === 'string' ? undefined : differs(metrics, configuration);
      if (other) return { met: met(), reason: otherWords(fresh) };
      if (process !== undefined && !lastMet.has(process)) newest = at;
      if (process !== undefined) lastMet.set(process, at);
      const reason = await touched(fresh, scratch);
      if (reason !== undefined) return { met: met(), reason };
    } finally {
      fresh.close();
    }
  }
  return { met: met() };
}

/**
 * Through the given address so many times at once, over a connection each. A server that disagrees moves the stored form
 * for all who come after, and those move it back: whoever sees another version than the first has met one.
 */
async function throughMany(client: Client, scratch: Scratch): Promise<{ reason?: string }> {
  const reasons = await inParallel(Array.from({ length: TRIES }), TRIES, async () => {
    const fresh = client.over({ sockets: 1 });
    try {
      return await touched(fresh, scratch);
    } finally {
      fresh.close();
    }
  });
  const reason = reasons.find((one) => one !== undefined);
  return reason === undefined ? {} : { reason };
}

/** From 1.34 servers tell the SHA-256 of their configuration: a difference that one Secret does not show is seen there. */
async function otherConfiguration(
  fresh: Client,
  configuration: string | undefined,
): Promise<string | undefined> {
  if (configuration === undefined) return undefined;
  const metrics = await readMetrics(fresh);
  return typeof metrics !== 'string' && differs(metrics, configuration) ? otherWords(fresh) : undefined;
}

function differs(metrics: Transformations, configuration: string | undefined): boolean {
  return (
    configuration !== undefined &&
    metrics.configuration !== undefined &&
    metrics.configuration !== configuration
  );
}

function otherWords(fresh: Client): string {
  return `API servers disagree: the encryption configuration of ${printable(shownAddress(fresh.route.server), 120)} is another file than that of the first (by its hash). Give every API server the same file.`;
}

/** Why the server that answers disagrees with the one that wrote the scratch Secret; undefined where it agrees. */
async function touched(fresh: Client, scratch: Scratch): Promise<string | undefined> {
  const shown = printable(shownAddress(fresh.route.server), 120);
  try {
    const version = await touch(fresh, scratch);
    return version === scratch.resourceVersion
      ? undefined
      : `API servers disagree: a ${scratch.kind} that one wrote was stored in another form by the next (through ${shown}).`;
  } catch (error) {
    if (!(error instanceof ClusterError) || !['server', 'notFound'].includes(error.reason)) throw error;
    return `API servers disagree: a ${scratch.kind} that one wrote cannot be read through ${shown} (${error.status ?? 'no answer'}).`;
  }
}
