import fc from 'fast-check';
import { loadTemplates } from '../../src/host/templates.js';
import { at, listAt, type Manifest } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import type { ApplyChange } from '../../src/model/plan.js';
import { type Answers, completeAnswers, needsAnswer } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { type Endpoint, PROTOCOLS } from '../../src/reach/index.js';
import { policyTypes } from '../../steps/default-deny/pretences.js';
import { matches } from '../../steps/default-deny/selectors.js';
import { reachIn } from '../../steps/default-deny/state.js';
import { withoutEndpoints } from '../../steps/metadata-blocking/excepting.js';
import { leaks } from '../../steps/metadata-blocking/leaks.js';
import { metadataBlocking as step } from '../../steps/metadata-blocking.js';
import { expectGolden, yamlText } from '../support/golden.js';
import { daemonSet, networkPolicy, node, pod } from '../support/objects.js';
import { RANDOM, randomCluster } from '../support/random-cluster.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const planOf = (now: Snapshot, given: Answers = {}) =>
  step.plan(now, completeAnswers(step.questions(now), given, true), templates);
const IMDS = { address: '169.254.169.254', ports: [80], what: '' };
const V6 = { address: 'fd00:ec2::254', ports: [80], what: '' };
const rest = (from: number, to: number) => ({ protocol: 'TCP', port: from, endPort: to });
const to = (...cidrs: string[]) => cidrs.map((cidr) => ({ ipBlock: { cidr } }));

describe('one rule without the metadata port', () => {
  test.each<[string, Record<string, unknown>, unknown]>([
    ['that holds no such address', { to: to('192.0.2.0/24') }, undefined],
    ['about other ports', { to: to('0.0.0.0/0'), ports: [{ protocol: 'TCP', port: 443 }] }, undefined],
    ['about UDP', { to: to('0.0.0.0/0'), ports: [{ protocol: 'UDP', port: 80 }] }, undefined],
    [
      'about a named port, which no address has',
      { to: to('0.0.0.0/0'), ports: [{ port: 'http' }] },
      undefined,
    ],
    [
      'that leaves it out already',
      { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] } }] },
      undefined,
    ],
    [
      'about one port: the address goes',
      { to: to('0.0.0.0/0'), ports: [{ port: 80 }] },
      [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] } }], ports: [{ port: 80 }] }],
    ],
    [
      'about a range of ports: its others live on',
      { to: to('169.254.0.0/16'), ports: [{ protocol: 'TCP', port: 50, endPort: 90 }] },
      [
        {
          to: [{ ipBlock: { cidr: '169.254.0.0/16', except: ['169.254.169.254/32'] } }],
          ports: [{ protocol: 'TCP', port: 50, endPort: 90 }],
        },
        { to: to('169.254.169.254/32'), ports: [{ protocol: 'TCP', port: 53 }, rest(50, 79), rest(81, 90)] },
      ],
    ],
    [
      'about the address and that port alone: nothing is left of it, for no peer would mean every peer',
      { to: to('169.254.169.254/32'), ports: [{ protocol: 'TCP', port: 80 }] },
      [],
    ],
  ])('%s', (_name, rule, expected) => {
    expect(withoutEndpoints([rule], [IMDS], true)).toEqual(expected);
  });

  test('without peers: every pod, and both families of addresses', () => {
    const [first, second, third] = withoutEndpoints([{}], [IMDS, V6], true) ?? [];
    expect(first).toEqual({
      to: [
        { namespaceSelector: {} },
        { ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] } },
        { ipBlock: { cidr: '::/0', except: ['fd00:ec2::254/128'] } },
      ],
    });
    expect([at(second, 'to'), at(third, 'to')]).toEqual([to('169.254.169.254/32'), to('fd00:ec2::254/128')]);
  });
});

const on = (...more: readonly Manifest[]) =>
  snapshotOf({
    objects: [
      namespace('kube-system'),
      daemonSet('kube-system', 'calico-node'),
      node('n1', { providerID: 'aws:///eu-central-1a/i-1' }),
      namespace('shop'),
      pod('shop', 'web', { app: 'web' }),
      ...more,
    ],
    sandbox: true,
  });
const INTERNET = { podSelector: {}, policyTypes: ['Egress'], egress: [{ to: to('0.0.0.0/0') }] };
const helm = { managedFields: [{ manager: 'helm', operation: 'Update' }] };
const theirs = networkPolicy('shop', 'internet', INTERNET, helm);
const question = (now: Snapshot) => step.questions(now).find(({ id }) => id === 'except');

