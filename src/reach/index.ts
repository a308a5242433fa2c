/** The NetworkPolicy engine: what may connect to what. Pure: objects in, answers out. */
export { diffReach, type ReachDiff } from './diff.js';
export type { DirectionVerdict, Explanation, RuleHit } from './explain.js';
export type { Problem, Workload } from './inventory.js';
export {
  type AddressReach,
  type DirectionIsolation,
  isolation,
  type NamespaceIsolation,
  type OpenWorkload,
  reachesAddress,
} from './isolation.js';
export { PROTOCOLS, type Protocol } from './portset.js';
export {
  type Connection,
  type Endpoint,
  FILES,
  LIVE,
  Reach,
  type ReachOptions,
  reachOf,
  UnknownEndpoint,
} from './reach.js';
