import fc from 'fast-check';
import { loadTemplates } from '../../src/host/templates.js';
import type { Manifest } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import { canonical } from '../../src/model/plan.js';
import { type Answers, completeAnswers } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import type { Step } from '../../src/model/step.js';
import { type Endpoint, PROTOCOLS, reachOf } from '../../src/reach/index.js';
import { REACHED, reachIn } from '../../steps/default-deny/state.js';
import { defaultDeny } from '../../steps/default-deny.js';
import { reachHere } from '../../steps/metadata-blocking/blocks.js';
import { metadataBlocking } from '../../steps/metadata-blocking.js';
import { RANDOM, randomCluster } from '../support/random-cluster.js';
import { object, snapshotOf } from '../support/snapshot.js';
import { METADATA_CLUSTERS } from './metadata-clusters.js';
import { antrea, calico, cilium, type Packet, type Verdict } from './metadata-evaluators.js';

/** `METADATA_RUNS=500` for a long series. */
const RUNS = { numRuns: Number(process.env.METADATA_RUNS ?? 10) };
const templates = await loadTemplates();
const METADATA = ['169.254.169.254', 'fd00:ec2::254'];
const OTHERS = ['169.254.170.23', '169.254.20.10', '192.0.2.9', '2001:db8::1', 'fd00:ec2::23'];
const PORTS = [1, 53, 79, 80, 81, 123, 443, 65535];

const changesOf = (now: Snapshot, step: Step, given: Answers = {}) =>
  step.plan(now, completeAnswers(step.questions(now), given, true), templates);
const done = (now: Snapshot, step: Step, given: Answers = {}) => overlay(now, changesOf(now, step, given));

/** Pods that exist and pods to come of the namespaces that may be chosen. */
const sources = (now: Snapshot): Endpoint[] => [
  ...RANDOM.namespaces.map((name) => ({ freshPod: name })),
  ...reachIn(now)
    .workloads.filter(({ namespace }) => namespace !== 'kube-system')
    .map(({ name }) => ({ workload: name })),
];

/** What the plugin makes of a packet, by its own objects as its documentation says; the engine answers for the rest. */
const EVALUATORS: Readonly<Record<string, (now: Snapshot, packet: Packet) => Verdict>> = {
  cilium: (now, packet) => cilium(objects(now, 'CiliumClusterwideNetworkPolicy'), packet),
  calico: (now, packet) =>
    calico([...objects(now, 'CalicoTier'), ...objects(now, 'CalicoGlobalNetworkPolicy')], packet),
  antrea: (now, packet) => antrea(objects(now, 'AntreaClusterNetworkPolicy'), packet),
};

/** Policies of the Admin tier that other people have, where the API is served. */
const ADMIN = {
  'cluster-network-policy': {
    version: 'v1alpha2',
    kind: 'ClusterNetworkPolicy',
    allow: 'Accept',
    tier: { tier: 'Admin' },
  },
  'admin-network-policy': { version: 'v1alpha1', kind: 'AdminNetworkPolicy', allow: 'Allow', tier: {} },
} as const;
const foreign = (mechanism: string) => {
  const row = ADMIN[mechanism as keyof typeof ADMIN];
  if (row === undefined) return fc.constant<readonly Manifest[]>([]);
  const rule = fc.record({
    action: fc.constantFrom(row.allow, 'Deny', 'Pass'),
    to: fc.constantFrom(
      [{ networks: ['169.254.0.0/16'] }],
      [{ networks: ['0.0.0.0/0'] }],
      [{ namespaces: {} }],
    ),
  });
  return fc
    .array(
      fc
        .record({
          name: fc.constantFrom('a', 'b'),
          priority: fc.constantFrom(5, 10, 50),
          egress: fc.array(rule, { maxLength: 2 }),
        })
        .map(({ name, ...spec }) =>
          object(`policy.networking.k8s.io/${row.version}`, row.kind, undefined, `${name}-${spec.priority}`, {
            spec: { ...row.tier, subject: { namespaces: {} }, ...spec },
          }),
        ),
      { maxLength: 2 },
    )
    .map((list) => [...new Map(list.map((one) => [at(one), one])).values()]);
};
const at = ({ spec }: Manifest) => (spec as { priority: number }).priority;

/** A generated cluster in which a plugin runs. */
const clusters = (cluster: (typeof METADATA_CLUSTERS)[number]) =>
  fc.tuple(randomCluster, foreign(cluster.mechanism)).map(([manifests, others]) =>
    snapshotOf({
      objects: [...manifests.filter(({ kind }) => kind !== 'DaemonSet'), ...cluster.objects, ...others],
      served: cluster.served,
      sandbox: true,
    }),
  );

/** Everything between pods, and from addresses: by the engine. */
function inside(now: Snapshot): readonly string[] {
  const reach = reachHere(now);
  const pods = sources(now);
  return pods.flatMap((src) => [
    ...pods.map((dst) => canonical([src, dst, reach.between(src, dst)])),
    ...[...METADATA, ...OTHERS].map((address) => canonical([address, src, reach.between({ address }, src)])),
    ...OTHERS.map((address) => canonical([src, address, reach.between(src, { address })])),
  ]);
}

