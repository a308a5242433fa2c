import fc from 'fast-check';
import { loadTemplates } from '../../src/host/templates.js';
import type { Finding } from '../../src/model/finding.js';
import type { KindName } from '../../src/model/kinds.js';
import { type Manifest, refOf, refText, sameRef } from '../../src/model/manifest.js';
import { namespaceKind } from '../../src/model/namespaces.js';
import { overlay } from '../../src/model/overlay.js';
import { type ApplyChange, type Change, without } from '../../src/model/plan.js';
import { type Answers, completeAnswers, needsAnswer } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { diffReach, isolation } from '../../src/reach/index.js';
import { previewLines } from '../../src/report/preview.js';
import { PLAIN } from '../../src/report/style.js';
import { cutBy } from '../../steps/default-deny/flows.js';
import { guardHere } from '../../steps/default-deny/guard-here.js';
import { flavourOf, knownNamespaces } from '../../steps/default-deny/guard-live.js';
import { SHAPES } from '../../steps/default-deny/guard-shapes.js';
import { namespaceState, reachIn } from '../../steps/default-deny/state.js';
import { defaultDeny as step } from '../../steps/default-deny.js';
import { metadataBlocking } from '../../steps/metadata-blocking.js';
import { undoStep } from '../../steps/undo.js';
import { expectGolden, yamlText } from '../support/golden.js';
import { coreDns, networkPolicy, node, pod, service } from '../support/objects.js';
import { namespace, object, type SnapshotOptions, snapshotOf } from '../support/snapshot.js';
import {
  calicoNode,
  ciliumAgent,
  config,
  GUARD_CLUSTERS,
  type GuardCluster,
  kyverno,
  NAMES,
} from './guard-clusters.js';

const templates = await loadTemplates();
const YES: Answers = { newNamespaces: true };
const planOf = (now: Snapshot, given: Answers = YES) =>
  step.plan(now, completeAnswers(step.questions(now), given, true), templates);
const ids = (found: readonly Finding[]) => found.map(({ id }) => id);
const guardsIn = (changes: readonly Change[]) =>
  changes.filter(
    (change): change is ApplyChange => change.kind === 'apply' && change.namespaces !== undefined,
  );
const guardOf = (changes: readonly Change[]) => {
  const [guard] = guardsIn(changes);
  if (guard === undefined) throw new Error('no guard was planned');
  return guard;
};
/** The names that a guard covers: by the label selector itself where it has one, so that the reader is not trusted alone. */
const excludedBy = ({ manifest }: ApplyChange) => {
  const flavour = flavourOf(manifest);
  const names = flavour && SHAPES[flavour.id].excluded(manifest.spec);
  if (names === undefined) throw new Error('the names are not to be read');
  return names;
};
const asked = (now: Snapshot) => step.questions(now).find(({ id }) => id === 'newNamespaces');

const SHOP = [
  namespace('shop'),
  pod('shop', 'web', { app: 'web' }),
  namespace('legacy'),
  pod('legacy', 'ftp'),
];
const clusterOf = (
  { objects, served }: Omit<GuardCluster, 'flavour'>,
  more: readonly Manifest[] = SHOP,
  options: SnapshotOptions = {},
) =>
  snapshotOf({
    objects: [
      namespace('kube-system'),
      namespace('kyverno'),
      namespace('openshift-ovn-kubernetes'),
      ...coreDns(),
      ...objects,
      ...more,
    ],
    sandbox: true,
    served,
    ...options,
  });
const TO_SHOP = { name: 'SHOP_URL', value: 'http://web.shop:80' };
const upstream = GUARD_CLUSTERS[0]!;
const later = (now: Snapshot, ...names: string[]): Snapshot => {
  const listing = now.listings.get('Namespace');
  if (listing?.state !== 'read') throw new Error('no namespaces');
  const stored = names.flatMap((name) => objects(snapshotOf({ objects: [namespace(name)] }), 'Namespace'));
  const items = [...listing.items, ...stored];
  return { ...now, listings: new Map(now.listings).set('Namespace', { ...listing, items }) };
};

