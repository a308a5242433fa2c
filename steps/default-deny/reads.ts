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
