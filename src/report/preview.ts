import stringWidth from 'string-width';
import { cutMiddle, printable } from '../model/escape.js';
import { matrixTable } from '../model/matrix.js';
import { countsText, cutText, type Preview } from '../model/preview.js';
import { fold } from './fold.js';
import { paint, type Style, sign } from './style.js';

/** Cut connections that are listed; the rest is counted. */
const MOST_CUT = 20;

/** A preview as a short block: what would be cut, a matrix of namespaces, and the counts. */
export function previewLines(preview: Preview, style: Style): readonly string[] {
  const { cut } = preview;
  const number = (n: number) => n.toLocaleString('en-US');
  return [
    ...cut
      .slice(0, MOST_CUT)
      .flatMap((one) => fold(printable(cutText(one)), style.width, `  ${sign(style, 'breaks')} `)),
    ...(cut.length > MOST_CUT ? [`    and ${number(cut.length - MOST_CUT)} more`] : []),
    ...matrixLines(preview, style),
    ...fold(countsText(preview, number), style.width, '  ').map((line) =>
      paint(style, cut.length > 0 ? 'bad' : 'quiet', line),
    ),
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
