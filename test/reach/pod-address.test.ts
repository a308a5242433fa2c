import type { Manifest } from '../../src/model/manifest.js';
import { FILES, LIVE, type ReachOptions, reachOf } from '../../src/reach/index.js';

const SHOP: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
const pod = (name: string, ...ips: string[]): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', labels: { app: name } },
  spec: { containers: [] },
  ...(ips.length > 0 && { status: { podIPs: ips.map((ip) => ({ ip })) } }),
});
const template = (name: string): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'shop' },
  spec: { template: { metadata: { labels: { app: name } }, spec: { containers: [] } } },
});
const service = (...ipFamilies: string[]): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 's', namespace: 'shop' },
  spec: { ipFamilies },
});
const networks = (action: string, ...cidrs: string[]) => ({ action, to: [{ networks: cidrs }] });
const clusterPolicy = (...egress: unknown[]): Manifest => ({
  apiVersion: 'policy.networking.k8s.io/v1alpha2',
  kind: 'ClusterNetworkPolicy',
  metadata: { name: 'ranges' },
  spec: { tier: 'Admin', priority: 1, subject: { namespaces: {} }, egress },
});
const blocks = (...ipBlocks: unknown[]): Manifest => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'ranges', namespace: 'shop' },
  spec: {
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Egress'],
    egress: [{ to: ipBlocks.map((ipBlock) => ({ ipBlock })) }],
  },
});
const MODES: readonly Partial<ReachOptions>[] = [
  { ...FILES, podAddresses: 'ignore' },
  { ...FILES, podAddresses: 'known' },
  { ...FILES, podAddresses: 'select' },
  LIVE,
];
const webToDb = (objects: readonly Manifest[], options: Partial<ReachOptions> = FILES) =>
  reachOf([SHOP, ...objects], options).between({ workload: 'shop/web' }, { workload: 'shop/db' });

const OPEN = 'All Connections';
const SHUT = 'No Connections';

describe('networks of a cluster-wide policy speak of pods, whatever the plugin makes of ipBlock', () => {
  test.each<[string, readonly Manifest[], string]>([
    [
      'a range that holds the address',
      [pod('db', '10.0.0.2'), clusterPolicy(networks('Deny', '10.0.0.0/24'))],
      SHUT,
    ],
    ['one that does not', [pod('db', '10.0.1.2'), clusterPolicy(networks('Deny', '10.0.0.0/24'))], OPEN],
    ['every IPv4 address', [template('db'), clusterPolicy(networks('Deny', '0.0.0.0/0'))], SHUT],
    [
      'every IPv4 address, in two halves',
      [template('db'), clusterPolicy(networks('Deny', '0.0.0.0/1', '128.0.0.0/1'))],
      SHUT,
    ],
    [
      'some of them, for a pod without one',
      [template('db'), clusterPolicy(networks('Deny', '10.0.0.0/8'))],
      OPEN,
    ],
    [
      'every IPv6 address, where nothing tells: IPv4',
      [template('db'), clusterPolicy(networks('Deny', '::/0'))],
      OPEN,
    ],
    [
      'every IPv6 address, where Services are IPv6',
      [service('IPv6'), template('db'), clusterPolicy(networks('Deny', '::/0'))],
      SHUT,
    ],
    [
      'one family of two',
      [service('IPv4', 'IPv6'), template('db'), clusterPolicy(networks('Deny', '0.0.0.0/0'))],
      OPEN,
    ],
    [
      'both families',
      [service('IPv4', 'IPv6'), template('db'), clusterPolicy(networks('Deny', '0.0.0.0/0', '::/0'))],
      SHUT,
    ],
    [
      'both families, by two rules',
      [
        service('IPv4', 'IPv6'),
        template('db'),
        clusterPolicy(networks('Deny', '0.0.0.0/0'), networks('Deny', '::/0')),
      ],
      SHUT,
    ],
    [
      'a pod with an address of each, one denied',
      [pod('db', '10.0.0.2', 'fd00::2'), clusterPolicy(networks('Deny', '0.0.0.0/0'))],
      OPEN,
    ],
  ])('%s', (_, objects, expected) => {
    for (const mode of MODES) expect(webToDb([template('web'), ...objects], mode)).toBe(expected);
  });

  test('the other family stays open, and explain names what closes the first', () => {
    const objects = [
      pod('web', '10.0.0.1', 'fd00::1'),
      pod('db', '10.0.0.2', 'fd00::2'),
      clusterPolicy(networks('Deny', '0.0.0.0/0')),
    ];
    expect(webToDb(objects)).toBe(OPEN);
    const reach = reachOf([SHOP, ...objects], FILES);
    const asked = reach.explain({ workload: 'shop/web' }, { address: '10.0.0.2' }, 'TCP', 80);
    expect(asked).toMatchObject({
      allowed: false,
      cases: [{ egress: { rules: [{ policy: { name: 'ranges' }, rule: 'egress[0]', action: 'Deny' }] } }],
    });
    expect(reach.allows({ workload: 'shop/web' }, { address: 'fd00::2' }, 'TCP', 80)).toBe(true);
  });

  test('future pods are closed off like those that are there', () => {
    const objects = [SHOP, pod('web', '10.0.0.1'), clusterPolicy(networks('Deny', '0.0.0.0/0'))];
    expect(reachOf(objects).between({ workload: 'shop/web' }, { freshPod: 'shop' })).toBe(SHUT);
  });
});

