import fc from 'fast-check';
import { type MatrixTable, matrixTable } from '../../src/model/matrix.js';
import type { Passage, Preview } from '../../src/model/preview.js';
import { expectGolden } from '../support/golden.js';

const form = (width = 78) => ({
  width,
  unicode: true,
  name: (text: string, columns: number) => text.slice(0, columns).padEnd(columns),
});

function preview(places: readonly string[], passage: (from: string, to: string) => Passage): Preview {
  const matrix = places.map((from) => places.map((to) => passage(from, to)));
  return {
    places,
    matrix,
    declared: 0,
    cut: [],
    pairsBefore: 0,
    pairsAfter: 0,
    pairsToDns: 0,
    newNamespaces: [],
  };
}

const MARKS: Readonly<Record<string, Passage>> = { '●': 'open', '◐': 'narrowed', '×': 'closed', '·': 'none' };

/** What a reader gets out of a table: the passage of each pair that it speaks of, by `from to`. */
function read({ rows, notes }: MatrixTable): Map<string, Passage> {
  const lead = rows[0]?.indexOf(' own') ?? 0;
  const members = new Map<string, readonly string[]>();
  for (const note of notes) {
    const found = /^([0-9]+): (.*)\.$/.exec(note);
    if (found !== null) members.set(found[1] ?? '', (found[2] ?? '').split(', '));
  }
  const parsed: { number: string; own: string; cells: [string, string][] }[] = [];
  let columns: string[] = [];
  for (const row of rows) {
    const cells = Array.from({ length: 40 }, (_, i) => row.slice(lead + 4 + 3 * i, lead + 7 + 3 * i).trim());
    if (row.startsWith('from')) columns = cells.filter((cell) => cell !== '');
    else {
      const number = row.slice(0, 3).trim();
      if (!members.has(number)) members.set(number, [row.slice(4, lead).trim()]);
      const own = row.slice(lead, lead + 4).trim();
      parsed.push({ number, own, cells: columns.map((column, i) => [column, cells[i] ?? '']) });
    }
  }
  const out = new Map<string, Passage>();
  for (const { number, own, cells } of parsed)
    for (const from of members.get(number) ?? []) {
      out.set(`${from} ${from}`, MARKS[own] ?? 'none');
      for (const [column, cell] of cells)
        for (const to of members.get(column) ?? [])
          if (to !== from && MARKS[cell] !== undefined) out.set(`${from} ${to}`, MARKS[cell]);
    }
  return out;
}

test('every passage can be read from the table, whatever is alike, left out or below', () => {
  const passage = fc.constantFrom<Passage>('open', 'narrowed', 'closed', 'none');
  const cluster = fc.integer({ min: 1, max: 20 }).chain((kinds) =>
    fc.record({
      kinds: fc.array(fc.integer({ min: 0, max: kinds - 1 }), { minLength: 1, maxLength: 40 }),
      between: fc.array(fc.array(passage, { minLength: kinds, maxLength: kinds }), {
        minLength: kinds,
        maxLength: kinds,
      }),
      own: passage,
      odd: fc.array(fc.tuple(fc.nat(39), fc.nat(39), passage), { maxLength: 4 }),
      width: fc.integer({ min: 40, max: 150 }),
    }),
  );
  fc.assert(
    fc.property(cluster, ({ kinds, between, own, odd, width }) => {
      const places = [...kinds.map((_, i) => `ns${i}`), 'outside'];
      const special = new Map(odd.map(([a, b, p]) => [`ns${a} ns${b}`, p]));
      const at = (place: string) => kinds[Number(place.slice(2))] ?? 0;
      const of = preview(places, (from, to) => {
        if (from === 'outside' && to === 'outside') return 'none';
        return special.get(`${from} ${to}`) ?? (from === to ? own : (between[at(from)]?.[at(to)] ?? 'none'));
      });
      const table = matrixTable(of, form(width));
      for (const row of table.rows) expect(row.length).toBeLessThanOrEqual(width);
      const left = new Set(
        (table.notes.find((note) => note.startsWith('Unchanged: ')) ?? '').slice(11, -1).split(', '),
      );
      const said = read(table);
      const changed = (p: Passage | undefined) => p === 'closed' || p === 'narrowed';
      if (table.rows.length === 0) expect(of.matrix.flat().some(changed)).toBe(false);
      else
        for (const [i, from] of places.entries())
          for (const [j, to] of places.entries()) {
            const is = of.matrix[i]?.[j];
            if (left.has(from) || left.has(to)) expect(changed(is)).toBe(false);
            else expect([from, to, said.get(`${from} ${to}`)]).toEqual([from, to, is]);
          }
    }),
    { numRuns: 500 },
  );
});

const TEAMS = Array.from({ length: 36 }, (_, i) => `team-${String(i + 1).padStart(2, '0')}`);

test.each<[string, Preview]>([
  [
    'teams-alike',
    preview([...TEAMS, 'ingress-nginx', 'kube-system', 'legacy', 'monitoring', 'outside'], (from, to) => {
      if (from === 'legacy' || to === 'legacy') return from === 'outside' ? 'none' : 'open';
      if (from === to) return from === 'outside' ? 'none' : 'narrowed';
      if (to === 'outside') return 'open';
      if (from === 'outside') return to === 'ingress-nginx' ? 'narrowed' : 'closed';
      if (['ingress-nginx', 'monitoring'].includes(from) || to === 'kube-system') return 'narrowed';
      return from === 'team-07' && to === 'team-08' ? 'narrowed' : 'closed';
    }),
  ],
  [
    'all-different',
    preview([...TEAMS.slice(0, 20), 'outside'], (from, to) => {
      if (to === 'outside') return from === to ? 'none' : 'open';
      return (from.charCodeAt(5) * 10 + from.charCodeAt(6)) % 7 <= to.charCodeAt(6) % 5
        ? 'narrowed'
        : 'closed';
    }),
  ],
])('%s at 80 columns', (name, of) => {
  const { rows, notes } = matrixTable(of, form());
  expectGolden(`report/matrix-${name}.txt`, `${[...rows, ...notes].join('\n')}\n`);
});

test('where nothing changes there is no table; 1,000 namespaces are counted', () => {
  expect(
    matrixTable(
      preview(['a', 'outside'], () => 'open'),
      form(),
    ),
  ).toEqual({ rows: [], notes: [] });
  const many = Array.from({ length: 1_000 }, (_, i) => `ns${i}`);
  expect(
    matrixTable(
      preview(many, () => 'closed'),
      form(),
    ),
  ).toEqual({
    rows: [],
    notes: ['1,000 places are too many for a table.'],
  });
});
