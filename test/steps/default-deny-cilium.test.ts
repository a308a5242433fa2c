import { loadTemplates } from '../../src/host/templates.js';
import type { Manifest } from '../../src/model/manifest.js';
import { managedByUs } from '../../src/model/ours.js';
import { overlay } from '../../src/model/overlay.js';
import { type ApplyChange, type Change, without } from '../../src/model/plan.js';
import { countsText } from '../../src/model/preview.js';
import { type Answers, completeAnswers } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { cutBy } from '../../steps/default-deny/flows.js';
import { reachIn } from '../../steps/default-deny/state.js';
import { defaultDeny as step } from '../../steps/default-deny.js';
import { undoStep } from '../../steps/undo.js';
import { expectGolden, yamlText } from '../support/golden.js';
import { apiServersAt, cilium, coreDns, networkPolicy, nodeAt, pod, service } from '../support/objects.js';
import { namespace, object, type SnapshotOptions, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const answer = (now: Snapshot, given: Answers = {}) => completeAnswers(step.questions(now), given, true);
const planOf = (now: Snapshot, given: Answers = {}) => step.plan(now, answer(now, given), templates);
const cutIn = (now: Snapshot, changes: readonly Change[]) =>
  step.preview?.(now, changes).cut.map(({ connection }) => connection);
const applied = (changes: readonly Change[]) =>
  changes.filter((change): change is ApplyChange => change.kind === 'apply').map((change) => change.manifest);

const hook = object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', undefined, 'hook', {
  webhooks: [{ name: 'h.shop', clientConfig: { service: { namespace: 'shop', name: 'hook', port: 443 } } }],
});
const controller = object('rbac.authorization.k8s.io/v1', 'RoleBinding', 'shop', 'controller', {
  roleRef: { kind: 'Role', name: 'controller' },
  subjects: [{ kind: 'ServiceAccount', name: 'controller', namespace: 'shop' }],
});
const containers = (env: readonly object[]) => ({ containers: [{ name: 'main', image: 'x', env }] });

/** A controller that asks the API server, is called by it, asks kubelets and a pod on the nodes' network, and one such caller. */
const SHOP: readonly Manifest[] = [
  namespace('kube-system'),
  ...coreDns(),
  namespace('shop'),
  object('apps/v1', 'Deployment', 'shop', 'controller', {
    spec: {
      selector: { matchLabels: { 'app.kubernetes.io/name': 'controller' } },
      template: {
        metadata: { labels: { 'app.kubernetes.io/name': 'controller', tier: 'control' } },
        spec: {
          serviceAccountName: 'controller',
          ...containers([
            { name: 'EXPORTER_URL', value: 'http://exporter.monitoring:9100' },
            { name: 'WEB_URL', value: 'http://web:80' },
          ]),
        },
      },
    },
  }),
  service('shop', 'hook', {
    selector: { 'app.kubernetes.io/name': 'controller' },
    ports: [{ port: 443, targetPort: 9443 }],
  }),
  pod('shop', 'web', { app: 'web' }),
  service('shop', 'web', { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] }),
  hook,
  controller,
  namespace('monitoring'),
  object('apps/v1', 'DaemonSet', 'monitoring', 'exporter', {
    spec: {
      selector: { matchLabels: { app: 'exporter' } },
      template: {
        metadata: { labels: { app: 'exporter' } },
        spec: { hostNetwork: true, ...containers([{ name: 'WEB_URL', value: 'http://web.shop:80' }]) },
      },
    },
  }),
  service('monitoring', 'exporter', { selector: { app: 'exporter' }, ports: [{ port: 9100 }] }),
];
const NODES = [nodeAt('n1', '10.0.0.1'), nodeAt('n2', '10.0.0.2')];
const HERE = apiServersAt('10.0.0.1');
const ELSEWHERE = apiServersAt('192.0.2.7');
const SERVED: SnapshotOptions = { served: ['CiliumNetworkPolicy'], sandbox: true };
const cluster = (objects: readonly Manifest[], more: SnapshotOptions = SERVED) =>
  snapshotOf({ objects: [...SHOP, ...NODES, ...objects], ...more });

