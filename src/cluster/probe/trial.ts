import { refOf } from '../../model/manifest.js';
import { type ProbeOptions, type ProbeVerdict, probeSeconds } from '../../model/policy-probe.js';
import type { Client } from '../client.js';
import { deleteObject } from '../write.js';
import { CONNECT_SECONDS, clientManifest, denyManifest, PORT, serverManifest } from './manifests.js';
import { type Bounds, create, createPod, Inconclusive, podUntil, stopped } from './pods.js';

/** What one client found. */
interface Attempt {
  reached: boolean;
  /** Its last words where it did not. */
  why: string;
  node: string;
}

/** Words with which agnhost tells why it could not connect; anything else is not about the network. */
const NETWORK = /(^|; )(TIMEOUT|REFUSED|OTHER)\b/;
/** Attempts that have to fail one after the other: the first packets of a new pod get lost on some networks. */
const CUT = 2;

/**
 * The trial itself, in a scratch namespace that is there: a server; clients that reach it; a deny policy; clients that
 * no longer do; the policy away; clients that do again. That last part tells the policy's effect from a server that died.
 * @throws Inconclusive, ClusterError
 */
export async function trial(
  client: Client,
  namespace: string,
  options: ProbeOptions,
  bounds: Bounds,
  stage: (text: string) => void,
): Promise<{ verdict: ProbeVerdict; evidence: string }> {
  const { image, startSeconds, settleSeconds } = options;
  const lifetime = probeSeconds(options) + options.removeSeconds;
  stage('starting the pod that listens');
  const server = serverManifest(namespace, image, lifetime);
  await createPod(client, server, bounds);
  const { address, node } = await podUntil(client, server, 'running', startSeconds, bounds);

  let count = 0;
  const connect = async (): Promise<Attempt> => {
    count += 1;
    const pod = clientManifest(namespace, `client-${count}`, image, lifetime, address);
    await createPod(client, pod, bounds);
    const end = await podUntil(client, pod, 'ended', startSeconds + CONNECT_SECONDS, bounds);
    const reached = end.exitCode === 0;
    const known = end.exitCode === 1 && NETWORK.test(end.message);
    if (!reached && !known)
      throw new Inconclusive(
        `pod client-${count} ended with exit code ${end.exitCode} (${end.message || 'no message'}): is the image one of agnhost?`,
      );
    return { reached, why: end.message, node: end.node };
  };

  stage('connecting without a policy');
  const before = await untilReached(connect, settleSeconds, bounds);
  if (!before.reached)
    throw new Inconclusive(
      `one pod could not reach another one (${before.why}) before any policy was written: another policy may cover new namespaces, or pods cannot connect here`,
    );

  stage('writing the policy, connecting again');
  const deny = denyManifest(namespace);
  await create(client, deny);
  const written = performance.now();
  const elapsed = () => Math.round((performance.now() - written) / 1000);
  const nodes = `a pod on node ${before.node} reached a pod on node ${node} (TCP ${PORT})`;
  let failed = 0;
  let last: Attempt;
  do {
    // One that begins after the time to settle has the last word.
    const final = performance.now() >= written + settleSeconds * 1000;
    last = await connect();
    failed = last.reached ? 0 : failed + 1;
    if (last.reached && final)
      return {
        verdict: 'notEnforced',
        evidence: `${nodes}, and still did ${elapsed()} s after a policy was written that denies it`,
      };
  } while (failed < CUT);

  stage('removing the policy, connecting again');
  await deleteObject(client, refOf(deny));
  const after = await untilReached(connect, settleSeconds, bounds);
  if (!after.reached)
    throw new Inconclusive(
      `the connection failed under a policy that denies it (${last.why}), and still did ${settleSeconds} s after that policy was removed (${after.why})`,
    );
  return {
    verdict: 'enforced',
    evidence: `${nodes}, not while a policy denied it (${last.why}), and again once that policy was removed`,
  };
}

/** Connects until it works; the last attempt begins after the time to settle. */
async function untilReached(
  connect: () => Promise<Attempt>,
  settleSeconds: number,
  bounds: Bounds,
): Promise<Attempt> {
  const until = performance.now() + settleSeconds * 1000;
  for (;;) {
    stopped(bounds);
    const final = performance.now() >= until;
    const attempt = await connect();
    if (attempt.reached || final) return attempt;
  }
}
