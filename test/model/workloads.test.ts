import type { Manifest } from '../../src/model/manifest.js';
import { refText } from '../../src/model/manifest.js';
import {
  hidden,
  podsOf,
  scalersOfUnseen,
  WORKLOAD_KINDS,
  workloadOfRef,
  workloadsIn,
} from '../../src/model/workloads.js';
import { object, snapshotOf } from '../support/snapshot.js';

const owner = (kind: string, name: string, apiVersion = 'apps/v1') => ({
  ownerReferences: [{ apiVersion, kind, name, uid: 'u', controller: true }],
});
const pod = (name: string, metadata: object = {}, phase = 'Running'): Manifest =>
  object('v1', 'Pod', 'a', name, {
    metadata: metadata as Record<string, unknown>,
    spec: {},
    status: { phase },
  });
const apps = (kind: string, spec: object, rest: object = {}): Manifest =>
  object('apps/v1', kind, 'a', 'w', { spec, ...rest });
const only = (...objects: Manifest[]) => {
  const found = workloadsIn(snapshotOf({ objects }), 'a');
  expect(found).toHaveLength(1);
  return found[0]!;
};

// Defaults of apps/v1 and batch/v1; a share of pods is rounded up for surge.
test.each([
  ['Deployment', { replicas: 4 }, 4, 1],
  ['Deployment', { replicas: 5 }, 5, 2],
  ['Deployment', {}, 1, 1],
  ['Deployment', { replicas: 0 }, 0, 0],
  ['Deployment', { replicas: 4, strategy: { rollingUpdate: { maxSurge: 3 } } }, 4, 3],
  ['Deployment', { replicas: 4, strategy: { rollingUpdate: { maxSurge: '100%' } } }, 4, 4],
  ['Deployment', { replicas: 4, strategy: { rollingUpdate: { maxSurge: 0 } } }, 4, 0],
  ['Deployment', { replicas: 4, strategy: { type: 'Recreate' } }, 4, 0],
  ['Deployment', { replicas: 4, strategy: { rollingUpdate: { maxSurge: 'x' } } }, 4, 0],
  ['StatefulSet', { replicas: 3 }, 3, 0],
  ['ReplicaSet', { replicas: 3 }, 3, 0],
])('%s with %j wants %d pods and %d more in a roll', (kind, spec, replicas, surge) => {
  expect(only(apps(kind, spec))).toMatchObject({ replicas, surge });
});

test('a DaemonSet wants a pod a node, or as many as live', () => {
  const spec = { updateStrategy: { rollingUpdate: { maxSurge: '10%' } } };
  expect(only(apps('DaemonSet', {}, { status: { desiredNumberScheduled: 7 } }))).toMatchObject({
    replicas: 7,
    surge: 0,
  });
  expect(only(apps('DaemonSet', spec, { status: { desiredNumberScheduled: 7 } }))).toMatchObject({
    surge: 1,
  });
  expect(only(apps('DaemonSet', {}), pod('p', owner('DaemonSet', 'w')))).toMatchObject({ replicas: 1 });
});

test.each([
  [{}, {}, 1],
  [{ parallelism: 5 }, {}, 5],
  [{ parallelism: 5, completions: 3 }, {}, 3],
  [{ parallelism: 5 }, { conditions: [{ type: 'Complete', status: 'True' }] }, 0],
  [{ parallelism: 5 }, { conditions: [{ type: 'Failed', status: 'True' }] }, 0],
  [{ parallelism: 5 }, { conditions: [{ type: 'Complete', status: 'False' }] }, 5],
])('a Job with %j, %j wants %i pods', (spec, status, replicas) => {
  expect(only(object('batch/v1', 'Job', 'a', 'w', { spec, status }))).toMatchObject({ replicas, surge: 0 });
});

test.each([
  ['Forbid', 3],
  ['Allow', 6],
  ['Replace', 6],
  [undefined, 6],
])('a CronJob with %s runs %i pods at once', (concurrencyPolicy, replicas) => {
  const spec = { concurrencyPolicy, jobTemplate: { spec: { parallelism: 3, template: { spec: { x: 1 } } } } };
  expect(only(object('batch/v1', 'CronJob', 'a', 'w', { spec }))).toMatchObject({
    replicas,
    template: { x: 1 },
  });
});

