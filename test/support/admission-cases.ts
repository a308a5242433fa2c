import fc from 'fast-check';
import { possibleDefaults } from '../../src/model/limit-defaults.js';
import { listAt, type Manifest } from '../../src/model/manifest.js';
import { needsOf } from '../../src/model/needs.js';
import { formatQuantity, quantityOf, whole } from '../../src/model/quantity.js';
import { classesIn, quotaKey } from '../../src/model/quota.js';
import { scopesOf } from '../../src/model/quota-scopes.js';
import { NOTHING } from '../../src/model/size.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { namespace, object, snapshotOf } from './snapshot.js';

/** A namespace whose rules are to be held against what wants to run in it. */
export interface AdmissionCase {
  ranges: readonly Manifest[];
  /** With amounts at, just below or above what a full roll needs. */
  quotas: readonly Manifest[];
  workloads: readonly Manifest[];
  claims: readonly Manifest[];
  services: readonly Manifest[];
  now: Snapshot;
}

/** What a server knows: sidecars and resources of pods are later than 1.20, objects of the cluster not everywhere. */
export interface AdmissionFeatures {
  /** Of Kubernetes, e.g. `1.20`. */
  version: string;
  podLevel: boolean;
  sidecars: boolean;
  classes: boolean;
}

const CPU = ['0', '50m', '0.1', '333m', '5e-1', '1', '1500m', '3'];
const MEMORY = ['0', '1e6', '64Mi', '100M', '0.25Gi', '1Gi', '1.5Gi', '3Gi'];
const NS = 'a';

/** PriorityClasses and RuntimeClasses that the cases name, for servers that know such objects. */
export const CLUSTER_CLASSES: readonly Manifest[] = [
  object('scheduling.k8s.io/v1', 'PriorityClass', undefined, 'low', { value: 1, globalDefault: true }),
  object('scheduling.k8s.io/v1', 'PriorityClass', undefined, 'high', { value: 9 }),
  object('node.k8s.io/v1', 'RuntimeClass', undefined, 'boxed', {
    handler: 'boxed',
    overhead: { podFixed: { cpu: '250m', memory: '32Mi' } },
  }),
];

const cpu = fc.constantFrom(...CPU);
const memory = fc.constantFrom(...MEMORY);
const amounts = fc.record({ cpu, memory, 'ephemeral-storage': fc.constant('1Gi') }, { requiredKeys: [] });
const resources = fc.record({ requests: amounts, limits: amounts }).map(({ requests, limits }) => ({
  limits,
  // The API refuses a template whose own request is above its own limit.
  requests: Object.fromEntries(
    Object.entries(requests).filter(([name, value]) => {
      const limit = limits[name as 'cpu'];
      return limit === undefined || (quantityOf(value) ?? 0n) <= (quantityOf(limit) ?? 0n);
    }),
  ),
}));
const container = fc.oneof(
  { weight: 2, arbitrary: resources },
  {
    weight: 2,
    arbitrary: fc.constantFrom('50m', '333m', '1').map((cpu) => ({
      requests: { cpu, memory: '64Mi' },
      limits: { cpu: '1', memory: '100M' },
    })),
  },
  { weight: 1, arbitrary: fc.constant({ requests: {}, limits: {} }) },
);

/** In the order that the API demands, which would refuse the LimitRange otherwise. */
const ORDER = ['min', 'defaultRequest', 'default', 'max'] as const;
const bounds = (values: readonly string[], fields: readonly string[]) =>
  fc
    .tuple(
      fc.subarray([...fields]),
      fc.array(fc.nat(values.length - 2), { minLength: fields.length, maxLength: fields.length }),
    )
    .map(([chosen, picks]) => {
      const sorted = picks.toSorted((a, b) => a - b).map((pick) => values[pick + 1] ?? '1');
      return Object.fromEntries(
        fields.flatMap((field, i) => (chosen.includes(field) ? [[field, sorted[i] ?? '1']] : [])),
      );
    });
