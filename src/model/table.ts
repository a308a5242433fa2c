/** A value of a table: how it is shown, what a program gets, and what it is sorted by where that is not the text. */
export interface Cell {
  text: string;
  data: string | number | boolean | null | readonly string[] | Readonly<Record<string, string | null>>;
  sort?: number | string;
}

export interface Column {
  /** Field of the JSON; stable. */
  id: string;
  title: string;
  /** Numbers stand on the right. */
  right?: true;
  /** Columns that it takes at most; the widest of its cells where nothing is said. */
  most?: number;
}

/** Facts of a cluster as rows, beside findings: screens and reports draw it. Rows come in the order of its author. */
export interface FactTable {
  /** Field of the JSON; stable. */
  id: string;
  title: string;
  columns: readonly Column[];
  rows: readonly (readonly Cell[])[];
  /** What short forms mean, and what could not be seen. */
  notes: readonly string[];
}

/** How rows are sorted: by which column, and whether backwards. */
export interface Order {
  column: number;
  down: boolean;
}

/** A cell whose text is its value. */
export function cell(value: string | number, data: Cell['data'] = value): Cell {
  return typeof value === 'number'
    ? { text: value.toLocaleString('en-US'), data, sort: value }
    : { text: value, data };
}

/** Stands for what could not be seen. */
export const UNSEEN: Cell = { text: '?', data: null };

/** The rows in an order; equal ones keep their place, and what could not be seen comes last either way. */
export function sortedRows({ rows }: FactTable, { column, down }: Order): readonly (readonly Cell[])[] {
  return rows.toSorted((a, b) => {
    const [left, right] = [a[column] ?? UNSEEN, b[column] ?? UNSEEN];
    if (left.data === null || right.data === null)
      return Number(left.data === null) - Number(right.data === null);
    const [x, y] = [left.sort ?? left.text, right.sort ?? right.text];
    const order = typeof x === 'number' && typeof y === 'number' ? x - y : compare(String(x), String(y));
    return down ? -order : order;
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Columns between two cells. */
const GAP = 2;

/**
 * How wide each column is drawn so that a row fits: as wide as its cells at first, then the widest gives way, column by
 * column, down to its title or six.
 */
export function columnWidths(
  { columns, rows }: FactTable,
  width: number,
  measure: (text: string) => number,
): readonly number[] {
  const least = columns.map(({ title }) => Math.max(6, measure(title)));
  const widths = columns.map(({ title, most = Number.POSITIVE_INFINITY }, index) =>
    Math.max(
      measure(title),
      Math.min(most, ...[rows.reduce((sum, row) => Math.max(sum, measure(row[index]?.text ?? '')), 0)]),
    ),
  );
  const total = () => widths.reduce((sum, one) => sum + one, GAP * (columns.length - 1));
  while (total() > width) {
    const widest = widths.reduce(
      (best, one, index) =>
        one > (least[index] ?? 0) && (best < 0 || one > (widths[best] ?? 0)) ? index : best,
      -1,
    );
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/** A row of cells in columns of these widths. `padded` makes a text exactly so wide, cut where it has to be. */
export function rowText(
  { columns }: FactTable,
  texts: readonly string[],
  widths: readonly number[],
  padded: (text: string, width: number, right: boolean) => string,
): string {
  return columns
    .map(({ right }, index) => padded(texts[index] ?? '', widths[index] ?? 0, right === true))
    .join(' '.repeat(GAP))
    .trimEnd();
}
