import fc from 'fast-check';
import {
  amountsOf,
  amountText,
  divideUp,
  formatQuantity,
  larger,
  parseQuantity,
  quantityOf,
  roundUp,
  sum,
  times,
  whole,
} from '../../src/model/quantity.js';

const NANO = 10n ** 9n;

test.each([
  ['0', 0n],
  ['1', NANO],
  ['+1', NANO],
  ['-1', -NANO],
  ['100m', NANO / 10n],
  ['1.5', (NANO * 3n) / 2n],
  ['.5', NANO / 2n],
  ['5.', NANO * 5n],
  ['007', NANO * 7n],
  ['1k', NANO * 1000n],
  ['1Ki', NANO * 1024n],
  ['1.5Gi', NANO * 1610612736n],
  ['1e3', NANO * 1000n],
  ['1E3', NANO * 1000n],
  ['1e-3', NANO / 1000n],
  ['1e+3', NANO * 1000n],
  ['1E', NANO * 10n ** 18n],
  ['1Ei', NANO * 2n ** 60n],
  ['1n', 1n],
  ['1u', 1000n],
  // What is finer than a nano-unit is rounded away from zero.
  ['0.1n', 1n],
  ['-0.1n', -1n],
  ['1e-30', 1n],
  ['0.0000000001Gi', 107374183n],
  // The API server caps at the largest signed 64-bit number.
  ['9223372036854775808', (2n ** 63n - 1n) * NANO],
  ['1e999999', (2n ** 63n - 1n) * NANO],
  ['0e999999', 0n],
  ['1e-999999', 1n],
  [' 1 ', NANO],
  [3, NANO * 3n],
  [0.5, NANO / 2n],
  [1e21, (2n ** 63n - 1n) * NANO],
])('%j is read exactly', (text, expected) => {
  expect(parseQuantity(text)).toBe(expected);
});

test.each([
  '',
  ' ',
  '.',
  '+',
  '-',
  'm',
  'Gi',
  '.Mi',
  '1 Gi',
  '1K',
  '1ki',
  '1KKi',
  '1mi',
  '1.2.3',
  // An empty exponent; `1E` is one exa.
  '1e',
  '1e3.5',
  '1e3Ki',
  '1,5',
  '0x10',
  '١',
  '1\n',
  'NaN',
  'Infinity',
  '1'.repeat(65),
  null,
  undefined,
  true,
  {},
  [],
  Number.NaN,
  Number.POSITIVE_INFINITY,
])('%j is no quantity', (text) => {
  expect(parseQuantity(text)).toEqual({ invalid: expect.stringMatching(/^not a quantity/) });
  expect(quantityOf(text)).toBeUndefined();
});

test.each([
  [NANO * 1500n, 'decimal', '1500'],
  [(NANO * 3n) / 2n, 'decimal', '1500m'],
  [NANO * 2000n, 'decimal', '2k'],
  [NANO * 1024n * 1536n, 'binary', '1536Ki'],
  [NANO * 1024n ** 3n, 'binary', '1Gi'],
  [NANO * 1000n, 'binary', '1k'],
  [NANO / 2n, 'binary', '500m'],
  [1n, 'decimal', '1n'],
  [0n, 'binary', '0'],
  [-NANO * 2048n, 'binary', '-2Ki'],
] as const)('%d in %s form is %s', (quantity, style, text) => {
  expect(formatQuantity(quantity, style)).toBe(text);
});

const quantity = fc.bigInt({ min: -(2n ** 63n - 1n) * NANO, max: (2n ** 63n - 1n) * NANO });
const positive = quantity.filter((q) => q >= 0n);
const style = fc.constantFrom('decimal', 'binary');

test('what is written is read back as the same quantity', () => {
  fc.assert(fc.property(quantity, style, (q, s) => parseQuantity(formatQuantity(q, s)) === q));
});

test('what is written has no fraction and is written the same again', () => {
  fc.assert(
    fc.property(quantity, style, (q, s) => {
      const text = formatQuantity(q, s);
      expect(text).toMatch(/^-?\d+([numkMGTPE]|[KMGTPE]i)?$/);
      expect(formatQuantity(quantityOf(text) ?? -1n, s)).toBe(text);
    }),
  );
});

test('decimal text is read as the number it says', () => {
  const suffix = fc.constantFrom(
    ['m', -3],
    ['', 0],
    ['k', 3],
    ['M', 6],
    ['e2', 2],
    ['E-2', -2],
  ) as fc.Arbitrary<[string, number]>;
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 10n ** 9n }),
      fc.integer({ min: 0, max: 3 }),
      suffix,
      (n, places, [s, tens]) => {
        const digits = n.toString().padStart(places + 1, '0');
        const text = `${digits.slice(0, digits.length - places)}.${digits.slice(digits.length - places)}${s}`;
        expect(parseQuantity(text)).toBe(n * 10n ** BigInt(9 - places + tens));
      },
    ),
  );
});

test('anything at all is read or refused, never thrown over', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => ['bigint', 'object'].includes(typeof parseQuantity(value))),
  );
  fc.assert(fc.property(fc.string(), (value) => ['bigint', 'object'].includes(typeof parseQuantity(value))));
});

test('rounding up gives the smallest multiple that is enough', () => {
  fc.assert(
    fc.property(positive, fc.bigInt({ min: 1n, max: 10n ** 15n }), (q, unit) => {
      const up = roundUp(q, unit);
      expect(up % unit).toBe(0n);
      expect(up >= q && up - q < unit).toBe(true);
      expect(divideUp(q, unit) * unit).toBe(up);
    }),
  );
});

test('amounts add, compare and multiply name by name; what is no amount is left out', () => {
  const a = amountsOf({ cpu: '100m', memory: '1Gi', pods: 'many', negative: '-1' });
  const b = amountsOf({ cpu: 2, storage: '1' });
  expect(a).toEqual({ cpu: NANO / 10n, memory: NANO * 1024n ** 3n });
  expect(sum(a, b)).toEqual({ ...a, cpu: NANO / 10n + 2n * NANO, storage: NANO });
  expect(larger(a, b)).toEqual({ ...a, cpu: 2n * NANO, storage: NANO });
  expect(times(b, 3)).toEqual({ cpu: whole(6), storage: whole(3) });
  for (const none of [undefined, null, 'x', [], 1]) expect(amountsOf(none)).toEqual({});
});

test('memory and storage read binary, all else decimal', () => {
  expect(
    ['cpu', 'limits.memory', 'requests.storage', 'pods'].map((name) => amountText(name, whole(2048))),
  ).toEqual(['2048', '2Ki', '2Ki', '2048']);
});
