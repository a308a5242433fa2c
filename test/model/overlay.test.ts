import type { Manifest } from '../../src/model/manifest.js';
import { refOf } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import type { ApplyChange, Change } from '../../src/model/plan.js';
import { objects } from '../../src/model/snapshot.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

const common = { risk: 'none', why: '', breaks: [] } as const;
const apply = (manifest: Manifest): ApplyChange => ({
  ...common,
  kind: 'apply',
  id: 'x',
  ref: refOf(manifest),
  manifest,
});
const policy = (name: string, spec: object): Manifest =>
  object('networking.k8s.io/v1', 'NetworkPolicy', 'a', name, { spec });

test('a new object is there, beside the others; the snapshot itself stays as it was', () => {
  const now = snapshotOf({ objects: [policy('p', {})] });
  const then = overlay(now, [apply(policy('q', { podSelector: {} }))]);
  expect(objects(then, 'NetworkPolicy').map((o) => o.metadata.name)).toEqual(['p', 'q']);
  expect(objects(now, 'NetworkPolicy')).toHaveLength(1);
});

test('maps merge, lists and label selectors are replaced, as by server-side apply', () => {
  const live = policy('p', {
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Ingress'],
    ingress: [{ from: [{ podSelector: {} }] }],
  });
  const then = overlay(snapshotOf({ objects: [live] }), [
    apply(policy('p', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] })),
  ]);
  expect(objects(then, 'NetworkPolicy')).toMatchObject([{ metadata: { uid: 'uid-networkpolicy-a-p' } }]);
  expect(objects(then, 'NetworkPolicy')[0]?.spec).toEqual({
    podSelector: {},
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [{ podSelector: {} }] }],
  });
});

test('labels of a namespace are added to those it has', () => {
  const then = overlay(snapshotOf({ objects: [namespace('a', { x: '1' })] }), [
    apply(namespace('a', { y: '2' })),
  ]);
  expect(objects(then, 'Namespace')[0]?.metadata.labels).toMatchObject({ x: '1', y: '2' });
});

test('an object that is read in another version of its group is the same', () => {
  const live = object('discovery.k8s.io/v1beta1', 'EndpointSlice', 'a', 's', { ports: [] });
  const then = overlay(snapshotOf({ objects: [live] }), [
    apply(object('discovery.k8s.io/v1', 'EndpointSlice', 'a', 's', { ports: [{ port: 1 }] })),
  ]);
  expect(objects(then, 'EndpointSlice')).toHaveLength(1);
});

test('a deleted object is gone', () => {
  const live = policy('p', {});
  const change: Change = { ...common, kind: 'delete', id: 'x', ref: refOf(live), before: live };
  expect(
    objects(overlay(snapshotOf({ objects: [live, policy('q', {})] }), [change]), 'NetworkPolicy'),
  ).toMatchObject([{ metadata: { name: 'q' } }]);
});

test('what could not be read stays so, and other changes alter no object', () => {
  const now = snapshotOf({ notVisible: { NetworkPolicy: 'forbidden' } });
  const rewrite: Change = {
    ...common,
    kind: 'rewrite',
    id: 'r',
    ref: { apiVersion: 'v1', kind: 'Secret', name: '*' },
    resource: 'secrets',
    count: 1,
  };
  const unknown = apply(object('example.com/v1', 'Widget', 'a', 'w'));
  expect(overlay(now, [apply(policy('p', {})), rewrite, unknown])).toEqual(now);
});
