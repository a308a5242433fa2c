import { differences } from '../../src/model/in-use.js';
import type { Manifest } from '../../src/model/manifest.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

const quota = (hard: object, used: object, rest: object = {}, inForce: object = hard): Manifest =>
  object('v1', 'ResourceQuota', 'a', 'q', { spec: { hard, ...rest }, status: { hard: inForce, used } });
const pod = (
  name: string,
  requests: object,
  rest: { metadata?: object; status?: object; spec?: object } = {},
) =>
  object('v1', 'Pod', 'a', name, {
    metadata: (rest.metadata ?? {}) as Record<string, unknown>,
    spec: { containers: [{ resources: { requests } }], ...rest.spec },
    status: rest.status ?? {},
  });
const ENDING = { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } };
const claim = object('v1', 'PersistentVolumeClaim', 'a', 'c', {
  spec: { storageClassName: 'gold', resources: { requests: { storage: '2Gi' } } },
});
const service = object('v1', 'Service', 'a', 's', { spec: { type: 'NodePort', ports: [{}, {}] } });
const of = (objects: readonly Manifest[], of: Manifest) =>
  differences(snapshotOf({ objects: [namespace('a'), ...objects, of] }), of).map(
    ({ key, told, least, most }) =>
      `${key} ${told / 1_000_000n}: ${least / 1_000_000n} to ${most / 1_000_000n}`,
  );

describe('what a quota tells of its use is held against what is seen', () => {
  test.each<[string, readonly Manifest[], Manifest]>([
    [
      'pods, claims, Services and objects',
      [pod('x', { cpu: '100m' }), pod('y', { cpu: '0.2' }), claim, service],
      quota(
        {
          cpu: '1',
          pods: '9',
          'requests.storage': '9Gi',
          'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '3',
          'services.nodeports': '4',
          'count/deployments.apps': '1',
        },
        {
          cpu: '300m',
          pods: '2',
          'requests.storage': '2Gi',
          'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
          'services.nodeports': '2',
          'count/deployments.apps': '0',
        },
      ),
    ],
    [
      'a finished pod is an object and no more',
      [pod('x', { cpu: '1' }, { status: { phase: 'Succeeded' } })],
      quota({ cpu: '1', pods: '1', 'count/pods': '3' }, { cpu: '0', pods: '0', 'count/pods': '1' }),
    ],
    ['what ends may count', [pod('x', { cpu: '1' }, ENDING)], quota({ cpu: '1' }, { cpu: '1' })],
    ['or not any more', [pod('x', { cpu: '1' }, ENDING)], quota({ cpu: '1' }, { cpu: '0' })],
    [
      'overhead that the pod was stored with',
      [pod('x', { cpu: '1' }, { spec: { overhead: { cpu: '500m' } } })],
      quota({ cpu: '3' }, { cpu: '1500m' }),
    ],
    ['a key that nobody here can count', [], quota({ secrets: '3' }, { secrets: '2' })],
    ['what is not in force yet', [], quota({ pods: '3' }, { pods: '2' }, {}, { pods: '5' })],
    [
      'only pods in its scopes',
      [pod('x', { cpu: '1' }), service],
      quota({ pods: '3', services: '1' }, { pods: '0', services: '0' }, { scopes: ['Terminating'] }),
    ],
    ['a scope that is not known', [], quota({ pods: '3' }, { pods: '2' }, { scopes: ['New'] })],
  ])('alike: %s', (_name, objects, told) => {
    expect(of(objects, told)).toEqual([]);
  });

  test.each<[string, readonly Manifest[], Manifest, readonly string[]]>([
    [
      'more is told',
      [pod('x', { cpu: '1' })],
      quota({ cpu: '4' }, { cpu: '2' }),
      ['requests.cpu 2000: 1000 to 1000'],
    ],
    ['less is told', [pod('x', { cpu: '1' })], quota({ pods: '4' }, { pods: '0' }), ['pods 0: 1000 to 1000']],
    [
      'with and without what ends',
      [pod('x', { cpu: '1' }), pod('y', { cpu: '1' }, ENDING)],
      quota({ cpu: '4' }, { cpu: '3' }),
      ['requests.cpu 3000: 1000 to 2000'],
    ],
  ])('%s', (_name, objects, told, expected) => {
    expect(of(objects, told)).toEqual(expected);
  });
});
