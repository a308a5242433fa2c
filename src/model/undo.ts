import type { Stamped } from './journal.js';
import type { Manifest, Ref } from './manifest.js';

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
        unheard: false,
      });
    }
  }
  return [...deeds.values()].reverse();
}