describe.each(GUARD_CLUSTERS)('where $flavour can be had', (cluster) => {
  const now = clusterOf({ ...cluster, objects: [...cluster.objects, ...NAMES.slice(3)] });
  const only: Answers = { ...YES, namespaces: ['shop'] };

  test('it is asked for apart, default no, and nobody has to answer', () => {
    expect(guardHere(now).flavour?.id).toBe(cluster.flavour);
    expect(asked(now)).toMatchObject({ type: 'confirm', recommended: false, cautious: false });
    expect(step.asks).toContain('newNamespaces');
    expect(
      step
        .questions(now)
        .filter(needsAnswer)
        .map(({ id }) => id),
    ).not.toContain('newNamespaces');
    expect(guardsIn(planOf(now, {}))).toEqual([]);
    expect(ids(step.assess(now, {}))).toContain('new-namespaces-open');
  });

  test('the object, with the outside open and closed', () => {
    const changes = (egressOutside: string) =>
      planOf(now, { ...only, egressOutside }).filter(({ ref }) => ref.namespace === undefined);
    expectGolden(
      `default-deny/guard/${cluster.flavour}.golden.yaml`,
      yamlText({
        open: changes('open'),
        closed: changes('closed').map((one) => (one as ApplyChange).manifest),
      }),
    );
  });

  test('it comes last, names what was not chosen, and a second run changes nothing', () => {
    const changes = planOf(now, only);
    expect(changes.at(-1)).toBe(guardOf(changes));
    expect(excludedBy(guardOf(changes))).toEqual(
      expect.arrayContaining(['kube-node-lease', 'kube-public', 'kube-system', 'kyverno', 'legacy']),
    );
    const then = overlay(now, changes);
    expect(asked(then)).toBeUndefined();
    expect(planOf(then, only)).toEqual([]);
    expect(step.plan(then, { ...only, egressOutside: 'open' }, templates)).toEqual([]);
    expect(ids(step.assess(then, {}))).not.toContain('new-namespaces-open');
  });

  test('what a server adds by default does not make it another one', () => {
    const then = overlay(now, planOf(now, only));
    const flavour = guardHere(then).flavour!;
    const listing = then.listings.get(flavour.kind);
    if (listing?.state !== 'read') throw new Error('not read');
    const items = listing.items.map((item) => ({ ...item, spec: { ...(item.spec as object), added: 1 } }));
    const defaulted = { ...then, listings: new Map(then.listings).set(flavour.kind, { ...listing, items }) };
    expect(planOf(defaulted, only)).toEqual([]);
  });

  test('a namespace that was created since stays covered, and is not excluded by a later run', () => {
    const then = later(overlay(now, planOf(now, only)), 'fresh');
    const again = step.plan(then, { ...YES, namespaces: [], egressOutside: 'open' }, templates);
    expect(again).toEqual([]);
  });

  test('without DNS only ingress is closed; what closes egress already is not loosened', () => {
    const blind = clusterOf(cluster, SHOP, { notVisible: { Service: 'forbidden' } });
    const text = JSON.stringify(guardOf(planOf(blind, only)).manifest.spec);
    expect(text).not.toMatch(/"egress"/);
    expect(text.toLowerCase()).toContain('ingress');
    const listings = overlay(now, planOf(now, only)).listings;
    const since = {
      ...now,
      listings: new Map(listings).set('Service', { state: 'notVisible', reason: 'forbidden' } as const),
    };
    expect(guardsIn(step.plan(since, { ...only, egressOutside: 'open' }, templates))).toEqual([]);
  });

  test('the preview says whom it covers', () => {
    const changes = planOf(now, only);
    const said = step.preview?.(now, changes).newNamespaces ?? [];
    expect(said[0]).toContain(
      guardHere(now).flavour?.additive ? 'No namespace that exists is covered' : 'covers shop;',
    );
    expect(step.preview?.(now, changes.slice(0, -1)).newNamespaces).toEqual([]);
  });
});

