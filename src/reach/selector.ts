import { at, isRecord, listAt } from '../model/manifest.js';

export type Operator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';

export interface Requirement {
  key: string;
  operator: Operator;
  values: readonly string[];
}

/** A label selector in the form of requirements that must all hold; none: everything matches. */
export interface Selector {
  requirements: readonly Requirement[];
  /** Equal for selectors that say the same in the same order. */
  text: string;
}

/** A field of an object that its API would not accept. */
export class InvalidField extends Error {
  override name = 'InvalidField';
}

const OPERATORS: readonly string[] = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** The selector that matches everything. */
export const EVERYTHING: Selector = { requirements: [], text: '' };

/**
 * Reads `matchLabels` and `matchExpressions` (API documentation: LabelSelector).
 * @throws InvalidField where the API server would refuse it.
 */
export function parseSelector(raw: unknown, field: string): Selector {
  if (raw === undefined || raw === null) return EVERYTHING;
  if (!isRecord(raw)) throw new InvalidField(`${field} is not a label selector`);
  const requirements: Requirement[] = [];
  const labels = at(raw, 'matchLabels') ?? {};
  if (!isRecord(labels)) throw new InvalidField(`${field}.matchLabels is not a map`);
  for (const [key, value] of Object.entries(labels)) {
    if (typeof value !== 'string')
      throw new InvalidField(`${field}.matchLabels[${key}] is not text (quote it in YAML)`);
    if (!isLabelValue(value))
      throw new InvalidField(`${field}.matchLabels[${key}]: "${value}" is not a label value`);
    requirements.push({ key: checkedKey(key, field), operator: 'In', values: [value] });
  }
  const expressions = at(raw, 'matchExpressions') ?? [];
  if (!Array.isArray(expressions)) throw new InvalidField(`${field}.matchExpressions is not a list`);
  expressions.forEach((raw, i) => {
    requirements.push(parseExpression(raw, `${field}.matchExpressions[${i}]`));
  });
  return { requirements, text: JSON.stringify(requirements) };
}

function parseExpression(raw: unknown, field: string): Requirement {
  const key = at(raw, 'key');
  const operator = at(raw, 'operator');
  const values = listAt(raw, 'values');
  if (typeof key !== 'string' || key === '') throw new InvalidField(`${field}.key is missing`);
  if (typeof operator !== 'string' || !OPERATORS.includes(operator))
    throw new InvalidField(`${field}.operator must be one of ${OPERATORS.join(', ')}`);
  if (!values.every((value) => typeof value === 'string'))
    throw new InvalidField(`${field}.values holds something that is not text (quote it in YAML)`);
  const needsValues = operator === 'In' || operator === 'NotIn';
  if (needsValues && values.length === 0)
    throw new InvalidField(`${field}.values must not be empty with ${operator}`);
  if (!needsValues && values.length > 0)
    throw new InvalidField(`${field}.values must be empty with ${operator}`);
  return { key: checkedKey(key, field), operator: operator as Operator, values: values as string[] };
}

/** Label keys: an optional DNS prefix and `/`, then up to 63 of letters, digits, `-`, `_`, `.` (API: Labels, syntax). */
const KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** Label values: empty, or up to 63 of the same. Servers have let others stand in matchExpressions, so there they pass. */
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

export function isLabelValue(value: string): boolean {
  return VALUE.test(value);
}

function checkedKey(key: string, field: string): string {
  if (!KEY.test(key)) throw new InvalidField(`${field}: "${key}" is not a label key`);
  return key;
}
