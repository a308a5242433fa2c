import { at, isRecord, listAt, type Manifest, stringAt } from '../../src/model/manifest.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.js';
import { RESOURCES } from '../../src/sandbox/resources.js';
import { Client, field, SECRETS } from '../contract/tools.js';

let sandbox: Sandbox;
let cluster: Client;
beforeAll(async () => {
  sandbox = await startSandbox();
  cluster = new Client(sandbox);
});
afterAll(() => sandbox.close());

const list = async (path: string): Promise<Manifest[]> =>
  listAt((await cluster.get(path)).json, 'items') as Manifest[];
const named = (items: readonly Manifest[], name: string): Manifest => {
  const found = items.find((item) => item.metadata.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};

test('every seeded object is one that the server itself accepts', async () => {
  const refused: string[] = [];
  for (const { group, version, plural, namespaced, kind } of RESOURCES) {
    const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    for (const item of await list(`${base}/${plural}`)) {
      const { name, namespace } = item.metadata;
      if (kind === 'Endpoints' && name === 'kubernetes') continue; // loopback, which the server writes for itself
      const path = namespaced
        ? `${base}/namespaces/${namespace}/${plural}/${name}`
        : `${base}/${plural}/${name}`;
      const answer = await cluster.merge(`${path}?dryRun=All`, { metadata: { labels: { checked: 'yes' } } });
      if (answer.status !== 200)
        refused.push(`${kind} ${namespace ?? ''}/${name}: ${stringAt(answer.json, 'message')}`);
    }
  }
  expect(refused).toEqual([]);
});

test('a shop of several teams, badly hardened', async () => {
  const namespaces = await list('/api/v1/namespaces');
  const teams = new Set(namespaces.flatMap(({ metadata }) => metadata.labels?.team ?? []));
  expect([...teams].toSorted()).toEqual(['analytics', 'payments', 'platform', 'storefront']);
  const inDefault = await list('/apis/apps/v1/namespaces/default/deployments');
  expect(inDefault.map(({ metadata }) => metadata.name)).toEqual(['loyalty-api', 'loyalty-redis']);
  const secrets = await list('/api/v1/secrets');
  expect(secrets.length).toBeGreaterThanOrEqual(300);
});

test('a policy that isolates less than its name says', async () => {
  const policy = named(
    await list('/apis/networking.k8s.io/v1/namespaces/payments/networkpolicies'),
    'default-deny',
  );
  const written = JSON.parse(
    policy.metadata.annotations!['kubectl.kubernetes.io/last-applied-configuration']!,
  );
  expect(at(written, 'spec', 'policyType')).toEqual(['Ingress', 'Egress']);
  expect(at(policy, 'spec', 'policyTypes')).toEqual(['Ingress']);
});

test('workloads have the pods that controllers would have made, each on a node and with an address', async () => {
  const pods = await list('/api/v1/pods');
  const sets = await list('/apis/apps/v1/replicasets');
  const nodes = (await list('/api/v1/nodes')).map(({ metadata }) => metadata.name);
  for (const set of sets) {
    const owned = pods.filter((pod) =>
      pod.metadata.ownerReferences?.some(({ uid }) => uid === set.metadata.uid),
    );
    expect(owned).toHaveLength(Number(at(set, 'spec', 'replicas')));
  }
  for (const pod of pods) {
    expect(nodes).toContain(stringAt(pod, 'spec', 'nodeName'));
    expect(stringAt(pod, 'status', 'podIP')).toMatch(/^10\.(0|244)\./);
  }
  const addresses = pods
    .filter((pod) => at(pod, 'spec', 'hostNetwork') !== true)
    .map((pod) => stringAt(pod, 'status', 'podIP'));
  expect(new Set(addresses).size).toBe(addresses.length);
});

test('Services lead to ports that their pods have', async () => {
  const slices = await list('/apis/discovery.k8s.io/v1/endpointslices');
  for (const slice of slices) {
    expect(listAt(slice, 'endpoints').length).toBeGreaterThan(0);
    for (const port of listAt(slice, 'ports')) expect(at(port, 'port')).toBeGreaterThan(0);
  }
});

test('DNS, a webhook that fails shut, an aggregated API, a host-network workload, a plugin that enforces', async () => {
  const dns = (await cluster.get('/api/v1/namespaces/kube-system/services/kube-dns')).json;
  expect(at(dns, 'metadata', 'labels', 'k8s-app')).toBe('kube-dns');
  const webhooks = await list('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations');
  expect(at(named(webhooks, 'image-policy'), 'webhooks', 0, 'failurePolicy')).toBe('Fail');
  const apis = await list('/apis/apiregistration.k8s.io/v1/apiservices');
  expect(at(named(apis, 'v1beta1.metrics.k8s.io'), 'spec', 'service', 'name')).toBe('metrics-server');
  const daemons = await list('/apis/apps/v1/daemonsets');
  expect(named(daemons, 'calico-node').metadata.namespace).toBe('kube-system');
  expect(at(named(daemons, 'ftpd'), 'spec', 'template', 'spec', 'hostNetwork')).toBe(true);
  for (const node of await list('/api/v1/nodes'))
    expect(stringAt(node, 'spec', 'providerID')).toMatch(/^aws:\/\/\/eu-central-1[abc]\/i-/);
});

test('the quota of one team is nearly full, as its status says', async () => {
  const quota = await cluster.get('/api/v1/namespaces/reports/resourcequotas/team-quota');
  expect(field(quota, 'status')).toEqual({
    hard: {
      'requests.cpu': '1600m',
      'requests.memory': '6Gi',
      'limits.cpu': '4',
      'limits.memory': '10Gi',
      pods: '4',
    },
    used: {
      'requests.cpu': '1500m',
      'requests.memory': '5Gi',
      'limits.cpu': '3',
      'limits.memory': '8Gi',
      pods: '3',
    },
  });
});

test('the Service `kubernetes` leads to this server', async () => {
  const port = Number(new URL(sandbox.server).port);
  const endpoints = await cluster.get('/api/v1/namespaces/default/endpoints/kubernetes');
  expect(field(endpoints, 'subsets', 0)).toMatchObject({
    addresses: [{ ip: '127.0.0.1' }],
    ports: [{ port }],
  });
  const slice = await cluster.get('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes');
  expect(field(slice, 'ports', 0, 'port')).toBe(port);
});

test('every value of every Secret is planted, so that whoever fetches one is found out', async () => {
  for (const secret of await list('/api/v1/secrets')) {
    const data = secret.data;
    for (const value of isRecord(data) ? Object.values(data) : [])
      expect(Buffer.from(String(value), 'base64').toString()).toContain(sandbox.planted);
  }
  const applied = await cluster.get(
    `${SECRETS('shop')}/analytics-token`,
    'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  );
  const value = Buffer.from(`${sandbox.planted} token`).toString('base64');
  expect(applied.text).toContain(value); // metadata alone is not harmless: kubectl keeps a copy in an annotation
});
