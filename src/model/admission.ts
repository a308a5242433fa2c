import { type Dialect, NEWEST } from './admission-dialect.js';
import { defaultsOf, itemsOf } from './limit-defaults.js';
import { sizeViolations, type Violation } from './limits.js';
import { at, type Manifest, type Ref, refOf } from './manifest.js';
import { type Amounts, amountText, type Quantity, sum } from './quantity.js';
import { isOfPods, podCharge, quotaAmounts } from './quota.js';
import { covers, type Scope, scopesOf } from './quota-scopes.js';
import { type PodSizes, podSizes, type Resources } from './size.js';

/*
 * What an API server decides about a new pod, without a server: LimitRanges fill in defaults, the pod is validated,
 * LimitRanges check it, then every quota that covers it. Sources: plugins LimitRanger and ResourceQuota.
 */

/** A quota as it is enforced at a moment. */
export interface QuotaState {
  ref: Ref;
  scopes: readonly Scope[];
  hard: Amounts;
  used: Amounts;
}

/** The rules of a namespace at a moment. */
export interface Rules {
  dialect: Dialect;
  defaults: Resources;
  /** Items of all LimitRanges. */
  items: readonly unknown[];
  quotas: readonly QuotaState[];
}

/** One reason why a pod is refused. */
export type Refused =
  | { by: 'limits'; violation: Violation }
  | {
      by: 'quota';
      quota: Ref;
      /** Key of `spec.hard`. */
      key: string;
      kind: 'unspecified' | 'exceeded';
      /** The smallest amount of the key that would admit it, for what is exceeded. */
      smallest?: Quantity;
      message: string;
    };

export interface Verdict {
  /** The pod with all defaults. */
  sizes: PodSizes;
  /** Empty: it is admitted. */
  refused: readonly Refused[];
  /** What it counts for, by quota, in the order of the rules. */
  charges: readonly Amounts[];
}

/**
 * The rules that these objects make. A quota is enforced as its status says, once it has one.
 * `defaults`: which ones, where several LimitRanges leave that open.
 */
export function rulesOf(
  limitRanges: readonly Manifest[],
  quotas: readonly Manifest[],
  defaults: Resources = defaultsOf(limitRanges),
  dialect: Dialect = NEWEST,
): Rules {
  return { dialect, defaults, items: itemsOf(limitRanges), quotas: quotas.map(quotaState) };
}

/** A quota as its status tells, or as it is wanted where it has none yet. */
export function quotaState(quota: Manifest): QuotaState {
  return {
    ref: refOf(quota),
    scopes: scopesOf(quota),
    hard: quotaAmounts(at(quota, 'status', 'hard') ?? at(quota, 'spec', 'hard')),
    used: quotaAmounts(at(quota, 'status', 'used')),
  };
}

/** Whether a pod of this spec is admitted under these rules, and why not. */
export function admitPod(podSpec: unknown, rules: Rules): Verdict {
  const sizes = podSizes(podSpec, rules.defaults);
  const charge = podCharge(sizes, rules.dialect);
  const covering = rules.quotas.map((quota) => covers(quota.scopes, podSpec, sizes) === true);
  const charges = rules.quotas.map((quota, index) => (covering[index] ? ofQuota(charge, quota) : {}));
  return {
    sizes,
    charges,
    refused: [
      ...sizeViolations(sizes, rules.items, rules.dialect).map(
        (violation): Refused => ({ by: 'limits', violation }),
      ),
      ...rules.quotas.flatMap((quota, index) =>
        covering[index] ? [...unspecified(sizes, quota), ...exceeded(charges[index] ?? {}, quota)] : [],
      ),
    ],
  };
}

/** The rules once a pod with this verdict was created. */
export function withPod(rules: Rules, { charges }: Verdict): Rules {
  const quotas = rules.quotas.map((quota, index) => ({
    ...quota,
    used: sum(quota.used, charges[index] ?? {}),
  }));
  return { ...rules, quotas };
}

function ofQuota(charge: Amounts, { hard }: QuotaState): Amounts {
  return Object.fromEntries(
    Object.entries(charge).filter(([key]) => hard[key] !== undefined && isOfPods(key)),
  );
}

/** What does not fit into a quota beside what it counts already. A charge of nothing always fits. */
export function exceeded(charge: Amounts, { ref, hard, used }: QuotaState): readonly Refused[] {
  return Object.entries(charge).flatMap(([key, value]): Refused[] => {
    const [allowed, now] = [hard[key], used[key] ?? 0n];
    if (allowed === undefined || value === 0n || now + value <= allowed) return [];
    const text = (quantity: Quantity) => amountText(key, quantity);
    const beside = now === 0n ? '' : ` beside ${text(now)} in use`;
    return [
      {
        by: 'quota',
        quota: ref,
        key,
        kind: 'exceeded',
        smallest: now + value,
        message: `${key}: ${text(value)}${beside} of ${text(allowed)}; ${text(now + value)} would admit it`,
      },
    ];
  });
}

/** Values that a quota demands of every container; a pod that declares resources itself need not have them. */
const DEMANDED = /^(requests|limits)\.(cpu|memory)$/;

/** Requests and limits that a quota demands of every container and that one does not have. */
function unspecified(sizes: PodSizes, { ref, hard }: QuotaState): readonly Refused[] {
  if (sizes.declared !== undefined) return [];
  return Object.keys(hard).flatMap((key) => {
    const [, what, resource] = DEMANDED.exec(key) ?? [];
    if (resource === undefined) return [];
    return sizes.containers.flatMap(({ path, size }): Refused[] => {
      const { requests, limits } = size;
      if ((what === 'limits' ? limits : requests)[resource] !== undefined) return [];
      const least = what === 'limits' ? amountText(resource, requests[resource] ?? 0n) : '0';
      const message = `${path}: no ${key}, which the quota demands; ${least} would be admitted`;
      return [{ by: 'quota', quota: ref, key, kind: 'unspecified', message }];
    });
  });
}
