import stringWidth from 'string-width';
import { cutMiddle, printable } from '../model/escape.js';
import { columnWidths, type FactTable, type Order, rowText, sortedRows } from '../model/table.js';
import { fold } from './fold.js';
import { paint, type Style } from './style.js';

/** Rows of a table that are listed; the rest is counted. */
const LISTED = 40;

/** A table within the width of a style, at most so many rows; without an order as its author has it. */
export function tableLines(table: FactTable, style: Style, order?: Order, most = LISTED): readonly string[] {
  if (table.rows.length === 0) return [];
  const rows = order === undefined ? table.rows : sortedRows(table, order);
  const shown = rows.slice(0, rows.length <= most + 1 ? rows.length : most);
  const widths = columnWidths({ ...table, rows: shown }, style.width - 2, (text) =>
    stringWidth(printable(text)),
  );
  const row = (texts: readonly string[]) => `  ${rowText(table, texts, widths, padded)}`;
  const hidden = rows.length - shown.length;
  return [
    paint(style, 'title', `  ${table.title}`),
    paint(style, 'quiet', row(table.columns.map(({ title }) => title))),
    ...shown.map((cells) => row(cells.map(({ text }) => text))),
    ...(hidden === 0 ? [] : [`  and ${hidden.toLocaleString('en-US')} more: -o json has all`]),
    ...table.notes
      .flatMap((note) => fold(printable(note), style.width, '  ', '    '))
      .map((text) => paint(style, 'quiet', text)),
  ];
}

function padded(text: string, width: number, right: boolean): string {
  const shown = cutMiddle(printable(text), width);
  const space = ' '.repeat(Math.max(0, width - stringWidth(shown)));
  return right ? space + shown : shown + space;
}

/** A table as data: each row by the ids of its columns. */
export function tableReport({ columns, rows }: FactTable): readonly Record<string, unknown>[] {
  return rows.map((cells) =>
    Object.fromEntries(columns.map(({ id }, index) => [id, cells[index]?.data ?? null])),
  );
}
