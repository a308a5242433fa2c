import { encryptionAtRest } from '../../steps/encryption-at-rest.js';
import { undoStep } from '../../steps/undo.js';
import type { HeldJournal } from '../host/journal.js';
import type { RunStore } from '../host/runs.js';
import { type RunSummary, undoneOf } from '../model/journal.js';
import { changeName } from '../model/plan.js';
import { isWritten, type Watched, writesOf } from '../model/provisional.js';
import type { Step } from '../model/step.js';
import { type DeedWithImages, deedsOf, isAsLeft } from '../model/undo.js';
import type { Cluster } from '../wizard/ports.js';
import { summaryOf } from './io.js';

/** The newest run on a cluster that wrote something, is no undo itself, and was not taken back whole. */
export function lastToUndo(all: readonly RunSummary[], cluster: string): string | undefined {
  return all.findLast(
    // A re-write of its own is taken back by another one, under another configuration.
    (r) =>
      r.rewrite === undefined &&
      r.cluster.id === cluster &&
      r.undoes === undefined &&
      !isUndone(r, all) &&
      r.applied.length > 0,
  )?.run;
}

/**
 * Newer runs on the cluster that may hold something to take back all the same, in words with the command: `lastToUndo`
 * passes over runs that only left files for nodes, and over those that an undo took back but for a part.
 * @param run what it found
 */
export function notUndone(
  all: readonly RunSummary[],
  cluster: string,
  run: string | undefined,
): readonly string[] {
  const since = all.slice(all.findIndex((one) => one.run === run) + 1);
  const lines = since.flatMap((one) => {
    if (one.cluster.id !== cluster || one.undoes !== undefined || one.rewrite !== undefined) return [];
    const command = `kubectl harden undo ${one.run}`;
    const looked = all.some(({ undoes, state }) => undoes === one.run && state === 'done');
    if (one.leftFiles && one.applied.length === 0 && !looked)
      return [`Run ${one.run} left files for nodes: \`${command}\` tells what of them can be taken back.`];
    const kept = untouched(one, all);
    if (kept.length === 0) return [];
    const more = kept.length > 1 ? ` and ${kept.length - 1} more` : '';
    return [
      `Of run ${one.run} its undo did not touch ${changeName(kept[0] ?? '')}${more}: \`${command}\` looks at it again.`,
    ];
  });
  return lines.slice(-MOST_TOLD);
}

/** Of several such runs the newest are told. */
const MOST_TOLD = 3;

/** Ids of objects that a run wrote and that none of its undos did; encryption is taken back as a whole. */
function untouched({ run, applied }: RunSummary, all: readonly RunSummary[]): readonly string[] {
  const undos = all.filter(({ undoes }) => undoes === run);
  if (undos.length === 0) return [];
  const object = (id: string) => id.slice(id.indexOf('/'));
  const touched = new Set(undos.flatMap((undo) => undo.applied.map(object)));
  return applied.filter((id) => !id.startsWith(`${encryptionAtRest.id}/`) && !touched.has(object(id)));
}

/** Whether everything that a run wrote was taken back, as a whole or in parts. */
function isUndone({ run, provisional, applied }: RunSummary, all: readonly RunSummary[]): boolean {
  const undone = undoneOf(all, run);
  if (undone(WHOLE)) return true;
  const gone = new Set(provisional.filter(({ id }) => undone(id)).flatMap(({ changes }) => changes));
  return applied.length > 0 && applied.every((change) => gone.has(change));
}

/** No part has this id: only an undo of the whole run takes it back. */
const WHOLE = '';

/** What of a run was not kept and is still there: that goes before all else that it wrote. */
function unkept({ run, provisional }: RunSummary, all: readonly RunSummary[]): readonly Watched[] {
  const undone = undoneOf(all, run);
  return provisional.filter((one) => one.verdict !== 'kept' && isWritten(one) && !undone(one.id));
}

/** A run that is being taken back. */
export interface Undone {
  summary: RunSummary;
  /** Held until the undo ends. */
  journal: HeldJournal;
  /** Where only some of it is taken back: the ids of that. */
  only?: readonly string[];
  /** What is taken back, newest first. */
  deeds: readonly DeedWithImages[];
}

/**
 * A run that is to be taken back: held, so that nobody goes on with it meanwhile, and what is taken back.
 * @param meant ids of what was written provisionally; without them what was not kept, and where all was, the whole run
 */
export async function openUndo(run: string, store: RunStore, meant?: readonly string[]): Promise<Undone> {
  const all = await store.list();
  const summary = await summaryOf(run, store);
  const ids = meant ?? unkept(summary, all).map(({ id }) => id);
  const journal = await store.open(run);
  try {
    const entries = await journal.entries();
    const deeds = await Promise.all(
      deedsOf(ids.length === 0 ? entries : writesOf(entries, new Set(ids))).map(
        async ({ before, after, ...deed }): Promise<DeedWithImages> => ({
          ...deed,
          ...(before === undefined ? {} : { before: await journal.image(before) }),
          ...(after === undefined ? {} : { after: await journal.image(after) }),
        }),
      ),
    );
    return { summary, journal, deeds, ...(ids.length === 0 ? {} : { only: ids }) };
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/**
 * The undoing as a step, once the cluster can be asked: a write that a killed run did not hear of counts as made where
 * the object itself shows that it is as that write left it.
 */
export async function stepOf(run: string, deeds: readonly DeedWithImages[], cluster: Cluster): Promise<Step> {
  const heard: DeedWithImages[] = [];
  for (const deed of deeds) {
    const live = deed.unheard && deed.kind === 'apply' ? await cluster.get(deed.ref) : undefined;
    const known = live !== undefined && isAsLeft(deed.before, live);
    heard.push(known ? { ...deed, after: live, unheard: false } : deed);
  }
  return undoStep(run, heard);
}
