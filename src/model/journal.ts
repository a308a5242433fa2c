import type { Ref } from './manifest.js';
import { type CameFrom, type HealthCheck, provisionalsOf, type Watched } from './provisional.js';
import type { Answers } from './question.js';
import type { RewriteCounts, RewritePlace } from './rewrite.js';

/**
 * One line of a run's journal. References and hashes only: never an object's content, never a Secret's value.
 * The cluster is the truth; the journal says what was confirmed and what was already written.
 */
export type Entry =
  | {
      type: 'started';
      run: string;
      cluster: { id: string; context: string; version: string };
      command: string;
      /** Of an undo: the run that it takes back. */
      undoes?: string;
      /** Of an undo that takes back only what nobody kept in time: the ids of that. */
      undoesOnly?: readonly string[];
      /** What the run is about: the steps that `--step` chose (all without it) and the namespaces that were left out. */
      scope?: { steps: readonly string[]; exclude: readonly string[] };
      /** The files that it was started with. */
      files?: RunFiles;
      /** Of a run of `rewrite-secrets`: what it re-writes and how. */
      rewrite?: RewriteScope;
    }
  | { type: 'answered'; step: string; answers: Answers }
  | {
      type: 'confirmed';
      step: string;
      hash: string;
      changes: readonly { id: string; kind: string; ref: Ref; hash: string }[];
      /** Ids of changes that were planned and taken out. */
      excluded: readonly string[];
    }
  /** What the step writes from here on is taken back unless somebody keeps it in time. */
  | { type: 'provisional'; id: string; step: string; seconds: number; check?: HealthCheck; from: CameFrom }
  /** `chosen`: those that take a choice of their own and got it. */
  | { type: 'excluded'; step: string; changes: readonly string[]; chosen?: readonly string[] }
  /**
   * `before`: name under which the object as it was is kept. `turnsOn`: a round of encryption, where before it nothing was
   * written under a key.
   */
  | { type: 'applying'; step: string; change: string; before?: string; turnsOn?: true }
  | {
      type: 'applied';
      step: string;
      change: string;
      uid?: string;
      resourceVersion?: string;
      created?: boolean;
      /** Somebody else created it in the very moment of the write: it is not the run's to remove. */
      shared?: true;
      /** Name under which the object as the server answered it is kept. */
      after?: string;
      /** Of a re-write: what the gate saw, what it could not try, and what it left behind. */
      evidence?: readonly string[];
    }
  /** How far a re-write is done: all up to the place. `writes`: the stored form, as the gate saw it. */
  | {
      type: 'rewriting';
      step: string;
      change: string;
      writes: readonly string[];
      place: RewritePlace;
      counts: RewriteCounts;
      failures: readonly { ref: Ref; reason: string }[];
    }
  /** A pass of a re-write has ended. */
  | { type: 'rewritten'; step: string; change: string; writes: readonly string[]; counts: RewriteCounts }
  | { type: 'left'; step: string; change: string; reason: string }
  | { type: 'failed'; step: string; change: string; reason: string }
  /** Before a live probe creates this namespace, and removes those that earlier ones left. */
  | { type: 'probing'; namespace: string; image: string; removes: readonly string[] }
  /** After a live probe; `left`: namespaces that could not be removed. */
  | {
      type: 'probed';
      verdict: 'enforced' | 'notEnforced' | 'inconclusive';
      evidence: readonly string[];
      left: readonly string[];
    }
  | { type: 'skipped'; step: string; reason: string }
  | { type: 'verified'; step: string; pending: number }
  | { type: 'ended'; reason: 'done' | 'left' | 'interrupted' | 'failed' };

/** Files that a plan depends on, by absolute path. They are read anew when a run is resumed. */
export interface RunFiles {
  templates?: string;
  answers?: string;
  /** Of the answers file's text: the same file again says nothing newer than what was answered since. */
  answersHash?: string;
  flows: readonly string[];
  /** A copy of what API servers have in force; its path alone. */
  encryptionConfig?: string;
}

/** What a run of `rewrite-secrets` was asked for. */
export interface RewriteScope {
  resources: readonly string[];
  evenIfUntried: boolean;
  prove: boolean;
  maxRate?: number;
  concurrency?: number;
}

export type Stamped = Entry & { at: string };

/** What a journal tells about a run. */
export interface RunSummary {
  run: string;
  cluster: { id: string; context: string; version: string };
  /** How it was first started: `wizard`, `apply`. */
  command: string;
  /** Of an undo: the run that it takes back. */
  undoes?: string;
  /** Ids of what it takes back; absent: all of it. */
  undoesOnly?: readonly string[];
  /** What takes itself back unless it is kept; what was decided stands beside the journal. */
  provisional: readonly Watched[];
  /** As the run was first started: resuming it must not widen it. */
  scope: { steps: readonly string[]; exclude: readonly string[] };
  /** As it was last started. */
  files: RunFiles;
  rewrite?: RewriteScope;
  startedAt: string;
  lastAt: string;
  answers: ReadonlyMap<string, Answers>;
  /** Ids of confirmed changes by step. */
  confirmed: ReadonlyMap<string, readonly string[]>;
  /** Ids of changes that were taken out when a step was last confirmed. */
  excluded: ReadonlyMap<string, readonly string[]>;
  /** Ids of changes that were chosen by themselves, or confirmed. */
  chosen: ReadonlyMap<string, readonly string[]>;
  applied: readonly string[];
  /** Whether a change of nodes was left to people, as files. */
  leftFiles: boolean;
  skipped: ReadonlyMap<string, string>;
  state: 'open' | 'done' | 'left' | 'interrupted' | 'failed';
}

