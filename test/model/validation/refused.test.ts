import type { Manifest } from '../../../src/model/manifest.js';
import { refused } from '../../../src/model/validation/refused.js';

const object = (kind: string, more: object = {}, apiVersion = 'v1', metadata: object = {}): Manifest => ({
  apiVersion,
  kind,
  metadata: { name: 'a', namespace: 'shop', ...metadata },
  ...more,
});
const named = (kind: string, name: string, apiVersion = 'v1'): Manifest =>
  object(kind, {}, apiVersion, { name, ...(kind === 'Service' ? {} : { namespace: undefined }) });
const headless = { clusterIP: 'None' };
const service = (spec: object): Manifest => object('Service', { spec: { ...headless, ...spec } });
const port = (more: object): Manifest => service({ ports: [{ port: 80, ...more }] });
const container = (ports: unknown): Manifest =>
  object('Deployment', { spec: { template: { spec: { containers: [{ ports }] } } } }, 'apps/v1');
const labels = (labels: unknown): Manifest => object('Pod', {}, 'v1', { labels });
const ingress = (port: object): Manifest =>
  object(
    'Ingress',
    { spec: { rules: [{ http: { paths: [{ backend: { service: { name: 'a', port } } }] } }] } },
    'networking.k8s.io/v1',
  );
const LONG = 'a'.repeat(64);

/** What an API server refuses, with the field as it names it. */
test.each<[string, Manifest, string]>([
  ['name with a capital', named('Pod', 'Web'), 'metadata.name: Invalid value: "Web"'],
  ['name with a blank', named('ConfigMap', 'a b'), 'metadata.name'],
  ['name too long', named('Pod', 'a'.repeat(254)), 'metadata.name'],
  ['name of a namespace with a dot', named('Namespace', 'a.b'), 'metadata.name'],
  ['name of a Service with a dot', { ...service({}), metadata: { name: 'a.b' } }, 'metadata.name'],
  ['name of a role with a slash', named('Role', 'a/b', 'rbac.authorization.k8s.io/v1'), 'metadata.name'],
  ['name of any kind with a slash', named('Thing', 'a/b', 'example.com/v1'), 'metadata.name'],
  ['namespace', object('Pod', {}, 'v1', { namespace: 'My_Shop' }), 'metadata.namespace'],
  ['label key', labels({ 'a b': 'c' }), 'metadata.labels: Invalid value: "a b"'],
  ['label key with two slashes', labels({ 'a/b/c': 'd' }), 'metadata.labels'],
  ['label key too long', labels({ [LONG]: 'd' }), 'metadata.labels'],
  ['label value', labels({ a: 'b c' }), 'metadata.labels: Invalid value: "b c"'],
  ['label value too long', labels({ a: LONG }), 'metadata.labels'],
  ['label value no text', labels({ a: 1 }), 'metadata.labels[a]: Invalid value: 1: must be text'],
  ['labels no map', labels(['a']), 'metadata.labels'],
  [
    'label of a template',
    object('Deployment', { spec: { template: { metadata: { labels: { a: '-' } } } } }, 'apps/v1'),
    'spec.template.metadata.labels',
  ],
  [
    'selector of a workload',
    object('StatefulSet', { spec: { selector: { matchLabels: { a: 'b c' } } } }, 'apps/v1'),
    'spec.selector.matchLabels',
  ],
  ['selector of a Service', service({ selector: { app: 'a b' } }), 'spec.selector'],
  ['selector of a Service, no text', service({ selector: { app: 1 } }), 'spec.selector[app]'],
  ['selector of a Service, no map', service({ selector: 'app' }), 'spec.selector'],
  ['type of a Service', service({ type: 'NodePorts' }), 'spec.type: Unsupported value'],
  ['Service without ports', service({ clusterIP: undefined }), 'spec.ports: Required value'],
  ['Service port 0', port({ port: 0 }), 'spec.ports[0].port'],
  ['Service port 70000', port({ port: 70_000 }), 'spec.ports[0].port'],
  ['Service port 80.5', port({ port: 80.5 }), 'spec.ports[0].port'],
  ['Service port as text', port({ port: '80' }), 'without quotes'],
  ['Service port missing', port({ port: undefined }), 'spec.ports[0].port'],
  ['target port 70000', port({ targetPort: 70_000 }), 'spec.ports[0].targetPort'],
  ['target port no name', port({ targetPort: 'http_port' }), 'spec.ports[0].targetPort'],
  ['target port a number in quotes', port({ targetPort: '8080' }), 'at least one letter'],
  ['protocol', port({ protocol: 'HTTP' }), 'spec.ports[0].protocol: Unsupported value'],
  [
    'a port name twice',
    service({
      ports: [
        { name: 'a', port: 80 },
        { name: 'a', port: 81 },
      ],
    }),
    'spec.ports[1].name: Duplicate value',
  ],
  [
    'a port twice',
    service({
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 80 },
      ],
    }),
    'spec.ports[1]: Duplicate value',
  ],
  ['ExternalName without a name', service({ type: 'ExternalName' }), 'spec.externalName: Required value'],
  [
    'ExternalName that is a URL',
    service({ type: 'ExternalName', externalName: 'http://a' }),
    'spec.externalName',
  ],
  [
    'container port 0',
    container([{ containerPort: 0 }]),
    'spec.template.spec.containers[0].ports[0].containerPort',
  ],
  ['container port as text', container([{ containerPort: '80' }]), 'without quotes'],
  ['container port missing', container([{ name: 'http' }]), 'containerPort: Required value'],
  ['host port', container([{ containerPort: 80, hostPort: 70_000 }]), 'hostPort'],
  ['container protocol', container([{ containerPort: 80, protocol: 'tcp' }]), 'Unsupported value: "tcp"'],
  ['port name too long', container([{ containerPort: 80, name: 'a-name-of-more-than-15' }]), 'ports[0].name'],
  [
    'port name twice',
    container([
      { containerPort: 80, name: 'a' },
      { containerPort: 81, name: 'a' },
    ]),
    'Duplicate',
  ],
  ...[
    ['networking.k8s.io/v1beta1', 'NetworkPolicy'],
    ['networking.k8s.io/v7beta9', 'NetworkPolicy'],
    ['policy.networking.k8s.io/v1alpha2', 'AdminNetworkPolicy'],
    ['policy.networking.k8s.io/v1', 'BaselineAdminNetworkPolicy'],
    ['policy.networking.k8s.io/v1alpha1', 'ClusterNetworkPolicy'],
    ['cilium.io/v3', 'CiliumNetworkPolicy'],
  ].map(([version = '', kind = '']): [string, Manifest, string] => [
    `${kind} of a version that no server has`,
    named(kind, 'a', version),
    `apiVersion: Invalid value: "${version}": no server that is known here has ${kind} in this version`,
  ]),
  ['Ingress port', ingress({ number: 70_000 }), 'spec.rules[0].http.paths[0].backend.service.port.number'],
  ['Ingress port name', ingress({ name: 'a_b' }), 'service.port.name'],
])('%s is refused', (_, bad, text) => {
  expect(refused(bad)).toEqual([expect.stringContaining(text)]);
});

