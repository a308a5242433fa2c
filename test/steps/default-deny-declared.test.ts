import { existsSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { declaredText } from '../../src/declared/index.js';
import { readManifests } from '../../src/host/manifests.js';
import { loadTemplates } from '../../src/host/templates.js';
import { type Manifest, refOf } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import type { Change } from '../../src/model/plan.js';
import { type Answers, completeAnswers, narrowed } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { type Reach, reachOf } from '../../src/reach/index.js';
import { cutBy } from '../../steps/default-deny/flows.js';
import { REACHED, reachIn } from '../../steps/default-deny/state.js';
import { defaultDeny as step } from '../../steps/default-deny.js';
import {
  apiServersAt,
  cilium,
  coreDns,
  daemonSet,
  networkPolicy,
  nodeAt,
  service,
} from '../support/objects.js';
import { RANDOM, randomCluster } from '../support/random-cluster.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';
import { undoOf } from '../support/undo-of.js';
import { calicoNode } from './guard-clusters.js';

const templates = await loadTemplates();
const answer = (now: Snapshot, given: Answers = {}) => completeAnswers(step.questions(now), given, true);
const planOf = (now: Snapshot, given: Answers = {}) => step.plan(now, answer(now, given), templates);
const cutLines = (now: Snapshot, then: Snapshot) => cutBy(now, then).map(({ flow }) => declaredText(flow));

/** No declared connection is cut after any prefix of the writes, nor of their undo; a second run changes nothing. */
function expectNothingCut(now: Snapshot, given: Answers = {}): Snapshot {
  const changes = planOf(now, given);
  let then = now;
  for (const change of changes) {
    then = overlay(then, [change]);
    expect([change.id, cutLines(now, then)]).toEqual([change.id, []]);
  }
  expect(step.plan(then, answer(now, given), templates).map(({ id }) => id)).toEqual([]);
  expect(planOf(then, given).map(({ id }) => id)).toEqual([]);
  let back = then;
  for (const change of undoOf(changes)) {
    back = overlay(back, [change]);
    expect([`undo ${change.id}`, cutLines(now, back)]).toEqual([`undo ${change.id}`, []]);
  }
  return then;
}

const place = fc.tuple(fc.constantFrom(...RANDOM.namespaces), fc.constantFrom(...RANDOM.apps));

/** Objects that declare connections to and from the pods of `randomCluster`. */
const declaring = fc.record({
  services: fc.uniqueArray(
    fc.tuple(
      place,
      fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'),
      fc.constantFrom(80, 443, 8080),
      fc.constantFrom<number | undefined>(undefined, 80, 9000),
    ),
    { maxLength: 6, selector: ([[ns, app]]) => `${ns}/${app}` },
  ),
  env: fc.array(fc.tuple(place, place, fc.constantFrom(80, 443, 8080)), { maxLength: 6 }),
  outside: fc.array(
    fc.tuple(
      place,
      fc.constantFrom('http://192.0.2.9:8000', 'https://api.example.net', '169.254.169.254:80'),
    ),
    { maxLength: 2 },
  ),
  hooks: fc.array(fc.tuple(place, fc.constantFrom('Fail', 'Ignore')), { maxLength: 2 }),
  ingresses: fc.array(place, { maxLength: 2 }),
  bindings: fc.array(fc.constantFrom(...RANDOM.namespaces), { maxLength: 2 }),
  onNode: fc.array(place, { maxLength: 1 }),
  unlabelled: fc.boolean(),
});

const apiClients = (ns: string, name = 'clients') =>
  object('rbac.authorization.k8s.io/v1', 'RoleBinding', ns, name, {
    roleRef: { kind: 'Role', name: 'r' },
    subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: ns }],
  });

