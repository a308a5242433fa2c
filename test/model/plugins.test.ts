import type { Manifest } from '../../src/model/manifest.js';
import { type Enforcement, flag, networkPlugin } from '../../src/model/plugins.js';
import type { ProbeFacts } from '../../src/model/policy-probe.js';
import { daemonSet, node, pod } from '../support/objects.js';
import { object, type SnapshotOptions, snapshotOf } from '../support/snapshot.js';

const judge = (objects: readonly Manifest[], more: SnapshotOptions = {}) => {
  const { title, verdict } = networkPlugin(snapshotOf({ objects, ...more }));
  return `${title}: ${verdict}`;
};
const config = (name: string, data: Record<string, string>) =>
  object('v1', 'ConfigMap', 'kube-system', name, { data });
const container = (name: string, ...args: string[]) => ({ name, image: `registry.example/${name}:1`, args });
const kindnet = (image: string) => daemonSet('kube-system', 'kindnet', [{ name: 'kindnet-cni', image }]);

const TABLE: readonly [string, readonly Manifest[], string][] = [
  ['Calico in kube-system', [daemonSet('kube-system', 'calico-node')], 'Calico: enforced'],
  ['Calico of the operator', [daemonSet('calico-system', 'calico-node')], 'Calico: enforced'],
  ['Canal of RKE2', [daemonSet('kube-system', 'rke2-canal')], 'Canal: enforced'],
  [
    'Cilium',
    [daemonSet('kube-system', 'cilium'), config('cilium-config', { 'enable-policy': 'default' })],
    'Cilium: enforced',
  ],
  [
    'Cilium with policies off',
    [daemonSet('kube-system', 'cilium'), config('cilium-config', { 'enable-policy': 'never' })],
    'Cilium: notEnforced',
  ],
  [
    'Cilium in audit mode',
    [daemonSet('kube-system', 'cilium'), config('cilium-config', { 'policy-audit-mode': 'true' })],
    'Cilium: notEnforced',
  ],
  [
    'Cilium without Kubernetes policies',
    [daemonSet('kube-system', 'cilium'), config('cilium-config', { 'enable-k8s-networkpolicy': 'false' })],
    'Cilium: notEnforced',
  ],
  ['Cilium without its ConfigMap', [daemonSet('kube-system', 'cilium')], 'Cilium: unknown'],
  ['GKE Dataplane V2', [daemonSet('kube-system', 'anetd')], 'GKE Dataplane V2: enforced'],
  ['Azure NPM', [daemonSet('kube-system', 'azure-npm')], 'Azure Network Policy Manager: enforced'],
  ['AWS without its agent', [daemonSet('kube-system', 'aws-node')], 'AWS VPC CNI: notEnforced'],
  [
    'AWS with the agent off',
    [
      daemonSet('kube-system', 'aws-node', [
        container('aws-node'),
        container('aws-eks-nodeagent', '--enable-network-policy=false'),
      ]),
    ],
    'AWS VPC CNI: notEnforced',
  ],
  [
    'AWS with the agent on',
    [
      daemonSet('kube-system', 'aws-node', [
        container('aws-node'),
        container('aws-eks-nodeagent', '--enable-network-policy=true'),
      ]),
    ],
    'AWS VPC CNI: enforced',
  ],
  [
    'AWS with the agent on and the controller off',
    [
      daemonSet('kube-system', 'aws-node', [container('aws-eks-nodeagent', '--enable-network-policy=true')]),
      config('amazon-vpc-cni', { 'enable-network-policy-controller': 'false' }),
    ],
    'AWS VPC CNI: notEnforced',
  ],
  [
    'AWS without its agent, with Calico beside it',
    [daemonSet('kube-system', 'aws-node'), daemonSet('calico-system', 'calico-node')],
    'Calico: enforced',
  ],
  ['Antrea', [daemonSet('kube-system', 'antrea-agent')], 'Antrea: enforced'],
  ['OVN-Kubernetes', [daemonSet('openshift-ovn-kubernetes', 'ovnkube-node')], 'OVN-Kubernetes: enforced'],
  [
    'kube-router without firewall',
    [daemonSet('kube-system', 'kube-router', [container('kube-router', '--run-firewall=false')])],
    'kube-router: notEnforced',
  ],
  ['kube-router', [daemonSet('kube-system', 'kube-router')], 'kube-router: enforced'],
  ['Flannel', [daemonSet('kube-flannel', 'kube-flannel-ds')], 'Flannel: notEnforced'],
  [
    'Flannel with a policy container',
    [
      daemonSet('kube-flannel', 'kube-flannel-ds', [
        container('kube-flannel'),
        container('kube-network-policies'),
      ]),
    ],
    'Flannel: enforced',
  ],
  ['kindnet of kind 0.24', [kindnet('docker.io/kindest/kindnetd:v20240813-c6f155d6')], 'kindnet: enforced'],
  [
    'kindnet of kind 0.23',
    [kindnet('docker.io/kindest/kindnetd:v20240513-cd2ac642')],
    'kindnet: notEnforced',
  ],
  ['kindnet in between', [kindnet('docker.io/kindest/kindnetd:v20240730-75a5af0c')], 'kindnet: unknown'],
  ['kindnet without a date', [kindnet('example.com/kindnetd:latest')], 'kindnet: unknown'],
  ['Weave', [daemonSet('kube-system', 'weave-net', [container('weave-npc')])], 'Weave Net: enforced'],
  ['Weave without its controller', [daemonSet('kube-system', 'weave-net')], 'Weave Net: notEnforced'],
  [
    'a plugin of which no pod is ready',
    [daemonSet('kube-system', 'calico-node', undefined, { numberReady: 0 })],
    'Calico: unknown',
  ],
  ['a look-alike in a namespace of users', [daemonSet('shop', 'calico-node')], 'unknown: unknown'],
  [
    'k3s',
    [
      node('n', {
        kubeletVersion: 'v1.31.4+k3s1',
        annotations: { 'k3s.io/node-args': '["server","--disable","traefik"]' },
      }),
    ],
    'k3s (embedded policy controller): enforced',
  ],
  [
    'k3s with its controller disabled',
    [
      node('n', {
        kubeletVersion: 'v1.31.4+k3s1',
        annotations: { 'k3s.io/node-args': '["server","--disable-network-policy"]' },
      }),
    ],
    'k3s (embedded policy controller): notEnforced',
  ],
  [
    'k3s that tells no arguments',
    [node('n', { kubeletVersion: 'v1.31.4+k3s1' })],
    'k3s (embedded policy controller): unknown',
  ],
  [
    'GKE without a plugin',
    [node('n', { labels: { 'cloud.google.com/gke-nodepool': 'p' } })],
    'GKE without a policy plugin: notEnforced',
  ],
  [
    'AKS without a plugin',
    [node('n', { labels: { 'kubernetes.azure.com/cluster': 'p' } })],
    'AKS without a policy plugin: notEnforced',
  ],
  ['Docker Desktop', [node('docker-desktop')], 'Docker Desktop without a policy plugin: notEnforced'],
  [
    'EKS Auto Mode',
    [node('n', { labels: { 'eks.amazonaws.com/compute-type': 'auto' } })],
    'EKS Auto Mode: notEnforced',
  ],
  [
    'EKS Auto Mode with policies',
    [
      node('n', { labels: { 'eks.amazonaws.com/compute-type': 'auto' } }),
      config('amazon-vpc-cni', { 'enable-network-policy-controller': 'true' }),
    ],
    'EKS Auto Mode: enforced',
  ],
  ['nothing that is known', [node('n')], 'unknown: unknown'],
];

