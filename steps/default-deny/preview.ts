import { refText } from '../../src/model/manifest.js';
import { candidateNamespaces } from '../../src/model/namespaces.js';
import { once } from '../../src/model/once.js';
import { overlay } from '../../src/model/overlay.js';
import type { Change } from '../../src/model/plan.js';
import type { Closedness, NamespacePreview, Preview } from '../../src/model/preview.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { cutBy, declaredIn, flowText, passes } from './flows.js';
import { namespaceState, reachIn } from './state.js';

/** What changes do to the connections of a cluster: the engine's answers before and after them, compared. */
export function previewOf(now: Snapshot, changes: readonly Change[]): Preview {
  const then = overlay(now, changes);
  const [before, after] = [pairs(now), pairs(then)];
  return {
    namespaces: candidateNamespaces(then).map(
      ({ metadata: { name } }): NamespacePreview => ({
        namespace: name,
        before: closedness(now, name),
        after: closedness(then, name),
        pairsBefore: before.touching.get(name) ?? 0,
        pairsAfter: after.touching.get(name) ?? 0,
      }),
    ),
    cut: cutBy(now, reachIn(now), reachIn(then)).map((flow) => ({
      connection: flowText(flow),
      severity: flow.severity,
      why: flow.why,
      evidence: `${refText(flow.evidence.object)}, ${flow.evidence.field}: ${flow.evidence.value}`,
    })),
    declared: declaredIn(now).filter((flow) => passes(now, reachIn(now), flow, 'some')).length,
    pairsBefore: before.all,
    pairsAfter: after.all,
  };
}

function closedness(now: Snapshot, namespace: string): Closedness {
  const { ingress, egress } = namespaceState(now, namespace);
  if (ingress.closed && egress.closed) return 'closed';
  return ingress.closed || egress.closed || ingress.narrowed.length > 0 || egress.narrowed.length > 0
    ? 'narrowed'
    : 'open';
}

interface Pairs {
  all: number;
  touching: ReadonlyMap<string, number>;
}

/** Pairs of workloads between which something may pass, in all and by namespace. */
const pairs = once((now): Pairs => {
  const { workloads } = reachIn(now);
  const places = new Map(workloads.map(({ name, namespace }) => [name, namespace]));
  const touching = new Map<string, number>();
  let all = 0;
  const count = (namespace: string) => touching.set(namespace, (touching.get(namespace) ?? 0) + 1);
  workloads.forEach(({ namespace }, index) => {
    reachIn(now).visitFrom(index, (dst) => {
      const to = places.get(dst);
      if (to === undefined) return;
      all++;
      count(namespace);
      if (to !== namespace) count(to);
    });
  });
  return { all, touching };
});
