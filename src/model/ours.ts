import type { Manifest } from './manifest.js';

/** Value of `app.kubernetes.io/managed-by` on everything that we create. */
export const MANAGED_BY = 'kubectl-harden';
const MANAGER = 'app.kubernetes.io/managed-by';
const COMPONENT = 'app.kubernetes.io/component';

/** The recommended labels of Kubernetes, by which we know our own objects again; `component` is a step's id. */
export function ourLabels(component: string): Record<string, string> {
  return { [MANAGER]: MANAGED_BY, [COMPONENT]: component };
}

/** Whether a step of ours made this object. A name alone proves nothing. */
export function isOurs({ metadata }: Manifest, component: string): boolean {
  return metadata.labels?.[MANAGER] === MANAGED_BY && metadata.labels[COMPONENT] === component;
}

/** Whether any step of ours made this object. */
export function isManaged({ metadata }: Manifest): boolean {
  return metadata.labels?.[MANAGER] === MANAGED_BY;
}
