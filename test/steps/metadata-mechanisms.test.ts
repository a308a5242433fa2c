import { loadTemplates } from '../../src/host/templates.js';
import { at, listAt, type Manifest, refOf, refText } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import type { ApplyChange, Change } from '../../src/model/plan.js';
import { type Answers, completeAnswers } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { TemplateError } from '../../src/model/template.js';
import { reachHere } from '../../steps/metadata-blocking/blocks.js';
import { mechanismHere } from '../../steps/metadata-blocking/here.js';
import { metadataBlocking as step } from '../../steps/metadata-blocking.js';
import { undoStep } from '../../steps/undo.js';
import { faultsOf, hasSchema } from '../support/crds.js';
import { expectGolden, yamlText } from '../support/golden.js';
import { networkPolicy, node, pod } from '../support/objects.js';
import { namespace, object, type SnapshotOptions, snapshotOf } from '../support/snapshot.js';
import { calicoNode } from './guard-clusters.js';
import { METADATA_CLUSTERS, type MetadataCluster, NOT_CARRIED_OUT } from './metadata-clusters.js';

const templates = await loadTemplates();
const planOf = (now: Snapshot, given: Answers = {}) =>
  step.plan(now, completeAnswers(step.questions(now), given, true), templates);
const done = (now: Snapshot, given: Answers = {}) => overlay(now, planOf(now, given));
const ids = (now: Snapshot) => step.assess(now, {}).map(({ id }) => id);
const AWS = node('a1', { providerID: 'aws:///eu-central-1a/i-1' });
const ROLE = { metadata: { annotations: { 'iam.amazonaws.com/role': 'reports' } } };
const leaky = networkPolicy('leaking', 'internet', {
  podSelector: {},
  policyTypes: ['Egress'],
  egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }],
});
const clusterOf = (
  cluster: Pick<MetadataCluster, 'objects' | 'served'>,
  more: readonly Manifest[] = [],
  options: SnapshotOptions = {},
) =>
  snapshotOf({
    objects: [
      namespace('kube-system'),
      AWS,
      namespace('shop'),
      pod('shop', 'web', { app: 'web' }),
      object('v1', 'Pod', 'shop', 'report', {
        metadata: { labels: { app: 'report' }, ...ROLE.metadata },
        spec: { containers: [{ name: 'main', image: 'registry.example/report:1' }] },
        status: { phase: 'Running' },
      }),
      namespace('leaking'),
      pod('leaking', 'job', { app: 'job' }),
      leaky,
      ...cluster.objects,
      ...more,
    ],
    sandbox: true,
    served: cluster.served,
    ...options,
  });
const metadata = (now: Snapshot, workload: string, port = 80, protocol: 'TCP' | 'UDP' = 'TCP') =>
  reachHere(now).allows({ workload }, { address: '169.254.169.254' }, protocol, port);
const fresh = (now: Snapshot, name: string) =>
  reachHere(now).allows({ freshPod: name }, { address: 'fd00:ec2::254' }, 'TCP', 80);
const BOTH = { namespaces: ['shop', 'leaking'] };
const wide = METADATA_CLUSTERS.filter(({ mechanism }) => mechanism !== 'networkpolicy');
const withNamespace = (now: Snapshot, name: string): Snapshot => {
  const listing = now.listings.get('Namespace');
  if (listing?.state !== 'read') throw new Error('no namespaces');
  const items = [...listing.items, ...objects(snapshotOf({ objects: [namespace(name)] }), 'Namespace')];
  return { ...now, listings: new Map(now.listings).set('Namespace', { ...listing, items }) };
};
const kindOf = ({ apiVersion, kind }: Manifest) => `${apiVersion} ${kind}`;
const manifests = (changes: readonly Change[]) =>
  changes.flatMap((change) => (change.kind === 'apply' ? [change.manifest] : []));