describe('a policy that leaks', () => {
  test('is changed only where it is named, and then says so', () => {
    const now = on(theirs);
    expect(question(now)).toMatchObject({
      risk: 'none',
      recommended: [],
      cautious: [],
      choices: [{ value: 'shop/internet', apart: true, note: "somebody else's (helm)" }],
    });
    expect(
      step
        .questions(now)
        .filter(needsAnswer)
        .map(({ id }) => id),
    ).not.toContain('except');
    expect(planOf(now)).toEqual([]);
    const changes = planOf(now, { except: ['shop/internet'] });
    expectGolden(
      'metadata-blocking/mechanisms/except.golden.yaml',
      yamlText({ questions: step.questions(now), changes }),
    );
    const then = overlay(now, changes);
    expect(step.assess(then, {}).map(({ id }) => id)).not.toContain('metadata-allowed-by-policy');
    expect(question(then)).toBeUndefined();
    expect(planOf(then, { except: ['shop/internet'] })).toEqual([]);
  });

  test('of ours is proposed, and keeps its labels', () => {
    const labels = {
      'app.kubernetes.io/managed-by': 'kubectl-harden',
      'app.kubernetes.io/component': 'default-deny',
    };
    const managedFields = [{ manager: 'kubectl-harden', operation: 'Apply' }];
    const now = on(networkPolicy('shop', 'default-deny', INTERNET, { labels, managedFields }));
    expect(question(now)).toMatchObject({
      risk: 'cutsTraffic',
      recommended: ['shop/default-deny'],
      cautious: [],
    });
    const [change] = planOf(now) as [ApplyChange];
    expect(change.manifest.metadata.labels).toEqual(labels);
    expect(change.force).toBeUndefined();
  });

  test('names the workloads that would lose their credentials', () => {
    const bound = pod('shop', 'report', { app: 'report', aadpodidbinding: 'report' });
    const choice = at(question(on(theirs, bound)), 'choices', 0, 'note');
    expect(choice).toContain('shop/report[Pod] would lose the address');
  });

  test('keeps what it closes where it said nothing about directions', () => {
    const now = on(
      networkPolicy('shop', 'x', {
        podSelector: {},
        egress: [{ to: to('169.254.169.254/32'), ports: [{ port: 80 }] }],
      }),
    );
    const [change] = planOf(now, { except: ['shop/x'] }) as [ApplyChange];
    expect(change.manifest.spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'], egress: [] });
  });

  test('where a policy for the whole cluster can take it back, or ranges match no nodes, it is left as it is', () => {
    const cilium = object('apps/v1', 'DaemonSet', 'kube-system', 'cilium', {
      spec: { template: { spec: { containers: [] } } },
    });
    expect(leaks(on(theirs, cilium))).toEqual([]);
  });
});

const METADATA = ['169.254.169.254', 'fd00:ec2::254'];
const OTHERS = ['169.254.170.23', '192.0.2.9', '2001:db8::1'];
const PORTS = [1, 53, 79, 80, 81, 123, 443, 65535];
const sources = (now: Snapshot): Endpoint[] => [
  ...RANDOM.namespaces.map((name) => ({ freshPod: name })),
  ...reachIn(now)
    .workloads.filter(({ namespace: ns }) => ns !== 'kube-system')
    .map(({ name }) => ({ workload: name })),
];

test('with every leak closed, what is permitted is what was, less the metadata ports of pods that policies select', () => {
  let amended = 0;
  fc.assert(
    fc.property(randomCluster, (manifests) => {
      const now = snapshotOf({ objects: manifests, sandbox: true });
      const except = leaks(now).map(({ policy }) => `${policy.metadata.namespace}/${policy.metadata.name}`);
      const changes = planOf(now, { namespaces: [], except });
      amended += changes.length;
      for (const change of changes)
        expect(listAt((change as ApplyChange).manifest, 'spec', 'egress')).not.toContainEqual({ to: [] });
      const then = overlay(now, changes);
      const [before, after] = [reachIn(now), reachIn(then)];
      const pods = sources(now);
      const wrong: unknown[] = [];
      for (const src of pods) {
        for (const dst of pods)
          if (before.between(src, dst) !== after.between(src, dst)) wrong.push([src, dst]);
        for (const address of OTHERS)
          if (before.between(src, { address }) !== after.between(src, { address }))
            wrong.push([src, address]);
        for (const address of [...METADATA, ...OTHERS])
          if (before.between({ address }, src) !== after.between({ address }, src))
            wrong.push([address, src]);
        for (const address of METADATA)
          for (const protocol of PROTOCOLS)
            for (const port of PORTS) {
              const was = before.allows(src, { address }, protocol, port);
              const closed = protocol === 'TCP' && port === 80 && isSelected(now, src);
              if (after.allows(src, { address }, protocol, port) !== (was && !closed))
                wrong.push([src, address, protocol, port]);
            }
      }
      expect(wrong).toEqual([]);
      expect(leaks(then)).toEqual([]);
    }),
    { numRuns: Number(process.env.METADATA_RUNS ?? 40) },
  );
  expect(amended).toBeGreaterThan(0);
});

/** Whether some policy selects a pod for egress. */
function isSelected(now: Snapshot, src: Endpoint): boolean {
  const [ns, rest = ''] =
    'freshPod' in src ? [src.freshPod] : 'workload' in src ? src.workload.split('/') : [];
  const found = objects(now, 'Pod').find(
    ({ metadata }) => metadata.namespace === ns && metadata.name === rest.split('[')[0],
  );
  const labels = new Map(Object.entries(found?.metadata.labels ?? {}));
  return objects(now, 'NetworkPolicy').some(
    (policy) =>
      policy.metadata.namespace === ns &&
      policyTypes(policy).includes('egress') &&
      matches((policy.spec as { podSelector: Record<string, unknown> }).podSelector, labels),
  );
}
