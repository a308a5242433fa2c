import type { Finding, Severity } from '../model/finding.js';
import { ownChoice } from '../model/managed-by.js';
import { refText } from '../model/manifest.js';
import type { Change } from '../model/plan.js';
import { type Option, rightsText, type Without } from '../model/rights.js';
import type { Risk } from '../model/risk.js';
import type { Snapshot } from '../model/snapshot.js';
import type { StepStatus } from '../model/step.js';
import { aheadOf, pending } from '../wizard/assemble.js';
import type { StepState } from '../wizard/state.js';
import { type ReportCluster, reportCluster } from './cluster.js';
import { jsonText } from './json.js';
import { tableReport } from './tables.js';

/** Version of the JSON. It rises when a field is removed or changes its meaning; fields may be added without. */
export const PLAN_VERSION = 1;

export interface PlanReport {
  version: typeof PLAN_VERSION;
  cluster: ReportCluster;
  steps: readonly StepReport[];
}

export interface StepReport {
  id: string;
  title: string;
  status: StepStatus;
  /** What this account may not do of what the step needs; left out where nobody was asked. */
  lacks?: readonly LackReport[];
  findings: readonly FindingReport[];
  changes: readonly ChangeReport[];
  /** Left out unless they are chosen by themselves, and why; only where there are any. */
  held?: readonly (ChangeReport & { why: string })[];
  /** What there is, by the id of each table; only for steps that have any. */
  tables?: Readonly<Record<string, readonly Record<string, unknown>[]>>;
}

export interface LackReport {
  /** `patch networkpolicies.networking.k8s.io`. */
  right: string;
  for: string;
  without: Without;
  /** Needed only where this part of the step is asked for. */
  option?: Option;
}

export interface FindingReport {
  id: string;
  severity: Severity;
  /** `NetworkPolicy shop/web`; left out where a finding is about no single object. */
  object?: string;
  evidence: string;
  message: string;
}

export interface ChangeReport {
  id: string;
  kind: Change['kind'];
  ref: string;
  risk: Risk;
  /** How each amount came about, a line each; parts of a sum are indented. */
  working?: readonly string[];
}

/** The plan as data, in the order of the steps; documented in docs/json.md. */
export function planReport(now: Snapshot, steps: readonly StepState[]): PlanReport {
  const ahead = aheadOf(now, steps);
  return {
    version: PLAN_VERSION,
    cluster: reportCluster(now),
    steps: steps.map(
      (state, index): StepReport => ({
        id: state.step.id,
        title: state.step.title,
        status: state.status,
        ...lacksReport(now, state.step.id),
        findings: state.findings.map(findingReport),
        changes: pending(state).map(changeReport),
        ...heldReport(state),
        ...(state.step.tables === undefined
          ? {}
          : {
              tables: Object.fromEntries(
                state.step
                  .tables(now, ahead[index] ?? now, state.answers)
                  .map((table) => [table.id, tableReport(table)]),
              ),
            }),
      }),
    ),
  };
}

function changeReport({ id, kind, ref, risk, working }: Change): ChangeReport {
  return { id, kind, ref: refText(ref), risk, ...(working === undefined ? {} : { working }) };
}

function heldReport({ plan, held = [], skipped }: StepState): Pick<StepReport, 'held'> {
  const left = skipped === undefined ? plan.changes.filter(({ id }) => held.includes(id)) : [];
  if (left.length === 0) return {};
  return { held: left.map((change) => ({ ...changeReport(change), why: ownChoice(change) ?? '' })) };
}

function lacksReport({ rights }: Snapshot, step: string): Pick<StepReport, 'lacks'> {
  if (rights === undefined || 'unknown' in rights) return {};
  const lacks = rights.lacks.get(step) ?? [];
  return {
    lacks: lacks.map(({ right, for: what, without, option }) => ({
      right: rightsText([right]),
      for: what,
      without,
      ...(option === undefined ? {} : { option }),
    })),
  };
}

function findingReport({ id, severity, object, evidence, message }: Finding): FindingReport {
  return { id, severity, ...(object === undefined ? {} : { object: refText(object) }), evidence, message };
}

/** The plan as JSON text with a line feed at its end. */
export function planJson(now: Snapshot, steps: readonly StepState[]): string {
  return `${jsonText(planReport(now, steps), 2)}\n`;
}

/** How many changes of which sort. */
export interface Counts {
  add: number;
  change: number;
  remove: number;
  nodes: number;
  rewrite: number;
  cloud: number;
}

export function countsOf(changes: readonly Change[]): Counts {
  const counts: Counts = { add: 0, change: 0, remove: 0, nodes: 0, rewrite: 0, cloud: 0 };
  for (const change of changes) counts[sortOf(change)]++;
  return counts;
}

function sortOf(change: Change): keyof Counts {
  switch (change.kind) {
    case 'apply':
      return change.before === undefined ? 'add' : 'change';
    case 'delete':
      return 'remove';
    case 'host':
      return 'nodes';
    case 'rewrite':
    case 'cloud':
      return change.kind;
  }
}

/** `3 to add, 1 to change, 0 to remove, 2 on nodes`; what is rare is named only where there is some. */
export function countsText(counts: Counts): string {
  return parts(counts, ['add', 'change', 'remove']);
}

/** `3 to add, 2 on nodes`: only what there is. */
export function countsBrief(counts: Counts): string {
  return parts(counts, []);
}

const WORDS: Record<keyof Counts, string> = {
  add: 'to add',
  change: 'to change',
  remove: 'to remove',
  nodes: 'on nodes',
  rewrite: 'to re-write',
  cloud: 'at the provider',
};

function parts(counts: Counts, always: readonly (keyof Counts)[]): string {
  return (Object.keys(WORDS) as (keyof Counts)[])
    .filter((sort) => counts[sort] > 0 || always.includes(sort))
    .map((sort) => `${counts[sort].toLocaleString('en-US')} ${WORDS[sort]}`)
    .join(', ');
}
