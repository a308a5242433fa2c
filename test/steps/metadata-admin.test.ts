import { loadTemplates } from '../../src/host/templates.js';
import type { Manifest } from '../../src/model/manifest.js';
import { completeAnswers } from '../../src/model/question.js';
import { metadataBlocking as step } from '../../steps/metadata-blocking.js';
import { daemonSet, node, pod } from '../support/objects.js';
import { namespace, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const AWS = node('worker', { providerID: 'aws:///eu-west-1a/i-0123456789abcdef0' });
const shop = (...more: Manifest[]) =>
  snapshotOf({
    objects: [
      AWS,
      namespace('kube-system'),
      daemonSet('kube-system', 'calico-node'),
      namespace('shop'),
      pod('shop', 'web', { app: 'web' }),
      ...more,
    ],
    sandbox: true,
  });
const planOf = (now: ReturnType<typeof shop>) =>
  step.plan(now, completeAnswers(step.questions(now), {}, true), templates);

test('what a policy of the Admin tier allows is named, and no policy of ours pretends to take it back', () => {
  const broad: Manifest = {
    apiVersion: 'policy.networking.k8s.io/v1alpha1',
    kind: 'AdminNetworkPolicy',
    metadata: { name: 'broad' },
    spec: {
      priority: 1,
      subject: { namespaces: {} },
      egress: [{ action: 'Allow', to: [{ networks: ['169.254.0.0/16'] }] }],
    },
  };
  expect(planOf(shop()).map(({ ref }) => ref.namespace)).toContain('shop');
  expect(planOf(shop(broad))).toEqual([]);
  const named = step.assess(shop(broad), {}).filter(({ id }) => id === 'metadata-allowed-by-policy');
  expect(named.map(({ object }) => object?.name)).toContain('broad');
});