describe('whom a guard covers', () => {
  const name = fc.constantFrom(
    'a',
    'b',
    'team-1',
    'team-2',
    'monitoring',
    'kube-public',
    'cert-manager',
    'default',
  );
  const setting = fc.record({
    cluster: fc.constantFrom(...GUARD_CLUSTERS),
    names: fc.uniqueArray(name, { minLength: 1 }),
    chosen: fc.uniqueArray(name),
    isolated: fc.uniqueArray(name),
    open: fc.uniqueArray(name),
    deleting: fc.option(name),
    exclude: fc.constantFrom([], ['team-*']),
    outside: fc.constantFrom('open', 'closed'),
  });

  test('no namespace that is there and was not chosen, none of the system, none of infrastructure', () => {
    let covered = 0;
    fc.assert(
      fc.property(setting, ({ cluster, names, chosen, isolated, open, deleting, exclude, outside }) => {
        const everything = { podSelector: {}, policyTypes: ['Ingress', 'Egress'] };
        const now = clusterOf(
          cluster,
          names.flatMap((one) => [
            one === deleting
              ? object('v1', 'Namespace', undefined, one, {
                  metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
                })
              : namespace(one),
            pod(one, 'web'),
            ...(isolated.includes(one) ? [networkPolicy(one, 'own', everything)] : []),
            ...(open.includes(one)
              ? [networkPolicy(one, 'open', { ...everything, ingress: [{}], egress: [{}] })]
              : []),
          ]),
          { exclude },
        );
        const changes = step.plan(now, { ...YES, namespaces: chosen, egressOutside: outside }, templates);
        const guard = guardOf(changes);
        const excluded = excludedBy(guard);
        for (const one of objects(now, 'Namespace')) {
          const is = !excluded.includes(one.metadata.name);
          if (is) covered++;
          if (is) expect(chosen).toContain(one.metadata.name);
          if (is) expect(namespaceKind(now, one)).toBe('user');
        }
        // The order and the rest of the objects: nothing that exists sees any change by it.
        const bare = overlay(
          now,
          changes.filter((change) => change !== guard),
        );
        expect(diffReach(reachIn(bare), reachIn(overlay(now, changes)))).toMatchObject({
          opened: [],
          closed: [],
        });
      }),
      { numRuns: 150 },
    );
    expect(covered).toBeGreaterThan(20);
  });

  test('without the deny of a namespace that it covers it is not written', () => {
    const now = clusterOf(upstream);
    const changes = planOf(now, { ...YES, namespaces: ['shop'] });
    const left = without(changes, ['default-deny/shop/NetworkPolicy/default-deny']);
    expect(guardsIn(left)).toEqual([]);
    expect(left.length).toBeLessThan(changes.length - 1);
  });

  test('it can be left out alone, and had alone', () => {
    const now = clusterOf(upstream);
    const changes = planOf(now, { ...YES, namespaces: ['shop'] });
    expect(without(changes, [guardOf(changes).id])).toEqual(changes.slice(0, -1));
    expect(planOf(now, { ...YES, namespaces: [] }).map(({ ref }) => refText(ref))).toEqual([
      'ClusterNetworkPolicy default-deny-new-namespaces',
    ]);
  });

  test('what was chosen later is included from then on; platform parts that came later are named', () => {
    const now = clusterOf(upstream);
    const first = overlay(now, planOf(now, { ...YES, namespaces: [] }));
    const again = planOf(first, { ...YES, namespaces: ['shop'] });
    expect(guardsIn(again)).toEqual([]);
    const then = later(overlay(first, again), 'cert-manager');
    const amended = guardOf(planOf(then, YES));
    expect(amended.before).toBeDefined();
    expect(excludedBy(amended)).toContain('cert-manager');
    expect(excludedBy(amended)).not.toContain('shop');
  });

  test('where what it allows adds up, a covered namespace that is chosen later is named, after its deny', () => {
    const cilium = GUARD_CLUSTERS.find(({ flavour }) => flavour === 'cilium')!;
    const now = clusterOf(cilium);
    const then = later(overlay(now, planOf(now, { ...YES, namespaces: [] })), 'fresh');
    expect(asked(then)).toBeDefined();
    const changes = planOf(then, { ...YES, namespaces: ['fresh'] });
    expect(excludedBy(guardOf(changes))).toContain('fresh');
    expect(guardOf(changes).requires).toContain('default-deny/fresh/NetworkPolicy/default-deny');
  });
});