function item(type: string, fields: readonly string[]) {
  const rare = fc.option(fc.constantFrom('1', '1.5', '2', '10'), { freq: 4 });
  return fc
    .record({ cpu: bounds(CPU, fields), memory: bounds(MEMORY, fields), ratio: rare })
    .map(({ ratio, ...of }) => ({
      type,
      ...Object.fromEntries(
        fields.flatMap((field) => {
          const map = Object.fromEntries(
            Object.entries(of).flatMap(([name, byField]) => (byField[field] ? [[name, byField[field]]] : [])),
          );
          return Object.keys(map).length === 0 ? [] : [[field, map]];
        }),
      ),
      // A ratio that bounds contradict is refused when the LimitRange is made.
      ...(ratio === null || of.memory.max !== undefined ? {} : { maxLimitRequestRatio: { memory: ratio } }),
    }));
}
const range = fc
  .record({
    container: fc.option(item('Container', ORDER), { freq: 6 }),
    pod: fc.option(item('Pod', ['min', 'max']), { freq: 1 }),
    claim: fc.option(
      fc.constantFrom({ min: { storage: '2Gi' } }, { max: { storage: '2Gi' } }, { max: { storage: '20Gi' } }),
      { freq: 2 },
    ),
  })
  .map((one) =>
    [one.container, one.pod, one.claim && { type: 'PersistentVolumeClaim', ...one.claim }].filter(
      (entry) => entry !== null && Object.keys(entry).length > 1,
    ),
  );

const workload = ({ podLevel, sidecars, classes }: AdmissionFeatures) =>
  fc.record({
    containers: fc.array(container, { minLength: 1, maxLength: 2 }),
    inits: fc.array(fc.record({ resources: container, sidecar: fc.boolean() }), { maxLength: 2 }),
    kind: fc.constantFrom('Deployment', 'StatefulSet', 'DaemonSet', 'Job'),
    replicas: fc.integer({ min: 1, max: 3 }),
    surge: fc.constantFrom('25%', '100%', 1, 0),
    deadline: fc.option(fc.constantFrom(0, 600), { freq: 2 }),
    priority: fc.option(fc.constantFrom(...(classes ? ['low', 'high'] : ['high']))),
    boxed: classes ? fc.constantFrom(false, false, true) : fc.constant(false),
    own: podLevel ? fc.option(resources, { freq: 2 }) : fc.constant(null),
    sidecars: fc.constant(sidecars),
  });

/** Keys of a quota and the scopes that may go with them. Source: validation of ResourceQuota. */
const COMPUTE = ['requests.cpu', 'memory', 'limits.cpu', 'limits.memory', 'pods'];
const quota = ({ classes }: AdmissionFeatures) => {
  const selector = (operator: string, values?: string[]) => ({
    scopeSelector: {
      matchExpressions: [{ scopeName: 'PriorityClass', operator, ...(values && { values }) }],
    },
  });
  const scoped = [
    { scopes: ['Terminating'] },
    { scopes: ['NotTerminating', 'NotBestEffort'] },
    { scopes: ['NotBestEffort'] },
    selector('In', ['high']),
    selector('NotIn', ['high']),
    ...(classes ? [selector('Exists')] : [selector('DoesNotExist')]),
  ];
  const every = [
    ...COMPUTE,
    'count/pods',
    'requests.ephemeral-storage',
    'requests.storage',
    'persistentvolumeclaims',
    'fast.storageclass.storage.k8s.io/requests.storage',
    'services',
    'services.nodeports',
    'services.loadbalancers',
  ];
  const some = (keys: string[]) => fc.subarray(keys, { minLength: 1, maxLength: 4 });
  const kind = (keys: fc.Arbitrary<string[]>, ...specs: object[]) =>
    fc.record({ keys, spec: fc.constantFrom(...specs) });
  return fc.record({
    with: fc.oneof(
      { weight: 3, arbitrary: kind(some(every), {}) },
      { weight: 2, arbitrary: kind(some(COMPUTE), ...scoped) },
      { weight: 1, arbitrary: kind(fc.constant(['pods']), { scopes: ['BestEffort'] }) },
    ),
    /** Percent of what a full roll needs. */
    share: fc.constantFrom(100, 100, 100, 70, 130),
  });
};

