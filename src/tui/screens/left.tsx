import type { ReactNode } from 'react';
import { Lines, line } from '../lines.js';
import type { ScreenProps } from '../scene.js';

/** The last thing on this screen: the summary follows on the normal one. */
export function Left({ scene }: ScreenProps): ReactNode {
  const { look, width, height } = scene;
  return <Lines rows={[line('Saving the run.')]} width={width} height={height} look={look} />;
}
