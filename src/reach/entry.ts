import type { Connection, Reach } from './reach.js';

/** Lines from `{ingress-controller}` to the workloads that Ingress and Route objects expose. */
export function* entryConnections(_reach: Reach): Generator<Connection> {}