test('an autoscaler says how far a workload may grow', () => {
  const scaler = object('autoscaling/v2', 'HorizontalPodAutoscaler', 'a', 'h', {
    spec: { maxReplicas: 9, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'w' } },
  });
  expect(only(apps('Deployment', { replicas: 2 }), scaler)).toMatchObject({ replicas: 9, surge: 3 });
  const smaller = object('autoscaling/v2', 'HorizontalPodAutoscaler', 'a', 'z', {
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'w' } },
  });
  expect(only(apps('Deployment', { replicas: 2 }), scaler, smaller)).toMatchObject({ replicas: 9 });
});

test('pods belong to what controls them in the end', () => {
  const found = workloadsIn(
    snapshotOf({
      objects: [
        apps('Deployment', {}),
        object('apps/v1', 'ReplicaSet', 'a', 'w-1', { metadata: owner('Deployment', 'w'), spec: {} }),
        pod('w-1-x', owner('ReplicaSet', 'w-1')),
        object('batch/v1', 'CronJob', 'a', 'c', { spec: {} }),
        object('batch/v1', 'Job', 'a', 'c-1', { metadata: owner('CronJob', 'c', 'batch/v1'), spec: {} }),
        pod('c-1-x', owner('Job', 'c-1', 'batch/v1')),
        pod('bare'),
        pod('custom-x', owner('Rollout', 'custom', 'argoproj.io/v1alpha1')),
        object('apps/v1', 'ReplicaSet', 'a', 'roll-1', {
          metadata: owner('Rollout', 'roll', 'argoproj.io/v1alpha1'),
        }),
      ],
    }),
    'a',
  );
  expect(found.map(({ ref, pods }) => [refText(ref), pods.map((p) => p.metadata.name)])).toEqual([
    ['CronJob a/c', ['c-1-x']],
    ['Deployment a/w', ['w-1-x']],
    ['Pod a/bare', ['bare']],
    ['Rollout a/custom', ['custom-x']],
    ['Rollout a/roll', []],
  ]);
  expect(found.at(-2)).toMatchObject({ object: undefined, template: undefined, replicas: 1, surge: 1 });
});

