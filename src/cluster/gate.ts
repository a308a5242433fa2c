import { printable } from '../model/escape.js';
import { rightsText } from '../model/rights.js';
import { ClusterError, type GateOptions, type GateResult } from '../wizard/ports.js';
import { lackingSoftly } from './access.js';
import { agreement } from './agreement.js';
import type { Client } from './client.js';
import { readMetrics } from './encryption.js';
import { byWholePrefix, moved } from './metrics.js';
import { gateNeeds } from './rewrite/needs.js';
import {
  createScratch,
  isScratchResource,
  removeScratch,
  SCRATCH_NAMESPACE,
  type Scratch,
  type ScratchResource,
  sweepScratch,
  withMore,
} from './scratch.js';
import { encryptionFlags } from './servers.js';

/** The scratch objects while there are any, whatever happens meanwhile. */
interface Held {
  secret?: Scratch | undefined;
  others: Scratch[];
}

/**
 * Whether re-writing Secrets is safe: every listed API server writes and reads the same stored form, and that form was
 * seen to be the wanted one: encrypted, or plain text on the way back. An empty patch through a server with another
 * configuration would turn encrypted values back into plain text, each with answer 200; so one meaningless Secret is written and patched through all of them first; of other
 * resources one as well where it can be made, since a server may differ for those alone; where it cannot, that is said
 * like a server that could not be tried.
 * A server that could not be tried closes the gate, unless `evenIfUntried` says that a person looked at it.
 * @throws ClusterError where the given server fails before anything was found out
 */
export async function gate(client: Client, options: GateOptions = {}): Promise<GateResult> {
  const evidence: string[] = [];
  const held: Held = { others: [] };
  const steady = client.over({ sockets: 1 });
  let result: GateResult | undefined;
  let failure: unknown;
  try {
    result = await judged(client, steady, options, evidence, held);
  } catch (error) {
    failure = error;
  }
  const left = await leftover(client, steady, held);
  steady.close();
  // The result holds this list: what is added here is still told.
  if (left !== undefined) evidence.push(left);
  if (result !== undefined) return result;
  throw left !== undefined && failure instanceof ClusterError ? withMore(failure, left) : failure;
}

/** Removes the scratch objects; in words what is left where that failed. */
async function leftover(
  client: Client,
  steady: Client,
  { secret, others }: Held,
): Promise<string | undefined> {
  const left: string[] = [];
  for (const scratch of [...(secret === undefined ? [] : [secret]), ...others]) {
    // A server that cannot read an object cannot remove it either: others are met over other connections.
    const fresh = client.over({ keepAlive: false });
    if (!(await removeScratch([steady, fresh, fresh, fresh], scratch)))
      left.push(`the scratch ${scratch.kind} ${SCRATCH_NAMESPACE}/${scratch.name}`);
    fresh.close();
  }
  return left.length === 0 ? undefined : `${left.join(' and ')} could not be removed: delete it by hand`;
}

async function judged(
  client: Client,
  steady: Client,
  options: GateOptions,
  evidence: string[],
  held: Held,
): Promise<GateResult> {
  const closed = (reason: string) => ({ open: false as const, reason, evidence });
  const { resources = [] } = options;
  const lacks = await lackingSoftly(client, gateNeeds(resources));
  if (lacks.length > 0)
    return closed(
      `this account may not ${rightsText(lacks.map(({ right }) => right))}: whether API servers agree cannot be tried out. Nothing was written.`,
    );
  const written = await writeObserved(steady, held);
  if ('refusal' in written) return closed(written.refusal);
  const { servers, untried, alone, reason } = await agreement(
    client,
    written.scratch,
    written.configuration,
    evidence,
  );
  if (reason !== undefined) return closed(reason);
  const others = resources.filter((name) => name !== 'secrets');
  for (const resource of others.filter(isScratchResource)) {
    const differ = await whyDiffer(client, steady, resource, evidence, held);
    if (differ !== undefined) return closed(differ);
  }
  // One server has but one form, and one hash means one file.
  const known = alone || written.configuration !== undefined;
  const unmade = known ? [] : others.filter((name) => !isScratchResource(name)).map(unmadeText);
  evidence.push(...unmade.map((text) => `not tried: ${text}`));
  const form = await otherForm(client, written.as, options.under, evidence);
  if (form !== undefined) return closed(form);
  const open = [...untried, ...unmade];
  if (open.length > 0 && options.evenIfUntried !== true)
    return {
      ...closed(
        `not tried from here: ${open.map((one) => printable(one, 200)).join(', ')}. A server with another configuration would decrypt what is re-written, or could not read it.\nRun this where every API server can be reached, or check each and answer unreachedServers: goOn (rewrite-secrets: --unreached-servers goOn).`,
      ),
      untried: open,
    };
  return { open: true, servers, untried, writes: 'seen' in written.as ? written.as.seen : [], evidence };
}

function unmadeText(resource: string): string {
  return `${resource} (no scratch object is made of those: whether a server differs for them alone is not known)`;
}

