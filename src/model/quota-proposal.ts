import { at, isRecord, type Manifest, stringAt } from './manifest.js';
import { linesFor, type Needs } from './needs.js';
import { isManaged, MANAGED_BY } from './ours.js';
import { amountText, divideUp, type Quantity, quantityOf, roundUp, whole } from './quantity.js';
import { isOfClaims, quotaAmounts, quotaKey } from './quota.js';
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
  rounding: Rounding;
  /** Add what is missing to a quota that is there, whoever made it, and not beside it. */
  amend: boolean;
}

/** To what amounts are rounded up: not at all, to what people write, to whole cores and Gi. */
export type Rounding = 'exact' | 'steps' | 'whole';

/** One amount of a proposal. */
export interface ProposedAmount {
  /** As it is written in `spec.hard`. */
  key: string;
  text: string;
  /** How it came about, in lines. */
  working: readonly string[];
}

export interface QuotaProposal {
  manifest: Manifest;
  before?: Manifest;
  /** What is added to `spec.hard`. */
  amounts: readonly ProposedAmount[];
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
  const amounts: ProposedAmount[] = [];
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
    const { text, sum, lines } = sized(key, value, basis.needs, choice);
    hard[written] = text;
    amounts.push({ key: written, text, working: [`${written} ${text}: ${sum}`, ...lines] });
  }
  const missing = unbounded(basis.existing, choice.limits);
  const needed = bounded.size === 0 || missing.some((key) => Object.keys(hard).map(quotaKey).includes(key));
  if (Object.keys(hard).length === 0 || !needed) return undefined;
  return { ...placed(template, basis, hard, choice.amend), amounts, notes };
}

/** Why a key of the template cannot be bounded without refusing something; undefined where it can. */
function cannotBound(
  key: string,
  { counted, defaults: { requests, limits } }: QuotaBasis,
): string | undefined {
  if (!counted(key)) return 'how much of it is in use is not known here';
  const resource = /^(?:requests|limits)\.(.+)$/.exec(key)?.[1];
  if (resource === undefined || isOfClaims(key)) return undefined;
  const given = (key.startsWith('requests.') ? requests : limits)[resource];
  return given === undefined
    ? 'no LimitRange gives a default for it, so pods that say nothing would be refused'
    : undefined;
}

interface Sized {
  text: string;
  /** How it came about. */
  sum: string;
  /** What the need is made of. */
  lines: readonly string[];
}

/** The amount of one key: the template's, or the need with headroom and at least one more where that is more. */
function sized(key: string, value: unknown, needs: Needs, { headroom, rounding }: QuotaChoice): Sized {
  const floor = quantityOf(value) ?? 0n;
  const need = needs.total[key] ?? 0n;
  const one = needs.one[key] ?? 0n;
  const text = (amount: Quantity) => amountText(key, amount);
  const withHeadroom = divideUp(need * BigInt(100 + Math.max(0, Math.ceil(headroom))), 100n);
  const more = withHeadroom >= need + one;
  const asked = more ? withHeadroom : need + one;
  const up = rounded(key, asked, rounding);
  const lines = linesOf(needs, key);
  const roll = `full roll ${text(need)}`;
  if (up <= floor) return { text: String(value), sum: `the template's, which is more than: ${roll}`, lines };
  const added = more ? `${headroom} % headroom` : `one more of ${text(one)}`;
  const round = up === asked ? '' : ` = ${text(asked)}, rounded up`;
  return { text: text(up), sum: `${roll} + ${added}${round}`, lines };
}

/** So many parts of a sum are shown, the largest. */
const PARTS = 8;

function linesOf(needs: Needs, key: string): readonly string[] {
  const lines = linesFor(needs, key);
  const shown = lines.slice(0, PARTS).map(({ what, words, count, each, sum }) => {
    const own = each[key] ?? 0n;
    const total = amountText(key, own * BigInt(count));
    return sum || count === 1
      ? `  ${what}: ${total}`
      : `  ${what}: ${words} x ${amountText(key, own)} = ${total}`;
  });
  return lines.length > PARTS ? [...shown, `  and ${lines.length - PARTS} smaller ones`] : shown;
}

