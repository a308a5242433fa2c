import type { KindName } from '../../src/model/kinds.js';
import type { Query } from '../../src/model/snapshot.js';
import { WORKLOAD_KINDS } from '../../src/model/workloads.js';
import { REACHED } from '../default-deny/state.js';
import { MIGRATION_KINDS } from './migration/migration.js';
import { REFERENCE_KINDS } from './migration/references.js';

const SEEN: readonly KindName[] = ['Namespace', 'Service', 'ResourceQuota', ...WORKLOAD_KINDS, ...REACHED];

const objects = (kind: KindName, what: string): Query => ({ kind, as: 'objects', for: what });

/** What the step reads. What of it cannot be read is said, kind by kind. */
export const READS: readonly Query[] = [
  objects('Namespace', 'what namespaces there are and whose they are'),
  ...WORKLOAD_KINDS.map((kind) => objects(kind, 'what runs in each namespace')),
  ...REACHED.filter((kind) => kind !== 'Namespace' && !WORKLOAD_KINDS.includes(kind)).map((kind) =>
    objects(kind, 'which namespaces are isolated'),
  ),
  objects('Service', 'what each namespace offers'),
  objects('ResourceQuota', 'which namespaces have a quota'),
  ...[...new Set([...MIGRATION_KINDS, ...REFERENCE_KINDS])]
    .filter((kind) => !SEEN.includes(kind))
    .map((kind) => objects(kind, 'what a move out of default takes along')),
];
