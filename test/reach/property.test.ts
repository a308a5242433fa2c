import { at, listAt, type Manifest } from '../../src/model/manifest.js';
import { KUBERNETES } from '../../src/reach/semantics.js';
import { type Disagreement, disagreement } from './disagreement.js';
import { MUTANTS } from './mutants.js';
import { type RandomCluster, randomCluster } from './random-cluster.js';

/** Clusters of a run. Their seeds follow on from REACH_SEED, so that a failure can be repeated. */
const RUNS = 10_000;
const FIRST = Number(process.env.REACH_SEED ?? 1);

test(`${RUNS} random clusters: the engine and the naive evaluator never disagree`, () => {
  const features = new Map<string, number>(Object.keys(FEATURES).map((name) => [name, 0]));
  for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
    const cluster = randomCluster(seed);
    for (const [name, occurs] of Object.entries(FEATURES))
      if (occurs(cluster)) features.set(name, (features.get(name) ?? 0) + 1);
    const found = disagreement(cluster, seed);
    if (found !== undefined) throw new Error(report(seed, found, smallest(cluster, seed)));
  }
  const rare = [...features].filter(([, count]) => count < RUNS * 0.05);
  expect(rare).toEqual([]);
}, 600_000);

describe('planted mistakes are found', () => {
  test('there are at least 20 of them', () => {
    expect(Object.keys(MUTANTS).length).toBeGreaterThanOrEqual(20);
  });

  test.each(Object.entries(MUTANTS))('%s', (_, mutation) => {
    const semantics = { ...KUBERNETES, ...mutation };
    let found: Disagreement | undefined;
    for (let seed = FIRST; found === undefined && seed < FIRST + RUNS; seed++)
      found = disagreement(randomCluster(seed), seed, semantics);
    expect(found).toBeDefined();
  });
});

const json = (value: unknown) => JSON.stringify(value) ?? '';
const policies = ({ objects }: RandomCluster, kind = 'NetworkPolicy') =>
  objects.filter((object) => object.kind === kind);
const rules = (policy: Manifest) => [
  ...listAt(policy, 'spec', 'ingress'),
  ...listAt(policy, 'spec', 'egress'),
];
const peers = (cluster: RandomCluster) =>
  policies(cluster)
    .flatMap(rules)
    .flatMap((rule) => [...listAt(rule, 'from'), ...listAt(rule, 'to')]);
const ports = (cluster: RandomCluster) =>
  policies(cluster)
    .flatMap(rules)
    .flatMap((rule) => listAt(rule, 'ports'));
const pods = (cluster: RandomCluster) => cluster.objects.filter((object) => object.kind === 'Pod');
const clusterRules = (cluster: RandomCluster) =>
  ['AdminNetworkPolicy', 'BaselineAdminNetworkPolicy', 'ClusterNetworkPolicy']
    .flatMap((kind) => policies(cluster, kind))
    .flatMap(rules);
const blocks = (cluster: RandomCluster) =>
  peers(cluster)
    .map((peer) => at(peer, 'ipBlock'))
    .filter(Boolean);
const tier = (cluster: RandomCluster, name: string) =>
  policies(cluster, 'ClusterNetworkPolicy').some((policy) => at(policy, 'spec', 'tier') === name);

