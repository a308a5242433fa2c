import type { ReactNode } from 'react';
import type { Done, Outcome, StepState } from '../../wizard/state.js';
import { findingRows } from '../findings.js';
import { heading } from '../heading.js';
import { BLANK, Lines, line, paragraph, span } from '../lines.js';
import type { Scene, ScreenProps } from '../scene.js';
import { type Row, scrolled, scrollLimit } from '../scroll.js';
import { changeName, count, counted, OUTCOMES, standingOf } from '../words.js';

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
  const ordered = step.done.toSorted((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome));
  return [
    ...proofRows(scene, step),
    BLANK,
    ...totals,
    BLANK,
    ...ordered.flatMap((done) => doneRows(scene, done, width)),
  ];
}

/** What reading again has shown. */
function proofRows({ look, width }: Scene, step: StepState): Row[] {
  const { verified } = step;
  if (verified === undefined)
    return paragraph(look, 'Not read again: what has come of it is not known.', width, {
      lead: line(look.sign('notVisible'), ' '),
    });
  const { sign, words } = standingOf(step);
  const said =
    verified.length === 0
      ? 'Read again: nothing of this step is left to do.'
      : `Read again: ${words}; ${counted(verified.length, 'finding')} ${verified.length === 1 ? 'is' : 'are'} left.`;
  return [
    ...paragraph(look, said, width, { lead: line(look.sign(verified.length === 0 ? 'ok' : sign), ' ') }),
    ...findingRows(verified, look, width, 3),
  ];
}

function doneRows({ look }: Scene, { change, outcome, message }: Done, width: number): Row[] {
  const { sign, word } = OUTCOMES[outcome];
  if (outcome === 'applied')
    return [
      () =>
        line(
          look.sign(sign),
          ' ',
          look.name(changeName(change), Math.floor(width * 0.6)),
          span('dim', `  ${look.text(message)}`),
        ),
    ];
  return [
    line(look.sign(sign), ' ', span('title', look.name(changeName(change), width - 20)), ` ${word}`),
    ...paragraph(look, message, width, { lead: line('    '), most: 4 }),
  ];
}
