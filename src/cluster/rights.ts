import type { KindName } from '../model/kinds.js';
import { type Need, rightKey, type Uses, type Verb, type Without, type Write } from '../model/rights.js';
import type { Query } from '../model/snapshot.js';
import { ENCRYPTION_NEEDS } from './encryption.js';
import { LEASE_NEEDS } from './lease.js';
import { resourceOf } from './paths.js';
import { PROBE_NEEDS } from './probe/needs.js';
import { KEEP } from './prune.js';
import { REWRITE_NEEDS } from './rewrite/needs.js';

/** What every run asks for. Version, discovery and access reviews are open to every account that logs in. */
const ALWAYS: readonly Need[] = [
  {
    right: { verb: 'get', group: '', resource: 'namespaces', name: 'kube-system' },
    for: 'the identity of the cluster, for which its address stands in',
    without: 'lessSafe',
  },
];

/**
 * What is needed on the API server to read and write these, each right once. It comes from the tables by which requests
 * are made: `KINDS` for paths (`resourceOf`), `KEEP` for what is read whole, and what each act says of itself. Without writes it is
 * what `plan` needs.
 */
export function needsOf({ reads, writes }: Uses): readonly Need[] {
  const needs = [
    ...ALWAYS,
    ...reads.flatMap(needsOfQuery),
    ...writes.flatMap(needsOfWrite),
    ...(writes.length === 0 ? [] : LEASE_NEEDS),
  ];
  // Where several ask for one right, the one to whom it matters most speaks.
  const weight = ({ without, option }: Need) =>
    ['refused', 'notVisible', 'lessSafe'].indexOf(without) + (option === undefined ? 0 : 3);
  const best = new Map<string, Need>();
  for (const need of needs.toSorted((a, b) => weight(a) - weight(b))) {
    const key = rightKey(need.right);
    if (!best.has(key)) best.set(key, need);
  }
  return needs.map(({ right }) => best.get(rightKey(right))!).filter(isFirst);
}

function isFirst(need: Need, index: number, all: readonly Need[]): boolean {
  return all.indexOf(need) === index;
}

function needsOfQuery(query: Query): readonly Need[] {
  if ('probe' in query) return ENCRYPTION_NEEDS;
  const { kind: name, for: what } = query;
  const need = (verb: Verb, names?: readonly string[]) =>
    (names ?? [undefined]).map((one) => ({
      ...needOn(name, verb, what, 'notVisible'),
      ...(one === undefined ? {} : { right: { ...rightOn(name, verb), name: one } }),
    }));
  // Secrets are listed namespace by namespace: their tables name none.
  if (name === 'Secret') return [...need('list'), needOn('Namespace', 'list', what, 'notVisible')];
  const light = query.as === 'objects' ? KEEP[name].metadataOnly : undefined;
  if (light === undefined) return need('list');
  // By name where it is known which ones are read whole.
  return [...need('list'), ...need('get', light.referenced === true ? undefined : light.inFull)];
}

function needsOfWrite(write: Write): readonly Need[] {
  const { option } = write;
  const needs = allOfWrite(write);
  return option === undefined ? needs : needs.map((need) => ({ ...need, option }));
}

function allOfWrite(write: Write): readonly Need[] {
  if ('act' in write) return write.act === 'probe' ? PROBE_NEEDS : REWRITE_NEEDS(write.resource);
  const { kind, by, for: what, namespace } = write;
  const on = (verb: Verb): Need => {
    const need = needOn(kind, verb, what, 'refused');
    return namespace === undefined ? need : { ...need, right: { ...rightOn(kind, verb), namespace } };
  };
  // Server-side apply is a patch, and a create where the object is not there.
  if (by !== 'delete') return [on('get'), on('patch'), ...(by === 'apply' ? [on('create')] : [])];
  return [on('get'), on('delete'), ...(kind === 'Namespace' ? [EVERYTHING] : [])];
}

/** A namespace goes only while it is empty, and that shows in lists of everything. */
const EVERYTHING: Need = {
  right: { verb: 'list', group: '*', resource: '*' },
  for: 'whether a namespace that is to go holds anything',
  without: 'refused',
};

function rightOn(name: KindName, verb: Verb) {
  return { verb, ...resourceOf(name) };
}

function needOn(kind: KindName, verb: Verb, what: string, without: Without): Need {
  return { right: rightOn(kind, verb), for: what, without, kind };
}
