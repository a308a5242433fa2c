import type { Change } from '../model/plan.js';
import type { Within } from '../model/provisional.js';

/** What a step of this run wrote and takes back unless it is kept. */
export interface Waiting {
  id: string;
  /** Id of the step. */
  step: string;
  seconds: number;
  /** When it is taken back, in milliseconds since 1970. */
  until: number;
}

/** How everything stands that this run wrote so; `expired`: ids of steps that nobody kept in time. */
export interface Sight {
  waiting: readonly Waiting[];
  kept: readonly string[];
  expired: readonly string[];
  /** The clock on the wall, in milliseconds since 1970. */
  now: number;
}

/** Takes back what is not kept in time, whatever becomes of this process. */
export interface Guardian {
  /**
   * What the step writes from here on is provisional. Resolves once a process watches over it that outlives this one;
   * rejects where there is none, and then nothing may be written.
   */
  watch(step: string, seconds: number): Promise<void>;
  look(): Promise<Sight>;
  /** Keeps everything that waits. */
  keep(): Promise<void>;
}

/** What a wizard offers where a guardian can be had: what was asked for on the command line. */
export type Offer = Partial<Within>;

/** Whether all that these changes write can be taken back by itself. Commands for a provider are never run by us. */
export function canTakeBack(changes: readonly Pick<Change, 'kind'>[]): boolean {
  return changes.every(({ kind }) => kind === 'apply' || kind === 'delete' || kind === 'cloud');
}

/** What may be chosen at a confirmation, in seconds; 0: it stays. */
export const CHOICES = [0, 60, 300, 900, 3600];

/** The choice after this one; what the command line asked for is one of them. */
export function nextChoice(seconds: number, { seconds: asked }: Offer): number {
  const choices = [...new Set([...CHOICES, ...(asked === undefined ? [] : [asked])])].sort((a, b) => a - b);
  return choices[(choices.indexOf(seconds) + 1) % choices.length] ?? 0;
}

/**
 * What a confirmation of these changes offers: seconds, 0 for not at all; `never` where they cannot be taken back by
 * themselves; undefined where nothing of them can do harm and nobody asked.
 */
export function offered(changes: readonly Change[], offer: Offer | undefined): number | 'never' | undefined {
  if (offer === undefined) return undefined;
  if (!canTakeBack(changes)) return 'never';
  if (offer.seconds !== undefined) return offer.seconds;
  return changes.some(({ risk }) => risk === 'cutsTraffic' || risk === 'rejectsWorkloads') ? 0 : undefined;
}
