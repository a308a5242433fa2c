import fc from 'fast-check';
import { ends, line, lineWidth, paragraph, toWidth } from '../../src/tui/lines.js';
import { lookOf } from '../../src/tui/look.js';
import { columns, cutEnd, cutMiddle, dropColumns, padLeft, padRight, wrap } from '../../src/tui/width.js';

const look = lookOf({ unicode: true, colour: false });
/** Text with wide characters, emoji, combining marks and control characters. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('a', 'b', ' ', '-', '名', '前', '👩‍💻', 'e\u0301', '한', '\u200b', '\u001b', '\n'),
    fc.string({ unit: 'grapheme', maxLength: 2 }),
  ),
  maxLength: 60,
});
const width = fc.integer({ min: 0, max: 40 });

test('a cut text is never wider than it may be', () => {
  fc.assert(
    fc.property(text, width, fc.constantFrom('…', '..'), (t, w, mark) => {
      expect(columns(cutEnd(look.text(t), w, mark))).toBeLessThanOrEqual(w);
      expect(columns(cutMiddle(look.text(t), w, mark))).toBeLessThanOrEqual(w);
    }),
  );
});

test('a text that fits is not cut', () => {
  fc.assert(
    fc.property(text, (t) => {
      const shown = look.text(t);
      expect(cutMiddle(shown, columns(shown), '…')).toBe(shown);
      expect(cutEnd(shown, columns(shown), '…')).toBe(shown);
    }),
  );
});

test('wrapped rows are never too wide and lose nothing but spaces', () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 8, max: 40 }), (t, w) => {
      const shown = look.text(t);
      const rows = wrap(shown, w);
      for (const row of rows) expect(columns(row)).toBeLessThanOrEqual(w);
      expect(rows.join('').replaceAll(' ', '')).toBe(shown.replaceAll(' ', ''));
    }),
  );
});

test('rows of pieces, paragraphs and rows with two ends keep to their width', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), fc.integer({ min: 1, max: 60 }), (texts, w) => {
      const row = line(...texts.map((t) => look.text(t)));
      expect(lineWidth(toWidth(row, w, '…'))).toBeLessThanOrEqual(w);
      expect(lineWidth(ends(row, line('12'), Math.max(4, w), '…'))).toBeLessThanOrEqual(Math.max(4, w));
      for (const made of paragraph(look, texts.join(' '), w + 4, { lead: line('> '), most: 3 }))
        expect(lineWidth(made)).toBeLessThanOrEqual(w + 4);
    }),
  );
});

test.each([
  ['payments-database-primary', 12, 'payme…rimary'],
  ['short', 12, 'short'],
  ['名前空間のとても長い名前', 9, '名前…名前'],
  ['abc', 1, '…'],
  ['abc', 0, ''],
])('%s in %d columns is %s', (name, w, cut) => {
  expect(cutMiddle(name, w, '…')).toBe(cut);
});

test('what is scrolled out sideways leaves the columns in place', () => {
  expect(dropColumns('abcdef', 2)).toBe('cdef');
  expect(dropColumns('名前ab', 1)).toBe(' 前ab');
  expect(dropColumns('ab', 5)).toBe('');
});

test('numbers end in the same column', () => {
  expect(padLeft('7', 5)).toBe('    7');
  expect(padRight('名', 4)).toBe('名  ');
});
