import fc from 'fast-check';
import { loadTemplates } from '../../src/host/templates.js';
import { type Manifest, refText } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import { type Answers, completeAnswers, needsAnswer } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { TemplateError } from '../../src/model/template.js';
import { BUILT_IN } from '../../steps/default-deny/built-in.js';
import { cutBy, flowText } from '../../steps/default-deny/flows.js';
import { listedAs } from '../../steps/default-deny/kube-system-programs.js';
import { upstreamsOf } from '../../steps/default-deny/kube-system-upstream.js';
import { reachIn } from '../../steps/default-deny/state.js';
import { defaultDeny as step } from '../../steps/default-deny.js';
import { metadataBlocking } from '../../steps/metadata-blocking.js';
import { expectGolden, manifestsIn, yamlText } from '../support/golden.js';
import { cilium, coreDns, daemonSet, networkPolicy, node, pod, service } from '../support/objects.js';
import { namespace, object, type SnapshotOptions, snapshotOf } from '../support/snapshot.js';
import { undoOf } from '../support/undo-of.js';

const templates = await loadTemplates();
const YES: Answers = { namespaces: [], kubeSystem: true };
const asked = (now: Snapshot) => step.questions(now).find(({ id }) => id === 'kubeSystem');
const planOf = (now: Snapshot, given = YES) => step.plan(now, given, templates);
const cutLines = (now: Snapshot, then: Snapshot) => cutBy(now, then).map(({ flow }) => flowText(flow));
const said = (now: Snapshot, given = YES) =>
  step
    .assess(now, given)
    .filter(({ object: about }) => about?.name === 'kube-system')
    .map(({ severity, id }) => `${severity} ${id}`);

/** Addresses of a node, of the API server behind its Service, and of nothing that is known. */
const [NODE, API, INTERNET] = ['10.0.1.10', '10.0.1.10', '198.51.100.7'];
const API_SERVICE: readonly Manifest[] = [
  service('default', 'kubernetes', { clusterIP: '10.96.0.1', ports: [{ port: 443, targetPort: 6443 }] }),
  object('v1', 'Endpoints', 'default', 'kubernetes', {
    subsets: [{ addresses: [{ ip: API }], ports: [{ port: 6443 }] }],
  }),
];
const NODES: readonly Manifest[] = [
  {
    ...node('n1', { providerID: 'aws:///eu-central-1a/i-1' }),
    status: { addresses: [{ type: 'InternalIP', address: NODE }] },
  },
];
const BASE: readonly Manifest[] = [
  namespace('kube-system'),
  namespace('default'),
  daemonSet('kube-system', 'calico-node'),
  ...NODES,
  ...API_SERVICE,
  ...coreDns(),
];
const cluster = (more: readonly Manifest[] = [], options: SnapshotOptions = {}) =>
  snapshotOf({ sandbox: true, ...options, objects: [...BASE, ...more] });
/** The same with Cilium, on which no address range matches nodes and the API server. */
const onCilium = (more: readonly Manifest[] = []) =>
  snapshotOf({
    sandbox: true,
    served: ['CiliumNetworkPolicy'],
    objects: [...BASE.filter(({ kind }) => kind !== 'DaemonSet'), ...cilium(), ...more],
  });
/** What the embedded cluster publishes of itself: another port each time that it starts. */
const embedded = (port: number) =>
  snapshotOf({
    sandbox: true,
    objects: [
      ...BASE.filter(({ kind }) => kind !== 'Endpoints'),
      object('v1', 'Endpoints', 'default', 'kubernetes', {
        subsets: [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ port }] }],
      }),
    ],
  });
const app = (name: string, spec: Record<string, unknown> = {}, image = 'registry.example/app:1') =>
  pod('kube-system', name, { app: name }, { containers: [{ name: 'main', image }], ...spec });
const reaches = (
  now: Snapshot,
  name: string,
  address: string,
  port: number,
  protocol: 'TCP' | 'UDP' = 'TCP',
) => reachIn(now).allows({ workload: `kube-system/${name}[Pod]` }, { address }, protocol, port);

