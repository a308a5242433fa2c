import { overlay } from '../model/overlay.js';
import type { Passage, Preview } from '../model/preview.js';
import { pending } from '../wizard/assemble.js';
import type { WizardState } from '../wizard/state.js';
import { BLANK, type Line, line, lineWidth, paragraph, span } from './lines.js';
import type { Look } from './look.js';
import { once } from './memo.js';
import { chosenOf } from './scene.js';
import { count } from './words.js';

const MARKS: Record<Passage, readonly [unicode: string, ascii: string, word: string]> = {
  open: ['●', 'O', 'open'],
  narrowed: ['◐', '/', 'narrowed'],
  closed: ['×', 'x', 'closed'],
  none: ['·', '.', 'none before'],
};

/** What the chosen changes of the step at hand do to connections; undefined where the step cannot say. */
const previewAt = once((state: WizardState): Preview | undefined => {
  const step = state.steps[state.current];
  if (step?.step.preview === undefined || state.snapshot === undefined || chosenOf(step).length === 0)
    return undefined;
  const ahead = state.steps
    .slice(0, state.current)
    .reduce((now, earlier) => overlay(now, pending(earlier)), state.snapshot);
  return step.step.preview(ahead, chosenOf(step));
});

/** What breaks: declared connections that are cut, from where to where what passes before and after, and the counts. */
export function previewRows(state: WizardState, look: Look, width: number): Line[] {
  const preview = previewAt(state);
  if (preview === undefined) return [];
  const { cut, declared, pairsBefore, pairsAfter } = preview;
  return [
    BLANK,
    line(span('title', 'What breaks, by all chosen changes')),
    ...cut.flatMap(({ connection, severity, why, evidence }) =>
      paragraph(look, `cuts ${connection} (${why}, ${severity}); seen in ${evidence}`, width, {
        lead: line(look.sign('breaks'), ' '),
      }),
    ),
    ...matrixRows(preview, look, width),
    ...paragraph(
      look,
      `declared connections cut: ${count(cut.length)} of ${count(declared)}; open workload pairs: ${count(pairsBefore)} to ${count(pairsAfter)}`,
      width,
    ),
    ...preview.newNamespaces.flatMap((sentence) => paragraph(look, sentence, width)),
  ];
}

/** Rows are where connections come from; columns, by number where names do not fit, where they go. */
function matrixRows({ places, matrix }: Preview, look: Look, width: number): Line[] {
  const names = places.map((place) => look.name(place, 18));
  const lead = Math.max(...names.map((name) => lineWidth(line(name)))) + 3;
  const pad = (text: string, to: number) => text + ' '.repeat(Math.max(0, to - lineWidth(line(text))));
  if (lead + 3 * places.length > width) return [];
  const mark = (passage: Passage) => MARKS[passage][look.g.ellipsis === '…' ? 0 : 1];
  const used = (Object.keys(MARKS) as Passage[]).filter((p) => matrix.some((row) => row.includes(p)));
  const number = (index: number) => String(index + 1).padStart(2);
  return [
    line(span('dim', pad('from \\ to', lead) + places.map((_, i) => number(i)).join(' '))),
    ...matrix.map((row, i) =>
      line(pad(`${number(i)} ${names[i] ?? ''}`, lead), row.map((passage) => ` ${mark(passage)}`).join(' ')),
    ),
    line(span('dim', used.map((passage) => `${mark(passage)} ${MARKS[passage][2]}`).join('  '))),
  ];
}
