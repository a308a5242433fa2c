import type { Finding } from '../../src/model/finding.js';
import { type Manifest, type Ref, refText } from '../../src/model/manifest.js';
import { namespaceKind } from '../../src/model/namespaces.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { namespaceState } from './state.js';

/** One finding for each policy of others that keeps some of the namespaces open: its own, or those it is in force in. */
export function keptOpen(
  now: Snapshot,
  namespaces: readonly Manifest[],
  of: 'namespaced' | 'clusterWide',
): readonly Finding[] {
  const policies = new Map<string, { ref: Ref; directions: Set<string>; namespaces: Set<Manifest> }>();
  for (const namespace of namespaces)
    for (const direction of ['ingress', 'egress'] as const)
      for (const ref of namespaceState(now, namespace.metadata.name)[direction].openBy) {
        if ((ref.namespace === undefined) !== (of === 'clusterWide')) continue;
        const known = policies.get(refText(ref)) ?? { ref, directions: new Set(), namespaces: new Set() };
        known.directions.add(direction);
        known.namespaces.add(namespace);
        policies.set(refText(ref), known);
      }
  return [...policies.values()].map(({ ref, directions, namespaces }) => ({
    id: 'policy-allows-everything',
    severity: [...namespaces].some((one) => namespaceKind(now, one) === 'user') ? 'high' : 'medium',
    object: ref,
    evidence: [
      ...[...directions].map(
        (direction) =>
          `spec.${direction} allows nearly every pod that no rule lists, or nearly all of the Internet, on nearly all ports`,
      ),
      ...(of === 'clusterWide' ? [`in force in ${listed([...namespaces])}`] : []),
    ].join('; '),
    message: `${refText(ref)} lets nearly everything pass on ${[...directions].join(' and ')}: no NetworkPolicy beside it can close that. Narrow it or delete it.`,
  }));
}

function listed(namespaces: readonly Manifest[]): string {
  const names = namespaces.map(({ metadata }) => metadata.name);
  return names.length > 5
    ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more namespaces`
    : names.join(', ');
}
