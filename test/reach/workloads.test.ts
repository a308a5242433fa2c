import type { Manifest } from '../../src/model/manifest.js';
import { FILES, LIVE, type ReachOptions, reachOf } from '../../src/reach/index.js';

const owner = (kind: string, name: string, controller = true) => ({
  apiVersion: 'apps/v1',
  kind,
  name,
  uid: 'u',
  controller,
});
const object = (kind: string, name: string, more: object = {}, metadata: object = {}): Manifest => ({
  apiVersion:
    { Pod: 'v1', Job: 'batch/v1', CronJob: 'batch/v1', ReplicationController: 'v1' }[kind] ?? 'apps/v1',
  kind,
  metadata: { name, namespace: 'shop', ...metadata },
  ...more,
});
const pod = (name: string, owners: object[] = [], more: object = {}) =>
  object('Pod', name, { spec: { containers: [] }, ...more }, { ownerReferences: owners });
const TEMPLATE = { metadata: { labels: { app: 'web' } }, spec: { containers: [] } };
const workload = (kind: string, name: string, owners: object[] = []) =>
  object(kind, name, { spec: { template: TEMPLATE } }, { ownerReferences: owners });

const names = (objects: Manifest[], options: Partial<ReachOptions> = FILES) =>
  reachOf(objects, options).workloads.map(({ name }) => name);

describe('workloads are named by namespace, name and kind', () => {
  test.each<[string, Manifest[], string[]]>([
    ['a pod of its own', [pod('a')], ['shop/a[Pod]']],
    [
      'pods of one owner are one',
      [pod('a-1', [owner('ReplicaSet', 'a-7d')]), pod('a-2', [owner('ReplicaSet', 'a-7d')])],
      ['shop/a-7d[ReplicaSet]'],
    ],
    ['a static pod is not its node', [pod('etcd-n1', [owner('Node', 'n1')])], ['shop/etcd-n1[Pod]']],
    [
      'an owner that is no controller does not count',
      [pod('a', [owner('Game', 'g', false)])],
      ['shop/a[Pod]'],
    ],
    [
      'without namespace it is default',
      [object('Pod', 'a', {}, { namespace: undefined })],
      ['default/a[Pod]'],
    ],
    ...['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicationController'].map(
      (kind): [string, Manifest[], string[]] => [
        `${kind} without pods`,
        [workload(kind, 'w')],
        [`shop/w[${kind}]`],
      ],
    ),
    [
      'CronJob without pods',
      [object('CronJob', 'nightly', { spec: { jobTemplate: { spec: { template: TEMPLATE } } } })],
      ['shop/nightly[CronJob]'],
    ],
    [
      'a virtual machine',
      [{ ...workload('VirtualMachine', 'vm'), apiVersion: 'kubevirt.io/v1' }],
      ['shop/vm[VirtualMachine]'],
    ],
    [
      'a DeploymentConfig',
      [{ ...workload('DeploymentConfig', 'dc'), apiVersion: 'apps.openshift.io/v1' }],
      ['shop/dc[DeploymentConfig]'],
    ],
    [
      'kinds of other groups are no workloads',
      [{ ...workload('Deployment', 'x'), apiVersion: 'example.com/v1' }],
      [],
    ],
  ])('%s', (_, objects, expected) => {
    expect(names(objects)).toEqual(expected);
  });

  const rollout = [
    workload('Deployment', 'web'),
    workload('ReplicaSet', 'web-old', [owner('Deployment', 'web')]),
    workload('ReplicaSet', 'web-new', [owner('Deployment', 'web')]),
    pod('web-new-1', [owner('ReplicaSet', 'web-new')]),
  ];

  test('files: every object stands for itself', () => {
    expect(names(rollout, FILES)).toEqual([
      'shop/web[Deployment]',
      'shop/web-old[ReplicaSet]',
      'shop/web-new[ReplicaSet]',
    ]);
  });

  test('cluster: pods belong to their topmost owner', () => {
    expect(names(rollout, LIVE)).toEqual(['shop/web[Deployment]']);
  });

  test('owners that go round in a circle end somewhere', () => {
    const circle = [
      workload('ReplicaSet', 'a', [owner('ReplicaSet', 'b')]),
      workload('ReplicaSet', 'b', [owner('ReplicaSet', 'a')]),
      pod('p', [owner('ReplicaSet', 'a')]),
    ];
    expect(names(circle, LIVE)).toHaveLength(1);
  });
});

