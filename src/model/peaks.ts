import { at, listAt, stringAt } from './manifest.js';
import { inNamespace } from './needs.js';
import { amountsOf, type Quantity } from './quantity.js';
import { containerSize, containersOf } from './size.js';
import type { Snapshot } from './snapshot.js';
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
  const used = new Map<string, Quantity>();
  for (const { metadata, ...metrics } of inNamespace(now, 'PodMetrics', namespace))
    for (const container of listAt(metrics, 'containers')) {
      const { memory } = amountsOf(at(container, 'usage'));
      if (memory !== undefined) used.set(`${metadata.name}/${stringAt(container, 'name') ?? ''}`, memory);
    }
  let peak: Peak | undefined;
  let unseen = 0;
  for (const pod of inNamespace(now, 'Pod', namespace)) {
    if (isFinished(pod)) continue;
    for (const { container, path, init, sidecar } of containersOf(pod.spec)) {
      // Init containers that ended are in no metrics.
      if (containerSize(container).limits.memory !== undefined || (init && !sidecar)) continue;
      const memory = used.get(`${pod.metadata.name}/${path}`);
      if (memory === undefined) unseen++;
      else if (peak === undefined || memory > peak.memory)
        peak = { memory, where: `${path} of pod ${pod.metadata.name}`, unseen: 0 };
    }
  }
  return peak === undefined ? undefined : { ...peak, unseen };
}