describe('what a guard of the Baseline tier does, by the engine', () => {
  const now = clusterOf(upstream);
  const then = overlay(now, planOf(now, { ...YES, namespaces: ['shop'] }));
  const fresh = later(then, 'fresh');
  const reach = reachIn(fresh);
  const pods = { freshPod: 'fresh' };

  test('a new namespace is closed but for names and, on the way out, addresses without metadata', () => {
    expect(reach.between({ workload: 'legacy/ftp[Pod]' }, pods)).toBe('No Connections');
    expect(reach.between(pods, { workload: 'legacy/ftp[Pod]' })).toBe('No Connections');
    expect(reach.between(pods, { workload: 'shop/web[Pod]' })).toBe('No Connections');
    expect(reach.allows(pods, { pod: 'kube-system/coredns-1' }, 'UDP', 53)).toBe(true);
    expect(reach.allows(pods, { pod: 'kube-system/coredns-1' }, 'TCP', 9153)).toBe(false);
    expect(reach.allows(pods, { address: '192.0.2.7' }, 'TCP', 443)).toBe(true);
    expect(reach.allows(pods, { address: '169.254.169.254' }, 'TCP', 80)).toBe(false);
    expect(reach.allows(pods, { address: '169.254.169.254' }, 'UDP', 53)).toBe(true);
  });

  test('it is judged isolated by effect, and can still get policies of its own', () => {
    expect(namespaceState(fresh, 'fresh')).toMatchObject({
      ingress: { closed: true },
      egress: { closed: true },
    });
    const about = (seen: Snapshot) => step.assess(seen, {}).filter(({ object }) => object?.name === 'fresh');
    expect(about(fresh)).toEqual([]);
    expect(ids(about(later(now, 'fresh')))).toEqual(['namespace-open-ingress', 'namespace-open-egress']);
    const own = planOf(fresh, { namespaces: ['fresh'] });
    expect(own.map(({ ref }) => refText(ref))).toContain('NetworkPolicy fresh/default-deny');
    const { ingress, egress } = isolation(reachIn(overlay(fresh, own)), 'fresh');
    expect([ingress.covered, egress.covered]).toEqual([true, true]);
  });

  test('NetworkPolicies go before it', () => {
    const allow = networkPolicy('fresh', 'allow', {
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [{}],
    });
    const listing = fresh.listings.get('NetworkPolicy');
    if (listing?.state !== 'read') throw new Error('not read');
    const items = [...listing.items, allow];
    const opened = {
      ...fresh,
      listings: new Map(fresh.listings).set('NetworkPolicy', { ...listing, items }),
    };
    expect(reachIn(opened).allows({ workload: 'legacy/ftp[Pod]' }, pods, 'TCP', 80)).toBe(true);
  });

  test('the older API does the same', () => {
    const older = clusterOf(GUARD_CLUSTERS[1]!);
    const reach = reachIn(later(overlay(older, planOf(older, { ...YES, namespaces: ['shop'] })), 'fresh'));
    expect(reach.between({ workload: 'legacy/ftp[Pod]' }, pods)).toBe('No Connections');
    expect(reach.allows(pods, { pod: 'kube-system/coredns-1' }, 'TCP', 53)).toBe(true);
    expect(reach.allows(pods, { address: '192.0.2.7' }, 'TCP', 443)).toBe(true);
    expect(reach.allows(pods, { address: '169.254.169.254' }, 'TCP', 80)).toBe(false);
  });

  test('the preview counts it, and tells that traffic from outside is not closed', () => {
    const changes = planOf(now, { ...YES, namespaces: ['shop'] });
    expect(step.preview?.(now, changes).newNamespaces).toEqual([
      'Of the namespaces that exist the guard of new ones covers shop; nothing is closed there that is not closed anyway.',
      'A namespace that is created later: reached by 0 of 5 workloads (now 5), reaches 2 of 5 workloads (now 4); to addresses outside open, from outside open.',
    ]);
    const preview = step.preview?.(now, changes);
    expect(preview && previewLines(preview, PLAIN).join('\n')).toContain('A namespace that is created later');
  });
});

describe('what Kyverno wrote into a namespace', () => {
  const cluster = GUARD_CLUSTERS.find(({ flavour }) => flavour === 'kyverno')!;
  const now = clusterOf(cluster);
  const changes = planOf(now, { ...YES, namespaces: [] });
  const rules = (guardOf(changes).manifest.spec as { rules: { generate: { data: { spec: object } } }[] })
    .rules;
  const withPolicy = (spec: object) => {
    const then = later(overlay(now, changes), 'fresh');
    const listing = then.listings.get('NetworkPolicy');
    if (listing?.state !== 'read') throw new Error('not read');
    const policy = networkPolicy('fresh', 'default-deny-new-namespace', spec as Record<string, unknown>);
    const items = [...listing.items, policy];
    return { ...then, listings: new Map(then.listings).set('NetworkPolicy', { ...listing, items }) };
  };

  test('isolates it although addresses outside stay open', () => {
    const found = step.assess(withPolicy(rules[0]!.generate.data.spec), {});
    expect(found.filter(({ object }) => object?.name === 'fresh')).toEqual([]);
    expect(ids(found)).not.toContain('policy-allows-everything');
  });

  test('is not believed where it is another', () => {
    const found = step.assess(withPolicy({ ...rules[0]!.generate.data.spec, egress: [{}] }), {});
    expect(ids(found)).toContain('policy-allows-everything');
  });
});