describe('whether NetworkPolicies are enforced', () => {
  test.each(TABLE)('%s', (_name, objects, expected) => {
    expect(judge(objects)).toBe(expected);
  });
});

test('where DaemonSets cannot be read, the pods that they own tell the same', () => {
  const agent = pod('kube-system', 'calico-node-x1', { 'k8s-app': 'calico-node' });
  const owned = {
    ...agent,
    metadata: {
      ...agent.metadata,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'calico-node', uid: 'u' }],
    },
  };
  expect(judge([owned], { notVisible: { DaemonSet: 'forbidden' } })).toBe('Calico: enforced');
});

test('a ConfigMap that cannot be read leaves Cilium unknown, never enforced', () => {
  const verdict: Enforcement = networkPlugin(
    snapshotOf({ objects: [daemonSet('kube-system', 'cilium')], notVisible: { ConfigMap: 'forbidden' } }),
  ).verdict;
  expect(verdict).toBe('unknown');
});

test('nothing read is unknown, with the reason', () => {
  const facts = networkPlugin(snapshotOf({ notVisible: { DaemonSet: 'forbidden', Pod: 'forbidden' } }));
  expect(facts.verdict).toBe('unknown');
  expect(facts.evidence.join()).toContain('forbidden');
});

test('Fargate nodes are a gap in what a plugin enforces', () => {
  const facts = networkPlugin(
    snapshotOf({
      objects: [
        daemonSet('kube-system', 'calico-node'),
        node('f', { labels: { 'eks.amazonaws.com/compute-type': 'fargate' } }),
      ],
    }),
  );
  expect(facts.gaps).toEqual(['1 Fargate nodes: no plugin enforces policies there']);
});

