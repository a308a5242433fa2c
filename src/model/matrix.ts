import { OUTSIDE, type Passage, type Preview } from './preview.js';

/** How a passage is drawn: with and without UTF-8, and in a word. */
const MARKS: Readonly<Record<Passage, readonly [unicode: string, ascii: string, word: string]>> = {
  open: ['●', 'O', 'open'],
  narrowed: ['◐', '/', 'narrowed'],
  closed: ['×', 'x', 'closed'],
  none: ['·', '.', 'none before'],
};

export interface MatrixTable {
  /** In at most the columns that were given. */
  rows: readonly string[];
  /** Below it, to be folded: what the marks mean, what stands for several namespaces, and what is left out. */
  notes: readonly string[];
}

/** How the caller writes text. */
export interface MatrixForm {
  width: number;
  unicode: boolean;
  /** A name from outside in exactly so many columns. */
  name(text: string, columns: number): string;
}

/** More places than this are not compared with each other. */
const MOST = 300;
/** Columns of a number with the gap before it. */
const CELL = 3;
const OWN = ' own';
const LONGEST_NAME = 24;

/**
 * From where (rows) to where (columns, by number) connections pass before and after. Namespaces for which nothing
 * changes are left out, those that are alike share a row and a column, and more columns than fit follow below.
 */
export function matrixTable({ places, matrix }: Preview, form: MatrixForm): MatrixTable {
  if (places.length > MOST)
    return { rows: [], notes: [`${places.length.toLocaleString('en-US')} places are too many for a table.`] };
  const still = places.filter((_, i) =>
    places.every((_, j) => stays(matrix[i]?.[j]) && stays(matrix[j]?.[i])),
  );
  if (still.length === places.length) return { rows: [], notes: [] };
  const shown = places.flatMap((place, i) => (still.includes(place) ? [] : [i]));
  const groups = alike(shown, { places, matrix });
  const mark = (passage: Passage | undefined) =>
    passage === undefined ? ' ' : MARKS[passage][form.unicode ? 0 : 1];
  const numbers = groups.map((_, i) => String(i + 1).padStart(CELL));
  const names = groups.map(({ members }) => nameOf(members.map((i) => places[i] ?? '')));
  const nameWidth = Math.min(
    LONGEST_NAME,
    Math.max(...names.map((name) => name.length), 'from \\ to'.length),
  );
  const lead = CELL + 1 + nameWidth + OWN.length;
  const fit = Math.max(1, Math.floor((form.width - lead) / CELL));
  const rows: string[] = [];
  for (let from = 0; from < groups.length; from += fit) {
    const columns = groups.slice(from, from + fit);
    const head = 'from \\ to'.padEnd(CELL + 1 + nameWidth) + OWN + numbers.slice(from, from + fit).join('');
    rows.push(
      head,
      ...groups.map((row, i) => {
        const cells = columns.map((column) =>
          mark(row === column ? row.among : matrix[row.members[0] ?? 0]?.[column.members[0] ?? 0]).padStart(
            CELL,
          ),
        );
        const own = mark(row.own).padStart(OWN.length);
        return `${numbers[i]} ${form.name(names[i] ?? '', nameWidth)}${own}${cells.join('')}`.trimEnd();
      }),
    );
  }
  const used = (Object.keys(MARKS) as Passage[]).filter((passage) =>
    shown.some((i) => shown.some((j) => matrix[i]?.[j] === passage)),
  );
  const legend = used.map((passage) => `${mark(passage)} ${MARKS[passage][2]}`).join('  ');
  const several = groups.flatMap(({ members }, i) =>
    members.length === 1 ? [] : [`${i + 1}: ${members.map((at) => places[at]).join(', ')}.`],
  );
  return {
    rows,
    notes: [legend, ...several, ...(still.length === 0 ? [] : [`Unchanged: ${still.join(', ')}.`])],
  };
}

function stays(passage: Passage | undefined): boolean {
  return passage !== 'narrowed' && passage !== 'closed';
}

function nameOf(members: readonly string[]): string {
  return members.length === 1 ? (members[0] ?? '') : `${members[0]} and ${members.length - 1} alike`;
}

/** Places of which each passes the same to and from all others, so that one row and one column stand for them. */
interface Group {
  members: number[];
  /** Within each of them. */
  own: Passage;
  /** From each of them to each other; undefined where there is one. */
  among: Passage | undefined;
}

/** Places by what passes to and from them; being alike goes on from one to the next, so that one of each is compared. */
function alike(
  shown: readonly number[],
  { places, matrix }: Pick<Preview, 'places' | 'matrix'>,
): readonly Group[] {
  const cell = (i: number, j: number): Passage => matrix[i]?.[j] ?? 'none';
  const groups: Group[] = [];
  for (const place of shown) {
    const group = groups.find(({ members: [one = place] }) => {
      if (places[place] === OUTSIDE || places[one] === OUTSIDE) return false;
      return (
        cell(one, one) === cell(place, place) &&
        cell(one, place) === cell(place, one) &&
        shown.every(
          (x) =>
            x === one || x === place || (cell(one, x) === cell(place, x) && cell(x, one) === cell(x, place)),
        )
      );
    });
    const first = group?.members[0];
    // Three are alike only where what passes between each two of them is the same.
    if (group === undefined || first === undefined)
      groups.push({ members: [place], own: cell(place, place), among: undefined });
    else if (group.among === undefined || group.among === cell(first, place)) {
      group.among = cell(first, place);
      group.members.push(place);
    } else groups.push({ members: [place], own: cell(place, place), among: undefined });
  }
  return groups;
}
