import { KEEP, pruned } from '../../src/cluster/prune.js';
import { KINDS, type KindName } from '../../src/model/kinds.js';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const metadata = {
  name: 'it',
  namespace: 'shop',
  uid: 'u',
  resourceVersion: '7',
  labels: { app: 'web' },
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'r' }],
  managedFields: [{ manager: 'kubectl' }],
  annotations: { [LAST_APPLIED]: '{}', 'prometheus.io/port': '9090', 'example.com/noise': 'x' },
};
const container = {
  name: 'web',
  image: 'web:1',
  ports: [{ containerPort: 80 }],
  resources: { requests: { cpu: '1' } },
  env: [{ name: 'URL', value: 'http://api' }],
  args: ['--x'],
  livenessProbe: { httpGet: { port: 80 } },
  volumeMounts: [{ name: 'v', mountPath: '/v' }],
};
const podSpec = {
  nodeName: 'n1',
  hostNetwork: true,
  serviceAccountName: 'sa',
  tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }],
  affinity: {
    nodeAffinity: {},
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', namespaces: ['b'] }],
    },
  },
  containers: [container],
  initContainers: [container],
  volumes: [
    { name: 'data', persistentVolumeClaim: { claimName: 'c' } },
    { name: 'cert', secret: { secretName: 's', items: [{ key: 'a', path: 'b' }] } },
  ],
};
const keptContainer = { ...container, livenessProbe: undefined, volumeMounts: undefined };
const keptSpec = {
  ...podSpec,
  tolerations: [{ key: 'node-role.kubernetes.io/control-plane' }],
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ namespaces: ['b'] }] } },
  containers: [keptContainer],
  initContainers: [keptContainer],
  volumes: [podSpec.volumes[0], { name: 'cert', secret: { secretName: 's' } }],
};
const keep = (kind: KindName, item: unknown) => pruned(item, KEEP[kind], 'v1', KINDS[kind].kind);

test('pods keep what decides about traffic and quotas', () => {
  const status = { phase: 'Running', podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }], qosClass: 'Burstable' };
  const pod = keep('Pod', {
    metadata,
    spec: podSpec,
    status: { ...status, conditions: [{}], containerStatuses: [{}] },
  });
  expect(pod).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, managedFields: undefined, annotations: { 'prometheus.io/port': '9090' } },
    spec: keptSpec,
    status,
  });
});

test('workloads keep the same of their template', () => {
  const template = { metadata: { labels: { app: 'web' } }, spec: podSpec };
  const deployment = keep('Deployment', {
    metadata,
    spec: { replicas: 3, template, progressDeadlineSeconds: 600 },
  });
  expect(deployment?.spec).toEqual({ replicas: 3, template: { ...template, spec: keptSpec } });
  const cron = keep('CronJob', {
    metadata,
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template } } },
  });
  expect(cron?.spec).toMatchObject({ jobTemplate: { spec: { template: { spec: { nodeName: 'n1' } } } } });
});

test.each([
  'Namespace',
  'LimitRange',
  'ResourceQuota',
  'NetworkPolicy',
  'ClusterNetworkPolicy',
  'CiliumClusterwideNetworkPolicy',
] as const)('%s is kept whole, as before-images need it', (kind) => {
  const spec = { anything: { at: ['all'] }, unknown: 1 };
  const kept = keep(kind, { metadata, spec, data: 1, status: { x: 1 } });
  expect(kept).toMatchObject({ spec, data: 1, status: { x: 1 } });
  expect(kept?.metadata).toMatchObject({
    uid: 'u',
    resourceVersion: '7',
    annotations: { 'example.com/noise': 'x' },
  });
  // By name only: who else writes it is told by that.
  expect(kept?.metadata.managedFields).toEqual([{ manager: 'kubectl' }]);
});

test('of who manages a NetworkPolicy only the names are kept', () => {
  const managedFields = [{ manager: 'a', fieldsV1: { 'f:spec': {} } }, { manager: 'a' }, { manager: 'b' }];
  expect(keep('NetworkPolicy', { metadata: { ...metadata, managedFields } })?.metadata.managedFields).toEqual(
    [{ manager: 'a' }, { manager: 'b' }],
  );
});

test('of a CustomResourceDefinition the conversion is kept, neither schemas nor certificates', () => {
  const service = { namespace: 'shop', name: 'convert' };
  const clientConfig = { service, caBundle: 'Q0E=' };
  const spec = {
    group: 'x',
    versions: [{ schema: {} }],
    conversion: { strategy: 'Webhook', webhook: { clientConfig } },
  };
  expect(keep('CustomResourceDefinition', { metadata, spec })?.spec).toEqual({
    group: 'x',
    conversion: { strategy: 'Webhook', webhook: { clientConfig: { service } } },
  });
});

test('only NetworkPolicies keep what kubectl noted as last applied', () => {
  const with_ = (Object.keys(KINDS) as KindName[]).filter(
    (kind) => keep(kind, { metadata })?.metadata.annotations?.[LAST_APPLIED] !== undefined,
  );
  expect(with_).toEqual(['NetworkPolicy']);
});

test('no content of a Secret survives, whatever a server sends', () => {
  expect(
    keep('Secret', { metadata, data: { a: 'planted' }, stringData: { a: 'planted' } }),
  ).not.toHaveProperty('data');
});

test.each([undefined, null, 'text', [], {}, { metadata: {} }, { metadata: { name: 1 } }])(
  '%j is no object',
  (item) => {
    expect(keep('Pod', item)).toBeUndefined();
  },
);

test('odd shapes are dropped, not trusted', () => {
  expect(keep('Pod', { metadata, spec: { containers: 'many', volumes: [null, 'x'] } })?.spec).toEqual({
    volumes: [undefined, undefined],
  });
});

test('what people put into default is kept whole, since it may be moved; what a controller made is not', () => {
  const spec = {
    replicas: 1,
    progressDeadlineSeconds: 600,
    template: { spec: { ...podSpec, securityContext: {} } },
  };
  const own = { name: 'a', namespace: 'default', managedFields: [{}] };
  expect(keep('Deployment', { metadata: own, spec })?.spec).toEqual(spec);
  expect(keep('Deployment', { metadata: own, spec })?.metadata).toEqual({ name: 'a', namespace: 'default' });
  const made = {
    ...own,
    ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'x', controller: true }],
  };
  expect(keep('Deployment', { metadata: made, spec })?.spec).not.toHaveProperty('progressDeadlineSeconds');
  expect(keep('Deployment', { metadata: { ...own, namespace: 'shop' }, spec })?.spec).not.toHaveProperty(
    'progressDeadlineSeconds',
  );
});