describe('which one is taken', () => {
  const flavour = (
    objects: readonly Manifest[],
    served: readonly KindName[],
    options: SnapshotOptions = {},
  ) => {
    const here = guardHere(clusterOf({ objects, served }, SHOP, options));
    return here.flavour === undefined ? here.reason : here.flavour.id;
  };
  const antrea = (conf: string) => [
    ...GUARD_CLUSTERS.find((c) => c.flavour === 'antrea')!.objects,
    config('antrea-config', { 'antrea-controller.conf': conf }),
  ];
  const all: KindName[] = [
    'ClusterNetworkPolicy',
    'BaselineAdminNetworkPolicy',
    'AntreaClusterNetworkPolicy',
    'CalicoTier',
    'CalicoGlobalNetworkPolicy',
    'CiliumClusterwideNetworkPolicy',
    'KyvernoClusterPolicy',
  ];
  const knp = (image: string) => [
    object('apps/v1', 'DaemonSet', 'kube-system', 'kube-network-policies', {
      spec: { template: { spec: { containers: [{ name: 'kube-network-policies', image }] } } },
    }),
  ];
  const foreign = object(
    'policy.networking.k8s.io/v1alpha1',
    'BaselineAdminNetworkPolicy',
    undefined,
    'default',
    {
      spec: { subject: { namespaces: {} } },
    },
  );

  test.each<[string, readonly Manifest[], readonly KindName[], string]>([
    ['Calico 3.32', [calicoNode('v3.32.1')], all, 'cluster-network-policy'],
    ['Calico 3.31', [calicoNode('v3.31.4')], all, 'baseline-admin'],
    ['Calico 3.31, taken', [calicoNode('v3.31.4'), foreign], all, 'calico'],
    ['Calico 3.29', [calicoNode('v3.29.0')], all, 'calico'],
    ['Calico 3.28', [calicoNode('v3.28.0')], all, 'no policies for the whole cluster were recognised'],
    ['Calico 3.28 with Kyverno', [calicoNode('v3.28.0'), kyverno], all, 'kyverno'],
    [
      'Calico without a tag',
      [calicoNode('latest')],
      all,
      'no policies for the whole cluster were recognised',
    ],
    ['Calico without its API', [calicoNode('v3.29.0')], [], 'the server does not serve'],
    ['Cilium', ciliumAgent, all, 'cilium'],
    [
      'Cilium with ClusterNetworkPolicy',
      [ciliumAgent[0]!, config('cilium-config', { 'enable-k8s-cluster-network-policy': 'true' })],
      all,
      'cluster-network-policy',
    ],
    ['Antrea', antrea('featureGates:\n#  AntreaPolicy: false\n'), all, 'antrea'],
    [
      'Antrea with the gate',
      antrea('featureGates:\n  ClusterNetworkPolicy: true\n'),
      all,
      'cluster-network-policy',
    ],
    ['Antrea without policies', antrea('featureGates:\n  AntreaPolicy: false\n'), all, 'no policies for'],
    [
      'kube-network-policies',
      knp('k/kube-network-policies:v1.1.1-npa-v1alpha2'),
      all,
      'cluster-network-policy',
    ],
    ['kube-network-policies, older', knp('k/kube-network-policies:v0.9-npa-v1alpha1'), all, 'baseline-admin'],
    ['kube-network-policies, plain', knp('k/kube-network-policies:v1.1.1'), all, 'no policies for'],
    ['no plugin', [], all, 'it is not known that policies are enforced'],
  ])('%s', (_title, objects, served, expected) => {
    expect(flavour(objects, served)).toContain(expected);
  });

  test('an old server has no label with the name of a namespace', () => {
    expect(flavour([calicoNode('v3.29.0')], all, { version: '1.20' })).toContain('before Kubernetes 1.21');
  });

  test('names that do not fit into a selector of Calico', () => {
    const many = Array.from({ length: 60 }, (_, i) => namespace(`a-long-name-of-a-namespace-${i}`));
    const now = clusterOf({ objects: [calicoNode('v3.29.0')], served: all }, many);
    expect(guardHere(now)).toMatchObject({ reason: expect.stringContaining('do not fit') });
    expect(asked(now)).toBeUndefined();
    expect(guardsIn(step.plan(now, { ...YES, namespaces: [] }, templates))).toEqual([]);
  });

  test('where there is none, it is said in one line and not asked', () => {
    const now = clusterOf({ objects: [calicoNode('v3.28.0')], served: [] });
    expect(asked(now)).toBeUndefined();
    expect(step.assess(now, {}).find(({ id }) => id === 'new-namespaces-open')).toMatchObject({
      severity: 'info',
      message:
        'Namespaces that are created later start open, and there is no way here to close them beforehand.',
    });
  });
});

