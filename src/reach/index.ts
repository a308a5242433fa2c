/** The NetworkPolicy engine: what may connect to what. Pure: objects in, answers out. */
export { type Address, parseAddress } from './address.js';
export { K8S_LABEL } from './ciliumpolicy.js';
export { diffReach, type ReachDiff } from './diff.js';
export { type Endpoint, UnknownEndpoint } from './endpoint.js';
export type { DirectionVerdict, Explanation, RuleHit } from './explain.js';
export type { Problem, Workload } from './inventory.js';
export {
  type AddressReach,
  type AddressSource,
  addressSources,
  type DirectionIsolation,
  isolation,
  type NamespaceIsolation,
  type OpenWorkload,
  reachesAddress,
} from './isolation.js';
export { FOREIGN_KINDS, REACH_KINDS } from './kinds.js';
export { FILES, LIVE, type ReachOptions } from './options.js';
export type { Entity } from './policy.js';
export { PROTOCOLS, type Protocol } from './portset.js';
export {
  type Connection,
  Reach,
  reachOf,
} from './reach.js';
