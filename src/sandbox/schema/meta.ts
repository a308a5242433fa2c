import {
  any,
  atomic,
  flag,
  int,
  list,
  listBy,
  map,
  type Schema,
  type Struct,
  setOf,
  str,
  struct,
  time,
} from './types.js';

export const objectMeta = struct({
  name: str,
  generateName: str,
  namespace: str,
  selfLink: str,
  uid: str,
  resourceVersion: str,
  generation: int,
  creationTimestamp: time,
  deletionTimestamp: time,
  deletionGracePeriodSeconds: int,
  labels: map(str),
  annotations: map(str),
  ownerReferences: listBy(
    'uid',
    atomic({
      apiVersion: str,
      kind: str,
      name: str,
      uid: str,
      controller: { type: 'bool' },
      blockOwnerDeletion: { type: 'bool' },
    }),
  ),
  finalizers: setOf(str),
  managedFields: list(any),
});

/** metav1.LabelSelector */
export const labelSelector = atomic({
  matchLabels: map(str),
  matchExpressions: list(struct({ key: str, operator: str, values: list(str) })),
});

/** A whole object: type and metadata around these fields. */
export function object(fields: Record<string, Schema>, more: Partial<Struct> = {}): Struct {
  return struct({ apiVersion: str, kind: str, metadata: objectMeta, ...fields }, more);
}

/** A template's metadata and spec. */
export function template(spec: Schema): Struct {
  return struct({ metadata: objectMeta, spec }, { always: { metadata: {}, spec: {} } });
}

export const condition = struct({
  type: str,
  status: str,
  reason: str,
  message: str,
  lastTransitionTime: time,
  lastUpdateTime: time,
  observedGeneration: int,
  lastProbeTime: time,
});

export const localReference = atomic({ name: str });

/** core/v1 ObjectReference */
export const objectReference = atomic({
  apiVersion: str,
  kind: str,
  namespace: str,
  name: str,
  uid: str,
  resourceVersion: str,
  fieldPath: str,
});

export const optionalKey = atomic({ name: str, key: str, optional: flag });
