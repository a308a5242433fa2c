import { at, isRecord, listAt, stringAt } from '../model/manifest.js';
import { defaultPodSpec } from './defaults-pod.js';
import type { Resource } from './resources.js';

type Fields = Record<string, unknown>;

/** Sets a field that nobody set. */
export function fill(target: Fields, values: Fields): void {
  for (const [key, value] of Object.entries(values)) target[key] ??= value;
}

/** The object at a key, made where it is missing. */
export function child(target: Fields, key: string): Fields {
  const found = target[key];
  if (isRecord(found)) return found;
  const made: Fields = {};
  target[key] = made;
  return made;
}

const POD_TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

const SPEC_DEFAULTS: Readonly<Record<string, Fields>> = {
  Deployment: { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 },
  ReplicaSet: { replicas: 1 },
  StatefulSet: { replicas: 1, podManagementPolicy: 'OrderedReady', revisionHistoryLimit: 10 },
  DaemonSet: { revisionHistoryLimit: 10 },
  CronJob: {
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  },
};

/**
 * Fills in what the API server fills in. Changes the decoded object in place.
 * Source: `SetDefaults_*` of the kinds' v1 packages.
 */
export function setDefaults(resource: Resource, object: Fields): void {
  const spec = child.bind(undefined, object, 'spec');
  switch (resource.kind) {
    case 'Namespace':
      // A namespace's own name as a label, by which policies select it (1.21 and newer).
      fill(child(child(object, 'metadata'), 'labels'), {
        'kubernetes.io/metadata.name': stringAt(object, 'metadata', 'name'),
      });
      break;
    case 'Secret':
      defaultSecret(object);
      break;
    case 'NetworkPolicy':
      defaultNetworkPolicy(spec());
      break;
    case 'LimitRange':
      for (const item of listAt(object, 'spec', 'limits')) if (isRecord(item)) defaultLimits(item);
      break;
    case 'Service':
      defaultService(spec());
      break;
    case 'Deployment':
      defaultStrategy(child(spec(), 'strategy'));
      break;
    case 'DaemonSet': {
      const strategy = child(spec(), 'updateStrategy');
      fill(strategy, { type: 'RollingUpdate' });
      if (strategy.type === 'RollingUpdate')
        fill(child(strategy, 'rollingUpdate'), { maxUnavailable: 1, maxSurge: 0 });
      break;
    }
    case 'StatefulSet': {
      const strategy = child(spec(), 'updateStrategy');
      fill(strategy, { type: 'RollingUpdate' });
      if (strategy.type === 'RollingUpdate') fill(child(strategy, 'rollingUpdate'), { partition: 0 });
      break;
    }
  }
  const values = SPEC_DEFAULTS[resource.kind];
  if (values !== undefined) fill(spec(), values);
  const path = POD_TEMPLATES[resource.kind];
  const template = path === undefined ? undefined : at(object, ...path);
  if (isRecord(template)) defaultPodSpec(child(template, 'spec'), resource.kind === 'Pod');
}

function defaultSecret(object: Fields): void {
  fill(object, { type: 'Opaque' });
  const plain = object.stringData;
  delete object.stringData; // write-only
  if (!isRecord(plain)) return;
  const data = child(object, 'data');
  for (const [key, value] of Object.entries(plain)) data[key] = Buffer.from(String(value)).toString('base64');
}

function defaultNetworkPolicy(spec: Fields): void {
  for (const direction of ['ingress', 'egress'])
    for (const rule of listAt(spec, direction))
      for (const port of listAt(rule, 'ports')) if (isRecord(port)) fill(port, { protocol: 'TCP' });
  spec.policyTypes ??= listAt(spec, 'egress').length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

/** For type Container: missing `default` from `max`, then missing `defaultRequest` from `default`, then from `min`. */
function defaultLimits(item: Fields): void {
  if (item.type !== 'Container') return;
  const copy = (from: unknown, to: string): void => {
    if (isRecord(from) && Object.keys(from).length > 0) fill(child(item, to), from);
  };
  copy(item.max, 'default');
  copy(item.default, 'defaultRequest');
  copy(item.min, 'defaultRequest');
}

function defaultService(spec: Fields): void {
  fill(spec, { type: 'ClusterIP', sessionAffinity: 'None' });
  const external = spec.type === 'ExternalName';
  for (const port of listAt(spec, 'ports')) {
    if (!isRecord(port)) continue;
    fill(port, { protocol: 'TCP' });
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '')
      port.targetPort = port.port;
  }
  if (external) return;
  fill(spec, { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack', internalTrafficPolicy: 'Cluster' });
  if (spec.type !== 'ClusterIP') fill(spec, { externalTrafficPolicy: 'Cluster' });
  if (spec.type === 'LoadBalancer') fill(spec, { allocateLoadBalancerNodePorts: true });
}

function defaultStrategy(strategy: Fields): void {
  fill(strategy, { type: 'RollingUpdate' });
  if (strategy.type === 'RollingUpdate')
    fill(child(strategy, 'rollingUpdate'), { maxUnavailable: '25%', maxSurge: '25%' });
}
