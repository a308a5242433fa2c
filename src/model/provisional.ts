import type { Entry, Stamped } from './journal.js';
import { commandLine } from './shell.js';

/** What finds out in place of a person whether what was written may stay: a command that ends with 0, or a URL that answers 2xx or 3xx. */
export type HealthCheck = { command: readonly string[] } | { url: string };

/** Within how many seconds of its last write a step has to be confirmed again, and what may do it in place of a person. */
export interface Within {
  seconds: number;
  check?: HealthCheck;
}

/** Where a process that has no flags finds the cluster again; no credentials. */
export interface CameFrom {
  kubeconfig?: string;
  context: string;
  /** File of the embedded cluster. */
  sandboxFile?: string;
}

/** What a step wrote and takes back unless somebody keeps it in time. */
export interface Provisional extends Within {
  /** `<step>.<n>`, unique within the run. */
  id: string;
  step: string;
  from: CameFrom;
  /** ISO time of its last write, or of its beginning: time counts from there. */
  since: string;
  /** Ids of the changes that were begun. */
  changes: readonly string[];
}

/** What was decided about it; whoever comes first decides. */
export type Verdict = 'kept' | 'takenBack';

/** How it stands on this machine: what was decided, whether a process watches over it, and what is in its way. */
export interface Watched extends Provisional {
  verdict?: Verdict;
  guarded: boolean;
  trouble?: Trouble;
}

/** What the last try to take something back said. */
export interface Trouble {
  /** ISO time of that try. */
  at: string;
  /** Why it could not; where it is taken back, what of it stays. */
  reason: string;
  stays?: true;
}

/** Everything of a run that was written so, in the order of its beginning. */
export function provisionalsOf(entries: readonly Stamped[]): readonly Provisional[] {
  const found = new Map<string, Omit<Provisional, 'changes'>>();
  const changes = new Map<string, Set<string>>();
  eachOf(entries, (entry, id) => {
    if (entry.type === 'provisional') {
      const { step, seconds, check, from } = entry;
      const one = { id: entry.id, step, seconds, from, since: entry.at };
      if (!changes.has(entry.id)) changes.set(entry.id, new Set());
      found.set(entry.id, check === undefined ? one : { ...one, check });
      return;
    }
    const one = id === undefined ? undefined : found.get(id);
    if (one === undefined || !isWrite(entry)) return;
    changes.get(one.id)?.add(entry.change);
    found.set(one.id, { ...one, since: entry.at });
  });
  return [...found.values()].map((one) => ({ ...one, changes: [...(changes.get(one.id) ?? [])] }));
}

/** The lines of a journal without the writes that are not of these. */
export function writesOf(entries: readonly Stamped[], ids: ReadonlySet<string>): readonly Stamped[] {
  const kept: Stamped[] = [];
  eachOf(entries, (entry, id) => {
    if (!isWrite(entry) || (id !== undefined && ids.has(id))) kept.push(entry);
  });
  return kept;
}

function isWrite(entry: Entry): entry is Extract<Entry, { type: 'applying' | 'applied' }> {
  return entry.type === 'applying' || entry.type === 'applied';
}

/** Every line, writes with the id that they belong to: a step that is confirmed writes for good, unless it is said otherwise. */
function eachOf(entries: readonly Stamped[], visit: (entry: Stamped, id: string | undefined) => void): void {
  const current = new Map<string, string>();
  for (const entry of entries) {
    if (entry.type === 'confirmed') current.delete(entry.step);
    if (entry.type === 'provisional') current.set(entry.step, entry.id);
    visit(entry, isWrite(entry) ? current.get(entry.step) : undefined);
  }
}

/** When it has to be confirmed by, by the clock on the wall, in milliseconds since 1970. */
export function deadlineOf({ since, seconds }: Pick<Provisional, 'since' | 'seconds'>): number {
  return Date.parse(since) + seconds * 1000;
}

/** Two clocks: the one on the wall can be set back, the other one stands still while the machine sleeps. Milliseconds. */
export interface Clocks {
  wall: number;
  steady: number;
}

