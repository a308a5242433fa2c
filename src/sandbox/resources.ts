import * as core from './schema/core.js';
import { object } from './schema/meta.js';
import * as network from './schema/network.js';
import { any, list, type Struct, str } from './schema/types.js';
import * as workload from './schema/workload.js';

/** One resource that the server serves. */
export interface Resource {
  group: string;
  version: string;
  plural: string;
  singular: string;
  kind: string;
  namespaced: boolean;
  shortNames: readonly string[];
  /** Whether `metadata.generation` counts changes of its spec. */
  generation: boolean;
  schema: Struct;
}

const row = (
  apiVersion: string,
  kind: string,
  plural: string,
  schema: Struct,
  more: { cluster?: boolean; short?: string; generation?: boolean } = {},
): Resource => {
  const slash = apiVersion.indexOf('/');
  return {
    group: slash < 0 ? '' : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    plural,
    singular: kind.toLowerCase(),
    kind,
    namespaced: more.cluster !== true,
    shortNames: more.short === undefined ? [] : more.short.split(' '),
    generation: more.generation === true,
    schema,
  };
};

/** Kinds that are only data here: every field is kept. */
const data = object({ spec: any, status: any });
const rules = object({ rules: list(any), aggregationRule: any });
const binding = object({ roleRef: any, subjects: list(any) });
const webhooks = object({ webhooks: list(any) });

const spec = { generation: true };
const cluster = { cluster: true };

/** What the embedded cluster serves, in the order of discovery. */
export const RESOURCES: readonly Resource[] = [
  row('v1', 'ConfigMap', 'configmaps', core.configMap, { short: 'cm' }),
  row('v1', 'Endpoints', 'endpoints', core.endpoints, { short: 'ep' }),
  row('v1', 'Event', 'events', object({ ...eventFields() }), { short: 'ev' }),
  row('v1', 'LimitRange', 'limitranges', core.limitRange, { short: 'limits' }),
  row('v1', 'Namespace', 'namespaces', core.namespace, { ...cluster, short: 'ns' }),
  row('v1', 'Node', 'nodes', data, { ...cluster, short: 'no' }),
  row('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims', data, { short: 'pvc' }),
  row('v1', 'Pod', 'pods', workload.pod, { short: 'po' }),
  row('v1', 'ReplicationController', 'replicationcontrollers', data, { ...spec, short: 'rc' }),
  row('v1', 'ResourceQuota', 'resourcequotas', core.resourceQuota, { short: 'quota' }),
  row('v1', 'Secret', 'secrets', core.secret),
  row('v1', 'ServiceAccount', 'serviceaccounts', core.serviceAccount, { short: 'sa' }),
  row('v1', 'Service', 'services', core.service, { short: 'svc' }),
  row('apiregistration.k8s.io/v1', 'APIService', 'apiservices', data, cluster),
  row('apps/v1', 'DaemonSet', 'daemonsets', workload.daemonSet, { ...spec, short: 'ds' }),
  row('apps/v1', 'Deployment', 'deployments', workload.deployment, { ...spec, short: 'deploy' }),
  row('apps/v1', 'ReplicaSet', 'replicasets', workload.replicaSet, { ...spec, short: 'rs' }),
  row('apps/v1', 'StatefulSet', 'statefulsets', workload.statefulSet, { ...spec, short: 'sts' }),
  row('autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', data, { short: 'hpa' }),
  row('batch/v1', 'CronJob', 'cronjobs', workload.cronJob, { ...spec, short: 'cj' }),
  row('batch/v1', 'Job', 'jobs', workload.job, spec),
  row('networking.k8s.io/v1', 'IngressClass', 'ingressclasses', network.ingressClass, {
    ...cluster,
    ...spec,
  }),
  row('networking.k8s.io/v1', 'Ingress', 'ingresses', network.ingress, { ...spec, short: 'ing' }),
  row('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', network.networkPolicy, {
    ...spec,
    short: 'netpol',
  }),
  row('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets', data, { ...spec, short: 'pdb' }),
  row('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', binding, cluster),
  row('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', rules, cluster),
  row('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings', binding),
  row('rbac.authorization.k8s.io/v1', 'Role', 'roles', rules),
  row(
    'admissionregistration.k8s.io/v1',
    'MutatingWebhookConfiguration',
    'mutatingwebhookconfigurations',
    webhooks,
    { ...cluster, ...spec },
  ),
  row(
    'admissionregistration.k8s.io/v1',
    'ValidatingWebhookConfiguration',
    'validatingwebhookconfigurations',
    webhooks,
    { ...cluster, ...spec },
  ),
  row('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', data, {
    ...cluster,
    ...spec,
    short: 'crd crds',
  }),
  row('coordination.k8s.io/v1', 'Lease', 'leases', core.lease),
  row('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', core.endpointSlice, spec),
];

function eventFields() {
  return {
    involvedObject: any,
    reason: str,
    message: str,
    source: any,
    firstTimestamp: str,
    lastTimestamp: str,
    count: any,
    type: str,
    eventTime: any,
    action: str,
    related: any,
    reportingComponent: str,
    reportingInstance: str,
    series: any,
  };
}

const BY_PATH = new Map(RESOURCES.map((r) => [`${r.group}/${r.version}/${r.plural}`, r]));
const BY_KIND = new Map(RESOURCES.map((r) => [`${r.group}/${r.kind}`, r]));

/** The resource at a group, version and plural name, as a path has them. */
export function resourceAt(group: string, version: string, plural: string): Resource | undefined {
  return BY_PATH.get(`${group}/${version}/${plural}`);
}

/** The resource of an object's apiVersion and kind. */
export function resourceOf(ref: { apiVersion: string; kind: string }): Resource | undefined {
  const slash = ref.apiVersion.indexOf('/');
  return BY_KIND.get(`${slash < 0 ? '' : ref.apiVersion.slice(0, slash)}/${ref.kind}`);
}

/** The resource of a kind in the core group, which the server itself relies on. */
export function coreResource(
  kind: 'Namespace' | 'Secret' | 'Pod' | 'Service' | 'PersistentVolumeClaim' | 'LimitRange' | 'ResourceQuota',
): Resource {
  return BY_KIND.get(`/${kind}`)!;
}

export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}
