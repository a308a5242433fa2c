import type { Manifest } from '../../src/model/manifest.js';
import { FILES, reachOf } from '../../src/reach/index.js';

const policy = (spec: unknown, name = 'bad'): Manifest => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace: 'shop' },
  spec,
});
const cluster = (kind: string, version: string, spec: unknown): Manifest => ({
  apiVersion: `policy.networking.k8s.io/${version}`,
  kind,
  metadata: { name: 'bad' },
  spec,
});
const POD: Manifest = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } };
const from = (peer: unknown) => policy({ podSelector: {}, ingress: [{ from: [peer] }] });
const port = (entry: unknown) => policy({ podSelector: {}, ingress: [{ ports: [entry] }] });
const cnp = (rule: object, more: object = {}) =>
  cluster('ClusterNetworkPolicy', 'v1alpha2', {
    tier: 'Admin',
    priority: 1,
    subject: { namespaces: {} },
    ingress: [{ action: 'Deny', from: [{ namespaces: {} }], ...rule }],
    ...more,
  });

/** What the API server would refuse, and a part of the message that says where and what. */
const REFUSED: readonly (readonly [string, Manifest, string])[] = [
  ['spec is text', policy('all'), 'spec is not a map'],
  ['unknown policy type', policy({ policyTypes: ['ingress'] }), 'spec.policyTypes: unknown type "ingress"'],
  ['policyTypes no list', policy({ policyTypes: 'Ingress' }), 'spec.policyTypes is not a list'],
  [
    'unknown operator',
    policy({ podSelector: { matchExpressions: [{ key: 'a', operator: 'Is' }] } }),
    'operator must be one of',
  ],
  [
    'In without values',
    policy({ podSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }),
    'values must not be empty',
  ],
  [
    'Exists with values',
    policy({ podSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } }),
    'values must be empty',
  ],
  [
    'label value no text',
    policy({ podSelector: { matchLabels: { a: true } } }),
    'matchLabels[a] is not text',
  ],
  ['label key no key', policy({ podSelector: { matchLabels: { 'a b': 'c' } } }), '"a b" is not a label key'],
  [
    'label value no value',
    policy({ podSelector: { matchLabels: { a: 'b c' } } }),
    'matchLabels[a]: "b c" is not a label value',
  ],
  ['selector no map', policy({ podSelector: [] }), 'spec.podSelector is not a label selector'],
  ['rule no map', policy({ ingress: ['all'] }), 'spec.ingress[0] is not a map'],
  ['empty peer', from({}), 'spec.ingress[0].from[0] names no peer'],
  [
    'ipBlock with selector',
    from({ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }),
    'must not stand together',
  ],
  ['broken CIDR', from({ ipBlock: { cidr: '10.0.0.0' } }), '"10.0.0.0" is not a CIDR'],
  [
    'broken except',
    from({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/99'] } }),
    'except[0]: "10.0.0.0/99" is not a CIDR',
  ],
  [
    'except outside',
    from({ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/9'] } }),
    'does not lie inside "10.0.0.0/8"',
  ],
  [
    'except all of it',
    from({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8'] } }),
    'except[0]: "10.0.0.0/8" is all of "10.0.0.0/8"',
  ],
  ['port 0', port({ port: 0 }), '0 is not a port from 1 to 65535'],
  ['port 70000', port({ port: 70_000 }), '70000 is not a port'],
  ['port as text', port({ port: '80' }), '"80" is neither a number nor a port name'],
  ['endPort alone', port({ endPort: 80 }), 'endPort needs a numeric port'],
  ['endPort with a name', port({ port: 'http', endPort: 80 }), 'endPort needs a numeric port'],
  ['endPort too small', port({ port: 80, endPort: 79 }), 'endPort 79 is less than port 80'],
  ['unknown protocol', port({ protocol: 'ICMP' }), '"ICMP" is not one of TCP, UDP, SCTP'],
  ['tier missing', cnp({}, { tier: undefined }), 'spec.tier'],
  ['priority too high', cnp({}, { priority: 1001 }), 'spec.priority: 1001'],
  ['unknown action', cnp({ action: 'Allow' }), 'action: "Allow" is not one of Accept, Deny, Pass'],
  ['no peers', cnp({ from: [] }), 'names no peer'],
  ['two kinds of peer', cnp({ from: [{ namespaces: {}, pods: {} }] }), 'exactly one of namespaces and pods'],
  [
    'two kinds of peer outside',
    cnp({}, { egress: [{ action: 'Deny', to: [{ networks: ['10.0.0.0/8'], namespaces: {} }] }] }),
    'exactly one of namespaces and networks',
  ],
  ['no subject', cnp({}, { subject: {} }), 'spec.subject must hold exactly one'],
  ['unknown protocol entry', cnp({ protocols: [{ icmp: {} }] }), 'must hold one of tcp, udp, sctp'],
  [
    'range backwards',
    cnp({ protocols: [{ tcp: { destinationPort: { range: { start: 9, end: 8 } } } }] }),
    'end 8 is less than start 9',
  ],
  [
    'Baseline with Pass',
    cluster('BaselineAdminNetworkPolicy', 'v1alpha1', {
      subject: { namespaces: {} },
      ingress: [{ action: 'Pass', from: [{ namespaces: {} }] }],
    }),
    'action: "Pass"',
  ],
  ['spec missing', cluster('AdminNetworkPolicy', 'v1alpha1', undefined), 'spec is missing'],
];

describe('an object that a server would refuse is named, with the field', () => {
  test.each(REFUSED)('%s', (_, bad, message) => {
    const good = policy({ podSelector: {}, ingress: [] }, 'good');
    const { problems, ...reach } = reachOf([POD, bad, good], FILES);
    expect(problems).toEqual([
      {
        object: expect.objectContaining({ kind: bad.kind, name: 'bad' }),
        message: expect.stringContaining(message),
        effect: 'broken',
      },
    ]);
    // The rest is still analysed: the good policy isolates the pod.
    const isolated = reach.engine.inForce('ingress', 0).NetworkPolicy;
    expect(isolated.map(({ ref }) => ref.name)).toEqual(['good']);
  });
});

test('nothing that stands in an object makes the analysis throw', () => {
  const junk: unknown[] = [undefined, null, 0, 'x', true, [], {}, [null], [{}], { a: null }, -1, 1e99];
  const fields = [
    'podSelector',
    'policyTypes',
    'ingress',
    'egress',
    'subject',
    'tier',
    'priority',
    'template',
    'containers',
    'rules',
    'ports',
    'selector',
  ];
  const kinds: [string, string][] = [
    ['networking.k8s.io/v1', 'NetworkPolicy'],
    ['policy.networking.k8s.io/v1alpha1', 'AdminNetworkPolicy'],
    ['policy.networking.k8s.io/v1alpha2', 'ClusterNetworkPolicy'],
    ['v1', 'Pod'],
    ['v1', 'Service'],
    ['v1', 'Namespace'],
    ['v1', 'Node'],
    ['apps/v1', 'Deployment'],
    ['networking.k8s.io/v1', 'Ingress'],
    ['route.openshift.io/v1', 'Route'],
  ];
  for (const [apiVersion, kind] of kinds)
    for (const field of fields)
      for (const value of junk) {
        const odd = {
          apiVersion,
          kind,
          metadata: { name: 'odd', labels: value, ownerReferences: value },
          spec: { [field]: value },
          status: value,
        } as unknown as Manifest;
        expect(() => [...reachOf([POD, odd], FILES).connections()]).not.toThrow();
      }
});

test('a name that appears twice is a problem, and the first one counts', () => {
  const { problems } = reachOf(
    [POD, policy({ podSelector: {} }), policy({ podSelector: {}, ingress: [{}] })],
    FILES,
  );
  expect(problems).toMatchObject([
    { object: { name: 'bad' }, message: expect.stringContaining('more than once') },
  ]);
});

test.each([
  ['a rule', { ingress: [{ prots: [{ port: 80 }] }] }, 'spec.ingress[0].prots'],
  ['a direction', { ingres: [{}] }, 'spec.ingres'],
  [
    'a peer',
    { egress: [{ to: [{ podSelector: {}, namespaceSelectors: {} }] }] },
    'spec.egress[0].to[0].namespaceSelectors',
  ],
  ['a selector', { podSelector: { matchLabel: { app: 'web' } } }, 'spec.podSelector.matchLabel'],
])('a misspelt field of %s is said, and passed over as a server does', (_, spec, field) => {
  const { problems } = reachOf([POD, policy({ podSelector: {}, ...spec })], FILES);
  expect(problems).toMatchObject([
    { object: { name: 'bad' }, message: expect.stringContaining(`${field} is no field`), effect: 'broken' },
  ]);
});

test('cluster-wide policies of one priority are said: their order is left to the plugin', () => {
  const named = (name: string, priority: number) => ({
    ...cnp({}, { priority }),
    metadata: { name },
  });
  const { problems } = reachOf([POD, named('b', 7), named('a', 7), named('c', 8)], FILES);
  expect(problems).toMatchObject([
    { object: { name: 'a' }, message: expect.stringContaining('(a, b)'), effect: 'note' },
  ]);
});

test('an unknown domain name is said, not passed over', () => {
  const names = { action: 'Deny', to: [{ domainNames: ['example.com'] }] };
  const spec = { tier: 'Admin', priority: 1, subject: { namespaces: {} }, egress: [names] };
  const { problems } = reachOf([POD, cluster('ClusterNetworkPolicy', 'v1alpha2', spec)], FILES);
  expect(problems).toMatchObject([{ message: expect.stringContaining('example.com') }]);
});

test.each([
  ['cilium.io/v2', 'CiliumNetworkPolicy'],
  ['cilium.io/v2', 'CiliumClusterwideNetworkPolicy'],
  ['projectcalico.org/v3', 'NetworkPolicy'],
  ['crd.projectcalico.org/v1', 'GlobalNetworkPolicy'],
  ['crd.antrea.io/v1beta1', 'ClusterNetworkPolicy'],
  ['extensions/v1beta1', 'NetworkPolicy'],
  ['networking.k8s.io/v1', 'networkpolicy'],
  ['networking.k8s.io/v1', 'NetworkPolicies'],
])('a policy that is not analysed is said: %s %s', (apiVersion, kind) => {
  const { problems } = reachOf([POD, { apiVersion, kind, metadata: { name: 'other' }, spec: {} }], FILES);
  expect(problems).toEqual([
    {
      object: expect.objectContaining({ kind, name: 'other' }),
      message: expect.stringContaining('not analysed'),
      effect: 'notAnalysed',
    },
  ]);
});

test.each<[string, string, unknown, string]>([
  [
    'argoproj.io/v1alpha1',
    'Rollout',
    { template: { spec: { containers: [] } } },
    'makes pods from a template',
  ],
  [
    'k8s.ovn.org/v1',
    'UserDefinedNetwork',
    { layer2: { role: 'Primary' } },
    'what it closes is shown as open',
  ],
  [
    'k8s.ovn.org/v1',
    'ClusterUserDefinedNetwork',
    { network: { layer3: { role: 'Primary' } } },
    'what it closes is shown as open',
  ],
])('what changes who connects, and is not known here, is said: %s %s', (apiVersion, kind, spec, message) => {
  const { problems } = reachOf([POD, { apiVersion, kind, metadata: { name: 'other' }, spec }], FILES);
  expect(problems).toEqual([
    expect.objectContaining({ message: expect.stringContaining(message), effect: 'notAnalysed' }),
  ]);
});

test.each<[string, string, unknown]>([
  ['k8s.ovn.org/v1', 'UserDefinedNetwork', { layer2: { role: 'Secondary' } }],
  ['example.com/v1', 'Secret', { template: { metadata: {} } }],
])('nothing is said of what changes nothing: %s %s', (apiVersion, kind, spec) => {
  expect(reachOf([POD, { apiVersion, kind, metadata: { name: 'other' }, spec }], FILES).problems).toEqual([]);
});

test.each<[string, Manifest, string]>([
  [
    'ports in place of protocols',
    cnp({ ports: [{ portNumber: { protocol: 'TCP', port: 80 } }] }),
    'spec.ingress[0].ports is no field of a ClusterNetworkPolicy',
  ],
  [
    'a selector of an older version, which would select every namespace',
    cluster('AdminNetworkPolicy', 'v1alpha1', {
      priority: 1,
      subject: { namespaces: {} },
      ingress: [{ action: 'Allow', from: [{ namespaces: { sameLabels: ['team'] } }] }],
    }),
    'spec.ingress[0].from[0].namespaces.sameLabels is no field of an AdminNetworkPolicy',
  ],
])('a field that a cluster-wide policy does not have: %s', (_, manifest, message) => {
  const { problems } = reachOf([POD, manifest], FILES);
  expect(problems).toEqual([
    expect.objectContaining({ message: expect.stringContaining(message), effect: 'broken' }),
  ]);
});

test('a staged policy of Calico has no effect, so nothing is said', () => {
  const staged = { kind: 'StagedNetworkPolicy', apiVersion: 'projectcalico.org/v3', metadata: { name: 's' } };
  expect(reachOf([POD, staged], FILES).problems).toEqual([]);
});

describe('a CiliumNetworkPolicy that only adds nodes and the API server', () => {
  const adding = (egress: unknown[]): Manifest => ({
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: 'adds', namespace: 'shop' },
    spec: { endpointSelector: {}, enableDefaultDeny: { ingress: false, egress: false }, egress },
  });
  const known = [{ toEntities: ['kube-apiserver'] }];
  const entities = new Map([['kube-apiserver' as const, [{ family: 4 as const, value: 0x0a000001n }]]]);

  test('in files it is said, as no addresses are known', () => {
    const { problems } = reachOf([POD, adding(known)], FILES);
    expect(problems).toMatchObject([
      { object: { name: 'adds' }, message: expect.stringContaining('addresses'), effect: 'notAnalysed' },
    ]);
  });

  test('where the plugin is Cilium it is analysed', () => {
    const closed = policy({ podSelector: {}, policyTypes: ['Egress'] });
    const reach = reachOf([POD, closed, adding(known)], { entities });
    expect(reach.problems).toEqual([]);
    expect(reach.between({ workload: 'shop/web[Pod]' }, { address: '10.0.0.1' })).toBe('All Connections');
    expect(
      reachOf([POD, closed], { entities }).between({ workload: 'shop/web' }, { address: '10.0.0.1' }),
    ).toBe('No Connections');
  });

  test.each([
    ['another peer', { toEndpoints: [{}] }],
    ['an entity of which only a part is known', { toEntities: ['kube-apiserver', 'world'] }],
    ['one kind of node', { toEntities: ['kube-apiserver', 'host'] }],
  ])('a rule that allows more is said with its place: %s', (_, rule) => {
    const { problems } = reachOf([POD, adding([...known, rule])], { entities });
    expect(problems).toMatchObject([
      { message: expect.stringContaining('egress[1]'), effect: 'notAnalysed' },
    ]);
  });
});

test('a baseline policy of another name than default is said; servers refuse it', () => {
  const spec = { subject: { namespaces: {} }, ingress: [{ action: 'Deny', from: [{ namespaces: {} }] }] };
  const { problems } = reachOf([POD, cluster('BaselineAdminNetworkPolicy', 'v1alpha1', spec)], FILES);
  expect(problems).toMatchObject([
    { object: { name: 'bad' }, message: expect.stringContaining('"default"'), effect: 'broken' },
  ]);
});

test('a value in an expression that no label can have is said', () => {
  const selector = { matchExpressions: [{ key: 'a', operator: 'In', values: ['b c', 'd'] }] };
  const { problems } = reachOf([POD, policy({ podSelector: selector })], FILES);
  expect(problems).toMatchObject([{ message: expect.stringContaining('"b c"'), effect: 'note' }]);
});
