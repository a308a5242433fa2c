import { at, isRecord, type Manifest } from '../model/manifest.js';
import type { ApplyChange } from '../model/plan.js';
import { canonical } from '../model/plan.js';
import { quotaAmounts } from '../model/quota.js';
import { type Cluster, ClusterError } from './ports.js';

/** How long a quota is given until its controller has counted what is in use. */
const PATIENCE_MS = 3_000;

export type Settled = { holds: true; message?: string } | { holds: false; message: string };

/**
 * Looks at an object once more after it was written, where the change asks for that: `stored`: it still says what was
 * written, so that what comes next may stand on it. `enforced`: its status has the amounts, since a quota is enforced
 * only then.
 */
export async function settle(
  cluster: Cluster,
  change: ApplyChange,
  written: Manifest,
  signal: AbortSignal,
): Promise<Settled> {
  if (change.settles === undefined) return { holds: true };
  try {
    return change.settles === 'stored'
      ? await stored(cluster, change, written)
      : await enforced(cluster, change, signal);
  } catch (error) {
    // It is written: that it cannot be read again is told by the verification.
    if (error instanceof ClusterError && error.reason !== 'unreachable' && error.reason !== 'unauthorized')
      return { holds: true, message: 'could not be read again' };
    throw error;
  }
}

async function stored(cluster: Cluster, { ref }: ApplyChange, written: Manifest): Promise<Settled> {
  const again = await cluster.get(ref);
  if (again !== undefined && canonical(again.spec) === canonical(written.spec)) return { holds: true };
  return {
    holds: false,
    message: `somebody ${again === undefined ? 'removed' : 'changed'} it right after it was written: find out who manages it, then run this again`,
  };
}

async function enforced(
  cluster: Cluster,
  { ref, manifest }: ApplyChange,
  signal: AbortSignal,
): Promise<Settled> {
  const wanted = Object.entries(quotaAmounts(at(manifest, 'spec', 'hard')));
  const until = Date.now() + PATIENCE_MS;
  for (let wait = 25; ; wait = Math.min(wait * 2, 500)) {
    const status = at(await cluster.get(ref), 'status');
    const hard = quotaAmounts(at(status, 'hard'));
    if (wanted.every(([key, amount]) => hard[key] === amount) && isRecord(at(status, 'used')))
      return { holds: true, message: 'in force' };
    if (signal.aborted || Date.now() + wait > until)
      return { holds: true, message: 'the quota controller has not taken it over yet: not in force' };
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
