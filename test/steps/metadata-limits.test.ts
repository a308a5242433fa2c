import { loadTemplates } from '../../src/host/templates.js';
import { at, listAt, type Manifest } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import type { ApplyChange } from '../../src/model/plan.js';
import { completeAnswers } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { mechanismHere } from '../../steps/metadata-blocking/here.js';
import { metadataBlocking as step } from '../../steps/metadata-blocking.js';
import { daemonSet, networkPolicy, node, pod } from '../support/objects.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';
import { METADATA_CLUSTERS } from './metadata-clusters.js';

const templates = await loadTemplates();
const planOf = (now: Snapshot, namespaces: readonly string[] = ['open']) =>
  step.plan(now, completeAnswers(step.questions(now), { namespaces: [...namespaces] }, true), templates);
const ids = (now: Snapshot) => step.assess(now, {}).map(({ id }) => id);
const on = (more: readonly Manifest[], served: (typeof METADATA_CLUSTERS)[number]['served'] = []) =>
  snapshotOf({
    objects: [
      namespace('kube-system'),
      node('n', { providerID: 'azure:///subscriptions/s' }),
      namespace('open'),
      pod('open', 'web', { app: 'web' }),
      namespace('shut'),
      pod('shut', 'web', { app: 'web' }),
      networkPolicy('shut', 'deny', { podSelector: {}, policyTypes: ['Egress'] }),
      ...more,
    ],
    sandbox: true,
    served,
  });
const exposure = (now: Snapshot, then: Snapshot) =>
  (step.tables?.(now, then)[0]?.rows ?? [])
    .map((cells) => cells.map(({ text }) => text).join(' | '))
    .filter((row) => !row.startsWith('kube-system') && row.includes('web'));

describe.each([
  ['Flannel', [daemonSet('kube-system', 'kube-flannel-ds')]],
  [
    'Weave Net',
    [daemonSet('kube-system', 'weave-net', [{ name: 'weave', image: 'registry.example/weave:1' }])],
  ],
])('%s alone enforces no policy', (title, plugin) => {
  const now = on(plugin);

  test('none is proposed, and the reason is told', () => {
    expect(mechanismHere(now)).toEqual({
      by: 'nothing',
      reason: `${title} does not enforce NetworkPolicies`,
    });
    expect(planOf(now)).toEqual([]);
    expect(ids(now)).toContain('policies-not-enforced');
    expect(ids(now)).not.toContain('plugin-needs-own-policy');
  });

  test('exposure is that of a cluster without policies, before and after', () => {
    const more = networkPolicy('open', 'deny', { podSelector: {}, policyTypes: ['Egress'] });
    expect(exposure(now, on([...plugin, more]))).toEqual([
      'open | web[Pod] | all | no policy | all',
      'shut | web[Pod] | all | no policy | all',
    ]);
  });
});

describe('Azure Network Policy Manager', () => {
  const NPM = daemonSet('kube-system', 'azure-npm');
  const dual = object('v1', 'Pod', 'open', 'dual', {
    metadata: { labels: { app: 'dual' } },
    spec: { containers: [{ name: 'main', image: 'registry.example/app:1' }] },
    status: { phase: 'Running', podIPs: [{ ip: '10.0.0.7' }, { ip: 'fd00::7' }] },
  });
  const cidrs = (manifest: Manifest) =>
    listAt(manifest, 'spec', 'egress').flatMap((rule) =>
      listAt(rule, 'to').flatMap((peer) => at(peer, 'ipBlock', 'cidr') ?? []),
    );

  test('only IPv4 ranges, four or fewer, are written; that IPv6 stays open is said', () => {
    const now = on([NPM, dual]);
    const [change] = planOf(now) as ApplyChange[];
    expect(cidrs(change!.manifest)).toEqual(['0.0.0.0/0', '169.254.169.254/32', '168.63.129.16/32']);
    expect(change!.breaks.join(' ')).toContain('IPv6 stays open');
    expect(ids(now)).toContain('ipv6-not-covered');
    expect(ids(on([NPM]))).not.toContain('ipv6-not-covered');
    expect(planOf(overlay(now, [change!]))).toEqual([]);
  });

  test('a rule that leaks gets no range of IPv6', () => {
    const leak = networkPolicy('shut', 'leak', { podSelector: {}, policyTypes: ['Egress'], egress: [{}] });
    const now = on([NPM, leak]);
    const answers = completeAnswers(step.questions(now), { except: ['shut/leak'] }, false);
    const [change] = step.plan(now, answers, templates) as ApplyChange[];
    expect(cidrs(change!.manifest)).toEqual(['0.0.0.0/0', '169.254.169.254/32', '168.63.129.16/32']);
  });

  test('an IPv6 endpoint of another cloud stays open, and more than four ranges are told', () => {
    const clouds = ['aws:///a/i', 'scaleway://i', 'qcloud:///1/i', 'alicloud://i'].map((providerID, i) =>
      node(`m${i}`, { providerID }),
    );
    const now = on([NPM, ...clouds]);
    const changes = planOf(now) as ApplyChange[];
    expect(changes[0]?.breaks.join(' ')).toMatch(/It has 6 address ranges; .* 4 or fewer/);
    expect(cidrs(changes[0]!.manifest).filter((cidr) => String(cidr).includes(':'))).toEqual([]);
    expect(exposure(now, overlay(now, changes))).toEqual([
      'open | web[Pod] | all | no policy | 2 of 8',
      'shut | web[Pod] | 2 of 8 | no policy | 2 of 8',
    ]);
  });
});

describe.each(METADATA_CLUSTERS.slice(0, 2))(
  'the priorities of $mechanism end at 1000',
  ({ mechanism, objects, served }) => {
    const [kind, version, tier] =
      mechanism === 'cluster-network-policy'
        ? (['ClusterNetworkPolicy', 'v1alpha2', { tier: 'Admin' }] as const)
        : (['AdminNetworkPolicy', 'v1alpha1', {}] as const);
    const taken = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) =>
        object(`policy.networking.k8s.io/${version}`, kind, undefined, `p-${from + i}`, {
          spec: { ...tier, priority: from + i, subject: { namespaces: {} }, egress: [] },
        }),
      );

    test('the last one is taken', () => {
      const [change] = planOf(on([...objects, ...taken(10, 999)], served)) as ApplyChange[];
      expect(at(change!.manifest, 'spec', 'priority')).toBe(1000);
    });

    test('where all are taken the next mechanism goes, and it is told why', () => {
      const now = on([...objects, ...taken(10, 1000)], served);
      const here = mechanismHere(now);
      expect(here.by === 'clusterWide' ? here.mechanism.id : here.reason).not.toBe(mechanism);
      for (const change of planOf(now) as ApplyChange[]) expect(change.manifest.kind).not.toBe(kind);
      if (here.by !== 'clusterWide') expect(here.reason).toContain('every priority from 10 to 1000');
    });
  },
);
