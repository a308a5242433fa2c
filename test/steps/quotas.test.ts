import { loadTemplates } from '../../src/host/templates.js';
import { ownChoice } from '../../src/model/managed-by.js';
import { at, type Manifest, refText } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import type { ApplyChange } from '../../src/model/plan.js';
import { type Answers, completeAnswers, type Question } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { TemplateError } from '../../src/model/template.js';
import { quotas as step } from '../../steps/quotas.js';
import { expectGolden, manifestsIn, yamlText } from '../support/golden.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const shop = snapshotOf({ objects: manifestsIn('quotas/shop/cluster.yaml') });
const ALL = ['empty', 'ingress-nginx', 'large', 'silent', 'partial', 'several', 'done'];

function planOf(now: Snapshot, given: Answers = {}, using = templates): readonly ApplyChange[] {
  return step.plan(now, completeAnswers(step.questions(now), given, true), using) as ApplyChange[];
}
const specOf = (changes: readonly ApplyChange[], ref: string) =>
  changes.find((change) => refText(change.ref) === ref)?.manifest.spec;
const findingsOf = (now: Snapshot) =>
  step.assess(now, {}).map(({ id, object }) => `${id} ${object === undefined ? '' : refText(object)}`);

function deployment(ns: string, name: string, container: object, replicas = 1): Manifest {
  return object('apps/v1', 'Deployment', ns, name, {
    spec: { replicas, template: { spec: { containers: [{ name: 'c', ...container }] } } },
  });
}

test.each([
  ['plan', { namespaces: ALL, amendExisting: true }],
  ['plan-with-limits', { namespaces: ALL, amendExisting: true, limits: true, headroom: 0 }],
])('a shop with a namespace for each case: %s', (name, given) => {
  const answers = completeAnswers(step.questions(shop), given, true);
  const text = yamlText({
    questions: step.questions(shop),
    findings: step.assess(shop, answers),
    changes: step.plan(shop, answers, templates).map(({ ...change }) => {
      delete (change as Partial<ApplyChange>).before;
      return change;
    }),
  });
  expectGolden(`quotas/shop/${name}.golden.yaml`, text);
});

describe('questions', () => {
  const question = (now: Snapshot, id: string) => step.questions(now).find((q) => q.id === id) as Question;

  test("users' namespaces are recommended, the platform's are offered, the cluster's apart", () => {
    const asked = question(shop, 'namespaces');
    if (asked.type !== 'choices') throw new Error('not a choice');
    expect(
      asked.choices
        .filter((c) => !c.apart)
        .map((c) => c.value)
        .toSorted(),
    ).toEqual(ALL.toSorted());
    expect(asked.choices.filter((c) => c.apart).map((c) => c.value)).toEqual(['kube-system']);
    expect(asked.recommended).not.toContain('kube-system');
    expect(asked.recommended).not.toContain('ingress-nginx');
    expect(asked.recommended).toContain('large');
    expect(asked.cautious).toEqual([]);
  });

  test('on a real cluster nothing is done without an answer', () => {
    const answers = completeAnswers(step.questions(shop), {}, false);
    expect(step.plan(shop, answers, templates)).toEqual([]);
  });

  test('amending is asked only where a LimitRange lacks something', () => {
    expect(question(shop, 'amendExisting').message).toContain('of partial?');
    expect(question(snapshotOf({ objects: [namespace('a')] }), 'amendExisting')).toBeUndefined();
  });
});

