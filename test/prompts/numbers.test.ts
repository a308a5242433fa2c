import fc from 'fast-check';
import { parseNumbers } from '../../src/prompts/numbers.js';

test.each([
  ['1', [1]],
  ['1,3-5 8', [1, 3, 4, 5, 8]],
  ['3 1 3', [1, 3]],
  ['all', [1, 2, 3, 4, 5, 6, 7, 8]],
  ['NONE', []],
])('%s', (text, expected) => {
  expect(parseNumbers(text, 8)).toEqual(expected);
});

test.each(['', '0', '9', '5-3', '1-', '-1', 'x', '1;2', '1-999999999999', '1.5'])(
  '%j is nothing of that',
  (text) => {
    expect(parseNumbers(text, 8)).toBeUndefined();
  },
);

test('any set of numbers that is written out is read back', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (numbers) => {
      expect(parseNumbers(numbers.join(', '), 40)).toEqual(numbers.toSorted((a, b) => a - b));
    }),
  );
});
