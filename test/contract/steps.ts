import type { KindName } from '../../src/model/kinds.js';
import { type Manifest, refOf } from '../../src/model/manifest.js';
import { type Change, canonical } from '../../src/model/plan.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import type { Step } from '../../src/model/step.js';

/** A step that writes these objects as they stand, by force where somebody else has fields unless it is said, and removes those. */
export function writing(wanted: readonly Manifest[], removed: readonly Manifest[], force = true): Step {
  const live = (now: Snapshot, { kind, metadata }: Manifest) =>
    objects(now, kind as KindName).find(
      (one) => one.metadata.name === metadata.name && one.metadata.namespace === metadata.namespace,
    );
  const common = (manifest: Manifest) => {
    const ref = refOf(manifest);
    const id = `t/${ref.namespace ?? '-'}/${ref.kind}/${ref.name}`;
    return { id, ref, risk: 'none' as const, why: '', breaks: [] };
  };
  return {
    id: 't',
    title: 'test',
    why: ['', ''],
    references: [],
    folder: 't',
    reads: (['Namespace', 'LimitRange', 'NetworkPolicy'] as const).map((kind) => ({
      kind,
      as: 'objects',
      for: 'the test',
    })),
    writes: (['Namespace', 'LimitRange', 'NetworkPolicy'] as const).flatMap((kind) => [
      { kind, by: 'apply' as const, for: 'the test' },
      { kind, by: 'delete' as const, for: 'the test' },
    ]),
    questions: () => [],
    assess: () => [],
    plan: (now): readonly Change[] => [
      ...wanted.flatMap((manifest): Change[] => {
        const before = live(now, manifest);
        if (before !== undefined && holds(before, manifest)) return [];
        return [{ ...common(manifest), kind: 'apply', manifest, force, ...(before ? { before } : {}) }];
      }),
      ...removed.flatMap((manifest): Change[] => {
        const before = live(now, manifest);
        return before === undefined ? [] : [{ ...common(manifest), kind: 'delete', before }];
      }),
    ],
  };
}

/** Whether a live object says what is wanted of it. */
function holds(live: Manifest, wanted: Manifest): boolean {
  const labels = Object.entries(wanted.metadata.labels ?? {});
  return (
    (wanted.spec === undefined || canonical(live.spec) === canonical(wanted.spec)) &&
    labels.every(([key, value]) => live.metadata.labels?.[key] === value)
  );
}
