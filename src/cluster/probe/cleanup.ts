import type { Ref } from '../../model/manifest.js';
import { isOurs } from '../../model/ours.js';
import { isAbandonedProbe, PROBE_COMPONENT, type ProbeLeftover } from '../../model/policy-probe.js';
import { ClusterError } from '../../wizard/ports.js';
import type { Client } from '../client.js';
import { pause } from '../retry.js';
import { deleteObject, getObject } from '../write.js';

/** Between two looks at a namespace that is on its way out, in milliseconds: the first, and the longest. */
const SOON = 100;
const EVERY = 500;
/** How often a namespace is deleted, each time over another connection, before it is given up. */
const ATTEMPTS = 3;

function refOfNamespace(name: string): Ref {
  return { apiVersion: 'v1', kind: 'Namespace', name };
}

/**
 * Deletes a scratch namespace and waits until it is gone.
 * @param patience seconds to wait for it to be gone
 * @returns why it is still there; undefined where it is not
 */
export async function removeNamespace(
  client: Client,
  { name, uid }: { name: string; uid?: string },
  patience: number,
): Promise<string | undefined> {
  let refusal = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    // Over a connection of its own: what broke the probe may have been the one it had.
    const fresh = client.over({ keepAlive: false });
    try {
      const there = await deleteObject(fresh, refOfNamespace(name), uid === undefined ? {} : { uid });
      return there ? await leftAfter(fresh, name, patience) : undefined;
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      refusal = firstLine(error);
    } finally {
      fresh.close();
    }
    if (attempt < ATTEMPTS) await pause(EVERY);
  }
  return `namespace ${name} could not be removed: ${refusal}`;
}

async function leftAfter(client: Client, name: string, patience: number): Promise<string | undefined> {
  const until = performance.now() + patience * 1000;
  for (let wait = SOON; ; wait = Math.min(2 * wait, EVERY)) {
    // Its content goes in its own time; a look that fails is not yet a namespace that stays.
    const there = await getObject(client, refOfNamespace(name)).catch((error: unknown) => {
      if (error instanceof ClusterError) return null;
      throw error;
    });
    if (there === undefined) return undefined;
    if (performance.now() >= until)
      return `namespace ${name} is being deleted, and was still there after ${patience} s`;
    await pause(wait);
  }
}

/**
 * Removes what an earlier probe left behind, if it still is that: the server lists us as its maker, and it is the one
 * that was confirmed.
 * @returns why it is still there; undefined where it is not
 */
export async function removeLeftover(
  client: Client,
  { name, uid }: ProbeLeftover,
  patience: number,
): Promise<string | undefined> {
  try {
    const live = await getObject(client, refOfNamespace(name));
    if (live === undefined) return undefined;
    const proven = isOurs(live, PROBE_COMPONENT) && live.metadata.uid === uid;
    if (!proven || !isAbandonedProbe(live, new Date().toISOString()))
      return `namespace ${name} was left alone: nothing proves that a probe made it`;
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    return `namespace ${name} could not be looked at: ${firstLine(error)}`;
  }
  return removeNamespace(client, { name, uid }, patience);
}

/** An error's first line in the middle of a sentence. */
export function firstLine({ message }: ClusterError): string {
  const line = message.split('\n').join(' ').replace(/\.$/, '');
  return line.charAt(0).toLowerCase() + line.slice(1);
}
