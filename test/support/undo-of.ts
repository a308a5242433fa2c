import type { Change } from '../../src/model/plan.js';

/** The changes that take others back: in the reverse order, what was there before or nothing. */
export function undoOf(changes: readonly Change[]): readonly Change[] {
  return changes.toReversed().flatMap((change): Change[] => {
    const common = { id: change.id, ref: change.ref, risk: change.risk, why: '', breaks: [] };
    if (change.kind === 'delete') return [{ ...common, kind: 'apply', manifest: change.before }];
    if (change.kind !== 'apply') return [];
    return change.before === undefined
      ? [{ ...common, kind: 'delete', before: change.manifest }]
      : [{ ...common, kind: 'apply', manifest: change.before }];
  });
}
