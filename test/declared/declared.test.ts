import fc from 'fast-check';
import {
  DECLARING_KINDS,
  type Declarations,
  declarations,
  declaredText,
  peerText,
  referencedConfigMaps,
} from '../../src/declared/index.js';
import { KINDS } from '../../src/model/kinds.js';
import { type Manifest, refText } from '../../src/model/manifest.js';
import { casesIn, expectGolden, manifestsIn } from '../support/golden.js';
import { snapshotOf } from '../support/snapshot.js';

/** Everything that comes out, as text. */
function text({ connections, dangling }: Declarations): string {
  const lines = connections.map(
    (line) =>
      `${line.severity} ${line.why} ${declaredText(line)}\n    ${refText(line.evidence.object)} ${line.evidence.field}: ${line.evidence.value}`,
  );
  const lost = dangling.map(
    (line) =>
      `dangling ${peerText(line.source)} => ${line.host}: ${line.reason}\n    ${line.evidence.field}: ${line.evidence.value}`,
  );
  return `${[...lines, ...lost].join('\n')}\n`;
}

describe.each(casesIn('declared'))('fixture %s', (name) => {
  const objects = manifestsIn(`declared/${name}/manifests.yaml`);

  test('declares what its golden file says', () => {
    expectGolden(`declared/${name}/expected.txt`, text(declarations(objects)));
  });

  test('the order of objects plays no part', () => {
    const strip = (out: Declarations) =>
      out.connections.map((l) => `${l.severity} ${l.why} ${declaredText(l)}`);
    expect(strip(declarations([...objects].reverse()))).toEqual(strip(declarations(objects)));
  });
});

test('credentials in settings come out nowhere', () => {
  const out = declarations(manifestsIn('declared/secrets/manifests.yaml'));
  expect(out.connections.length).toBeGreaterThan(1);
  expect(JSON.stringify(out).toLowerCase()).not.toContain('marker');
});

test('a snapshot declares what its objects declare, whatever order its kinds have', () => {
  const objects = manifestsIn('declared/platform/manifests.yaml');
  const now = snapshotOf({ objects });
  expect(text(declarations(now))).toEqual(text(declarations(objects)));
  expect([...DECLARING_KINDS].filter((kind) => !Object.hasOwn(KINDS, kind))).toEqual([]);
});

test('without a DNS Service among the objects, DNS is taken to be where it usually is', () => {
  const pod: Manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'shop' },
    spec: {},
  };
  expect(declarations([pod]).connections.map(declaredText)).toEqual([
    'shop/p[Pod] => kube-system/* : TCP 53',
    'shop/p[Pod] => kube-system/* : UDP 53',
  ]);
});

test('a cache on each node is asked besides: its address, and the Service under its own', () => {
  const cache: Manifest = {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'node-local-dns', namespace: 'kube-system' },
    spec: {
      template: {
        spec: {
          hostNetwork: true,
          dnsPolicy: 'Default',
          containers: [{ args: ['-localip', '169.254.20.10'] }],
        },
      },
    },
  };
  const lines = declaredLines([...manifestsIn('declared/platform/manifests.yaml'), cache], 'policy/guard');
  for (const address of ['169.254.20.10', '10.96.0.10'])
    expect(lines).toContain(`policy/guard[Deployment] => ${address} : UDP 53`);
});

function declaredLines(objects: readonly Manifest[], source: string): readonly string[] {
  return declarations(objects)
    .connections.map(declaredText)
    .filter((line) => line.startsWith(source));
}

test('the ConfigMaps that pods refer to are named, others are not', () => {
  const spec = {
    initContainers: [{ envFrom: [{ configMapRef: { name: 'a' } }, { secretRef: { name: 'no' } }] }],
    containers: [{ env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'b', key: 'k' } } }] }],
    volumes: [
      { configMap: { name: 'c' } },
      { projected: { sources: [{ configMap: { name: 'd' } }] } },
      { secret: {} },
    ],
  };
  expect(referencedConfigMaps(spec)).toEqual(['a', 'b', 'c', 'd']);
});

