/** What is sent about one kind: every combination of these is fair. */
export interface KindSeed {
  apiVersion: string;
  kind: string;
  path: string;
  /** Fields next to metadata, valid and not. */
  bodies: readonly Record<string, unknown>[];
  patches: readonly Record<string, unknown>[];
  jsonPatches: readonly (readonly Record<string, unknown>[])[];
  /** Whether nobody else writes these objects, so that a resourceVersion read before is still true. */
  quiet: boolean;
}

/** The kinds of the random request sequences, with bodies and patches that are right, wrong and odd. */
export const KINDS: readonly KindSeed[] = [
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    path: '/api/v1/namespaces/$ns/configmaps',
    quiet: true,
    bodies: [
      { data: { a: '1', b: '2' } },
      { data: { b: '3' }, extra: true },
      { data: {} },
      { data: { 'bad key': 'x' } },
      { data: { a: 5 } },
      { data: { a: '1' }, immutable: true },
      {},
    ],
    patches: [
      { data: { a: null, c: '4' } },
      { data: { b: '5' } },
      { data: null },
      { nothing: { x: 1 } },
      {},
      { data: 'text' },
      { immutable: true },
    ],
    jsonPatches: [
      [{ op: 'add', path: '/data/c', value: '9' }],
      [{ op: 'remove', path: '/data/a' }],
      [
        { op: 'test', path: '/data/b', value: '2' },
        { op: 'replace', path: '/data/b', value: '7' },
      ],
      [],
    ],
  },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    path: '/api/v1/namespaces/$ns/secrets',
    quiet: true,
    bodies: [
      { data: { a: 'YQ==' } },
      { stringData: { a: 'b', c: 'd' } },
      { data: { a: 'YQ==' }, stringData: { a: 'z' } },
      { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } },
      { type: 'example.com/own', data: { a: '%' } },
      { immutable: true, data: { a: 'YQ==' } },
    ],
    patches: [
      {},
      { data: { a: 'Yg==' } },
      { type: 'example.com/own' },
      { stringData: { n: 'm' } },
      { data: { a: null } },
    ],
    jsonPatches: [
      [],
      [{ op: 'add', path: '/data/b', value: 'Yg==' }],
      [{ op: 'replace', path: '/type', value: 'x' }],
    ],
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    path: '/apis/networking.k8s.io/v1/namespaces/$ns/networkpolicies',
    quiet: true,
    bodies: [
      { spec: { podSelector: {} } },
      { spec: { podSelector: {}, policyTypes: ['Egress'] } },
      { spec: { podSelector: {}, policyType: ['Egress'] } },
      { spec: { podSelector: { matchLabels: { app: 'web' } }, ingress: [{}], egress: [] } },
      {
        spec: {
          podSelector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] },
          egress: [
            {
              to: [{ namespaceSelector: {}, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }],
              ports: [{ port: 53, protocol: 'UDP' }, { port: 53 }],
            },
            { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] } }] },
          ],
        },
      },
      { spec: { podSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } } },
      {
        spec: {
          podSelector: {},
          ingress: [
            { from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] }, podSelector: {} }] },
          ],
        },
      },
      {
        spec: {
          podSelector: {},
          ingress: [{ ports: [{ port: 70_000 }, { port: 'UPPER' }, { protocol: 'ICMP' }] }],
        },
      },
      { spec: { podSelector: {}, egress: [{ to: [{}, { ipBlock: { cidr: 'nonsense' } }] }] } },
      { spec: { podSelector: {}, policyTypes: ['Ingres'] } },
      { spec: { podSelector: 'all' } },
      {},
    ],
    patches: [
      { spec: { policyTypes: ['Ingress', 'Egress'] } },
      { spec: { ingress: null } },
      { spec: { egress: [{ to: [{ podSelector: {} }] }] } },
      { spec: { podSelector: { matchLabels: { app: 'db' } } } },
      { spec: { policyTypes: null } },
      { spec: { policyType: ['Egress'] } },
    ],
    jsonPatches: [
      [{ op: 'add', path: '/spec/policyTypes/-', value: 'Egress' }],
      [{ op: 'remove', path: '/spec/ingress' }],
      [{ op: 'copy', from: '/spec/policyTypes', path: '/spec/egress' }],
    ],
  },
  {
    apiVersion: 'v1',
    kind: 'LimitRange',
    path: '/api/v1/namespaces/$ns/limitranges',
    quiet: true,
    bodies: [
      { spec: { limits: [{ type: 'Container', defaultRequest: { cpu: '100m', memory: '128Mi' } }] } },
      { spec: { limits: [{ type: 'Container', max: { cpu: 2, memory: '4096Mi' }, min: { cpu: '0.05' } }] } },
      {
        spec: {
          limits: [
            { type: 'Pod', max: { memory: '1G' } },
            { type: 'PersistentVolumeClaim', min: { storage: '1Gi' } },
          ],
        },
      },
      { spec: { limits: [{ type: 'Container', max: { cpu: '1' }, min: { cpu: '2' } }] } },
      { spec: { limits: [{ type: 'Container' }, { type: 'Container' }] } },
      { spec: { limits: [{ type: 'Pod', default: { cpu: '1' } }, { type: 'PersistentVolumeClaim' }] } },
      { spec: { limits: [{ type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '2' } }] } },
      { spec: { limits: [{ type: 'Container', maxLimitRequestRatio: { cpu: '500m' } }] } },
      { spec: { limits: [{ type: 'Container', max: { cpu: 'much' } }] } },
      { spec: { limits: [{ type: 'Something' }] } },
      {},
    ],
    patches: [
      { spec: { limits: [{ type: 'Container', default: { memory: '1.5Gi' } }] } },
      { spec: { limits: null } },
      { metadata: { labels: { tier: 'x' } } },
    ],
    jsonPatches: [
      [{ op: 'add', path: '/spec/limits/0/defaultRequest/cpu', value: '10m' }],
      [{ op: 'remove', path: '/spec/limits/0/max' }],
    ],
  },
  {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    path: '/api/v1/namespaces/$ns/resourcequotas',
    quiet: false,
    bodies: [
      { spec: { hard: { pods: '10', 'requests.cpu': '1500m', 'requests.memory': '2048Mi' } } },
      { spec: { hard: { 'count/deployments.apps': '5', secrets: 3, 'limits.cpu': '2.5' } } },
      { spec: { hard: { pods: '1.5' } } },
      { spec: { hard: { pods: '-1' } } },
      { spec: { hard: { nonsense: '1' } } },
      { spec: { hard: { pods: '5' }, scopes: ['BestEffort'] } },
      { spec: { hard: { 'requests.cpu': '1' }, scopes: ['BestEffort'] } },
      { spec: { hard: { pods: '5' }, scopes: ['Terminating', 'NotTerminating'] } },
      {},
    ],
    patches: [
      { spec: { hard: { pods: null, services: '4' } } },
      { spec: { hard: { pods: '12' } } },
      { spec: { scopes: ['NotTerminating'] } },
    ],
    jsonPatches: [
      [{ op: 'add', path: '/spec/hard/pods', value: '9' }],
      [{ op: 'replace', path: '/spec/none/pods', value: '9' }],
    ],
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    path: '/apis/apps/v1/namespaces/$ns/deployments',
    quiet: true,
    bodies: [
      { spec: workload([{ name: 'web', image: 'example.com/web:1' }]) },
      {
        spec: workload([
          {
            name: 'web',
            image: 'example.com/web',
            ports: [{ containerPort: 8080 }, { name: 'metrics', containerPort: 9090, protocol: 'TCP' }],
            env: [{ name: 'A', value: '1' }],
            resources: { limits: { memory: '1Gi' }, requests: { cpu: '200m' } },
            readinessProbe: { httpGet: { port: 8080 } },
          },
        ]),
      },
      {
        spec: {
          ...workload([
            { name: 'web', image: 'a:latest' },
            { name: 'proxy', image: 'b@sha256:0' },
          ]),
          replicas: 3,
          strategy: { type: 'Recreate' },
        },
      },
      {
        spec: workload([
          { name: 'web', image: 'a', resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } },
        ]),
      },
      {
        spec: workload([
          { name: 'web', image: 'a' },
          { name: 'web', image: 'b' },
        ]),
      },
      { spec: workload([]) },
      { spec: { ...workload([{ name: 'web', image: 'a' }]), selector: { matchLabels: { app: 'other' } } } },
      { spec: { template: workload([{ name: 'web', image: 'a' }]).template } },
    ],
    patches: [
      { spec: { replicas: 5 } },
      { spec: { template: { metadata: { labels: { app: 'x', extra: 'y' } } } } },
      { spec: { template: { spec: { terminationGracePeriodSeconds: 5 } } } },
      { spec: { selector: { matchLabels: { app: 'y' } } } },
      { metadata: { annotations: { note: 'kept' } } },
    ],
    jsonPatches: [
      [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'c:2' }],
      [{ op: 'add', path: '/spec/template/spec/containers/0/env', value: [{ name: 'B', value: '2' }] }],
      [{ op: 'remove', path: '/spec/template/spec/containers/5' }],
    ],
  },
  {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    path: '/api/v1/namespaces/$ns/serviceaccounts',
    quiet: true,
    bodies: [{}, { automountServiceAccountToken: false }, { imagePullSecrets: [{ name: 'a' }] }],
    patches: [{ automountServiceAccountToken: true }, { imagePullSecrets: [{ name: 'b' }] }],
    jsonPatches: [[{ op: 'add', path: '/imagePullSecrets', value: [{ name: 'c' }] }]],
  },
];

function workload(containers: readonly Record<string, unknown>[]) {
  return {
    selector: { matchLabels: { app: 'x' } },
    template: { metadata: { labels: { app: 'x' } }, spec: { containers } },
  };
}
