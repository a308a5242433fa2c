import type { ReactNode } from 'react';
import { BLANK, Lines, line, paragraph, span } from '../lines.js';
import type { ScreenProps } from '../scene.js';

/** The session cannot go on: what happened and what to do. */
export function Failed({ scene }: ScreenProps): ReactNode {
  const { state, look, width, height } = scene;
  if (state.screen.at !== 'failed') return null;
  const rows = [
    line(look.sign('failed'), ' ', span('title', 'The wizard cannot go on')),
    BLANK,
    ...paragraph(look, state.screen.message, width, { breaks: true }),
    BLANK,
    ...paragraph(look, `What was done is kept as run ${state.run}.`, width, { role: 'dim' }),
  ];
  return <Lines rows={rows} width={width} height={height} look={look} />;
}
