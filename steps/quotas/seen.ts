import type { KindName } from '../../src/model/kinds.js';
import type { Manifest } from '../../src/model/manifest.js';
import { containerSize, containersOf } from '../../src/model/size.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { specOf, WORKLOAD_KINDS, type Workload } from '../../src/model/workloads.js';

/** Resources for which every container should have a request. */
export const REQUESTED = ['cpu', 'memory'] as const;

/** The kinds without which the needs of a namespace are not known. */
export const SIZING_KINDS: readonly KindName[] = [...WORKLOAD_KINDS, 'HorizontalPodAutoscaler', 'Service'];

/** The LimitRanges of a namespace, sorted by name. */
export function limitRangesIn(now: Snapshot, namespace: string): readonly Manifest[] {
  return inNamespace(objects(now, 'LimitRange'), namespace);
}

/** The ResourceQuotas of a namespace, sorted by name. */
export function quotasIn(now: Snapshot, namespace: string): readonly Manifest[] {
  return inNamespace(objects(now, 'ResourceQuota'), namespace);
}

function inNamespace(all: readonly Manifest[], namespace: string): readonly Manifest[] {
  return all
    .filter(({ metadata }) => metadata.namespace === namespace && metadata.deletionTimestamp === undefined)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** Workloads of which a container says no CPU or no memory request, neither itself nor by its limit. */
export function withoutRequests(workloads: readonly Workload[]): readonly Workload[] {
  return workloads.filter((workload) =>
    containersOf(specOf(workload)).some(({ container }) => {
      const { requests } = containerSize(container);
      return REQUESTED.some((resource) => requests[resource] === undefined);
    }),
  );
}
