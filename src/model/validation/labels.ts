import { at, isRecord, listAt, stringAt } from '../manifest.js';
import { labelValue, type Problems, qualifiedName } from './rules.js';

/** A map of labels, or the selector of a Service. */
export function validateLabels(labels: unknown, field: string, problems: Problems): void {
  if (labels === undefined || labels === null) return;
  if (!isRecord(labels)) {
    problems.invalid(field, labels, 'must be a map of text to text');
    return;
  }
  for (const [key, value] of Object.entries(labels)) {
    for (const why of qualifiedName(key)) problems.invalid(field, key, why);
    if (value !== null && typeof value !== 'string')
      problems.invalid(`${field}[${key}]`, value, 'must be text (quote it in YAML)');
    else for (const why of labelValue(value ?? '')) problems.invalid(field, value, why);
  }
}

/** metav1.LabelSelector, as `ValidateLabelSelector` checks it. */
export function validateSelector(selector: unknown, field: string, problems: Problems): void {
  validateLabels(at(selector, 'matchLabels'), `${field}.matchLabels`, problems);
  for (const [index, item] of listAt(selector, 'matchExpressions').entries()) {
    const here = `${field}.matchExpressions[${index}]`;
    const operator = stringAt(item, 'operator') ?? '';
    const values = listAt(item, 'values');
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0)
        problems.required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        problems.forbidden(
          `${here}.values`,
          "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        );
    } else problems.invalid(`${here}.operator`, operator, 'not a valid selector operator');
    for (const why of qualifiedName(stringAt(item, 'key') ?? ''))
      problems.invalid(`${here}.key`, stringAt(item, 'key') ?? '', why);
  }
}
