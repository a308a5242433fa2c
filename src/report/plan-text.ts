import { printable } from '../model/escape.js';
import { ownChoice } from '../model/managed-by.js';
import { refText } from '../model/manifest.js';
import { overlay } from '../model/overlay.js';
import type { Change } from '../model/plan.js';
import { lackTexts, type Without } from '../model/rights.js';
import { RISKS } from '../model/risk.js';
import { commandLine } from '../model/shell.js';
import type { SignName } from '../model/signs.js';
import type { Snapshot } from '../model/snapshot.js';
import { pending } from '../wizard/assemble.js';
import type { StepState } from '../wizard/state.js';
import { reportCluster } from './cluster.js';
import { findingsLines } from './findings.js';
import { fold } from './fold.js';
import { countsBrief, countsOf, countsText } from './plan.js';
import { previewLines } from './preview.js';
import { counted, encoded, paint, type Style, sign, type Tone } from './style.js';
import { tableLines } from './tables.js';

/** The plan for people: every step with its findings and changes, the sum, and what can be done next. */
export function planText(
  now: Snapshot,
  steps: readonly StepState[],
  next: readonly string[],
  style: Style,
): string {
  let ahead = now;
  const blocks = steps.flatMap((state, index) => {
    const changes = pending(state);
    const preview = changes.length === 0 ? undefined : state.step.preview?.(ahead, changes);
    ahead = overlay(ahead, changes);
    return [
      '',
      ...stepLines(now, state, index, style),
      ...(state.step.tables?.(now, ahead, state.answers) ?? []).flatMap((table) => tableLines(table, style)),
      ...(preview === undefined ? [] : previewLines(preview, style)),
    ];
  });
  const lines = [
    ...headLines(now, style),
    ...blocks,
    '',
    ...sumLines(steps, style),
    ...(next.length === 0 ? [] : ['', ...next]),
  ];
  return `${lines.map((line) => encoded(style, line)).join('\n')}\n`;
}

/**
 * The commands that go on from a plan. `flags` are those that the plan was made with: which cluster, and what of the
 * plan is meant, so that a command that is pasted covers neither more nor less.
 */
export function nextCommands(context: string, flags: readonly string[], count: number): string[] {
  const rows: (readonly [string, string])[] = [
    ...(count === 0
      ? []
      : ([
          ['apply all of it', harden('apply', ...flags, '--confirm', context)],
          ['write patch files', harden('generate', ...flags, '--output-dir', 'DIR')],
        ] as const)),
    ['go through it step by step', harden(...flags)],
  ];
  const width = Math.max(...rows.map(([what]) => what.length));
  return rows.map(([what, command]) => `${what.padEnd(width)}  ${command}`);
}

/** The one command that goes on from a plan for manifests in files. */
export function generateCommand(flags: readonly string[]): string {
  return `write patch files  ${harden('generate', ...flags, '--output-dir', 'DIR')}`;
}

function harden(...more: readonly string[]): string {
  return commandLine(['kubectl', 'harden', ...more].map((word) => printable(word)));
}

/** Cluster, version, provider, plugin. */
export function headLines(now: Snapshot, style: Style): string[] {
  const { context, version, provider, plugin } = reportCluster(now);
  const parts = [
    context,
    version,
    ...(provider === undefined ? [] : [provider]),
    ...(plugin === undefined ? [] : [plugin]),
  ];
  return [paint(style, 'title', `kubectl harden · ${parts.map((part) => printable(part, 60)).join(' · ')}`)];
}

/** Number, title and standing of a step in one line. */
export function stepHead(state: StepState, index: number, style: Style): string {
  const { mark, tone, words } = standing(state);
  const head = paint(style, 'title', `${index + 1} ${printable(state.step.title)}`);
  return `${paint(style, tone, sign(style, mark))} ${head}: ${words}`;
}

function standing(state: StepState): { mark: SignName; tone: Tone; words: string } {
  switch (state.status) {
    case 'ok':
      return { mark: 'ok', tone: 'good', words: 'nothing to do' };
    case 'changes':
      return { mark: 'changes', tone: 'warn', words: countsBrief(countsOf(pending(state))) };
    case 'advice':
      return {
        mark: 'advice',
        tone: 'warn',
        words: `${counted(state.findings.length, 'note')}, nothing to change`,
      };
    case 'notVisible':
      return { mark: 'notVisible', tone: 'quiet', words: 'not all of it could be seen' };
    case 'skipped':
      return { mark: 'skipped', tone: 'quiet', words: `skipped: ${printable(state.skipped ?? '')}` };
  }
}

