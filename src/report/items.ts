import { normalised } from '../model/diff.js';
import { INSTRUCTIONS_FILE } from '../model/hostfile.js';
import { groupOf, isRecord, type Manifest, type Ref, refText, sameRef } from '../model/manifest.js';
import type { ApplyChange, Change } from '../model/plan.js';
import { pending } from '../wizard/assemble.js';
import type { StepState } from '../wizard/state.js';

/** One change as it lies in the patch directory. */
export interface Item {
  change: Change;
  step: StepState;
  folder: string;
  /** Relative, with `/`; for a removal the empty string: it is a line of `apply.sh`. */
  path: string;
  /** What is applied, with all later changes of the same object; undefined for other kinds of changes. */
  manifest?: Manifest;
  force: boolean;
  /** The reasons of all changes that came together in this one. */
  why: readonly string[];
}

/**
 * All pending changes in their order. An object that several steps change appears once, at its first place and as it is
 * in the end: kustomize takes no object twice, and server-side apply would drop the fields that a later file leaves out.
 */
export function itemsOf(steps: readonly StepState[]): readonly Item[] {
  // What only the server's own warnings can judge is no file: nobody would look at them.
  const all = steps.flatMap((step) =>
    pending(step)
      .filter((change) => change.kind !== 'apply' || change.unwarned === undefined)
      .map((change) => ({ step, change })),
  );
  const items: Item[] = [];
  for (const [index, { step, change }] of all.entries()) {
    if (change.kind === 'apply') {
      const earlier = items.find(
        (item) => item.manifest !== undefined && sameRef(item.change.ref, change.ref),
      );
      if (earlier !== undefined) {
        join(earlier, change);
        continue;
      }
      if (
        all
          .slice(index + 1)
          .some((later) => later.change.kind === 'delete' && sameRef(later.change.ref, change.ref))
      )
        continue;
    }
    items.push(itemOf(step, change));
  }
  return numbered(items);
}

function itemOf(step: StepState, change: Change): Item {
  return {
    change,
    step,
    folder: folderOf(step.step.folder, change),
    path: '',
    force: change.kind === 'apply' && change.force === true,
    why: [change.why],
    ...(change.kind === 'apply' ? { manifest: written(change) } : {}),
  };
}

/** Some changes of a step have a folder of their own in its folder. */
function folderOf(step: string, change: Change): string {
  return 'folder' in change && change.folder !== undefined ? `${step}/${change.folder}` : step;
}

function join(item: Item, change: ApplyChange): void {
  item.manifest = merged(item.manifest, written(change)) as Manifest;
  item.force ||= change.force === true;
  if (!item.why.includes(change.why)) item.why = [...item.why, change.why];
}

/** Without anything that belongs to the server. A Secret is never written: its values would be `***`. */
function written({ manifest, ref }: ApplyChange): Manifest {
  if (manifest.kind === 'Secret' && groupOf(manifest.apiVersion) === '')
    throw new Error(`${refText(ref)} cannot be a patch file`);
  return normalised(manifest);
}

/** Maps merge, lists and values are replaced: as server-side apply does with these kinds. */
function merged(first: unknown, then: unknown): unknown {
  if (!isRecord(first) || !isRecord(then)) return then;
  const out: Record<string, unknown> = { ...first };
  for (const [key, value] of Object.entries(then)) out[key] = merged(first[key], value);
  return out;
}

function numbered(items: readonly Item[]): readonly Item[] {
  const folders = Map.groupBy(items, (item) => item.folder);
  return [...folders.values()].flatMap((own) => {
    const filed = own.filter((item) => item.change.kind !== 'delete');
    const digits = Math.max(2, String(filed.length).length);
    const taken = new Set<string>();
    return own.map((item) => {
      if (item.change.kind === 'delete') return item;
      const number = String(filed.indexOf(item) + 1).padStart(digits, '0');
      const name = fileName(item.change, number);
      const path = `${item.folder}/${taken.has(name) ? `${number}-${name}` : name}`;
      taken.add(name);
      return { ...item, path };
    });
  });
}

function fileName(change: Change, number: string): string {
  switch (change.kind) {
    case 'host':
      return INSTRUCTIONS_FILE;
    case 'rewrite':
      return `rewrite-${change.resource}.sh`;
    case 'cloud':
      return `${number}-provider-${safe(change.ref)}.sh`;
    default:
      return `${number}-${safe(change.ref)}.yaml`;
  }
}

/** A reference as a file name: nothing but letters, digits, dots, dashes and underscores. */
function safe({ kind, namespace, name }: Ref): string {
  const parts = [kind.toLowerCase(), ...(namespace === undefined ? [] : [namespace]), name];
  return parts
    .map((part) => part.replaceAll(/[^A-Za-z0-9._-]/g, '_'))
    .join('-')
    .slice(0, 180);
}
