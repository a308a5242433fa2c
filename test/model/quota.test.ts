import { admitPod, rulesOf, withPod } from '../../src/model/admission.js';
import { blockedBy } from '../../src/model/blocked.js';
import type { Manifest } from '../../src/model/manifest.js';
import { isCounted, linesFor, needsOf } from '../../src/model/needs.js';
import { amountText } from '../../src/model/quantity.js';
import { claimCharge, quotaAmounts, quotaKey, serviceCharge } from '../../src/model/quota.js';
import { covers, scopesOf, unknownScopes } from '../../src/model/quota-scopes.js';
import { refusals } from '../../src/model/refusals.js';
import { NOTHING, podSizes } from '../../src/model/size.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

const text = (amounts: Readonly<Record<string, bigint>>) =>
  Object.fromEntries(Object.entries(amounts).map(([name, value]) => [name, amountText(name, value)]));
const quota = (hard: object, more: object = {}, used?: object): Manifest =>
  object('v1', 'ResourceQuota', 'a', 'q', {
    spec: { hard, ...more },
    ...(used === undefined ? {} : { status: { hard, used } }),
  });
const pod = (requests: object = {}, more: object = {}) => ({
  containers: [{ name: 'c', resources: { requests } }],
  ...more,
});
const workload = (kind: string, name: string, spec: object, template: object = pod({ cpu: '1' })) =>
  object(kind.endsWith('Job') ? 'batch/v1' : 'apps/v1', kind, 'a', name, {
    spec: { ...spec, template: { spec: template } },
  });

test.each([
  ['cpu', 'requests.cpu'],
  ['hugepages-2Mi', 'requests.hugepages-2Mi'],
  ['count/services', 'services'],
  ['count/secrets', 'secrets'],
  ['count/pods', 'count/pods'],
  ['count/deployments.apps', 'count/deployments.apps'],
])('the key %s is %s', (written, key) => {
  expect(quotaKey(written)).toBe(key);
});

test('of two names for the same the smaller amount counts', () => {
  expect(text(quotaAmounts({ cpu: '2', 'requests.cpu': '1500m', pods: '3' }))).toEqual({
    'requests.cpu': '1500m',
    pods: '3',
  });
});

describe('scopes', () => {
  const terminating = pod({}, { activeDeadlineSeconds: 0 });
  const asking = pod({ cpu: '1m' });
  const urgent = pod({}, { priorityClassName: 'high' });
  const term = { topologyKey: 'zone', namespaceSelector: {} };
  const reaching = pod(
    {},
    {
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }],
        },
      },
    },
  );
  const of = (scopeName: string, operator: string, values?: string[]) => ({
    scopeSelector: { matchExpressions: [{ scopeName, operator, ...(values && { values }) }] },
  });
  test.each([
    ['Terminating', { scopes: ['Terminating'] }, terminating, pod()],
    ['NotTerminating', { scopes: ['NotTerminating'] }, pod(), terminating],
    ['BestEffort', { scopes: ['BestEffort'] }, pod({ cpu: '0', 'ephemeral-storage': '1Gi' }), asking],
    ['NotBestEffort', { scopes: ['NotBestEffort'] }, asking, pod()],
    ['PriorityClass', { scopes: ['PriorityClass'] }, urgent, pod()],
    ['PriorityClass DoesNotExist', of('PriorityClass', 'DoesNotExist'), pod(), urgent],
    ['PriorityClass In', of('PriorityClass', 'In', ['high']), urgent, pod()],
    ['PriorityClass NotIn counts pods without one', of('PriorityClass', 'NotIn', ['high']), pod(), urgent],
    ['CrossNamespacePodAffinity', of('CrossNamespacePodAffinity', 'Exists'), reaching, pod()],
    [
      'all of them',
      { scopes: ['NotTerminating'], ...of('PriorityClass', 'Exists') },
      urgent,
      { ...urgent, activeDeadlineSeconds: 1 },
    ],
  ])('%s', (_name, spec, inside, outside) => {
    const scopes = scopesOf(quota({ pods: '1' }, spec));
    expect([inside, outside].map((one) => covers(scopes, one, podSizes(one)))).toEqual([true, false]);
  });

  test('one that we do not know is said and judges nothing', () => {
    const strange = quota({ pods: '0' }, { scopes: ['Fancy'] });
    expect(unknownScopes(strange)).toEqual(['scope "Fancy"']);
    expect(unknownScopes(quota({}, of('PriorityClass', 'Like', ['x'])))).toEqual([
      'operator "Like" of scope PriorityClass',
    ]);
    expect(covers(scopesOf(strange), pod(), podSizes(pod()))).toBeUndefined();
    const now = snapshotOf({ objects: [namespace('a'), workload('Deployment', 'x', {})] });
    expect(refusals(now, 'a', [], [strange])).toEqual([]);
  });
});

