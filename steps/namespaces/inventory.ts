import { at, isRecord, type Manifest, refText, stringsAt } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { BUILT_IN, excluded, namespaceVerdict } from '../../src/model/namespaces.js';
import { once } from '../../src/model/once.js';
import { ownerOf } from '../../src/model/owners.js';
import { parseQuantity } from '../../src/model/quantity.js';
import { objects, type Snapshot, visible } from '../../src/model/snapshot.js';
import { type Cell, cell, type FactTable, UNSEEN } from '../../src/model/table.js';
import { hidden, WORKLOAD_KINDS, type Workload, workloadsIn } from '../../src/model/workloads.js';
import { namespaceState } from '../default-deny/state.js';
import { ENFORCED, LEVELS, levelsOf, MODES } from './pod-security.js';

/** What namespaces there are, and what runs where nothing of a user belongs. */
export const tables = once((now): readonly FactTable[] =>
  visible(now, 'Namespace') ? [namespaceTable(now), placedTable(now)] : [],
);

const DAY = 86_400_000;

function namespaceTable(now: Snapshot): FactTable {
  const rows = objects(now, 'Namespace')
    .filter(({ metadata }) => !excluded(now, metadata.name))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .map((namespace): readonly Cell[] => {
      const { name } = namespace.metadata;
      const { kind, why } = namespaceVerdict(now, namespace);
      return [
        cell(name),
        { text: KIND_TEXT[kind], data: { kind, rule: why === '' ? null : why } },
        ownerCell(namespace),
        seen(now, WORKLOAD_KINDS) ? cell(workloadsIn(now, name).length) : UNSEEN,
        seen(now, ['Service']) ? cell(objectsIn(now, 'Service', name).length) : UNSEEN,
        ageCell(now, namespace),
        podSecurityCell(namespace),
        isolationCell(now, name),
        quotaCell(now, name),
      ];
    });
  return {
    id: 'namespaces',
    title: 'Namespaces',
    columns: [
      { id: 'namespace', title: 'namespace' },
      { id: 'kind', title: 'kind' },
      { id: 'owner', title: 'owner', most: 24 },
      { id: 'workloads', title: 'work', right: true },
      { id: 'services', title: 'svc', right: true },
      { id: 'ageDays', title: 'age', right: true },
      { id: 'podSecurity', title: 'e/a/w', most: 5 },
      { id: 'isolated', title: 'isolated' },
      { id: 'quota', title: 'quota' },
    ],
    rows,
    notes: [
      'work: workloads, svc: Services, age in days. e/a/w: Pod Security enforced, audited, warned of (privileged, baseline, restricted). isolated: closed on the way in, out, or both, as the policies say.',
      ...hidden(now, ['NetworkPolicy', 'ResourceQuota', 'Service', ...WORKLOAD_KINDS]).map(
        (reason) => `not visible: ${reason}`,
      ),
    ],
  };
}

const KIND_TEXT = { user: 'user', infrastructure: 'infra', system: 'system' } as const;

function seen(now: Snapshot, kinds: Parameters<typeof hidden>[1]): boolean {
  return hidden(now, kinds).length === 0;
}

function ownerCell({ metadata }: Manifest): Cell {
  const found = ownerOf(metadata.labels) ?? ownerOf(metadata.annotations);
  return found === undefined
    ? { text: '-', data: {} }
    : { text: found.owner, data: { [found.key]: found.owner } };
}

/** Whole days since it was created. */
function ageCell(now: Snapshot, { metadata }: Manifest): Cell {
  const created = Date.parse(metadata.creationTimestamp ?? '');
  return Number.isNaN(created)
    ? UNSEEN
    : cell(Math.max(0, Math.floor((Date.parse(now.takenAt) - created) / DAY)));
}

function podSecurityCell(namespace: Manifest): Cell {
  const levels = levelsOf(namespace);
  const strictest = LEVELS.indexOf(levels[ENFORCED] ?? 'privileged');
  return {
    text: MODES.map((mode) => levels[mode]?.charAt(0) ?? '-').join('/'),
    data: Object.fromEntries(MODES.map((mode) => [mode, levels[mode] ?? null])),
    sort: strictest,
  };
}