/** What the issue lists; each must occur in at least one cluster of twenty. */
const FEATURES: Readonly<Record<string, (cluster: RandomCluster) => boolean>> = {
  'policies of both directions': (c) =>
    policies(c).some((p) => at(p, 'spec', 'ingress')) && policies(c).some((p) => at(p, 'spec', 'egress')),
  'policyTypes left out': (c) => policies(c).some((p) => at(p, 'spec', 'policyTypes') === undefined),
  'podSelector alone': (c) => peers(c).some((p) => at(p, 'podSelector') && !at(p, 'namespaceSelector')),
  'namespaceSelector alone': (c) => peers(c).some((p) => !at(p, 'podSelector') && at(p, 'namespaceSelector')),
  'both selectors in one peer': (c) =>
    peers(c).some((p) => at(p, 'podSelector') && at(p, 'namespaceSelector')),
  'several peers in one rule': (c) =>
    policies(c)
      .flatMap(rules)
      .some((r) => listAt(r, 'from').length > 1),
  ...Object.fromEntries(
    ['In', 'NotIn', 'Exists', 'DoesNotExist'].map((operator) => [
      `matchExpressions ${operator}`,
      (c: RandomCluster) => json(peers(c)).includes(`"operator":"${operator}"`),
    ]),
  ),
  'ipBlock IPv4': (c) => blocks(c).some((b) => String(at(b, 'cidr')).includes('.')),
  'ipBlock IPv6': (c) => blocks(c).some((b) => String(at(b, 'cidr')).includes(':')),
  'ipBlock with except': (c) => blocks(c).some((b) => listAt(b, 'except').length > 0),
  'named port': (c) => ports(c).some((p) => typeof at(p, 'port') === 'string'),
  endPort: (c) => ports(c).some((p) => at(p, 'endPort') !== undefined),
  SCTP: (c) => ports(c).some((p) => at(p, 'protocol') === 'SCTP'),
  'pod on the node network': (c) => pods(c).some((p) => at(p, 'spec', 'hostNetwork') === true),
  'pod on the node network, left to the node': (c) =>
    c.options.hostNetwork === 'node' && pods(c).some((p) => at(p, 'spec', 'hostNetwork') === true),
  'pod on the node network beside a cluster-wide policy, taken as a pod': (c) =>
    c.options.hostNetwork === 'pod' &&
    clusterRules(c).length > 0 &&
    pods(c).some((p) => at(p, 'spec', 'hostNetwork') === true),
  'pod without address': (c) => pods(c).some((p) => listAt(p, 'status', 'podIPs').length === 0),
  'pod with an IPv6 address': (c) => pods(c).some((p) => json(p.status).includes('::')),
  'workload without pods': (c) => c.objects.some((o) => o.kind === 'Deployment'),
  'two pods on one node': (c) => {
    const nodes = pods(c)
      .map((p) => at(p, 'spec', 'nodeName'))
      .filter(Boolean);
    return new Set(nodes).size < nodes.length;
  },
  'namespace without its name as label': (c) =>
    c.options.namespaceLabel === 'asIs' &&
    c.objects.some(
      (o) => o.kind === 'Namespace' && o.metadata.labels?.['kubernetes.io/metadata.name'] === undefined,
    ),
  AdminNetworkPolicy: (c) => policies(c, 'AdminNetworkPolicy').length > 0,
  BaselineAdminNetworkPolicy: (c) => policies(c, 'BaselineAdminNetworkPolicy').length > 0,
  'ClusterNetworkPolicy, Admin': (c) => tier(c, 'Admin'),
  'ClusterNetworkPolicy, Baseline': (c) => tier(c, 'Baseline'),
  'rule that passes on': (c) => clusterRules(c).some((r) => at(r, 'action') === 'Pass'),
  'rule that denies': (c) => clusterRules(c).some((r) => at(r, 'action') === 'Deny'),
  'peer of networks': (c) => json(clusterRules(c)).includes('"networks"'),
  'peer of nodes': (c) => json(clusterRules(c)).includes('"nodes"'),
};

/** The cluster without every object that the disagreement does not need. */
function smallest(cluster: RandomCluster, seed: number): RandomCluster {
  let objects = cluster.objects;
  for (const object of objects) {
    if (cluster.ends.some((end) => end.object === object)) continue;
    const fewer = objects.filter((one) => one !== object);
    if (disagreement({ ...cluster, objects: fewer }, seed) !== undefined) objects = fewer;
  }
  return { ...cluster, objects };
}

function report(seed: number, found: Disagreement, { objects, options }: RandomCluster): string {
  const { question, engine, naive } = found;
  return `seed ${seed}: ${question}: engine ${engine}, naive ${naive}\n${json(options)}\n${objects.map(json).join('\n')}`;
}
