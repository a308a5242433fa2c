import { printable } from '../model/escape.js';
import type { Passage, Preview } from '../model/preview.js';
import { counted, fold, paint, type Style, sign } from './style.js';

/** More places than this do not fit beside each other. */
const MOST_PLACES = 9;
/** Cut connections that are listed; the rest is counted. */
const MOST_CUT = 20;

const MARKS: Record<Passage, readonly [unicode: string, ascii: string, word: string]> = {
  open: ['●', 'O', 'open'],
  narrowed: ['◐', '/', 'narrowed'],
  closed: ['×', 'x', 'closed'],
  none: ['·', '.', 'none before'],
};

/** A preview as a short block: what would be cut, a matrix of namespaces where it fits, and the counts. */
export function previewLines(preview: Preview, style: Style): readonly string[] {
  const { cut, declared, pairsBefore, pairsAfter } = preview;
  const number = (n: number) => n.toLocaleString('en-US');
  return [
    ...cut
      .slice(0, MOST_CUT)
      .flatMap(({ connection, severity, why, evidence }) =>
        fold(
          printable(`cuts ${connection} (${why}, ${severity}); seen in ${evidence}`),
          style.width,
          `  ${sign(style, 'breaks')} `,
        ),
      ),
    ...(cut.length > MOST_CUT ? [`    and ${number(cut.length - MOST_CUT)} more`] : []),
    ...matrixLines(preview, style),
    ...fold(
      `declared connections cut: ${number(cut.length)} of ${number(declared)}; open workload pairs: ${number(pairsBefore)} to ${number(pairsAfter)}`,
      style.width,
      '  ',
    ).map((line) => paint(style, cut.length > 0 ? 'bad' : 'quiet', line)),
    ...preview.newNamespaces.flatMap((sentence) => fold(printable(sentence), style.width, '  ')),
  ];
}

/** From (rows) and to (columns); only where all places fit beside each other. */
export function matrixLines({ places, matrix }: Preview, style: Style): readonly string[] {
  if (places.length > MOST_PLACES) return [`  ${counted(places.length, 'place')}: too many for a table`];
  const names = places.map((place) => printable(place, 16));
  const lead = Math.max('from \\ to'.length, ...names.map((name) => name.length));
  const width = 4 + lead + names.reduce((sum, name) => sum + name.length + 2, 0);
  if (width > style.width) return [];
  const mark = (passage: Passage) => MARKS[passage][style.unicode ? 0 : 1];
  const used = (Object.keys(MARKS) as Passage[]).filter((p) => matrix.some((row) => row.includes(p)));
  return [
    `  ${'from \\ to'.padEnd(lead)}  ${names.join('  ')}`,
    ...matrix.map((row, i) => {
      const cells = row.map((passage, j) => mark(passage).padEnd(names[j]?.length ?? 1));
      return `  ${(names[i] ?? '').padEnd(lead)}  ${cells.join('  ')}`.trimEnd();
    }),
    `  ${used.map((passage) => `${mark(passage)} ${MARKS[passage][2]}`).join('  ')}`,
  ];
}
