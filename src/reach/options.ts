import type { Address } from './address.js';
import type { InventoryOptions } from './inventory.js';
import type { Entity } from './policy.js';

/** How the two things that the documentation leaves to plugins are taken. */
export interface EngineOptions {
  /**
   * `node`: pods on their node's network are not selected by any policy, their node's address stands for them (what
   * most plugins do). `pod`: they are pods like any other. The documentation allows both.
   */
  hostNetwork: 'node' | 'pod';
  /**
   * What the ipBlock of a NetworkPolicy means for pods; `networks` of cluster-wide policies match them always.
   * `ignore`: nothing, it means addresses outside of the cluster, as the documentation advises and as Cilium takes it.
   * `select`: it also matches pods by their addresses, as plugins do that filter packets; pods of which no address is
   * known are matched by ranges that hold a whole family. `known`: it matches the addresses that are known; of a pod
   * without one nothing is assumed.
   */
  podAddresses: 'ignore' | 'known' | 'select';
  /** Addresses of domain names that policies mention; a name that is not there matches no address. */
  domains: ReadonlyMap<string, readonly Address[]>;
  /**
   * Addresses behind the entities of Cilium's policies, where the plugin is Cilium: no ipBlock matches these, only a rule
   * that names the entity. Empty with plugins whose ipBlock matches nodes and the API server.
   */
  entities: ReadonlyMap<Entity, readonly Address[]>;
}

export type ReachOptions = InventoryOptions & EngineOptions;

/** For a live cluster: labels as they are, pods under their topmost owner, pods on the node's network left to it. */
export const LIVE: ReachOptions = {
  namespaceLabel: 'asIs',
  owners: 'top',
  hostNetwork: 'node',
  podAddresses: 'ignore',
  domains: new Map(),
  entities: new Map(),
};

/**
 * For manifests in files, of which nobody has made a cluster yet: every object is taken as it stands, and pods on their
 * node's network as pods, with a problem that says so where a policy selects them.
 */
export const FILES: ReachOptions = {
  ...LIVE,
  namespaceLabel: 'implied',
  owners: 'direct',
  hostNetwork: 'pod',
  podAddresses: 'known',
};