const declaringCluster = fc.tuple(randomCluster, declaring).map(([base, more]) => {
  const envOf = (ns: string, app: string) => [
    ...more.env.flatMap(([[fromNs, from], [toNs, to], port], i) =>
      fromNs === ns && from === app
        ? [{ name: `TARGET_${i}_URL`, value: `http://${to}.${toNs}:${port}` }]
        : [],
    ),
    ...more.outside.flatMap(([[fromNs, from], value], i) =>
      fromNs === ns && from === app ? [{ name: `OUTSIDE_${i}_ADDR`, value }] : [],
    ),
  ];
  const pods = base.map((manifest): Manifest => {
    const { name, namespace: ns = '' } = manifest.metadata;
    if (manifest.kind !== 'Pod' || ns === 'kube-system') return manifest;
    const bare = more.unlabelled && name === 'job';
    return {
      ...manifest,
      metadata: bare ? { name, namespace: ns } : manifest.metadata,
      spec: {
        hostNetwork: more.onNode.some(([n, a]) => n === ns && a === name),
        containers: [{ name: 'main', image: 'registry.example/app:1', env: envOf(ns, name) }],
      },
    };
  });
  return [
    ...pods,
    ...more.services.map(([[ns, app], type, port, targetPort]) =>
      service(ns, app, {
        type,
        selector: { app },
        ports: [{ port, ...(targetPort === undefined ? {} : { targetPort }) }],
      }),
    ),
    ...more.hooks.map(([[ns, name], failurePolicy], i) =>
      object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', undefined, `hook-${i}`, {
        webhooks: [
          { name: 'h', failurePolicy, clientConfig: { service: { namespace: ns, name, port: 443 } } },
        ],
      }),
    ),
    ...more.ingresses.map(([ns, name], i) =>
      object('networking.k8s.io/v1', 'Ingress', ns, `in-${i}`, {
        spec: { defaultBackend: { service: { name, port: { number: 80 } } } },
      }),
    ),
    ...more.bindings.map((ns, i) => apiClients(ns, `b-${i}`)),
  ];
});

const newerCalico = (manifest: Manifest) =>
  manifest.metadata.name === 'calico-node' ? calicoNode('v3.32.0') : manifest;

test('no declared connection is cut after any prefix of the writes and of their undo; a second run changes nothing', () => {
  let declaredMet = 0;
  let guards = 0;
  fc.assert(
    fc.property(
      declaringCluster,
      fc.constantFrom<Answers>(
        {},
        { sameNamespace: 'all' },
        { sameNamespace: false },
        { newNamespaces: true },
      ),
      (manifests, given) => {
        const guarded = given.newNamespaces === true;
        const now = snapshotOf({
          objects: guarded ? manifests.map(newerCalico) : manifests,
          served: guarded ? ['ClusterNetworkPolicy'] : [],
          sandbox: true,
        });
        if (guarded) guards += planOf(now, given).filter(({ ref }) => ref.namespace === undefined).length;
        declaredMet += cutLines(now, closedBare(now)).length;
        expectNothingCut(now, given);
      },
    ),
    { numRuns: 120 },
  );
  expect(declaredMet).toBeGreaterThan(100);
  expect(guards).toBeGreaterThan(5);
});

/** The same cluster with Cilium, which knows nodes and the API server only by entity; all pods of one namespace ask it. */
function onCilium(manifests: readonly Manifest[], servers: readonly Manifest[]): Snapshot {
  const others = manifests.filter(({ kind, metadata }) => kind !== 'Node' && metadata.name !== 'calico-node');
  return snapshotOf({
    objects: [
      ...others,
      apiClients('alpha'),
      nodeAt('n1', '10.0.0.1'),
      nodeAt('n2', '10.0.0.2'),
      ...cilium(),
      ...servers,
    ],
    served: ['CiliumNetworkPolicy'],
    sandbox: true,
  });
}

