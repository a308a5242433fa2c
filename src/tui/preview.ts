import { matrixTable } from '../model/matrix.js';
import { overlay } from '../model/overlay.js';
import { countsText, cutText, type Preview } from '../model/preview.js';
import { pending } from '../wizard/assemble.js';
import type { WizardState } from '../wizard/state.js';
import { BLANK, type Line, line, paragraph, span } from './lines.js';
import type { Look } from './look.js';
import { once } from './memo.js';
import { chosenOf } from './scene.js';
import { padRight } from './width.js';
import { count } from './words.js';

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
  return [
    BLANK,
    line(span('title', 'What breaks, by all chosen changes')),
    ...preview.cut.flatMap((one) =>
      paragraph(look, cutText(one), width, { lead: line(look.sign('breaks'), ' ') }),
    ),
    ...matrixRows(preview, look, width),
    ...paragraph(look, countsText(preview, count), width),
    ...preview.newNamespaces.flatMap((sentence) => paragraph(look, sentence, width)),
  ];
}

function matrixRows(preview: Preview, look: Look, width: number): Line[] {
  const { rows, notes } = matrixTable(preview, {
    width,
    unicode: look.g.ellipsis === '…',
    name: (text, to) => padRight(look.name(text, to), to),
  });
  return [
    ...rows.map((row) => line(row)),
    ...notes.flatMap((note) => paragraph(look, note, width, { role: 'dim', hang: 2 })),
  ];
}