describe.each(METADATA_CLUSTERS)('where pods are kept away by $mechanism', (cluster) => {
  const now = clusterOf(cluster);

  test('what is asked and written', () => {
    const here = mechanismHere(now);
    expect(here.by === 'clusterWide' ? here.mechanism.id : 'networkpolicy').toBe(cluster.mechanism);
    expectGolden(
      `metadata-blocking/mechanisms/${cluster.mechanism}.golden.yaml`,
      yamlText({
        questions: step.questions(now),
        all: planOf(now, { ...BOTH, keep: [] }),
        kept: manifests(planOf(now, BOTH)),
        later: manifests(planOf(now, { ...BOTH, keep: [], newNamespaces: true })),
      }),
    );
  });

  test('the metadata port is closed, everything else goes on, and a second run changes nothing', () => {
    const then = done(now, { ...BOTH, keep: [] });
    expect(['shop/web[Pod]', 'shop/report[Pod]'].map((name) => metadata(then, name))).toEqual([false, false]);
    expect(metadata(then, 'leaking/job[Pod]')).toBe(cluster.mechanism === 'networkpolicy');
    expect(['shop', 'kube-system'].map((name) => fresh(then, name))).toEqual([false, true]);
    expect(metadata(then, 'shop/web[Pod]', 53, 'UDP')).toBe(true);
    expect(planOf(then, { ...BOTH, keep: [] })).toEqual([]);
    expect(ids(then)).not.toContain('metadata-reachable');
  });

  test('who reaches it, by which rule, before and after', () => {
    const changes = planOf(now, BOTH);
    const [table] = step.tables?.(now, overlay(now, changes)) ?? [];
    const rows = table?.rows.map((cells) => cells.map(({ text }) => text).join(' | ')) ?? [];
    const leak = 'NetworkPolicy leaking/internet egress[0]';
    const left = cluster.mechanism === 'networkpolicy' ? '1 of 2' : 'closed';
    expect(rows.filter((row) => !row.startsWith('kube-system'))).toEqual([
      `leaking | job[Pod] | 1 of 2 | ${leak} | ${left}`,
      `leaking | pods to come | 1 of 2 | ${leak} | ${left}`,
      'shop | report[Pod] | all | no policy | all',
      'shop | web[Pod] | all | no policy | closed',
      'shop | pods to come | all | no policy | closed',
    ]);
  });

  test('who asks the address keeps it by default, with no other pod', () => {
    const then = done(now, BOTH);
    expect(['shop/web[Pod]', 'shop/report[Pod]'].map((name) => metadata(then, name))).toEqual([false, true]);
    expect(fresh(then, 'shop')).toBe(false);
    expect(planOf(then, BOTH)).toEqual([]);
    expect(ids(then)).toContain('metadata-kept');
    expect(ids(now)).toContain('metadata-needed');
  });
});

