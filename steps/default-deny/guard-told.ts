import type { Finding } from '../../src/model/finding.js';
import { type Manifest, refOf, refText } from '../../src/model/manifest.js';
import { networkPlugin } from '../../src/model/plugins.js';
import type { Question } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { BUILT_IN } from './built-in.js';
import { guardChanges } from './guard-changes.js';
import { guardHere } from './guard-here.js';
import { includes, uncomputedGuard } from './guard-live.js';

/**
 * The question whether namespaces that are created later are closed: asked where there can be a guard, and there is none
 * or it is not as it should be. `left`: names of namespaces that can still be closed.
 */
export function guardQuestion(now: Snapshot, left: readonly string[], outside: boolean): readonly Question[] {
  const here = guardHere(now);
  if (here.flavour === undefined) return [];
  const { flavour, live } = here;
  const settled =
    live !== undefined &&
    guardChanges(now, { before: [], chosen: new Set(), outside }, BUILT_IN).length === 0 &&
    !(flavour.additive && left.some((name) => includes(live, name)));
  if (settled) return [];
  return [
    {
      id: 'newNamespaces',
      type: 'confirm',
      message: 'Are namespaces that are created from now on closed from the start?',
      help: `By ${flavour.title}. No namespace that is there and is not chosen is touched.`,
      risk: 'none',
      recommended: false,
      cautious: false,
    },
  ];
}

/** That new namespaces start open, while no guard is there, and whether one can be. */
export function unguarded(now: Snapshot): readonly Finding[] {
  const here = guardHere(now);
  if (networkPlugin(now).verdict !== 'enforced' || (here.flavour !== undefined && here.live !== undefined))
    return [];
  return [
    {
      id: 'new-namespaces-open',
      severity: 'info',
      evidence: here.flavour === undefined ? here.reason : here.evidence,
      message: `Namespaces that are created later start open${here.flavour === undefined ? ', and there is no way here to close them beforehand' : `; ${here.flavour.title} can close them beforehand`}.`,
    },
  ];
}

/** Where a guard of ours is said to close a namespace and nothing here can compute whether it does: that, instead of `open`. */
export function orGuarded(now: Snapshot, namespace: Manifest, open: readonly Finding[]): readonly Finding[] {
  const guard = open.length === 0 ? undefined : uncomputedGuard(now, namespace.metadata.name);
  if (guard === undefined) return open;
  return [
    {
      id: 'guard-not-computed',
      severity: 'notVisible',
      object: refOf(namespace),
      evidence: `${refText(refOf(guard.object))} does not exclude it`,
      message: `Namespace ${namespace.metadata.name} has no policies that close it; the guard of new namespaces covers it, and its effect is not computed here.`,
    },
  ];
}