describe('a cluster with all that is special about kube-system', () => {
  const now = snapshotOf({ objects: manifestsIn('default-deny/kube-system/cluster.yaml'), sandbox: true });
  const then = overlay(now, planOf(now));

  test('question, findings and changes', () => {
    const text = yamlText({
      question: asked(now),
      changes: planOf(now),
      findingsAfter: step.assess(then, YES).filter(({ object: about }) => about?.name === 'kube-system'),
      cut: step.preview?.(now, planOf(now)).cut,
    });
    expectGolden('default-deny/kube-system/plan.golden.yaml', text);
  });

  test('nothing is cut but what is told, and a second run changes nothing', () => {
    expect(cutLines(now, then)).toEqual(['kube-system/shipper[Deployment] => alerts.example.net : TCP 443']);
    expect(planOf(then)).toEqual([]);
    expect(asked(then)).toBeUndefined();
  });
});

describe('by explicit choice alone', () => {
  test('the default is no, on the embedded cluster as well, and nobody has to answer', () => {
    for (const sandbox of [true, false]) {
      const now = cluster([], { sandbox });
      const question = asked(now);
      expect(question).toMatchObject({ type: 'confirm', recommended: false, cautious: false });
      expect(step.questions(now).filter((q) => q.id === 'kubeSystem' && needsAnswer(q))).toEqual([]);
      const answers = completeAnswers(step.questions(now), {}, sandbox);
      const changed = step.plan(now, answers, templates).map(({ ref }) => ref.namespace);
      expect(changed).not.toContain('kube-system');
      expect(said(now, answers)).toEqual([]);
    }
  });

  test('the embedded cluster, started again on another port, has nothing left to change', () => {
    const changes = planOf(embedded(40_001));
    expect(changes.length).toBeGreaterThan(0);
    expect(JSON.stringify(changes)).not.toContain('127.0.0.1');
    expect(planOf(overlay(embedded(40_002), changes))).toEqual([]);
  });

  test('no way of choosing namespaces chooses it', () => {
    const now = cluster();
    const question = step.questions(now).find(({ id }) => id === 'namespaces');
    expect(JSON.stringify(question ?? {})).not.toContain('kube-system');
    expect(step.plan(now, { namespaces: ['kube-system'] }, templates)).toEqual([]);
  });

  test('what it left open says nothing about other namespaces', () => {
    const now = overlay(cluster([namespace('shop')]), planOf(cluster()));
    const answers = completeAnswers(step.questions(now), {}, true);
    expect(answers).toMatchObject({ sameNamespace: 'declared', egressOutside: 'open' });
  });

  const CILIUM = [
    namespace('kube-system'),
    daemonSet('kube-system', 'cilium'),
    object('v1', 'ConfigMap', 'kube-system', 'cilium-config', { data: { 'enable-policy': 'default' } }),
    ...NODES,
    ...coreDns(),
  ];
  test.each<[string, Snapshot, string]>([
    ['excluded', cluster([], { exclude: ['kube-*'] }), 'not among the namespaces'],
    ['pods hidden', cluster([], { notVisible: { Pod: 'forbidden' } }), 'Pods were not visible'],
    [
      'no DNS',
      snapshotOf({ objects: [namespace('kube-system'), ...API_SERVICE] }),
      'no Service in kube-system',
    ],
    [
      'API unseen',
      snapshotOf({ objects: [...BASE].filter((o) => !API_SERVICE.includes(o)) }),
      'Kubernetes API',
    ],
    ['addresses do not match nodes', snapshotOf({ objects: [...CILIUM, ...API_SERVICE] }), 'Cilium'],
    [
      'closed by others',
      cluster([networkPolicy('kube-system', 'mine', { podSelector: {}, policyTypes: ['Egress'] })]),
      '',
    ],
  ])('not asked, and nothing written: %s', (_, now, why) => {
    expect(asked(now)).toBeUndefined();
    expect(planOf(now)).toEqual([]);
    const open = step.assess(now, YES).find(({ id }) => id === 'kube-system-open-internet');
    if (why === '') expect(open).toBeUndefined();
    else expect(open?.message).toContain(why);
  });
});

