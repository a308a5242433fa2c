import type { KindName } from '../../model/kinds.js';
import type { Need, Verb } from '../../model/rights.js';
import { resourceOf } from '../paths.js';

const VERBS: readonly (readonly [KindName, readonly Verb[]])[] = [
  ['Namespace', ['create', 'get', 'delete']],
  ['Pod', ['create', 'get']],
  ['NetworkPolicy', ['create', 'delete']],
];

/**
 * What a live probe does; without one of these it does not begin, for it could not end. Its scratch namespace has a
 * random name, so that none of this can be granted by name.
 */
export const PROBE_NEEDS: readonly Need[] = VERBS.flatMap(([kind, verbs]) =>
  verbs.map((verb) => ({
    right: { verb, ...resourceOf(kind) },
    for: 'a live probe of the network plugin',
    without: 'refused' as const,
  })),
);
