import { Box } from 'ink';
import type { ReactNode } from 'react';
import { clusterFacts } from '../facts.js';
import { findingRows } from '../findings.js';
import { BLANK, type Line, Lines, line, paragraph, span } from '../lines.js';
import { Divider } from '../parts.js';
import { railRow } from '../rail.js';
import { rightsRows } from '../rights.js';
import type { Scene, ScreenProps } from '../scene.js';
import { stepAt } from '../scene.js';
import { type Row, scrolled, scrollLimit } from '../scroll.js';
import { standingOf } from '../words.js';

/** All steps on the left, what is known about the one under the cursor on the right. */
export function Overview({ scene }: ScreenProps): ReactNode {
  const { state, view, look, height } = scene;
  const { left, right } = columnsOf(scene);
  const list = [
    line(span('dim', ' Steps')),
    ...state.steps.map((step, index) =>
      railRow(step, index, index === view.cursor, view.pane === 'list', look, left),
    ),
  ];
  const top = factRows(scene, right);
  const bottom = referenceRows(scene, right);
  const room = height - top.length - bottom.length;
  const body = scrolled(bodyRows(scene, right), view.scroll, room, look);
  const filler = Array.from({ length: Math.max(0, room - body.length) }, () => BLANK);
  return (
    <Box>
      <Lines rows={list} width={left} height={height} look={look} />
      <Divider height={height} look={look} />
      <Lines rows={[...top, ...body, ...filler, ...bottom]} width={right} height={height} look={look} />
    </Box>
  );
}

/** How far the text about the step can be scrolled. */
export function overviewScroll(scene: Scene): number {
  const { right } = columnsOf(scene);
  const room = scene.height - factRows(scene, right).length - referenceRows(scene, right).length;
  return scrollLimit(bodyRows(scene, right).length, room);
}

function columnsOf({ width }: Scene): { left: number; right: number } {
  const left = width < 100 ? 28 : 34;
  return { left, right: width - left - 3 };
}

function factRows({ state, look }: Scene, width: number): Line[] {
  const { snapshot } = state;
  if (snapshot === undefined) return [];
  const { numbers } = clusterFacts(snapshot);
  const time = `read at ${snapshot.takenAt.slice(11, 19)} UTC`;
  const written = state.written ? 'changes were made' : 'nothing has been changed';
  return [
    line(look.text(joined(numbers, width))),
    line(span('dim', look.text(joined([time, written], width)))),
    BLANK,
  ];
}

/** As many of the parts as fit in one row, the first ones first. */
function joined(parts: readonly string[], width: number): string {
  return parts.reduce((text, part) => {
    const longer = text === '' ? part : `${text} · ${part}`;
    return longer.length <= width ? longer : text;
  }, '');
}

function bodyRows(scene: Scene, width: number): Row[] {
  const { look, view } = scene;
  const step = stepAt(scene);
  if (step === undefined) return [];
  const { sign, words } = standingOf(step);
  const most = view.pane === 'detail' ? undefined : 3;
  return [
    line(span('title', look.text(`${view.cursor + 1} ${step.step.title}`))),
    ...paragraph(look, words, width, { lead: line(look.sign(sign), ' ') }),
    BLANK,
    ...step.step.why.flatMap((text) => paragraph(look, text, width, { role: 'dim' })),
    ...rightsRows(scene, step, width),
    ...(step.findings.length > 0 ? [BLANK] : []),
    ...findingRows(step.findings, look, width, most),
  ];
}

/** Where the step comes from: by catalogue, those with the shortest names first. */
function referenceRows(scene: Scene, width: number): Line[] {
  const references = stepAt(scene)?.step.references ?? [];
  if (references.length === 0) return [];
  const texts = [...Map.groupBy(references, ({ catalogue }) => catalogue)]
    .map(([catalogue, some]) => `${catalogue} ${some.map(({ id }) => id).join(', ')}`)
    .sort((a, b) => a.length - b.length);
  return [BLANK, ...paragraph(scene.look, texts.join(' · '), width, { role: 'dim', most: 2 })];
}
