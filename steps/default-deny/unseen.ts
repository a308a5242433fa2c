import type { Finding } from '../../src/model/finding.js';
import { FOREIGN_APIS } from '../../src/model/foreign-policies.js';
import type { KindName } from '../../src/model/kinds.js';
import { notVisibleReason, objects, type Snapshot } from '../../src/model/snapshot.js';

/** One finding for each kind that could not be read: what follows from it is then not known in full. */
export function unreadKinds(
  now: Snapshot,
  reads: readonly { kind: KindName; for: string }[],
): readonly Finding[] {
  return reads.flatMap(({ kind, for: what }): Finding[] => {
    const reason = notVisibleReason(now, kind);
    if (reason === undefined) return [];
    return [
      {
        id: 'kind-not-visible',
        severity: 'notVisible',
        evidence: reason,
        message: `Objects of kind ${kind} could not be read, so this is not known in full: ${what}.`,
      },
    ];
  });
}

/**
 * Policies of other APIs that this cluster can hold. They are not read: they may close what is called open here, and some
 * of them may let pass what is called closed.
 */
export function foreignPolicies(now: Snapshot): readonly Finding[] {
  const names = objects(now, 'CustomResourceDefinition').map(({ metadata }) => metadata.name);
  return FOREIGN_APIS.flatMap(({ title, groups, kinds }): Finding[] => {
    const all = new Set(
      groups.flatMap((group) => Object.values(kinds).map((plural) => `${plural}.${group}`)),
    );
    const found = names.filter((name) => all.has(name));
    if (found.length === 0) return [];
    return [
      {
        id: 'foreign-policies-not-visible',
        severity: 'notVisible',
        evidence: `CustomResourceDefinition ${found.sort().join(', ')}`,
        message: `Policies of ${title} are not read here: where there are any, they may allow or close more than is said.`,
      },
    ];
  });
}
