import { admitPod, quotaState, type Rules, rulesOf } from './admission.js';
import { dialectOf } from './admission-dialect.js';
import { admittedSpec } from './admitted-spec.js';
import { claimsMadeBy } from './claims.js';
import { defaultsOf, possibleDefaults } from './limit-defaults.js';
import { claimViolations, limitViolations } from './limits.js';
import { at, type Manifest, type Ref, refOf } from './manifest.js';
import { claimsByName, isCounted, linesFor, needsOf } from './needs.js';
import { type Amounts, amountText } from './quantity.js';
import { classesIn, quotaAmounts } from './quota.js';
import { scopesOf, unknownScopes } from './quota-scopes.js';
import type { Snapshot } from './snapshot.js';
import { specOf, type Workload, workloadsIn } from './workloads.js';

/** Something that runs today and would be refused when it is created anew. */
export interface Refusal {
  /** The workload, or the quota that a full roll of the whole namespace does not fit in. */
  ref: Ref;
  by: Ref | undefined;
  /** The live pod that was judged, where no template is seen. */
  like?: Ref;
  /** Key of `spec.hard`, where a quota refuses. */
  key?: string;
  /** Field and smallest value that would be admitted among others. */
  message: string;
}

/**
 * What LimitRanges and quotas would refuse if every workload of a namespace were rolled out at once, with nothing else
 * in use: templates that cannot be admitted at all, and quotas that are too small for all of them together. Quotas with
 * scopes that we do not know are not judged.
 */
export function refusals(
  now: Snapshot,
  namespace: string,
  limitRanges: readonly Manifest[],
  quotas: readonly Manifest[],
): readonly Refusal[] {
  if (limitRanges.length + quotas.length === 0) return [];
  const judged = quotas.filter((quota) => unknownScopes(quota).length === 0);
  const variants = rulesWhenEmpty(now, limitRanges, judged);
  return [
    ...workloadsIn(now, namespace).flatMap((workload) => [
      ...templateRefusals(now, workload, limitRanges, variants),
      ...claimRefusals(now, workload, limitRanges),
    ]),
    ...judged.flatMap((quota) => rollRefusals(now, namespace, limitRanges, quota)),
  ];
}

/** The rules of a namespace in which nothing runs, one entry for each order of its LimitRanges that makes a difference. */
export function rulesWhenEmpty(
  now: Snapshot,
  limitRanges: readonly Manifest[],
  quotas: readonly Manifest[],
): readonly Rules[] {
  const empty = quotas.map((quota) => ({ ...quotaState(quota), hard: wantedHard(quota), used: {} }));
  return possibleDefaults(limitRanges).map((defaults) => ({
    ...rulesOf(limitRanges, [], defaults, dialectOf(now.cluster.version)),
    quotas: empty,
  }));
}

function wantedHard(quota: Manifest): Amounts {
  return quotaAmounts((quota.spec as { hard?: unknown } | undefined)?.hard);
}

/** Why the next pod of a template could not be made, whatever else runs. */
function templateRefusals(
  now: Snapshot,
  workload: Workload,
  limitRanges: readonly Manifest[],
  variants: readonly Rules[],
): Refusal[] {
  const { ref, template, pods } = workload;
  if (template === undefined && pods.length === 0) return [];
  const like = template === undefined && pods[0] !== undefined ? { like: refOf(pods[0]) } : {};
  const spec = admittedSpec(now, specOf(workload));
  const found = new Map<string, Refusal>();
  const range = limitRanges[0] === undefined ? undefined : refOf(limitRanges[0]);
  for (const { path, message } of limitViolations(spec, limitRanges, dialectOf(now.cluster.version)))
    found.set(`${path}: ${message}`, { ref, ...like, by: range, message: `${path}: ${message}` });
  for (const rules of variants)
    for (const refused of admitPod(spec, rules).refused)
      if (refused.by === 'quota')
        found.set(`${refused.quota.name}/${refused.message}`, {
          ref,
          ...like,
          by: refused.quota,
          key: refused.key,
          message: refused.message,
        });
  return [...found.values()];
}

/** Claims that a workload or its pods make and a LimitRange would refuse. */
function claimRefusals(now: Snapshot, workload: Workload, limitRanges: readonly Manifest[]): Refusal[] {
  const existing = claimsByName(now, workload.ref.namespace ?? '');
  return claimsMadeBy(workload, existing).flatMap(({ where, claims }) =>
    limitRanges.flatMap((range) =>
      claims
        .flatMap((claim) => claimViolations(at(claim, 'spec'), [range]))
        .map(({ path, message }) => ({
          ref: workload.ref,
          by: refOf(range),
          message: `${where}: ${path}: ${message}`,
        })),
    ),
  );
}

/** Keys of a quota that all pods, Services, claims and objects of a full roll together would exceed. */
export function rollRefusals(
  now: Snapshot,
  namespace: string,
  limitRanges: readonly Manifest[],
  quota: Manifest,
): Refusal[] {
  const hard = wantedHard(quota);
  const needs = needsOf(now, namespace, {
    defaults: defaultsOf(limitRanges),
    scopes: scopesOf(quota),
    classes: classesIn(Object.keys(hard)),
  });
  return Object.entries(hard).flatMap(([key, allowed]) => {
    const needed = needs.total[key];
    if (needed === undefined || needed <= allowed || !isCounted(now, key)) return [];
    const [most] = linesFor(needs, key);
    const message = `${key}: ${amountText(key, needed)} needed, ${amountText(key, allowed)} allowed${most === undefined ? '' : `; most by ${most.what}`}`;
    return [{ ref: refOf(quota), by: refOf(quota), key, message }];
  });
}
