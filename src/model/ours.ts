import { listAt, type Manifest, stringAt } from './manifest.js';

/** Value of `app.kubernetes.io/managed-by` on everything that we create, and our name as a field manager. */
export const MANAGED_BY = 'kubectl-harden';
const MANAGER = 'app.kubernetes.io/managed-by';
const COMPONENT = 'app.kubernetes.io/component';

/** The recommended labels of Kubernetes, by which we know our own objects again; `component` is a step's id. */
export function ourLabels(component: string): Record<string, string> {
  return { [MANAGER]: MANAGED_BY, [COMPONENT]: component };
}

/** Whether an object carries the labels of a component of ours: what we are about to write does. */
export function labelledOurs({ metadata }: Manifest, component: string): boolean {
  return metadata.labels?.[MANAGER] === MANAGED_BY && metadata.labels[COMPONENT] === component;
}

/**
 * Whether a step of ours made this object of the cluster. Neither a name nor labels prove that, since anybody can copy
 * them: the server has to list us among those who manage its fields.
 */
export function isOurs(object: Manifest, component: string): boolean {
  return labelledOurs(object, component) && managersOf(object).includes(MANAGED_BY);
}

/** Names of those who manage fields of an object, as far as its `managedFields` were kept. */
export function managersOf(object: Manifest): readonly (string | undefined)[] {
  return listAt(object, 'metadata', 'managedFields').map((entry) => stringAt(entry, 'manager'));
}

/** Who else manages fields of an object of ours, by name. */
export function otherManagers(object: Manifest): readonly string[] {
  return managersOf(object).filter((name): name is string => name !== undefined && name !== MANAGED_BY);
}

/** The object with us among its managers, as the server keeps it once we have applied it. */
export function managedByUs(object: Manifest): Manifest {
  if (managersOf(object).includes(MANAGED_BY)) return object;
  const managedFields = [...listAt(object, 'metadata', 'managedFields'), { manager: MANAGED_BY }];
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

/** Whether we are among those who manage an object's fields. */
export function isManaged(object: Manifest): boolean {
  return managersOf(object).includes(MANAGED_BY);
}