test.each<[string, Manifest]>([
  ['a NetworkPolicy', named('NetworkPolicy', 'a', 'networking.k8s.io/v1')],
  ['a policy of Antrea', named('NetworkPolicy', 'a', 'crd.antrea.io/v1alpha1')],
  ['an AdminNetworkPolicy', named('AdminNetworkPolicy', 'a', 'policy.networking.k8s.io/v1alpha1')],
  ['a ClusterNetworkPolicy', named('ClusterNetworkPolicy', 'a', 'policy.networking.k8s.io/v1alpha2')],
  ['a pod with dots in its name', named('Pod', 'a.b-c.0')],
  ['a role with colons', named('ClusterRole', 'system:node', 'rbac.authorization.k8s.io/v1')],
  ['an APIService', named('APIService', 'v1.apps', 'apiregistration.k8s.io/v1')],
  ['a user of OpenShift', named('User', 'system:Admin', 'user.openshift.io/v1')],
  ['labels of the largest kind', labels({ [`${'a.'.repeat(100)}io/${'B'.repeat(63)}`]: 'c'.repeat(63) })],
  ['an empty label, and one that is null', labels({ a: '', b: null })],
  ['no labels', labels(null)],
  ['a headless Service without ports', service({})],
  ['a Service that newer servers take', { ...service({}), metadata: { name: '1-a' } }],
  [
    'one port for two protocols',
    service({
      ports: [
        { name: 'a', port: 53 },
        { name: 'b', port: 53, protocol: 'UDP' },
      ],
    }),
  ],
  ['several ports without names', service({ ports: [{ port: 80 }, { port: 81 }] })],
  ['a target port of 0, which is the port', port({ targetPort: 0 })],
  ['a target port by name', port({ targetPort: 'http' })],
  [
    'an external name with a dot at its end',
    service({ type: 'ExternalName', externalName: 'a.example.com.' }),
  ],
  ['ports of a container', container([{ containerPort: 80, hostPort: 0, protocol: 'SCTP', name: 'http' }])],
  ['no ports', container(null)],
  ['an Ingress', ingress({ number: 80 })],
])('%s is taken', (_, good) => {
  expect(refused(good)).toEqual([]);
});

test('nothing that stands in an object makes the check throw', () => {
  const junk: unknown[] = [undefined, null, 0, 'x', true, [], {}, [null], [{}], { a: null }, -1];
  for (const kind of ['Pod', 'Service', 'Deployment', 'Ingress', 'ReplicationController', 'CronJob'])
    for (const apiVersion of ['v1', 'apps/v1', 'batch/v1', 'networking.k8s.io/v1'])
      for (const field of ['ports', 'selector', 'template', 'containers', 'rules', 'defaultBackend', 'type'])
        for (const value of junk)
          expect(() =>
            refused(
              object(kind, { spec: { [field]: value } }, apiVersion, { labels: value as never }) as Manifest,
            ),
          ).not.toThrow();
});
