import { diffArrays } from 'diff';
import { stringify } from 'yaml';
import { isRecord, type Manifest } from './manifest.js';

export interface DiffLine {
  sign: ' ' | '+' | '-';
  text: string;
}

const SERVER_METADATA = [
  'managedFields',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'selfLink',
];
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** An object without what the server owns (status, uid, managedFields, ...) and with Secret values as `***`. */
export function normalised(manifest: Manifest): Manifest {
  const { status: _status, ...kept } = manifest;
  const metadata = Object.fromEntries(
    Object.entries(kept.metadata).filter(([key]) => !SERVER_METADATA.includes(key)),
  );
  if (isRecord(metadata.annotations)) {
    const { [LAST_APPLIED]: _applied, ...annotations } = metadata.annotations;
    if (Object.keys(annotations).length > 0) metadata.annotations = annotations;
    else delete metadata.annotations;
  }
  return masked({ ...kept, metadata: metadata as Manifest['metadata'] });
}

/** A Secret with every value replaced by `***`; any other object unchanged. */
export function masked(manifest: Manifest): Manifest {
  if (manifest.kind !== 'Secret' || manifest.apiVersion !== 'v1') return manifest;
  const hide = (map: unknown) =>
    isRecord(map) ? Object.fromEntries(Object.keys(map).map((key) => [key, '***'])) : map;
  const out: Manifest = { ...manifest };
  if ('data' in out) out.data = hide(out.data);
  if ('stringData' in out) out.stringData = hide(out.stringData);
  return out;
}

/** The difference of two objects as lines of YAML with sorted keys; undefined stands for "does not exist". */
export function diffOf(before: Manifest | undefined, after: Manifest | undefined): DiffLine[] {
  return diffArrays(yamlLines(before), yamlLines(after)).flatMap(({ added, removed, value }) =>
    value.map((text): DiffLine => ({ sign: added ? '+' : removed ? '-' : ' ', text })),
  );
}

function yamlLines(manifest: Manifest | undefined): string[] {
  if (manifest === undefined) return [];
  const { apiVersion, kind, metadata, ...rest } = normalised(manifest);
  const text = stringify(
    { apiVersion, kind, metadata: sorted(metadata), ...(sorted(rest) as object) },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
  return text.trimEnd().split('\n');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
