import { undoStep } from '../../steps/undo.js';
import type { HeldJournal } from '../host/journal.js';
import type { RunStore } from '../host/runs.js';
import type { RunSummary } from '../model/journal.js';
import type { Step } from '../model/step.js';
import { type DeedWithImages, deedsOf } from '../model/undo.js';
import { summaryOf } from './io.js';

/** The newest run on a cluster that wrote something, is no undo itself, and was not taken back whole. */
export function lastToUndo(all: readonly RunSummary[], cluster: string): string | undefined {
  // An undo that took nothing back, because its questions were answered with no, leaves the run as it was.
  const undone = new Set(
    all.filter(({ state, applied }) => state === 'done' && applied.length > 0).map(({ undoes }) => undoes),
  );
  return all.findLast(
    // A re-write of its own is taken back by another one, under another configuration.
    (r) =>
      r.rewrite === undefined &&
      r.cluster.id === cluster &&
      r.undoes === undefined &&
      r.applied.length > 0 &&
      !undone.has(r.run),
  )?.run;
}

/** A run that is being taken back. */
export interface Undone {
  summary: RunSummary;
  /** Held until the undo ends. */
  journal: HeldJournal;
  /** Its undoing, as the only step. */
  steps: readonly Step[];
}

/** A run that is to be taken back: held, so that nobody goes on with it meanwhile, and its undoing as the only step. */
export async function openUndo(run: string, store: RunStore): Promise<Undone> {
  const summary = await summaryOf(run, store);
  const journal = await store.open(run);
  try {
    const deeds = await Promise.all(
      deedsOf(await journal.entries()).map(
        async ({ before, after, ...deed }): Promise<DeedWithImages> => ({
          ...deed,
          ...(before === undefined ? {} : { before: await journal.image(before) }),
          ...(after === undefined ? {} : { after: await journal.image(after) }),
        }),
      ),
    );
    return { summary, journal, steps: [undoStep(run, deeds)] };
  } catch (error) {
    await journal.close();
    throw error;
  }
}