describe('namespaces', () => {
  const policy: Manifest = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'from-b', namespace: 'a' },
    spec: {
      podSelector: {},
      ingress: [{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'b' } } }] }],
    },
  };
  const pods = ['a', 'b', 'c'].map((namespace) => object('Pod', 'p', {}, { namespace }));
  const sources = (options: ReachOptions) =>
    [...reachOf([policy, ...pods], options).connections()]
      .filter(({ dst }) => dst === 'a/p[Pod]')
      .map(({ src }) => src);

  test('one that no file describes still has its name as label', () => {
    expect(sources(FILES)).toEqual(['b/p[Pod]']);
  });

  test('in a cluster the labels really there decide', () => {
    expect(sources(LIVE)).toEqual([]);
  });
});

describe('pods on their node network', () => {
  const policy: Manifest = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'deny', namespace: 'shop' },
    spec: { podSelector: {} },
  };
  const objects = [pod('agent', [], { spec: { hostNetwork: true, containers: [] } }), pod('web'), policy];

  test('cluster: no policy closes them', () => {
    const reach = reachOf(objects, LIVE);
    expect([...reach.connections()].filter(({ dst }) => dst === 'shop/agent[Pod]')).toHaveLength(2);
    expect(reach.problems).toEqual([]);
  });

  test('files: shown as selected, and the problem says so', () => {
    const reach = reachOf(objects, FILES);
    expect([...reach.connections()].filter(({ dst }) => dst === 'shop/agent[Pod]')).toEqual([]);
    expect(reach.problems).toMatchObject([{ object: { kind: 'Pod', name: 'agent' } }]);
  });

  test('files: a rule that names them by labels is a note, too', () => {
    const from = [{ podSelector: { matchLabels: { app: 'agent' } } }];
    const spec = { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from }] };
    const agent = pod('agent', [], { spec: { hostNetwork: true, containers: [] } });
    agent.metadata.labels = { app: 'agent' };
    const named = (objects: readonly Manifest[]) => reachOf(objects, FILES).problems;
    expect(named([agent, pod('web'), { ...policy, spec }])).toEqual([
      {
        object: expect.objectContaining({ kind: 'Pod', name: 'agent' }),
        message: expect.stringContaining('(ingress[0] of NetworkPolicy shop/deny)'),
        effect: 'note',
      },
    ]);
    expect(named([pod('agent'), pod('web'), { ...policy, spec }])).toEqual([]);
  });

  test.each([
    ['cluster', LIVE],
    ['files', FILES],
  ])('%s: no cluster-wide policy closes them, or names them as pods; it names their nodes', (_, options) => {
    const agent = pod('agent', [], { spec: { hostNetwork: true, nodeName: 'one', containers: [] } });
    const node: Manifest = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'one', labels: { a: 'b' } } };
    const closed = (ingress: unknown, egress: unknown) => {
      const spec = { tier: 'Admin', priority: 1, subject: { namespaces: {} }, ingress, egress };
      const cluster = { apiVersion: 'policy.networking.k8s.io/v1alpha2', kind: 'ClusterNetworkPolicy' };
      const objects = [agent, pod('web'), node, { ...cluster, metadata: { name: 'c' }, spec }];
      const reach = reachOf(objects, options);
      const [web, host] = [{ pod: 'shop/web' }, { pod: 'shop/agent' }];
      return [reach.allows(web, host, 'TCP', 9), reach.allows(host, web, 'TCP', 9)].map((open) => !open);
    };
    const everyPod = [{ namespaces: {} }];
    expect(closed([{ action: 'Deny', from: everyPod }], [{ action: 'Deny', to: everyPod }])).toEqual([
      false,
      false,
    ]);
    const nodes = [{ nodes: { matchLabels: { a: 'b' } } }];
    expect(closed([], [{ action: 'Deny', to: nodes }])).toEqual([true, false]);
  });

  test('files: that a cluster-wide policy does not cover them is a note', () => {
    const spec = { tier: 'Admin', priority: 1, subject: { namespaces: {} }, ingress: [], egress: [] };
    const cluster = { apiVersion: 'policy.networking.k8s.io/v1alpha2', kind: 'ClusterNetworkPolicy' };
    const agent = pod('agent', [], { spec: { hostNetwork: true, containers: [] } });
    const objects = [agent, pod('web'), { ...cluster, metadata: { name: 'c' }, spec }];
    expect(reachOf(objects, FILES).problems).toEqual([
      {
        object: expect.objectContaining({ kind: 'Pod', name: 'agent' }),
        message: "uses its node's network: no cluster-wide policy covers it, such as ClusterNetworkPolicy c",
        effect: 'note',
      },
    ]);
  });
});