describe('controllers that are not read', () => {
  const ARGO = 'argoproj.io/v1alpha1';
  const KRUISE = 'apps.kruise.io/v1alpha1';
  const set = (name: string, replicas: number, image: string, creationTimestamp: string) =>
    object('apps/v1', 'ReplicaSet', 'a', name, {
      metadata: { ...owner('Rollout', 'web', ARGO), creationTimestamp },
      spec: { replicas, template: { spec: { image } } },
    });
  const scaler = (kind: string, name: string, maxReplicas: number, apiVersion?: string) =>
    object('autoscaling/v2', 'HorizontalPodAutoscaler', 'a', `of-${name}`, {
      spec: { maxReplicas, scaleTargetRef: { kind, name, ...(apiVersion && { apiVersion }) } },
    });

  test('sets of one owner are one workload: all that they want, made of what the newest says, twice in a roll', () => {
    const found = only(
      set('web-1', 3, 'old', '2026-01-01T00:00:00Z'),
      set('web-2', 1, 'new', '2026-01-02T00:00:00Z'),
      pod('web-1-x', owner('ReplicaSet', 'web-1')),
      pod('web-2-x', owner('ReplicaSet', 'web-2')),
    );
    expect(found).toMatchObject({ object: undefined, template: { image: 'new' }, replicas: 4, surge: 4 });
    expect(refText(found.ref)).toBe('Rollout a/web');
    expect(found.pods).toHaveLength(2);
    expect(found.sets.map(refText)).toEqual(['ReplicaSet a/web-1', 'ReplicaSet a/web-2']);
  });

  test('whoever knows one of its sets finds it, also by another version of the group', () => {
    const now = snapshotOf({ objects: [set('web-1', 3, 'old', '2026-01-01T00:00:00Z')] });
    const ref = { namespace: 'a', kind: 'ReplicaSet', name: 'web-1' };
    const kindOf = (apiVersion: string) => workloadOfRef(now, { ...ref, apiVersion })?.ref.kind;
    expect(['apps/v1', 'extensions/v1beta1', 'other.io/v1'].map(kindOf)).toEqual([
      'Rollout',
      'Rollout',
      undefined,
    ]);
  });

  test('so are pods of one owner, as many as live', () => {
    const live = ['x', 'y', 'z'].map((name) => pod(name, owner('CloneSet', 'web', KRUISE)));
    expect(only(...live)).toMatchObject({ template: undefined, replicas: 3, surge: 3 });
  });

  test.each([
    ['of the version that it names', KRUISE],
    ['of another one', 'apps.kruise.io/v1beta1'],
    ['without one', undefined],
  ])('an autoscaler %s says how far they may grow', (_name, version) => {
    const live = pod('x', owner('CloneSet', 'web', KRUISE));
    expect(only(live, scaler('CloneSet', 'web', 8, version))).toMatchObject({ replicas: 8, surge: 8 });
    expect(only(live, scaler('CloneSet', 'other', 8, version))).toMatchObject({ replicas: 1 });
    expect(only(live, scaler('Rollout', 'web', 8, version))).toMatchObject({ replicas: 1 });
  });

  test('what an owner has scaled by others goes for the controller that it owns, which rolls as that says', () => {
    const inner = object('apps/v1', 'StatefulSet', 'a', 'w', {
      metadata: owner('Kafka', 'k', 'kafka.strimzi.io/v1beta2'),
      spec: { replicas: 3 },
    });
    expect(only(inner, scaler('Kafka', 'k', 7))).toMatchObject({
      ref: { kind: 'StatefulSet' },
      replicas: 7,
      surge: 0,
    });
  });

  test('a kind of another group is not the kind that is read', () => {
    const found = workloadsIn(
      snapshotOf({
        objects: [
          object('apps/v1', 'StatefulSet', 'a', 'db', { spec: { replicas: 2 } }),
          pod('db-0', owner('StatefulSet', 'db', 'apps.kruise.io/v1beta1')),
        ],
      }),
      'a',
    );
    expect(found.map(({ ref, pods }) => [ref.apiVersion, pods.length])).toEqual([
      ['apps/v1', 0],
      ['apps.kruise.io/v1beta1', 1],
    ]);
  });

  test('a Deployment is the same one under the group that it had long ago', () => {
    const old = object('apps/v1', 'ReplicaSet', 'a', 'w-1', {
      metadata: owner('Deployment', 'w', 'extensions/v1beta1'),
    });
    expect(only(apps('Deployment', {}), old, pod('p', owner('ReplicaSet', 'w-1')))).toMatchObject({
      ref: { kind: 'Deployment' },
    });
  });

  test('pods that a pod owns belong to it', () => {
    const found = only(pod('driver'), pod('worker-1', owner('Pod', 'driver', 'v1')));
    expect(refText(found.ref)).toBe('Pod a/driver');
    expect(podsOf(found)).toBe(2);
  });

  test('autoscalers of something of which nothing is seen are told apart from those of what is gone', () => {
    const now = snapshotOf({
      objects: [
        pod('x', owner('CloneSet', 'web', KRUISE)),
        scaler('CloneSet', 'web', 8),
        scaler('CloneSet', 'idle', 8),
        scaler('Deployment', 'gone', 8),
      ],
    });
    expect(scalersOfUnseen(now, 'a').map(({ metadata }) => metadata.name)).toEqual(['of-idle']);
    expect(scalersOfUnseen(now, 'b')).toEqual([]);
  });
});

test('finished pods and mirrors of static pods are no workloads', () => {
  const now = snapshotOf({
    objects: [
      pod('done', {}, 'Succeeded'),
      pod('failed', {}, 'Failed'),
      pod('mirror', { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
      pod('static', owner('Node', 'n1', 'v1')),
    ],
  });
  expect(workloadsIn(now, 'a')).toEqual([]);
});

test('owners in a circle end', () => {
  const circle = ['x', 'y'].map((name, i) =>
    object('apps/v1', 'ReplicaSet', 'a', name, { metadata: owner('ReplicaSet', ['y', 'x'][i]!) }),
  );
  expect(workloadsIn(snapshotOf({ objects: circle }), 'a').length).toBeGreaterThan(0);
});

test('at the height of a roll there are the wanted or the live pods, whichever are more, and the surge', () => {
  const live = ['p', 'q', 'r'].map((name) => pod(name, owner('Deployment', 'w')));
  expect(podsOf(only(apps('Deployment', { replicas: 1 }), ...live))).toBe(4);
});

test('what could not be read is told by kind', () => {
  expect(hidden(snapshotOf({ notVisible: { Job: 'forbidden' } }), WORKLOAD_KINDS)).toEqual([
    'Job: forbidden',
  ]);
});