const CHOSEN: Answers = { namespaces: ['shop'] };
const API = 'shop/controller[Deployment] => {kubernetes-api} : TCP';
const EXPORTER = 'shop/controller[Deployment] => monitoring/exporter[DaemonSet] : TCP 9100';

const isCilium = ({ ref }: Change) => ref.kind === 'CiliumNetworkPolicy';

/** What each situation keeps. `cut`: why the connections to the API server and to nodes are; undefined: they are kept. */
const SITUATIONS: readonly {
  title: string;
  objects: readonly Manifest[];
  options?: SnapshotOptions;
  cut?: RegExp;
}[] = [
  { title: '1.18, API server on the nodes', objects: [...cilium(), ...HERE] },
  { title: '1.16, API server elsewhere', objects: [...cilium('v1.16.0'), ...ELSEWHERE] },
  { title: 'a build with a suffix', objects: [...cilium('v1.17.0-250129'), ...HERE] },
  {
    title: '1.15: a policy of its own would isolate',
    objects: [...cilium('v1.15.9'), ...HERE],
    cut: /version 1\.15 would isolate/,
  },
  {
    title: 'an image that tells no version',
    objects: [...cilium(''), ...HERE],
    cut: /does not tell its version/,
  },
  {
    title: 'not served',
    objects: [...cilium(), ...HERE],
    options: { sandbox: true },
    cut: /the server does not serve CiliumNetworkPolicy/,
  },
  {
    title: 'not readable',
    objects: [...cilium(), ...HERE],
    options: { sandbox: true, notVisible: { CiliumNetworkPolicy: 'forbidden' } },
    cut: /could not be read \(forbidden\)/,
  },
  {
    title: 'turned off',
    objects: [...cilium('v1.18.2', { 'enable-cilium-network-policy': 'false' }), ...HERE],
    cut: /enable-cilium-network-policy: false/,
  },
];

describe.each(SITUATIONS)('Cilium, $title', ({ objects, options, cut }) => {
  const now = cluster(objects, options);

  test('what is kept is recommended and not cut; what is cut is said', () => {
    const asked = step.questions(now).find(({ id }) => id === 'namespaces');
    const changes = planOf(now, CHOSEN);
    const told = changes.at(-1)?.breaks.filter((line) => line.startsWith('Cuts '));
    const cilium = applied(changes).filter(({ kind }) => kind === 'CiliumNetworkPolicy');
    if (cut === undefined) {
      expect(asked).toMatchObject({ recommended: expect.arrayContaining(['shop']) });
      expect([told, cutIn(now, changes)]).toEqual([[], []]);
      expect(cilium.map(({ metadata }) => metadata.name)).toContain('allow-deployment-controller');
    } else {
      expect(asked).not.toMatchObject({ recommended: expect.arrayContaining(['shop']) });
      expect(cutIn(now, changes)).toEqual([EXPORTER, API]);
      expect(told?.map((line) => cut.test(line))).toEqual([true, true]);
      expect(cilium).toEqual([]);
    }
  });

  test('a second run changes nothing, also where what was allowed by entity cannot be judged any more', () => {
    const changes = planOf(now, CHOSEN);
    const then = overlay(now, changes);
    expect(planOf(then, CHOSEN)).toEqual([]);
    const blind = new Map(then.listings).set('CiliumNetworkPolicy', {
      state: 'notVisible',
      reason: 'forbidden',
    });
    const ids = planOf({ ...then, listings: blind }, CHOSEN).map(({ id }) => id);
    expect(ids.filter((id) => id.includes('CiliumNetworkPolicy'))).toEqual([]);
  });
});

test('golden: policies of a controller beside those of Cilium, in the order of the writes', () => {
  const changes = planOf(cluster([...cilium(), ...HERE]), { ...CHOSEN, egressOutside: 'closed' });
  expectGolden('default-deny/cilium/policies.golden.yaml', yamlText(applied(changes)));
});

