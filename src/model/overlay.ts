import { KINDS, type KindName, kindOf } from './kinds.js';
import { isRecord, type Manifest, refOf, sameRef } from './manifest.js';
import { isManaged, MANAGED_BY, managedByUs } from './ours.js';
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
          : [...rest, managedByUs(live === undefined ? change.manifest : merged(live, change.manifest))],
    });
  }
  return { ...now, listings };
}

/** Maps that server-side apply replaces as a whole: label selectors are atomic structs, a Service's is an atomic map. */
const ATOMIC = ['podSelector', 'namespaceSelector', 'objectSelector', 'labelSelector', 'selector'];

/** Policies that we own whole. */
const OWNED = [
  'NetworkPolicy',
  'CiliumNetworkPolicy',
  'ClusterNetworkPolicy',
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
  'GlobalNetworkPolicy',
  'CiliumClusterwideNetworkPolicy',
];

/** Maps merge, everything else is replaced: what server-side apply does to kinds whose lists are atomic. */
function merged(live: Manifest, applied: Manifest): Manifest {
  // What we own whole: a list of rules that is left out, or a note, is taken away from the policy that we wrote before.
  if (OWNED.includes(applied.kind) && applied.spec !== undefined && isManaged(live))
    return { ...(mergeMaps(withoutNotes(live), applied) as Manifest), spec: applied.spec };
  return mergeMaps(live, applied) as Manifest;
}

function withoutNotes(live: Manifest): Manifest {
  const { annotations, ...metadata } = live.metadata;
  if (annotations === undefined) return live;
  const others = Object.entries(annotations).filter(([key]) => !key.startsWith(`${MANAGED_BY}/`));
  return { ...live, metadata: { ...metadata, annotations: Object.fromEntries(others) } };
}

function mergeMaps(live: unknown, applied: unknown): unknown {
  if (!isRecord(live) || !isRecord(applied)) return applied;
  const out: Record<string, unknown> = { ...live };
  for (const [key, value] of Object.entries(applied)) {
    if (value !== undefined) out[key] = ATOMIC.includes(key) ? value : mergeMaps(live[key], value);
  }
  return out;
}

function kindNameOf(ref: { apiVersion: string; kind: string }): KindName | undefined {
  const kind = kindOf(ref);
  return (Object.keys(KINDS) as KindName[]).find((name) => KINDS[name] === kind);
}