test('on Cilium nothing is cut either: not before its own policy is written, nor once it is taken back', () => {
  let byEntity = 0;
  fc.assert(
    fc.property(
      declaringCluster,
      fc.constantFrom(apiServersAt('10.0.0.1'), apiServersAt('192.0.2.7')),
      fc.constantFrom<Answers>({}, { sameNamespace: 'all' }),
      (manifests, servers, given) => {
        const now = onCilium(manifests, servers);
        const then = expectNothingCut(now, given);
        byEntity += objects(then, 'CiliumNetworkPolicy').length;
      },
    ),
    { numRuns: 80 },
  );

  expect(byEntity).toBeGreaterThan(15);
});

/** What a deny without allows would leave: the measure of what the allows keep. */
function closedBare(now: Snapshot): Snapshot {
  return overlay(
    now,
    RANDOM.namespaces.map((ns): Change => {
      const manifest = networkPolicy(ns, 'bare', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
      return { kind: 'apply', id: ns, ref: refOf(manifest), risk: 'none', why: '', breaks: [], manifest };
    }),
  );
}

test('nothing is opened: what passes after closing passed before, names aside', () => {
  fc.assert(
    fc.property(declaringCluster, (manifests) => {
      const now = snapshotOf({ objects: manifests, sandbox: true });
      const [before, after] = [reachIn(now), reachIn(overlay(now, planOf(now)))];
      const dns = objects(now, 'Service').some(({ metadata }) => metadata.name === 'kube-dns');
      for (const { name: src } of before.workloads)
        for (const { name: dst } of before.workloads) {
          if (dns && dst.startsWith('kube-system/coredns')) continue;
          for (const port of [80, 443, 8080, 9000])
            if (after.allows({ workload: src }, { workload: dst }, 'TCP', port))
              expect([
                src,
                dst,
                port,
                before.allows({ workload: src }, { workload: dst }, 'TCP', port),
              ]).toEqual([src, dst, port, true]);
        }
    }),
    { numRuns: 60 },
  );
});

test('amending policies of the former form cuts nothing on the way but what the preview has told', () => {
  fc.assert(
    fc.property(declaringCluster, (manifests) => {
      const base = snapshotOf({ objects: manifests, sandbox: true });
      const former = RANDOM.namespaces.map((ns) =>
        networkPolicy(
          ns,
          'default-deny-former',
          {
            podSelector: {},
            policyTypes: ['Ingress', 'Egress'],
            ingress: [{ from: [{ podSelector: {} }] }],
            egress: [{ to: [{ podSelector: {} }] }],
          },
          {
            managedFields: [{ manager: 'kubectl-harden' }],
            labels: {
              'app.kubernetes.io/managed-by': 'kubectl-harden',
              'app.kubernetes.io/component': 'default-deny',
            },
          },
        ),
      );
      const now = snapshotOf({ objects: [...manifests, ...former], sandbox: true });
      const answers = { ...answer(base), namespaces: [...RANDOM.namespaces] };
      const changes = step.plan(now, answers, templates);
      const told = step.preview?.(now, changes)?.cut.map(({ connection }) => connection) ?? [];
      // Only where a policy of somebody else narrows pods did the former form allow more than it may now.
      if (objects(base, 'NetworkPolicy').length === 0) expect(told).toEqual([]);
      let then = now;
      for (const change of changes) {
        then = overlay(then, [change]);
        const untold = cutLines(now, then).filter(
          (line) => !told.some((connection) => line.includes(connection)),
        );
        expect([change.id, untold]).toEqual([change.id, []]);
      }
      expect(step.plan(then, answers, templates)).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

/** A Deployment of namespace shop with these settings. */
const app = (name: string, env: readonly object[] = []) =>
  object('apps/v1', 'Deployment', 'shop', name, {
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image: 'x', env }] } },
    },
  });

test('a connection that the answers do not keep is cut, alone', () => {
  const now = snapshotOf({
    objects: [
      namespace('kube-system'),
      daemonSet('kube-system', 'calico-node'),
      ...coreDns(),
      namespace('shop'),
      app('web', [
        { name: 'CARTS_URL', value: 'http://carts:80' },
        { name: 'ORDERS_URL', value: 'http://orders:80' },
      ]),
      app('carts'),
      app('orders'),
      ...['carts', 'orders'].map((name) =>
        service('shop', name, { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] }),
      ),
    ],
    sandbox: true,
  });
  const line = (to: string) => `shop/web[Deployment] => shop/${to}[Deployment] : TCP 8080`;
  const cuts = step.questions(now).find(({ id }) => id === 'cuts');
  expect(cuts).toMatchObject({ recommended: [line('carts'), line('orders')] });
  const changes = planOf(now, { cuts: [line('carts')] });
  expect(cutLines(now, overlay(now, changes))).toEqual([line('orders')]);
  const deny = changes.find(({ ref }) => ref.name === 'default-deny');
  expect(deny?.breaks[0]).toContain(`Cuts ${line('orders')}`);
  expect(deny?.breaks[0]).toContain('containers[web].env[ORDERS_URL]');
});

