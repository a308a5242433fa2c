import type { Manifest } from '../../src/model/manifest.js';
import { KIND_LABEL, namespaceVerdict } from '../../src/model/namespaces.js';
import { tableLines, tableReport } from '../../src/report/tables.js';
import { namespaces as step } from '../../steps/namespaces.js';
import { manifestsIn } from '../support/golden.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

const style = { width: 80, unicode: true, colour: false };

const tablesOf = (now: Parameters<NonNullable<typeof step.tables>>[0]) => step.tables?.(now, now) ?? [];

const pod = (ns: string, name: string, labels: Record<string, string> = {}): Manifest =>
  object('v1', 'Pod', ns, name, {
    metadata: { labels },
    spec: { containers: [{ name: 'c' }] },
    status: { phase: 'Running' },
  });

function full(): Manifest[] {
  return [
    object('v1', 'Namespace', undefined, 'shop', {
      metadata: {
        creationTimestamp: '2025-12-23T03:04:05Z',
        labels: {
          team: 'web',
          'pod-security.kubernetes.io/enforce': 'baseline',
          'pod-security.kubernetes.io/warn': 'restricted',
        },
      },
    }),
    namespace('default'),
    namespace('monitoring', { [KIND_LABEL]: 'user' }),
    pod('shop', 'a', { app: 'a' }),
    pod('default', 'stray', { app: 'stray', owner: 'data' }),
    object('v1', 'Service', 'default', 'stray', { spec: { selector: { app: 'stray' } } }),
    object('v1', 'Service', 'default', 'other', { spec: { selector: { app: 'other' } } }),
    object('v1', 'Service', 'shop', 'a', { spec: { selector: { app: 'a' } } }),
    object('v1', 'ResourceQuota', 'shop', 'q', {
      status: { hard: { pods: '1', services: '5' }, used: { pods: '1', services: '1' } },
    }),
    object('networking.k8s.io/v1', 'NetworkPolicy', 'shop', 'deny-in', {
      spec: { podSelector: {}, policyTypes: ['Ingress'] },
    }),
  ];
}

test('each namespace: kind, owner, workloads, Services, age, Pod Security, isolation, quota', () => {
  const [namespaces] = tablesOf(snapshotOf({ objects: full() }));
  expect(namespaces === undefined ? [] : tableLines(namespaces, style).slice(0, 5)).toEqual([
    '  Namespaces',
    '  namespace   kind  owner  work  svc  age  e/a/w  isolated  quota',
    '  default     user  -         1    2    ?  -/-/-  no        no',
    '  monitoring  user  -         0    0    ?  -/-/-  no        no',
    '  shop        user  web       1    1   10  b/-/r  in        full',
  ]);
  expect(namespaces === undefined ? [] : tableReport(namespaces)[2]).toEqual({
    namespace: 'shop',
    kind: { kind: 'user', rule: null },
    owner: { team: 'web' },
    workloads: 1,
    services: 1,
    ageDays: 10,
    podSecurity: { enforce: 'baseline', audit: null, warn: 'restricted' },
    isolated: { ingress: 'closed', egress: 'open' },
    quota: { quotas: 'q', full: 'yes' },
  });
});

test('what is in default stands by the workload at the top, with the Services that select it', () => {
  const [, placed] = tablesOf(snapshotOf({ objects: full() }));
  expect(placed === undefined ? [] : tableReport(placed)).toEqual([
    { namespace: 'default', workload: 'Pod default/stray', pods: 1, owner: 'data', services: ['stray'] },
  ]);
});

test('what could not be seen stands as unseen, never as none', () => {
  const now = snapshotOf({
    objects: full(),
    notVisible: { Service: 'forbidden', NetworkPolicy: 'forbidden', ResourceQuota: 'forbidden' },
  });
  const [namespaces] = tablesOf(now);
  expect(namespaces === undefined ? [] : tableReport(namespaces)[2]).toMatchObject({
    services: null,
    isolated: null,
    quota: null,
  });
  expect(namespaces?.notes.join('\n')).toContain('not visible: Service: forbidden');
  expect(tablesOf(snapshotOf({ notVisible: { Namespace: 'forbidden' } }))).toEqual([]);
});

test('a label says what kind a namespace is, but not of those that Kubernetes makes itself', () => {
  const verdict = (name: string, kind: string) =>
    namespaceVerdict(snapshotOf(), namespace(name, { [KIND_LABEL]: kind })).kind;
  expect(verdict('monitoring', 'user')).toBe('user');
  expect(verdict('shop', 'system')).toBe('system');
  expect(verdict('kube-flannel', 'user')).toBe('user');
  expect(verdict('kube-system', 'user')).toBe('system');
  expect(verdict('shop', 'nonsense')).toBe('user');
});

test('no line is wider than the terminal, whatever namespaces are called', () => {
  const objects = [
    ...manifestsIn('namespaces/shop/cluster.yaml'),
    namespace('x'.repeat(63), { owner: 'y'.repeat(63) }),
    pod('default', 'z'.repeat(200)),
  ];
  for (const table of tablesOf(snapshotOf({ objects })))
    for (const line of tableLines(table, style)) expect(line.length).toBeLessThanOrEqual(80);
});
