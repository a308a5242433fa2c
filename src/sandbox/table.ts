import { at, isRecord, listAt, type Manifest, stringAt } from '../model/manifest.js';
import type { Resource } from './resources.js';

interface Column {
  name: string;
  type: 'string' | 'integer';
  cell(object: Manifest, now: Date): string | number;
}

const column = (name: string, cell: Column['cell'], type: Column['type'] = 'string'): Column => ({
  name,
  type,
  cell,
});
const NAME = column('Name', (object) => object.metadata.name);
const AGE = column('Age', (object, now) => age(object.metadata.creationTimestamp, now));
const text =
  (...path: (string | number)[]): Column['cell'] =>
  (object) =>
    stringAt(object, ...path) ?? '<none>';

/** What the server prints of a kind; other kinds print name and age. */
const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  Secret: [
    column('Type', text('type')),
    column('Data', (object) => (isRecord(object.data) ? Object.keys(object.data).length : 0)),
  ],
  ConfigMap: [column('Data', (object) => (isRecord(object.data) ? Object.keys(object.data).length : 0))],
  Namespace: [column('Status', text('status', 'phase'))],
  Service: [column('Type', text('spec', 'type')), column('Cluster-IP', text('spec', 'clusterIP'))],
  Pod: [
    column('Ready', (object) => `${readyContainers(object)}/${listAt(object, 'spec', 'containers').length}`),
    column('Status', text('status', 'phase')),
    column('Restarts', () => 0, 'integer'),
  ],
  NetworkPolicy: [column('Pod-Selector', (object) => selectorText(at(object, 'spec', 'podSelector')))],
};

/** A `Table` of objects, as `Accept: application/json;as=Table;g=meta.k8s.io;v=v1` asks for. */
export function tableOf(
  resource: Resource,
  objects: readonly Manifest[],
  metadata: object,
  include: string,
  now: Date,
): object {
  const columns = [NAME, ...(COLUMNS[resource.kind] ?? []), AGE];
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map(({ name, type }) => ({
      name,
      type,
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority: 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map(({ cell }) => cell(object, now)),
      object: include === 'None' ? null : include === 'Object' ? object : partialOf(object),
    })),
  };
}

/** The metadata of an object alone. */
export function partialOf(object: Manifest): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

function readyContainers(pod: Manifest): number {
  return listAt(pod, 'status', 'containerStatuses').filter((status) => at(status, 'ready') === true).length;
}

function selectorText(selector: unknown): string {
  const labels = at(selector, 'matchLabels');
  const pairs = isRecord(labels)
    ? Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`)
    : [];
  return pairs.length === 0 ? '<none>' : pairs.join(',');
}

function age(since: string | undefined, now: Date): string {
  const seconds = since === undefined ? Number.NaN : Math.floor((now.getTime() - Date.parse(since)) / 1000);
  if (Number.isNaN(seconds)) return '<unknown>';
  if (seconds < 120) return `${Math.max(seconds, 0)}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
