import { objectsIn } from './namespaced.js';
import type { Quantity } from './quantity.js';
import { containerSize, containersOf } from './size.js';
import type { Snapshot } from './snapshot.js';
import { usageIn } from './usage.js';
import { isFinished } from './workloads.js';

/** The highest use of memory that was seen of containers without a memory limit of their own. */
export interface Peak {
  memory: Quantity;
  /** The container: `web of pod web-1`. */
  where: string;
  /** Containers without a limit whose use was not seen. */
  unseen: number;
}

/**
 * What metrics.k8s.io tells of the containers that a default memory limit would bind; undefined where it tells of none.
 * It is what is in use now: a peak of yesterday is not in it, hence the factor.
 */
export function memoryPeak(now: Snapshot, namespace: string): Peak | undefined {
  const used = usageIn(now, namespace);
  let peak: Peak | undefined;
  let unseen = 0;
  for (const pod of objectsIn(now, 'Pod', namespace)) {
    if (isFinished(pod)) continue;
    for (const { container, path, init, sidecar } of containersOf(pod.spec)) {
      // Init containers that ended are in no metrics.
      if (containerSize(container).limits.memory !== undefined || (init && !sidecar)) continue;
      const memory = used.get(`${pod.metadata.name}/${path}`)?.memory;
      if (memory === undefined) unseen++;
      else if (peak === undefined || memory > peak.memory)
        peak = { memory, where: `${path} of pod ${pod.metadata.name}`, unseen: 0 };
    }
  }
  return peak === undefined ? undefined : { ...peak, unseen };
}