describe.each(wide)('a policy for the whole cluster: $mechanism', (cluster) => {
  const now = clusterOf(cluster);

  test('nothing is planned without an answer on a real cluster', () => {
    const real = { ...now, cluster: { ...now.cluster, sandbox: false } };
    expect(step.plan(real, completeAnswers(step.questions(real), {}, false), templates)).toEqual([]);
  });

  test('a namespace that is chosen later is added to those that are there', () => {
    const then = done(now, { namespaces: ['shop'], keep: [] });
    expect(metadata(then, 'leaking/job[Pod]')).toBe(true);
    const both = done(then, { namespaces: ['leaking'] });
    expect([metadata(both, 'shop/web[Pod]'), metadata(both, 'leaking/job[Pod]')]).toEqual([false, false]);
  });

  test('namespaces of later: covered, and what was not chosen is not', () => {
    const given = { namespaces: ['shop'], keep: [], newNamespaces: true };
    const changes = planOf(now, given);
    const guarded = changes.filter((change) => change.kind === 'apply' && change.namespaces !== undefined);
    expect(guarded).toHaveLength(1);
    const then = overlay(now, changes);
    const grown = withNamespace(then, 'born');
    expect(['shop', 'born', 'leaking', 'kube-system'].map((name) => fresh(grown, name))).toEqual([
      false,
      false,
      // The policies there let no IPv6 out.
      false,
      true,
    ]);
    expect(metadata(grown, 'leaking/job[Pod]')).toBe(true);
    expect(planOf(then, given)).toEqual([]);
    const more = done(then, { namespaces: ['leaking'] });
    expect(metadata(more, 'leaking/job[Pod]')).toBe(false);
  });

  test('undone, everything is as it was', () => {
    const changes = planOf(now, BOTH);
    const then = overlay(now, changes);
    const deeds = changes
      .map((change) => {
        const { manifest } = change as ApplyChange;
        const listing = [...then.listings.values()].flatMap((l) => (l.state === 'read' ? l.items : []));
        const live = listing.find((item) => refText(refOf(item)) === refText(refOf(manifest)));
        if (live === undefined) throw new Error('it is not there');
        return {
          step: step.id,
          change: change.id,
          kind: 'apply',
          ref: change.ref,
          created: true,
          after: live,
          unheard: false,
        };
      })
      .reverse();
    const undo = undoStep('r1', deeds);
    const back = undo.plan(then, completeAnswers(undo.questions(then), {}, true), templates);
    expect(back.map(({ ref }) => refText(ref))).toEqual(deeds.map(({ ref }) => refText(ref)));
    expect(back.every(({ kind, requires }) => kind === 'delete' && requires === undefined)).toBe(true);
    const undone = overlay(then, back);
    expect(metadata(undone, 'shop/web[Pod]')).toBe(true);
  });

  test('one of our name that is not ours is left as it is, and so is one that somebody changed', () => {
    const changes = planOf(now, { namespaces: ['shop'], keep: [] });
    const deny = (changes.at(-1) as ApplyChange).manifest;
    const foreign = { ...deny, metadata: { name: deny.metadata.name } };
    const beside = clusterOf(cluster, [foreign]);
    expect(planOf(beside, { namespaces: ['shop'] }).map(({ ref }) => ref.name)).not.toContain(
      deny.metadata.name,
    );
    const then = overlay(now, changes);
    const listings = new Map(then.listings);
    for (const [kind, listing] of listings)
      if (listing.state === 'read')
        listings.set(kind, {
          ...listing,
          items: listing.items.map((item) =>
            refText(refOf(item)) === refText(refOf(deny))
              ? { ...item, spec: { ...(item.spec as object), ingress: [{ action: 'Deny' }] } }
              : item,
          ),
        });
    const changed = { ...then, listings };
    expect(ids(changed)).toContain('metadata-block-changed');
    expect(planOf(changed, BOTH)).toEqual([]);
  });

  test.each(['egress', 'egressDeny', 'enableDefaultDeny', 'defaultAction', 'tier'])(
    'a template with another %s is refused where that would open or close more',
    (field) => {
      const broken = new Map(
        [...templates].map(([path, found]) => {
          const spec = { ...(found.spec as Record<string, unknown>), [field]: [] };
          return path.startsWith('metadata-blocking/') && !path.includes('networkpolicy.yaml')
            ? [path, { ...found, spec }]
            : [path, found];
        }),
      );
      expect(() => step.plan(now, { namespaces: ['shop'] }, broken)).toThrow(TemplateError);
    },
  );
});

test('a policy of ours that nothing carries out any more counts as none, and it is said', () => {
  const cluster = METADATA_CLUSTERS.find(({ mechanism }) => mechanism === 'antrea')!;
  const then = done(clusterOf(cluster), { namespaces: ['shop'], keep: [] });
  const agents = then.listings.get('DaemonSet');
  if (agents?.state !== 'read') throw new Error('no DaemonSets');
  const items = objects(clusterOf({ objects: [calicoNode('v3.28.0')], served: [] }), 'DaemonSet');
  const exchanged = { ...then, listings: new Map(then.listings).set('DaemonSet', { ...agents, items }) };
  expect(metadata(exchanged, 'shop/web[Pod]')).toBe(true);
  expect(ids(exchanged)).toContain('metadata-block-idle');
  expect(planOf(exchanged, { namespaces: ['shop'], keep: [] }).map(({ ref }) => ref.kind)).toEqual([
    'NetworkPolicy',
  ]);
});

test.each(NOT_CARRIED_OUT)('%s: served is not carried out', (_name, cluster) => {
  const here = mechanismHere(clusterOf(cluster));
  const by = { clusterWide: here.by === 'clusterWide' ? here.mechanism.id : '', namespaces: 'networkpolicy' };
  expect(here.by === 'nothing' ? 'nothing' : by[here.by]).toBe(cluster.mechanism);
});

test('a CRD that is not served, or cannot be read, gives way to the next mechanism', () => {
  const [first] = METADATA_CLUSTERS;
  const without = clusterOf({ ...first!, served: [] });
  expect(mechanismHere(without)).toMatchObject({
    by: 'namespaces',
    reason: expect.stringContaining('serve'),
  });
  const hidden = clusterOf({ ...first!, served: [] }, [], {
    notVisible: { ClusterNetworkPolicy: 'forbidden', CalicoGlobalNetworkPolicy: 'forbidden' },
  });
  expect(mechanismHere(hidden)).toMatchObject({ by: 'namespaces' });
});