describe('LimitRange', () => {
  test('only default requests are proposed: nothing that kills or refuses', () => {
    const fresh = planOf(shop).filter(({ ref, before }) => ref.kind === 'LimitRange' && before === undefined);
    expect(fresh.length).toBeGreaterThan(2);
    for (const { manifest } of fresh)
      expect(manifest.spec).toEqual({
        limits: [{ type: 'Container', defaultRequest: { cpu: '100m', memory: '128Mi' } }],
      });
  });

  test('it stands before the quota of its namespace, which requires it', () => {
    const changes = planOf(shop).filter(({ ref }) => ref.namespace === 'silent');
    expect(changes.map(({ ref }) => ref.kind)).toEqual(['LimitRange', 'ResourceQuota']);
    expect(changes[1]?.requires).toEqual([changes[0]?.id]);
  });

  test('one that is there is amended with its whole list', () => {
    const changes = planOf(shop, { namespaces: ['partial'], amendExisting: true });
    expect(specOf(changes, 'LimitRange partial/bounds')).toEqual({
      limits: [
        { type: 'Pod', max: { cpu: '4' } },
        { type: 'Container', default: { memory: '64Mi' }, defaultRequest: { memory: '64Mi', cpu: '100m' } },
      ],
    });
    expect(changes[0]?.before?.metadata.uid).toBeDefined();
  });

  test.each<[string, readonly string[], readonly string[] | undefined]>([
    ['somebody else', ['jo', 'jo'], ['jo']],
    ['two', ['jo', 'kubectl-edit'], ['jo', 'kubectl-edit']],
    ['us and somebody else', ['kubectl-harden', 'jo'], ['jo']],
    ['nobody that is named', [], ['a manager that the server does not name']],
    ['us alone', ['kubectl-harden'], undefined],
  ])('the list is taken from %s: by name, and as a choice of its own', (_who, managers, takesOver) => {
    const bounds = object('v1', 'LimitRange', 'a', 'bounds', {
      spec: { limits: [{ type: 'Container', defaultRequest: { memory: '64Mi' } }] },
    });
    const live: Manifest = {
      ...bounds,
      metadata: { ...bounds.metadata, managedFields: managers.map((manager) => ({ manager })) },
    };
    const now = snapshotOf({ objects: [namespace('a'), live] });
    const [change] = planOf(now, { namespaces: ['a'], amendExisting: true });
    if (change === undefined) throw new Error('no change');
    expect([change.takesOver, change.force]).toEqual([takesOver, takesOver && true]);
    expect(ownChoice(change)).toEqual(takesOver && expect.stringContaining(takesOver.join(', ')));
    expect(change.breaks.join()).toEqual(
      takesOver
        ? expect.stringContaining(`takes its list over from ${takesOver.join(', ')}`)
        : expect.not.stringContaining('takes'),
    );
  });

  test('without that answer it stays, and the quota bounds no CPU, which nothing would give a default', () => {
    const changes = planOf(shop, { namespaces: ['partial'], amendExisting: false });
    expect(changes.map(({ ref }) => ref.kind)).toEqual(['ResourceQuota']);
    expect(specOf(changes, 'ResourceQuota partial/namespace-quota')).toEqual({
      hard: {
        'requests.memory': '1Gi',
        persistentvolumeclaims: '10',
        'requests.storage': '50Gi',
        'services.loadbalancers': '2',
        'services.nodeports': '6',
      },
    });
    expect(changes[0]?.breaks.join()).toContain('requests.cpu is left out: no LimitRange gives a default');
  });

  test('several in one namespace are reported and left alone', () => {
    expect(findingsOf(shop)).toContain('limitrange-several LimitRange several/a');
    expect(planOf(shop, { namespaces: ['several'] }).map(({ ref }) => ref.kind)).toEqual(['ResourceQuota']);
  });

  test('a default that an existing bound of pods would not take is not added', () => {
    const now = snapshotOf({
      objects: [
        namespace('a'),
        object('v1', 'LimitRange', 'a', 'own', {
          spec: { limits: [{ type: 'Pod', max: { memory: '200Mi' } }] },
        }),
        object('v1', 'Pod', 'a', 'p', {
          spec: { containers: [{ name: 'x', resources: { limits: { memory: '150Mi' } } }, { name: 'y' }] },
        }),
      ],
    });
    const [change] = planOf(now, { namespaces: ['a'], amendExisting: true });
    expect(change?.manifest.spec).toEqual({
      limits: [
        { type: 'Pod', max: { memory: '200Mi' } },
        { type: 'Container', defaultRequest: { cpu: '100m' } },
      ],
    });
    expect(change?.breaks.join()).toContain('no default for memory');
  });

  describe('a quota that is there and would begin to refuse what it admits today', () => {
    const silent = deployment('a', 'silent', {}, 5);
    const asking = deployment('a', 'asking', { resources: { requests: { cpu: '300m' } } });
    const notBestEffort = { matchExpressions: [{ scopeName: 'NotBestEffort', operator: 'Exists' }] };
    const quota = (hard: object, more: object = {}) =>
      object('v1', 'ResourceQuota', 'a', 'theirs', { spec: { hard, ...more } });
    const given = (objects: readonly Manifest[]) => {
      const now = snapshotOf({ objects: [namespace('a'), ...objects] });
      const changes = planOf(now, { namespaces: ['a'], amendExisting: true });
      const range = changes.find(({ ref }) => ref.kind === 'LimitRange')?.manifest;
      const items = at(range, 'spec', 'limits', 0, 'defaultRequest') ?? {};
      return { given: Object.keys(items), breaks: changes.flatMap(({ breaks }) => breaks).join('\n') };
    };
    const both = ['cpu', 'memory'];
    const lacking = object('v1', 'LimitRange', 'a', 'theirs', {
      spec: { limits: [{ type: 'Container', defaultRequest: { 'ephemeral-storage': '1Gi' } }] },
    });
    test.each<[string, readonly Manifest[], readonly string[], string | undefined]>([
      [
        'pods that become Burstable',
        [silent, quota({ pods: '3' }, { scopes: ['NotBestEffort'] })],
        [],
        'pods',
      ],
      ['the same by selector', [silent, quota({ pods: '0' }, { scopeSelector: notBestEffort })], [], 'pods'],
      [
        'the same with a LimitRange that is there',
        [silent, lacking, quota({ pods: '3' }, { scopes: ['NotBestEffort'] })],
        [],
        'pods',
      ],
      ['with room for them', [silent, quota({ pods: '30' }, { scopes: ['NotBestEffort'] })], both, undefined],
      [
        'pods that are Burstable as it is',
        [asking, quota({ pods: '1' }, { scopes: ['NotBestEffort'] })],
        both,
        undefined,
      ],
      [
        'pods that BestEffort loses',
        [silent, quota({ pods: '3' }, { scopes: ['BestEffort'] })],
        both,
        undefined,
      ],
      [
        'room that admitted pods take from others',
        [silent, asking, quota({ 'requests.cpu': '700m' })],
        ['memory'],
        'requests.cpu',
      ],
      [
        'pods that it refuses one and all today',
        [silent, quota({ 'requests.cpu': '300m' })],
        both,
        undefined,
      ],
      [
        'pods that do not end, in a quota for those that do',
        [silent, quota({ pods: '0' }, { scopes: ['Terminating', 'NotBestEffort'] })],
        both,
        undefined,
      ],
    ])('%s', (_what, objects, expected, key) => {
      const found = given(objects);
      expect(found.given.filter((name) => both.includes(name))).toEqual(expected);
      const why = /ResourceQuota theirs \((.*?)\) would refuse what runs today/.exec(found.breaks)?.[1];
      expect(why).toBe(key);
    });
  });

  test.each([
    ['NotBestEffort', 'ResourceQuota theirs counts the pods of Deployment x as well'],
    [
      'BestEffort',
      'ResourceQuota theirs no longer counts the pods of Deployment x: they ask for something then',
    ],
    ['NotTerminating', undefined],
  ])('whom a quota of scope %s counts then is said', (scope, expected) => {
    const spec = { hard: { pods: '30' }, scopes: [scope] };
    const theirs = object('v1', 'ResourceQuota', 'a', 'theirs', { spec });
    const now = snapshotOf({ objects: [namespace('a'), deployment('a', 'x', {}), theirs] });
    const [range] = planOf(now, { namespaces: ['a'] });
    const said = range?.breaks.find((line) => line.includes('ResourceQuota theirs'));
    expect(said).toBe(expected && `from the next start on, ${expected}`);
  });

  test('where workloads are not seen, a quota that counts pods gets no default before it', () => {
    const kinds = (hard: object) => {
      const theirs = object('v1', 'ResourceQuota', 'a', 'theirs', { spec: { hard } });
      const objects = [namespace('a'), theirs];
      return planOf(snapshotOf({ objects, notVisible: { Job: 'forbidden' } }), { namespaces: ['a'] }).map(
        ({ ref }) => ref.kind,
      );
    };
    expect(kinds({ cpu: '1' })).toEqual([]);
    expect(kinds({ services: '3' })).toEqual(['LimitRange']);
  });

  test('how much more pods ask for is said, and that the nodes have less', () => {
    const change = planOf(shop).find(({ ref }) => refText(ref) === 'LimitRange silent/container-defaults');
    expect(change?.breaks[0]).toBe(
      'from the next start on, 4 pods of 1 workload will ask for 800m cpu and 1Gi memory more in all',
    );
    const full = snapshotOf({
      objects: [
        namespace('a'),
        deployment('a', 'x', {}, 50),
        object('v1', 'Node', undefined, 'n', { status: { allocatable: { cpu: '4', memory: '64Gi' } } }),
      ],
    });
    expect(planOf(full)[0]?.breaks.at(-1)).toBe(
      'all namespaces of this plan together ask for 5 cpu and 6400Mi memory more, the nodes have 4 cpu and 64Gi memory unrequested: some pods may find no node',
    );
  });
});

