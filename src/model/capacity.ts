import { at } from './manifest.js';
import { type Amounts, amountsOf, sum, times } from './quantity.js';
import { podSize } from './size.js';
import { objects, type Snapshot, visible } from './snapshot.js';
import { isFinished, podsOf, specOf, type Workload } from './workloads.js';

/** What a default request adds to what some workloads ask for. */
export interface Added {
  workloads: number;
  pods: number;
  amounts: Amounts;
}

/** How much more these workloads will ask for, once their pods are created anew under other default requests. */
export function addedBy(workloads: readonly Workload[], then: Amounts, now: Amounts): Added {
  let added: Added = { workloads: 0, pods: 0, amounts: {} };
  for (const workload of workloads) {
    const before = podSize(specOf(workload), { requests: now, limits: {} }).requests;
    const after = podSize(specOf(workload), { requests: then, limits: {} }).requests;
    const more = Object.entries(after)
      .map(([name, value]): [string, bigint] => [name, value - (before[name] ?? 0n)])
      .filter(([, value]) => value > 0n);
    if (more.length === 0) continue;
    const pods = podsOf({ ...workload, surge: 0 });
    added = {
      workloads: added.workloads + 1,
      pods: added.pods + pods,
      amounts: sum(added.amounts, times(Object.fromEntries(more), pods)),
    };
  }
  return added;
}

/** CPU and memory of all nodes that no pod requests; undefined where nodes or pods could not be seen. */
export function unrequested(now: Snapshot): Amounts | undefined {
  if (!visible(now, 'Node') || !visible(now, 'Pod') || objects(now, 'Node').length === 0) return undefined;
  let free: Amounts = {};
  for (const node of objects(now, 'Node'))
    if (at(node, 'spec', 'unschedulable') !== true)
      free = sum(free, amountsOf(at(node, 'status', 'allocatable')));
  for (const pod of objects(now, 'Pod')) {
    if (isFinished(pod) || at(pod, 'spec', 'nodeName') === undefined) continue;
    free = sum(free, times(podSize(at(pod, 'spec')).requests, -1));
  }
  return { cpu: free.cpu ?? 0n, memory: free.memory ?? 0n };
}
