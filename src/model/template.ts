import type { Manifest } from './manifest.js';

/** Parsed templates by path below `templates/`, e.g. `default-deny/networkpolicy.yaml`. */
export type Templates = ReadonlyMap<string, Manifest>;

/** A template that the product ships without, or that does not hold what a step needs. */
export class TemplateError extends Error {
  override name = 'TemplateError';
}

/**
 * A copy of a template, to be filled by value.
 * @throws TemplateError where the path is not among the templates.
 */
export function template(templates: Templates, path: string): Manifest {
  const found = templates.get(path);
  if (found === undefined) throw new TemplateError(`templates/${path} is missing`);
  return structuredClone(found);
}
