import type { DiffLine } from '../model/diff.js';
import { refText } from '../model/manifest.js';
import type { Change, Plan } from '../model/plan.js';
import type { StepState } from '../wizard/state.js';
import { once } from './memo.js';
import { checkedOf } from './scene.js';
import type { View } from './view.js';
import { columns } from './width.js';

/** A row of the list of changes. */
export type ChangeRow = { heading: string } | { change: Change; index: number };

interface ChangeList {
  rows: readonly ChangeRow[];
  /** The changes among the rows, in the same order. */
  changes: readonly Change[];
  /** Row of each change. */
  rowOf: readonly number[];
}

/** Lists by plan and filter: the last filter of a plan is kept. */
const lists = new WeakMap<Plan, { filter: string; list: ChangeList }>();

/** The changes of a step that match the filter, in the order in which they are written, under their namespaces. */
export function changeList(step: StepState, filter: string): ChangeList {
  const known = lists.get(step.plan);
  if (known?.filter === filter) return known.list;
  const wanted = filter.toLowerCase();
  const changes = step.plan.changes.filter(
    ({ ref }) => wanted === '' || refText(ref).toLowerCase().includes(wanted),
  );
  const rows: ChangeRow[] = [];
  const rowOf: number[] = [];
  let heading: string | undefined;
  for (const [index, change] of changes.entries()) {
    const place = placeOf(change);
    if (place !== heading) {
      rows.push({ heading: place });
      heading = place;
    }
    rowOf.push(rows.length);
    rows.push({ change, index });
  }
  const list = { rows, changes, rowOf };
  lists.set(step.plan, { filter, list });
  return list;
}

function placeOf(change: Change): string {
  if (change.kind === 'host') return 'control-plane nodes';
  if (change.kind === 'cloud') return 'cloud provider';
  if (change.kind === 'rewrite') return 'all namespaces';
  return change.ref.namespace ?? 'cluster';
}

/** The change under the cursor. */
export function changeAt(step: StepState, view: View): Change | undefined {
  return changeList(step, view.filter).changes[view.cursor];
}

/** The exact difference that a change makes, as it was checked; what it would write where nothing was checked. */
export function differenceOf(step: StepState, change: Change): readonly DiffLine[] {
  return checkedOf(step, change.id)?.diff ?? NONE;
}

const NONE: readonly DiffLine[] = [];

/** Columns of the longest line of a difference. */
export const widestOf = once((lines: readonly DiffLine[]): number =>
  lines.reduce((most, { text }) => Math.max(most, columns(text)), 0),
);
