import { loadTemplates } from '../../src/host/templates.js';
import { at, listAt, type Manifest } from '../../src/model/manifest.js';
import { completeAnswers } from '../../src/model/question.js';
import { defaultDeny as step } from '../../steps/default-deny.js';
import { faultsOf, hasSchema } from '../support/crds.js';
import { pod } from '../support/objects.js';
import { namespace, snapshotOf } from '../support/snapshot.js';
import { GUARD_CLUSTERS, NAMES } from './guard-clusters.js';

const FILES: Readonly<Record<string, string>> = {
  'policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy':
    'network-policy-api-0.2/clusternetworkpolicies.yaml',
  'policy.networking.k8s.io/v1alpha1 BaselineAdminNetworkPolicy':
    'network-policy-api-0.1/baselineadminnetworkpolicies.yaml',
  'crd.antrea.io/v1beta1 ClusterNetworkPolicy': 'antrea/clusternetworkpolicies.yaml',
  'projectcalico.org/v3 Tier': 'calico/tiers.yaml',
  'projectcalico.org/v3 GlobalNetworkPolicy': 'calico/globalnetworkpolicies.yaml',
};
/** Written from the projects' documentation: no schema of them lies here. */
const WITHOUT_SCHEMA = ['cilium.io/v2 CiliumClusterwideNetworkPolicy', 'kyverno.io/v1 ClusterPolicy'];

const templates = await loadTemplates();
const kindOf = ({ apiVersion, kind }: Manifest) => `${apiVersion} ${kind}`;

/** Every object without a namespace that the step writes: each flavour, outside open and closed, DNS known or not. */
const instances = GUARD_CLUSTERS.flatMap(({ objects, served }) =>
  [true, false].flatMap((names) =>
    ['open', 'closed'].flatMap((egressOutside) => {
      const more = names ? NAMES : [];
      const spaces = ['kube-system', 'shop', 'legacy'].map((name) => namespace(name));
      const now = snapshotOf({
        objects: [...spaces, ...objects, ...more, pod('shop', 'web')],
        sandbox: true,
        served,
      });
      const given = { newNamespaces: true, namespaces: ['shop'], egressOutside };
      return step
        .plan(now, completeAnswers(step.questions(now), given, true), templates)
        .flatMap((change) =>
          change.kind === 'apply' && change.ref.namespace === undefined ? [change.manifest] : [],
        );
    }),
  ),
);

test('every flavour is among the instances, and each has a schema or is known to have none', () => {
  expect(new Set(instances.map(kindOf))).toEqual(new Set([...Object.keys(FILES), ...WITHOUT_SCHEMA]));
});

for (const [kind, file] of Object.entries(FILES)) {
  const check = hasSchema(file) ? test : test.skip;
  check(`${kind} is as its published schema wants it (shared/crds/${file})`, () => {
    const mine = instances.filter((manifest) => kindOf(manifest) === kind);
    expect(mine.length).toBeGreaterThan(1);
    for (const manifest of mine) expect(faultsOf(manifest, file)).toEqual([]);
    // The check can fail: a field that nobody knows, and a value of another type.
    const [one] = mine as [Manifest];
    expect(faultsOf({ ...one, spec: { ...(one.spec as object), nothing: 1 } }, file)).not.toEqual([]);
    const key = Object.keys(one.spec as object)[0] ?? '';
    expect(faultsOf({ ...one, spec: { ...(one.spec as object), [key]: true } }, file)).not.toEqual([]);
  });
}

test('rules of Calico hold addresses of one family, which its server demands and its schema does not say', () => {
  const rules = instances
    .filter(({ kind }) => kind === 'GlobalNetworkPolicy')
    .flatMap(({ spec }) => listAt(spec, 'egress'));
  const families = rules.map(
    (rule) => new Set(listAt(rule, 'destination', 'nets').map((net) => String(net).includes(':'))).size,
  );
  expect(Math.max(...families)).toBe(1);
  for (const rule of rules)
    if (at(rule, 'destination', 'ports') !== undefined)
      expect(['TCP', 'UDP']).toContain(at(rule, 'protocol'));
});