const MI = 1024n * 1024n * whole(1);

/**
 * Rounded up. `steps`: to 100m, 128Mi and 1Gi of storage, above ten cores and 16Gi to whole cores and Gi. Counts are
 * whole, and bytes as well.
 */
function rounded(key: string, amount: Quantity, rounding: Rounding): Quantity {
  const cpu = key.endsWith('.cpu');
  if (rounding === 'exact') return roundUp(amount, cpu ? whole(1) / 1000n : whole(1));
  if (cpu) return roundUp(amount, rounding === 'whole' || amount > whole(10) ? whole(1) : whole(1) / 10n);
  if (!/memory$|storage$/.test(key)) return roundUp(amount, whole(1));
  const coarse = rounding === 'whole' || key.endsWith('storage') || amount > MI * 16_384n;
  return roundUp(amount, coarse ? MI * 1024n : MI * 128n);
}

/**
 * The object that takes the amounts: the quota of the template's name, or another one that is there where it is to be
 * amended, or a new one under a free name. What others bound in it stays theirs.
 */
function placed(
  template: Manifest,
  { namespace, existing }: QuotaBasis,
  hard: Record<string, string>,
  amend: boolean,
): { manifest: Manifest; before?: Manifest } {
  const before = target(template, existing, amend);
  if (before === undefined) {
    const metadata = { ...template.metadata, name: freeName(template, existing), namespace };
    return { manifest: { ...template, metadata, spec: { hard } } };
  }
  const { name } = before.metadata;
  const owned = before.metadata.labels?.['app.kubernetes.io/managed-by'] === MANAGED_BY;
  // What we applied before and leave out now would be taken away.
  const kept = owned || isManaged(before) ? at(before, 'spec', 'hard') : undefined;
  return {
    before,
    manifest: {
      apiVersion: template.apiVersion,
      kind: template.kind,
      metadata: owned ? { ...template.metadata, name, namespace } : { name, namespace },
      spec: { hard: { ...(isRecord(kept) ? kept : {}), ...hard } },
    },
  };
}

function target(template: Manifest, existing: readonly Manifest[], amend: boolean): Manifest | undefined {
  const open = existing.filter((quota) => !isScoped(quota));
  const own = open.find(({ metadata }) => metadata.name === template.metadata.name);
  return own ?? (amend ? amendable(open) : undefined);
}

/** The quota that bounds most: what it lacks belongs beside it. */
export function amendable(quotas: readonly Manifest[]): Manifest | undefined {
  const size = (quota: Manifest) => Object.keys(quotaAmounts(at(quota, 'spec', 'hard'))).length;
  return quotas.filter((quota) => !isScoped(quota)).toSorted((a, b) => size(b) - size(a))[0];
}

function freeName(template: Manifest, existing: readonly Manifest[]): string {
  const base = stringAt(template, 'metadata', 'name') ?? 'namespace-quota';
  const taken = new Set(existing.map(({ metadata }) => metadata.name));
  // One name more than there are quotas: one of them is free.
  const names = [base, ...existing.map((_, index) => `${base}-${index + 2}`)];
  return names.find((name) => !taken.has(name)) ?? base;
}

/** A proposal without some keys, which it does not speak of any more either. */
export function withoutKeys(proposal: QuotaProposal, keys: readonly string[], why: string): QuotaProposal {
  const left = (key: string) => !keys.includes(quotaKey(key));
  const { manifest, amounts, notes } = proposal;
  const hard = at(manifest, 'spec', 'hard');
  const kept = Object.entries(isRecord(hard) ? hard : {}).filter(([key]) => left(key));
  return {
    ...proposal,
    manifest: { ...manifest, spec: { hard: Object.fromEntries(kept) } },
    amounts: amounts.filter(({ key }) => left(key)),
    notes: [...notes, ...keys.map((key) => `${key} is left out: ${why}`)],
  };
}
