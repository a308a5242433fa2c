import fc from 'fast-check';
import { canonicalQuantity, formatQuantity, nanoOf, parseQuantity } from '../../src/sandbox/quantity.js';

test.each([
  ['0', '0'],
  ['1', '1'],
  ['0.5', '500m'],
  ['0.10', '100m'],
  ['1500m', '1500m'],
  ['2000m', '2'],
  ['1000', '1k'],
  ['1024', '1024'],
  ['1024Mi', '1Gi'],
  ['4096Mi', '4Gi'],
  ['0.5Gi', '512Mi'],
  ['1.5Gi', '1536Mi'],
  ['512Ki', '512Ki'],
  ['1Gi', '1Gi'],
  ['1G', '1G'],
  ['1000M', '1G'],
  ['1e3', '1e3'],
  ['12e6', '12e6'],
  ['100u', '100u'],
  ['0.0000000001', '1n'], // rounded up to the finest step
  ['-1', '-1'],
  ['+2', '2'],
  ['.5', '500m'],
  ['5.', '5'],
  ['100Ki', '100Ki'],
  ['0.0001Ki', '102400u'],
])('%s is written %s', (text, canonical) => expect(canonicalQuantity(text)).toBe(canonical));

test.each(['', 'x', '1x', '1 Gi', '--1', '1.2.3', 'Gi', '.', '1e', '1E999', '0x10', 'NaN'])(
  '%j is no quantity',
  (text) => expect(canonicalQuantity(text)).toBeUndefined(),
);

test.each([[true], [null], [{}], [['1']]])('%j is no quantity', (value) =>
  expect(canonicalQuantity(value)).toBeUndefined(),
);

const amounts = fc.tuple(
  fc.integer({ min: 0, max: 1_000_000 }),
  fc.constantFrom('', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'u', 'e3'),
);

test('the canonical form is of equal value, and canonical itself', () => {
  fc.assert(
    fc.property(amounts, ([number, suffix]) => {
      const text = `${number}${suffix}`;
      const canonical = canonicalQuantity(text)!;
      expect(nanoOf(canonical)).toBe(nanoOf(text));
      expect(canonicalQuantity(canonical)).toBe(canonical);
    }),
  );
});

test('what is formatted is parsed back to the same value', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
      fc.constantFrom('binary', 'decimal', 'exponent'),
      (nano, form) => {
        expect(parseQuantity(formatQuantity({ nano, form }))?.nano).toBe(nano);
      },
    ),
  );
});
