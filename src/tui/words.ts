import type { Severity } from '../model/finding.js';
import type { Change } from '../model/plan.js';
import type { SignName } from '../model/signs.js';
import type { Outcome, StepState } from '../wizard/state.js';
import { once } from './memo.js';
import { chosenOf } from './scene.js';
import type { Role } from './theme.js';

/** `12,345`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 change`, `12 changes`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** How a step stands: its sign, what stands at the end of its row (four columns), and the same in words. */
export interface Standing {
  sign: SignName;
  short: string;
  words: string;
}

export const standingOf = once((step: StepState): Standing => {
  const failed = step.done.filter((d) => d.outcome === 'failed' || d.outcome === 'stale').length;
  const chosen = chosenOf(step).length;
  if (step.skipped !== undefined)
    return { sign: 'skipped', short: 'skip', words: `skipped: ${step.skipped}` };
  if (failed > 0 && chosen > 0)
    return { sign: 'failed', short: count(failed), words: `${counted(failed, 'change')} could not be made` };
  if (chosen > 0) {
    const breaking = chosenOf(step).filter(isWeighty).length;
    const words = `${counted(chosen, 'change')} proposed`;
    return breaking > 0
      ? {
          sign: 'breaks',
          short: count(chosen),
          words: `${words}; ${breaking === chosen ? (chosen === 1 ? 'it' : 'all') : count(breaking)} may break something`,
        }
      : { sign: 'changes', short: count(chosen), words };
  }
  if (openQuestions(step) > 0)
    return {
      sign: 'question',
      short: 'ask',
      words: `${counted(openQuestions(step), 'question')} to answer first`,
    };
  if (step.plan.changes.length > 0)
    return {
      sign: 'advice',
      short: 'none',
      words: `all ${count(step.plan.changes.length)} changes were left out`,
    };
  if (step.status === 'notVisible')
    return { sign: 'notVisible', short: '-', words: 'not all of it could be seen' };
  if (step.findings.length > 0)
    return { sign: 'advice', short: 'note', words: 'nothing to change; see the notes' };
  return { sign: 'ok', short: 'ok', words: 'nothing to do' };
});

/** Whether a change may break something; what is said of one without risk is a note. */
export function isWeighty(change: Change): boolean {
  return change.risk !== 'none' && change.breaks.length > 0;
}

/** Questions that could cut or reject something and that nobody has answered, while there is something to answer for. */
function openQuestions(step: StepState): number {
  if (step.findings.length === 0) return 0;
  return step.questions.filter((q) => q.risk !== 'none' && !step.answered.includes(q.id)).length;
}

/** What kind of change it is: a character for lists, a word for its heading. */
export function changeWord(change: Change): { letter: string; word: string; role: Role } {
  switch (change.kind) {
    case 'apply':
      return change.before === undefined
        ? { letter: '+', word: 'new', role: 'add' }
        : { letter: '~', word: 'changed', role: 'warn' };
    case 'delete':
      return { letter: '-', word: 'removed', role: 'remove' };
    case 'rewrite':
      return { letter: '=', word: 'stored again', role: 'info' };
    case 'host':
      return { letter: '@', word: 'on the node', role: 'info' };
    case 'cloud':
      return { letter: '$', word: 'for the provider', role: 'info' };
  }
}

/** `41 changes: 38 new, 3 changed`. */
export const changesInWords = once((changes: readonly Change[]): string => {
  const words = new Map<string, number>();
  for (const change of changes) {
    const { word } = changeWord(change);
    words.set(word, (words.get(word) ?? 0) + 1);
  }
  const parts = [...words].map(([word, n]) => `${count(n)} ${word}`);
  return `${counted(changes.length, 'change')}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
});

export const SEVERITIES: Record<Severity, { sign: SignName; word: string; role: Role }> = {
  high: { sign: 'changes', word: 'high', role: 'bad' },
  medium: { sign: 'changes', word: 'medium', role: 'warn' },
  low: { sign: 'changes', word: 'low', role: 'plain' },
  notVisible: { sign: 'notVisible', word: 'not visible', role: 'dim' },
  info: { sign: 'advice', word: 'note', role: 'dim' },
};

export const OUTCOMES: Record<Outcome, { sign: SignName; word: string }> = {
  failed: { sign: 'failed', word: 'failed' },
  stale: { sign: 'failed', word: 'changed meanwhile' },
  left: { sign: 'advice', word: 'left for you' },
  interrupted: { sign: 'skipped', word: 'stopped' },
  applied: { sign: 'ok', word: 'done' },
};
