import type { Ref } from '../../model/manifest.js';
import type { RewriteCounts } from '../../model/rewrite.js';
import type { RewriteFailure, RewriteProgress, RewriteResult } from '../../wizard/ports.js';
import { pause } from '../retry.js';
import { type Checkpoint, Checkpoints, NONE, type OpenPage, sum } from './checkpoints.js';
import { Pace, type PaceOptions } from './pace.js';
import { type Reply, type Verdict, verdict } from './pacing.js';

/** Objects to re-write, in order, or a place that could not be listed. */
export interface Batch<P> {
  names: readonly string[];
  /** The place of the last of them. */
  place: P;
  unlisted?: RewriteFailure;
  /** Makes one request for one object; never throws for what a server can answer. */
  request(name: string): Promise<Reply>;
  refOf(name: string): Ref;
}

export interface EngineOptions<P> extends PaceOptions {
  batches: AsyncGenerator<Batch<P>>;
  /** Ends the run once what is in hand is done. */
  signal?: AbortSignal;
  total?: number;
  /** What earlier parts of the run did. */
  before?: RewriteCounts;
  onProgress?: (progress: RewriteProgress) => void;
  onCheckpoint?: (checkpoint: Checkpoint<P>) => Promise<void>;
  /** Looks whether there is room to go on; asked about every ten seconds. */
  room?: () => Promise<Room>;
  /** Whether this account has lost a right that the whole re-write needs; asked where something was refused for one. */
  revoked?: () => Promise<boolean>;
  /** For tests: waits, and spreads repeats apart. */
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  chance?: () => number;
}

/** Whether storage has room: go on, wait so long first, or end here. */
export type Room = { type: 'go' } | { type: 'wait'; ms: number } | { type: 'stop' };

export type StopReason = Extract<Verdict, { type: 'stop' }>['reason'] | 'storageNearlyFull' | 'forbidden';

export interface EngineResult extends Omit<RewriteResult, 'metrics'> {
  /** Set where the run ended because nothing more could succeed. */
  stopped: StopReason | undefined;
}

/** How often room is looked for, in milliseconds. */
const LOOK_EVERY = 10_000;
/** For how long an answer holds that no right is lost: some authorizers refuse objects one by one. Milliseconds. */
const RIGHTS_HOLD = 5_000;
/** Failures that are kept by name; more are counted only, so that memory stays bounded. */
const MOST_NAMED = 10_000;

/**
 * Re-writes every object, several at a time, as many as the server bears. Pages are pulled as they are needed, so memory
 * does not grow with their number. Safe to run again: what is in its final form is answered `unchanged`.
 * @throws what the batches or the checkpoints throw, once what is in hand has ended
 */
export async function runEngine<P>(options: EngineOptions<P>): Promise<EngineResult> {
  return await new Engine(options).run();
}

class Engine<P> {
  readonly #options: EngineOptions<P>;
  readonly #pace: Pace;
  readonly #checkpoints: Checkpoints<P>;
  readonly #failures: RewriteFailure[] = [];
  readonly #wait: NonNullable<EngineOptions<P>['wait']>;
  readonly #chance: () => number;
  readonly #stopping = new AbortController();
  #counts: RewriteCounts;
  #inHand = 0;
  #dropped = 0;
  #stopped: StopReason | undefined;
  #failure: { error: unknown } | undefined;
  /** Called when something ends. */
  #wake: (() => void) | undefined;
  #lookedAt = performance.now();
  #rights: { askedAt: number; revoked: Promise<boolean> } | undefined;

  constructor(options: EngineOptions<P>) {
    this.#options = options;
    this.#pace = new Pace(options);
    this.#wait = options.wait ?? pause;
    this.#chance = options.chance ?? Math.random;
    this.#counts = options.before ?? NONE;
    const tell = options.onCheckpoint ?? (async () => {});
    const heard = async (checkpoint: Checkpoint<P>) => {
      try {
        await tell(checkpoint);
      } catch (error) {
        this.#fail(error);
        throw error;
      }
    };
    this.#checkpoints = new Checkpoints(heard, this.#counts, performance.now());
  }

