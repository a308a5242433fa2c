import { at, listAt, type Manifest, stringAt } from './manifest.js';

/** CA bundles that Kubernetes and OpenShift put into every namespace: every pod mounts them, so they say nothing. */
export const EVERYWHERE: readonly string[] = ['kube-root-ca.crt', 'openshift-service-ca.crt'];

/** Places of a pod's specification in what makes pods. */
const SPECS: readonly (readonly string[])[] = [
  ['spec'],
  ['spec', 'template', 'spec'],
  ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
];

/** `namespace/name` of each ConfigMap that a pod, or what makes pods, takes settings from. */
export function configMapsOf(objects: Iterable<Manifest>): ReadonlySet<string> {
  const out = new Set<string>();
  for (const object of objects)
    for (const path of SPECS)
      for (const name of namesIn(at(object, ...path)))
        if (typeof name === 'string' && !EVERYWHERE.includes(name))
          out.add(`${object.metadata.namespace ?? ''}/${name}`);
  return out;
}

function namesIn(spec: unknown): readonly unknown[] {
  const containers = [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')];
  return [
    ...containers.flatMap((container) => [
      ...listAt(container, 'envFrom').map((source) => stringAt(source, 'configMapRef', 'name')),
      ...listAt(container, 'env').map((entry) => stringAt(entry, 'valueFrom', 'configMapKeyRef', 'name')),
    ]),
    ...listAt(spec, 'volumes').flatMap((volume) => [
      stringAt(volume, 'configMap', 'name'),
      ...listAt(volume, 'projected', 'sources').map((source) => stringAt(source, 'configMap', 'name')),
    ]),
  ];
}