describe('what stays and what goes', () => {
  const now = cluster([
    app('plain'),
    app('cluster-autoscaler', {}, 'registry.k8s.io/autoscaling/cluster-autoscaler:v1.31.0'),
    app('agent', {}, 'registry.k8s.io/kas-network-proxy/proxy-agent:v0.30.0'),
    pod('default', 'web', { app: 'web' }),
  ]);
  const then = overlay(now, planOf(now));

  test('ingress is as it was', () => {
    expect(planOf(now).every(({ ref }) => ref.kind === 'NetworkPolicy')).toBe(true);
    for (const source of [{ workload: 'default/web[Pod]' }, { address: INTERNET }])
      expect(reachIn(then).between(source, { workload: 'kube-system/plain[Pod]' })).toBe('All Connections');
  });

  test.each<[string, string, number, boolean]>([
    ['plain', INTERNET, 443, false],
    ['plain', '2001:db8::1', 443, false],
    ['plain', '169.254.169.254', 80, false],
    ['plain', NODE, 10_250, true],
    ['plain', API, 6443, true],
    ['plain', '10.96.0.1', 443, true],
    ['plain', '192.168.7.7', 8443, true],
    // EC2 metadata over IPv6 lies in a private range, Pod Identity beside it.
    ['plain', 'fd00:ec2::254', 80, false],
    ['plain', 'fd00:ec2::23', 80, true],
    ['coredns-1', INTERNET, 53, true],
    ['coredns-1', INTERNET, 443, false],
    ['cluster-autoscaler', INTERNET, 443, true],
    ['cluster-autoscaler', INTERNET, 22, false],
    ['cluster-autoscaler', '169.254.169.254', 80, true],
    ['cluster-autoscaler', '169.254.169.254', 22, false],
    ['agent', INTERNET, 8132, true],
    ['agent', '169.254.169.254', 80, false],
  ])('%s to %s, port %i: %s', (name, address, port, open) => {
    expect(reaches(then, name, address, port)).toBe(open);
  });

  test('pods reach every pod of the cluster, and a pod to come only what is inside', () => {
    const fresh = { freshPod: 'kube-system' };
    expect(
      reachIn(then).between({ workload: 'kube-system/plain[Pod]' }, { workload: 'default/web[Pod]' }),
    ).toBe('All Connections');
    expect(reachIn(then).between(fresh, { address: INTERNET })).toBe('No Connections');
    expect(reachIn(then).between(fresh, { address: NODE })).toBe('All Connections');
    expect(said(now)).toContain('medium kube-system-open-internet');
    expect(said(then)).toEqual(['info kube-system-internet-closed']);
    expect(said(then, {})).toEqual(['info kube-system-internet-closed']);
  });

  test('on Cilium a policy of its own keeps nodes and the API server, before anything is closed', () => {
    const open = onCilium([app('plain')]);
    const changes = planOf(open);
    expect(changes.map(({ ref }) => `${ref.kind} ${ref.name}`)).toEqual([
      'CiliumNetworkPolicy default-deny-internet',
      'NetworkPolicy allow-pod-coredns-1',
      'NetworkPolicy default-deny-internet',
    ]);
    for (const { requires } of changes.slice(1)) expect(requires).toContain(changes[0]?.id);
    const closed = overlay(open, changes);
    expect(reaches(closed, 'plain', NODE, 10_250)).toBe(true);
    expect(reaches(closed, 'plain', API, 6443)).toBe(true);
    expect(reaches(closed, 'plain', INTERNET, 443)).toBe(false);
    expect(planOf(closed)).toEqual([]);
    expect(said(closed)).toContain('info kube-system-internet-closed');
  });

  test('pods on the network of their node are named, as a finding and before confirmation', () => {
    const onNode = cluster([app('proxy', { hostNetwork: true })]);
    expect(said(onNode)).toContain('info host-network-not-coverable');
    const breaks = planOf(onNode).flatMap((change) => change.breaks);
    expect(breaks).toContain("On their node's network, covered by no policy: kube-system/proxy[Pod].");
    const note = asked(onNode)?.help;
    expect(note).toContain("1 on the node's network: not coverable.");
  });

  test.each([
    ['with Calico', cluster],
    ['with Cilium', onCilium],
  ])('pods that policies of others narrow gain nothing, %s', (_, clusterWith) => {
    const narrow = clusterWith([
      app('plain'),
      app('narrowed'),
      networkPolicy('kube-system', 'mine', {
        podSelector: { matchLabels: { app: 'narrowed' } },
        policyTypes: ['Egress'],
        egress: [{ to: [{ ipBlock: { cidr: '192.0.2.1/32' } }] }],
      }),
    ]);
    const after = overlay(narrow, planOf(narrow));
    expect(reaches(after, 'narrowed', API, 6443)).toBe(false);
    expect(reaches(after, 'narrowed', '192.0.2.1', 80)).toBe(true);
    expect(reaches(after, 'plain', API, 6443)).toBe(true);
    expect(reaches(after, 'plain', INTERNET, 443)).toBe(false);
    expect(planOf(after)).toEqual([]);
  });
});

