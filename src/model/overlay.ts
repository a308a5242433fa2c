import { KINDS, type KindName } from './kinds.js';
import { isRecord, type Manifest, refOf, sameRef } from './manifest.js';
import type { Change } from './plan.js';
import type { Snapshot } from './snapshot.js';

/**
 * The snapshot as it will be once the changes are made. Steps compose through this: each plans on what the chosen
 * changes of earlier steps leave behind. Host and cloud changes and re-writes do not alter listed objects.
 */
export function overlay(now: Snapshot, changes: readonly Change[]): Snapshot {
  const listings = new Map(now.listings);
  for (const change of changes) {
    if (change.kind !== 'apply' && change.kind !== 'delete') continue;
    const name = kindNameOf(change.ref);
    const listing = name === undefined ? undefined : listings.get(name);
    if (name === undefined || listing?.state !== 'read') continue;
    const live = listing.items.find((item) => sameRef(refOf(item), change.ref));
    const rest = listing.items.filter((item) => item !== live);
    listings.set(name, {
      ...listing,
      items:
        change.kind === 'delete'
          ? rest
          : [...rest, live === undefined ? change.manifest : merged(live, change.manifest)],
    });
  }
  return { ...now, listings };
}

/** Maps merge, everything else is replaced: what server-side apply does to kinds whose lists are atomic. */
function merged(live: Manifest, applied: Manifest): Manifest {
  return mergeMaps(live, applied) as Manifest;
}

function mergeMaps(live: unknown, applied: unknown): unknown {
  if (!isRecord(live) || !isRecord(applied)) return applied;
  const out: Record<string, unknown> = { ...live };
  for (const [key, value] of Object.entries(applied)) {
    if (value !== undefined) out[key] = mergeMaps(live[key], value);
  }
  return out;
}

function kindNameOf(ref: { apiVersion: string; kind: string }): KindName | undefined {
  const group = (v: string) => (v.includes('/') ? v.slice(0, v.indexOf('/')) : '');
  return (Object.keys(KINDS) as KindName[]).find(
    (name) =>
      KINDS[name].kind === ref.kind &&
      KINDS[name].apiVersions.some((v) => group(v) === group(ref.apiVersion)),
  );
}
