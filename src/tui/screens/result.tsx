import type { ReactNode } from 'react';
import { changeName } from '../../model/plan.js';
import type { SignName } from '../../model/signs.js';
import type { Done, Outcome, StepState } from '../../wizard/state.js';
import { findingRows } from '../findings.js';
import { heading } from '../heading.js';
import { BLANK, Lines, line, paragraph, span } from '../lines.js';
import { chosenOf, type Scene, type ScreenProps } from '../scene.js';
import { type Row, scrolled, scrollLimit } from '../scroll.js';
import { columns } from '../width.js';
import { count, counted, OUTCOMES } from '../words.js';

/** What has come of the step: what was read again, then each change with what its outcome is based on. */
export function Result({ scene }: ScreenProps): ReactNode {
  const { state, view, look, width, height } = scene;
  const step = state.steps[state.current];
  if (step === undefined) return null;
  const rows = scrolled(resultRows(scene, step), view.scroll, height - 2, look);
  return <Lines rows={[heading(scene, 'proof'), BLANK, ...rows]} width={width} height={height} look={look} />;
}

/** How far the result can be scrolled. */
export function resultScroll(scene: Scene): number {
  const step = scene.state.steps[scene.state.current];
  return step === undefined ? 0 : scrollLimit(resultRows(scene, step).length, scene.height - 2);
}

const ORDER = Object.keys(OUTCOMES) as Outcome[];

function resultRows(scene: Scene, step: StepState): Row[] {
  const { look, width } = scene;
  const totals = ORDER.flatMap((outcome): Row[] => {
    const some = step.done.filter((d) => d.outcome === outcome).length;
    if (some === 0) return [];
    const { sign, word } = OUTCOMES[outcome];
    return [line(look.sign(sign), ' ', span('title', count(some)), ` ${word}`)];
  });
  const problems = step.done.filter((d) => d.outcome !== 'applied');
  const ordered = problems.toSorted((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome));
  const applied = step.done.filter((d) => d.outcome === 'applied');
  const rest = step.verified ?? [];
  const part = (rows: readonly Row[]) => (rows.length === 0 ? [] : [BLANK, ...rows]);
  return [
    ...totals,
    ...proofRows(scene, step),
    ...part(ordered.flatMap((done) => doneRows(scene, done, width))),
    ...(rest.length === 0 ? [] : [BLANK, line(span('title', 'What the cluster shows now'))]),
    ...findingRows(rest, look, width, 3),
    ...part(applied.flatMap((done) => doneRows(scene, done, width))),
  ];
}

/** What reading again has shown. */
function proofRows({ look, width }: Scene, step: StepState): Row[] {
  const say = (sign: SignName, text: string) =>
    paragraph(look, text, width, { lead: line(look.sign(sign), ' ') });
  if (step.verified === undefined)
    return say('notVisible', 'Not read again: what has come of it is not known.');
  const pending = chosenOf(step).length;
  if (pending > 0)
    return say('changes', `Read again: ${counted(pending, 'change')} of this step still to make.`);
  return say('ok', 'Read again: no change of this step is left to make.');
}

function doneRows({ look }: Scene, { change, outcome, message }: Done, width: number): Row[] {
  const { sign, word } = OUTCOMES[outcome];
  const name = look.name(changeName(change), width - 24);
  const applied = outcome === 'applied';
  const room = width - columns(name) - look.g.signWidth - 3;
  if (applied && message.length <= room)
    return [() => line(look.sign(sign), ' ', name, span('dim', `  ${look.text(message)}`))];
  return [
    line(look.sign(sign), ' ', span(applied ? 'plain' : 'title', name), applied ? '' : ` ${word}`),
    ...paragraph(look, message, width, {
      lead: line('    '),
      role: applied ? 'dim' : 'plain',
      most: 8,
      breaks: true,
    }),
  ];
}