test('calls of the API server are let in by entity only where it certainly runs on nodes; otherwise from any source', () => {
  const konnectivity = pod('kube-system', 'konnectivity-agent-x', { 'k8s-app': 'konnectivity-agent' });
  const sources = (...objects: Manifest[]) => {
    const changes = applied(planOf(cluster([...cilium(), ...objects]), CHOSEN));
    const of = (kind: string) =>
      changes.find((one) => one.kind === kind && one.metadata.name === 'allow-deployment-controller')
        ?.spec as {
        ingress?: unknown[];
      };
    return [of('NetworkPolicy').ingress ?? [], of('CiliumNetworkPolicy').ingress ?? []];
  };
  const port = { port: '9443', protocol: 'TCP' };
  const byEntity = [
    { fromEntities: ['host', 'kube-apiserver', 'remote-node'], toPorts: [{ ports: [port] }] },
  ];
  const any = [{ ports: [{ protocol: 'TCP', port: 9443 }] }];
  expect(sources(...HERE)).toEqual([[], byEntity]);
  expect(sources(...ELSEWHERE)).toEqual([any, []]);
  expect(sources(...HERE, konnectivity)).toEqual([any, []]);
});

test('without its CiliumNetworkPolicy neither the policy of the workload nor the deny is written', () => {
  const changes = planOf(cluster([...cilium(), ...HERE]), CHOSEN);
  const left = without(changes, ['default-deny/shop/CiliumNetworkPolicy/allow-deployment-controller']);
  expect(left.map(({ ref }) => `${ref.kind} ${ref.name}`)).toEqual([
    'CiliumNetworkPolicy allow-pod-web',
    'NetworkPolicy allow-pod-web',
  ]);
});

describe('what counts as kept', () => {
  const now = cluster([...cilium(), ...HERE]);
  const changes = planOf(now, CHOSEN);
  const then = overlay(now, changes);
  const from = { workload: 'shop/controller[Deployment]' };
  const reaches = (at: Snapshot, address: string, port: number) =>
    reachIn(at).allows(from, { address }, 'TCP', port);
  /** The live policy of the controller with another spec. */
  const changed = (edit: (spec: Record<string, unknown>) => Record<string, unknown>): Snapshot => {
    const listing = then.listings.get('CiliumNetworkPolicy');
    if (listing?.state !== 'read') throw new Error('not read');
    const items = listing.items.map((item) => ({
      ...item,
      spec: edit(item.spec as Record<string, unknown>),
    }));
    return { ...then, listings: new Map(then.listings).set('CiliumNetworkPolicy', { ...listing, items }) };
  };

  test('the API server on its port, nodes on the port that is needed, and outside addresses beside them', () => {
    const asked: readonly [string, number, boolean][] = [
      ['10.0.0.1', 6443, true],
      ['10.0.0.2', 6443, false],
      ['10.0.0.1', 9100, true],
      ['10.0.0.2', 9100, true],
      ['10.0.0.2', 10250, false],
      ['192.0.2.9', 10250, true],
    ];
    expect(asked.map(([address, port]) => [address, port, reaches(then, address, port)])).toEqual(asked);
  });

  test.each<[string, (spec: Record<string, unknown>) => Record<string, unknown>]>([
    [
      'nothing of a policy that denies as well',
      (spec) => ({ ...spec, egressDeny: [{ toEntities: ['all'] }] }),
    ],
    ['nothing of a policy that isolates', ({ enableDefaultDeny: _, ...spec }) => spec],
    [
      'nothing of a rule that asks for more',
      (spec) => ({
        ...spec,
        egress: [
          {
            toEntities: ['kube-apiserver'],
            toPorts: [{ ports: [{ port: '6443', protocol: 'TCP' }], rules: { http: [{}] } }],
          },
        ],
      }),
    ],
    [
      'nothing for labels that are not those of Kubernetes',
      (spec) => ({ ...spec, endpointSelector: { matchLabels: { 'container:x': 'y' } } }),
    ],
  ])('%s', (_what, edit) => {
    expect([reaches(then, '10.0.0.1', 6443), reaches(changed(edit), '10.0.0.1', 6443)]).toEqual([
      true,
      false,
    ]);
  });

  test('what somebody changed is a finding, and the next run takes it over', () => {
    const weaker = changed((spec) => ({ ...spec, egress: [] }));
    const cut = step.assess(weaker, {}).filter(({ id }) => id === 'declared-connection-cut');
    expect(cut.map(({ message }) => message)).toEqual([
      expect.stringContaining(EXPORTER),
      expect.stringContaining(API),
    ]);
    expect(planOf(weaker, CHOSEN).map(({ id }) => id)).toEqual([
      'default-deny/shop/CiliumNetworkPolicy/allow-deployment-controller',
      'default-deny/shop/CiliumNetworkPolicy/allow-pod-web',
    ]);
  });
});

