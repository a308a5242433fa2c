import type { Manifest } from '../../src/model/manifest.js';
import { type Connection, isolation, PROTOCOLS, reachesAddress, reachOf } from '../../src/reach/index.js';
import { allowed, type End } from './naive.js';
import { PORTS, type RandomCluster, randomCluster } from './random-cluster.js';

const RUNS = 300;

/** Where pods run is left out: what holds for a workload holds wherever its pods are. */
function unplaced({ objects, options, ends }: RandomCluster): RandomCluster {
  const free = new Map(
    objects.map((object): [Manifest, Manifest] => {
      if (object.kind !== 'Pod') return [object, object];
      const { nodeName: _, ...spec } = object.spec as Record<string, unknown>;
      return [object, { ...object, spec }];
    }),
  );
  const end = ({ object, address }: End): End => {
    const moved = object === undefined ? undefined : free.get(object);
    return moved === undefined ? { ...(address !== undefined && { address }) } : { object: moved };
  };
  return { objects: [...free.values()], options, ends: ends.map(end) };
}

const nameOf = ({ object }: End) => `${object?.metadata.namespace}/${object?.metadata.name}[${object?.kind}]`;

/** Whether a text of connections holds a port, read as anybody would read it. */
function holds(conn: string | undefined, protocol: string, port: number): boolean {
  if (conn === undefined) return false;
  if (conn === 'All Connections') return true;
  const ports = new RegExp(`(?:^|,)${protocol} ([0-9,-]+?)(?=,[A-Z]|$)`).exec(conn)?.[1] ?? '';
  return ports.split(',').some((range) => {
    const [from, to = from] = range.split('-').map(Number);
    return from !== undefined && to !== undefined && from <= port && port <= to;
  });
}

const v4 = (text: string) => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

function covers(range: string, address: string): boolean {
  const [from, to] = range.replace('[External]', '').split('-');
  return range.endsWith('[External]') && v4(from ?? '') <= v4(address) && v4(address) <= v4(to ?? '');
}

function listed(lines: readonly Connection[], from: End, to: End): string | undefined {
  const matches = (text: string, end: End) =>
    end.address === undefined ? text === nameOf(end) : covers(text, end.address);
  const found = lines.filter(({ src, dst }) => matches(src, from) && matches(dst, to));
  if (found.length > 1) throw new Error(`listed twice: ${nameOf(from)} => ${nameOf(to)}`);
  return found[0]?.conn;
}

test(`the listing of ${RUNS} random clusters says what the naive evaluator says of each port`, () => {
  const wrong: string[] = [];
  for (let seed = 1; seed <= RUNS; seed++) {
    const { objects, options, ends } = unplaced(randomCluster(seed));
    const reach = reachOf(objects, { ...options, owners: 'direct' });
    const lines = [...reach.connections()];
    const sides = ends.filter((end) => end.address?.includes(':') !== true);
    for (const from of sides.slice(0, 4))
      for (const to of sides.slice(2)) {
        if (from === to || (from.object === undefined && to.object === undefined)) continue;
        const conn = listed(lines, from, to);
        for (const protocol of PROTOCOLS)
          for (const port of PORTS)
            if (holds(conn, protocol, port) !== allowed(objects, options, from, to, protocol, port))
              wrong.push(
                `seed ${seed}: ${nameOf(from)} => ${nameOf(to)} ${protocol} ${port}, listed ${conn}`,
              );
      }
  }
  expect(wrong).toEqual([]);
});

/** A pod that is not there yet: no labels, no ports, no address. */
const fresh = (namespace: string): End => ({
  object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'fresh', namespace }, spec: { containers: [] } },
});

test(`what future pods of ${RUNS} random clusters can reach is what the naive evaluator says`, () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const { objects, options } = unplaced(randomCluster(seed));
    const reach = reachOf(objects, options);
    for (const namespace of reach.namespaces)
      for (const address of ['172.16.0.9', '8.8.8.8', '2001:db8::7']) {
        const found = reachesAddress(reach, namespace, address, 'TCP', 80);
        const expected = allowed(objects, options, fresh(namespace), { address }, 'TCP', 80);
        expect([seed, namespace, address, found.freshPod]).toEqual([seed, namespace, address, expected]);
        expect(found.because.length > 0).toBe(found.freshPod || found.workloads.length > 0);
      }
  }
});

/** The same policies without their rules: they isolate whom they isolate and allow nothing. */
function withoutRules(object: Manifest): Manifest {
  if (object.kind !== 'NetworkPolicy') return object;
  const { podSelector, policyTypes, egress } = object.spec as Record<string, unknown>;
  const implied = Array.isArray(egress) && egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
  const types = Array.isArray(policyTypes) && policyTypes.length > 0 ? policyTypes : implied;
  return { ...object, spec: { podSelector, policyTypes: types } };
}

test(`isolation in ${RUNS} random clusters: covered means that without rules nothing passes`, () => {
  const wrong: string[] = [];
  const counts = { covered: 0, open: 0 };
  for (let seed = 1; seed <= RUNS; seed++) {
    const cluster = unplaced(randomCluster(seed));
    const { options } = cluster;
    const objects = cluster.objects.filter(({ apiVersion }) => !apiVersion.startsWith('policy.'));
    const bare = objects.map(withoutRules);
    const reach = reachOf(objects, options);
    for (const namespace of reach.namespaces) {
      const found = isolation(reach, namespace);
      const outside = { address: '9.9.9.9' };
      const into = allowed(bare, options, outside, fresh(namespace), 'SCTP', 7);
      const out = allowed(bare, options, fresh(namespace), outside, 'SCTP', 7);
      if (found.ingress.covered === into) wrong.push(`seed ${seed}: ${namespace} ingress`);
      if (found.egress.covered === out) wrong.push(`seed ${seed}: ${namespace} egress`);
      counts[found.ingress.covered ? 'covered' : 'open']++;
    }
  }
  expect(wrong).toEqual([]);
  expect(Math.min(counts.covered, counts.open)).toBeGreaterThan(RUNS / 10);
});