test('only connections of namespaces that are closed are asked about', () => {
  const now = snapshotOf({
    objects: [
      namespace('shop'),
      namespace('other'),
      app('web', [{ name: 'A_URL', value: 'http://carts:80' }]),
      app('carts'),
      service('shop', 'carts', { selector: { app: 'carts' }, ports: [{ port: 80, targetPort: 8080 }] }),
    ],
    sandbox: true,
  });
  const cuts = step.questions(now).find(({ id }) => id === 'cuts');
  expect(cuts && narrowed(cuts, { namespaces: ['other'] })).toMatchObject({ choices: [] });
  expect(cuts && narrowed(cuts, { namespaces: ['shop'] })).toEqual(cuts);
});

const FLOWS = path.resolve(import.meta.dirname, '../../../shared/conformance/flows');
const flows = existsSync(FLOWS) ? describe : describe.skip;
flows(`applications${existsSync(FLOWS) ? '' : ' (skipped: ../shared/conformance/flows is missing)'}`, () => {
  // On Calico, egress to any address is egress to pods. Of sockshop nine workloads may be scraped by anybody, so that
  // their ports stay open to all; on Cilium their sources are closed.
  test.each([
    ['bookinfo', 0.2],
    ['onlineboutique', 0.2],
    ['sockshop', 0.7],
  ])('%s: closed, and nothing declared is cut', async (name, most) => {
    const { objects: read } = await readManifests(path.join(FLOWS, name, 'manifests'));
    const placed = read.map((manifest): Manifest => {
      const { namespace: ns, ...metadata } = manifest.metadata;
      return manifest.kind === 'Namespace'
        ? manifest
        : { ...manifest, metadata: { ...metadata, namespace: ns ?? name } };
    });
    const names = new Set(placed.flatMap(({ metadata }) => metadata.namespace ?? []));
    const given = new Set(
      placed.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name),
    );
    const now = snapshotOf({
      objects: [
        namespace('kube-system'),
        daemonSet('kube-system', 'calico-node'),
        ...coreDns(),
        ...[...names].filter((ns) => !given.has(ns)).map((ns) => namespace(ns)),
        ...placed,
      ],
      sandbox: true,
    });
    const then = expectNothingCut(now);
    const open = (reach: Reach) => {
      const apps = reach.workloads.filter((w) => names.has(w.namespace));
      return apps.flatMap((a) =>
        apps.filter(
          (b) => b !== a && reach.between({ workload: a.name }, { workload: b.name }) !== 'No Connections',
        ),
      ).length;
    };
    const outsideOnly = reachOf(
      REACHED.flatMap((kind) => objects(then, kind)),
      { podAddresses: 'ignore' as const },
    );
    expect(open(reachIn(then))).toBeLessThan(open(reachIn(now)) * most);
    expect(open(outsideOnly)).toBeLessThan(open(reachIn(now)) * 0.2);
  });
});
