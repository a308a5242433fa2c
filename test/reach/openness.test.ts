import type { Manifest } from '../../src/model/manifest.js';
import { isolation, PROTOCOLS, reachOf } from '../../src/reach/index.js';
import { allowed, type End } from './naive.js';
import { randomCluster } from './random-cluster.js';

const namespace = (name: string, labels: Record<string, string> = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } },
});
const policy = (name: string, spec: object): Manifest => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace: 'shop' },
  spec: { podSelector: {}, ...spec },
});
const WEB: Manifest = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort: 8080 }] }] },
};
const BASE = [namespace('shop'), namespace('other', { team: 'a' }), WEB];
const DENY = policy('closed', { policyTypes: ['Ingress', 'Egress'] });
const block = (cidr: string, ...except: string[]) => ({ ipBlock: { cidr, except } });
const pods = (namespaces: object, labels: object = {}) => ({
  namespaceSelector: namespaces,
  podSelector: labels,
});
const expression = (key: string, operator: string, ...values: string[]) => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }],
});
const TCP = (port?: number, endPort?: number) => ({ protocol: 'TCP', port, endPort });
/** What is handed out of IPv4 for the Internet, as public lists of it are written. */
const INTERNET = ['1.0.0.0/8', '2.0.0.0/7', '4.0.0.0/6', '8.0.0.0/7', '11.0.0.0/8', '12.0.0.0/6'].concat(
  ['16.0.0.0/4', '32.0.0.0/3', '64.0.0.0/3', '96.0.0.0/4', '112.0.0.0/5', '120.0.0.0/6'],
  ['124.0.0.0/7', '126.0.0.0/8', '128.0.0.0/3', '160.0.0.0/5', '168.0.0.0/8', '169.0.0.0/9'],
  ['170.0.0.0/7', '172.32.0.0/11', '173.0.0.0/8', '174.0.0.0/7', '176.0.0.0/4', '192.0.0.0/9'],
  ['193.0.0.0/8', '194.0.0.0/7', '196.0.0.0/6', '200.0.0.0/5', '208.0.0.0/4'],
);
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];