describe('the metadata service', () => {
  const now = cluster([app('cluster-autoscaler')]);
  const blocked = overlay(now, metadataBlocking.plan(now, { namespaces: ['kube-system'] }, templates));

  test('what step metadata-blocking closed is not opened, now or by a second run', () => {
    expect(reaches(blocked, 'cluster-autoscaler', '169.254.169.254', 80)).toBe(false);
    const changes = planOf(blocked);
    expect(changes.some(({ kind, ref }) => kind === 'delete' && ref.name.includes('metadata'))).toBe(true);
    const then = overlay(blocked, changes);
    expect(reaches(then, 'cluster-autoscaler', '169.254.169.254', 80)).toBe(false);
    expect(reaches(then, 'cluster-autoscaler', INTERNET, 443)).toBe(true);
    expect(planOf(then)).toEqual([]);
  });

  test('a controller that comes after closing gets what it would have had', () => {
    const closed = overlay(cluster(), planOf(cluster()));
    const later = overlay(closed, [
      {
        kind: 'apply',
        id: 'x',
        ref: { apiVersion: 'v1', kind: 'Pod', namespace: 'kube-system', name: 'karpenter' },
        risk: 'none',
        why: '',
        breaks: [],
        manifest: app('karpenter'),
      },
    ]);
    expect(reaches(later, 'karpenter', INTERNET, 443)).toBe(false);
    const then = overlay(later, planOf(later));
    expect(reaches(then, 'karpenter', INTERNET, 443)).toBe(true);
    expect(reaches(then, 'karpenter', '169.254.169.254', 80)).toBe(true);
  });
});

describe('templates', () => {
  const PATH = 'default-deny/kube-system.yaml';
  const withEgress = (egress: readonly unknown[]) => {
    const own = templates.get(PATH);
    return new Map([...templates, [PATH, { ...own, spec: { podSelector: {}, egress } } as Manifest]]);
  };

  test('what is built in is what the template says', () => {
    const spec = (of: Manifest | undefined) => ({ ...(of?.spec as object), policyTypes: undefined });
    expect(spec(BUILT_IN.get(PATH))).toEqual(spec(templates.get(PATH)));
  });

  test('one that leaves the Internet open is refused', () => {
    for (const egress of [[{}], [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }]])
      expect(() => step.plan(cluster(), YES, withEgress(egress))).toThrow(TemplateError);
  });

  test('one that is narrower keeps nodes, the API and what is declared inside', () => {
    const now = cluster([
      app('plain', {
        containers: [{ name: 'main', env: [{ name: 'WEB_URL', value: 'http://web.default:80' }] }],
      }),
      pod('default', 'web', { app: 'web' }),
      service('default', 'web', { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] }),
    ]);
    const then = overlay(now, step.plan(now, YES, withEgress([])));
    expect(cutLines(now, then)).toEqual([]);
    expect(reaches(then, 'plain', NODE, 10_250)).toBe(true);
    expect(reaches(then, 'plain', '10.0.9.9', 443)).toBe(false);
  });
});