describe('limits, where the answer is yes', () => {
  const answers = { namespaces: ['a'], limits: true };
  const withPod = (resources: object) =>
    snapshotOf({ objects: [namespace('a'), deployment('a', 'x', { resources })] });

  test('where no LimitRange is left, the quota says why', () => {
    const spec = { containers: [{}, {}], resources: { requests: { cpu: '1m', memory: '1Mi' } } };
    const now = snapshotOf({ objects: [namespace('a'), object('v1', 'Pod', 'a', 'p', { spec })] });
    const changes = planOf(now, { namespaces: ['a'] });
    expect(changes.map(({ ref }) => ref.kind)).toEqual(['ResourceQuota']);
    expect(changes[0]?.breaks).toContain(
      'LimitRange: nothing is said of memory: with it something that runs today would be refused',
    );
  });

  test('the whole template is used, and the quota bounds limits', () => {
    const changes = planOf(withPod({}), answers);
    expect(changes.map(({ risk }) => risk)).toEqual(['rejectsWorkloads', 'rejectsWorkloads']);
    expect(changes[0]?.manifest.spec).toEqual(templates.get('quotas/limitrange.yaml')?.spec);
    expect(at(changes[1]?.manifest, 'spec', 'hard', 'limits.memory')).toBe('2Gi');
    expect(changes[0]?.breaks.join()).toContain('killed');
  });

  test.each([
    [
      'more memory than the maximum',
      { limits: { memory: '4Gi' } },
      'max of memory left out',
      { max: { cpu: '2' } },
    ],
    [
      'less CPU than the minimum',
      { requests: { cpu: '1m' }, limits: { cpu: '1m' } },
      'min of cpu left out',
      { min: { memory: '4Mi' } },
    ],
    [
      'a request above the default limit',
      { requests: { memory: '1Gi' } },
      'default limit of memory raised to 1Gi',
      { default: { cpu: '1', memory: '1Gi' } },
    ],
    [
      'a request above default limit and maximum',
      { requests: { memory: '3Gi' } },
      'default limit of memory raised to 3Gi',
      { default: { cpu: '1', memory: '3Gi' }, max: { cpu: '2' } },
    ],
  ])('a container with %s is still admitted', (_name, resources, note, expected) => {
    const [change] = planOf(withPod(resources), answers);
    expect(change?.breaks.join('; ')).toContain(note);
    const item = at(change?.manifest, 'spec', 'limits', 0);
    expect(item).toMatchObject(expected);
    for (const field of ['max', 'min', 'default'] as const)
      if (field in expected)
        expect((item as Record<string, unknown>)[field]).toEqual(
          (expected as Record<string, unknown>)[field],
        );
  });
});

describe('default memory limits and what is in use', () => {
  const using = (memory: string, resources: object = {}) => {
    const pod = object('v1', 'Pod', 'a', 'db-0', { spec: { containers: [{ name: 'db', resources }] } });
    const usage = { containers: [{ name: 'db', usage: { cpu: '10m', memory } }] };
    return snapshotOf({
      objects: [namespace('a'), pod, object('metrics.k8s.io/v1beta1', 'PodMetrics', 'a', 'db-0', usage)],
    });
  };
  const limitOf = (now: Snapshot, given: Answers) =>
    at(planOf(now, { namespaces: ['a'], ...given })[0]?.manifest, 'spec', 'limits', 0, 'default', 'memory');

  test.each([
    ['the template is above it', '100Mi', {}, { limits: true }, '512Mi'],
    ['twice the highest use', '700000Ki', {}, { limits: true }, '1408Mi'],
    ['with the factor that was asked for', '700000Ki', {}, { limits: true, peakFactor: 110 }, '768Mi'],
    [
      'a limit of its own binds it already',
      '700Mi',
      { limits: { memory: '1Gi' } },
      { limits: true },
      '512Mi',
    ],
    ['without an explicit answer there is none', '700Mi', {}, {}, undefined],
  ])('%s', (_name, memory, resources, given, expected) => {
    expect(limitOf(using(memory, resources), given)).toBe(expected);
  });

  test('the use that it rests on is said, and that none could be seen', () => {
    const breaks = (now: Snapshot) => planOf(now, { namespaces: ['a'], limits: true })[0]?.breaks.join('; ');
    expect(breaks(using('700000Ki'))).toContain(
      'default limit of memory raised to 1408Mi: db of pod db-0 was seen using 684Mi, times 200 %',
    );
    const unseen = snapshotOf({ objects: [namespace('a'), deployment('a', 'x', {})] });
    expect(breaks(unseen)).toContain('could not be seen: the default limit rests on your answer alone');
  });
});