describe('ipBlock of a NetworkPolicy', () => {
  const all = { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] };
  test.each<[string, readonly Manifest[], readonly [ignore: string, known: string, select: string]]>([
    ['holds the address', [pod('db', '10.0.0.2'), blocks({ cidr: '10.0.0.0/24' })], [SHUT, OPEN, OPEN]],
    ['holds every address that a pod can get', [template('db'), blocks(all)], [SHUT, SHUT, OPEN]],
    [
      'leaves out where pods may be',
      [template('db'), blocks({ cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] })],
      [SHUT, SHUT, SHUT],
    ],
  ])('%s', (_, objects, expected) => {
    const answers = (['ignore', 'known', 'select'] as const).map((podAddresses) =>
      webToDb([pod('web', '10.0.0.1'), ...objects], { ...FILES, podAddresses }),
    );
    expect(answers).toEqual(expected);
  });
});

describe('what cannot be told is said, with policy and workloads', () => {
  const said = (objects: readonly Manifest[], options: Partial<ReachOptions> = FILES) =>
    reachOf([SHOP, ...objects], options).problems.map(({ object, message, effect }) => [
      object.name,
      message,
      effect,
    ]);

  test.each<[string, Manifest, string]>([
    [
      'part of a family',
      clusterPolicy(networks('Deny', '10.0.0.0/8')),
      'egress[0] (Deny) names 10.0.0.0/8: whether that holds pods that have no address yet cannot be told, and it counts as not holding them: shop/db[Deployment]',
    ],
    [
      'an ipBlock over all of it',
      blocks({ cidr: '0.0.0.0/0' }),
      'egress[0] (Allow) names 0.0.0.0/0: it counts as addresses outside of the cluster for pods that have no address; most plugins let it match pods as well: shop/db[Deployment]',
    ],
  ])('%s', (_, policy, message) => {
    expect(said([pod('web', '10.0.0.1'), template('db'), policy])).toEqual([['ranges', message, 'note']]);
  });

  test.each<[string, readonly Manifest[], Partial<ReachOptions>]>([
    ['addresses are known', [pod('web', '10.0.0.1'), clusterPolicy(networks('Deny', '10.0.0.0/8'))], FILES],
    ['no pod can be there', [template('db'), clusterPolicy(networks('Deny', '169.254.0.0/16'))], FILES],
    [
      'a family that there is not',
      [pod('web', '10.0.0.1'), template('db'), clusterPolicy(networks('Deny', '::/0'))],
      FILES,
    ],
    [
      'the plugin takes it for outside',
      [template('db'), blocks({ cidr: '0.0.0.0/0' })],
      { podAddresses: 'ignore' },
    ],
  ])('not where %s', (_, objects, options) => {
    expect(said(objects, options)).toEqual([]);
  });

  test('of many NetworkPolicies that do so one is named', () => {
    const others = ['b', 'c'].map((name) => ({
      ...blocks({ cidr: '0.0.0.0/0' }),
      metadata: { name, namespace: 'shop' },
    }));
    const notes = said([template('db'), blocks({ cidr: '0.0.0.0/0' }), ...others]);
    expect(notes).toEqual([
      ['ranges', expect.stringMatching(/^egress\[0\] .*; so do rules of 2 other NetworkPolicies$/), 'note'],
    ]);
  });

  test('explain names the ipBlock that plugins may let match the pod', () => {
    const reach = reachOf(
      [SHOP, pod('web', '10.0.0.1'), template('db'), blocks({ cidr: '0.0.0.0/0' })],
      FILES,
    );
    const { allowed, cases } = reach.explain({ workload: 'shop/web' }, { workload: 'shop/db' }, 'TCP', 80);
    expect({ allowed, by: cases[0]?.egress?.byAddress.map(({ rule }) => rule) }).toEqual({
      allowed: false,
      by: ['egress[0]'],
    });
  });
});

test('pods of one template whose addresses no rule tells apart cost one class', () => {
  const pods = Array.from({ length: 200 }, (_, i) => pod('db', `10.${i % 100}.0.${i}`)).map((one, i) => ({
    ...one,
    metadata: { ...one.metadata, name: `db-${i}` },
  }));
  const ranges = Array.from({ length: 50 }, (_, i) => ({ cidr: `10.${i * 2}.128.0/24` }));
  const { engine } = reachOf([SHOP, ...pods, blocks(...ranges, { cidr: '0.0.0.0/0' })], FILES);
  expect(engine.peers.classes.firstFresh).toBe(1);
  expect(engine.peers.atoms.length).toBeGreaterThan(100);
});