const ANY = { to: undefined, port: 53, protocols: ['TCP', 'UDP'] };
const plain = (to: string, port = 53) => ({ to, port, protocols: ['TCP', 'UDP'] });
test.each<[string, readonly object[]]>([
  ['.:53 {\n  forward . /etc/resolv.conf\n}', [ANY]],
  ['.:53 {\n  forward . /etc/resolv.conf {\n    max_concurrent 1000\n  }\n}', [ANY]],
  ['. { forward . 192.0.2.1 192.0.2.2:5353 }', [plain('192.0.2.1'), plain('192.0.2.2', 5353)]],
  ['forward . [2001:db8::53]:54 2001:db8::54', [plain('2001:db8::53', 54), plain('2001:db8::54')]],
  [
    'forward . tls://192.0.2.1 tls://192.0.2.2:8853',
    [
      { to: '192.0.2.1', port: 853, protocols: ['TCP'] },
      { to: '192.0.2.2', port: 8853, protocols: ['TCP'] },
    ],
  ],
  ['forward . {$UPSTREAM}', [ANY]],
  ['forward . dns.example.net', [ANY]],
  ['import custom/*.override', [ANY]],
  ['proxy . 192.0.2.1\n# forward . 192.0.2.2', [plain('192.0.2.1')]],
  [
    'stub.local:53 {\n forward . 192.0.2.9\n}\n.:53 {\n forward . /etc/resolv.conf\n}',
    [plain('192.0.2.9'), ANY],
  ],
  ['route53 example.net.:Z1', [{ to: undefined, port: 443, protocols: ['TCP'] }]],
  ['kubernetes cluster.local\ncache 30\nreload', []],
])('upstream of %j', (corefile, expected) => {
  expect(upstreamsOf(corefile)).toEqual(expected);
});

test.each<[string, string, Record<string, string>, readonly string[]]>([
  [
    'cloud-controller-manager',
    'registry.k8s.io/provider-aws/cloud-controller-manager:v1',
    {},
    ['cloud controller manager'],
  ],
  [
    'hcloud',
    'docker.io/hetznercloud/hcloud-cloud-controller-manager@sha256:aa',
    {},
    ['cloud controller manager'],
  ],
  ['storage', 'registry.k8s.io/sig-storage/csi-attacher:v4', {}, ['CSI driver']],
  ['ebs-csi-controller', 'x', {}, ['CSI driver']],
  ['scaler', 'x', { 'app.kubernetes.io/name': 'aws-cluster-autoscaler' }, ['autoscaler of nodes']],
  ['x', 'registry.k8s.io/external-dns/external-dns:v0.15', {}, ['external DNS']],
  ['konnectivity-agent', 'gke.gcr.io/proxy-agent:1', {}, ['konnectivity agent']],
  ['snapshot-controller', 'registry.k8s.io/sig-storage/snapshot-controller:v8', {}, []],
  [
    'metrics-server',
    'registry.k8s.io/metrics-server/metrics-server:v0.7',
    { 'k8s-app': 'metrics-server' },
    [],
  ],
  ['shipper', 'registry.example/shipper:1', {}, []],
])('%s from %s with labels %j is known as %j', (name, image, labels, expected) => {
  const found = listedAs({ name, images: [image], labels: new Map(Object.entries(labels)) });
  expect(found.map(({ what }) => what)).toEqual(expected);
});