describe('what is in use, as metrics.k8s.io tells', () => {
  const metrics = (name: string, ...containers: [string, string, string][]) =>
    object('metrics.k8s.io/v1beta1', 'PodMetrics', 'a', name, {
      containers: containers.map(([of, cpu, memory]) => ({ name: of, usage: { cpu, memory } })),
    });
  const web = deployment('a', 'web', { resources: { requests: { cpu: '1', memory: '1Gi' } } }, 2);
  const live = (name: string, spec: object) =>
    object('v1', 'Pod', 'a', name, {
      metadata: {
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'u', controller: true },
        ],
      },
      spec: spec as Record<string, unknown>,
    });
  const two = { containers: [{ name: 'c', resources: { requests: { cpu: '1', memory: '1Gi' } } }] };
  const hardOf = (now: Snapshot) =>
    planOf(now, { namespaces: ['a'], headroom: 0, rounding: 'exact' }).find(
      ({ ref }) => ref.kind === 'ResourceQuota',
    )!;
  const told = (now: Snapshot) => step.assess(now, {}).find(({ id }) => id === 'usage-above-requests');

  test('the quota has room for requests that are raised to it, which its arithmetic shows', () => {
    const base = [namespace('a'), web, live('w-1', two), live('w-2', two)];
    const calm = snapshotOf({ objects: [...base, metrics('w-1', ['c', '900m', '100Mi'])] });
    const busy = snapshotOf({
      objects: [...base, metrics('w-1', ['c', '1600m', '100Mi']), metrics('w-2', ['c', '1250001u', '2Gi'])],
    });
    // Two pods, one of surge, and one more.
    expect(hardOf(calm).manifest.spec).toMatchObject({
      hard: { 'requests.cpu': '4', 'requests.memory': '4Gi' },
    });
    const { manifest, working } = hardOf(busy);
    expect(manifest.spec).toMatchObject({ hard: { 'requests.cpu': '4851m', 'requests.memory': '5Gi' } });
    expect(working).toContain('  in use beyond its requests by Deployment web: 850001u');
  });

  test('it is a hint at requests: the worst first, each container once', () => {
    const now = snapshotOf({
      objects: [
        namespace('a'),
        web,
        live('w-1', two),
        live('w-2', two),
        metrics('w-1', ['c', '1500m', '3Gi']),
        metrics('w-2', ['c', '1200m', '4Gi'], ['gone', '9', '9Gi']),
      ],
    });
    expect(told(now)).toMatchObject({
      severity: 'info',
      evidence:
        'c of Deployment web 4Gi memory, requests 1Gi (pod w-2); c of Deployment web 1500m cpu, requests 1 (pod w-1)',
      message: expect.stringContaining('1 container of a uses more than requested'),
    });
  });

  test('sidecars count; init containers are not measured; pods that declare resources are taken as a whole', () => {
    const spec = {
      resources: { requests: { memory: '1Gi' } },
      initContainers: [
        { name: 'init', resources: { requests: { cpu: '10m' } } },
        { name: 'proxy', restartPolicy: 'Always', resources: { requests: { cpu: '10m' } } },
      ],
      containers: [{ name: 'c', resources: { requests: { cpu: '1', memory: '10Mi' } } }],
    };
    const now = (memory: string) =>
      snapshotOf({
        objects: [
          namespace('a'),
          object('v1', 'Pod', 'a', 'p', { spec }),
          metrics('p', ['proxy', '20m', '1Mi'], ['c', '1', memory]),
        ],
      });
    expect(told(now('900Mi'))?.evidence).toBe('proxy of Pod p 20m cpu, requests 10m (pod p)');
    expect(told(now('2Gi'))?.evidence).toContain('the pod of Pod p 2049Mi memory, requests 1Gi (pod p)');
  });

  test('containers that a default request is too small for are named beside it, and are no finding before', () => {
    const now = snapshotOf({
      objects: [
        namespace('a'),
        object('v1', 'Pod', 'a', 'p', { spec: { containers: [{ name: 'c' }] } }),
        metrics('p', ['c', '20m', '900Mi']),
      ],
    });
    expect(told(now)).toBeUndefined();
    expect(planOf(now, { namespaces: ['a'] })[0]?.breaks).toContain(
      'more than these requests is in use now: c of Pod p 900Mi memory, requests 128Mi (pod p); give them requests of their own',
    );
  });
});

describe('what happened since', () => {
  const quota = (status: object) =>
    object('v1', 'ResourceQuota', 'a', 'q', { spec: { hard: { cpu: '1', memory: '1Gi' } }, status });
  const event = (name: string, message: string, lastTimestamp: string) =>
    object('v1', 'Event', 'a', name, {
      reason: 'FailedCreate',
      message,
      lastTimestamp,
      involvedObject: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1' },
    });
  const set = (replicas: number) =>
    object('apps/v1', 'ReplicaSet', 'a', 'web-1', {
      spec: { replicas, template: { spec: { containers: [{ name: 'c' }] } } },
    });
  const found = (id: string, ...objects: Manifest[]) =>
    step
      .assess(snapshotOf({ objects: [namespace('a'), ...objects] }), {})
      .filter((finding) => finding.id === id)
      .map(({ evidence }) => evidence);

  test('a quota that its controller has not taken over is not in force', () => {
    expect(found('quota-not-in-force', quota({}))).toEqual([
      'ResourceQuota a/q: status.hard does not have requests.cpu and requests.memory as spec.hard has',
    ]);
    expect(found('quota-not-in-force', quota({ hard: { cpu: '1000m', memory: '1Gi' }, used: {} }))).toEqual(
      [],
    );
  });

  test('pods that were refused, by their last event; not those that are there by now', () => {
    const events = [
      event('a', 'pods "x" is forbidden: exceeded quota: q, requested: cpu=1', '2026-01-01T00:00:00Z'),
      event('b', 'pods "x" is forbidden: maximum memory usage per Container is 1Gi', '2026-01-01T00:01:00Z'),
      event('c', 'pods "x" is forbidden: error looking up service account', '2026-01-01T00:02:00Z'),
    ];
    expect(found('pods-refused', set(1), ...events)).toEqual([
      'ReplicaSet a/web-1: FailedCreate at 2026-01-01T00:01:00Z: pods "x" is forbidden: maximum memory usage per Container is 1Gi',
    ]);
    expect(found('pods-refused', set(0), ...events)).toEqual([]);
    expect(found('pods-refused', ...events)).toEqual([]);
  });
});

