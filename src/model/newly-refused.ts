import { admitPod } from './admission.js';
import { admittedSpec } from './admitted-spec.js';
import { defaultsOf } from './limit-defaults.js';
import { type LimitChoice, type LimitProposal, proposeLimitRange } from './limit-proposal.js';
import { at, type Manifest } from './manifest.js';
import { needsOf } from './needs.js';
import { classesIn, quotaAmounts } from './quota.js';
import { scopesOf, unknownScopes } from './quota-scopes.js';
import { rollRefusals, rulesWhenEmpty } from './refusals.js';
import type { Snapshot } from './snapshot.js';
import { workloadsIn } from './workloads.js';

/** A key of a quota by which something would be refused that is admitted today. */
export interface NewRefusal {
  quota: string;
  key: string;
}

/**
 * What quotas would begin to refuse once other LimitRanges stand before them. A default makes pods ask for more, and
 * one of CPU or memory moves them from BestEffort to Burstable, and so into quotas of other scopes. Pods that are
 * refused today, whatever else runs, cannot be refused anew: but admitted they take room from others.
 */
export function newlyRefused(
  now: Snapshot,
  namespace: string,
  before: readonly Manifest[],
  after: readonly Manifest[],
  quotas: readonly Manifest[],
): readonly NewRefusal[] {
  const judged = quotas.filter((quota) => unknownScopes(quota).length === 0);
  if (judged.length === 0) return [];
  const today = rulesWhenEmpty(now, before, judged);
  const then = rulesWhenEmpty(now, after, judged);
  const admitted = workloadsIn(now, namespace)
    .flatMap(({ template, pods }) => [template ?? [], pods.map((pod) => at(pod, 'spec'))].flat())
    .map((spec) => admittedSpec(now, spec))
    .filter((spec) => today.some((rules) => admitPod(spec, rules).refused.length === 0));
  const verdicts = admitted.flatMap((spec) => then.map((rules) => admitPod(spec, rules)));
  const alone = verdicts.flatMap(({ refused }) =>
    refused.flatMap((one) => (one.by === 'quota' ? [{ quota: one.quota.name, key: one.key }] : [])),
  );
  const together = judged.flatMap((quota, index) => {
    const total = (ranges: readonly Manifest[]) =>
      needsOf(now, namespace, {
        defaults: defaultsOf(ranges),
        scopes: scopesOf(quota),
        classes: classesIn(Object.keys(quotaAmounts(at(quota, 'spec', 'hard')))),
      }).total;
    return rollRefusals(now, namespace, after, quota).flatMap(({ key = '' }) => {
      const grows = (total(after)[key] ?? 0n) > (total(before)[key] ?? 0n);
      const hits = verdicts.some(({ charges }) => (charges[index]?.[key] ?? 0n) > 0n);
      return grows && hits ? [{ quota: quota.metadata.name, key }] : [];
    });
  });
  return [...alone, ...together];
}

/**
 * The LimitRange that a namespace should have, without the defaults by which its quotas would refuse what they admit
 * today: those of the resource in question, or else all of them, where it is what they make of a pod.
 * @throws TemplateError where the template contradicts itself.
 */
export function fittingLimitRange(
  now: Snapshot,
  namespace: string,
  existing: readonly Manifest[],
  quotas: readonly Manifest[],
  template: Manifest,
  specs: readonly unknown[],
  choice: LimitChoice,
): LimitProposal | undefined {
  let without: readonly string[] = [];
  const notes: string[] = [];
  // Each round leaves out at least one resource more, or all, so this ends.
  for (;;) {
    const proposal = proposeLimitRange(existing, template, namespace, specs, choice, without);
    const manifest = proposal?.manifest;
    const worse = manifest === undefined ? [] : newlyRefused(now, namespace, existing, [manifest], quotas);
    if (worse.length === 0)
      return notes.length === 0
        ? proposal
        : { ...(proposal ?? NONE), notes: [...notes, ...(proposal?.notes ?? [])] };
    const given = changedBy(existing, manifest).filter((name) => !without.includes(name));
    const named = given.filter((name) =>
      worse.some(({ key }) => /^(?:requests|limits)\.(.+)$/.exec(key)?.[1] === name),
    );
    const left = named.length > 0 ? named : given;
    if (left.length === 0) return { ...NONE, notes };
    without = [...without, ...left];
    const by = [...new Set(worse.map(({ quota, key }) => `${quota} (${key})`))].join(', ');
    notes.push(
      `no default for ${left.join(' and ')}: with it ResourceQuota ${by} would refuse what runs today`,
    );
  }
}

const NONE: LimitProposal = { manifest: undefined, notes: [] };

/** The resources for which LimitRanges give other defaults than before. */
function changedBy(before: readonly Manifest[], after: Manifest | undefined): readonly string[] {
  if (after === undefined) return [];
  const [was, is] = [defaultsOf(before), defaultsOf([after])];
  const changed = (['requests', 'limits'] as const).flatMap((what) =>
    Object.keys(is[what]).filter((name) => is[what][name] !== was[what][name]),
  );
  return [...new Set(changed)];
}
