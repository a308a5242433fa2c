/** One kind of object that the product reads or writes. */
export interface Kind {
  kind: string;
  plural: string;
  namespaced: boolean;
  /** Group versions that we speak, best first; discovery tells which of them a server has. */
  apiVersions: readonly string[];
}

const row = (kind: string, plural: string, namespaced: boolean, ...apiVersions: string[]): Kind => ({
  kind,
  plural,
  namespaced,
  apiVersions,
});

/** Versions of the Gateway API; each of its kinds is in some of them. */
const GATEWAY = [
  'gateway.networking.k8s.io/v1',
  'gateway.networking.k8s.io/v1beta1',
  'gateway.networking.k8s.io/v1alpha3',
  'gateway.networking.k8s.io/v1alpha2',
] as const;

/**
 * The kinds, by the name that queries use. Where two groups share a kind, the key carries a prefix.
 * What a server does not serve is `absent` in the snapshot, which is not the same as an empty list.
 */
export const KINDS = {
  Namespace: row('Namespace', 'namespaces', false, 'v1'),
  Node: row('Node', 'nodes', false, 'v1'),
  Pod: row('Pod', 'pods', true, 'v1'),
  Service: row('Service', 'services', true, 'v1'),
  Endpoints: row('Endpoints', 'endpoints', true, 'v1'),
  EndpointSlice: row(
    'EndpointSlice',
    'endpointslices',
    true,
    'discovery.k8s.io/v1',
    'discovery.k8s.io/v1beta1',
  ),
  ConfigMap: row('ConfigMap', 'configmaps', true, 'v1'),
  Secret: row('Secret', 'secrets', true, 'v1'),
  ServiceAccount: row('ServiceAccount', 'serviceaccounts', true, 'v1'),
  PersistentVolumeClaim: row('PersistentVolumeClaim', 'persistentvolumeclaims', true, 'v1'),
  LimitRange: row('LimitRange', 'limitranges', true, 'v1'),
  ResourceQuota: row('ResourceQuota', 'resourcequotas', true, 'v1'),
  ReplicationController: row('ReplicationController', 'replicationcontrollers', true, 'v1'),
  Event: row('Event', 'events', true, 'v1'),
  Deployment: row('Deployment', 'deployments', true, 'apps/v1'),
  ReplicaSet: row('ReplicaSet', 'replicasets', true, 'apps/v1'),
  StatefulSet: row('StatefulSet', 'statefulsets', true, 'apps/v1'),
  DaemonSet: row('DaemonSet', 'daemonsets', true, 'apps/v1'),
  Job: row('Job', 'jobs', true, 'batch/v1'),
  CronJob: row('CronJob', 'cronjobs', true, 'batch/v1', 'batch/v1beta1'),
  HorizontalPodAutoscaler: row(
    'HorizontalPodAutoscaler',
    'horizontalpodautoscalers',
    true,
    'autoscaling/v2',
    'autoscaling/v1',
  ),
  RuntimeClass: row('RuntimeClass', 'runtimeclasses', false, 'node.k8s.io/v1', 'node.k8s.io/v1beta1'),
  PriorityClass: row('PriorityClass', 'priorityclasses', false, 'scheduling.k8s.io/v1'),
  PodMetrics: row('PodMetrics', 'pods', true, 'metrics.k8s.io/v1beta1'),
  NetworkPolicy: row('NetworkPolicy', 'networkpolicies', true, 'networking.k8s.io/v1'),
  Ingress: row('Ingress', 'ingresses', true, 'networking.k8s.io/v1', 'networking.k8s.io/v1beta1'),
  IngressClass: row(
    'IngressClass',
    'ingressclasses',
    false,
    'networking.k8s.io/v1',
    'networking.k8s.io/v1beta1',
  ),
  Route: row('Route', 'routes', true, 'route.openshift.io/v1'),
  Gateway: row('Gateway', 'gateways', true, ...GATEWAY),
  GatewayClass: row('GatewayClass', 'gatewayclasses', false, ...GATEWAY),
  HTTPRoute: row('HTTPRoute', 'httproutes', true, ...GATEWAY),
  GRPCRoute: row('GRPCRoute', 'grpcroutes', true, ...GATEWAY),
  TLSRoute: row('TLSRoute', 'tlsroutes', true, ...GATEWAY),
  TCPRoute: row('TCPRoute', 'tcproutes', true, ...GATEWAY),
  UDPRoute: row('UDPRoute', 'udproutes', true, ...GATEWAY),
  ServiceMonitor: row('ServiceMonitor', 'servicemonitors', true, 'monitoring.coreos.com/v1'),
  PodMonitor: row('PodMonitor', 'podmonitors', true, 'monitoring.coreos.com/v1'),
  PodDisruptionBudget: row(
    'PodDisruptionBudget',
    'poddisruptionbudgets',
    true,
    'policy/v1',
    'policy/v1beta1',
  ),
  Role: row('Role', 'roles', true, 'rbac.authorization.k8s.io/v1'),
  RoleBinding: row('RoleBinding', 'rolebindings', true, 'rbac.authorization.k8s.io/v1'),
  ClusterRoleBinding: row('ClusterRoleBinding', 'clusterrolebindings', false, 'rbac.authorization.k8s.io/v1'),
  Lease: row('Lease', 'leases', true, 'coordination.k8s.io/v1'),
  ValidatingWebhookConfiguration: row(
    'ValidatingWebhookConfiguration',
    'validatingwebhookconfigurations',
    false,
    'admissionregistration.k8s.io/v1',
  ),
  MutatingWebhookConfiguration: row(
    'MutatingWebhookConfiguration',
    'mutatingwebhookconfigurations',
    false,
    'admissionregistration.k8s.io/v1',
  ),
  APIService: row('APIService', 'apiservices', false, 'apiregistration.k8s.io/v1'),
  CustomResourceDefinition: row(
    'CustomResourceDefinition',
    'customresourcedefinitions',
    false,
    'apiextensions.k8s.io/v1',
  ),
  ClusterNetworkPolicy: row(
    'ClusterNetworkPolicy',
    'clusternetworkpolicies',
    false,
    'policy.networking.k8s.io/v1alpha2',
  ),
  AdminNetworkPolicy: row(
    'AdminNetworkPolicy',
    'adminnetworkpolicies',
    false,
    'policy.networking.k8s.io/v1alpha1',
  ),
  BaselineAdminNetworkPolicy: row(
    'BaselineAdminNetworkPolicy',
    'baselineadminnetworkpolicies',
    false,
    'policy.networking.k8s.io/v1alpha1',
  ),
  AntreaClusterNetworkPolicy: row(
    'ClusterNetworkPolicy',
    'clusternetworkpolicies',
    false,
    'crd.antrea.io/v1beta1',
  ),
  CalicoTier: row('Tier', 'tiers', false, 'projectcalico.org/v3'),
  CalicoGlobalNetworkPolicy: row(
    'GlobalNetworkPolicy',
    'globalnetworkpolicies',
    false,
    'projectcalico.org/v3',
  ),
  CiliumClusterwideNetworkPolicy: row(
    'CiliumClusterwideNetworkPolicy',
    'ciliumclusterwidenetworkpolicies',
    false,
    'cilium.io/v2',
  ),
  EC2NodeClass: row(
    'EC2NodeClass',
    'ec2nodeclasses',
    false,
    'karpenter.k8s.aws/v1',
    'karpenter.k8s.aws/v1beta1',
  ),
  KyvernoClusterPolicy: row('ClusterPolicy', 'clusterpolicies', false, 'kyverno.io/v1'),
  CiliumNetworkPolicy: row('CiliumNetworkPolicy', 'ciliumnetworkpolicies', true, 'cilium.io/v2'),
  // Read by name alone, to say that they are there.
  CalicoNetworkPolicy: row(
    'NetworkPolicy',
    'networkpolicies',
    true,
    'projectcalico.org/v3',
    'crd.projectcalico.org/v1',
  ),
  CalicoStoredGlobalNetworkPolicy: row(
    'GlobalNetworkPolicy',
    'globalnetworkpolicies',
    false,
    'crd.projectcalico.org/v1',
  ),
  AntreaNetworkPolicy: row('NetworkPolicy', 'networkpolicies', true, 'crd.antrea.io/v1beta1'),
  OvnEgressFirewall: row('EgressFirewall', 'egressfirewalls', true, 'k8s.ovn.org/v1'),
  AwsApplicationNetworkPolicy: row(
    'ApplicationNetworkPolicy',
    'applicationnetworkpolicies',
    true,
    'networking.k8s.aws/v1alpha1',
  ),
  AwsClusterNetworkPolicy: row(
    'ClusterNetworkPolicy',
    'clusternetworkpolicies',
    false,
    'networking.k8s.aws/v1alpha1',
  ),
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

/** The name of a kind in the table; undefined for kinds that we do not speak. */
export function kindNameOf(ref: { apiVersion: string; kind: string }): KindName | undefined {
  const found = kindOf(ref);
  return (Object.keys(KINDS) as KindName[]).find((name) => KINDS[name] === found);
}

/** The row of a kind, by the kind and API group of an object; undefined for kinds that we do not speak. */
export function kindOf(ref: { apiVersion: string; kind: string }): Kind | undefined {
  const group = ref.apiVersion.includes('/') ? ref.apiVersion.slice(0, ref.apiVersion.indexOf('/')) : '';
  return Object.values<Kind>(KINDS).find(
    (kind) =>
      kind.kind === ref.kind &&
      kind.apiVersions.some((v) => (v.includes('/') ? v.slice(0, v.indexOf('/')) : '') === group),
  );
}