/** One rule, or rules, beside a deny of everything; and whether they leave the direction open. */
interface Case {
  is: 'open' | 'closed';
  what: string;
  peers?: readonly object[];
  ports?: readonly object[];
}
const CASES: readonly Case[] = [
  { is: 'open', what: 'no peers, no ports' },
  { is: 'open', what: 'every protocol', ports: PROTOCOLS.map((protocol) => ({ protocol })) },
  { is: 'open', what: 'all of TCP', ports: [TCP()] },
  { is: 'open', what: 'all of TCP as a range', ports: [TCP(1, 65_535)] },
  { is: 'open', what: 'all of TCP in two ranges', ports: [TCP(1, 9000), TCP(9001, 65_535)] },
  { is: 'open', what: 'all of UDP', ports: [{ protocol: 'UDP' }] },
  { is: 'open', what: 'every port that needs no privilege', ports: [TCP(1024, 65_535)] },
  { is: 'closed', what: 'half of the ports', ports: [TCP(32_768, 65_535)] },
  { is: 'closed', what: 'the ports of an entrance', ports: [TCP(80), TCP(443)] },
  { is: 'closed', what: 'a named port', ports: [{ port: 'http' }] },
  { is: 'open', what: 'all namespaces', peers: [{ namespaceSelector: {} }] },
  { is: 'open', what: 'a missing namespace label', peers: [pods(expression('nope', 'DoesNotExist'))] },
  { is: 'open', what: 'a missing pod label', peers: [pods({}, expression('nope', 'DoesNotExist'))] },
  { is: 'open', what: 'all but one label value', peers: [pods({}, expression('app', 'NotIn', 'db'))] },
  {
    is: 'open',
    what: 'all namespaces but one',
    peers: [pods(expression('kubernetes.io/metadata.name', 'NotIn', 'other'))],
  },
  {
    is: 'open',
    what: 'namespaces with any name',
    peers: [pods(expression('kubernetes.io/metadata.name', 'Exists'))],
  },
  {
    is: 'open',
    what: 'a label, or its absence',
    peers: [pods(expression('team', 'Exists')), pods(expression('team', 'DoesNotExist'))],
  },
  { is: 'closed', what: 'a namespace by label', peers: [pods({ matchLabels: { team: 'a' } })] },
  { is: 'closed', what: 'the own namespace', peers: [{ podSelector: {} }] },
  { is: 'closed', what: 'its pods but one kind', peers: [{ podSelector: expression('app', 'NotIn', 'db') }] },
  {
    is: 'closed',
    what: 'pods by label in all namespaces',
    peers: [pods({}, { matchLabels: { app: 'web' } })],
  },
  { is: 'open', what: 'every IPv4 address', peers: [block('0.0.0.0/0')] },
  { is: 'open', what: 'but metadata', peers: [block('0.0.0.0/0', '169.254.169.254/32')] },
  { is: 'open', what: 'but private ranges', peers: [block('0.0.0.0/0', '169.254.0.0/16', ...PRIVATE)] },
  { is: 'open', what: 'the Internet in blocks', peers: INTERNET.map((cidr) => block(cidr)) },
  { is: 'open', what: 'two halves', peers: [block('0.0.0.0/1'), block('128.0.0.0/1')] },
  { is: 'open', what: 'all but a provider', peers: [block('0.0.0.0/0', '16.0.0.0/6', '3.0.0.0/8')] },
  { is: 'closed', what: 'half of it', peers: [block('0.0.0.0/1')] },
  { is: 'closed', what: 'three quarters', peers: [block('0.0.0.0/1'), block('128.0.0.0/2')] },
  { is: 'closed', what: 'one private range', peers: [block('10.0.0.0/8')] },
  { is: 'closed', what: 'all private ranges', peers: PRIVATE.map((cidr) => block(cidr)) },
  { is: 'closed', what: 'multicast and reserved', peers: [block('224.0.0.0/3')] },
  { is: 'open', what: 'every IPv6 address', peers: [block('::/0', 'fd00:ec2::254/128')] },
  { is: 'open', what: 'the IPv6 Internet', peers: [block('2000::/3')] },
  {
    is: 'closed',
    what: 'IPv6 but for the Internet',
    peers: [block('8000::/1'), block('::/3'), block('4000::/2')],
  },
  { is: 'closed', what: 'some networks of the world', peers: [block('8.0.0.0/8'), block('2a00::/12')] },
  { is: 'closed', what: 'the Internet on one port', peers: [block('0.0.0.0/0')], ports: [TCP(443)] },
  { is: 'open', what: 'the Internet on TCP', peers: [block('0.0.0.0/0', '10.0.0.0/8')], ports: [TCP()] },
];

describe('whether rules beside a deny leave a namespace open', () => {
  test.each(CASES)('$is: $what', ({ is, peers, ports }) => {
    for (const [direction, side, type] of [
      ['ingress', 'from', 'Ingress'],
      ['egress', 'to', 'Egress'],
    ] as const) {
      const rule = { ...(peers && { [side]: peers }), ...(ports && { ports }) };
      const broad = policy('broad', { policyTypes: [type], [direction]: [rule] });
      const found = isolation(reachOf([...BASE, DENY, broad]), 'shop')[direction];
      expect(found.covered).toBe(true);
      expect(found.freshOpenBy.map(({ name }) => name)).toEqual(is === 'open' ? ['broad'] : []);
      expect(found.open.map(({ because }) => because)).toEqual(found.freshOpenBy);
    }
  });

  test('what several policies open together names each that is needed, and no other', () => {
    const half = (name: string, cidr: string) => policy(name, { ingress: [{ from: [block(cidr)] }] });
    const small = half('small', '8.0.0.0/8');
    const objects = [...BASE, DENY, small, half('low', '0.0.0.0/1'), half('high', '128.0.0.0/1')];
    const { freshOpenBy, open } = isolation(reachOf(objects), 'shop').ingress;
    expect(freshOpenBy.map(({ name }) => name)).toEqual(['high', 'low']);
    expect(open).toEqual(freshOpenBy.map((because) => ({ workload: 'shop/web[Pod]', because })));
  });

  test('ports of one policy and ports of another are all ports', () => {
    const some = (name: string, from: number, to: number) =>
      policy(name, { ingress: [{ ports: [TCP(from, to)] }] });
    const objects = [...BASE, some('low', 1, 30_000), some('high', 30_001, 65_535)];
    expect(isolation(reachOf(objects), 'shop').ingress.freshOpenBy).toHaveLength(2);
    expect(isolation(reachOf(objects.slice(0, -1)), 'shop').ingress.freshOpenBy).toEqual([]);
  });

  test('a label that nearly every namespace of a large cluster carries lists none of them', () => {
    const many = (without: number) =>
      Array.from({ length: 32 }, (_, i) => namespace(`team-${i}`, i < without ? {} : { managed: 'yes' }));
    const broad = policy('broad', { ingress: [{ from: [pods({ matchLabels: { managed: 'yes' } })] }] });
    const openWith = (objects: readonly Manifest[]) =>
      isolation(reachOf([namespace('shop'), WEB, ...objects, broad]), 'shop').ingress.freshOpenBy.length;
    expect(openWith(many(0))).toBe(1);
    expect(openWith(many(4))).toBe(0);
    expect(openWith(many(0).slice(0, 5))).toBe(0);
  });
});

