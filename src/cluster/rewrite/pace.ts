/** How a re-write is paced. */
export interface PaceOptions {
  /** Most requests at a time. */
  most: number;
  /** Most requests begun a second; 0: no limit. */
  maxRate: number;
}

/** Requests at a time to begin with. */
const FIRST = 16;
/** A mean answer below this is quick, whatever it was before; API servers promise a second. Milliseconds. */
const QUICK = 100;
/** An answer that takes so many times the least mean is slow. */
const SLOWER = 3;
/** Weight of one answer in the mean. */
const WEIGHT = 0.1;
/** By how much the least mean is forgotten a second: objects further on may be larger. */
const FORGET = 1.01;
/** Share of a second's rate that may be begun at once after a pause. */
const BURST = 0.1;

/**
 * How many requests may be under way, and when the next one may begin. The number doubles every round while answers
 * stay as quick as they were, creeps up once they did not, falls by a tenth where they are slow, and is halved where the
 * server says that it is busy. Times in milliseconds, of any clock.
 */
export class Pace {
  readonly #options: PaceOptions;
  #limit: number;
  #doubling = true;
  #mean: number | undefined;
  #least = Number.POSITIVE_INFINITY;
  #answeredAt = 0;
  #loweredAt = Number.NEGATIVE_INFINITY;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  /** When the rate allows the next one. */
  #next = Number.NEGATIVE_INFINITY;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#limit = Math.min(FIRST, options.most);
  }

  /** How many may be under way. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** How long until the next one may begin; 0: now; infinite: once one has ended. */
  wait(inHand: number, now: number): number {
    const paused = Math.max(this.#pausedUntil, this.#next) - now;
    if (paused > 0) return paused;
    return inHand < this.limit ? 0 : Number.POSITIVE_INFINITY;
  }

  /** How long all requests are to be held back. */
  pausedFor(now: number): number {
    return Math.max(0, this.#pausedUntil - now);
  }

  began(now: number): void {
    const { maxRate } = this.#options;
    if (maxRate > 0) this.#next = Math.max(this.#next, now - 1000 * BURST) + 1000 / maxRate;
  }

  /** An answer that is one, and how long it took. */
  answered(ms: number, now: number): void {
    this.#mean = this.#mean === undefined ? ms : this.#mean * (1 - WEIGHT) + ms * WEIGHT;
    const forgotten = FORGET ** (Math.max(0, now - this.#answeredAt) / 1000);
    this.#answeredAt = now;
    this.#least = Math.min(this.#mean, this.#least * forgotten);
    if (this.#mean > Math.max(QUICK, SLOWER * this.#least)) {
      if (this.#lower(now)) this.#limit = Math.max(1, this.#limit * 0.9);
    } else {
      this.#limit = Math.min(this.#options.most, this.#limit + (this.#doubling ? 1 : 1 / this.#limit));
    }
  }

  /** The server is busy. What it asks for holds for everybody. */
  busy(retryAfterMs: number | undefined, now: number): void {
    if (this.#lower(now)) this.#limit = Math.max(1, this.#limit / 2);
    if (retryAfterMs !== undefined) this.pause(retryAfterMs, now);
  }

  pause(ms: number, now: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, now + ms);
  }

  /** Once a round only: answers to what was under way say the same thing again. */
  #lower(now: number): boolean {
    this.#doubling = false;
    if (now - this.#loweredAt < (this.#mean ?? QUICK)) return false;
    this.#loweredAt = now;
    return true;
  }
}