describe.each<[string, readonly Manifest[]]>([
  ['addresses known', [...NODES, ...HERE]],
  ['addresses not known', []],
])('where it is not known which plugin runs, %s', (_, more) => {
  const now = snapshotOf({ objects: [...SHOP, ...more], sandbox: true });
  const changes = planOf(now, CHOSEN);
  const denied = changes
    .flatMap(({ breaks }) => breaks)
    .flatMap(
      (line) => /^(Cuts|May cut, depending on the network plugin,) (.* : TCP(?: \d+)?) /.exec(line) ?? [],
    );

  test('question, deny, preview, its counts and the findings afterwards say the same: it may be cut', () => {
    const preview = step.preview?.(now, changes);
    expect(denied.filter((text) => text === EXPORTER || text === API)).toEqual([EXPORTER, API]);
    expect(denied).not.toContain('Cuts');
    expect(preview?.cut.map(({ connection, depends }) => [connection, depends])).toEqual([
      [EXPORTER, true],
      [API, true],
    ]);
    expect(preview && countsText(preview, String)).toMatch(
      /^declared connections cut: 0 of \d+; may be cut, depending on the network plugin: 2; open/,
    );
    const choices = step.questions(now).find(({ id }) => id === 'namespaces');
    const shop =
      choices?.type === 'choices' ? choices.choices.find(({ value }) => value === 'shop') : undefined;
    expect(shop?.note).toContain('2 declared connections may be cut, depending on the network plugin');
    const afterwards = step
      .assess(overlay(now, changes), {})
      .filter(({ id }) => id === 'declared-connection-cut')
      .map(({ message }) => message);
    expect(afterwards).toEqual([EXPORTER, API].map((text) => expect.stringContaining(`${text} (`)));
    for (const message of afterwards)
      expect(message).toContain('may be cut, depending on the network plugin, by policies of this step');
  });

  test('what a policy of others leaves to the plugin is not laid on this step', () => {
    const others = networkPolicy('shop', 'theirs', {
      podSelector: { matchLabels: { tier: 'control' } },
      policyTypes: ['Egress'],
      egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }],
    });
    const theirs = snapshotOf({ objects: [...SHOP, ...more, others], sandbox: true });
    const then = overlay(theirs, planOf(theirs, CHOSEN));
    expect(step.assess(then, {}).filter(({ id }) => id === 'declared-connection-cut')).toEqual([]);
  });
});

test('a policy of somebody else keeps its name and its content; one of ours that is needed no more goes', () => {
  const foreign = object('cilium.io/v2', 'CiliumNetworkPolicy', 'shop', 'allow-deployment-controller', {
    spec: { endpointSelector: {}, egress: [{ toEntities: ['all'] }] },
  });
  const now = cluster([...cilium(), ...HERE, foreign]);
  const changes = planOf(now, CHOSEN);
  expect(changes[0]?.ref.name).toBe('kubectl-harden-allow-deployment-controller');
  const then = overlay(now, changes);
  const unbound = new Map(then.listings);
  for (const kind of ['RoleBinding', 'ValidatingWebhookConfiguration', 'DaemonSet'] as const) {
    const listing = then.listings.get(kind);
    if (listing?.state !== 'read') throw new Error('not read');
    const items = listing.items.filter(({ metadata }) => metadata.name === 'cilium');
    unbound.set(kind, { ...listing, items });
  }
  const later = planOf({ ...then, listings: unbound }, CHOSEN);
  expect(later.filter(({ kind }) => kind === 'delete').map(({ ref }) => `${ref.kind} ${ref.name}`)).toEqual([
    'CiliumNetworkPolicy allow-pod-web',
    'CiliumNetworkPolicy kubectl-harden-allow-deployment-controller',
  ]);
});

