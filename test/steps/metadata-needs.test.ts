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

describe('what names the metadata address asks it', () => {
  const found = (...objects: Manifest[]) =>
    needs(snapshotOf({ objects: [namespace('shop'), ...objects] })).map(
      ({ use, evidence }) => `${use} ${evidence}`,
    );

  test.each([
    ['AWS_EC2_METADATA_SERVICE_ENDPOINT', 'http://169.254.169.254/', '169.254.169.254'],
    ['GCE_METADATA_HOST', '169.254.169.254', '169.254.169.254'],
    ['GCE_METADATA_HOST', 'metadata.google.internal:80', 'metadata.google.internal'],
    ['EP', 'http://169.254.169.254/latest', '169.254.169.254'],
    ['EP', 'http://[FD00:EC2:0::254]:80/latest', 'fd00:ec2::254'],
    ['EP', 'http://100.100.100.200/latest/meta-data', '100.100.100.200'],
    ['HOSTS', 'metadata:169.254.169.254', '169.254.169.254'],
    ['EP', 'a://no_proxy=x http://169.254.169.254/', '169.254.169.254'],
  ])('variable %s: %s', (name, value, host) => {
    expect(found(pod('shop', 'web', {}, env(name, value)))).toEqual([
      `address variable ${name} names ${host}`,
    ]);
  });

  test.each([
    ['NO_PROXY', 'localhost,169.254.169.254,.svc'],
    ['no_proxy', '169.254.169.254'],
    ['JAVA_OPTS', '-Dhttp.nonProxyHosts=localhost|169.254.169.254'],
    ['EXCLUDE', '169.254.169.254/32'],
    ['RESOLVER', '168.63.129.16:53'],
    ['EP', 'http://169.254.169.2541/'],
    ['EP', 'http://1.169.254.169.254/'],
    ['EP', 'http://metadata.google.internal.example.com/'],
    ['AGENT', 'http://169.254.170.23/v1'],
  ])('variable %s: %s is no evidence', (name, value) => {
    expect(found(pod('shop', 'web', {}, env(name, value)))).toEqual([]);
  });

  test.each([
    [['--endpoint=http://metadata.google.internal/computeMetadata/v1'], 'metadata.google.internal'],
    [['-c', 'curl -s http://[fd00:ec2::254]/latest/meta-data'], 'fd00:ec2::254'],
    [['--no-proxy', '169.254.169.254'], undefined],
    [['--no-proxy=10.0.0.0/8,169.254.169.254'], undefined],
  ])('arguments %j', (args, host) => {
    expect(found(pod('shop', 'web', {}, runs('registry.example/app:1', ...args)))).toEqual(
      host === undefined ? [] : [`address args of container main names ${host}`],
    );
  });

  test.each<[string, Record<string, unknown>, Record<string, string>, readonly string[]]>([
    [
      'a volume',
      { volumes: [{ name: 'v', configMap: { name: 'app' } }] },
      { 'app.yaml': 'a: 1\nimds: "http://169.254.169.254"\n' },
      ['app.yaml'],
    ],
    [
      'a projected volume',
      { volumes: [{ name: 'v', projected: { sources: [{ configMap: { name: 'app' } }] } }] },
      { c: '169.254.169.254' },
      ['c'],
    ],
    [
      'a file of name servers',
      { volumes: [{ name: 'v', configMap: { name: 'app' } }] },
      { Corefile: '.:53 {\n  forward . 169.254.169.254\n}' },
      [],
    ],
    [
      'a list of exceptions',
      { volumes: [{ name: 'v', configMap: { name: 'app' } }] },
      { c: 'no_proxy: "localhost, 169.254.169.254"' },
      [],
    ],
    [
      'another key',
      { volumes: [{ name: 'v', configMap: { name: 'app', items: [{ key: 'd', path: 'd' }] } }] },
      { c: '169.254.169.254' },
      [],
    ],
    [
      'variables',
      { containers: [{ name: 'm', image: 'i', envFrom: [{ configMapRef: { name: 'app' } }] }] },
      { NO_PROXY: '169.254.169.254', EP: '169.254.169.254' },
      ['EP'],
    ],
    [
      'one variable',
      {
        containers: [
          {
            name: 'm',
            image: 'i',
            env: [{ name: 'EP', valueFrom: { configMapKeyRef: { name: 'app', key: 'ep' } } }],
          },
        ],
      },
      { ep: '169.254.169.254' },
      ['ep'],
    ],
    ['nothing', {}, { ep: '169.254.169.254' }, []],
  ])('a ConfigMap through %s', (_way, spec, data, keys) => {
    expect(found(pod('shop', 'web', {}, spec), object('v1', 'ConfigMap', 'shop', 'app', { data }))).toEqual(
      keys.map((key) => `address ConfigMap shop/app: ${key} names 169.254.169.254`),
    );
  });

  test('a Secret is not looked at, an identity of its own does not take it back, and the setting that turns it off does', () => {
    const secret = { volumes: [{ name: 'v', secret: { secretName: 'app' } }] };
    expect(
      found(
        pod('shop', 'web', {}, secret),
        object('v1', 'Secret', 'shop', 'app', { stringData: { a: 'http://169.254.169.254/' } }),
      ),
    ).toEqual([]);
    const both = { ...by, ...env('EP', 'http://169.254.169.254/marker-of-a-value') };
    expect(found(pod('shop', 'web', {}, both), irsa)).toEqual(['address variable EP names 169.254.169.254']);
    const off = [
      { name: 'AWS_EC2_METADATA_SERVICE_ENDPOINT', value: 'http://169.254.169.254/' },
      { name: 'AWS_EC2_METADATA_DISABLED', value: 'true' },
    ];
    expect(found(pod('shop', 'web', {}, { containers: [{ name: 'm', image: 'i', env: off }] }))).toEqual([
      'own variable AWS_EC2_METADATA_DISABLED',
    ]);
  });
});

test('of variables only names are told', () => {
  const secret = 'http://169.254.170.23/marker-of-a-value';
  const now = snapshotOf({
    objects: [namespace('shop'), pod('shop', 'web', {}, env('AWS_CONTAINER_CREDENTIALS_FULL_URI', secret))],
  });
  expect(JSON.stringify(needs(now))).not.toContain('marker-of-a-value');
});