/** `count` cases, always the same for a seed. */
export function admissionCases(count: number, seed: number, features: AdmissionFeatures): AdmissionCase[] {
  const arbitrary = fc.record({
    ranges: fc.oneof(
      { weight: 8, arbitrary: fc.array(range, { maxLength: 1 }) },
      { weight: 1, arbitrary: fc.array(range, { minLength: 2, maxLength: 2 }) },
    ),
    workloads: fc.array(workload(features), { minLength: 1, maxLength: 3 }),
    quotas: fc.array(quota(features), { maxLength: 2 }),
    claims: fc.array(fc.record({ size: fc.constantFrom('1Gi', '5Gi'), fast: fc.boolean() }), {
      maxLength: 2,
    }),
    services: fc.array(fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'), { maxLength: 1 }),
  });
  const { version } = features;
  return fc.sample(arbitrary, { numRuns: count, seed }).map((drawn) => {
    const ranges = drawn.ranges
      .filter((limits) => limits.length > 0)
      .map((limits, i) => object('v1', 'LimitRange', NS, `range-${i}`, { spec: { limits } }));
    const workloads = drawn.workloads.map(workloadOf);
    const claims = drawn.claims.map(({ size, fast }, i) =>
      object('v1', 'PersistentVolumeClaim', NS, `claim-${i}`, {
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: fast ? 'fast' : 'slow',
          resources: { requests: { storage: size } },
        },
      }),
    );
    const services = drawn.services.map((type, i) =>
      object('v1', 'Service', NS, `service-${i}`, {
        spec: { type, ports: [80, 81].map((port) => ({ name: `p${port}`, port })) },
      }),
    );
    const rest = [...workloads, ...claims, ...services, ...(features.classes ? CLUSTER_CLASSES : [])];
    const before = snapshotOf({ version, objects: [namespace(NS), ...ranges, ...rest] });
    const quotas = drawn.quotas.map((one, i) => sizedQuota(before, ranges, one, i));
    const now = snapshotOf({ version, objects: [namespace(NS), ...ranges, ...quotas, ...rest] });
    return { ranges, quotas, workloads, claims, services, now };
  });
}

type Drawn<T> = T extends fc.Arbitrary<infer V> ? V : never;

function workloadOf(drawn: Drawn<ReturnType<typeof workload>>, index: number): Manifest {
  const { kind, replicas, surge, own, priority } = drawn;
  const named = (list: readonly object[], prefix: string) =>
    list.map((rest, i) => ({ name: `${prefix}${i}`, image: 'i', ...rest }));
  const spec = {
    ...(drawn.deadline === null ? {} : { activeDeadlineSeconds: drawn.deadline + 1 }),
    ...(priority === null ? {} : { priorityClassName: priority }),
    ...(drawn.boxed ? { runtimeClassName: 'boxed' } : {}),
    ...(own === null ? {} : { resources: ofPod(own) }),
    initContainers: named(
      drawn.inits.map(({ resources, sidecar }) => ({
        resources,
        ...(sidecar && drawn.sidecars ? { restartPolicy: 'Always' } : {}),
      })),
      'i',
    ),
    containers: named(
      drawn.containers.map((resources) => ({ resources })),
      'c',
    ),
  };
  const scale = {
    Deployment: { replicas, strategy: { rollingUpdate: { maxSurge: surge } } },
    StatefulSet: { replicas },
    DaemonSet: { updateStrategy: { rollingUpdate: { maxSurge: surge } } },
    Job: { parallelism: replicas, completions: replicas + 1 },
  }[kind];
  const status = kind === 'DaemonSet' ? { status: { desiredNumberScheduled: replicas } } : {};
  const version = kind === 'Job' ? 'batch/v1' : 'apps/v1';
  return object(version, kind, NS, `w${index}`, { spec: { ...scale, template: { spec } }, ...status });
}

/** A pod as a whole has no storage. */
function ofPod({ requests, limits }: { requests: object; limits: object }) {
  const only = (map: object) =>
    Object.fromEntries(Object.entries(map).filter(([name]) => /cpu|memory/.test(name)));
  return { requests: only(requests), limits: only(limits) };
}

function sizedQuota(
  now: Snapshot,
  ranges: readonly Manifest[],
  { with: { keys, spec }, share }: Drawn<ReturnType<typeof quota>>,
  index: number,
): Manifest {
  const name = `quota-${index}`;
  const { total } = needsOf(now, NS, {
    defaults: possibleDefaults(ranges)[0] ?? NOTHING,
    scopes: scopesOf(object('v1', 'ResourceQuota', NS, name, { spec })),
    classes: classesIn(keys),
  });
  const hard = Object.fromEntries(
    keys.map((key) => {
      const need = ((total[quotaKey(key)] ?? 0n) * BigInt(share)) / 100n;
      // Only processors are counted in thousandths.
      const unit = key.endsWith('cpu') ? whole(1) / 1000n : whole(1);
      return [key, formatQuantity((need / unit) * unit, 'decimal')];
    }),
  );
  return object('v1', 'ResourceQuota', NS, name, { spec: { hard, ...spec } });
}

/** A pod of a workload's template. */
export function podOf(workload: Manifest, name: string): Manifest {
  const spec = (workload.spec as { template: { spec: object } }).template.spec;
  return object('v1', 'Pod', NS, name, { spec: { ...spec, restartPolicy: 'Never' } });
}

/** The containers of a pod in the order in which they are measured. */
export function containersIn(pod: unknown): unknown[] {
  return [...listAt(pod, 'spec', 'initContainers'), ...listAt(pod, 'spec', 'containers')];
}
