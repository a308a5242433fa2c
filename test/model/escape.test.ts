import fc from 'fast-check';
import { cutMiddle, printable, printableLines } from '../../src/model/escape.js';

test.each([
  ['plain text, ümläuts, 日本語 and 🚀', 'plain text, ümläuts, 日本語 and 🚀'],
  ['\u001b[31mred\u001b[0m', '\\x1b[31mred\\x1b[0m'],
  ['a\rb\nc\td', 'a\\x0db\\x0ac\\x09d'],
  ['\u009b2J', '\\x9b2J'],
  ['\u007f', '\\x7f'],
  ['abc\u202edef', 'abc\\u{202e}def'],
  ['zero\u200bwidth\ufeff', 'zero\\u{200b}width\\u{feff}'],
  ['soft\u00adhyphen', 'soft\\xadhyphen'],
  ['line\u2028para\u2029', 'line\\u{2028}para\\u{2029}'],
  ['tag\u{e0041}', 'tag\\u{e0041}'],
  ['lone\ud800', 'lone\\u{d800}'],
])('%j is shown as %s', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

const wild = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\u001b', '\u202e', '\n', 'a', '🚀', '\udc00') }),
);

test('nothing that moves the cursor, hides or reverses text is ever left', () => {
  fc.assert(
    fc.property(wild, fc.integer({ min: 0, max: 20 }), (text, longest) => {
      expect(printable(text, longest)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
    }),
  );
});

test('what is shown can be shown again', () => {
  fc.assert(fc.property(wild, (text) => printable(printable(text)) === printable(text)));
});

test('long lines are cut, and by how much is said', () => {
  expect(printable('x'.repeat(2005))).toBe(`${'x'.repeat(2000)}… (5 more characters)`);
  expect(printable('x'.repeat(10), 4)).toBe('xxxx… (6 more characters)');
  expect(printable('xxxx', 4)).toBe('xxxx');
});

test('of several lines each is made safe, and line feeds stay', () => {
  expect(printableLines('a\u001b\nb\r\n')).toBe('a\\x1b\nb\\x0d\n');
});

test.each([
  ['kubernetes', 10, 'kubernetes'],
  ['kubernetes', 9, 'kube…etes'],
  ['kubernetes', 8, 'kub…etes'],
  ['kubernetes', 2, '…s'],
  ['kubernetes', 1, '…'],
  ['kubernetes', 0, ''],
  ['kubernetes', -3, ''],
  ['🚀🚀🚀🚀', 3, '🚀…🚀'],
])('%s in %i characters is %s', (text, width, shown) => {
  expect(cutMiddle(text, width)).toBe(shown);
});

test('a cut name fits, and keeps both its ends', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 4 }),
      fc.integer({ min: 3, max: 30 }),
      (text, width) => {
        const cut = cutMiddle(text, width);
        const [head = '', tail = ''] = cut === text ? [text, text] : cut.split(/…(?!.*…)/s);
        expect([...cut].length).toBeLessThanOrEqual(Math.max(width, 0));
        expect(text.startsWith(head) && text.endsWith(tail)).toBe(true);
      },
    ),
  );
});
