import type { Finding } from '../../src/model/finding.js';
import { type Manifest, refOf } from '../../src/model/manifest.js';
import { amountText, roundUp, whole } from '../../src/model/quantity.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { type Overuse, overuseIn } from '../../src/model/usage.js';
import { counted } from '../../src/model/words.js';

/** Containers with requests that use more than these, as metrics.k8s.io tells now. */
export function overuseFindings(now: Snapshot, namespace: Manifest): readonly Finding[] {
  const { name } = namespace.metadata;
  // One without any is told as such: a LimitRange may give it some.
  const more = overuseIn(now, name).filter(({ requested }) => requested !== undefined);
  if (more.length === 0) return [];
  const containers = new Set(more.map(({ ref, container }) => `${ref.kind}/${ref.name}/${container}`));
  return [
    {
      id: 'usage-above-requests',
      severity: 'info',
      object: refOf(namespace),
      evidence: overuseText(more),
      message: `${counted(containers.size, 'container')} of ${name} ${containers.size === 1 ? 'uses' : 'use'} more than requested: nodes are filled by less than is taken, and who is above its memory request is evicted first. Raise the requests.`,
    },
  ];
}

const NAMED = 5;
/** As finely as people read it. */
const UNITS = { cpu: whole(1) / 1000n, memory: whole(1024 * 1024) } as const;

/** The worst first, by how many times they use what they request. */
export function overuseText(all: readonly Overuse[]): string {
  const worse = (a: Overuse, b: Overuse) => a.used * (b.requested ?? 0n) - b.used * (a.requested ?? 0n);
  const texts = all
    .toSorted((a, b) => (worse(a, b) > 0n ? -1 : 1))
    .slice(0, NAMED)
    .map(({ ref, pod, container, resource, used, requested = 0n }) => {
      const amount = amountText(resource, roundUp(used, UNITS[resource]));
      return `${container} of ${ref.kind} ${ref.name} ${amount} ${resource}, requests ${amountText(resource, requested)} (pod ${pod})`;
    });
  return `${texts.join('; ')}${all.length > NAMED ? `; and ${all.length - NAMED} more` : ''}`;
}
