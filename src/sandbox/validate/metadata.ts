import { at, isRecord, listAt, stringAt } from '../../model/manifest.js';
import { validateLabels } from '../../model/validation/labels.js';
import {
  dns1035,
  dnsLabel,
  dnsSubdomain,
  type Problems,
  pathSegment,
  qualifiedName,
} from '../../model/validation/rules.js';
import { equal } from '../fields.js';
import type { Resource } from '../resources.js';

const NAME_RULE: Readonly<Record<string, (name: string) => string[]>> = {
  Namespace: dnsLabel,
  Service: dns1035,
  ClusterRole: pathSegment,
  ClusterRoleBinding: pathSegment,
  Role: pathSegment,
  RoleBinding: pathSegment,
  APIService: pathSegment,
};

/** All annotations of an object together. Source: `TotalAnnotationSizeLimitB`. */
const ANNOTATIONS_LIMIT = 256 * 1024;

/** Checks of `metadata` that every kind shares. Source: apimachinery `api/validation/objectmeta.go`. */
export function validateMetadata(
  resource: Resource,
  object: Record<string, unknown>,
  problems: Problems,
): void {
  const name = stringAt(object, 'metadata', 'name') ?? '';
  if (name === '') problems.required('metadata.name', 'name or generateName is required');
  else
    for (const why of (NAME_RULE[resource.kind] ?? dnsSubdomain)(name))
      problems.invalid('metadata.name', name, why);
  validateLabels(at(object, 'metadata', 'labels'), 'metadata.labels', problems);
  const annotations = at(object, 'metadata', 'annotations');
  if (isRecord(annotations)) {
    let size = 0;
    for (const [key, value] of Object.entries(annotations)) {
      for (const why of qualifiedName(key.toLowerCase())) problems.invalid('metadata.annotations', key, why);
      size += key.length + String(value).length;
    }
    if (size > ANNOTATIONS_LIMIT)
      problems.invalid('metadata.annotations', '', `must have at most ${ANNOTATIONS_LIMIT} bytes`);
  }
  for (const [index, finalizer] of listAt(object, 'metadata', 'finalizers').entries())
    for (const why of qualifiedName(String(finalizer)))
      problems.invalid(`metadata.finalizers[${index}]`, finalizer, why);
}

/** What an update must not change. */
export function validateUnchanged(
  resource: Resource,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  problems: Problems,
): void {
  const immutable = (field: string, ...path: string[]): void => {
    if (!equal(at(before, ...path), at(after, ...path)))
      problems.invalid(field, at(after, ...path) ?? null, 'field is immutable');
  };
  switch (resource.kind) {
    case 'Secret':
      immutable('type', 'type');
      immutableContent(before, after, ['data'], problems);
      break;
    case 'ConfigMap':
      immutableContent(before, after, ['data', 'binaryData'], problems);
      break;
    case 'Deployment':
    case 'ReplicaSet':
    case 'DaemonSet':
    case 'StatefulSet':
      immutable('spec.selector', 'spec', 'selector');
      break;
    case 'Service':
      if (at(after, 'spec', 'type') !== 'ExternalName') immutable('spec.clusterIP', 'spec', 'clusterIP');
      break;
    case 'ResourceQuota':
      immutable('spec.scopes', 'spec', 'scopes');
      break;
  }
}

function immutableContent(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  fields: readonly string[],
  problems: Problems,
): void {
  if (before.immutable !== true) return;
  if (after.immutable !== true) problems.forbidden('immutable', 'field is immutable when `immutable` is set');
  for (const field of fields)
    if (!equal(before[field], after[field]))
      problems.forbidden(field, 'field is immutable when `immutable` is set');
}