/** What this account may not do in a step, and what follows. */
export function rightsLines(
  now: Pick<Snapshot, 'rights'> | undefined,
  { step }: Pick<StepState, 'step'>,
  style: Style,
): string[] {
  return (now === undefined ? [] : lackTexts(now, step.id)).flatMap(({ without, text }) =>
    fold(printable(text), style.width, `  ${sign(style, LACKS[without])} `),
  );
}

const LACKS: Readonly<Record<Without, SignName>> = {
  refused: 'failed',
  notVisible: 'notVisible',
  lessSafe: 'advice',
};

/** Changes that are left out because only a choice of their own may make them. */
export function heldLines({ plan, held = [], skipped }: StepState, style: Style): string[] {
  if (skipped !== undefined) return [];
  return plan.changes
    .filter(({ id }) => held.includes(id))
    .flatMap((change) => [
      `  (left out) ${printable(refText(change.ref), 200)}`,
      ...fold(printable(ownChoice(change) ?? ''), style.width, `      ${sign(style, 'breaks')} `),
    ]);
}

function stepLines(now: Snapshot, state: StepState, index: number, style: Style): string[] {
  return [
    stepHead(state, index, style),
    ...rightsLines(now, state, style),
    ...findingsLines(state.findings, style),
    ...pending(state).flatMap((change) => changeLines(change, style)),
    ...workingHint(pending(state), style),
    ...heldLines(state, style),
  ];
}

/** Where the arithmetic of amounts is found: it is long, so that it is shown where it is asked for. */
function workingHint(changes: readonly Change[], style: Style): string[] {
  if (!changes.some(({ working = [] }) => working.length > 0)) return [];
  const text =
    'How each amount came about: the same command with -o json ("working"), or i in the review of the wizard.';
  return fold(text, style.width, `  ${sign(style, 'advice')} `);
}

const LETTERS: Record<
  keyof ReturnType<typeof countsOf>,
  readonly [letter: string, tone: Tone, word: string]
> = {
  add: ['+', 'good', ''],
  change: ['~', 'warn', ''],
  remove: ['-', 'bad', 'remove '],
  nodes: ['@', 'warn', 'on each control-plane node: '],
  rewrite: ['=', 'warn', 're-write: '],
  cloud: ['$', 'warn', 'at the provider: '],
};

/** A change: what, why, and what it can do to a running cluster. */
export function changeLines(change: Change, style: Style): string[] {
  const counts = countsOf([change]);
  const sort = (Object.keys(counts) as (keyof typeof counts)[]).find((key) => counts[key] > 0) ?? 'change';
  const [letter, tone, word] = LETTERS[sort];
  const warn = sign(style, 'breaks');
  const risks = [...(change.risk === 'none' ? [] : [RISKS[change.risk]]), ...change.breaks];
  return [
    `  ${paint(style, tone, letter)} ${word}${printable(refText(change.ref), 200)}`,
    ...fold(printable(change.why), style.width, '      '),
    ...(change.kind === 'cloud' ? [`      $ ${printable(commandLine(change.command))}`] : []),
    ...risks.flatMap((risk) => fold(printable(risk), style.width, `      ${warn} `)),
  ];
}

/** The last lines: all changes, and what is no change but has to be known. */
export function sumLines(steps: readonly StepState[], style: Style): string[] {
  const counts = countsOf(steps.flatMap(pending));
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  const hidden = steps.flatMap((s) => s.findings).filter((f) => f.severity === 'notVisible').length;
  const sum = total === 0 ? 'Plan: nothing to change.' : `Plan: ${countsText(counts)}`;
  return [
    ...fold(sum, style.width, '', '  ').map((line) => paint(style, 'title', line)),
    ...(hidden === 0
      ? []
      : [`${sign(style, 'notVisible')} ${counted(hidden, 'thing')} could not be seen: not counted as fine.`]),
  ];
}