const workload = (value: unknown): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [{ name: 'c', env: [{ name: 'DB_HOST', value }], args: ['-c', value], command: value }],
      },
    },
  },
});
const mounted = (value: unknown): Manifest[] => [
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'm', namespace: 'shop' },
    data: { 'a.conf': value },
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'shop' },
    spec: { containers: [{ name: 'c' }], volumes: [{ configMap: { name: 'm' } }] },
  },
];
const DB: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'db', namespace: 'shop' },
  spec: { selector: { app: 'web' }, ports: [{ port: 5432 }] },
};

describe('strange values', () => {
  test('any text is read, and evidence can go to a terminal', () => {
    const pieces = fc.constantFrom(
      'db',
      ':',
      '5432',
      '://',
      '@',
      '$(',
      '${',
      '}',
      ',',
      '\n',
      '"',
      '=',
      '\u0000',
      '\u202e',
      '.svc',
      ' ',
      'host',
      'é',
      '[',
      ']',
    );
    const strange = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(strange, (value) => {
        const { connections } = declarations([workload(value), ...mounted(value), DB]);
        for (const { evidence } of connections) {
          expect(evidence.value.length).toBeLessThan(250);
          expect(evidence.value + evidence.field).not.toMatch(/[\u0000-\u001f\u202e]/);
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each([undefined, null, 7, [], {}, [[]], { a: { b: [] } }, true])(
    'a value of another type: %j',
    (value) => {
      expect(() => declarations([workload(value), ...mounted(value), { ...DB, spec: value }])).not.toThrow();
      for (const kind of ['Ingress', 'HTTPRoute', 'APIService', 'ServiceMonitor', 'ClusterRoleBinding'])
        for (const group of [
          'networking.k8s.io',
          'gateway.networking.k8s.io',
          'apiregistration.k8s.io',
          'monitoring.coreos.com',
          'rbac.authorization.k8s.io',
        ])
          expect(() =>
            declarations([
              { apiVersion: `${group}/v1`, kind, metadata: { name: 'x' }, spec: value, subjects: value },
              {
                apiVersion: `${group}/v1`,
                kind,
                metadata: { name: 'y' },
                spec: { rules: value, to: value, selector: value, endpoints: [value], service: value },
                subjects: [value],
              },
            ]),
          ).not.toThrow();
    },
  );

  /** Texts that a careless expression takes quadratic or exponential time for, of a given length. */
  const TRAPS: Readonly<Record<string, (n: number) => string>> = {
    letters: (n) => 'a'.repeat(n),
    dots: (n) => 'a.'.repeat(n / 2),
    dashes: (n) => `a${'-'.repeat(n)}`,
    schemes: (n) => 'a://'.repeat(n / 4),
    'schemes and at': (n) => 'a://b@'.repeat(n / 6),
    'authorities without hosts': (n) => 'a://_ '.repeat(n / 6),
    'URLs without an end': (n) => 'x://[a]/@'.repeat(n / 9),
    colons: (n) => ':='.repeat(n / 2),
    ports: (n) => 'db:5432,'.repeat(n / 8),
    spaces: (n) => `a${' '.repeat(n)}b`,
    lines: (n) => 'host: x\n'.repeat(n / 8),
    quotes: (n) => '"'.repeat(n),
    references: (n) => '$(A)'.repeat(n / 4),
    'open references': (n) => '${A:'.repeat(n / 4),
    clients: (n) => 'curl '.repeat(n / 5),
    semicolons: (n) => 'a=b;'.repeat(n / 4),
    tags: (n) => '<a>'.repeat(n / 3),
    capitals: (n) => 'A'.repeat(n),
  };
  // Of this length, work that grows with the square takes minutes on any machine; what grows with it, a moment.
  test.each(Object.entries(TRAPS))(
    'a long text comes to an end: %s',
    (_, make) => {
      expect(() => declarations([workload(make(600_000)), ...mounted(make(600_000)), DB])).not.toThrow();
    },
    60_000,
  );

  test('references that double at each step stay small', () => {
    const env = Array.from({ length: 60 }, (_, i) => ({
      name: `V${i}`,
      value: i === 0 ? 'http://db ' : `$(V${i - 1})$(V${i - 1})`,
    }));
    const pod: Manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'shop' },
      spec: { containers: [{ name: 'c', env }] },
    };
    // Written out, the last one is of a length that no memory holds.
    expect(declarations([pod, workload('x'), DB]).connections.length).toBeGreaterThan(0);
  });
});

test('work follows workloads, not pods: the settings of 20,000 pods are read from 1,000 templates', () => {
  const objects: Manifest[] = [];
  let reads = 0;
  for (let w = 0; w < 1_000; w++) {
    const namespace = `ns-${w % 50}`;
    const spec = {
      containers: [{ name: 'c', env: [{ name: 'PEER_URL', value: `http://svc-${(w + 50) % 1_000}:80` }] }],
    };
    objects.push(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: `svc-${w}`, namespace },
        spec: { selector: { app: `app-${w}` }, ports: [{ port: 80, targetPort: 8080 }] },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: `app-${w}`, namespace },
        spec: { template: { metadata: { labels: { app: `app-${w}` } }, spec } },
      },
    );
    for (let p = 0; p < 20; p++)
      objects.push({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: `app-${w}-${p}`,
          namespace,
          labels: { app: `app-${w}`, 'statefulset.kubernetes.io/pod-name': `app-${w}-${p}` },
          ownerReferences: [
            { apiVersion: 'apps/v1', kind: 'StatefulSet', name: `app-${w}`, uid: '', controller: true },
          ],
        },
        spec: {
          containers: [
            {
              name: 'c',
              get env() {
                reads++;
                return spec.containers[0]?.env;
              },
            },
          ],
        },
      });
  }
  const { connections } = declarations(objects);
  expect(connections.filter(({ why }) => why === 'config')).toHaveLength(1_000);
  expect(reads).toBe(0);
});

