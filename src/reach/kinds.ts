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

/** Policies that are not analysed, to be listed by name so that they can be said. */
export const FOREIGN_KINDS: readonly KindName[] = [
  'CalicoNetworkPolicy',
  'CalicoGlobalNetworkPolicy',
  'CalicoStoredGlobalNetworkPolicy',
  'CiliumClusterwideNetworkPolicy',
  'AntreaNetworkPolicy',
  'AntreaClusterNetworkPolicy',
  'OvnEgressFirewall',
  'AwsApplicationNetworkPolicy',
  'AwsClusterNetworkPolicy',
];
