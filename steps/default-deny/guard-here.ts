import { has } from '../../src/model/features.js';
import type { KindName } from '../../src/model/kinds.js';
import { type Manifest, refOf, refText } from '../../src/model/manifest.js';
import { once } from '../../src/model/once.js';
import { isOurs } from '../../src/model/ours.js';
import { networkPlugin } from '../../src/model/plugins.js';
import { notVisibleReason, objects, type Snapshot } from '../../src/model/snapshot.js';
import { FLAVOURS, type Flavour } from './guard-flavours.js';
import { GUARD, knownNamespaces, type LiveGuard, liveGuards } from './guard-live.js';
import { SHAPES } from './guard-shapes.js';

/** The guard of new namespaces that this cluster can have, or why it can have none. */
export type GuardHere =
  | { flavour: Flavour; evidence: string; live: LiveGuard | undefined }
  | { flavour: undefined; reason: string };

/** The one that is there is kept; otherwise the most standard one that the API serves and that is carried out here. */
export const guardHere = once((now): GuardHere => {
  const [live] = liveGuards(now);
  if (live !== undefined)
    return { flavour: live.flavour, evidence: `${refText(refOf(live.object))} is there`, live };
  const none = (reason: string): GuardHere => ({ flavour: undefined, reason });
  const { title, verdict } = networkPlugin(now);
  if (verdict !== 'enforced') return none('it is not known that policies are enforced');
  if (!has(now, 'namespaceNameLabel'))
    return none('before Kubernetes 1.21 namespaces carry no label with their name');
  const obstacles: string[] = [];
  for (const flavour of FLAVOURS) {
    const evidence = flavour.implementedBy(now);
    if (evidence === undefined) continue;
    const obstacle = obstacleTo(now, flavour);
    if (obstacle === undefined) return { flavour, evidence, live: undefined };
    obstacles.push(obstacle);
  }
  return none(
    obstacles.length === 0
      ? `no policies for the whole cluster were recognised that ${title}, as it runs here, carries out`
      : obstacles.join('; '),
  );
});

/** Why a flavour cannot be written although something here would carry it out. */
function obstacleTo(now: Snapshot, flavour: Flavour): string | undefined {
  const kinds: readonly KindName[] = [
    flavour.kind,
    ...(flavour.needs === undefined ? [] : [flavour.needs.kind]),
  ];
  for (const kind of kinds) {
    const listing = now.listings.get(kind);
    if (listing?.state === 'read') continue;
    return listing?.state === 'absent' ? listing.reason : notVisibleReason(now, kind);
  }
  const taken = (flavour.fixedNames ?? [])
    .flatMap(([kind, name]) => objects(now, kind).filter(({ metadata }) => metadata.name === name))
    .find((object: Manifest) => !isOurs(object, GUARD));
  if (taken !== undefined) return `${refText(refOf(taken))} is somebody else's`;
  return SHAPES[flavour.id].refuses?.(knownNamespaces(now));
}
