import { KINDS, type KindName, kindOf } from '../model/kinds.js';
import type { Manifest } from '../model/manifest.js';
import type { Listing, Snapshot } from '../model/snapshot.js';

export function isSnapshot(objects: Iterable<Manifest> | Snapshot): objects is Snapshot {
  return 'listings' in objects;
}

/** Every object of a snapshot, or of files as they are. */
export function allObjects(objects: Iterable<Manifest> | Snapshot): readonly Manifest[] {
  if (!isSnapshot(objects)) return [...objects];
  return [...objects.listings.values()].flatMap((listing) => (listing.state === 'read' ? listing.items : []));
}

/** Objects of files in the form that the model's own readers take: what is not there counts as read and empty. */
export function snapshotOf(all: readonly Manifest[]): Snapshot {
  const items = new Map<KindName, Manifest[]>();
  for (const name of Object.keys(KINDS) as KindName[]) items.set(name, []);
  for (const object of all) {
    const row = kindOf(object);
    if (row !== undefined) items.get(row.kind as KindName)?.push(object);
  }
  const listings = new Map<KindName, Listing>();
  for (const [name, list] of items)
    listings.set(name, { state: 'read', apiVersion: KINDS[name].apiVersions[0] ?? '', items: list });
  return {
    cluster: {
      context: '',
      id: '',
      version: { major: 1, minor: 0, git: '' },
      sandbox: false,
    },
    takenAt: '',
    listings,
    scope: { exclude: [] },
  };
}
