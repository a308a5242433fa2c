import { dns, ownNameservers } from '../../src/model/dns.js';
import type { Manifest } from '../../src/model/manifest.js';
import { coreDns, daemonSet, pod, service } from '../support/objects.js';
import { type SnapshotOptions, snapshotOf } from '../support/snapshot.js';

const dnsOf = (objects: readonly Manifest[], more: SnapshotOptions = {}) =>
  dns(snapshotOf({ objects, ...more }));
const portsOf = (objects: readonly Manifest[]) =>
  dnsOf(objects).services.map(({ ports }) => ports.map(({ protocol, port }) => `${protocol} ${port}`));

test('CoreDNS of kubeadm: labels, both protocols, no metrics port', () => {
  expect(dnsOf(coreDns())).toEqual({
    services: [
      {
        ref: { apiVersion: 'v1', kind: 'Service', namespace: 'kube-system', name: 'kube-dns' },
        podLabels: { 'k8s-app': 'kube-dns' },
        ports: [
          { protocol: 'UDP', port: 53 },
          { protocol: 'TCP', port: 53 },
        ],
        clusterIPs: ['10.96.0.10'],
        hostAddresses: [],
        pods: 2,
      },
    ],
    nodeLocal: undefined,
    missing: undefined,
    notVisible: false,
  });
});

test.each([
  ['a Deployment', {}, 1],
  ['a Deployment that is scaled to nothing', { replicas: 0 }, 0],
])('in files there are no pods: %s counts', (_, spec, pods) => {
  const [dns] = coreDns();
  const labels = { 'k8s-app': 'kube-dns' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'coredns' }] } };
  const coredns: Manifest = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'coredns', namespace: 'kube-system' },
    spec: { selector: { matchLabels: labels }, template, ...spec },
  };
  expect(dnsOf([dns as Manifest, coredns]).services).toMatchObject([{ pods }]);
});

test('a named target port is looked up in a template where no pod runs', () => {
  const labels = { 'dns.operator.openshift.io/daemonset-dns': 'default' };
  const ports = [{ name: 'dns', containerPort: 5353, protocol: 'UDP' }];
  const template = { metadata: { labels }, spec: { containers: [{ name: 'dns', ports }] } };
  const set = { ...daemonSet('openshift-dns', 'dns-default'), spec: { template } };
  expect(portsOf(openshift('dns', set))).toEqual([['UDP 5353', 'TCP dns-tcp']]);
});

const openshift = (targetPort: unknown, ...pods: Manifest[]): Manifest[] => [
  service('openshift-dns', 'dns-default', {
    selector: { 'dns.operator.openshift.io/daemonset-dns': 'default' },
    ports: [
      { port: 53, protocol: 'UDP', targetPort },
      { port: 53, protocol: 'TCP', targetPort: `${targetPort}-tcp` },
    ],
  }),
  ...pods,
];

test('OpenShift: named target ports are looked up in the pods', () => {
  const labels = { 'dns.operator.openshift.io/daemonset-dns': 'default' };
  const ports = [
    { name: 'dns', containerPort: 5353, protocol: 'UDP' },
    { name: 'dns-tcp', containerPort: 5353, protocol: 'TCP' },
  ];
  const running = pod('openshift-dns', 'dns-1', labels, { containers: [{ name: 'dns', ports }] });
  expect(portsOf(openshift('dns', running))).toEqual([['UDP 5353', 'TCP 5353']]);
});

test('a name that no pod tells stays a name: the API resolves it in each pod', () => {
  expect(portsOf(openshift('dns'))).toEqual([['UDP dns', 'TCP dns-tcp']]);
});

test('pods that differ in the number behind a name are all allowed', () => {
  const labels = { 'dns.operator.openshift.io/daemonset-dns': 'default' };
  const at = (name: string, containerPort: number) =>
    pod('openshift-dns', name, labels, {
      containers: [{ name: 'dns', ports: [{ name: 'dns', containerPort, protocol: 'UDP' }] }],
    });
  const [ports] = portsOf(openshift('dns', at('a', 5353), at('b', 1053)));
  expect(ports).toEqual(['UDP 1053', 'UDP 5353', 'TCP dns-tcp']);
});

test('a Service with one protocol is asked over the other as well', () => {
  const only = service('kube-system', 'coredns', {
    selector: { app: 'dns' },
    ports: [{ port: 53, protocol: 'UDP', targetPort: 1053 }],
  });
  expect(portsOf([only])).toEqual([['UDP 1053', 'TCP 1053']]);
});

test.each([
  ['the label in kube-system', service('kube-system', 'x', dnsSpec(), { 'k8s-app': 'kube-dns' }), 1],
  ['the name of RKE2', service('kube-system', 'rke2-coredns-rke2-coredns', dnsSpec()), 1],
  ['the label elsewhere', service('shop', 'x', dnsSpec(), { 'k8s-app': 'kube-dns' }), 0],
  ['a Service without selector', service('kube-system', 'kube-dns', { ...dnsSpec(), selector: {} }), 0],
  [
    'a Service without port 53',
    service('kube-system', 'kube-dns', { ...dnsSpec(), ports: [{ port: 9153 }] }),
    0,
  ],
])('%s', (_name, object, count) => {
  expect(dnsOf([object]).services).toHaveLength(count);
});

function dnsSpec(): Record<string, unknown> {
  return { selector: { app: 'dns' }, ports: [{ port: 53, protocol: 'UDP' }] };
}

test('without a Service it says what was looked for; unseen Services are no Services that are missing', () => {
  expect(dnsOf([])).toMatchObject({
    services: [],
    notVisible: false,
    missing: expect.stringContaining('k8s-app'),
  });
  expect(dnsOf(coreDns(), { notVisible: { Service: 'forbidden' } })).toMatchObject({
    services: [],
    notVisible: true,
    missing: 'Services were not visible: forbidden',
  });
});

test.each([
  ['-localip of its arguments', ['-localip', '169.254.25.10,10.233.0.3'], ['169.254.25.10', '10.233.0.3']],
  ['-localip with an equals sign', ['-localip=169.254.20.10'], ['169.254.20.10']],
  ['its default', [], ['169.254.20.10']],
])('NodeLocal DNSCache listens on %s', (_name, args, addresses) => {
  const cache = daemonSet('kube-system', 'node-local-dns', [{ name: 'node-cache', image: 'x', args }]);
  expect(dnsOf([...coreDns(), cache]).nodeLocal?.addresses).toEqual(addresses);
});

test('pods of DNS on the network of their node are found by address', () => {
  const host = pod('kube-system', 'coredns-3', { 'k8s-app': 'kube-dns' }, { hostNetwork: true });
  const objects = [...coreDns(), { ...host, status: { phase: 'Running', hostIP: '192.0.2.7' } }];
  expect(dnsOf(objects).services[0]?.hostAddresses).toEqual(['192.0.2.7']);
});

test('name servers that pods bring themselves, of one namespace, once', () => {
  const own = { dnsConfig: { nameservers: ['192.0.2.53', '2001:db8::53', 'not an address'] } };
  const now = snapshotOf({
    objects: [
      pod('shop', 'a', {}, own),
      pod('shop', 'b', {}, own),
      pod('other', 'c', {}, { dnsConfig: { nameservers: ['198.51.100.1'] } }),
    ],
  });
  expect(ownNameservers(now, 'shop')).toEqual(['192.0.2.53', '2001:db8::53']);
});