describe('cluster-wide policies are judged by effect', () => {
  const cluster = (tier: string, name: string, priority: number, rules: object): Manifest => ({
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    metadata: { name },
    spec: { tier, priority, subject: { namespaces: {} }, ...rules },
  });
  const ingress = (action: string, more: object = {}) => ({
    ingress: [{ action, from: [{ namespaces: {} }], ...more }],
  });
  const egress = (action: string, ...networks: string[]) => ({
    egress: [{ action, to: [{ networks }, { namespaces: {} }] }],
  });
  const found = (...objects: Manifest[]) => isolation(reachOf([...BASE, ...objects]), 'shop');
  const ref = (name: string) => ({
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    name,
  });
  const OPEN = [{ workload: 'shop/web[Pod]', because: ref('broad') }];

  test('an accept of the Admin tier goes before a deny, and is named with and without one', () => {
    const broad = cluster('Admin', 'broad', 5, ingress('Accept'));
    expect(found(DENY, broad).ingress).toEqual({ covered: true, open: OPEN, freshOpenBy: [ref('broad')] });
    expect(found(broad).ingress).toEqual({ covered: false, open: OPEN, freshOpenBy: [ref('broad')] });
    expect(found(DENY, broad).egress.freshOpenBy).toEqual([]);
  });

  test('one that another denies first, or passes on, or that lists ports, opens nothing', () => {
    const closed = { covered: true, open: [], freshOpenBy: [] };
    const broad = cluster('Admin', 'broad', 5, ingress('Accept'));
    expect(found(DENY, broad, cluster('Admin', 'first', 1, ingress('Deny'))).ingress).toEqual(closed);
    expect(found(DENY, broad, cluster('Admin', 'first', 1, ingress('Pass'))).ingress).toEqual(closed);
    const web = { protocols: [{ tcp: { destinationPort: { number: 8080 } } }] };
    expect(found(DENY, cluster('Admin', 'web', 5, ingress('Accept', web))).ingress).toEqual(closed);
  });

  test('an Admin tier and a NetworkPolicy open together what neither opens alone', () => {
    const half = cluster('Admin', 'broad', 5, {
      egress: [{ action: 'Accept', to: [{ networks: ['0.0.0.0/1'] }] }],
    });
    const other = policy('other', { policyTypes: ['Egress'], egress: [{ to: [block('128.0.0.0/1')] }] });
    expect(found(half, other).egress.freshOpenBy.map(({ name }) => name)).toEqual(['broad', 'other']);
    expect(found(half, DENY).egress.freshOpenBy).toEqual([]);
  });

  test('an accept of the Baseline tier is named where nothing else decides; a NetworkPolicy ends it', () => {
    const broad = cluster('Baseline', 'broad', 5, egress('Accept', '0.0.0.0/0', '::/0'));
    const denied = cluster('Baseline', 'later', 6, egress('Deny', '0.0.0.0/0', '::/0'));
    expect(found(broad, denied).egress).toEqual({
      covered: false,
      open: [{ workload: 'shop/web[Pod]', because: 'unselected' }],
      freshOpenBy: [],
      freshBaseline: [ref('broad')],
    });
    expect(found(broad, denied, DENY).egress).toEqual({ covered: true, open: [], freshOpenBy: [] });
    expect(found(denied).egress).toEqual({ covered: true, open: [], freshOpenBy: [] });
  });

  test('a deny in parts isolates as one does; one that leaves pods out, or is passed, does not', () => {
    const halves = egress('Deny', '0.0.0.0/1', '128.0.0.0/1', '::/0');
    expect(found(cluster('Admin', 'deny', 1, halves)).egress.covered).toBe(true);
    expect(found(cluster('Admin', 'deny', 1, egress('Deny', '0.0.0.0/1', '::/0'))).egress.covered).toBe(
      false,
    );
    const bare = { pods: { namespaceSelector: {}, podSelector: expression('app', 'DoesNotExist') } };
    const some = { ingress: [{ action: 'Deny', from: [bare] }] };
    expect(found(cluster('Admin', 'deny', 1, some)).ingress.covered).toBe(false);
    const passed = [
      cluster('Admin', 'pass', 1, ingress('Pass')),
      cluster('Admin', 'deny', 2, ingress('Deny')),
    ];
    expect(found(...passed).ingress.covered).toBe(false);
  });
});

