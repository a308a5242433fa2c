import type { Write } from '../../src/model/rights.js';
import type { Query } from '../../src/model/snapshot.js';
import { FLAVOURS } from './guard-flavours.js';
import { DECLARING_KINDS, REACHED } from './state.js';

/** Kinds of guards, beside those from which connections are computed. */
export const GUARD_KINDS = FLAVOURS.flatMap(({ kind, needs }) => [
  ...(needs === undefined ? [] : [needs.kind]),
  kind,
]).filter((kind) => !REACHED.includes(kind));

const objects = (kind: Exclude<Query, { probe: unknown }>['kind'], what: string) =>
  ({ kind, as: 'objects', for: what }) as const;

/** What the step reads. What of it cannot be read is said, kind by kind. */
export const READS = [
  ...REACHED.map((kind) => objects(kind, 'what may connect to what')),
  ...DECLARING_KINDS.map((kind) => objects(kind, 'connections that closing would cut')),
  ...GUARD_KINDS.map((kind) => objects(kind, 'a guard of new namespaces')),
  objects('ConfigMap', 'the network plugin, and hosts that workloads name'),
];

/** What the step may write. The guard and the live probe are there for those who ask for them. */
export const WRITES: readonly Write[] = [
  ...(['NetworkPolicy', 'CiliumNetworkPolicy'] as const).flatMap((kind): Write[] => [
    { kind, by: 'apply', for: 'policies that allow what is needed, and close the rest' },
    { kind, by: 'delete', for: 'policies of ours that are needed no more' },
  ]),
  { kind: 'Namespace', by: 'amend', for: 'the name label of namespaces (servers before 1.21)' },
  ...FLAVOURS.flatMap(({ kind, needs }) => [...(needs === undefined ? [] : [needs.kind]), kind]).map(
    (kind): Write => ({ kind, by: 'apply', for: 'a guard of new namespaces', option: 'guard' }),
  ),
  { act: 'probe', for: 'a live probe of the network plugin', option: 'probe' },
];