test('a number that another policy has is not taken, and the rules of somebody else stay before ours', () => {
  const [cluster] = METADATA_CLUSTERS;
  const other = (name: string, priority: number) =>
    object('policy.networking.k8s.io/v1alpha2', 'ClusterNetworkPolicy', undefined, name, {
      spec: { tier: 'Admin', priority, subject: { namespaces: {} }, egress: [] },
    });
  const [change] = planOf(clusterOf(cluster!, [other('a', 10), other('b', 11)]), { namespaces: ['shop'] });
  expect(at((change as ApplyChange).manifest, 'spec', 'priority')).toBe(12);
});

test('more namespaces than fit into a selector of Calico are several policies, and later ones are not offered', () => {
  const cluster = METADATA_CLUSTERS.find(({ mechanism }) => mechanism === 'calico')!;
  const names = Array.from({ length: 60 }, (_, i) => `a-rather-long-name-of-a-namespace-${i}`);
  const now = clusterOf(
    cluster,
    names.map((name) => namespace(name)),
  );
  expect(step.questions(now).map(({ id }) => id)).not.toContain('newNamespaces');
  const changes = planOf(now, { namespaces: names });
  const denies = manifests(changes).filter(({ kind }) => kind === 'GlobalNetworkPolicy');
  expect(denies.length).toBeGreaterThan(1);
  for (const { spec } of denies)
    expect(String(at(spec, 'namespaceSelector')).length).toBeLessThanOrEqual(1024);
  const then = overlay(now, changes);
  expect(names.map((name) => fresh(then, name)).filter(Boolean)).toEqual([]);
  expect(planOf(then, { namespaces: names })).toEqual([]);
});

describe('as the published schemas want it', () => {
  const FILES: Readonly<Record<string, string>> = {
    'policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy':
      'network-policy-api-0.2/clusternetworkpolicies.yaml',
    'policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy':
      'network-policy-api-0.1/adminnetworkpolicies.yaml',
    'crd.antrea.io/v1beta1 ClusterNetworkPolicy': 'antrea/clusternetworkpolicies.yaml',
    'projectcalico.org/v3 Tier': 'calico/tiers.yaml',
    'projectcalico.org/v3 GlobalNetworkPolicy': 'calico/globalnetworkpolicies.yaml',
  };
  /** Written from its project's documentation: no schema of it lies in shared/crds. */
  const WITHOUT_SCHEMA = ['cilium.io/v2 CiliumClusterwideNetworkPolicy'];
  const GCP = node('g1', { providerID: 'gce://p/z/g1' });
  const AZURE = node('z1', { providerID: 'azure:///z1' });
  const instances = wide.flatMap((cluster) =>
    [clusterOf(cluster), clusterOf(cluster, [GCP, AZURE])].flatMap((now) =>
      [{ ...BOTH, keep: [] }, BOTH, { ...BOTH, newNamespaces: true }].flatMap((given) =>
        manifests(planOf(now, given)),
      ),
    ),
  );

  test('every kind has a schema or is known to have none', () => {
    expect(new Set(instances.map(kindOf))).toEqual(new Set([...Object.keys(FILES), ...WITHOUT_SCHEMA]));
  });

  for (const [kind, file] of Object.entries(FILES))
    (hasSchema(file) ? test : test.skip)(`${kind} (shared/crds/${file})`, () => {
      const mine = instances.filter((manifest) => kindOf(manifest) === kind);
      expect(mine.length).toBeGreaterThan(1);
      for (const manifest of mine) expect(faultsOf(manifest, file)).toEqual([]);
      const [one] = mine as [Manifest];
      expect(faultsOf({ ...one, spec: { ...(one.spec as object), nothing: 1 } }, file)).not.toEqual([]);
    });

  test('a rule of Calico holds addresses of one family', () => {
    const rules = instances
      .filter(({ kind }) => kind === 'GlobalNetworkPolicy')
      .flatMap(({ spec }) => listAt(spec, 'egress'));
    for (const rule of rules)
      expect(new Set(listAt(rule, 'destination', 'nets').map((net) => `${net}`.includes(':'))).size).toBe(1);
  });
});