/** Reads a journal's lines into a summary; undefined where no `started` line is among them. */
export function replay(entries: readonly Stamped[]): RunSummary | undefined {
  const start = entries.find((entry) => entry.type === 'started');
  if (start === undefined) return undefined;
  const answers = new Map<string, Answers>();
  const confirmed = new Map<string, string[]>();
  const excluded = new Map<string, readonly string[]>();
  const chosen = new Map<string, readonly string[]>();
  const skipped = new Map<string, string>();
  const applied = new Set<string>();
  const onNodes = new Set<string>();
  const begun = new Set<string>();
  let leftFiles = false;
  let state: RunSummary['state'] = 'open';
  for (const entry of entries) {
    if (entry.type === 'answered') {
      answers.set(entry.step, entry.answers);
      skipped.delete(entry.step);
    }
    if (entry.type === 'confirmed') {
      const ids = [...(confirmed.get(entry.step) ?? []), ...entry.changes.map((c) => c.id)];
      for (const { id, kind } of entry.changes) if (kind === 'host') onNodes.add(id);
      // A step that was planned again is confirmed again, with changes of before among its own.
      confirmed.set(entry.step, [...new Set(ids)]);
      excluded.set(entry.step, entry.excluded);
      skipped.delete(entry.step);
    }
    if (entry.type === 'excluded') {
      excluded.set(entry.step, entry.changes);
      chosen.set(entry.step, entry.chosen ?? []);
    }
    if (entry.type === 'applied') applied.add(entry.change);
    // One that only waits for another was not begun, and its files are not written yet.
    if (entry.type === 'applying' && onNodes.has(entry.change)) begun.add(entry.change);
    if (entry.type === 'left' && begun.has(entry.change)) leftFiles = true;
    if (entry.type === 'skipped') skipped.set(entry.step, entry.reason);
    state = entry.type === 'ended' ? entry.reason : 'open';
  }
  const lastAt = entries.at(-1)?.at ?? start.at;
  return {
    run: start.run,
    cluster: start.cluster,
    command: start.command,
    ...(start.undoes === undefined ? {} : { undoes: start.undoes }),
    ...(start.undoesOnly === undefined ? {} : { undoesOnly: start.undoesOnly }),
    provisional: provisionalsOf(entries).map((one) => ({ ...one, guarded: false })),
    scope: start.scope ?? { steps: [], exclude: [] },
    files: entries.findLast((entry) => entry.type === 'started')?.files ?? { flows: [] },
    ...(start.rewrite === undefined ? {} : { rewrite: start.rewrite }),
    startedAt: start.at,
    lastAt,
    answers,
    confirmed,
    excluded,
    chosen: new Map(
      [...new Set([...chosen.keys(), ...confirmed.keys()])].map((id) => [
        id,
        [...(chosen.get(id) ?? []), ...(confirmed.get(id) ?? [])],
      ]),
    ),
    applied: [...applied],
    leftFiles,
    skipped,
    state,
  };
}

/** Whether something that a run wrote provisionally, by its id, was taken back whole by an undo. */
export function undoneOf(all: readonly RunSummary[], run: string): (id: string) => boolean {
  // An undo of a whole run that took nothing back, because its questions were answered with no, leaves it as it was.
  const undos = all.filter(
    ({ undoes, undoesOnly, state, applied }) =>
      undoes === run && state === 'done' && (undoesOnly !== undefined || applied.length > 0),
  );
  return (id) => undos.some(({ undoesOnly }) => undoesOnly === undefined || undoesOnly.includes(id));
}

/** What was confirmed to be re-written (`secrets`, `configmaps`, `widgets.example.com`) and was not, or not to its end. */
export function unfinishedRewrites(entries: readonly Stamped[]): readonly string[] {
  const open = new Map<string, string>();
  for (const entry of entries) {
    if (entry.type === 'applied') open.delete(entry.change);
    if (entry.type !== 'confirmed') continue;
    for (const id of entry.excluded) open.delete(id);
    for (const { id, kind, ref } of entry.changes) if (kind === 'rewrite') open.set(id, resourceOf(ref));
  }
  return [...open.values()];
}

/** The change of a re-write holds the kind where it is a known one, else the resource itself. */
function resourceOf({ kind }: Ref): string {
  return kind === 'Secret' ? 'secrets' : kind === 'ConfigMap' ? 'configmaps' : kind;
}

/** How far an interrupted re-write had come. */
export interface Reached {
  place: RewritePlace;
  counts: RewriteCounts;
  failures: readonly { ref: Ref; reason: string }[];
}

/**
 * Where a re-write that did not end goes on; undefined where there is none, or where it ended. What was re-written to
 * another stored form than `writes` has to be written again, so such a place does not count.
 */
export function reachedIn(
  entries: readonly Stamped[],
  step: string,
  change: string,
  writes: readonly string[],
): Reached | undefined {
  const form = [...writes].sort().join('\n');
  if (form === '') return undefined;
  let reached: Reached | undefined;
  for (const entry of entries) {
    if (entry.type !== 'rewriting' && entry.type !== 'rewritten') continue;
    if (entry.step !== step || entry.change !== change) continue;
    if (entry.type === 'rewritten' || [...entry.writes].sort().join('\n') !== form) {
      reached = undefined;
      continue;
    }
    const { place, counts, failures } = entry;
    reached = { place, counts, failures: [...(reached?.failures ?? []), ...failures] };
  }
  return reached;
}
