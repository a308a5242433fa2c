import type { Problem } from './inventory.js';
import type { ReachOptions } from './options.js';
import { addressesOf } from './peers.js';
import type { Policy } from './policy.js';
import type { Reach } from './reach.js';

/** Rules that name domains: what their names resolve to is not known here. */
export function unknownDomains(policies: readonly Policy[], { domains }: ReachOptions): readonly Problem[] {
  return policies.flatMap((policy) =>
    (policy.egress ?? []).flatMap(({ place, action, peers }) =>
      (peers === 'any' ? [] : peers).flatMap((peer) => {
        if (peer.kind !== 'domain' || addressesOf(peer.name, domains).length > 0) return [];
        const message = `${place} (${action}) names the domain ${peer.name}, whose addresses are not known here: it counts as matching none`;
        return [{ object: policy.ref, message }];
      }),
    ),
  );
}

/** Workloads on their node's network that policies select: most plugins overlook that. */
export function selectedOnNode(reach: Reach): readonly Problem[] {
  const { inventory, engine } = reach;
  const found = new Set<number>();
  inventory.pods.forEach((pod, i) => {
    const inForce = (['ingress', 'egress'] as const).map((direction) =>
      engine.inForce(direction, reach.classOf(i)),
    );
    if (pod.hostNetwork && inForce.some((by) => Object.values(by).some((policies) => policies.length > 0)))
      found.add(pod.workload);
  });
  return [...found].flatMap((index) => {
    const workload = inventory.workloads[index];
    if (workload === undefined) return [];
    const message =
      "uses its node's network: policies that select it are shown as in force, most plugins do not apply them";
    return [{ object: workload.ref, message }];
  });
}
