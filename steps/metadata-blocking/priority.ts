import { at } from '../../src/model/manifest.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import type { ClusterWide } from './mechanisms.js';

/**
 * A priority that no policy of the mechanism's tier has: the first one from that of the template on, else from the first
 * that the mechanism takes.
 * @returns undefined where every one of them is taken
 */
export function freePriority(
  now: Snapshot,
  { kind, fixed, ownPriority }: ClusterWide,
  wanted?: unknown,
): number | undefined {
  if (ownPriority === undefined) return undefined;
  const tier = fixed.find(([field]) => field === 'tier')?.[1];
  const used = new Set(
    objects(now, kind)
      .filter((object) => at(object.spec, 'tier') === tier)
      .map((object) => at(object.spec, 'priority')),
  );
  const { from, to } = ownPriority;
  const start = typeof wanted === 'number' ? wanted : from;
  for (const first of [start, from])
    for (let priority = first; priority <= to; priority++) if (!used.has(priority)) return priority;
  return undefined;
}