describe('blocking metadata beside a guard', () => {
  const aws = node('n1', { providerID: 'aws:///eu-1a/i-1' });
  const offered = (now: Snapshot) => {
    const [question] = metadataBlocking.questions(now);
    return question?.type === 'choices' ? question.choices.map(({ value }) => value) : [];
  };
  const about = (now: Snapshot, name: string) =>
    metadataBlocking.assess(now, {}).filter(({ object }) => object?.name === name);

  test.each(GUARD_CLUSTERS.filter(({ flavour }) => flavour !== 'cilium' && flavour !== 'kyverno'))(
    'goes on where $flavour leaves a namespace alone, and undoes no guard',
    (cluster) => {
      const now = clusterOf({ ...cluster, objects: [...cluster.objects, aws] });
      expect(offered(now)).toEqual(expect.arrayContaining(['legacy', 'shop']));
      const then = later(overlay(now, planOf(now, { ...YES, namespaces: ['shop'] })), 'fresh');
      expect(offered(then)).toContain('legacy');
      expect(offered(then)).not.toContain('shop');
      expect(offered(then)).not.toContain('fresh');
      const computed = guardHere(then).flavour?.computed;
      expect(about(then, 'fresh').map(({ id }) => id)).toEqual(computed ? [] : ['guard-not-computed']);
    },
  );
});

test.each(GUARD_CLUSTERS)(
  'undoing a run takes the guard ($flavour) back before the policies below it',
  (cluster) => {
    const now = clusterOf(cluster, [
      ...SHOP,
      service('legacy', 'ftp', { selector: { app: 'ftp' }, ports: [{ port: 21 }] }),
      pod('legacy', 'ftp2', { app: 'ftp' }, { containers: [{ name: 'a', image: 'i', env: [TO_SHOP] }] }),
      service('shop', 'web', { selector: { app: 'web' }, ports: [{ port: 80 }] }),
    ]);
    const changes = planOf(now, { ...YES, namespaces: ['shop'] });
    const then = overlay(now, changes);
    const liveOf = ({ ref }: Change) =>
      [...then.listings.values()]
        .flatMap((listing) => (listing.state === 'read' ? listing.items : []))
        .find((item) => sameRef(refOf(item), ref))!;
    const deeds = changes.toReversed().map((change) => ({
      step: 'default-deny',
      change: change.id,
      kind: change.kind,
      ref: change.ref,
      created: true,
      after: liveOf(change),
      unheard: false,
    }));
    const undoing = undoStep('r', deeds);
    const undo = undoing.plan(then, {}, templates);
    expect(undo.map(({ ref }) => refText(ref)).toSorted()).toEqual(
      changes.map(({ ref }) => refText(ref)).toSorted(),
    );
    expect(refText(undo[0]!.ref)).toBe(refText(guardOf(changes).ref));
    let back = then;
    for (const change of undo) {
      back = overlay(back, [change]);
      expect([change.id, cutBy(now, back)]).toEqual([change.id, []]);
    }
    // Without the guard's own undo what it would decide about stays closed as it is.
    const kept = without(undo, [undo[0]!.id]).map(({ ref }) => ref.namespace);
    if (excludedBy(guardOf(changes)).includes('shop')) expect(kept).toContain('shop');
    else expect(kept).not.toContain('shop');
  },
);

test('beyond the engine a namespace that the guard covers is neither called open nor closed', () => {
  const now = clusterOf(GUARD_CLUSTERS.find(({ flavour }) => flavour === 'antrea')!);
  const then = later(overlay(now, planOf(now, { ...YES, namespaces: [] })), 'fresh');
  const found = step.assess(then, {}).filter(({ object }) => object?.name === 'fresh');
  expect(found.map(({ id, severity }) => [id, severity])).toEqual([['guard-not-computed', 'notVisible']]);
  expect(knownNamespaces(then)).toContain('fresh');
});