test('one crowded namespace: 2,000 workloads, Ingresses and routes, one file mounted by all, within seconds', () => {
  const objects: Manifest[] = [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'all', namespace: 'shop' },
      data: { 'all.yaml': 'name: value\nurl: http://svc-1:80/\n'.repeat(5_000) },
    },
  ];
  for (let i = 0; i < 2_000; i++)
    objects.push(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: `svc-${i}`, namespace: 'shop' },
        spec: { selector: { app: `app-${i}` }, ports: [{ port: 80 }], clusterIP: 'None' },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: `app-${i}`, namespace: 'shop' },
        spec: {
          serviceName: `svc-${i}`,
          template: {
            metadata: { labels: { app: `app-${i}` } },
            spec: {
              containers: [{ name: 'c', ports: [{ containerPort: 80 }] }],
              volumes: [{ configMap: { name: 'all' } }],
            },
          },
        },
      },
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name: `i-${i}`, namespace: 'shop' },
        spec: { defaultBackend: { service: { name: `svc-${i}`, port: { number: 80 } } } },
      },
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'HTTPRoute',
        metadata: { name: `r-${i}`, namespace: 'shop' },
        spec: { parentRefs: [{ name: 'edge' }], rules: [{ backendRefs: [{ name: `svc-${i}`, port: 80 }] }] },
      },
      {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: i % 2 === 0 ? 'PodMonitor' : 'ServiceMonitor',
        metadata: { name: `m-${i}`, namespace: 'shop' },
        spec: { selector: { matchLabels: { app: `app-${i}` } }, endpoints: [{ port: 'http' }] },
      },
    );
  const start = performance.now();
  const { connections } = declarations(objects);
  expect((performance.now() - start) / 1_000).toBeLessThan(10);
  for (const why of ['ingress', 'gateway', 'config', 'peers'])
    expect(connections.filter((line) => line.why === why)).toHaveLength(2_000);
});
