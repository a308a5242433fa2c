import fc from 'fast-check';
import { cell, columnWidths, type FactTable, rowText, sortedRows, UNSEEN } from '../../src/model/table.js';

const table = (rows: FactTable['rows']): FactTable => ({
  id: 't',
  title: 'T',
  columns: [
    { id: 'name', title: 'name' },
    { id: 'count', title: 'count', right: true },
  ],
  rows,
  notes: [],
});

test('numbers sort as numbers, text as text, and what could not be seen comes last either way', () => {
  const rows = [
    [cell('b'), cell(9)],
    [cell('a'), UNSEEN],
    [cell('c'), cell(10)],
  ];
  const names = (column: number, down: boolean) =>
    sortedRows(table(rows), { column, down }).map(([first]) => first?.text);
  expect(names(0, false)).toEqual(['a', 'b', 'c']);
  expect(names(1, false)).toEqual(['b', 'c', 'a']);
  expect(names(1, true)).toEqual(['c', 'b', 'a']);
});

test('a row never takes more columns than there are, as long as each column keeps six or its title', () => {
  const text = fc.string({ maxLength: 60 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(text, text), { maxLength: 6 }),
      fc.integer({ min: 14, max: 120 }),
      (pairs, width) => {
        const of = table(pairs.map(([a, b]) => [cell(a), cell(b)]));
        const widths = columnWidths(of, width, (t) => t.length);
        const fit = (t: string, w: number) => t.slice(0, w).padEnd(w);
        for (const row of of.rows)
          expect(
            rowText(
              of,
              row.map(({ text }) => text),
              widths,
              fit,
            ).length,
          ).toBeLessThanOrEqual(width);
      },
    ),
  );
});
