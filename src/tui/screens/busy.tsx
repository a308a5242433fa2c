import { useAnimation } from 'ink';
import type { ReactNode } from 'react';
import type { Stage } from '../heading.js';
import { heading } from '../heading.js';
import { BLANK, Lines, line, span } from '../lines.js';
import type { ScreenProps } from '../scene.js';
import { counted } from '../words.js';

interface BusyProps extends ScreenProps {
  stage: Stage;
  doing: string;
}

/** Dots that show that the program lives while a screen has nothing to count. */
export function useDots(): string {
  const { frame } = useAnimation({ interval: 400 });
  return '.'.repeat(frame % 4);
}

function Busy({ scene, stage, doing }: BusyProps): ReactNode {
  const dots = useDots();
  const { look, width, height } = scene;
  const rows = [heading(scene, stage), BLANK, line(doing, span('dim', dots))];
  return <Lines rows={rows} width={width} height={height} look={look} />;
}

/** The server's dry run of the plan. */
export function Checking({ scene }: ScreenProps): ReactNode {
  const step = scene.state.steps[scene.state.current];
  const changes = counted(step?.plan.changes.length ?? 0, 'change');
  return (
    <Busy
      scene={scene}
      stage="review"
      doing={`Asking the server what ${changes} would do; nothing is written`}
    />
  );
}

/** A live probe, which tells what it is doing. */
export function Probing({ scene }: ScreenProps): ReactNode {
  const { screen } = scene.state;
  if (screen.at !== 'probing') return null;
  const doing = screen.stopping
    ? 'Stopping: removing what was created. Ctrl+C again leaves at once'
    : `Live probe: ${scene.look.text(screen.stage === '' ? 'asking for the rights' : screen.stage)}`;
  return <Busy scene={scene} stage="ask" doing={doing} />;
}

/** Reading again after applying. */
export function Verifying({ scene }: ScreenProps): ReactNode {
  return <Busy scene={scene} stage="proof" doing="Reading the cluster again to see what has come of it" />;
}
