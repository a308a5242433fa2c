import { isRecord, listAt, stringAt, stringsAt } from '../../src/model/manifest.js';

/** One condition of a label selector, as `matchExpressions` writes it. */
export interface Requirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  values?: readonly string[];
}

/** More policies than this for one namespace would help nobody. */
const MOST = 8;
const OPPOSITE = { In: 'NotIn', NotIn: 'In', Exists: 'DoesNotExist', DoesNotExist: 'Exists' } as const;

/**
 * Label selectors that together select exactly the pods that none of the given ones selects; each is a list of
 * conditions that must all hold. A policy cannot say "not": the complement of "all of these" is "one of these not", so
 * that each given selector multiplies the alternatives by its conditions.
 * @returns undefined where it would take too many, or where a selector is not valid.
 */
export function complement(selectors: readonly unknown[]): readonly (readonly Requirement[])[] | undefined {
  let terms: readonly (readonly Requirement[])[] = [[]];
  for (const selector of selectors) {
    const requirements = requirementsOf(selector);
    if (requirements === undefined) return undefined;
    const opposites = requirements.map((r) => ({ ...r, operator: OPPOSITE[r.operator] }));
    terms = smallest(terms.flatMap((term) => opposites.map((opposite) => conjunction(term, opposite))));
    if (terms.length > MOST) return undefined;
  }
  return terms;
}

/** `NotIn` of one key is one condition with all its values. */
function conjunction(term: readonly Requirement[], more: Requirement): readonly Requirement[] {
  const same = term.find((r) => r.key === more.key && r.operator === more.operator);
  if (same === undefined) return [...term, more];
  if (more.operator !== 'NotIn') return textOf(same) === textOf(more) ? term : [...term, more];
  const values = [...new Set([...(same.values ?? []), ...(more.values ?? [])])].sort();
  return term.map((r) => (r === same ? { ...same, values } : r));
}

/** Without alternatives that another one already holds: fewer conditions select more pods. */
function smallest(terms: readonly (readonly Requirement[])[]): readonly (readonly Requirement[])[] {
  const texts = terms.map((term) => new Set(term.map(textOf)));
  return terms.filter((_, index) =>
    texts.every((other, i) => {
      const mine = texts[index];
      if (i === index || mine === undefined || ![...other].every((text) => mine.has(text))) return true;
      return other.size === mine.size && i > index;
    }),
  );
}

function textOf({ key, operator, values }: Requirement): string {
  return JSON.stringify([key, operator, [...(values ?? [])].sort()]);
}

function requirementsOf(selector: unknown): readonly Requirement[] | undefined {
  const labels = Object.entries(stringsAt(selector, 'matchLabels')).map(
    ([key, value]): Requirement => ({ key, operator: 'In', values: [value] }),
  );
  const expressions = listAt(selector, 'matchExpressions').map(requirementOf);
  return expressions.every((expression) => expression !== undefined)
    ? [...labels, ...expressions]
    : undefined;
}

function requirementOf(expression: unknown): Requirement | undefined {
  if (!isRecord(expression)) return undefined;
  const key = stringAt(expression, 'key');
  const operator = stringAt(expression, 'operator');
  const values = listAt(expression, 'values').filter((value) => typeof value === 'string');
  if (key === undefined || operator === undefined || !Object.hasOwn(OPPOSITE, operator)) return undefined;
  const known = operator as Requirement['operator'];
  return known === 'In' || known === 'NotIn' ? { key, operator: known, values } : { key, operator: known };
}