test('address ranges match nodes everywhere but on Cilium and its relatives', () => {
  const matches = (name: string) =>
    networkPlugin(snapshotOf({ objects: [daemonSet('kube-system', name)] })).ipBlockMatchesNodes;
  expect(['calico-node', 'cilium', 'anetd'].map(matches)).toEqual([true, false, false]);
});

test.each<[string, readonly string[], boolean | undefined]>([
  ['packet filters match pods by address', ['calico-node'], true],
  ['so does the controller of kube-router', ['kube-router'], true],
  ['Cilium knows pods by identity', ['cilium'], false],
  ['so does Dataplane V2', ['anetd'], false],
  ['of two that differ it is not known which decides', ['calico-node', 'cilium'], undefined],
  ['nor where none is recognised', [], undefined],
])('address ranges and pods: %s', (_, names, expected) => {
  const found = networkPlugin(snapshotOf({ objects: names.map((name) => daemonSet('kube-system', name)) }));
  expect(found.ipBlockMatchesPods).toBe(expected);
});

test.each([
  [['--x=1'], '1'],
  [['--x', '2'], '2'],
  [['-x=3'], '3'],
  [['--x', '--y'], 'true'],
  [['--x=1', '--x=4'], '4'],
  [['--xy=1'], undefined],
])('value of the flag x in %j', (args, value) => {
  expect(flag(args, 'x')).toBe(value);
});

describe('what a live probe of this run found is the strongest evidence', () => {
  const tried = (objects: readonly Manifest[], verdict: ProbeFacts['verdict']) =>
    networkPlugin({
      ...snapshotOf({ objects }),
      policyProbe: { verdict, evidence: ['seen'], at: '2026-01-01T00:00:00Z', interrupted: false, left: [] },
    });
  const flannel = daemonSet('kube-flannel', 'kube-flannel-ds');
  test.each<[string, readonly Manifest[], ProbeFacts['verdict'], string, Enforcement]>([
    [
      'over a plugin that should enforce',
      [daemonSet('kube-system', 'calico-node')],
      'notEnforced',
      'Calico',
      'notEnforced',
    ],
    ['over one that should not', [flannel], 'enforced', 'Flannel', 'enforced'],
    ['over nothing', [], 'enforced', 'a plugin that is not recognised', 'enforced'],
    ['but not where it found nothing', [flannel], 'inconclusive', 'Flannel', 'notEnforced'],
  ])('%s', (_name, objects, verdict, title, expected) => {
    const facts = tried(objects, verdict);
    expect(facts).toMatchObject({ title, verdict: expected });
    expect(facts.evidence.includes('live probe: seen')).toBe(verdict !== 'inconclusive');
    expect(facts.evidence.length).toBeGreaterThan(verdict === 'inconclusive' ? 0 : 1);
  });
});
