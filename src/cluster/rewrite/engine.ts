import type { Ref } from '../../model/manifest.js';
import type { RewriteProgress, RewriteResult } from '../../wizard/ports.js';
import { pause } from '../retry.js';
import { type Reply, type Verdict, verdict } from './pacing.js';

/** An object to re-write, or a place that could not be listed. */
export type Item<T> = { type: 'object'; ref: Ref; data: T } | { type: 'unlisted'; ref: Ref; reason: string };

export interface EngineOptions<T> {
  items: AsyncGenerator<Item<T>>;
  /** Makes one request for one object; never throws for what a server can answer. */
  request: (item: { ref: Ref; data: T }) => Promise<Reply>;
  concurrency: number;
  /** Ends the run once what is in hand is done. */
  signal?: AbortSignal;
  total?: number;
  onProgress?: (progress: RewriteProgress) => void;
  /** For tests: waits, and spreads repeats apart. */
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  chance?: () => number;
}

export type StopReason = Extract<Verdict, { type: 'stop' }>['reason'];

export interface EngineResult extends RewriteResult {
  /** Set where the run ended because nothing more could succeed. */
  stopped: StopReason | undefined;
}

/**
 * Re-writes every item, several at a time. Names are pulled as workers need them, so memory does not grow with their
 * number. Safe to run again: what is in its final form is answered `unchanged`.
 */
export async function runEngine<T>(options: EngineOptions<T>): Promise<EngineResult> {
  const { items, request, concurrency, signal, wait = pause, chance = Math.random } = options;
  const counts = { rewritten: 0, unchanged: 0, gone: 0, refused: 0 };
  const failures: { ref: Ref; reason: string }[] = [];
  let stopped: StopReason | undefined;
  let exhausted = false;
  let dropped = 0;
  let failure: unknown;
  let failed = false;
  const over = () => failed || stopped !== undefined || signal?.aborted === true;
  const tell = () => options.onProgress?.({ total: options.total, ...counts });

  const one = async (item: { ref: Ref; data: T }): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const judged = verdict(await request(item), attempt, chance());
      if (judged.type === 'stop') {
        stopped ??= judged.reason;
        return;
      }
      if (judged.type === 'again') {
        // What waits is not in hand: a signal to stop ends it undone, and a later run takes it up.
        await wait(judged.waitMs, signal);
        if (over()) {
          dropped++;
          return;
        }
        continue;
      }
      counts[judged.type]++;
      if (judged.type === 'refused') failures.push({ ref: item.ref, reason: judged.reason });
      return tell();
    }
  };

  const worker = async (): Promise<void> => {
    try {
      while (!over()) {
        const next = await items.next();
        if (next.done === true) {
          exhausted = true;
          return;
        }
        const item = next.value;
        if (item.type === 'object') await one(item);
        else failures.push({ ref: item.ref, reason: item.reason });
      }
    } catch (error) {
      failure ??= error;
      failed = true;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  await items.return(undefined);
  if (failed) throw failure;
  const seen = counts.rewritten + counts.unchanged + counts.gone + counts.refused;
  const interrupted = !exhausted || dropped > 0 || stopped !== undefined;
  return { total: interrupted ? options.total : seen, ...counts, failures, interrupted, stopped };
}
