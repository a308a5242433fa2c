import type { RewriteCounts } from '../../model/rewrite.js';
import type { RewriteFailure } from '../../wizard/ports.js';

/** What came of the objects of one page; pages end in any order, and count in theirs. */
export interface OpenPage<P> {
  /** The place of its last object. */
  readonly place: P;
  /** Objects without an outcome. */
  left: number;
  readonly counts: RewriteCounts;
  readonly failures: RewriteFailure[];
}

export interface Checkpoint<P> {
  place: P;
  counts: RewriteCounts;
  failures: readonly RewriteFailure[];
}

export const NONE: RewriteCounts = { rewritten: 0, unchanged: 0, gone: 0, refused: 0 };

/** Checkpoints are told at most so often, in milliseconds: each is written to disk and waited for. */
const EVERY = 1_000;

/**
 * Tells how far a re-write is done without a gap. A page counts once it and all pages before it are done; so whoever
 * goes on from a checkpoint does at most again what was in hand, and what was told last less than a second ago.
 */
export class Checkpoints<P> {
  readonly #tell: (checkpoint: Checkpoint<P>) => Promise<void>;
  readonly #open: OpenPage<P>[] = [];
  #counts: RewriteCounts;
  #place: P | undefined;
  #failures: RewriteFailure[] = [];
  #toldAt: number;
  #telling: Promise<void> = Promise.resolve();

  /** @param tell a rejection ends the re-write: `flush` passes it on */
  constructor(tell: (checkpoint: Checkpoint<P>) => Promise<void>, before: RewriteCounts, now: number) {
    this.#tell = tell;
    this.#counts = before;
    this.#toldAt = now;
  }

  open(place: P, size: number): OpenPage<P> {
    const page = { place, left: size, counts: { ...NONE }, failures: [] };
    this.#open.push(page);
    return page;
  }

  /** To be called whenever a page may have ended. */
  advance(now: number): void {
    for (let first = this.#open[0]; first?.left === 0; first = this.#open[0]) {
      this.#open.shift();
      this.#place = first.place;
      this.#counts = sum(this.#counts, first.counts);
      this.#failures.push(...first.failures);
    }
    if (this.#place !== undefined && now - this.#toldAt >= EVERY) {
      this.#toldAt = now;
      this.#next();
    }
  }

  /** Tells what was not told. @throws what the listener threw */
  async flush(): Promise<void> {
    this.#next();
    await this.#telling;
  }

  #next(): void {
    if (this.#place === undefined) return;
    const checkpoint = { place: this.#place, counts: this.#counts, failures: this.#failures };
    this.#place = undefined;
    this.#failures = [];
    this.#telling = this.#telling.then(() => this.#tell(checkpoint));
    this.#telling.catch(() => {}); // heard by `flush`
  }
}

export function sum(a: RewriteCounts, b: RewriteCounts): RewriteCounts {
  return {
    rewritten: a.rewritten + b.rewritten,
    unchanged: a.unchanged + b.unchanged,
    gone: a.gone + b.gone,
    refused: a.refused + b.refused,
  };
}