describe('ResourceQuota', () => {
  const hard = (now: Snapshot, given: Answers = {}) =>
    (
      specOf(planOf(now, { namespaces: ['a'], ...given }), 'ResourceQuota a/namespace-quota') as
        | { hard: object }
        | undefined
    )?.hard;

  test('the template is enough where little runs', () => {
    expect(hard(snapshotOf({ objects: [namespace('a'), deployment('a', 'x', {})] }))).toEqual({
      'requests.cpu': '1',
      'requests.memory': '1Gi',
      pods: '25',
      persistentvolumeclaims: '10',
      'requests.storage': '50Gi',
      'services.loadbalancers': '2',
      'services.nodeports': '6',
    });
  });

  test.each([
    // 4 pods and one of surge: 5 cores, 5Gi.
    [{}, { 'requests.cpu': '7500m', 'requests.memory': '7680Mi' }],
    [{ headroom: 100 }, { 'requests.cpu': '10', 'requests.memory': '10Gi' }],
    // One more pod always fits.
    [{ headroom: 0 }, { 'requests.cpu': '6', 'requests.memory': '6Gi' }],
  ])('what runs asks for more than the template: %j', (given, expected) => {
    const container = { resources: { requests: { cpu: '1', memory: '1Gi' } } };
    const now = snapshotOf({ objects: [namespace('a'), deployment('a', 'x', container, 4)] });
    expect(hard(now, given)).toMatchObject(expected);
  });

  test('a namespace whose quotas bound requests needs none, whatever they are called', () => {
    const quota = (hardOf: object, rest: object = {}) =>
      object('v1', 'ResourceQuota', 'a', 'q', { spec: { hard: hardOf, ...rest } });
    const plannedWith = (q: Manifest) =>
      hard(snapshotOf({ objects: [namespace('a'), q] }), { amendExisting: false });
    expect(plannedWith(quota({ cpu: '1', memory: '1Gi' }))).toBeUndefined();
    expect(plannedWith(quota({ 'requests.cpu': '1', 'requests.memory': '1Gi' }))).toBeUndefined();
    expect(plannedWith(quota({ pods: '3' }))).toMatchObject({ 'requests.cpu': '1' });
    expect(plannedWith(quota({ cpu: '1', memory: '1Gi' }, { scopes: ['BestEffort'] }))).toMatchObject({
      pods: '25',
    });
  });

  test('a quota with scopes is never amended: ours takes another name', () => {
    const scoped = object('v1', 'ResourceQuota', 'a', 'namespace-quota', {
      spec: { hard: { pods: '1' }, scopes: ['Terminating'] },
    });
    const now = snapshotOf({ objects: [namespace('a'), scoped] });
    expect(planOf(now, { namespaces: ['a'] }).map(({ ref }) => ref.name)).toEqual([
      'container-defaults',
      'namespace-quota-2',
    ]);
  });

  test('one that is there is amended with what it lacks only, and the rest of it stays whoever owns it', () => {
    const own = object('v1', 'ResourceQuota', 'a', 'team', {
      metadata: { labels: { team: 'a' } },
      spec: { hard: { pods: '3' } },
    });
    const now = snapshotOf({ objects: [namespace('a'), own] });
    const [, change] = planOf(now, { namespaces: ['a'], amendExisting: true });
    expect(change?.manifest.metadata).toEqual({ name: 'team', namespace: 'a' });
    expect(Object.keys(at(change?.manifest, 'spec', 'hard') as object)).toEqual([
      'requests.cpu',
      'requests.memory',
      'persistentvolumeclaims',
      'requests.storage',
      'services.loadbalancers',
      'services.nodeports',
    ]);
    expect(change?.force).toBeUndefined();
    expect(change?.why).toContain('adds to ResourceQuota team what it leaves open');
    const after = overlay(now, [change!]).listings.get('ResourceQuota');
    expect(at(after, 'items', 0, 'spec', 'hard', 'pods')).toBe('3');
  });

  test('of one that we changed before nothing is dropped', () => {
    const own = object('v1', 'ResourceQuota', 'a', 'team', {
      metadata: { managedFields: [{ manager: 'kubectl-harden' }] },
      spec: { hard: { pods: '3' } },
    });
    const now = snapshotOf({ objects: [namespace('a'), own] });
    const [, change] = planOf(now, { namespaces: ['a'], amendExisting: true });
    expect(at(change?.manifest, 'spec', 'hard', 'pods')).toBe('3');
  });

  test.each([
    ['exact', { 'requests.cpu': '6666m', 'requests.memory': '6000Mi' }],
    ['steps', { 'requests.cpu': '6700m', 'requests.memory': '6016Mi' }],
    ['whole', { 'requests.cpu': '7', 'requests.memory': '6Gi' }],
  ])('amounts are rounded up as asked: %s', (rounding, expected) => {
    const container = { resources: { requests: { cpu: '1111m', memory: '1000Mi' } } };
    const now = snapshotOf({ objects: [namespace('a'), deployment('a', 'x', container, 4)] });
    const changes = planOf(now, { namespaces: ['a'], headroom: 0, rounding });
    expect(at(changes[1]?.manifest, 'spec', 'hard')).toMatchObject(expected);
  });

  test('each number shows how it came about', () => {
    const container = { resources: { requests: { cpu: '1', memory: '1Gi' } } };
    const now = snapshotOf({
      objects: [
        namespace('a'),
        deployment('a', 'x', container, 4),
        object('v1', 'PersistentVolumeClaim', 'a', 'data', {
          spec: { resources: { requests: { storage: '60Gi' } } },
        }),
      ],
    });
    const { working } = planOf(now, { namespaces: ['a'] }).find(({ ref }) => ref.kind === 'ResourceQuota')!;
    expect(working).toEqual([
      'requests.cpu 7500m: full roll 5 + 50 % headroom',
      '  Deployment x: 4 pods and 1 of surge x 1 = 5',
      'requests.memory 7680Mi: full roll 5Gi + 50 % headroom',
      '  Deployment x: 4 pods and 1 of surge x 1Gi = 5Gi',
      "pods 25: the template's, which is more than: full roll 5",
      '  Deployment x: 4 pods and 1 of surge x 1 = 5',
      "persistentvolumeclaims 10: the template's, which is more than: full roll 1",
      '  claim data: 1',
      'requests.storage 120Gi: full roll 60Gi + one more of 60Gi',
      '  claim data: 60Gi',
      "services.loadbalancers 2: the template's, which is more than: full roll 0",
      "services.nodeports 6: the template's, which is more than: full roll 0",
    ]);
  });

  test('an amount that is left out after the trial is spoken of nowhere else', () => {
    // More than a quantity can hold in sum, so that no amount fits a full roll.
    const container = { resources: { requests: { cpu: '1', memory: '4E' } } };
    const now = snapshotOf({ objects: [namespace('a'), deployment('a', 'x', container, 3)] });
    const change = planOf(now, { namespaces: ['a'] }).find(({ ref }) => ref.kind === 'ResourceQuota')!;
    expect(Object.keys(at(change.manifest, 'spec', 'hard') as object)).not.toContain('requests.memory');
    expect(change.breaks.filter((line) => line.includes('requests.memory'))).toEqual([
      'requests.memory is left out: it would refuse what runs today',
    ]);
    expect(change.why).toContain('requests.cpu 6');
    expect([change.why, ...(change.working ?? [])].join()).not.toContain('requests.memory');
  });

  test('one of the same name keeps what it bounds already', () => {
    const own = object('v1', 'ResourceQuota', 'a', 'namespace-quota', {
      spec: { hard: { configmaps: '3' } },
    });
    const now = snapshotOf({ objects: [namespace('a'), own] });
    const after = overlay(now, planOf(now, { namespaces: ['a'] })).listings.get('ResourceQuota');
    expect(at(after, 'items', 0, 'spec', 'hard')).toMatchObject({ configmaps: '3', pods: '25' });
  });

  test('what the template bounds but cannot be counted here is left out, and said', () => {
    const own = new Map(templates);
    own.set('quotas/resourcequota.yaml', {
      ...object('v1', 'ResourceQuota', undefined, 'q'),
      spec: { hard: { cpu: '1', memory: '1Gi', secrets: '1' } },
    });
    const changes = planOf(snapshotOf({ objects: [namespace('a')] }), { namespaces: ['a'] }, own);
    expect(changes[1]?.manifest.spec).toEqual({ hard: { cpu: '1', memory: '1Gi' } });
    expect(changes[1]?.breaks.join()).toContain('secrets is left out');
  });

  test.each([
    ['Service', false],
    ['Pod', false],
    ['HorizontalPodAutoscaler', false],
    ['LimitRange', true],
    ['ResourceQuota', true],
    ['Namespace', true],
  ] as const)('%s cannot be read: no quota, and that is said', (kind, nothing) => {
    const now = snapshotOf({
      objects: [namespace('a'), deployment('a', 'x', {})],
      notVisible: { [kind]: 'forbidden' },
    });
    const changes = planOf(now, { namespaces: ['a'], limits: true });
    expect(changes.map(({ ref }) => ref.kind)).toEqual(nothing ? [] : ['LimitRange']);
    for (const change of changes)
      expect(change.manifest.spec).toEqual({
        limits: [{ type: 'Container', defaultRequest: { cpu: '100m', memory: '128Mi' } }],
      });
    expect(step.assess(now, {}).find((f) => f.severity === 'notVisible')?.evidence).toBe(
      `${kind}: forbidden`,
    );
  });
});

