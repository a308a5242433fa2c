/** One of several things to choose from. */
export interface Option {
  value: string;
  label: string;
  /** What stands for it once it is chosen; the label where this is left out. */
  short?: string;
  /** Not meant by all: chosen by itself only. */
  apart?: true;
}

/**
 * Asks one thing at a time. Every method rejects with `Interrupted` where the person wants to stop (ctrl-c, end of
 * input), and with `Withdrawn` where the question was taken back. What is typed while nothing is asked is lost: nobody
 * confirms what is not on the screen yet.
 */
export interface Asker {
  one(message: string, options: readonly Option[], preset: string): Promise<string>;
  many(message: string, options: readonly Option[], preset: readonly string[]): Promise<readonly string[]>;
  yes(message: string, preset: boolean): Promise<boolean>;
  number(message: string, range: { min: number; max: number }, preset: number): Promise<number>;
  /** `wrong` says what is wrong with a text, in words; undefined where nothing is. */
  text(message: string, preset: string, wrong?: (text: string) => string | undefined): Promise<string>;
  /** Swallows input while work goes on; ctrl-c reaches `interrupt`. Returns the end of it. */
  busy(interrupt: () => void): () => void;
  /** Waits a moment in which input is swallowed; before a question whose answer writes to a cluster. */
  settle(): Promise<void>;
  /** Takes back the question that is being asked, if any. */
  withdraw(): void;
  close(): void;
}

/** The person wants to stop. */
export class Interrupted extends Error {
  override name = 'Interrupted';
}

/** The question does not matter any more. */
export class Withdrawn extends Error {
  override name = 'Withdrawn';
}

/** How long keys typed ahead are waited for before a confirmation. */
export const SETTLE_MS = 150;
