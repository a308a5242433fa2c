import type { Finding } from './finding.js';
import type { Change } from './plan.js';
import type { Preview } from './preview.js';
import type { Answers, Question } from './question.js';
import type { Write } from './rights.js';
import type { Query, Snapshot } from './snapshot.js';
import type { FactTable } from './table.js';
import type { Templates } from './template.js';

/**
 * A file for people among the patch files of a step: `apply.sh` does nothing of it. A script gets arguments, `kube` for
 * kubectl, and a check of the cluster put before its commands.
 */
export type StepFile = {
  /** Below the step's folder. */
  path: string;
  /** What it is, for the README; where it is missing, another file of the step names it. */
  about?: string;
} & ({ text: string } | { commands: string; does: readonly string[]; verb: string; nothing: string });

/** A place in the guide, or the id of a control in another catalogue. */
export interface Reference {
  /** `guide`, `CIS`, `Kubescape`, `Trivy`. */
  catalogue: string;
  id: string;
}

/**
 * A step of the wizard: a value without I/O. It says what it reads and asks, and turns a snapshot plus answers into
 * findings and changes. `assess` also runs after applying: that is the verification.
 */
export interface Step {
  id: string;
  title: string;
  /** Two short lines: why this matters. */
  why: readonly [string, string];
  references: readonly Reference[];
  /** Name of its folder among patch files, e.g. `02-default-deny`. */
  folder: string;
  reads: readonly Query[];
  /** All that its changes may write. A change of anything else is not carried out. */
  writes: readonly Write[];
  /** What it writes besides where answers ask for it, whatever the cluster is like. */
  writesFor?(answers: Answers): readonly Write[];
  /**
   * Ids of all questions that `questions` may ask in any state of a cluster. An answers file may answer each of them at
   * any time, so that it serves before and after applying; any other id is a mistake in it.
   */
  asks?: readonly string[];
  /**
   * What it asks in this state. `given` are the answers so far, those to questions of another state included: which of
   * several questions there are, and what they recommend, may depend on them.
   */
  questions(now: Snapshot, given?: Answers): readonly Question[];
  assess(now: Snapshot, answers: Answers): readonly Finding[];
  /** Changes in the order in which they must be written. */
  plan(now: Snapshot, answers: Answers, templates: Templates): readonly Change[];
  /** Whether the answers ask for a live probe of the network plugin before anything is planned on. */
  probes?(now: Snapshot, answers: Answers): boolean;
  /** It takes back what a run wrote: whoever chose the run chose that as well. */
  takesBack?: true;
  /** What changes of this step would do to connections; only where that can be computed. */
  preview?(now: Snapshot, changes: readonly Change[]): Preview;
  /** Files for people beside the changes, on the snapshot that the step plans on. */
  files?(now: Snapshot, answers: Answers): readonly StepFile[];
  /**
   * What there is, beside what is wrong with it: shown on demand and part of reports. `then`: the cluster with the chosen
   * changes of this step and of earlier ones laid over it. `answers`: those that the changes follow from.
   */
  tables?(now: Snapshot, then: Snapshot, answers?: Answers): readonly FactTable[];
}

export type StepStatus = 'ok' | 'changes' | 'advice' | 'notVisible' | 'skipped';

/** How a step stands: pending changes first, then what could not be seen, then advice. */
export function statusOf(findings: readonly Finding[], changes: readonly Change[]): StepStatus {
  if (changes.length > 0) return 'changes';
  if (findings.some((f) => f.severity === 'notVisible')) return 'notVisible';
  return findings.length > 0 ? 'advice' : 'ok';
}