test('a quota that is used up names whom it blocks, and what', () => {
  const amounts = { pods: '3', 'count/jobs.batch': '0', 'services.loadbalancers': '1', secrets: '4' };
  const now = snapshotOf({
    objects: [
      namespace('a'),
      object('v1', 'ResourceQuota', 'a', 'q', {
        spec: { hard: amounts },
        status: { hard: amounts, used: amounts },
      }),
      deployment('a', 'web', {}),
      object('batch/v1', 'CronJob', 'a', 'nightly', { spec: { jobTemplate: { spec: { template: {} } } } }),
      object('v1', 'Service', 'a', 'in', { spec: { type: 'LoadBalancer', ports: [] } }),
    ],
  });
  expect(
    step
      .assess(now, {})
      .filter(({ id }) => id === 'quota-full')
      .map(({ evidence }) => evidence),
  ).toEqual([
    'ResourceQuota a/q: pods 3 used of 3; blocks CronJob nightly, Deployment web',
    'ResourceQuota a/q: count/jobs.batch 0 used of 0; blocks new objects of kind Job, which CronJob nightly makes',
    'ResourceQuota a/q: services.loadbalancers 1 used of 1; blocks new Services of type LoadBalancer, it counts Service in',
    'ResourceQuota a/q: secrets 4 used of 4; blocks new objects of kind Secret',
  ]);
});

