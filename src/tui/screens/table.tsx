import type { ReactNode } from 'react';
import { columnWidths, rowText, sortedRows } from '../../model/table.js';
import { BLANK, type Line, Lines, line, paragraph, span } from '../lines.js';
import type { Scene, ScreenProps } from '../scene.js';
import { tablesAt } from '../scene.js';
import { type Row, scrolled, scrollLimit } from '../scroll.js';
import { columns, padLeft, padRight } from '../width.js';

/** A table of the step at hand, sorted as asked for, in the whole pane. */
export function Table({ scene }: ScreenProps): ReactNode {
  const { width, height, look, view } = scene;
  const { head, body, foot } = partsOf(scene);
  const room = height - head.length - foot.length;
  const shown = scrolled(body, view.scroll, room, look);
  const filler = Array.from({ length: Math.max(0, room - shown.length) }, () => BLANK);
  return <Lines rows={[...head, ...shown, ...filler, ...foot]} width={width} height={height} look={look} />;
}

/** How far the table can be scrolled. */
export function tableScroll(scene: Scene): number {
  const { head, body, foot } = partsOf(scene);
  return scrollLimit(body.length, scene.height - head.length - foot.length);
}

function partsOf(scene: Scene): { head: readonly Line[]; body: readonly Row[]; foot: readonly Line[] } {
  const { look, view, width } = scene;
  const all = tablesAt(scene);
  const table = all[view.table?.index ?? 0];
  if (table === undefined) return { head: [], body: [], foot: [] };
  const order = view.table?.order;
  const widths = columnWidths(table, width, (text) => columns(look.text(text)));
  const fitted = (text: string, room: number, right: boolean) => {
    const shown = look.name(text, room);
    return right ? padLeft(shown, room) : padRight(shown, room);
  };
  const by = order === undefined ? undefined : table.columns[order.column]?.title;
  const sorting = by === undefined ? '' : `, by ${by}${order?.down === true ? ', backwards' : ''}`;
  const place = all.length > 1 ? ` (${(view.table?.index ?? 0) + 1} of ${all.length})` : '';
  const count = `${table.rows.length.toLocaleString('en-US')} ${table.rows.length === 1 ? 'row' : 'rows'}`;
  const rows = order === undefined ? table.rows : sortedRows(table, order);
  const foot = table.notes.flatMap((note) => paragraph(look, note, width, { role: 'dim', most: 3 }));
  return {
    head: [
      line(span('title', look.text(table.title)), span('dim', look.text(`${place}  ${count}${sorting}`))),
      line(
        span(
          'dim',
          rowText(
            table,
            table.columns.map(({ title }) => title),
            widths,
            fitted,
          ),
        ),
      ),
    ],
    body: rows.map(
      (cells): Row =>
        () =>
          line(
            rowText(
              table,
              cells.map(({ text }) => text),
              widths,
              fitted,
            ),
          ),
    ),
    // Rows come first where both do not fit.
    foot: foot.slice(0, Math.max(0, Math.min(foot.length, scene.height - 8))),
  };
}