test('a pod after the other, until the quota is full; what counts for nothing always fits', () => {
  let rules = rulesOf([], [quota({ 'requests.cpu': '250m', 'requests.memory': '0' })]);
  const one = pod({ cpu: '100m', memory: '0' });
  const verdicts = [0, 1, 2].map(() => {
    const verdict = admitPod(one, rules);
    if (verdict.refused.length === 0) rules = withPod(rules, verdict);
    return verdict.refused.map((refused) => refused.by === 'quota' && refused.message);
  });
  expect(verdicts).toEqual([[], [], ['requests.cpu: 100m beside 200m in use of 250m; 300m would admit it']]);
});

test('a quota demands values of every container, but of none where the pod declares resources', () => {
  const rules = rulesOf([], [quota({ 'limits.memory': '1Gi', 'requests.cpu': '1' })]);
  const keys = (spec: object) =>
    admitPod(spec, rules).refused.map((refused) => refused.by === 'quota' && refused.key);
  expect(keys(pod())).toEqual(['limits.memory', 'requests.cpu']);
  expect(keys(pod({}, { resources: { requests: { cpu: '1' } } }))).toEqual([]);
});

test.each([
  ['ClusterIP', {}, { services: '1' }],
  ['NodePort', {}, { services: '1', 'services.nodeports': '2' }],
  ['LoadBalancer', {}, { services: '1', 'services.loadbalancers': '1', 'services.nodeports': '2' }],
  [
    'LoadBalancer',
    { allocateLoadBalancerNodePorts: false },
    { services: '1', 'services.loadbalancers': '1', 'services.nodeports': '1' },
  ],
])('a Service of type %s %j', (type, more, expected) => {
  const ports = [{ port: 80 }, { port: 443, nodePort: 30443 }];
  expect(text(serviceCharge(object('v1', 'Service', 'a', 's', { spec: { type, ports, ...more } })))).toEqual(
    expected,
  );
});

test('a claim counts in whole bytes, for itself and for its class; without one for whichever it may get', () => {
  const claim = (more: object) => ({ spec: { resources: { requests: { storage: '1500m' } }, ...more } });
  const own = { persistentvolumeclaims: '1', 'requests.storage': '2' };
  const fast = {
    'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
    'fast.storageclass.storage.k8s.io/requests.storage': '2',
  };
  expect(text(claimCharge(claim({ storageClassName: 'fast' }), ['slow']))).toEqual({ ...own, ...fast });
  expect(text(claimCharge(claim({ storageClassName: '' }), ['fast']))).toEqual(own);
  expect(text(claimCharge(claim({}), ['fast']))).toEqual({ ...own, ...fast });
});

