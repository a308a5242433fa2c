import type { Manifest } from '../../src/model/manifest.js';
import { needs } from '../../steps/metadata-blocking/needs.js';
import { pod } from '../support/objects.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

const account = (name: string, annotation: string) =>
  object('v1', 'ServiceAccount', 'shop', name, { metadata: { annotations: { [annotation]: 'x' } } });
const env = (name: string, value: string) => ({
  containers: [{ name: 'main', image: 'registry.example/app:1', env: [{ name, value }] }],
});
const runs = (image: string, ...args: string[]) => ({ containers: [{ name: 'main', image, args }] });
const LBC = 'public.ecr.aws/eks/aws-load-balancer-controller:v2.8.1';
const irsa = account('web', 'eks.amazonaws.com/role-arn');
const by = { serviceAccountName: 'web' };

test.each<[string, readonly Manifest[], readonly string[]]>([
  ['nothing shows anything', [pod('shop', 'web', { app: 'web' })], []],
  [
    'EKS Pod Identity, whose agent has another address',
    [
      pod(
        'shop',
        'web',
        {},
        env('AWS_CONTAINER_CREDENTIALS_FULL_URI', 'http://169.254.170.23/v1/credentials'),
      ),
    ],
    ['own variable AWS_CONTAINER_CREDENTIALS_FULL_URI'],
  ],
  [
    'the same over IPv6',
    [
      pod(
        'shop',
        'web',
        {},
        env('AWS_CONTAINER_CREDENTIALS_FULL_URI', 'http://[fd00:ec2::23]/v1/credentials'),
      ),
    ],
    ['own variable AWS_CONTAINER_CREDENTIALS_FULL_URI'],
  ],
  [
    'IRSA',
    [pod('shop', 'web', {}, by), irsa],
    ['own ServiceAccount shop/web: annotation eks.amazonaws.com/role-arn'],
  ],
  [
    'a ReplicaSet of a controller that is not read, and its pod',
    [
      irsa,
      object('apps/v1', 'ReplicaSet', 'shop', 'web-1', {
        metadata: {
          ownerReferences: [
            { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'web', uid: 'r', controller: true },
          ],
        },
        spec: { template: { metadata: { labels: { app: 'web' } }, spec: by } },
      }),
    ],
    ['own ServiceAccount shop/web: annotation eks.amazonaws.com/role-arn'],
  ],
  [
    'an account of the same name elsewhere says nothing',
    [pod('shop', 'web', {}, by), { ...irsa, metadata: { ...irsa.metadata, namespace: 'other' } }],
    [],
  ],
  [
    'GKE Workload Identity',
    [pod('shop', 'web', {}, by), account('web', 'iam.gke.io/gcp-service-account')],
    ['address ServiceAccount shop/web: annotation iam.gke.io/gcp-service-account'],
  ],
  [
    'Entra Workload ID',
    [pod('shop', 'web', { 'azure.workload.identity/use': 'true' })],
    ['own label azure.workload.identity/use=true'],
  ],
  ['AAD Pod Identity', [pod('shop', 'web', { aadpodidbinding: 'w' })], ['address label aadpodidbinding=w']],
  [
    'an add-on of the table, by its image',
    [pod('shop', 'web', {}, runs('registry.k8s.io/external-dns/external-dns:v0.15.0'))],
    ['address image registry.k8s.io/external-dns/external-dns:v0.15.0'],
  ],
  [
    'the same with an identity of its own',
    [pod('shop', 'web', {}, { ...by, ...runs('registry.k8s.io/external-dns/external-dns:v0.15.0') }), irsa],
    ['own ServiceAccount shop/web: annotation eks.amazonaws.com/role-arn'],
  ],
  [
    'the load balancer controller asks for its VPC whatever its identity',
    [pod('shop', 'web', {}, { ...by, ...runs(LBC) }), irsa],
    [`address image ${LBC}`],
  ],
  [
    'unless it is told',
    [pod('shop', 'web', {}, { ...by, ...runs(LBC, '--aws-region=eu-west-1', '--aws-vpc-id=vpc-1') }), irsa],
    ['own ServiceAccount shop/web: annotation eks.amazonaws.com/role-arn'],
  ],
  [
    'on the network of its node no policy covers it',
    [pod('shop', 'web', { aadpodidbinding: 'w' }, { hostNetwork: true })],
    [],
  ],
])('%s', (_name, objects, expected) => {
  const now = snapshotOf({ objects: [namespace('shop'), ...objects] });
  expect(needs(now).map(({ use, evidence }) => `${use} ${evidence}`)).toEqual(expected);
});

test('of variables only names are told', () => {
  const secret = 'http://169.254.170.23/marker-of-a-value';
  const now = snapshotOf({
    objects: [namespace('shop'), pod('shop', 'web', {}, env('AWS_CONTAINER_CREDENTIALS_FULL_URI', secret))],
  });
  expect(JSON.stringify(needs(now))).not.toContain('marker-of-a-value');
});
