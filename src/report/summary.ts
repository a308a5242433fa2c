import { oneLine, printable } from '../model/escape.js';
import { type Change, changeName } from '../model/plan.js';
import { clockText } from '../model/provisional.js';
import { commandLine } from '../model/shell.js';
import { unread } from '../model/snapshot.js';
import { pending } from '../wizard/assemble.js';
import type { Done, StepState, WizardState } from '../wizard/state.js';
import { fold } from './fold.js';
import { countsBrief, countsOf } from './plan.js';
import { removalCommand } from './probe.js';
import { counted, encoded, paint, type Style, sign } from './style.js';

export interface SummaryOptions {
  style: Style;
  /** Flags that name the cluster and the files that were given, for the command that goes on. */
  again: readonly string[];
  /** Flags that name the cluster, which kubectl takes as well. */
  target?: readonly string[];
  /** Whether the cluster outlives this process: the embedded one does only where it is kept in a file. */
  lasting: boolean;
}

/** How many changes that were not made are named one by one. */
const NAMED = 10;

/** The end of a session: what was done, what is left, and how to go on. */
export function summaryText(state: WizardState, options: SummaryOptions): string {
  const { style } = options;
  const lines = [
    ...doneLines(state, style),
    ...leftLines(state, style),
    ...probeLeft(state, options),
    ...provisionalLines(state, options),
    ...goOnLines(state, options),
  ];
  return `${lines.map((line) => encoded(style, line)).join('\n')}\n`;
}

function outcomes(steps: readonly StepState[], ...wanted: readonly Done['outcome'][]): readonly Done[] {
  return steps.flatMap((step) => step.done).filter((done) => wanted.includes(done.outcome));
}

/**
 * Changes of a step that are still to be made. Until the cluster is read again, the plan holds what was applied as well;
 * a plan of after that reading says what is left by itself.
 */
function waitingOf(step: StepState): readonly Change[] {
  if (step.verified !== undefined) return pending(step);
  const applied = new Set(outcomes([step], 'applied').map(({ change }) => change));
  return pending(step).filter((change) => !applied.has(change.id));
}

/** Whether something of a step was applied and the cluster was not read again since: nobody saw whether it worked. */
function isUnproven(step: StepState): boolean {
  return step.verified === undefined && outcomes([step], 'applied').length > 0;
}

function doneLines({ run, snapshot, steps }: WizardState, style: Style): string[] {
  const where = snapshot === undefined ? '' : ` on ${printable(snapshot.cluster.context)}`;
  const applied = outcomes(steps, 'applied').length;
  const inSteps = steps.filter((step) => outcomes([step], 'applied').length > 0).length;
  const failed = outcomes(steps, 'failed', 'stale').length;
  const skipped = steps.filter((step) => step.skipped !== undefined);
  const what = [
    applied === 0
      ? 'nothing was changed'
      : `${counted(applied, 'change')} applied in ${counted(inSteps, 'step')}`,
    ...(failed === 0 ? [] : [`${counted(failed, 'change')} failed`]),
    ...(skipped.length === 0
      ? []
      : [
          `${skipped.length} skipped (${skipped.map((s) => `${s.step.id}: "${printable(s.skipped ?? '')}"`).join(', ')})`,
        ]),
  ];
  const [first = '', ...rest] = fold(`Run ${run}${where}: ${what.join(', ')}.`, style.width, '', '  ');
  return [paint(style, 'title', first), ...rest];
}

/** The scratch namespace of a live probe that is still there, or may be because nobody waited for its end. */
function probeLeft({ snapshot, scratch }: WizardState, { style, target = [] }: SummaryOptions): string[] {
  if (scratch === undefined) return [];
  const command = removalCommand(scratch, target, snapshot?.cluster.context ?? '');
  return [`${sign(style, 'breaks')} Remove what the live probe left: ${command}`];
}

/** What takes itself back unless it is kept, and what nobody kept in time. */
function provisionalLines(
  { run, steps, waiting, expired = [] }: WizardState,
  { style }: SummaryOptions,
): string[] {
  const title = (id: string) => printable(steps.find(({ step }) => step.id === id)?.step.title ?? id);
  const warn = `${sign(style, 'breaks')} `;
  return [
    ...expired.flatMap((id) =>
      fold(
        `${title(id)}: nobody kept it in time, and it is taken back now; kubectl harden runs tells how it went.`,
        style.width,
        warn,
      ),
    ),
    ...(waiting?.all ?? []).flatMap(({ step, until }) => [
      ...fold(`${title(step)} is taken back at ${clockText(until)}, unless it is kept:`, style.width, warn),
      `  kubectl harden keep ${run}`,
    ]),
  ];
}

function leftLines({ steps }: WizardState, style: Style): string[] {
  const open = outcomes(steps, 'failed', 'stale', 'left', 'interrupted');
  const waiting = steps.map((step) => ({ step, changes: waitingOf(step) }));
  return [
    ...open.slice(0, NAMED).flatMap(({ change, outcome, message }) => {
      const mark = sign(style, outcome === 'left' ? 'changes' : 'failed');
      return fold(
        `${printable(changeName(change), 120)}: ${oneLine(message)}`,
        style.width,
        `${mark} ${outcome}: `,
        '    ',
      );
    }),
    ...(open.length > NAMED ? [`  and ${open.length - NAMED} more that were not applied`] : []),
    ...steps
      .filter(isUnproven)
      .flatMap(({ step: { title } }) =>
        fold(
          `${printable(title)} was not read again, to see whether it worked`,
          style.width,
          `${sign(style, 'changes')} unproven: `,
          '    ',
        ),
      ),
    ...waiting.flatMap(({ step: { step }, changes }) =>
      changes.length === 0
        ? []
        : fold(
            `${printable(step.title)}: ${countsBrief(countsOf(changes))}`,
            style.width,
            `${sign(style, 'changes')} waits: `,
            '    ',
          ),
    ),
  ];
}

function goOnLines(state: WizardState, { again, lasting, style }: SummaryOptions): string[] {
  const { run, steps, snapshot, directory } = state;
  const finished =
    snapshot !== undefined &&
    steps.every(
      (step) =>
        waitingOf(step).length === 0 && !isUnproven(step) && unread(snapshot, step.step.reads).length === 0,
    );
  if (snapshot !== undefined && !lasting)
    return fold(
      'The embedded cluster is gone with this session; --sandbox-file FILE keeps it from run to run.',
      style.width,
      '',
    );
  return [
    ...(finished
      ? []
      : [
          `Resume: ${commandLine(['kubectl', 'harden', 'resume', run, ...again].map((word) => printable(word)))}`,
        ]),
    ...fold(directory, style.width, 'Kept in: '),
  ];
}