const RUNS = 300;
test(`in ${RUNS} random clusters no pod that nobody listed passes every port of a namespace that counts as closed`, () => {
  const wrong: string[] = [];
  const counts = { open: 0, closed: 0 };
  // Ports inside each range that a random rule can name, between its bounds, and outside of all.
  const ports = [1, 54, 79, 80, 81, 82, 443, 444, 8080, 8081, 9000, 9001, 20_000, 65_535];
  const fresh = (name: string): End => ({
    object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'fresh', namespace: name }, spec: {} },
  });
  for (let seed = 1; seed <= RUNS; seed++) {
    const { objects, options } = randomCluster(seed);
    const reach = reachOf(objects, options);
    // Somewhere else: a namespace that has a name and nothing else. Nobody's egress is asked about.
    const elsewhere: Manifest = namespace('elsewhere');
    const world = [
      ...objects.filter(({ kind }) => kind !== 'Namespace'),
      ...objects.filter(({ kind }) => kind === 'Namespace'),
      elsewhere,
    ];
    for (const name of reach.namespaces) {
      const { covered, freshOpenBy } = isolation(reach, name).egress;
      const every = (to: End) =>
        PROTOCOLS.some((protocol) =>
          ports.every((port) => allowed(withoutIngress(world), options, fresh(name), to, protocol, port)),
        );
      const open = every(fresh('elsewhere')) || every({ address: '8.8.4.4' });
      const counted = !covered || freshOpenBy.length > 0;
      if (open && !counted) wrong.push(`seed ${seed}: ${name}`);
      counts[counted ? 'open' : 'closed']++;
    }
  }
  expect(wrong).toEqual([]);
  expect(Math.min(counts.open, counts.closed)).toBeGreaterThan(RUNS / 10);
});

/** Without the rules of the way in: what is left is what the source may open. */
function withoutIngress(objects: readonly Manifest[]): readonly Manifest[] {
  return objects.map((object) => {
    const spec = object.spec as Record<string, unknown> | undefined;
    if (object.apiVersion.startsWith('policy.')) return { ...object, spec: { ...spec, ingress: [] } };
    if (object.kind !== 'NetworkPolicy') return object;
    const types =
      Array.isArray(spec?.policyTypes) && spec.policyTypes.length > 0 ? spec.policyTypes : undefined;
    const egress = types?.includes('Egress') ?? (Array.isArray(spec?.egress) && spec.egress.length > 0);
    if (!egress) return { ...object, kind: 'Retired' };
    return { ...object, spec: { ...spec, policyTypes: ['Egress'], ingress: [] } };
  });
}
