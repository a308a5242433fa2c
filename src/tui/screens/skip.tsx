import type { ReactNode } from 'react';
import { heading } from '../heading.js';
import { BLANK, Lines, line, paragraph, span } from '../lines.js';
import type { ScreenProps } from '../scene.js';

/** Asks why a step is left out; the reason is kept with the run. */
export function Skip({ scene }: ScreenProps): ReactNode {
  const { view, look, width, height } = scene;
  const rows = [
    heading(scene, undefined, 'skip'),
    BLANK,
    ...paragraph(
      look,
      'Why is this step left out? The reason is kept with the run and told at its end.',
      width,
    ),
    BLANK,
    line(span('cursor', look.g.pointer), ' ', look.name(view.text, width - 4), span('cursor', look.g.caret)),
    BLANK,
    line(span('dim', 'Nothing of this step is written. It can be opened again from the overview.')),
  ];
  return <Lines rows={rows} width={width} height={height} look={look} />;
}
