import type { ReactNode } from 'react';
import { BLANK, type Line, Lines, line, span } from '../lines.js';
import type { ScreenProps } from '../scene.js';
import { columns, padLeft, padRight } from '../width.js';
import { count } from '../words.js';
import { useDots } from './busy.js';

/** What has been read so far, kind by kind. */
export function Reading({ scene }: ScreenProps): ReactNode {
  const dots = useDots();
  const { state, look, width, height } = scene;
  const kinds = state.screen.at === 'reading' ? state.screen.kinds : [];
  const done = kinds.filter((kind) => kind.done).length;
  const total = kinds.reduce((sum, { objects }) => sum + objects, 0);
  const what =
    kinds.length === 0
      ? 'Connecting to the cluster'
      : `Reading the cluster: ${count(total)} objects, ${count(done)} of ${count(kinds.length)} kinds`;
  const rows = [
    line(what, span('dim', dots)),
    line(span('dim', 'Reading changes nothing. Of Secrets only names are read.')),
    BLANK,
    ...kindRows(scene, width, height - 3),
  ];
  return <Lines rows={rows} width={width} height={height} look={look} />;
}

/** Kinds with their numbers, in as many columns as fit. */
function kindRows({ state, look }: ScreenProps['scene'], width: number, height: number): Line[] {
  const kinds =
    state.screen.at === 'reading' ? state.screen.kinds.toSorted((a, b) => (a.kind < b.kind ? -1 : 1)) : [];
  const names = Math.max(...kinds.map(({ kind }) => columns(look.text(kind))), 1);
  const each = names + 16;
  const across = Math.max(
    1,
    Math.min(Math.floor(width / each), Math.ceil(kinds.length / Math.max(1, height))),
  );
  const down = Math.min(height, Math.ceil(kinds.length / across));
  return Array.from({ length: down }, (_, row) =>
    Array.from({ length: across }, (_, column) => kinds[column * down + row]).flatMap((kind) =>
      kind === undefined
        ? []
        : line(
            kind.done ? look.sign('ok') : span('dim', ' '.repeat(look.g.signWidth)),
            ' ',
            padRight(look.text(kind.kind), names),
            span(kind.done ? 'plain' : 'dim', padLeft(count(kind.objects), 9)),
            '  ',
          ),
    ),
  );
}
