import type { Snapshot } from './snapshot.js';

/** A function of a snapshot that is asked often: snapshots never change, so that it is computed once for each. */
export function once<T>(make: (now: Snapshot) => T): (now: Snapshot) => T {
  const known = new WeakMap<Snapshot, { value: T }>();
  return (now) => {
    const found = known.get(now) ?? { value: make(now) };
    known.set(now, found);
    return found.value;
  };
}