const NAMES = ['cluster-autoscaler', 'csi-x', 'plain', 'shipper', 'konnectivity-agent'] as const;
const randomKubeSystem = fc
  .record({
    apps: fc.uniqueArray(
      fc.record({
        name: fc.constantFrom(...NAMES),
        hostNetwork: fc.constantFrom(false, false, true),
        // Pods without labels share one selector.
        labelled: fc.constantFrom(true, true, true, false),
        env: fc.array(
          fc.constantFrom(
            'https://192.0.2.9:8000',
            'https://api.example.net',
            'http://web.default:80',
            'https://10.9.9.9',
            '169.254.169.254:80',
          ),
          { minLength: 1, maxLength: 4 },
        ),
      }),
      { selector: ({ name }) => name, minLength: 2, maxLength: 5 },
    ),
    clusterWith: fc.constantFrom(cluster, onCilium),
    corefile: fc.option(fc.constantFrom('forward . /etc/resolv.conf', 'forward . 192.0.2.53'), {
      nil: undefined,
    }),
    narrowed: fc.option(fc.constantFrom(...NAMES), { nil: undefined, freq: 2 }),
    blocked: fc.boolean(),
    bound: fc.boolean(),
  })
  .map(({ apps, clusterWith, corefile, narrowed, blocked, bound }) => {
    const now = clusterWith([
      ...apps.map(({ name, hostNetwork, labelled, env }) => ({
        ...app(name, {
          hostNetwork,
          containers: [
            { name: 'main', image: 'x', env: env.map((value, i) => ({ name: `T${i}_URL`, value })) },
          ],
        }),
        ...(labelled ? {} : { metadata: { name, namespace: 'kube-system' } }),
      })),
      pod('default', 'web', { app: 'web' }),
      service('default', 'web', { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] }),
      ...(corefile === undefined
        ? []
        : [object('v1', 'ConfigMap', 'kube-system', 'coredns', { data: { Corefile: corefile } })]),
      ...(narrowed === undefined
        ? []
        : [
            networkPolicy('kube-system', 'mine', {
              podSelector: { matchLabels: { app: narrowed } },
              policyTypes: ['Egress'],
              egress: [{ to: [{ ipBlock: { cidr: '192.0.2.9/32' } }] }],
            }),
          ]),
      ...(bound
        ? [
            object('rbac.authorization.k8s.io/v1', 'RoleBinding', 'kube-system', 'b', {
              roleRef: { kind: 'Role', name: 'r' },
              subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'kube-system' }],
            }),
          ]
        : []),
    ]);
    if (!blocked) return now;
    return overlay(now, metadataBlocking.plan(now, { namespaces: ['kube-system'] }, templates));
  });

/** Workloads of kube-system that carry a label, and those that are no pods. */
function labelledIn(now: Snapshot): ReadonlySet<string> {
  const bare = objects(now, 'Pod').filter(({ metadata }) => Object.keys(metadata.labels ?? {}).length === 0);
  const names = new Set(bare.map(({ metadata }) => `${metadata.namespace}/${metadata.name}[Pod]`));
  return new Set(reachIn(now).workloads.flatMap(({ name }) => (names.has(name) ? [] : [name])));
}

test('after any prefix of the writes and of their undo only what is told is cut; nothing opens; a second run changes nothing', () => {
  let [cut, kept] = [0, 0];
  fc.assert(
    fc.property(randomKubeSystem, (now) => {
      const changes = planOf(now);
      const told = changes.flatMap(({ breaks }) => breaks).filter((line) => line.startsWith('Cuts '));
      let then = now;
      for (const change of [...changes, ...undoOf(changes)]) {
        then = overlay(then, [change]);
        const lines = cutLines(now, then);
        expect([change.id, lines.filter((line) => !told.some((t) => t.includes(line)))]).toEqual([
          change.id,
          [],
        ]);
      }
      const after = overlay(now, changes);
      // What is told is what the engine finds, and no more.
      expect(cutLines(now, after)).toHaveLength(told.length);
      cut += told.length;
      kept += changes.length;
      expect(planOf(after).map(({ ref }) => refText(ref))).toEqual([]);
      if (changes.length === 0) return;
      const [before, reach] = [reachIn(now), reachIn(after)];
      // Pods without labels can only be told by the labels that they lack, as pods to come do.
      const bare = before.workloads.some(
        ({ name }) => name.startsWith('kube-system/') && !labelledIn(now).has(name),
      );
      const fresh = reach.between({ freshPod: 'kube-system' }, { address: INTERNET });
      expect(bare ? fresh !== 'All Connections' : fresh === 'No Connections').toBe(true);
      for (const { name, namespace: ns, hostNetwork } of before.workloads) {
        if (ns !== 'kube-system' || hostNetwork) continue;
        for (const address of [INTERNET, '192.0.2.9', '169.254.169.254', NODE, '192.0.2.53', 'fd00:ec2::254'])
          for (const port of [53, 80, 443, 8000, 10_250])
            if (reach.allows({ workload: name }, { address }, 'TCP', port))
              expect([
                name,
                address,
                port,
                before.allows({ workload: name }, { address }, 'TCP', port),
              ]).toEqual([name, address, port, true]);
      }
    }),
    { numRuns: 60 },
  );
  expect(cut).toBeGreaterThan(3);
  expect(kept).toBeGreaterThan(120);
});
