import { lackTexts, type Without } from '../model/rights.js';
import type { SignName } from '../model/signs.js';
import type { StepState } from '../wizard/state.js';
import { BLANK, type Line, line, paragraph } from './lines.js';
import type { Scene } from './scene.js';

const LACKS: Readonly<Record<Without, SignName>> = {
  refused: 'failed',
  notVisible: 'notVisible',
  lessSafe: 'advice',
};

/** What this account may not do in a step, and what follows; no row where it may do all of it. */
export function rightsRows(
  { state, look }: Scene,
  { step }: StepState,
  width: number,
  most?: number,
): Line[] {
  const { snapshot } = state;
  const texts = snapshot === undefined ? [] : lackTexts(snapshot, step.id);
  const rows = texts.flatMap(({ without, text }) =>
    paragraph(look, text, width, {
      lead: line(look.sign(LACKS[without]), ' '),
      ...(most === undefined ? {} : { most }),
    }),
  );
  return rows.length === 0 ? [] : [BLANK, ...rows];
}
