import { isRecord, type Manifest } from '../../src/model/manifest.js';
import { once } from '../../src/model/once.js';
import { isOurs } from '../../src/model/ours.js';
import { networkPlugin } from '../../src/model/plugins.js';
import { objects } from '../../src/model/snapshot.js';
import { type Reach, reachOf } from '../../src/reach/index.js';
import { METADATA, openReading, REACHED, reachIn } from '../default-deny/state.js';
import { CLUSTER_WIDE, type ClusterWide } from './mechanisms.js';
import { type Ports, SHAPES, type Subject } from './shapes.js';

/** An object of ours that keeps pods from metadata ports, as it is. */
export interface LiveBlock {
  mechanism: ClusterWide;
  object: Manifest;
  /** What it says; undefined where somebody gave it another form. */
  says: { subject: Subject; endpoints: readonly Ports[] } | undefined;
}

/** Ours for the whole cluster, in the order of the mechanisms; of more than one where a plugin was exchanged. */
export const liveBlocks = once((now): readonly LiveBlock[] =>
  CLUSTER_WIDE.flatMap((mechanism) =>
    objects(now, mechanism.kind)
      .filter((object) => isOurs(object, METADATA))
      .map((object) => ({ mechanism, object, says: readBack(mechanism, object) })),
  ),
);

/** Those that something here is seen to carry out. */
export const blocksInForce = once((now) =>
  liveBlocks(now).filter(({ mechanism }) => mechanism.implementedBy(now) !== undefined),
);

/** What an object says, where writing that again gives the same object. */
function readBack(mechanism: ClusterWide, { spec }: Manifest): LiveBlock['says'] {
  const shape = SHAPES[mechanism.id];
  const read = shape.read(spec);
  if (read === undefined || !isRecord(spec)) return undefined;
  const written = { ...Object.fromEntries(mechanism.fixed), ...shape.fill(read.subject, read.endpoints) };
  const telling = Object.fromEntries(Object.entries(spec).filter(([field]) => !SILENT.includes(field)));
  return saysNoMore(telling, written) ? read : undefined;
}

/** Fields that say nothing about which connections are denied. */
const SILENT = ['priority', 'order', 'description'];

/** Whether a value holds what was written, and beside it nothing but what servers add: empty values. */
function saysNoMore(live: unknown, written: unknown): boolean {
  if (Array.isArray(written))
    return (
      Array.isArray(live) &&
      live.length === written.length &&
      written.every((value, i) => saysNoMore(live[i], value))
    );
  if (!isRecord(written)) return live === written;
  return (
    isRecord(live) &&
    Object.entries(written).every(([key, value]) => saysNoMore(live[key], value)) &&
    Object.entries(live).every(([key, value]) => Object.hasOwn(written, key) || isEmpty(value))
  );
}

function isEmpty(value: unknown): boolean {
  return !value || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** Whether a block names a namespace, all of its pods or some. */
export function covers({ says }: Pick<LiveBlock, 'says'>, namespace: string): boolean {
  if (says === undefined) return false;
  const { operator, namespaces } = says.subject;
  return namespaces.includes(namespace) === (operator === 'In');
}

/**
 * The connections of a snapshot with our blocks in force. Those of a plugin that the engine does not read are given to it
 * as what means the same: a deny of the Admin tier that goes before all.
 */
export const reachHere = once((now): Reach => {
  if (networkPlugin(now).verdict === 'notEnforced') return withoutPolicies(now);
  const unread = blocksInForce(now).filter(({ mechanism }) => !REACHED.includes(mechanism.kind));
  if (unread.length === 0) return reachIn(now);
  return reachOf(
    [...REACHED.flatMap((kind) => objects(now, kind)), ...unread.flatMap(asAdmin)],
    openReading(now),
  );
});

/** The connections as if no policy existed: where, or for what, the plugin carries none out. */
export const withoutPolicies = once(
  (now): Reach =>
    reachOf(
      REACHED.filter((kind) => !kind.endsWith('NetworkPolicy')).flatMap((kind) => objects(now, kind)),
      openReading(now),
    ),
);

function asAdmin({ object, says }: LiveBlock): readonly Manifest[] {
  if (says === undefined) return [];
  return [
    {
      apiVersion: 'policy.networking.k8s.io/v1alpha2',
      kind: 'ClusterNetworkPolicy',
      metadata: { name: object.metadata.name, labels: object.metadata.labels ?? {} },
      spec: {
        tier: 'Admin',
        priority: 0,
        ...SHAPES['cluster-network-policy'].fill(says.subject, says.endpoints),
      },
    },
  ];
}
