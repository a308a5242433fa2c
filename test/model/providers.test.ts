import { metadataEndpoints, PROVIDERS, providers } from '../../src/model/providers.js';
import { type NodeSigns, node } from '../support/objects.js';
import { snapshotOf } from '../support/snapshot.js';

const factsOf = (...nodes: NodeSigns[]) =>
  providers(snapshotOf({ objects: nodes.map((signs, index) => node(`n${index + 1}`, signs)) }));
const addresses = (...nodes: NodeSigns[]) =>
  metadataEndpoints(factsOf(...nodes)).map(({ address, ports }) => `${address} ${ports.join()}`);

describe('the provider is told by spec.providerID', () => {
  const table: readonly [string, string][] = [
    ['aws:///eu-central-1a/i-0123456789abcdef0', 'aws'],
    ['gce://project/europe-west1-b/node-1', 'gcp'],
    ['azure:///subscriptions/s/resourceGroups/g/providers/x/virtualMachines/1', 'azure'],
    ['digitalocean://123', 'digitalocean'],
    ['openstack:///0ef2', 'openstack'],
    ['vsphere://4213-0a', 'vsphere'],
    ['alicloud://eu-central-1.i-abc', 'alibaba'],
    ['eu-central-1.i-gw8abc123', 'alibaba'],
    ['ibm://acct///cluster/worker', 'ibm'],
    ['oci://ocid1.instance.oc1..x', 'oci'],
    ['ocid1.instance.oc1.eu-frankfurt-1.abc', 'oci'],
    ['linode://77', 'linode'],
    ['scaleway://instance/fr-par-1/x', 'scaleway'],
    ['vultr://x', 'vultr'],
    ['hcloud://42', 'hetzner'],
    ['qcloud:///100003/ins-x', 'tencent'],
    ['packet://old', 'equinix'],
    ['equinixmetal://new', 'equinix'],
    ['exoscale://x', 'exoscale'],
    ['k3s://node', 'k3s'],
    ['kind://docker/kind/kind-worker', 'kind'],
    ['metal3://ns/bmh/machine', 'metal3'],
  ];
  test.each(table)('%s is %s', (providerID, id) => {
    const facts = factsOf({ providerID });
    expect(facts.found.map(({ provider }) => provider.id)).toEqual([id]);
    expect(facts.found[0]?.evidence).toBe(`Node n1: spec.providerID ${providerID}`);
  });
});

test.each([
  [{ 'eks.amazonaws.com/nodegroup': 'a' }, 'aws'],
  [{ 'cloud.google.com/gke-nodepool': 'a' }, 'gcp'],
  [{ 'kubernetes.azure.com/cluster': 'a' }, 'azure'],
  [{ 'doks.digitalocean.com/node-pool': 'a' }, 'digitalocean'],
  [{ 'lke.linode.com/pool-id': '1' }, 'linode'],
])('without providerID the label %o tells %s', (labels, id) => {
  expect(factsOf({ labels }).found.map(({ provider }) => provider.id)).toEqual([id]);
});

test('without either the kubelet of a managed offer tells', () => {
  expect(factsOf({ kubeletVersion: 'v1.31.2-eks-94953ac' }).found[0]?.provider.id).toBe('aws');
});

test('a providerID that no row knows is unknown, whatever labels say; none at all is unmarked', () => {
  const facts = factsOf({ providerID: 'acme://1', labels: { 'eks.amazonaws.com/x': 'y' } }, {});
  expect(facts.found).toEqual([]);
  expect(facts.unknown).toEqual([{ node: 'n1', providerID: 'acme://1' }]);
  expect(facts.unmarked).toEqual(['n2']);
});

test('a cluster of several providers has the endpoints of all of them', () => {
  expect(
    addresses({ providerID: 'aws:///a/i-1' }, { providerID: 'azure:///x' }, { providerID: 'gce://p/z/n' }),
  ).toEqual([
    '169.254.169.254 80,987,988,8080',
    'fd00:ec2::254 80',
    'fd20:ce::254 80',
    '168.63.129.16 80,32526',
  ]);
  expect(addresses({ providerID: 'alicloud://r.i-1' }, { providerID: 'scaleway://x' })).toEqual([
    '100.100.100.200 80',
    '169.254.42.42 80',
    'fd00:42::42 80',
  ]);
});

test('where some nodes have a metadata server that hands pods their own identity, its address is never blocked', () => {
  const guarded = { providerID: 'gce://p/z/a', labels: { 'iam.gke.io/gke-metadata-server-enabled': 'true' } };
  expect(addresses(guarded)).toEqual([]);
  expect(addresses(guarded, { providerID: 'gce://p/z/b' })).toEqual([]);
  expect(addresses(guarded, { providerID: 'scaleway://x' })).toEqual(['169.254.42.42 80', 'fd00:42::42 80']);
});

test('every row has an endpoint or says why not, and never a whole link-local range', () => {
  for (const provider of PROVIDERS) {
    expect(provider.endpoints.length > 0 || provider.without !== undefined).toBe(true);
    for (const { address, ports } of provider.endpoints) {
      expect(address).not.toContain('/');
      expect(ports).not.toContain(53);
      expect(ports).not.toContain(123);
    }
  }
  const ids = PROVIDERS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('node-side commands name what the nodes tell', () => {
  const aws = factsOf({
    providerID: 'aws:///eu-central-1a/i-0abc',
    labels: { 'topology.kubernetes.io/region': 'eu-central-1' },
  }).found[0]!;
  expect(aws.provider.controls(aws.nodes).map(({ command }) => command.join(' '))).toEqual([
    'aws ec2 modify-instance-metadata-options --region eu-central-1 --instance-id i-0abc --http-endpoint enabled --http-tokens required --http-put-response-hop-limit 1',
    'aws ec2 create-launch-template-version --region eu-central-1 --launch-template-id TEMPLATE --source-version $Latest --launch-template-data {"MetadataOptions":{"HttpTokens":"required","HttpPutResponseHopLimit":1}}',
    'aws ec2 modify-instance-metadata-defaults --region eu-central-1 --http-tokens required --http-put-response-hop-limit 1',
  ]);
  const gke = factsOf(
    { providerID: 'gce://p/z/a', labels: { 'cloud.google.com/gke-nodepool': 'pool-1' } },
    { providerID: 'gce://p/z/b', labels: { 'cloud.google.com/gke-nodepool': 'pool-1' } },
  ).found[0]!;
  expect(gke.provider.controls(gke.nodes).map(({ command }) => command[4])).toEqual(['pool-1']);
});

test('nodes that could not be read say why', () => {
  expect(providers(snapshotOf({ notVisible: { Node: 'forbidden' } })).notVisible).toBe('forbidden');
});
