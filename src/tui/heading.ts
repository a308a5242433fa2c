import { ends, type Line, line, span } from './lines.js';
import type { Scene } from './scene.js';

/** The way through a step. */
const STAGES = ['ask', 'review', 'apply', 'proof'] as const;
export type Stage = (typeof STAGES)[number];

/** The first row of a step's screens: which step, what about it, and where on the way. */
export function heading({ state, look, width }: Scene, stage: Stage | undefined, about = ''): Line {
  const step = state.steps[state.current];
  const title = step === undefined ? '' : `${state.current + 1} ${look.text(step.step.title)}`;
  const way =
    stage === undefined
      ? []
      : STAGES.flatMap((name, index) => [
          span('dim', index === 0 ? '' : ` ${look.g.onward} `),
          name === stage ? span('title', `[${name}]`) : span('dim', name),
        ]);
  const left = line(span('title', title), about === '' ? '' : ` ${look.g.dot} ${look.text(about)}`);
  return ends(left, line(...way), width, look.g.ellipsis);
}
