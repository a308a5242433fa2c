import type { StepState } from '../wizard/state.js';
import { ends, type Line, line, span, toWidth } from './lines.js';
import type { Look } from './look.js';
import { standingOf } from './words.js';

/** A step as a row: pointer, sign, number, title, and how it stands in four columns, aligned right. */
export function railRow(
  step: StepState,
  index: number,
  here: boolean,
  focused: boolean,
  look: Look,
  width: number,
): Line {
  const { sign, short } = standingOf(step);
  const pointer = here ? span(focused ? 'cursor' : 'dim', look.g.pointer) : ' ';
  const before = line(pointer, look.sign(sign), ' ', `${index + 1} `);
  const used = 1 + look.g.signWidth + 1 + String(index + 1).length + 1;
  const title = look.name(step.step.title, Math.max(4, width - used - short.length - 1));
  return ends(
    line(before, span(here ? 'title' : 'plain', title)),
    line(span(look.sign(sign).role, short)),
    width,
    look.g.ellipsis,
  );
}

/** All steps in one row of signs, the one at hand with its title: what is left of the rail where space is short. */
export function foldedRail(steps: readonly StepState[], current: number, look: Look, width: number): Line {
  const parts = steps.map((step, index) => {
    const { sign, short } = standingOf(step);
    const title = index === current ? ` ${look.name(step.step.title, 20)}` : '';
    return line(
      span(index === current ? 'title' : 'dim', `${index + 1}${title} `),
      span(look.sign(sign).role, look.g.signs[sign]),
      span(index === current ? 'plain' : 'dim', ` ${short}`),
    );
  });
  const gap = span('dim', `  ${look.g.vertical} `);
  return toWidth(
    parts.flatMap((part, index) => (index === 0 ? part : [gap, ...part])),
    width,
    look.g.ellipsis,
  );
}
