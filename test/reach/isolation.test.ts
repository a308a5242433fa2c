import type { Manifest } from '../../src/model/manifest.js';
import { isolation, reachesAddress, reachOf } from '../../src/reach/index.js';

const METADATA = '169.254.169.254';

const pod = (name: string, labels: Record<string, string> = {}, spec: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', labels },
  spec: { containers: [{ name: 'main' }], ...spec },
});
const policy = (name: string, spec: object): Manifest => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace: 'shop' },
  spec,
});
const ref = (name: string) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  namespace: 'shop',
  name,
});
const SHOP: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
const DENY = policy('anything', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] });

describe('isolation of a namespace is judged by effect', () => {
  test('without policies nothing is covered and every workload is open', () => {
    const found = isolation(reachOf([SHOP, pod('web')]), 'shop');
    expect(found.ingress).toEqual({
      covered: false,
      open: [{ workload: 'shop/web[Pod]', because: 'unselected' }],
      freshOpenBy: [],
    });
    expect(found.egress).toEqual(found.ingress);
  });

  test('a deny of both directions covers it, whatever its name', () => {
    const found = isolation(reachOf([SHOP, pod('web'), DENY]), 'shop');
    expect(found.ingress).toEqual({ covered: true, open: [], freshOpenBy: [] });
    expect(found.egress).toEqual({ covered: true, open: [], freshOpenBy: [] });
  });

  test('a namespace without workloads is judged by the pods that will come', () => {
    expect(isolation(reachOf([SHOP]), 'shop').ingress.covered).toBe(false);
    expect(isolation(reachOf([SHOP, DENY]), 'shop').ingress.covered).toBe(true);
    expect(isolation(reachOf([]), 'nowhere').ingress.covered).toBe(false);
  });

  test('a policy called default-deny that selects one label covers no future pod', () => {
    const some = policy('default-deny', { podSelector: { matchLabels: { app: 'web' } } });
    const found = isolation(
      reachOf([SHOP, pod('web', { app: 'web' }), pod('db', { app: 'db' }), some]),
      'shop',
    );
    expect(found.ingress.covered).toBe(false);
    expect(found.ingress.open).toEqual([{ workload: 'shop/db[Pod]', because: 'unselected' }]);
    expect(found.egress.covered).toBe(false);
  });

  test('a policy without policyTypes and without egress rules does not isolate egress', () => {
    const found = isolation(reachOf([SHOP, pod('web'), policy('deny', { podSelector: {} })]), 'shop');
    expect(found.ingress.covered).toBe(true);
    expect(found.egress).toMatchObject({ covered: false, open: [{ because: 'unselected' }] });
  });

  test.each([
    ['no peers', [{}]],
    ['all pods of all namespaces', [{ from: [{ namespaceSelector: {} }] }]],
    ['every address', [{ from: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }]],
  ])('an allow of everything is named: %s', (_, ingress) => {
    const open = policy('open', { podSelector: { matchLabels: { app: 'web' } }, ingress });
    const found = isolation(reachOf([SHOP, pod('web', { app: 'web' }), DENY, open]), 'shop');
    expect(found.ingress).toEqual({
      covered: true,
      open: [{ workload: 'shop/web[Pod]', because: ref('open') }],
      freshOpenBy: [],
    });
  });

  test('an allow of everything for every pod opens future pods too', () => {
    const open = policy('open', { podSelector: {}, egress: [{}], policyTypes: ['Egress'] });
    expect(isolation(reachOf([SHOP, DENY, open]), 'shop').egress.freshOpenBy).toEqual([ref('open')]);
  });

  test('an allow of some peer or some port opens nothing', () => {
    const narrow = policy('narrow', {
      podSelector: {},
      ingress: [{ from: [{ podSelector: {} }] }, { ports: [{ port: 80 }] }],
    });
    expect(isolation(reachOf([SHOP, pod('web'), narrow]), 'shop').ingress).toEqual({
      covered: true,
      open: [],
      freshOpenBy: [],
    });
  });

  test('workloads on their node network are listed apart', () => {
    const found = isolation(reachOf([SHOP, pod('agent', {}, { hostNetwork: true }), DENY]), 'shop');
    expect(found.hostNetwork).toEqual(['shop/agent[Pod]']);
    expect(found.ingress.open).toEqual([]);
  });

  test('a Baseline deny of all pods covers ingress', () => {
    const guard: Manifest = {
      apiVersion: 'policy.networking.k8s.io/v1alpha2',
      kind: 'ClusterNetworkPolicy',
      metadata: { name: 'guard' },
      spec: {
        tier: 'Baseline',
        priority: 500,
        subject: { namespaces: {} },
        ingress: [{ action: 'Deny', from: [{ namespaces: {} }] }],
      },
    };
    const found = isolation(reachOf([SHOP, pod('web'), guard]), 'shop');
    expect(found.ingress).toMatchObject({ covered: true, open: [] });
    expect(found.egress.covered).toBe(false);
  });
});

describe('who reaches an address', () => {
  const allow = (cidr: string, except: string[] = []) =>
    policy('outside', {
      podSelector: { matchLabels: { app: 'web' } },
      policyTypes: ['Egress'],
      egress: [{ to: [{ ipBlock: { cidr, except } }] }],
    });

  test('everybody where nothing isolates egress', () => {
    expect(reachesAddress(reachOf([SHOP, pod('web')]), 'shop', METADATA, 'TCP', 80)).toEqual({
      freshPod: true,
      workloads: ['shop/web[Pod]'],
      because: [{ policy: 'no egress policy' }],
    });
  });

  test('nobody behind a deny', () => {
    expect(reachesAddress(reachOf([SHOP, pod('web'), DENY]), 'shop', METADATA, 'TCP', 80)).toEqual({
      freshPod: false,
      workloads: [],
      because: [],
    });
  });

  test('those whose policy names the address, unless it is excepted', () => {
    const objects = [SHOP, pod('web', { app: 'web' }), pod('db'), DENY];
    expect(reachesAddress(reachOf([...objects, allow('0.0.0.0/0')]), 'shop', METADATA, 'TCP', 80)).toEqual({
      freshPod: false,
      workloads: ['shop/web[Pod]'],
      because: [{ policy: ref('outside') }],
    });
    const excepted = reachOf([...objects, allow('0.0.0.0/0', [`${METADATA}/32`])]);
    expect(reachesAddress(excepted, 'shop', METADATA, 'TCP', 80).workloads).toEqual([]);
    expect(reachesAddress(excepted, 'shop', '169.254.169.253', 'TCP', 80).workloads).toEqual([
      'shop/web[Pod]',
    ]);
  });

  test('an admin rule for one port denies that port alone', () => {
    const deny: Manifest = {
      apiVersion: 'policy.networking.k8s.io/v1alpha2',
      kind: 'ClusterNetworkPolicy',
      metadata: { name: 'imds' },
      spec: {
        tier: 'Admin',
        priority: 10,
        subject: { namespaces: {} },
        egress: [
          {
            action: 'Deny',
            to: [{ networks: [`${METADATA}/32`] }],
            protocols: [{ tcp: { destinationPort: { number: 80 } } }],
          },
        ],
      },
    };
    const reach = reachOf([SHOP, pod('web'), deny]);
    expect(reachesAddress(reach, 'shop', METADATA, 'TCP', 80).freshPod).toBe(false);
    expect(reachesAddress(reach, 'shop', METADATA, 'UDP', 53).freshPod).toBe(true);
  });
});
