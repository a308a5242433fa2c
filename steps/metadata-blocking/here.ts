import { has } from '../../src/model/features.js';
import { type Manifest, refOf, refText } from '../../src/model/manifest.js';
import { once } from '../../src/model/once.js';
import { isOurs } from '../../src/model/ours.js';
import { networkPlugin } from '../../src/model/plugins.js';
import { notVisibleReason, objects, type Snapshot } from '../../src/model/snapshot.js';
import { METADATA } from '../default-deny/state.js';
import { blocksInForce, type LiveBlock } from './blocks.js';
import { CLUSTER_WIDE, type ClusterWide } from './mechanisms.js';
import { freePriority } from './priority.js';

/** How pods of chosen namespaces are kept away in this cluster, and what shows that it works. */
export type Here =
  | { by: 'clusterWide'; mechanism: ClusterWide; evidence: string; live: readonly LiveBlock[] }
  /** By NetworkPolicies of each namespace, where nothing closes its egress. */
  | { by: 'namespaces'; reason: string }
  /** Not at all. */
  | { by: 'nothing'; reason: string };

/**
 * What is there of ours and works is kept; otherwise the most standard policy for the whole cluster that the API serves and that is
 * carried out here; otherwise NetworkPolicies, where the plugin's address ranges match nodes and the API server.
 */
export const mechanismHere = once((now): Here => {
  const live = blocksInForce(now);
  const [first] = live;
  if (first !== undefined) {
    const { mechanism } = first;
    const evidence = `${refText(refOf(first.object))} is there`;
    return {
      by: 'clusterWide',
      mechanism,
      evidence,
      live: live.filter((one) => one.mechanism === mechanism),
    };
  }
  const plugin = networkPlugin(now);
  const obstacles: string[] = [];
  if (plugin.verdict === 'enforced')
    for (const mechanism of CLUSTER_WIDE) {
      const evidence = mechanism.implementedBy(now);
      if (evidence === undefined) continue;
      const obstacle = obstacleTo(now, mechanism);
      if (obstacle === undefined) return { by: 'clusterWide', mechanism, evidence, live: [] };
      obstacles.push(obstacle);
    }
  const reason =
    obstacles.length === 0
      ? `no policies for the whole cluster were recognised that ${plugin.title}, as it runs here, carries out`
      : obstacles.join('; ');
  // Policies that nothing carries out would only look like a block.
  if (plugin.verdict === 'notEnforced')
    return { by: 'nothing', reason: `${plugin.title} does not enforce NetworkPolicies` };
  return { by: plugin.ipBlockMatchesNodes ? 'namespaces' : 'nothing', reason };
});

/** Why a mechanism cannot be written although something here would carry it out. */
function obstacleTo(now: Snapshot, mechanism: ClusterWide): string | undefined {
  const { kind, title, needs, byNameLabel, fixed, ownPriority } = mechanism;
  for (const name of [kind, ...(needs === undefined ? [] : [needs.kind])]) {
    const listing = now.listings.get(name);
    if (listing?.state === 'read') continue;
    return listing?.state === 'absent' ? listing.reason : notVisibleReason(now, name);
  }
  if (byNameLabel && !has(now, 'namespaceNameLabel'))
    return 'before Kubernetes 1.21 namespaces carry no label with their name';
  const tier = fixed.find(([field]) => field === 'tier')?.[1];
  if (ownPriority !== undefined && freePriority(now, mechanism) === undefined)
    return `other policies have every priority from ${ownPriority.from} to ${ownPriority.to} of ${title}, and equal ones have no order`;
  const taken =
    needs === undefined
      ? undefined
      : objects(now, needs.kind).find(
          (object: Manifest) => object.metadata.name === tier && !isOurs(object, METADATA),
        );
  return taken === undefined ? undefined : `${refText(refOf(taken))} is somebody else's`;
}
