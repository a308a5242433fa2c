import type { KindName } from '../model/kinds.js';

/** Kinds from which connections are computed. */
export const REACH_KINDS: readonly KindName[] = [
  'Namespace',
  'NetworkPolicy',
  'Pod',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'ReplicationController',
  'Job',
  'CronJob',
  'Node',
  'ClusterNetworkPolicy',
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
];
