import type { Stamped } from './journal.js';
import { at, isRecord, listAt, type Manifest, type Ref, stringAt } from './manifest.js';
import { MANAGED_BY } from './ours.js';

/** What a run did to one object, as far as its journal tells. */
export interface Deed {
  step: string;
  /** Id of the change. */
  change: string;
  /** Kind of the change: `apply`, `delete`, `rewrite`, `host`, `cloud`. */
  kind: string;
  ref: Ref;
  /** The object did not exist before. */
  created: boolean;
  /** Name of the object as it was before the run, where it existed. */
  before?: string;
  /** Name of the object as the run left it; absent where the run died before it heard of it, and for a removal. */
  after?: string;
  /** A round that turns encryption on: before it nothing was written under a key. */
  turnsOn?: true;
  /** Somebody else created it in the very moment of the write. */
  shared?: true;
  /** The run died between asking for the write and hearing of it. */
  unheard: boolean;
}

/** A deed with the objects that were kept. */
export interface DeedWithImages extends Omit<Deed, 'before' | 'after'> {
  before?: Manifest;
  after?: Manifest;
}

/**
 * What a run did, newest first, once for each object: as it was before the first write and after the last. Changes that
 * were not begun are no deeds.
 */
export function deedsOf(entries: readonly Stamped[]): readonly Deed[] {
  const planned = new Map<string, { kind: string; ref: Ref }>();
  const deeds = new Map<string, Deed>();
  for (const entry of entries) {
    if (entry.type === 'confirmed')
      for (const { id, kind, ref } of entry.changes) planned.set(id, { kind, ref });
    if (entry.type !== 'applying' && entry.type !== 'applied') continue;
    const change = planned.get(entry.change);
    if (change === undefined) continue;
    const known = deeds.get(entry.change);
    if (entry.type === 'applying') {
      const first: Deed = {
        step: entry.step,
        change: entry.change,
        ...change,
        created: entry.before === undefined,
        ...(entry.before === undefined ? {} : { before: entry.before }),
        ...(entry.turnsOn === true ? { turnsOn: true as const } : {}),
        unheard: true,
      };
      deeds.set(entry.change, known === undefined ? first : { ...known, unheard: true });
    } else if (known !== undefined) {
      deeds.set(entry.change, {
        ...known,
        ...(entry.after === undefined ? {} : { after: entry.after }),
        ...(entry.shared === true ? { shared: true as const } : {}),
        unheard: false,
      });
    }
  }
  return [...deeds.values()].reverse();
}

/**
 * Whether an object is as a write left it of which nobody heard, so that it stands for the object after the write: its
 * own managed fields say so. Ours are the newest, what controllers keep in `status` aside; a change of fields that we own
 * by somebody else would have taken them from us.
 * @param before the object before the write, where it existed
 * @param live the object as it is, with all its managed fields
 */
export function isAsLeft(before: Manifest | undefined, live: Manifest): boolean {
  const { uid, resourceVersion, deletionTimestamp } = live.metadata;
  if (deletionTimestamp !== undefined) return false;
  if (
    before !== undefined &&
    (before.metadata.uid !== uid || before.metadata.resourceVersion === resourceVersion)
  )
    return false;
  const entries = writersOf(live);
  const timeOf = (entry: unknown) => Date.parse(stringAt(entry, 'time') ?? '');
  const own = entries.find(isOurs);
  return own !== undefined && entries.every((entry) => isOurs(entry) || timeOf(entry) <= timeOf(own));
}

/** Whether nobody else has written an object, what controllers keep in `status` aside. */
export function isOursAlone(live: Manifest): boolean {
  return writersOf(live).every(isOurs);
}

function writersOf(live: Manifest): readonly unknown[] {
  return listAt(live, 'metadata', 'managedFields').filter(
    (entry) => stringAt(entry, 'subresource') === undefined && !isStatusOnly(entry),
  );
}

function isOurs(entry: unknown): boolean {
  return stringAt(entry, 'manager') === MANAGED_BY && stringAt(entry, 'operation') === 'Apply';
}

/** Servers before 1.22 do not name the subresource. */
function isStatusOnly(entry: unknown): boolean {
  const fields = at(entry, 'fieldsV1');
  return isRecord(fields) && Object.keys(fields).join() === 'f:status';
}