describe('controllers that are not read', () => {
  const ARGO = 'argoproj.io/v1alpha1';
  const owned = (kind: string, name: string) => ({
    ownerReferences: [{ apiVersion: ARGO, kind, name, uid: 'u', controller: true }],
  });
  const spec = { containers: [{ name: 'c', resources: { requests: { cpu: '1', memory: '1Gi' } } }] };
  const live = (name: string) =>
    object('v1', 'Pod', 'a', name, {
      metadata: owned('CloneSet', 'web'),
      spec: { ...spec, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: `data-${name}` } }] },
    });
  const claim = (name: string) =>
    object('v1', 'PersistentVolumeClaim', 'a', `data-${name}`, {
      spec: { resources: { requests: { storage: '40Gi' } } },
    });
  const scaler = (name: string, maxReplicas: number) =>
    object('autoscaling/v2', 'HorizontalPodAutoscaler', 'a', name, {
      spec: { maxReplicas, scaleTargetRef: { apiVersion: ARGO, kind: 'CloneSet', name } },
    });
  const clones = [namespace('a'), live('x'), live('y'), claim('x'), claim('y')];
  const changeOf = (now: Snapshot, given: Answers = {}) =>
    planOf(now, { namespaces: ['a'], headroom: 0, ...given }).find(
      ({ ref }) => ref.kind === 'ResourceQuota',
    )!;

  test('they get room for a full replacement, with the claims of its pods', () => {
    const { manifest, working } = changeOf(snapshotOf({ objects: clones }));
    expect(manifest.spec).toMatchObject({ hard: { 'requests.cpu': '5', 'requests.storage': '200Gi' } });
    expect(working).toContain('  CloneSet web: 2 pods and 2 for a full replacement x 1 = 4');
    expect(working).toContain('  claims data yet to be made by CloneSet web: 2 x 40Gi = 80Gi');
  });

  test('and for what their autoscaler may ask for', () => {
    const { manifest } = changeOf(snapshotOf({ objects: [...clones, scaler('web', 6)] }));
    expect(manifest.spec).toMatchObject({ hard: { 'requests.cpu': '13' } });
  });

  test('never is it said that all that runs fits in', () => {
    const { breaks } = changeOf(snapshotOf({ objects: clones }));
    expect(breaks.join('; ')).toContain('what is seen to run fits in');
    expect(breaks.join('; ')).not.toContain('all that runs');
    expect(breaks).toContain(
      'CloneSet web is sized by its largest live pod, for its template is not seen: 2 pods (2 live) and 2 for a full replacement',
    );
    const rollout = object('apps/v1', 'ReplicaSet', 'a', 'web-1', {
      metadata: owned('Rollout', 'web'),
      spec: { replicas: 3, template: { spec } },
    });
    expect(changeOf(snapshotOf({ objects: [namespace('a'), rollout] })).breaks).toContain(
      'Rollout web is sized by its newest set: 3 pods (0 live) and 3 for a full replacement',
    );
    const plain = snapshotOf({ objects: [namespace('a'), deployment('a', 'x', {})] });
    expect(changeOf(plain).breaks.join('; ')).toContain('all that runs fits in');
  });

  test('bounds of limits were held against live pods only, which is said', () => {
    const [range] = planOf(snapshotOf({ objects: clones }), { namespaces: ['a'], limits: true });
    expect(range?.breaks).toContain(
      'CloneSet web: only live pods were held against it, for no template is seen',
    );
  });

  test('what could not be judged is a finding, and so is an autoscaler of something unseen', () => {
    const now = snapshotOf({ objects: [...clones, scaler('idle', 6)] });
    const found = step.assess(now, {}).filter(({ severity }) => severity === 'notVisible');
    expect(found.map(({ id, evidence }) => [id, evidence])).toEqual([
      [
        'controller-not-read',
        'CloneSet web is sized by its largest live pod, for its template is not seen: 2 pods (2 live) and 2 for a full replacement',
      ],
      [
        'autoscaler-target-not-seen',
        'HorizontalPodAutoscaler a/idle scales CloneSet idle, of which no pod is seen: it is not counted',
      ],
    ]);
    expect(changeOf(now).breaks.join('; ')).toContain('scales CloneSet idle, of which no pod is seen');
  });

  test('a live pod that a LimitRange would refuse stands for the template, which is said', () => {
    const range = object('v1', 'LimitRange', 'a', 'own', {
      spec: { limits: [{ type: 'Container', max: { cpu: '500m' } }] },
    });
    const found = step.assess(snapshotOf({ objects: [...clones, range] }), {});
    expect(found.find(({ id }) => id === 'workload-refused')?.message).toBe(
      'The next pod of CloneSet web will be refused if it is made like x, for its template is not seen; correct its resources.',
    );
  });

  test.each([
    ['2026-01-01T00:00:00Z', 1],
    ['2026-01-03T00:00:00Z', 0],
  ])('refusals that their events tell of are told until a pod is made later: %s', (made, many) => {
    const [first] = clones.filter(({ kind }) => kind === 'Pod');
    const event = object('v1', 'Event', 'a', 'e', {
      reason: 'FailedCreate',
      message: 'pods "z" is forbidden: exceeded quota: q, requested: cpu=1',
      lastTimestamp: '2026-01-02T00:00:00Z',
      involvedObject: { apiVersion: ARGO, kind: 'CloneSet', name: 'web' },
    });
    const now = (pods: Manifest[]) =>
      step
        .assess(snapshotOf({ objects: [namespace('a'), event, ...pods] }), {})
        .filter(({ id }) => id === 'pods-refused');
    const pod = { ...first!, metadata: { ...first!.metadata, creationTimestamp: made } };
    expect(now([pod])).toHaveLength(many);
    expect(now([])).toHaveLength(1);
  });
});

test('excluded, terminating and unknown namespaces get nothing', () => {
  const ending = object('v1', 'Namespace', undefined, 'end', {
    metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
  });
  const now = snapshotOf({ exclude: ['out*'], objects: [namespace('outside'), ending] });
  expect(planOf(now, { namespaces: ['outside', 'end', 'nowhere'] })).toEqual([]);
  expect(findingsOf(now)).toEqual([]);
});

test('quantities that cannot be read are findings, and count as nothing', () => {
  const now = snapshotOf({
    objects: [
      namespace('a'),
      deployment('a', 'x', { resources: { requests: { cpu: '1.5.5', memory: '-1Gi' } } }),
      object('v1', 'ResourceQuota', 'a', 'q', { spec: { hard: { pods: 'many' } } }),
    ],
  });
  expect(
    step
      .assess(now, {})
      .filter((f) => f.id === 'quantity-invalid')
      .map((f) => f.evidence),
  ).toEqual([
    'ResourceQuota a/q: spec.hard.pods: not a quantity: "many"',
    'Deployment a/x: containers[0].resources.requests.cpu: not a quantity: "1.5.5"',
    'Deployment a/x: containers[0].resources.requests.memory: negative',
  ]);
  expect(planOf(now, { namespaces: ['a'] })).toHaveLength(2);
});

