import fc from 'fast-check';
import { complement, type Requirement } from '../../steps/default-deny/complement.js';

const KEYS = ['app', 'tier'];
const VALUES = ['a', 'b', 'c'];
const labels = fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), { noNullPrototype: true });
const values = fc.uniqueArray(fc.constantFrom(...VALUES), { minLength: 1, maxLength: 2 });
const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({
    key: fc.constantFrom(...KEYS),
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    values,
  }),
  fc.record({
    key: fc.constantFrom(...KEYS),
    operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const),
  }),
);
const selector = fc.record({
  matchLabels: labels,
  matchExpressions: fc.array(requirement, { maxLength: 2 }),
});

/** As the documentation of labels and selectors says it; NotIn also selects objects without the key. */
function holds({ key, operator, values = [] }: Requirement, of: Record<string, string>): boolean {
  const value = of[key];
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'DoesNotExist') return value === undefined;
  return operator === 'In'
    ? value !== undefined && values.includes(value)
    : value === undefined || !values.includes(value);
}

test('a pod is selected by the complement exactly when none of the selectors selects it', () => {
  fc.assert(
    fc.property(fc.array(selector, { maxLength: 4 }), labels, (selectors, of) => {
      const terms = complement(selectors);
      if (terms === undefined) return;
      const given = selectors.some(
        ({ matchLabels, matchExpressions }) =>
          Object.entries(matchLabels).every(([key, value]) => of[key] === value) &&
          matchExpressions.every((r) => holds(r, of)),
      );
      expect(terms.some((term) => term.every((r) => holds(r, of)))).toBe(!given);
    }),
    { numRuns: 2000 },
  );
});

const app = (value: string) => ({ matchLabels: { app: value } });

test('many selectors of one label are one condition', () => {
  expect(complement([app('c'), app('a'), app('b'), app('a')])).toEqual([
    [{ key: 'app', operator: 'NotIn', values: ['a', 'b', 'c'] }],
  ]);
});

test('a selector of two labels has two alternatives', () => {
  expect(complement([{ matchLabels: { app: 'a', tier: 'b' } }])).toEqual([
    [{ key: 'app', operator: 'NotIn', values: ['a'] }],
    [{ key: 'tier', operator: 'NotIn', values: ['b'] }],
  ]);
});

test('a selector of every pod leaves none out', () => {
  expect(complement([{}])).toEqual([]);
  expect(complement([undefined, app('a')])).toEqual([]);
});

test('too many alternatives, and operators that do not exist, have no answer', () => {
  const two = (value: string) => ({ matchLabels: { app: value, tier: value } });
  expect(complement(['a', 'b', 'c', 'd'].map(two))).toBeUndefined();
  expect(complement([{ matchExpressions: [{ key: 'app', operator: 'Gt', values: ['1'] }] }])).toBeUndefined();
});
