import { randomBytes } from 'node:crypto';
import { PROBE_PREFIX, type ProbeFacts, probeSeconds } from '../../model/policy-probe.js';
import { rightsText } from '../../model/rights.js';
import { commandLine } from '../../model/shell.js';
import { ClusterError, type ProbeRequest } from '../../wizard/ports.js';
import { lacking } from '../access.js';
import type { Client } from '../client.js';
import type { RetryPolicy } from '../retry.js';
import { firstLine, removeLeftover, removeNamespace } from './cleanup.js';
import { namespaceManifest } from './manifests.js';
import { PROBE_NEEDS } from './needs.js';
import { create, Inconclusive } from './pods.js';
import { trial } from './trial.js';

/** A probe is bounded in time: a server that is away is not waited for as patiently as elsewhere. */
const RETRY: RetryPolicy = { attempts: 3, firstWait: 250, longestWait: 1_000, longestRetryAfter: 5_000 };

/**
 * Finds out by trying whether NetworkPolicies have an effect: two short pods and a deny policy in a scratch namespace,
 * which is removed whatever happens. Only the status of the pods is read. Every wait is bounded.
 * @param kubectl `kubectl` with the flags that name this cluster, for commands that people are told
 * @throws what `request.before` throws; nothing has been created then
 */
export async function probePolicies(
  client: Client,
  kubectl: readonly string[],
  request: ProbeRequest,
): Promise<ProbeFacts> {
  const { options, signal } = request;
  const left: { namespace: string; command: string }[] = [];
  const evidence: string[] = [];
  const keep = (namespace: string, why: string | undefined) => {
    if (why === undefined) return;
    evidence.push(why);
    left.push({ namespace, command: commandLine([...kubectl, 'delete', 'namespace', namespace]) });
  };
  const ended = (verdict: ProbeFacts['verdict'], first: string): ProbeFacts => ({
    verdict,
    evidence: [first, ...evidence],
    at: new Date().toISOString(),
    interrupted: signal?.aborted === true,
    left,
  });

  const bounded = client.over({}, RETRY);
  try {
    const namespace = `${PROBE_PREFIX}${randomBytes(6).toString('hex')}`;
    const refusal = await refusalOf(bounded);
    if (refusal !== undefined) return ended('inconclusive', `${refusal}; nothing was created`);
    await request.before(namespace);
    for (const leftover of request.leftovers) {
      request.onStage?.(`removing namespace ${leftover.name} of an earlier probe`);
      keep(leftover.name, await removeLeftover(bounded, leftover, options.removeSeconds));
    }
    return await inScratch(bounded, namespace, request, keep, ended);
  } finally {
    bounded.close();
  }
}

type Ended = (verdict: ProbeFacts['verdict'], first: string) => ProbeFacts;

/** The trial in a new namespace, which is removed before this returns or throws. */
async function inScratch(
  client: Client,
  namespace: string,
  { options, signal, onStage = () => {} }: ProbeRequest,
  keep: (namespace: string, why: string | undefined) => void,
  ended: Ended,
): Promise<ProbeFacts> {
  const bounds = { until: performance.now() + probeSeconds(options) * 1000, signal };
  let uid: string | undefined;
  let found: Parameters<Ended> | undefined;
  let unexpected: unknown;
  try {
    onStage(`creating namespace ${namespace}`);
    uid = await create(client, namespaceManifest(namespace));
    const { verdict, evidence } = await trial(client, namespace, options, bounds, onStage);
    found = [verdict, evidence];
  } catch (error) {
    if (error instanceof Inconclusive) found = ['inconclusive', error.message];
    else if (error instanceof ClusterError) found = ['inconclusive', firstLine(error)];
    else unexpected = error;
  }
  onStage(`removing namespace ${namespace}`);
  // By its name also where no answer told that it was made: it may be there all the same.
  const scratch = uid === undefined ? { name: namespace } : { name: namespace, uid };
  keep(namespace, await removeNamespace(client, scratch, options.removeSeconds));
  if (found === undefined) throw unexpected;
  return ended(...found);
}

/** Why it cannot begin; undefined where it can. */
async function refusalOf(client: Client): Promise<string | undefined> {
  try {
    const missing = await lacking(client, PROBE_NEEDS);
    return missing.length === 0
      ? undefined
      : `this account may not ${rightsText(missing.map(({ right }) => right))}`;
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    return firstLine(error);
  }
}