  async run(): Promise<EngineResult> {
    const { signal, batches, total } = this.#options;
    const stop = () => this.#stopping.abort();
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop);
    this.#stopping.signal.addEventListener('abort', () => this.#wake?.());
    let exhausted = false;
    try {
      exhausted = await this.#launch();
    } catch (error) {
      this.#fail(error);
    }
    while (this.#inHand > 0) await this.#ended();
    signal?.removeEventListener('abort', stop);
    await batches.return(undefined);
    await this.#checkpoints.flush().catch(() => {}); // known already
    if (this.#failure !== undefined) throw this.#failure.error;
    const interrupted = !exhausted || this.#dropped > 0 || this.#stopped !== undefined;
    const { rewritten, unchanged, gone, refused } = this.#counts;
    const seen = rewritten + unchanged + gone + refused;
    return {
      total: interrupted ? total : seen,
      ...this.#counts,
      failures: this.#failures,
      interrupted,
      stopped: this.#stopped,
    };
  }

  /** Begins requests as the pace allows; true once there is nothing left to begin. */
  async #launch(): Promise<boolean> {
    const { batches } = this.#options;
    // The next page is on its way while this one is worked on.
    let coming = batches.next();
    coming.catch(() => {});
    for (;;) {
      if (this.#over()) return false;
      const { value: batch, done } = await coming;
      if (done === true) return true;
      coming = batches.next();
      coming.catch(() => {});
      if (batch.unlisted !== undefined) {
        if (await this.#isRevoked()) return false;
        this.#failures.push(batch.unlisted);
      }
      const page = this.#checkpoints.open(batch.place, batch.names.length);
      if (batch.unlisted !== undefined) page.failures.push(batch.unlisted);
      for (const name of batch.names) {
        if (!(await this.#slot())) return false;
        void this.#one(batch, name, page);
      }
      this.#checkpoints.advance(performance.now());
    }
  }

  /** Waits until another request may begin, and takes it in hand; false where none may any more. */
  async #slot(): Promise<boolean> {
    for (;;) {
      const now = performance.now();
      if (this.#over()) return false;
      if (now - this.#lookedAt >= LOOK_EVERY) await this.#look(now);
      const ms = this.#pace.wait(this.#inHand, now);
      if (ms === 0 && !this.#over()) {
        this.#pace.began(now);
        this.#inHand++;
        return true;
      }
      if (ms === Number.POSITIVE_INFINITY) await this.#ended();
      else await pause(ms, this.#stopping.signal);
    }
  }

  async #look(now: number): Promise<void> {
    this.#lookedAt = now;
    const room = await this.#options.room?.();
    if (room?.type === 'wait') this.#pace.pause(room.ms, performance.now());
    if (room?.type === 'stop') this.#stop('storageNearlyFull');
  }

  async #one(batch: Batch<P>, name: string, page: OpenPage<P>): Promise<void> {
    try {
      const end = await this.#settled(batch, name);
      if (end === undefined) {
        this.#dropped++; // its page stays open: nothing behind it counts as done
        return;
      }
      page.counts[end.type]++;
      this.#counts = sum(this.#counts, { ...NONE, [end.type]: 1 });
      if (end.type === 'refused') {
        const failure = { ref: batch.refOf(name), reason: end.reason };
        page.failures.push(failure);
        if (this.#failures.length < MOST_NAMED) this.#failures.push(failure);
      }
      page.left--;
      if (page.left === 0) this.#checkpoints.advance(performance.now());
      this.#options.onProgress?.({ total: this.#options.total, ...this.#counts });
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#inHand--;
      this.#wake?.();
    }
  }

  /** What came of an object in the end; undefined where the run ended before that. */
  async #settled(
    batch: Batch<P>,
    name: string,
  ): Promise<Extract<Verdict, { type: 'rewritten' | 'unchanged' | 'gone' | 'refused' }> | undefined> {
    for (let attempt = 1; ; attempt++) {
      const began = performance.now();
      const reply = await batch.request(name);
      const now = performance.now();
      if (reply.type !== 'failed') this.#pace.answered(now - began, now);
      else if (reply.error.reason === 'busy') this.#pace.busy(reply.retryAfterMs, now);
      const judged = verdict(reply, attempt, this.#chance());
      if (judged.type === 'stop') {
        this.#stop(judged.reason);
        return undefined;
      }
      // An object that is dropped for that is not counted as refused: a later run takes it up.
      if (reply.type === 'failed' && reply.error.reason === 'forbidden' && (await this.#isRevoked()))
        return undefined;
      if (judged.type !== 'again') return judged;
      // What waits is not in hand: a signal to stop ends it undone, and a later run takes it up.
      await this.#wait(judged.waitMs, this.#stopping.signal);
      if (this.#over()) return undefined;
    }
  }

  /** Ends the run where the account has lost a right that everything needs: nothing else would fare better. */
  async #isRevoked(): Promise<boolean> {
    const { revoked } = this.#options;
    if (revoked === undefined) return false;
    const now = performance.now();
    if (this.#rights === undefined || now - this.#rights.askedAt > RIGHTS_HOLD)
      this.#rights = { askedAt: now, revoked: revoked() };
    const lost = await this.#rights.revoked;
    if (lost) this.#stop('forbidden');
    return lost;
  }

  /** Resolves when a request has ended, or the run is to stop. */
  #ended(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #over(): boolean {
    return this.#stopping.signal.aborted;
  }

  #stop(reason: StopReason): void {
    this.#stopped ??= reason;
    this.#stopping.abort();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stopping.abort();
  }
}
