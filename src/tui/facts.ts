import type { KindName } from '../model/kinds.js';
import { namespaceKind } from '../model/namespaces.js';
import { type Enforcement, networkPlugin } from '../model/plugins.js';
import { providers } from '../model/providers.js';
import { notVisibleReason, objects, type Snapshot } from '../model/snapshot.js';
import { once } from './memo.js';
import { count, counted } from './words.js';

/** Kinds that people call a workload; what a controller creates itself is not counted twice. */
const WORKLOADS: readonly KindName[] = ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob'];

/** What the header and the overview say about the cluster. */
export const clusterFacts = once(
  (now: Snapshot): { about: readonly string[]; numbers: readonly string[] } => {
    const all = objects(now, 'Namespace');
    const yours = all.filter((ns) => namespaceKind(now, ns) === 'user').length;
    const workloads = WORKLOADS.reduce((sum, kind) => sum + objects(now, kind).length, 0);
    const unread = (kind: KindName) => now.listings.has(kind) && notVisibleReason(now, kind) !== undefined;
    return {
      about: [...clouds(now), plugin(now)],
      numbers: [
        unread('Namespace')
          ? 'namespaces not visible'
          : `${counted(all.length, 'namespace')} (${count(yours)} yours)`,
        WORKLOADS.some(unread) ? 'workloads not all visible' : counted(workloads, 'workload'),
        ...(now.listings.get('Pod')?.state === 'read' ? [counted(objects(now, 'Pod').length, 'pod')] : []),
      ],
    };
  },
);

function clouds(now: Snapshot): readonly string[] {
  const { found, unknown, notVisible } = providers(now);
  if (notVisible !== undefined) return ['provider not visible'];
  if (found.length > 0) return [found.map(({ provider }) => provider.title).join(' + ')];
  return unknown.length > 0 ? ['provider unknown'] : ['no cloud provider'];
}

const ENFORCES: Record<Enforcement, string> = {
  enforced: 'enforces',
  notEnforced: 'does not enforce',
  unknown: 'enforcing unknown',
};

function plugin(now: Snapshot): string {
  const { title, verdict } = networkPlugin(now);
  return title === 'unknown' ? 'network plugin unknown' : `${title} (${ENFORCES[verdict]})`;
}