describe('needs', () => {
  const needs = (objects: readonly Manifest[], scopes?: object) =>
    text(
      needsOf(snapshotOf({ objects: [namespace('a'), ...objects] }), 'a', {
        defaults: NOTHING,
        ...(scopes && { scopes: scopesOf(quota({}, scopes)) }),
      }).total,
    );

  test.each([
    ['surge in percent is rounded up', workload('Deployment', 'd', { replicas: 5 }), '7'],
    ['Recreate has none', workload('Deployment', 'd', { replicas: 5, strategy: { type: 'Recreate' } }), '5'],
    ['a StatefulSet has none', workload('StatefulSet', 's', { replicas: 5 }), '5'],
    ['a Job runs so many at a time', workload('Job', 'j', { parallelism: 4, completions: 3 }), '3'],
  ])('%s', (_name, one, pods) => {
    expect(needs([one])).toMatchObject({ pods, 'requests.cpu': pods });
  });

  test('an autoscaler decides how many', () => {
    const scaler = object('autoscaling/v2', 'HorizontalPodAutoscaler', 'a', 'h', {
      spec: { maxReplicas: 9, scaleTargetRef: { kind: 'Deployment', name: 'd' } },
    });
    expect(needs([workload('Deployment', 'd', { replicas: 2 }), scaler])).toMatchObject({ pods: '12' });
  });

  test('overhead of a RuntimeClass is in it before any pod has run', () => {
    const boxed = object('node.k8s.io/v1', 'RuntimeClass', undefined, 'boxed', {
      overhead: { podFixed: { cpu: '250m' } },
    });
    const one = workload('StatefulSet', 's', {}, pod({ cpu: '1' }, { runtimeClassName: 'boxed' }));
    expect(needs([one, boxed])).toMatchObject({ 'requests.cpu': '1250m' });
  });

  test('of a quota with scopes only what it counts', () => {
    const low = object('scheduling.k8s.io/v1', 'PriorityClass', undefined, 'low', { globalDefault: true });
    const two = [
      workload('StatefulSet', 's', {}),
      workload('StatefulSet', 't', {}, pod({ cpu: '3' }, { priorityClassName: 'high' })),
    ];
    const scope = (values: string[]) => ({
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values }] },
    });
    expect(needs(two, scope(['high']))).toEqual({ pods: '1', 'count/pods': '1', 'requests.cpu': '3' });
    expect(needs([...two, low], scope(['low']))).toMatchObject({ 'requests.cpu': '1' });
  });

  test('finished pods and mirrors count as the server counts them', () => {
    const done = object('v1', 'Pod', 'a', 'done', {
      spec: pod({ cpu: '1' }),
      status: { phase: 'Succeeded' },
    });
    const mirror = object('v1', 'Pod', 'a', 'static', {
      metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } },
      spec: pod({ cpu: '2' }),
    });
    expect(needs([done, mirror])).toMatchObject({ pods: '1', 'count/pods': '2', 'requests.cpu': '2' });
  });

  test('claims: those that are there, those a StatefulSet has yet to make, those of single pods', () => {
    const storage = { resources: { requests: { storage: '1Gi' } } };
    const claim = (name: string, more: object = {}) =>
      object('v1', 'PersistentVolumeClaim', 'a', name, { spec: storage, metadata: more });
    const stateful = object('apps/v1', 'StatefulSet', 'a', 'db', {
      spec: {
        replicas: 3,
        volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: storage }],
        template: { spec: pod() },
      },
    });
    const scratch = { name: 'v', ephemeral: { volumeClaimTemplate: { spec: storage } } };
    const now = [
      stateful,
      claim('data-db-0'),
      claim('other'),
      workload('Deployment', 'd', { replicas: 4 }, pod({}, { volumes: [scratch] })),
      claim('d-1-v', { ownerReferences: [{ kind: 'Pod', name: 'd-1', apiVersion: 'v1', uid: 'u' }] }),
    ];
    // 2 are there, 2 of the StatefulSet are yet to come, 5 pods of the Deployment at most.
    expect(needs(now)).toMatchObject({ persistentvolumeclaims: '9', 'requests.storage': '9Gi' });
  });

  test('objects are counted, with the ReplicaSets of a roll', () => {
    const now = [workload('Deployment', 'd', {}), workload('ReplicaSet', 'r', {})];
    expect(needs(now)).toMatchObject({ 'count/deployments.apps': '1', 'count/replicasets.apps': '2' });
    const seen = snapshotOf({ objects: now });
    expect(
      ['count/deployments.apps', 'secrets', 'requests.storage'].map((key) => isCounted(seen, key)),
    ).toEqual([true, false, true]);
  });

  test('the sum of a key can be shown, largest first', () => {
    const now = snapshotOf({
      objects: [workload('StatefulSet', 's', { replicas: 2 }), workload('Deployment', 'd', { replicas: 4 })],
    });
    const lines = linesFor(needsOf(now, 'a', { defaults: NOTHING }), 'requests.cpu');
    expect(lines.map(({ what, words }) => `${what}: ${words}`)).toEqual([
      'Deployment d: 4 pods and 1 of surge',
      'StatefulSet s: 2 pods',
    ]);
  });
});

