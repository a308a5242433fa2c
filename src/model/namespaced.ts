import type { KindName } from './kinds.js';
import type { Manifest } from './manifest.js';
import { objects, type Snapshot } from './snapshot.js';

type ByNamespace = ReadonlyMap<string, readonly Manifest[]>;

const known = new WeakMap<Snapshot, Map<KindName, ByNamespace>>();
const NONE: readonly Manifest[] = [];

/** The objects of a kind in one namespace; a snapshot is sorted by namespace once, so that asking for each is cheap. */
export function objectsIn(now: Snapshot, kind: KindName, namespace: string): readonly Manifest[] {
  const kinds = known.get(now) ?? new Map<KindName, ByNamespace>();
  known.set(now, kinds);
  let byNamespace = kinds.get(kind);
  if (byNamespace === undefined) {
    byNamespace = Map.groupBy(objects(now, kind), ({ metadata }) => metadata.namespace ?? '');
    kinds.set(kind, byNamespace);
  }
  return byNamespace.get(namespace) ?? NONE;
}