/**
 * Whether time is up, by whichever clock says so first: neither a clock that is set back nor a machine that slept makes
 * it wait for longer. `seen`: the clocks when a last write of this time was first seen.
 */
export function isDue(one: Pick<Provisional, 'since' | 'seconds'>, seen: Clocks, now: Clocks): boolean {
  const wait = one.seconds * 1000;
  return now.wall >= deadlineOf(one) || now.steady - seen.steady >= wait;
}

/** Pauses between the tries to take something back, and for how long they go on, in milliseconds. */
const PAUSES = [2_000, 5_000, 15_000, 60_000];
const GIVE_UP = 24 * 3_600_000;
/** An API server that restarts may refuse for a moment what it grants; after that a right that is missing is missing. */
const GIVE_UP_FORBIDDEN = 5 * 60_000;

/**
 * How long to wait before taking back is tried again, in milliseconds; undefined where it is given up: after a day in
 * which another run held the cluster or no server answered, after five minutes without the right to do it.
 * @param tries how often it was tried; elapsed: since the first of them, in milliseconds
 */
export function waitToTakeBack(
  tries: number,
  elapsed: number,
  { forbidden }: { forbidden: boolean },
): number | undefined {
  if (elapsed > (forbidden ? GIVE_UP_FORBIDDEN : GIVE_UP)) return undefined;
  return PAUSES[Math.min(tries, PAUSES.length) - 1] ?? 0;
}

/**
 * How it stands, in one word. `waiting`: until its deadline; `unguarded`: nobody watches over it any more; `takingBack`:
 * the undo is under way; `unfinished`: it was begun and is not.
 * @param undone whether an undo of it has ended well
 */
export function standingOf({ verdict, guarded, changes }: Watched, undone: boolean): Standing {
  if (verdict === 'kept') return 'kept';
  if (undone || (verdict === 'takenBack' && changes.length === 0)) return 'takenBack';
  if (verdict === 'takenBack') return guarded ? 'takingBack' : 'unfinished';
  return guarded ? 'waiting' : 'unguarded';
}

export type Standing = 'waiting' | 'unguarded' | 'kept' | 'takingBack' | 'takenBack' | 'unfinished';

/** Whether anything was written. */
export function isWritten({ changes }: Pick<Provisional, 'changes'>): boolean {
  return changes.length > 0;
}

/** What is told before a step is confirmed that takes itself back. */
export function withinWords(run: string, { seconds, check }: Within): string {
  const decides =
    check === undefined ? '' : ` When the time is up, ${checkText(check)} may keep it in place of a person.`;
  return `It is taken back by itself unless it is kept within ${spanText(seconds)} of its last change: here, or by kubectl harden keep ${run}.${decides}`;
}

/** Where the rights to take something back come from. */
export const RIGHTS = 'kubectl harden rbac --also undo prints the role that may.';

/** Told where a step cannot take itself back. @param stays why this account could not */
export function neverWords(stays: string | undefined): string {
  return stays === undefined
    ? 'It cannot be taken back by itself: keys and stored values go back in rounds of their own.'
    : `It cannot be taken back by itself: ${stays}. ${RIGHTS}`;
}

function checkText(check: HealthCheck): string {
  return 'url' in check ? check.url : `\`${commandLine(check.command)}\``;
}

/** `5 minutes`, `90 seconds`, `2 hours`. */
export function spanText(seconds: number): string {
  const [size, word] =
    seconds % 3600 === 0 ? [3600, 'hour'] : seconds % 60 === 0 ? [60, 'minute'] : [1, 'second'];
  const count = seconds / size;
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** `4:05`, from now until then; never less than nothing. */
export function leftText(until: number, now: number): string {
  const seconds = Math.max(0, Math.ceil((until - now) / 1000));
  const rest = String(seconds % 60).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}:${rest}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
}

/** ISO 8601, UTC; undefined where a journal holds no such time. */
export function isoText(at: number): string | undefined {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** `12:34:56 UTC`. */
export function clockText(at: number): string {
  const text = isoText(at);
  return text === undefined ? 'an unknown time' : `${text.slice(11, 19)} UTC`;
}