function isolationCell(now: Snapshot, name: string): Cell {
  if (!seen(now, ['NetworkPolicy', 'Pod'])) return UNSEEN;
  const { ingress, egress } = namespaceState(now, name);
  const closed = [...(ingress.closed ? ['in'] : []), ...(egress.closed ? ['out'] : [])];
  return {
    text: closed.length === 2 ? 'both' : (closed[0] ?? 'no'),
    data: { ingress: ingress.closed ? 'closed' : 'open', egress: egress.closed ? 'closed' : 'open' },
    sort: closed.length,
  };
}

function quotaCell(now: Snapshot, name: string): Cell {
  if (!seen(now, ['ResourceQuota'])) return UNSEEN;
  const quotas = objectsIn(now, 'ResourceQuota', name);
  const full = quotas.some(isFull);
  return {
    text: quotas.length === 0 ? 'no' : full ? 'full' : 'yes',
    data: {
      quotas: quotas.map(({ metadata }) => metadata.name).join(', ') || null,
      full: full ? 'yes' : 'no',
    },
    sort: quotas.length === 0 ? 0 : full ? 2 : 1,
  };
}

/** Whether a quota has nothing left of something that it bounds; a bound of zero is meant so. */
function isFull(quota: Manifest): boolean {
  const [hard, used] = [at(quota, 'status', 'hard'), at(quota, 'status', 'used')];
  if (!isRecord(hard) || !isRecord(used)) return false;
  return Object.keys(hard).some((resource) => {
    const [most, now] = [parseQuantity(hard[resource]), parseQuantity(used[resource])];
    return typeof most === 'bigint' && typeof now === 'bigint' && most > 0n && now >= most;
  });
}

/** What is in `default` and in the namespaces of Kubernetes itself, by the workload at the top of each chain of owners. */
function placedTable(now: Snapshot): FactTable {
  const rows = ['default', ...BUILT_IN]
    .filter((name) => !excluded(now, name))
    .flatMap((name) =>
      workloadsIn(now, name).map((workload): readonly Cell[] => placedRow(now, name, workload)),
    );
  return {
    id: 'inDefaultAndBuiltIn',
    title: 'In default and the namespaces of Kubernetes',
    columns: [
      { id: 'namespace', title: 'namespace', most: 15 },
      { id: 'workload', title: 'workload' },
      { id: 'pods', title: 'pods', right: true },
      { id: 'owner', title: 'owner', most: 20 },
      { id: 'services', title: 'services', most: 20 },
    ],
    rows,
    notes: [...hidden(now, ['Service', ...WORKLOAD_KINDS]).map((reason) => `not visible: ${reason}`)],
  };
}

function placedRow(now: Snapshot, name: string, workload: Workload): readonly Cell[] {
  const { ref, pods, object, templateLabels } = workload;
  const owner = ownerOf(at(object, 'metadata', 'labels')) ?? ownerOf(templateLabels);
  const services = servicesOf(now, name, workload);
  return [
    cell(name),
    { text: `${ref.kind} ${ref.name}`, data: refText(ref) },
    cell(pods.length),
    owner === undefined ? { text: '-', data: null, sort: '' } : cell(owner.owner),
    seen(now, ['Service'])
      ? { text: services.join(', ') || '-', data: services, sort: services.length }
      : UNSEEN,
  ];
}

/** Services whose selector the pods of a workload have, by name. */
function servicesOf(now: Snapshot, namespace: string, { templateLabels, pods }: Workload): readonly string[] {
  const labels = isRecord(templateLabels) ? templateLabels : (pods[0]?.metadata.labels ?? {});
  return objectsIn(now, 'Service', namespace)
    .filter((service) => {
      const wanted = Object.entries(stringsAt(service, 'spec', 'selector'));
      return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
    })
    .map(({ metadata }) => metadata.name)
    .toSorted();
}
