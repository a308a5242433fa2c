import fc from 'fast-check';
import type { Manifest } from '../../src/model/manifest.js';
import { coreDns, daemonSet, networkPolicy, node, pod } from './objects.js';
import { namespace } from './snapshot.js';

const NAMESPACES = ['alpha', 'beta', 'default'] as const;
const APPS = ['web', 'db', 'job'] as const;

const selector = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  { weight: 3, arbitrary: fc.constantFrom(...APPS).map((app) => ({ matchLabels: { app } })) },
  fc.constantFrom(...APPS).map((app) => ({
    matchExpressions: [{ key: 'app', operator: 'NotIn', values: [app] }],
  })),
);

const peer = fc.oneof(
  selector.map((podSelector) => ({ podSelector })),
  fc.constant({ namespaceSelector: {} }),
  fc
    .constantFrom(...NAMESPACES)
    .map((name) => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } })),
  fc
    .constantFrom(
      '0.0.0.0/0',
      '::/0',
      '169.254.0.0/16',
      '169.254.169.254/32',
      '192.0.2.0/24',
      'fd00:ec2::254/128',
    )
    .map((cidr) => ({ ipBlock: { cidr } })),
  fc.constant({ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] } }),
);

const port = fc.constantFrom(
  { protocol: 'TCP', port: 80 },
  { protocol: 'TCP', port: 443 },
  { protocol: 'UDP', port: 53 },
  { protocol: 'TCP', port: 1, endPort: 100 },
);

const rule = (side: 'from' | 'to') =>
  fc
    .record({
      [side]: fc.option(fc.array(peer, { minLength: 1, maxLength: 2 }), { nil: undefined }),
      ports: fc.option(fc.array(port, { minLength: 1, maxLength: 2 }), { nil: undefined }),
    })
    .map((fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)));

const policy = fc
  .record({
    name: fc.constantFrom('default-deny', 'block-cloud-metadata', 'deny-all', 'allow-web', 'x'),
    namespace: fc.constantFrom(...NAMESPACES),
    podSelector: selector,
    policyTypes: fc.constantFrom(['Ingress'], ['Egress'], ['Ingress', 'Egress']),
    ingress: fc.array(rule('from'), { maxLength: 2 }),
    egress: fc.array(rule('to'), { maxLength: 2 }),
  })
  .map(({ name, namespace: ns, ...spec }) => networkPolicy(ns, name, spec));

/** What `randomCluster` always has, and what tests ask about. */
export const RANDOM = { namespaces: NAMESPACES, apps: APPS };

/**
 * Objects of a cluster on AWS with Calico: some namespaces, each with some pods, and up to six policies of other
 * people, those that open everything, cover one direction only or carry our own names among them.
 */
export const randomCluster: fc.Arbitrary<readonly Manifest[]> = fc
  .record({
    pods: fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMESPACES), fc.constantFrom(...APPS)), {
      maxLength: 7,
      selector: ([ns, app]) => `${ns}/${app}`,
    }),
    policies: fc.uniqueArray(policy, {
      maxLength: 6,
      selector: ({ metadata }) => `${metadata.namespace}/${metadata.name}`,
    }),
    dns: fc.boolean(),
  })
  .map(({ pods, policies, dns }) => [
    namespace('kube-system'),
    ...NAMESPACES.map((name) => namespace(name)),
    daemonSet('kube-system', 'calico-node'),
    node('n1', { providerID: 'aws:///eu-central-1a/i-1' }),
    ...(dns ? coreDns() : []),
    ...pods.map(([ns, app]) => pod(ns, app, { app })),
    ...policies,
  ]);
