import fc from 'fast-check';
import { code, text } from '../../src/model/markdown.js';
import { RAW } from '../support/hostile.js';

test.each([
  ['shop/web', 'shop/web', '`shop/web`'],
  ['<script>alert(1)</script>', '&lt;script\\>alert(1)&lt;/script\\>', '`<script>alert(1)</script>`'],
  ['[me](javascript:x)', '\\[me\\](javascript:x)', '`[me](javascript:x)`'],
  ['a`b', 'a\\`b', '`` a`b ``'],
  ['a``b` c', 'a\\`\\`b\\` c', '``` a``b` c ```'],
  ['~~gone~~ **x**', '\\~\\~gone\\~\\~ \\*\\*x\\*\\*', '`~~gone~~ **x**`'],
])('%j as text and as code', (value, asText, asCode) => {
  expect([text(value), code(value)]).toEqual([asText, asCode]);
});

const hostile = fc.string({
  unit: fc.constantFrom('`', '\\', '<', '[', '*', ' ', 'a', '\n', '\u001b', '\u202e'),
});

test('nothing in code ends it, whatever it is', () => {
  fc.assert(
    fc.property(hostile, (value) => {
      const made = code(value);
      const fence = /^`+/.exec(made)?.[0] ?? '';
      const inner = made.slice(fence.length, made.length - fence.length);
      // CommonMark: a run of exactly as many backticks closes a code span.
      expect([...inner.matchAll(/`+/g)].every(([run]) => run.length !== fence.length)).toBe(true);
      expect(made.endsWith(fence)).toBe(true);
      expect(made).not.toMatch(RAW);
    }),
  );
});

test('no character that Markdown or HTML would act on stands in text unescaped', () => {
  fc.assert(
    fc.property(hostile, (value) => {
      const made = text(value);
      expect(made.replaceAll(/\\[\\*_[\]<>|&`~]|&lt;|&amp;/g, '')).not.toMatch(/[\\*_[\]<>|&`~]/);
      expect(made).not.toMatch(RAW);
    }),
  );
});