const bad = { requests: { cpu: 'x', memory: '1Gi' }, limits: { cpu: '-1' } };
const badClaim = { spec: { resources: { requests: { storage: '1GB' } } } };
const owned = {
  metadata: {
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'w', uid: 'u', controller: true }],
  },
};
const inSet = (spec: object) =>
  object('apps/v1', 'StatefulSet', 'a', 'w', { spec: { template: { spec: { containers: [], ...spec } } } });
test.each<[string, readonly Manifest[], readonly string[]]>([
  [
    'a sidecar',
    [inSet({ initContainers: [{ restartPolicy: 'Always', resources: bad }] })],
    [
      'StatefulSet a/w: initContainers[0].resources.requests.cpu: not a quantity: "x"',
      'StatefulSet a/w: initContainers[0].resources.limits.cpu: negative',
    ],
  ],
  [
    'resources of the pod itself',
    [inSet({ resources: bad })],
    [
      'StatefulSet a/w: resources.requests.cpu: not a quantity: "x"',
      'StatefulSet a/w: resources.limits.cpu: negative',
    ],
  ],
  [
    'overhead of the pod',
    [inSet({ overhead: { memory: '1e' } })],
    ['StatefulSet a/w: overhead.memory: not a quantity: unknown suffix in "1e"'],
  ],
  [
    'claims of a pod',
    [inSet({ volumes: [{}, { ephemeral: { volumeClaimTemplate: badClaim } }] })],
    [
      'StatefulSet a/w: volumes[1].ephemeral.volumeClaimTemplate.spec.resources.requests.storage: not a quantity: unknown suffix in "1GB"',
    ],
  ],
  [
    'claims of a StatefulSet',
    [object('apps/v1', 'StatefulSet', 'a', 'w', { spec: { volumeClaimTemplates: [badClaim] } })],
    [
      'StatefulSet a/w: spec.volumeClaimTemplates[0].spec.resources.requests.storage: not a quantity: unknown suffix in "1GB"',
    ],
  ],
  [
    'a claim',
    [object('v1', 'PersistentVolumeClaim', 'a', 'data', badClaim)],
    [
      'PersistentVolumeClaim a/data: spec.resources.requests.storage: not a quantity: unknown suffix in "1GB"',
    ],
  ],
  [
    'a live pod that differs from its template, once for all of them',
    [
      inSet({}),
      object('v1', 'Pod', 'a', 'w-0', { ...owned, spec: { containers: [{ resources: bad }] } }),
      object('v1', 'Pod', 'a', 'w-1', { ...owned, spec: { containers: [{ resources: bad }] } }),
    ],
    [
      'Pod a/w-0: containers[0].resources.requests.cpu: not a quantity: "x"',
      'Pod a/w-0: containers[0].resources.limits.cpu: negative',
    ],
  ],
  [
    'a live pod like its template',
    [
      inSet({ containers: [{ resources: { limits: { cpu: '1x1' } } }] }),
      object('v1', 'Pod', 'a', 'w-0', {
        ...owned,
        spec: { containers: [{ resources: { limits: { cpu: '1x1' } } }] },
      }),
    ],
    ['StatefulSet a/w: containers[0].resources.limits.cpu: not a quantity: "1x1"'],
  ],
  [
    'a bare pod',
    [object('v1', 'Pod', 'a', 'p', { spec: { overhead: { cpu: 'x' } } })],
    ['Pod a/p: overhead.cpu: not a quantity: "x"'],
  ],
  [
    'a static pod',
    [
      object('v1', 'Pod', 'a', 'p', {
        metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } },
        spec: { overhead: { cpu: 'x' } },
      }),
    ],
    ['Pod a/p: overhead.cpu: not a quantity: "x"'],
  ],
  [
    'a RuntimeClass',
    [object('node.k8s.io/v1', 'RuntimeClass', undefined, 'vm', { overhead: { podFixed: { cpu: 'x' } } })],
    ['RuntimeClass vm: overhead.podFixed.cpu: not a quantity: "x"'],
  ],
])('a quantity that cannot be read is told with object and field: %s', (_name, objects, expected) => {
  const found = step.assess(snapshotOf({ objects: [namespace('a'), ...objects] }), {});
  expect(found.filter(({ id }) => id === 'quantity-invalid').map(({ evidence }) => evidence)).toEqual(
    expected,
  );
});

test.each([
  [
    'max without defaultRequest',
    { type: 'Container', defaultRequest: { cpu: '1' }, max: { memory: '1Gi' } },
    'max of memory without defaultRequest',
  ],
  ['no container item', { type: 'Pod', max: { memory: '1Gi' } }, 'expected an item of type Container'],
  [
    'a default below its request',
    { type: 'Container', defaultRequest: { cpu: '1' }, default: { cpu: '500m' } },
    'default of cpu is below defaultRequest',
  ],
])('a template with %s is refused', (_name, item, message) => {
  const own = new Map(templates);
  own.set('quotas/limitrange.yaml', {
    ...object('v1', 'LimitRange', undefined, 'own'),
    spec: { limits: [item] },
  });
  const work = () => planOf(snapshotOf({ objects: [namespace('a')] }), { namespaces: ['a'] }, own);
  expect(work).toThrow(TemplateError);
  expect(work).toThrow(message);
});

test('after the changes there are no more, and what they fix is no finding', () => {
  const answers = { namespaces: ALL, amendExisting: true };
  const after = overlay(shop, planOf(shop, answers));
  expect(planOf(after, answers)).toEqual([]);
  const fixed = findingsOf(after).filter((id) => /without|lacks/.test(id));
  // Two LimitRanges without a CPU default are left as they are, so CPU stays unbounded there.
  expect(fixed).toEqual(['namespace-without-quota Namespace several']);
});
