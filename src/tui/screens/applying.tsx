import type { ReactNode } from 'react';
import { changeName, rewrittenName } from '../../model/plan.js';
import type { RewriteProgress } from '../../wizard/ports.js';
import { heading } from '../heading.js';
import { BLANK, ends, type Line, Lines, line, paragraph, span } from '../lines.js';
import { bar } from '../parts.js';
import type { Scene, ScreenProps } from '../scene.js';
import { columns } from '../width.js';
import { count, OUTCOMES } from '../words.js';

/** How far applying has come, what is in hand, and the last objects that were finished. */
export function Applying({ scene }: ScreenProps): ReactNode {
  const { state, look, width, height } = scene;
  if (state.screen.at !== 'applying') return null;
  const { done, total, now, rewrite, stopping } = state.screen;
  const top = [
    heading(scene, 'apply'),
    BLANK,
    ...progressRows(done, total, `${count(done)} of ${count(total)}`, scene),
    line(span('dim', 'now '), now === '' ? '' : look.name(changeName(now), width - 4)),
    ...(rewrite === undefined ? [] : rewriteRows(rewrite, scene)),
    BLANK,
    ...(stopping
      ? paragraph(
          look,
          'Stopping after the object in hand. Everything done so far is kept in the journal. Ctrl+C again leaves at once.',
          width,
          { lead: line(look.sign('breaks'), ' '), role: 'warn' },
        ).concat([BLANK])
      : []),
  ];
  return (
    <Lines
      rows={[...top, ...doneRows(scene, height - top.length)]}
      width={width}
      height={height}
      look={look}
    />
  );
}

function progressRows(done: number, total: number, words: string, { look, width }: Scene): Line[] {
  const room = Math.max(10, Math.min(60, width - words.length - 2));
  return [line(bar(total === 0 ? 0 : done / total, room, look), '  ', words)];
}

function rewriteRows(progress: RewriteProgress, scene: Scene): Line[] {
  const { total, rewritten, unchanged, gone, refused } = progress;
  const seen = rewritten + unchanged + gone + refused;
  const { screen } = scene.state;
  const what = screen.at === 'applying' ? scene.look.name(rewrittenName(screen.now), 40) : '';
  const words = total === undefined ? `${count(seen)} ${what}` : `${count(seen)} of ${count(total)} ${what}`;
  return [
    BLANK,
    ...progressRows(seen, total ?? 0, words, scene),
    line(
      `re-written ${count(rewritten)} · already ${count(unchanged)} · gone meanwhile ${count(gone)} · `.replaceAll(
        '·',
        scene.look.g.dot,
      ),
      span(refused > 0 ? 'bad' : 'plain', `refused ${count(refused)}`),
    ),
  ];
}

/** The last finished objects, the newest first. */
function doneRows({ state, look, width }: Scene, height: number): Line[] {
  const done = state.steps[state.current]?.done ?? [];
  return done
    .slice(-Math.max(0, height))
    .toReversed()
    .map(({ change, outcome, message }) => {
      const { sign, word } = OUTCOMES[outcome];
      const said = look.cut(outcome === 'applied' ? message : word, Math.floor(width / 2));
      const name = look.name(changeName(change), width - columns(said) - look.g.signWidth - 3);
      return ends(line(look.sign(sign), ' ', name), line(span('dim', said)), width, look.g.ellipsis);
    });
}
