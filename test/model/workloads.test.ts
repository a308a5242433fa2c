import type { Manifest } from '../../src/model/manifest.js';
import { refText } from '../../src/model/manifest.js';
import { hidden, podsOf, WORKLOAD_KINDS, workloadsIn } from '../../src/model/workloads.js';
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
    ['ReplicaSet a/roll-1', []],
    ['Rollout a/custom', ['custom-x']],
  ]);
  expect(found.at(-1)).toMatchObject({ object: undefined, template: undefined, replicas: 1, surge: 1 });
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