test('undo takes the policies of Cilium back last, also where a resumed run wrote them last', () => {
  const now = cluster([...cilium(), ...HERE]);
  const changes = planOf(now, CHOSEN);
  const then = overlay(now, changes);
  const late = changes.toSorted((a, b) => Number(isCilium(a)) - Number(isCilium(b)));
  const deeds = late.toReversed().flatMap((change) =>
    change.kind === 'apply'
      ? [
          {
            step: step.id,
            change: change.id,
            kind: 'apply',
            ref: change.ref,
            created: true,
            after: managedByUs(change.manifest),
            unheard: false,
          },
        ]
      : [],
  );
  const undone = undoStep('r', deeds).plan(then, {}, templates);
  expect(undone.map(isCilium)).toEqual([false, false, false, true, true]);
  let back = then;
  for (const change of undone) {
    back = overlay(back, [change]);
    expect([change.id, cutBy(now, back)]).toEqual([change.id, []]);
  }
  const kept = without(undone, ['undo/shop/NetworkPolicy/allow-deployment-controller']);
  expect(kept.filter(isCilium)).toEqual([]);
});

test('where Cilium holds a pod from its own node, the review says that probes are cut', () => {
  const lines = (config: Record<string, string>) =>
    planOf(cluster([...cilium('v1.18.2', config), ...HERE]), CHOSEN)
      .at(-1)
      ?.breaks.join(' ') ?? '';
  expect(lines({ 'allow-localhost': 'policy' })).toContain('allow-localhost: policy');
  expect(lines({ 'allow-localhost': 'auto' })).not.toContain('allow-localhost');
});

test('nodes cost nothing: a thousand of them are one peer to the engine', () => {
  const many = Array.from({ length: 1000 }, (_, i) => nodeAt(`m${i}`, `10.9.${i >> 8}.${i & 255}`));
  const count = (nodes: readonly Manifest[]) => {
    const now = cluster([...cilium(), ...HERE, ...nodes]);
    return reachIn(overlay(now, planOf(now, CHOSEN))).engine.peers.count;
  };
  expect(count(many)).toBe(count([]));
});

test('name servers on the network of their nodes are allowed by entity', () => {
  const onNode = SHOP.map((manifest) =>
    manifest.metadata.name.startsWith('coredns')
      ? { ...manifest, spec: { ...(manifest.spec as object), hostNetwork: true } }
      : manifest,
  );
  const now = snapshotOf({ objects: [...onNode, ...NODES, ...cilium(), ...HERE], ...SERVED });
  const web = applied(planOf(now, CHOSEN)).find(
    ({ kind, metadata }) => kind === 'CiliumNetworkPolicy' && metadata.name === 'allow-pod-web',
  );
  expect(web?.spec).toMatchObject({
    egress: [
      {
        toEntities: ['host', 'remote-node'],
        toPorts: [
          {
            ports: [
              { port: '53', protocol: 'TCP' },
              { port: '53', protocol: 'UDP' },
            ],
          },
        ],
      },
    ],
  });
  expect(cutIn(now, planOf(now, CHOSEN))).toEqual([]);
});

test('more ports than a list of the schema takes are several lists', () => {
  const ports = Array.from({ length: 45 }, (_, i) => ({ name: `p${i}`, port: 9000 + i }));
  const wide = SHOP.map((manifest) =>
    manifest.kind === 'Service' && manifest.metadata.name === 'exporter'
      ? { ...manifest, spec: { selector: { app: 'exporter' }, ports } }
      : manifest,
  ).map((manifest) =>
    manifest.metadata.name === 'controller' && manifest.kind === 'Deployment'
      ? {
          ...manifest,
          spec: {
            selector: { matchLabels: { app: 'c' } },
            template: {
              metadata: { labels: { app: 'c' } },
              spec: containers(
                ports.map(({ port }) => ({
                  name: `URL_${port}`,
                  value: `http://exporter.monitoring:${port}`,
                })),
              ),
            },
          },
        }
      : manifest,
  );
  const now = snapshotOf({ objects: [...wide, ...NODES, ...cilium(), ...HERE], ...SERVED });
  const found = applied(planOf(now, CHOSEN))[0]?.spec as { egress: { toPorts: { ports: unknown[] }[] }[] };
  expect(found.egress.map(({ toPorts }) => toPorts.map(({ ports }) => ports.length))).toEqual([[40, 5]]);
});
