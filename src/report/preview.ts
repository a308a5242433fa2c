import stringWidth from 'string-width';
import { cutMiddle, printable } from '../model/escape.js';
import { matrixTable } from '../model/matrix.js';
import type { Preview } from '../model/preview.js';
import { fold } from './fold.js';
import { paint, type Style, sign } from './style.js';

/** Cut connections that are listed; the rest is counted. */
const MOST_CUT = 20;

/** A preview as a short block: what would be cut, a matrix of namespaces, and the counts. */
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

/** What passes from where to where, before and after, as a small table. */
export function matrixLines(preview: Preview, style: Style): readonly string[] {
  const { rows, notes } = matrixTable(preview, {
    width: style.width - 2,
    unicode: style.unicode,
    name: (text, columns) => {
      const name = cutMiddle(printable(text), columns);
      return name + ' '.repeat(Math.max(0, columns - stringWidth(name)));
    },
  });
  return [
    ...rows.map((row) => `  ${row}`),
    ...notes.flatMap((note) => fold(printable(note), style.width, '  ', '    ')),
  ];
}
