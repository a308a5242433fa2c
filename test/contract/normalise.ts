import { isRecord, listAt } from '../../src/model/manifest.js';
import type { Answer } from '../support/rest.js';

/** What two clusters must agree on: code, reason, which fields were wrong, and objects without what servers own. */
export interface Normalised {
  status: number;
  reason?: string;
  /** `reason field` of each cause, sorted. */
  causes?: string[];
  object?: unknown;
}

/** Set by the server, different in each cluster or each run. */
const SERVER_OWNED = [
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'generation',
  'selfLink',
];

/**
 * An answer in the form in which clusters are compared.
 *
 * Left out besides what servers own, because it depends on the version or comes a moment later from a controller:
 * the label `kubernetes.io/metadata.name` (1.21), status of ResourceQuotas, the group that a Status names
 * (`extensions` up to 1.21), texts of messages, where a list continues, and the count of what remains in lists of
 * metadata.
 */
export function normalise(answer: Answer): Normalised {
  const body = answer.json;
  if (!isRecord(body)) return { status: answer.status };
  if (body.kind === 'Status') {
    const causes = listAt(body, 'details', 'causes')
      .map((cause) => (isRecord(cause) ? `${String(cause.reason)} ${fieldOf(cause)}` : ''))
      .toSorted();
    return {
      status: answer.status,
      ...(body.status === 'Failure' ? { reason: String(body.reason ?? '') } : {}),
      ...(causes.length === 0 ? {} : { causes: [...new Set(causes)] }),
    };
  }
  return { status: answer.status, object: bare(body) };
}

/** 1.20 names conflicts inside of pod templates incompletely: there it only counts that there is one. */
function fieldOf(cause: Record<string, unknown>): string {
  const field = String(cause.field);
  return cause.reason === 'FieldManagerConflict' && field.startsWith('.spec.template')
    ? '.spec.template'
    : field;
}

function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (!isRecord(value)) return value;
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'metadata' && isRecord(inner)) result[key] = metadata(inner, value.kind);
    else if (key === 'status' && value.kind === 'ResourceQuota') continue;
    else if (key === 'items' && Array.isArray(inner))
      result[key] = inner.map((item) =>
        bare(isRecord(item) ? { kind: itemKind(value.kind), ...item } : item),
      );
    else result[key] = bare(inner);
  }
  return result;
}

function itemKind(listKind: unknown): string {
  return String(listKind).replace(/List$/, '');
}

function metadata(meta: Record<string, unknown>, kind: unknown): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(meta)) {
    if (SERVER_OWNED.includes(key)) continue;
    if (key === 'continue') result[key] = '<token>';
    else if (key === 'remainingItemCount' && kind === 'PartialObjectMetadataList') continue;
    else if (key === 'managedFields') {
      // What a new namespace is given by the server counts as written by its creator, in one version or another.
      // In pod templates 1.20 takes fewer fields from their owners than it should.
      const entries = kind === 'Namespace' || kind === 'Deployment' ? [] : owners(inner);
      if (entries.length > 0) result[key] = entries;
    } else if (key === 'labels' && isRecord(inner)) {
      const { 'kubernetes.io/metadata.name': _name, ...labels } = inner;
      if (Object.keys(labels).length > 0) result[key] = labels;
    } else result[key] = inner;
  }
  return result;
}

/** Who owns which fields, without times, in one order; the controller that writes quota status is left out. */
function owners(entries: unknown): unknown[] {
  return listAt({ entries }, 'entries')
    .filter(isRecord)
    .filter(({ manager }) => manager !== 'kube-controller-manager')
    .map(({ manager, operation, apiVersion, fieldsV1 }) => ({ manager, operation, apiVersion, fieldsV1 }))
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
