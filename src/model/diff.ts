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

/**
 * Lines taken out and put in beyond which the shortest difference is not looked for: its cost grows with their square
 * (10,000 of them take eight seconds, 1,000 a tenth of one).
 */
const MOST_EDITS = 1_000;

/** The difference of two objects as lines of YAML with sorted keys; undefined stands for "does not exist". */
export function diffOf(before: Manifest | undefined, after: Manifest | undefined): DiffLine[] {
  const [from, to] = [yamlLines(before), yamlLines(after)];
  const parts = diffArrays(from, to, { maxEditLength: MOST_EDITS });
  if (parts === undefined) return replaced(from, to);
  return parts.flatMap(({ added, removed, value }) => lines(added ? '+' : removed ? '-' : ' ', value));
}

/** All lines between what both begin and end with, first as they were, then as they are. */
function replaced(from: readonly string[], to: readonly string[]): DiffLine[] {
  const shorter = Math.min(from.length, to.length);
  let head = 0;
  while (head < shorter && from[head] === to[head]) head++;
  let tail = 0;
  while (tail < shorter - head && from.at(-1 - tail) === to.at(-1 - tail)) tail++;
  return [
    ...lines(' ', from.slice(0, head)),
    ...lines('-', from.slice(head, from.length - tail)),
    ...lines('+', to.slice(head, to.length - tail)),
    ...lines(' ', from.slice(from.length - tail)),
  ];
}

function lines(sign: DiffLine['sign'], texts: readonly string[]): DiffLine[] {
  return texts.map((text) => ({ sign, text }));
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
