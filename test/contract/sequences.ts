import { stringAt } from '../../src/model/manifest.js';
import { type Ask, type Connection, request } from '../support/rest.js';
import { type Normalised, normalise } from './normalise.js';
import { Random } from './random.js';

/** How many requests one sequence sends after it has made its namespace. */
const LENGTH = 9;

const NAMES = ['one', 'two', 'Bad_Name'];
const TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

interface KindSeed {
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

const KINDS: readonly KindSeed[] = [
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
      [{ op: 'replace', path: '/spec/hard/none', value: '9' }],
    ],
  },
];

const LABELS = [
  { team: 'a' },
  { team: 'b', tier: 'web' },
  { 'bad label': 'x' },
  undefined,
  undefined,
  undefined,
];
const SELECTORS = ['team=a', 'team!=a', 'team in (a,b),tier', '!team', 'team notin (b)'];

/** What a sequence remembers of a cluster's answers: the resourceVersions that it saw. */
interface Memory {
  versions: Map<string, string>;
}

type Step = (memory: Memory) => Ask;

/** The steps of a seed. They are the same for every cluster; only remembered resourceVersions differ. */
function stepsOf(seed: number, namespace: string): readonly Step[] {
  const random = new Random(seed);
  const kinds = random.some(KINDS, 0.5);
  const chosen = kinds.length > 0 ? kinds : [random.pick(KINDS)];
  return Array.from({ length: LENGTH }, () => stepOf(random, random.pick(chosen), namespace));
}

/** Sends a seed's requests one after the other and returns what clusters must agree on. */
export async function runSequence(
  cluster: Connection,
  seed: number,
  namespace: string,
): Promise<{ ask: Ask; answer: Normalised }[]> {
  const steps = stepsOf(seed, namespace);
  const memory: Memory = { versions: new Map() };
  const results: { ask: Ask; answer: Normalised }[] = [];
  const make: Ask = { method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: namespace } } };
  for (const ask of [make, ...steps.map((step) => () => step(memory))]) {
    const resolved = typeof ask === 'function' ? ask() : ask;
    const answer = await request(cluster, resolved);
    const version = stringAt(answer.json, 'metadata', 'resourceVersion');
    const name = stringAt(answer.json, 'metadata', 'name');
    const kind = stringAt(answer.json, 'kind');
    if (version !== undefined && name !== undefined) memory.versions.set(`${kind}/${name}`, version);
    results.push({ ask: resolved, answer: normalise(answer) });
  }
  return results;
}

function stepOf(random: Random, seed: KindSeed, namespace: string): Step {
  const name = random.chance(0.9) ? random.pick(NAMES.slice(0, 2)) : random.pick(NAMES);
  const collection = seed.path.replace('$ns', random.chance(0.97) ? namespace : 'nowhere');
  const object = `${collection}/${name}`;
  const dry = random.chance(0.15) ? 'dryRun=All' : '';
  const body = random.pick(seed.bodies);
  const labels = random.pick(LABELS);
  const precondition = random.pick(['none', 'none', 'none', 'seen', 'stale'] as const);
  const manifest = (memory: Memory): Record<string, unknown> => ({
    apiVersion: seed.apiVersion,
    kind: seed.kind,
    metadata: {
      name,
      ...(labels === undefined ? {} : { labels }),
      ...versionOf(memory, seed, name, precondition),
    },
    ...body,
  });
  const query = (...parts: string[]): string => {
    const given = [dry, ...parts].filter((part) => part !== '');
    return given.length === 0 ? '' : `?${given.join('&')}`;
  };
  const action = random.pick([
    'create',
    'create',
    'apply',
    'apply',
    'apply',
    'merge',
    'strategic',
    'json',
    'put',
    'delete',
    'get',
    'list',
    'table',
  ] as const);
  const manager = random.pick(['m1', 'm2']);
  const force = random.chance(0.3) ? 'force=true' : '';
  const patch = random.pick(seed.patches);
  const operations = random.pick(seed.jsonPatches);
  const narrow = random.pick([
    '',
    `labelSelector=${encodeURIComponent(random.pick(SELECTORS))}`,
    `fieldSelector=metadata.name%3D${name}`,
    'limit=1',
  ]);
  switch (action) {
    case 'create':
      return (memory) => {
        const { metadata, ...rest } = manifest(memory);
        const { resourceVersion: _none, ...meta } = metadata as Record<string, unknown>;
        return { method: 'POST', path: collection + query(), body: { ...rest, metadata: meta } };
      };
    case 'apply':
      return (memory) => ({
        method: 'PATCH',
        path: object + query(`fieldManager=${manager}`, force),
        type: TYPES.apply,
        body: manifest(memory),
      });
    case 'merge':
      return () => ({ method: 'PATCH', path: object + query(), type: TYPES.merge, body: patch });
    case 'strategic': {
      // A null for a map that is not there is dropped from 1.27 on only.
      const body = JSON.parse(JSON.stringify(patch), (_key, value) => (value === null ? undefined : value));
      return () => ({ method: 'PATCH', path: object + query(), type: TYPES.strategic, body });
    }
    case 'json':
      return () => ({ method: 'PATCH', path: object + query(), type: TYPES.json, body: operations });
    case 'put':
      return (memory) => ({
        method: 'PUT',
        path: object + query(`fieldManager=${manager}`),
        body: manifest(memory),
      });
    case 'delete':
      return (memory) => {
        const { resourceVersion } = versionOf(memory, seed, name, precondition);
        return {
          method: 'DELETE',
          path: object + query(),
          ...(resourceVersion === undefined
            ? {}
            : { body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { resourceVersion } } }),
        };
      };
    case 'get':
      return () => ({ path: object });
    case 'list':
      return () => ({ path: `${collection}${narrow === '' ? '' : `?${narrow}`}` });
    case 'table':
      return () => ({
        path: `${collection}${narrow === '' ? '' : `?${narrow}`}`,
        accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
      });
  }
}

function versionOf(
  memory: Memory,
  seed: KindSeed,
  name: string,
  precondition: 'none' | 'seen' | 'stale',
): { resourceVersion?: string } {
  if (precondition === 'none' || !seed.quiet) return {};
  if (precondition === 'stale') return { resourceVersion: '1' };
  const seen = memory.versions.get(`${seed.kind}/${name}`);
  return seen === undefined ? {} : { resourceVersion: seen };
}
