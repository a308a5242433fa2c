import { admittedSpec } from '../../src/model/admitted-spec.js';
import type { addedBy } from '../../src/model/capacity.js';
import type { Manifest } from '../../src/model/manifest.js';
import { isManaged, otherManagers } from '../../src/model/ours.js';
import type { Peak } from '../../src/model/peaks.js';
import { type Amounts, amountText } from '../../src/model/quantity.js';
import { covers, isScoped, scopesOf } from '../../src/model/quota-scopes.js';
import { podSizes, type Resources } from '../../src/model/size.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { overuseIn } from '../../src/model/usage.js';
import { counted, listed } from '../../src/model/words.js';
import { specOf, type Workload } from '../../src/model/workloads.js';
import { overuseText } from './overuse.js';
import { unreadIn } from './unread.js';

/** From whom the list of a LimitRange is taken, by name: it has one owner. */
export function takenFrom(live: Manifest): readonly string[] {
  const others = [...new Set(otherManagers(live))];
  if (others.length > 0 || isManaged(live)) return others;
  return ['a manager that the server does not name'];
}

/** What was seen in use, where a default is proposed that has to do with it. */
export function usedLines(peak: Peak | undefined, limits: boolean): readonly string[] {
  if (!limits) return [];
  if (peak === undefined)
    return [
      'what containers without a memory limit use could not be seen: the default limit rests on your answer alone',
    ];
  return peak.unseen === 0
    ? []
    : [`of ${counted(peak.unseen, 'container')} without a memory limit the use could not be seen`];
}

/** Whom the default requests do not do justice: what they use now is more. */
export function beyondDefaults(now: Snapshot, namespace: string, defaults: Resources): readonly string[] {
  const more = overuseIn(now, namespace, defaults).filter(
    ({ own, requested }) => !own && requested !== undefined,
  );
  return more.length === 0
    ? []
    : [`more than these requests is in use now: ${overuseText(more)}; give them requests of their own`];
}

/** Bounds are held against templates; of some workloads there is none to be seen. */
export function unheld(now: Snapshot, namespace: string, limits: boolean): readonly string[] {
  const unread = unreadIn(now, namespace).filter(({ template }) => template === undefined);
  if (!limits || unread.length === 0) return [];
  const names = unread.map(({ ref }) => `${ref.kind} ${ref.name}`);
  return [`${listed(names)}: only live pods were held against it, for no template is seen`];
}

export function addedLines({ workloads, pods, amounts }: ReturnType<typeof addedBy>): readonly string[] {
  if (workloads === 0) return [];
  const many = `${counted(pods, 'pod')} of ${counted(workloads, 'workload')}`;
  return [`from the next start on, ${many} will ask for ${amountsText(amounts)} more in all`];
}

export function amountsText(amounts: Amounts): string {
  return listed(Object.entries(amounts).map(([name, value]) => `${amountText(name, value)} ${name}`));
}

/** Quotas with scopes count other pods once a default request takes these out of the class BestEffort. */
export function scopeLines(
  now: Snapshot,
  workloads: readonly Workload[],
  quotas: readonly Manifest[],
  before: Resources,
  after: Resources,
): readonly string[] {
  return quotas.filter(isScoped).flatMap((quota) => {
    const counts = (workload: Workload, defaults: Resources) => {
      const spec = admittedSpec(now, specOf(workload));
      return covers(scopesOf(quota), spec, podSizes(spec, defaults)) === true;
    };
    const { name } = quota.metadata;
    const joined = workloads.filter((one) => !counts(one, before) && counts(one, after));
    const left = workloads.filter((one) => counts(one, before) && !counts(one, after));
    const named = (all: readonly Workload[]) => listed(all.map(({ ref }) => `${ref.kind} ${ref.name}`));
    return [
      ...(joined.length === 0
        ? []
        : [`from the next start on, ResourceQuota ${name} counts the pods of ${named(joined)} as well`]),
      ...(left.length === 0
        ? []
        : [
            `from the next start on, ResourceQuota ${name} no longer counts the pods of ${named(left)}: they ask for something then`,
          ]),
    ];
  });
}
