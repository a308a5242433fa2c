// Writes a synthetic cluster as `kubectl get -A -o json` would: namespaces.json, pods.json, networkpolicies.json.
// A class is one workload; the same options make the same bytes.
//
//   node bench/cluster.mjs --classes 500 --out DIR [--pods 2500] [--policies 750] [--seed 1]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const names = ['classes', 'pods', 'policies', 'seed', 'out'];
const { values } = parseArgs({
  options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
});
const number = (name, fallback) => {
  const n = Number(values[name] ?? fallback);
  if (!Number.isInteger(n) || n < 1) throw new Error(`--${name} must be a whole number of at least 1`);
  return n;
};
const classes = number('classes', 100);
const pods = Math.max(classes, number('pods', classes * 5));
const policies = number('policies', Math.round(classes * 1.5));
if (values.out === undefined) throw new Error('--out DIR is missing');

let state = number('seed', 1);
const random = () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];

const PORTS = { web: ['http', 8080], api: ['grpc', 50051], db: ['sql', 5432], cache: ['redis', 6379] };
const namespaces = Array.from({ length: Math.max(4, Math.round(classes / 20)) }, (_, i) => ({
  name: `team-${i}`,
  labels: { 'kubernetes.io/metadata.name': `team-${i}`, stage: pick(['prod', 'test']), group: `g${i % 8}` },
  workloads: [],
}));
const workloads = Array.from({ length: classes }, (_, i) => {
  const namespace = namespaces[i % namespaces.length];
  const tier = pick(Object.keys(PORTS));
  const hash = Math.floor(random() * 36 ** 6).toString(36);
  const labels = { app: `${tier}-${i}`, tier, 'pod-template-hash': hash };
  const workload = { namespace, tier, labels, name: `${tier}-${i}-${hash}` };
  namespace.workloads.push(workload);
  return workload;
});

const container = ({ tier }) => {
  const [name, containerPort] = PORTS[tier];
  const metrics = { name: 'metrics', containerPort: 9100, protocol: 'TCP' };
  return {
    name: 'main',
    image: `registry.example/${tier}:1`,
    ports: [{ name, containerPort, protocol: 'TCP' }, metrics],
  };
};
const podList = Array.from({ length: pods }, (_, i) => {
  const workload = workloads[i % classes];
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: workload.name,
    uid: workload.name,
    controller: true,
  };
  const podIP = `10.${64 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${workload.name}-${i}`,
      namespace: workload.namespace.name,
      labels: workload.labels,
      ownerReferences: [owner],
    },
    spec: { nodeName: `node-${i >> 6}`, containers: [container(workload)] },
    status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }] },
  };
});

const byApp = ({ labels }) => ({ matchLabels: { app: labels.app } });
const own = (workload) => ({ port: PORTS[workload.tier][random() < 0.5 ? 0 : 1] });
const outside = (i) => ({ ipBlock: { cidr: `198.18.${i % 64}.0/24`, except: [`198.18.${i % 64}.128/28`] } });
const SHAPES = [
  (w) => ({ ingress: [{ from: [{ podSelector: byApp(pick(w.namespace.workloads)) }], ports: [own(w)] }] }),
  (w) => ({
    ingress: [
      {
        from: [
          { podSelector: { matchExpressions: [{ key: 'tier', operator: 'In', values: ['web', 'api'] }] } },
        ],
        ports: [own(w)],
      },
    ],
  }),
  (w) => ({
    ingress: [
      {
        from: [{ namespaceSelector: { matchLabels: { group: w.namespace.labels.group } } }],
        ports: [own(w)],
      },
    ],
  }),
  (_, i) => ({ ingress: [{ from: [outside(i)], ports: [{ port: 8000, endPort: 8999 }] }] }),
  (w, i) => ({
    policyTypes: ['Egress'],
    egress: [
      { to: [outside(i)], ports: [{ port: 443 }] },
      { to: [{ podSelector: byApp(pick(w.namespace.workloads)) }] },
    ],
  }),
];
const policyList = Array.from({ length: policies }, (_, i) => {
  const base = i < namespaces.length && i % 10 !== 9;
  const workload = pick(workloads);
  const namespace = base ? namespaces[i] : workload.namespace;
  const spec = base
    ? { podSelector: {}, policyTypes: i % 2 === 0 ? ['Ingress', 'Egress'] : ['Ingress'] }
    : { podSelector: byApp(workload), ...pick(SHAPES)(workload, i) };
  const metadata = { name: `policy-${i}`, namespace: namespace.name };
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec };
});

mkdirSync(values.out, { recursive: true });
const save = (file, items) =>
  writeFileSync(join(values.out, file), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
save(
  'namespaces.json',
  namespaces.map(({ name, labels }) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })),
);
save('pods.json', podList);
save('networkpolicies.json', policyList);
