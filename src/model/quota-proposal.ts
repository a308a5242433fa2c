import { at, isRecord, type Manifest } from './manifest.js';
import type { Needs } from './needs.js';
import { amountText, divideUp, type Quantity, quantityOf, roundUp, whole } from './quantity.js';
import { quotaAmounts, quotaKey } from './quota.js';
import { isScoped } from './quota-scopes.js';
import type { Resources } from './size.js';

/** What is known of a namespace when its quota is sized. */
export interface QuotaBasis {
  namespace: string;
  /** All quotas of the namespace. */
  existing: readonly Manifest[];
  needs: Needs;
  /** Whether the present use of a key can be told. */
  counted(key: string): boolean;
  /** What its LimitRanges will give to containers that say nothing. */
  defaults: Resources;
}

export interface QuotaChoice {
  /** Percent on top of what a full roll needs. */
  headroom: number;
  /** Also bound limits, not requests only. */
  limits: boolean;
}

export interface QuotaProposal {
  manifest: Manifest;
  before?: Manifest;
  /** Each amount, with how it came about where it is not the template's. */
  arithmetic: readonly string[];
  /** Keys of the template that are left out, and why. */
  notes: readonly string[];
}

/** Keys that a quota has to bound so that a namespace counts as bounded. */
const ESSENTIAL = ['requests.cpu', 'requests.memory'];
const ESSENTIAL_LIMITS = ['limits.cpu', 'limits.memory'];

/** The keys that quotas without scopes bound in a namespace, under our names. */
export function boundedKeys(quotas: readonly Manifest[]): ReadonlySet<string> {
  const hard = quotas.filter((quota) => !isScoped(quota)).map((quota) => at(quota, 'spec', 'hard'));
  return new Set(hard.flatMap((map) => Object.keys(quotaAmounts(map))));
}

/** Essential keys that no quota of the namespace bounds. */
export function unbounded(quotas: readonly Manifest[], limits: boolean): readonly string[] {
  const bounded = boundedKeys(quotas);
  return [...ESSENTIAL, ...(limits ? ESSENTIAL_LIMITS : [])].filter((key) => !bounded.has(key));
}

/**
 * The quota that a namespace should have: the template's amounts, or what a full roll of everything needs plus
 * headroom and at least one more pod where that is more. Keys that a quota bounds already stay with it. Undefined
 * where nothing is missing.
 */
export function proposeQuota(
  template: Manifest,
  basis: QuotaBasis,
  choice: QuotaChoice,
): QuotaProposal | undefined {
  const bounded = boundedKeys(basis.existing);
  const notes: string[] = [];
  const arithmetic: string[] = [];
  const hard: Record<string, string> = {};
  const spec = at(template, 'spec', 'hard');
  for (const [written, value] of Object.entries(isRecord(spec) ? spec : {})) {
    const key = quotaKey(written);
    if (bounded.has(key) || (key.startsWith('limits.') && !choice.limits)) continue;
    const reason = cannotBound(key, basis);
    if (reason !== undefined) {
      notes.push(`${written} is left out: ${reason}`);
      continue;
    }
    const { text, sum } = sized(key, value, basis.needs, choice.headroom);
    hard[written] = text;
    arithmetic.push(sum === undefined ? `${written} ${text}` : `${written} ${text} (${sum})`);
  }
  const missing = unbounded(basis.existing, choice.limits);
  const needed = bounded.size === 0 || missing.some((key) => Object.keys(hard).map(quotaKey).includes(key));
  if (Object.keys(hard).length === 0 || !needed) return undefined;
  return { ...placed(template, basis, hard), arithmetic, notes };
}

/** Why a key of the template cannot be bounded without refusing something; undefined where it can. */
function cannotBound(
  key: string,
  { counted, defaults: { requests, limits } }: QuotaBasis,
): string | undefined {
  if (!counted(key)) return 'how much of it is in use is not known here';
  const resource = /^(?:requests|limits)\.(.+)$/.exec(key)?.[1];
  if (resource === undefined) return undefined;
  const given = (key.startsWith('requests.') ? requests : limits)[resource];
  return given === undefined
    ? 'no LimitRange gives a default for it, so pods that say nothing would be refused'
    : undefined;
}

/** The amount of one key, as text, and its arithmetic; none where the template's is enough. */
function sized(
  key: string,
  value: unknown,
  needs: Needs,
  headroom: number,
): { text: string; sum: string | undefined } {
  const floor = quantityOf(value) ?? 0n;
  const need = needs.total[key] ?? 0n;
  const one = needs.onePod[key] ?? 0n;
  const withHeadroom = divideUp(need * BigInt(100 + Math.max(0, Math.ceil(headroom))), 100n);
  const asked = rounded(key, withHeadroom > need + one ? withHeadroom : need + one);
  if (asked <= floor) return { text: String(value), sum: undefined };
  const more = withHeadroom >= need + one ? `${headroom} %` : 'one more pod';
  return { text: amountText(key, asked), sum: `full roll ${amountText(key, need)} + ${more}` };
}

const MI = 1024n * 1024n * whole(1);

/** Rounded up to what people write: 100m and 128Mi, above ten cores and 16Gi whole cores and Gi; counts as they are. */
function rounded(key: string, amount: Quantity): Quantity {
  if (key.endsWith('.cpu')) return roundUp(amount, amount > whole(10) ? whole(1) : whole(1) / 10n);
  if (key.endsWith('.memory')) return roundUp(amount, amount > MI * 16_384n ? MI * 1024n : MI * 128n);
  return roundUp(amount, whole(1));
}

/** The object that takes the amounts: the quota of the template's name, amended, or a new one under a free name. */
function placed(
  template: Manifest,
  { namespace, existing }: QuotaBasis,
  hard: Record<string, string>,
): { manifest: Manifest; before?: Manifest } {
  const base = template.metadata.name;
  // One name more than there are quotas: one of them is free.
  const names = [base, ...existing.map((_, index) => `${base}-${index + 2}`)];
  const byName = new Map(existing.map((quota) => [quota.metadata.name, quota]));
  const name = names.find((candidate) => {
    const quota = byName.get(candidate);
    return quota === undefined || !isScoped(quota);
  });
  const before = byName.get(name ?? base);
  const metadata = { ...template.metadata, name: name ?? base, namespace };
  const kept = at(before, 'spec', 'hard');
  const manifest = {
    ...template,
    metadata,
    spec: { hard: { ...(isRecord(kept) ? kept : {}), ...hard } },
  };
  return before === undefined ? { manifest } : { manifest, before };
}

/** The amounts of `hard` without some keys. */
export function withoutKeys(manifest: Manifest, keys: readonly string[]): Manifest {
  const hard = at(manifest, 'spec', 'hard');
  const kept = Object.entries(isRecord(hard) ? hard : {}).filter(([key]) => !keys.includes(quotaKey(key)));
  return { ...manifest, spec: { hard: Object.fromEntries(kept) } };
}
