import type { Line } from './lines.js';
import { span } from './lines.js';
import type { Look } from './look.js';
import { clamp } from './view.js';
import { count } from './words.js';

/** A row that is made only when it is on the screen: lists may have thousands. */
export type Row = Line | (() => Line);

/** How far rows can be scrolled in a box of this height. Where not all toWidth, the last row says how many follow. */
export function scrollLimit(rows: number, height: number): number {
  return rows <= height ? 0 : rows - height + 1;
}

/** The rows on the screen. */
export function scrolled(rows: readonly Row[], scroll: number, height: number, look: Look): Line[] {
  const made = (row: Row): Line => (typeof row === 'function' ? row() : row);
  if (height < 1) return [];
  if (rows.length <= height) return rows.map(made);
  const from = clamp(scroll, 0, scrollLimit(rows.length, height));
  const to = from + height - 1;
  const below = rows.length - to;
  const words = [
    ...(from > 0 ? [`${look.g.up} ${count(from)} above`] : []),
    ...(below > 0 ? [`${look.g.down} ${count(below)} more`] : []),
  ];
  return [...rows.slice(from, to).map(made), [span('dim', words.join('  '))]];
}