/** Whether a pod may connect to an address, by the plugin's own objects and the engine's answer for all others. */
function permits(mechanism: string, now: Snapshot) {
  const evaluate = EVALUATORS[mechanism];
  const engine = evaluate === undefined ? reachIn(now) : bare(now);
  return (src: Endpoint, address: string, protocol: (typeof PROTOCOLS)[number], port: number) => {
    const packet = { ...podOf(now, src), address, protocol, port };
    const verdict = evaluate?.(now, packet) ?? 'next';
    return verdict === 'next' ? engine.allows(src, { address }, protocol, port) : verdict === 'allowed';
  };
}

/** The engine without what stands for policies of plugins. */
const bare = (now: Snapshot) => reachOf(REACHED.flatMap((kind) => objects(now, kind)));

function podOf(now: Snapshot, src: Endpoint): Pick<Packet, 'namespace' | 'labels'> {
  if ('freshPod' in src) return { namespace: src.freshPod, labels: {} };
  const [namespace, rest = ''] = 'workload' in src ? src.workload.split('/') : [''];
  const found = objects(now, 'Pod').find(
    ({ metadata }) => metadata.namespace === namespace && metadata.name === rest.split('[')[0],
  );
  return { namespace: namespace ?? '', labels: found?.metadata.labels ?? {} };
}

const WIDE = METADATA_CLUSTERS.filter(({ mechanism }) => mechanism !== 'networkpolicy');

/** The permitted connections after are those before, less the metadata ports of the pods that are kept away. */
function expectSubset(mechanism: string, now: Snapshot, then: Snapshot) {
  expect(inside(then)).toEqual(inside(now));
  const [before, after] = [permits(mechanism, now), permits(mechanism, then)];
  const chosen = completeAnswers(metadataBlocking.questions(now), {}, true).namespaces ?? [];
  const engine = reachHere(then);
  const others = [...objects(now, 'ClusterNetworkPolicy'), ...objects(now, 'AdminNetworkPolicy')];
  const wrong: unknown[] = [];
  let besideOthers = 0;
  for (const src of sources(now))
    for (const address of [...METADATA, ...OTHERS])
      for (const protocol of PROTOCOLS)
        for (const port of PORTS) {
          const isMetadata = METADATA.includes(address) && protocol === 'TCP' && port === 80;
          const was = before(src, address, protocol, port);
          const is = after(src, address, protocol, port);
          const mine = (chosen as readonly string[]).includes(podOf(now, src).namespace);
          // What a policy of somebody else decides before ours stays as it was.
          const decided = others.length > 0 && was && is;
          const expected = isMetadata && mine && !decided ? false : was;
          // What the step itself computes of the plugin's objects is what the plugin's documentation says.
          const computed = engine.allows(src, { address }, protocol, port);
          if (is !== expected || computed !== is)
            wrong.push({ src, address, protocol, port, is, expected, computed });
          if (others.length > 0 && isMetadata && was && !is) besideOthers++;
        }
  expect(wrong).toEqual([]);
  return { others: others.length > 0, besideOthers };
}

describe.each(WIDE)('by $mechanism', (cluster) => {
  const { mechanism } = cluster;

  test('permits what was permitted before but the metadata ports, exactly', () => {
    let decidedByOthers = 0;
    const met: number[] = [];
    fc.assert(
      fc.property(clusters(cluster), (now) => {
        const then = done(now, metadataBlocking);
        const seen = expectSubset(mechanism, now, then);
        if (seen.others) met.push(seen.besideOthers);
        expect(changesOf(then, metadataBlocking)).toEqual([]);
        if (changesOf(now, metadataBlocking).length === 0) decidedByOthers++;
      }),
      RUNS,
    );
    expect(decidedByOthers).toBeLessThan(RUNS.numRuns);
    // Beside policies of others the block has an effect, too: not everything that stays open is their decision.
    if (met.length > 3) expect(Math.max(...met)).toBeGreaterThan(0);
  });

  test('after default-deny too, and either order ends the same', () => {
    fc.assert(
      fc.property(clusters(cluster), (now) => {
        const closed = done(now, defaultDeny);
        const denyFirst = done(closed, metadataBlocking);
        expectSubset(mechanism, closed, denyFirst);
        const blocked = done(now, metadataBlocking);
        const blockFirst = done(blocked, defaultDeny);
        expect(inside(blockFirst)).toEqual(inside(denyFirst));
        // What is closed first needs no deny; either way nobody reaches it who did not before.
        const [a, b, was] = [denyFirst, blockFirst, now].map((one) => permits(mechanism, one!)) as [
          ReturnType<typeof permits>,
          ReturnType<typeof permits>,
          ReturnType<typeof permits>,
        ];
        const wrong = sources(now).flatMap((src) =>
          METADATA.flatMap((address) =>
            PORTS.filter((port) => {
              const either = a(src, address, 'TCP', port);
              return b(src, address, 'TCP', port) !== either || (either && !was(src, address, 'TCP', port));
            }).map((port) => ({ src, address, port })),
          ),
        );
        expect(wrong).toEqual([]);
        expect(changesOf(blockFirst, defaultDeny)).toEqual([]);
        expect(changesOf(blockFirst, metadataBlocking)).toEqual([]);
      }),
      RUNS,
    );
  });
});
