import type { Finding } from '../../src/model/finding.js';
import { at, isRecord, listAt, type Manifest, type Ref, refOf, refText } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { parseQuantity } from '../../src/model/quantity.js';
import { containersOf } from '../../src/model/size.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { isFinished, isMirror, type Workload, workloadsIn } from '../../src/model/workloads.js';
import { limitRangesIn, quotasIn } from './seen.js';

/** A map of quantities, and where it stands in its object. */
interface Place {
  path: string;
  map: unknown;
}

/** One quantity that cannot be read. */
interface Bad {
  object: Ref;
  field: string;
  problem: string;
}

/** Quantities of a namespace that cannot be read, or are negative; they are taken as absent elsewhere. */
export function invalidQuantities(now: Snapshot, namespace: string): readonly Finding[] {
  const mirrors = objectsIn(now, 'Pod', namespace).filter((pod) => !isFinished(pod) && isMirror(pod));
  return [
    ...limitRangesIn(now, namespace).flatMap((range) => badIn(refOf(range), limitPlaces(range))),
    ...quotasIn(now, namespace).flatMap((quota) =>
      badIn(refOf(quota), [{ path: 'spec.hard', map: at(quota, 'spec', 'hard') }]),
    ),
    ...workloadsIn(now, namespace).flatMap(ofWorkload),
    ...mirrors.flatMap((pod) => badIn(refOf(pod), podPlaces(pod.spec))),
    ...objectsIn(now, 'PersistentVolumeClaim', namespace).flatMap((claim) =>
      badIn(refOf(claim), resourcePlaces(claim.spec, 'spec.')),
    ),
  ].map(finding);
}

/** The same of what holds for all namespaces: the overhead of RuntimeClasses. */
export function invalidOverheads(now: Snapshot): readonly Finding[] {
  return objects(now, 'RuntimeClass')
    .flatMap((one) =>
      badIn(refOf(one), [{ path: 'overhead.podFixed', map: at(one, 'overhead', 'podFixed') }]),
    )
    .map(finding);
}

/** What its template says, what its claims say, and what only its live pods say, each once. */
function ofWorkload({ ref, object, template, pods }: Workload): readonly Bad[] {
  const claims = listAt(object, 'spec', 'volumeClaimTemplates').flatMap((claim, index) =>
    resourcePlaces(at(claim, 'spec'), `spec.volumeClaimTemplates[${index}].spec.`),
  );
  const told = badIn(ref, [...podPlaces(template), ...claims]);
  const known = new Set(told.map(({ field }) => field));
  const live = pods.flatMap((pod) => badIn(refOf(pod), podPlaces(pod.spec)));
  return [
    ...told,
    ...live.filter(({ field }) => {
      const fresh = !known.has(field);
      known.add(field);
      return fresh;
    }),
  ];
}

function limitPlaces(range: Manifest): readonly Place[] {
  return listAt(range, 'spec', 'limits').flatMap((item, index) =>
    ['default', 'defaultRequest', 'max', 'min', 'maxLimitRequestRatio'].map((field) => ({
      path: `spec.limits[${index}].${field}`,
      map: at(item, field),
    })),
  );
}

function podPlaces(spec: unknown): readonly Place[] {
  return [
    ...containersOf(spec).flatMap(({ container, field }) => resourcePlaces(container, `${field}.`)),
    ...resourcePlaces(spec, ''),
    { path: 'overhead', map: at(spec, 'overhead') },
    ...listAt(spec, 'volumes').flatMap((volume, index) =>
      resourcePlaces(
        at(volume, 'ephemeral', 'volumeClaimTemplate', 'spec'),
        `volumes[${index}].ephemeral.volumeClaimTemplate.spec.`,
      ),
    ),
  ];
}

function resourcePlaces(of: unknown, prefix: string): readonly Place[] {
  return ['requests', 'limits'].map((what) => ({
    path: `${prefix}resources.${what}`,
    map: at(of, 'resources', what),
  }));
}

function badIn(object: Ref, places: readonly Place[]): readonly Bad[] {
  return places.flatMap(({ path, map }) =>
    Object.entries(isRecord(map) ? map : {}).flatMap(([key, value]): Bad[] => {
      const parsed = parseQuantity(value);
      if (typeof parsed === 'bigint' && parsed >= 0n) return [];
      const problem = typeof parsed === 'bigint' ? 'negative' : parsed.invalid;
      return [{ object, field: `${path}.${key}`, problem }];
    }),
  );
}

function finding({ object, field, problem }: Bad): Finding {
  return {
    id: 'quantity-invalid',
    severity: 'medium',
    object,
    evidence: `${refText(object)}: ${field}: ${problem}`,
    message: `${field} cannot be read as a quantity and is left out of all sums.`,
  };
}
