import { at, isRecord, listAt, type Manifest, stringAt } from './manifest.js';
import { type Amounts, larger } from './quantity.js';
import { claimCharge } from './quota.js';
import { podsOf, specOf, type Workload } from './workloads.js';

/** Claims of storage that a workload makes, or its pods do, of one template. */
export interface MadeClaims {
  /** The template's place: `volumeClaimTemplates data`, `volumes scratch`. */
  where: string;
  what: string;
  /** The templates themselves, or claims that stand for one. */
  claims: readonly unknown[];
  /** How many of them a full roll or a larger workload has yet to make. */
  missing: number;
}

/** What claims a workload makes. `existing`: the claims of its namespace by name. */
export function claimsMadeBy(
  workload: Workload,
  existing: ReadonlyMap<string, Manifest>,
): readonly MadeClaims[] {
  return [
    ...statefulClaims(workload, existing),
    ...unreadClaims(workload, existing),
    ...ephemeralClaims(workload),
  ];
}

/** What one of these claims counts for in a quota at the most. */
export function chargeOfClaims({ claims }: MadeClaims, classes: readonly string[]): Amounts {
  return claims.map((claim) => claimCharge(claim, classes)).reduce<Amounts>(larger, {});
}

function statefulClaims(
  { ref, object, replicas }: Workload,
  existing: ReadonlyMap<string, Manifest>,
): MadeClaims[] {
  const first = Number(at(object, 'spec', 'ordinals', 'start') ?? 0) || 0;
  return listAt(object, 'spec', 'volumeClaimTemplates').map((claim) => {
    const name = stringAt(claim, 'metadata', 'name') ?? '';
    let missing = 0;
    for (let ordinal = first; ordinal < first + replicas; ordinal++)
      if (!existing.has(`${name}-${ref.name}-${ordinal}`)) missing++;
    const what = `claims ${name} yet to be made by ${ref.kind} ${ref.name}`;
    return { where: `volumeClaimTemplates ${name}`, what, claims: [claim], missing };
  });
}

/**
 * Of a controller that is not read: claims that its live pods have each for itself, which are called after volume and
 * pod.
 */
function unreadClaims(workload: Workload, existing: ReadonlyMap<string, Manifest>): MadeClaims[] {
  const { object, pods, ref } = workload;
  if (object !== undefined) return [];
  const own = pods.flatMap((pod) =>
    listAt(pod.spec, 'volumes').flatMap((volume) => {
      const name = stringAt(volume, 'name') ?? '';
      const claim = existing.get(stringAt(volume, 'persistentVolumeClaim', 'claimName') ?? '');
      return claim?.metadata.name === `${name}-${pod.metadata.name}` ? [{ name, claim }] : [];
    }),
  );
  return [...Map.groupBy(own, ({ name }) => name)].map(([name, all]) => ({
    where: `claims ${name}`,
    what: `claims ${name} yet to be made by ${ref.kind} ${ref.name}`,
    claims: all.map(({ claim }) => claim),
    missing: podsOf(workload) - pods.length,
  }));
}

function ephemeralClaims(workload: Workload): MadeClaims[] {
  return listAt(specOf(workload), 'volumes').flatMap((volume) => {
    const claim = at(volume, 'ephemeral', 'volumeClaimTemplate');
    if (!isRecord(claim)) return [];
    const what = `claims of the pods of ${workload.ref.kind} ${workload.ref.name}`;
    const where = `volumes ${stringAt(volume, 'name') ?? ''}`;
    return [{ where, what, claims: [claim], missing: podsOf(workload) }];
  });
}