/** Why API servers disagree about a resource, or why that cannot be tried; undefined where those that were met agree. */
async function whyDiffer(
  client: Client,
  steady: Client,
  resource: ScratchResource,
  evidence: string[],
  held: Held,
): Promise<string | undefined> {
  await sweepScratch(steady, resource);
  let scratch: Scratch;
  try {
    scratch = await createScratch(steady, resource);
  } catch (error) {
    return untriable(error);
  }
  held.others.push(scratch);
  const seen: string[] = [];
  const { reason } = await agreement(client, scratch, undefined, seen);
  evidence.push(...seen.filter((line) => !evidence.includes(line)));
  return reason;
}

/** A scratch object may not be written. @throws what says something else */
function untriable(error: unknown): string {
  if (!(error instanceof ClusterError) || !['forbidden', 'refused', 'invalid'].includes(error.reason))
    throw error;
  return `whether API servers agree cannot be tried out: ${inSentence(error)}`;
}

/** How the given server wrote: prefixes that its counters moved under, or why they cannot be seen. */
type WrittenAs = { seen: readonly string[] } | { hidden: string };

/** Attempts to see one write apart from those of others: before 1.32 counters do not tell resources apart. */
const LOOKS = 3;

async function writeObserved(
  client: Client,
  held: Held,
): Promise<{ scratch: Scratch; as: WrittenAs; configuration: string | undefined } | { refusal: string }> {
  const swept = sweepScratch(client);
  for (let look = 1; ; look++) {
    const [before] = await Promise.all([readMetrics(client), swept]);
    let scratch: Scratch;
    try {
      scratch = await createScratch(client);
    } catch (error) {
      return { refusal: untriable(error) };
    }
    held.secret = scratch;
    const after = await readMetrics(client).catch(() => 'metrics: the second reading failed');
    const hidden = [before, after].find((reading) => typeof reading === 'string');
    if (typeof before === 'string' || typeof after === 'string')
      return { scratch, as: { hidden: hidden ?? '' }, configuration: undefined };
    const { configuration } = after;
    const another = before.startedAt !== after.startedAt;
    const seen = Object.keys(byWholePrefix(moved(before.to, after.to)));
    const mixed = seen.includes('') && seen.length > 1;
    if ((another || mixed) && look < LOOKS && (await removeScratch([client], scratch))) {
      held.secret = undefined;
      continue;
    }
    if (another) {
      const as = { hidden: 'metrics: two readings came from different API servers' };
      return { scratch, as, configuration: undefined };
    }
    return { scratch, as: { seen }, configuration };
  }
}

/**
 * Why a re-write is not known to bring values into the form that is wanted; undefined where the written form was seen.
 * @param under the prefix that is wanted; empty: plain text; left out: any key
 */
async function otherForm(
  client: Client,
  as: WrittenAs,
  under: string | undefined,
  evidence: string[],
): Promise<string | undefined> {
  if (under === '') return encryptsStill(as, evidence);
  if ('seen' in as) {
    if (as.seen.length > 0 && as.seen.every((prefix) => prefix !== '')) {
      const seen = as.seen.map((p) => printable(p, 120)).join(' or ');
      evidence.push(`metrics: the scratch Secret was written as ${seen}`);
      // Old servers count provider and key apart, so that one may be all that is known.
      if (under === undefined || as.seen.some((one) => under.startsWith(one) || one.startsWith(under)))
        return undefined;
      return `this API server writes as ${seen}, and not as ${printable(under, 120)}: give it the configuration of the last round first.`;
    }
    evidence.push(
      as.seen.length === 0
        ? 'metrics: writing the scratch Secret moved no counter of encryption'
        : 'metrics: values were written in plain text while the scratch Secret was',
    );
    return 'this API server writes Secrets in plain text: set up encryption first (or try again where somebody else wrote meanwhile).';
  }
  evidence.push(as.hidden);
  const { flags } = await encryptionFlags(client);
  const without = flags.find((flag) => flag.value === null);
  if (without !== undefined)
    return `API server ${printable(without.server, 100)} runs without --encryption-provider-config: set up encryption first.`;
  // With identity first, the same flag would decrypt every Secret.
  return 'how this API server writes Secrets cannot be seen, and a flag does not prove that it encrypts them.\nUse an account that may get the non-resource URL /metrics, then run this again.';
}

/** On the way back to plain text: why this API server is not known to write it. */
function encryptsStill(as: WrittenAs, evidence: string[]): string | undefined {
  if ('hidden' in as) {
    evidence.push(as.hidden);
    return 'how this API server writes Secrets cannot be seen: that it writes plain text is not known.\nUse an account that may get the non-resource URL /metrics, then run this again.';
  }
  const encrypted = as.seen.filter((prefix) => prefix !== '');
  if (encrypted.length > 0)
    return `this API server still writes as ${encrypted.map((p) => printable(p, 120)).join(' or ')}: put identity first everywhere (or try again where something else was written meanwhile).`;
  evidence.push('metrics: the scratch Secret was written in plain text, as it should be');
  return undefined;
}

function inSentence({ message }: ClusterError): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
