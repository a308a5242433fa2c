import { printable } from '../../src/model/escape.js';
import { objects, visible } from '../../src/model/snapshot.js';
import { casesIn, parseManifests } from './golden.js';
import { ENDLESS, HOSTILE, planted, rawIn } from './hostile.js';
import { namespace, object, snapshotOf } from './snapshot.js';

test('a snapshot holds its objects by kind, with uid and resourceVersion', () => {
  const now = snapshotOf({ objects: [namespace('shop'), object('apps/v1', 'Deployment', 'shop', 'web')] });
  expect(objects(now, 'Deployment')).toEqual([
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop', uid: 'uid-deployment-shop-web', resourceVersion: '1001' },
    },
  ]);
});

test.each([
  ['1.31', { 'kubernetes.io/metadata.name': 'shop' }],
  ['1.20', undefined],
])('on %s a namespace has the labels %j', (version, labels) => {
  const now = snapshotOf({ version, objects: [namespace('shop')] });
  expect(objects(now, 'Namespace')[0]?.metadata.labels).toEqual(labels);
});

test('a kind that could not be read is not visible, a kind that is not served is', () => {
  const now = snapshotOf({ notVisible: { Pod: 'forbidden' } });
  expect(visible(now, 'Pod')).toBe(false);
  expect(now.listings.get('AdminNetworkPolicy')?.state).toBe('absent');
});

test('YAML of several documents and lists becomes objects', () => {
  const text =
    'apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod, metadata: {name: a}}]\n---\n---\n';
  expect(parseManifests(text).map((m) => m.metadata.name)).toEqual(['a']);
  expect(() => casesIn('no-such-directory')).toThrow();
});

test('what is planted is found where it is raw, and not where it is escaped or coloured by us', () => {
  expect(planted(HOSTILE).length).toBeGreaterThan(12);
  expect(planted(`\u001b[2mEVIL\u001b[22m \\u{202a}EVIL ${printable(HOSTILE)}`)).toEqual([]);
  expect(rawIn(`ok\n${HOSTILE}\n${ENDLESS}`)).toHaveLength(2);
});
