import type { KindName } from '../model/kinds.js';
import { WORKLOAD_KINDS } from '../model/workloads.js';

/**
 * The kinds in which connections are declared. ConfigMaps have to be read whole where pods refer to them
 * (`referencedConfigMaps`), CustomResourceDefinitions with `spec.conversion`; Secrets never.
 */
export const DECLARING_KINDS: readonly KindName[] = [
  ...WORKLOAD_KINDS,
  'Namespace',
  'Node',
  'Service',
  'Endpoints',
  'EndpointSlice',
  'ConfigMap',
  'ServiceAccount',
  'RoleBinding',
  'ClusterRoleBinding',
  'Ingress',
  'IngressClass',
  'Route',
  'GatewayClass',
  'Gateway',
  'HTTPRoute',
  'GRPCRoute',
  'TLSRoute',
  'TCPRoute',
  'UDPRoute',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'CustomResourceDefinition',
  'APIService',
  'ServiceMonitor',
  'PodMonitor',
];