describe('what a full quota blocks', () => {
  const blocked = (objects: readonly Manifest[], hard: object, used: object, more: object = {}) =>
    blockedBy(snapshotOf({ objects }), 'a', [], quota(hard, more, used)).map(
      ({ key, refs, what }) => `${key}: ${what}: ${refs.map(({ name }) => name).join(' ')}`,
    );
  const three = [
    workload('Deployment', 'small', {}, pod({ cpu: '100m' })),
    workload('Deployment', 'large', {}, pod({ cpu: '2' })),
    workload('Job', 'silent', {}, pod()),
  ];

  test.each([
    ['full', { 'requests.cpu': '3' }, { 'requests.cpu': '3' }, ['requests.cpu: new pods: large small']],
    ['nearly full', { 'requests.cpu': '3' }, { 'requests.cpu': '2' }, ['requests.cpu: new pods: large']],
    ['room for all', { 'requests.cpu': '3' }, { 'requests.cpu': '1' }, []],
    ['no pods left', { pods: '3' }, { pods: '3' }, ['pods: new pods: large small silent']],
    [
      'no ReplicaSet left: no roll of a Deployment',
      { 'count/replicasets.apps': '2' },
      { 'count/replicasets.apps': '2' },
      ['count/replicasets.apps: new objects of kind ReplicaSet: large small'],
    ],
    [
      'what nobody here makes',
      { configmaps: '1', 'count/widgets.example.com': '1' },
      { configmaps: '2', 'count/widgets.example.com': '1' },
      [
        'configmaps: new objects of kind ConfigMap: ',
        'count/widgets.example.com: new objects of kind widgets.example.com: ',
      ],
    ],
    ['a ban', { 'services.nodeports': '0' }, { 'services.nodeports': '0' }, []],
  ])('%s', (_name, hard, used, expected) => {
    expect(blocked(three, hard, used)).toEqual(expected);
  });

  test('only those that it counts', () => {
    expect(blocked(three, { pods: '1' }, { pods: '1' }, { scopes: ['BestEffort'] })).toEqual([
      'pods: new pods: silent',
    ]);
  });

  const storage = (size: string, storageClassName?: string) => ({
    metadata: { name: 'data' },
    spec: { resources: { requests: { storage: size } }, ...(storageClassName && { storageClassName }) },
  });
  const set = (name: string, ...claims: object[]) =>
    workload('StatefulSet', name, { volumeClaimTemplates: claims });
  const GOLD = 'gold.storageclass.storage.k8s.io/requests.storage';
  const scratch = { name: 'tmp', ephemeral: { volumeClaimTemplate: storage('5Gi') } };
  const clone = object('v1', 'Pod', 'a', 'web-x', {
    metadata: {
      ownerReferences: [
        { apiVersion: 'apps.kruise.io/v1alpha1', kind: 'CloneSet', name: 'web', uid: 'u', controller: true },
      ],
    },
    spec: { ...pod(), volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-web-x' } }] },
  });
  const claim = object('v1', 'PersistentVolumeClaim', 'a', 'data-web-x', {
    spec: storage('9Gi').spec,
  });

  test.each<[string, readonly Manifest[], string, string, string, readonly string[]]>([
    [
      'whose claims are too large',
      [set('a', storage('6Gi')), set('b', storage('1Gi'))],
      'requests.storage',
      '10Gi',
      '5Gi',
      ['new claims: a'],
    ],
    [
      'who makes claims at all',
      [set('a', storage('1')), set('b')],
      'persistentvolumeclaims',
      '2',
      '2',
      ['new claims: a'],
    ],
    [
      'whose claims are of the class, or of none',
      [set('a', storage('6Gi', 'gold')), set('b', storage('6Gi', 'tin')), set('c', storage('6Gi'))],
      GOLD,
      '10Gi',
      '5Gi',
      ['new claims of class gold: a c'],
    ],
    [
      'whose pods make claims',
      [workload('Deployment', 'd', {}, pod({}, { volumes: [scratch] }))],
      'requests.storage',
      '10Gi',
      '6Gi',
      ['new claims: d'],
    ],
    [
      'whose pods have claims each for itself, of a kind that is not read',
      [clone, claim],
      'requests.storage',
      '10Gi',
      '2Gi',
      ['new claims: web'],
    ],
    ['nobody where one more fits', [set('a', storage('5Gi'))], 'requests.storage', '10Gi', '5Gi', []],
    [
      'the CronJob that may make no Job',
      [workload('CronJob', 'c', {})],
      'count/jobs.batch',
      '0',
      '0',
      ['new objects of kind Job: c'],
    ],
    [
      'what rolls by revisions',
      [set('a'), workload('DaemonSet', 'd', {}), workload('Deployment', 'x', {})],
      'count/controllerrevisions.apps',
      '4',
      '4',
      ['new objects of kind controllerrevisions.apps: d a'],
    ],
    [
      'nobody where Deployments alone are counted',
      [workload('Deployment', 'x', {})],
      'count/deployments.apps',
      '1',
      '1',
      ['new objects of kind Deployment: '],
    ],
    [
      'no Job that is over',
      [
        object('batch/v1', 'Job', 'a', 'j', {
          spec: { template: { spec: pod() } },
          status: { conditions: [{ type: 'Complete', status: 'True' }] },
        }),
      ],
      'pods',
      '1',
      '1',
      ['new pods: '],
    ],
  ])('it names %s', (_name, objects, key, hard, used, expected) => {
    expect(blocked(objects, { [key]: hard }, { [key]: used })).toEqual(
      expected.map((one) => `${key}: ${one}`),
    );
  });

  test('Services that count are named', () => {
    const service = (name: string, type: string) =>
      object('v1', 'Service', 'a', name, { spec: { type, ports: [{ port: 80 }] } });
    const services = [
      service('in', 'LoadBalancer'),
      service('node', 'NodePort'),
      service('plain', 'ClusterIP'),
    ];
    const keys = { services: '3', 'services.loadbalancers': '1', 'services.nodeports': '2' };
    expect(blocked(services, keys, keys)).toEqual([
      'services: new Services: in node plain',
      'services.loadbalancers: new Services of type LoadBalancer: in',
      'services.nodeports: new Services of type NodePort or LoadBalancer, and more ports of those: in node',
    ]);
  });
});

test('a template that cannot be admitted is named with the field and the smallest value', () => {
  const range = object('v1', 'LimitRange', 'a', 'r', {
    spec: {
      limits: [
        { type: 'Container', min: { cpu: '50m' }, maxLimitRequestRatio: { memory: '1.5' } },
        { type: 'PersistentVolumeClaim', max: { storage: '1Gi' } },
      ],
    },
  });
  const one = object('apps/v1', 'StatefulSet', 'a', 'db', {
    spec: {
      volumeClaimTemplates: [
        { metadata: { name: 'data' }, spec: { resources: { requests: { storage: '2Gi' } } } },
      ],
      template: {
        spec: {
          containers: [
            { name: 'c', resources: { requests: { cpu: '10m', memory: '1Gi' }, limits: { memory: '3Gi' } } },
          ],
        },
      },
    },
  });
  const now = snapshotOf({ objects: [namespace('a'), one] });
  const found = refusals(now, 'a', [range], [quota({ 'requests.memory': '512Mi' })]);
  expect(found.map(({ ref, message }) => `${ref.name}: ${message}`)).toEqual([
    'db: containers[0].resources.requests.cpu: requests 10m: the least that is admitted is 50m',
    'db: containers[0].resources.requests.memory: requests 1Gi, limit 3Gi: limit and request may be 1500m times apart, so the least request that is admitted is 2Gi',
    'db: requests.memory: 1Gi of 512Mi; 1Gi would admit it',
    'db: volumeClaimTemplates data: resources.requests.storage: requests 2Gi, max is 1Gi: a max of 2Gi would admit it',
    'q: requests.memory: 1Gi needed, 512Mi allowed; most by StatefulSet db',
  ]);
});
