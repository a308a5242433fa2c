import { normalised } from '../../src/model/diff.js';
import { appliedFields, type FieldSet, projected } from '../../src/model/managed-fields.js';
import type { Manifest } from '../../src/model/manifest.js';
import { MANAGED_BY } from '../../src/model/ours.js';
import { canonical } from '../../src/model/plan.js';

/** The fields that we owned before a write, after it, or both. */
export function ownedAround(before: Manifest | undefined, after: Manifest): FieldSet {
  const now = appliedFields(after, MANAGED_BY);
  return before === undefined ? now : union(appliedFields(before, MANAGED_BY), now);
}

function union(a: FieldSet, b: FieldSet): FieldSet {
  const out: Record<string, FieldSet> = { ...a };
  for (const [path, inner] of Object.entries(b)) {
    const known = out[path];
    // An empty map is the whole value, which holds whatever the other has of it.
    const whole = known !== undefined && (isLeaf(known) || isLeaf(inner));
    out[path] = known === undefined ? inner : whole ? {} : union(known, inner);
  }
  return out;
}

function isLeaf(fields: FieldSet): boolean {
  return Object.keys(fields).length === 0;
}

/** Whether two objects hold the same in these fields. */
export function sameIn(fields: FieldSet, a: Manifest, b: Manifest): boolean {
  return canonical(projected(a, fields)) === canonical(projected(b, fields));
}

/** Whether two objects say the same, apart from what the server keeps about them. */
export function sameContent(a: Manifest, b: Manifest): boolean {
  return canonical(normalised(a)) === canonical(normalised(b));
}
