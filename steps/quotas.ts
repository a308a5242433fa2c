import { addedBy, unrequested } from '../src/model/capacity.js';
import { defaultsOf } from '../src/model/limit-defaults.js';
import type { LimitProposal } from '../src/model/limit-proposal.js';
import { at, type Manifest, refOf } from '../src/model/manifest.js';
import { excluded } from '../src/model/namespaces.js';
import { isCounted, needsOf } from '../src/model/needs.js';
import { fittingLimitRange } from '../src/model/newly-refused.js';
import { memoryPeak } from '../src/model/peaks.js';
import type { ApplyChange, Change } from '../src/model/plan.js';
import { type Amounts, sum } from '../src/model/quantity.js';
import { type Answers, chosen } from '../src/model/question.js';
import { isOfPods, quotaKey } from '../src/model/quota.js';
import { proposeQuota, type QuotaProposal, type Rounding, withoutKeys } from '../src/model/quota-proposal.js';
import { refusals } from '../src/model/refusals.js';
import { objects, type Snapshot } from '../src/model/snapshot.js';
import type { Step } from '../src/model/step.js';
import { type Templates, template } from '../src/model/template.js';
import { hidden, WORKLOAD_KINDS, workloadsIn } from '../src/model/workloads.js';
import { assess } from './quotas/findings.js';
import { PEAK_FACTOR, questions, ROUNDINGS } from './quotas/questions.js';
import { limitRangesIn, quotasIn, SIZING_KINDS } from './quotas/seen.js';
import {
  addedLines,
  amountsText,
  beyondDefaults,
  scopeLines,
  takenFrom,
  unheld,
  usedLines,
} from './quotas/told.js';
import { unreadLines } from './quotas/unread.js';

/** A LimitRange and a ResourceQuota for each namespace, sized so that nothing that runs today is refused. */
export const quotas: Step = {
  id: 'quotas',
  title: 'Quotas',
  why: [
    'Without a quota one namespace can take the nodes of all others.',
    'A LimitRange gives requests to containers that have none, so that the quota refuses none of them.',
  ],
  references: [
    { catalogue: 'guide', id: 'Network separation and hardening, Resource policies; appendices F and G' },
    { catalogue: 'Kubescape', id: 'C-0009' },
    { catalogue: 'Kubescape', id: 'C-0270' },
    { catalogue: 'Kubescape', id: 'C-0271' },
    { catalogue: 'Trivy', id: 'KSV-0039' },
    { catalogue: 'Trivy', id: 'KSV-0040' },
  ],
  folder: '03-quotas',
  asks: ['namespaces', 'headroom', 'rounding', 'limits', 'peakFactor', 'amendExisting'],
  reads: [
    { kind: 'Namespace', as: 'objects', for: 'what namespaces there are' },
    { kind: 'LimitRange', as: 'objects', for: 'defaults and bounds of containers' },
    { kind: 'ResourceQuota', as: 'objects', for: 'bounds of namespaces and what is used of them' },
    { kind: 'Service', as: 'objects', for: 'load balancers and node ports in use' },
    { kind: 'Node', as: 'objects', for: 'what the nodes have left for default requests' },
    { kind: 'PersistentVolumeClaim', as: 'objects', for: 'storage in use' },
    { kind: 'RuntimeClass', as: 'objects', for: 'the overhead of pods' },
    { kind: 'PriorityClass', as: 'objects', for: 'which pods a quota with scopes counts' },
    { kind: 'HorizontalPodAutoscaler', as: 'objects', for: 'how far workloads may grow' },
    { kind: 'PodMetrics', as: 'objects', for: 'what is in use, for requests and default memory limits' },
    { kind: 'Event', as: 'objects', for: 'pods that were refused' },
    ...WORKLOAD_KINDS.map((kind) => ({ kind, as: 'objects' as const, for: 'what workloads ask for' })),
  ],
  writes: [
    { kind: 'LimitRange', by: 'apply', for: 'defaults for containers' },
    { kind: 'ResourceQuota', by: 'apply', for: 'bounds of namespaces' },
  ],
  questions,
  assess,
  plan,
};

/** What the answers say. */
interface Wishes {
  headroom: number;
  rounding: Rounding;
  /** Percent of the highest use seen that a default memory limit must be at least. */
  peakFactor: number;
  limits: boolean;
  amend: boolean;
}

function plan(now: Snapshot, answers: Answers, templates: Templates): readonly Change[] {
  if (hidden(now, ['Namespace', 'LimitRange', 'ResourceQuota']).length > 0) return [];
  const wishes: Wishes = {
    headroom: typeof answers.headroom === 'number' ? answers.headroom : 50,
    rounding: ROUNDINGS.find((one) => one === answers.rounding) ?? 'steps',
    peakFactor: typeof answers.peakFactor === 'number' ? answers.peakFactor : PEAK_FACTOR,
    limits: answers.limits === true,
    amend: answers.amendExisting === true,
  };
  const wanted = new Set(chosen(answers, 'namespaces'));
  const names = objects(now, 'Namespace')
    .filter(({ metadata }) => wanted.has(metadata.name) && metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name)
    .filter((name) => !excluded(now, name))
    .toSorted();
  const planned = names.map((name) => planNamespace(now, name, wishes, templates));
  return withCapacity(now, planned);
}

/** The changes of one namespace and what its default requests will add. */
interface Planned {
  limitRange?: ApplyChange;
  quota?: ApplyChange;
  added: Amounts;
}

function planNamespace(now: Snapshot, namespace: string, wishes: Wishes, templates: Templates): Planned {
  const sizesKnown = hidden(now, SIZING_KINDS).length === 0;
  const existing = quotasIn(now, namespace);
  // What a default changes for quotas that are there can be told only of workloads that can be seen.
  if (!sizesKnown && existing.some(countsPods)) return { added: {} };
  const workloads = workloadsIn(now, namespace);
  const specs = workloads.flatMap((w) => [
    ...(w.template === undefined ? [] : [w.template]),
    ...w.pods.map((pod) => at(pod, 'spec')),
  ]);
  const ranges = limitRangesIn(now, namespace);
  // Constraints can be checked only against workloads that can be seen.
  const limits = wishes.limits && sizesKnown;
  const peak = memoryPeak(now, namespace);
  const proposal = fittingLimitRange(
    now,
    namespace,
    ranges,
    existing,
    template(templates, 'quotas/limitrange.yaml'),
    specs,
    { limits, amend: wishes.amend, ...(peak && { peak: { of: peak, percent: wishes.peakFactor } }) },
  );
  const range = proposal?.manifest;
  const rangesThen = range === undefined ? ranges : [range];
  const added = addedBy(workloads, defaultsOf(rangesThen).requests, defaultsOf(ranges).requests);
  const limitRange =
    proposal === undefined || range === undefined
      ? undefined
      : limitRangeChange(namespace, range, proposal, limits, [
          ...addedLines(added),
          ...scopeLines(now, workloads, existing, defaultsOf(ranges), defaultsOf(rangesThen)),
          ...usedLines(peak, limits),
          ...beyondDefaults(now, namespace, defaultsOf(rangesThen)),
          ...unheld(now, namespace, limits),
        ]);
  if (!sizesKnown) return { ...(limitRange && { limitRange }), added: limitRange ? added.amounts : {} };

  const quota = fittingQuota(now, namespace, rangesThen, { ...wishes, limits }, templates);
  const unread = unreadLines(now, namespace);
  // Why there is no LimitRange stands beside the quota, which lacks what it has no default for.
  const without = range === undefined ? (proposal?.notes ?? []).map((note) => `LimitRange: ${note}`) : [];
  return {
    ...(limitRange && { limitRange }),
    ...(quota && { quota: quotaChange(namespace, quota, limitRange, unread, without) }),
    added: limitRange ? added.amounts : {},
  };
}

/**
 * The quota of a namespace after a trial: with it, and with the LimitRange before it, everything that runs is rolled
 * out at once. A key by which that would be refused is left out.
 */
function fittingQuota(
  now: Snapshot,
  namespace: string,
  ranges: readonly Manifest[],
  wishes: Wishes,
  templates: Templates,
): QuotaProposal | undefined {
  const defaults = defaultsOf(ranges);
  const existing = quotasIn(now, namespace);
  const needs = needsOf(now, namespace, { defaults, usage: true });
  const counted = (key: string) => isCounted(now, key);
  const basis = { namespace, existing, needs, defaults, counted };
  const proposal = proposeQuota(template(templates, 'quotas/resourcequota.yaml'), basis, wishes);
  if (proposal === undefined) return undefined;
  const kept = existing.flatMap((quota) =>
    Object.keys(quota === proposal.before ? hardOf(quota) : {}).map(quotaKey),
  );
  const refused = refusals(now, namespace, ranges, [proposal.manifest])
    .flatMap(({ key }) => key ?? [])
    .filter((key) => !kept.includes(key));
  if (refused.length === 0) return proposal;
  const left = withoutKeys(proposal, [...new Set(refused)], 'it would refuse what runs today');
  return left.amounts.length === 0 ? undefined : left;
}

function countsPods(quota: Manifest): boolean {
  return Object.keys(hardOf(quota)).some((key) => isOfPods(quotaKey(key)));
}

function hardOf(quota: Manifest): object {
  const hard = at(quota, 'spec', 'hard');
  return typeof hard === 'object' && hard !== null ? hard : {};
}

function limitRangeChange(
  namespace: string,
  manifest: Manifest,
  { before, notes }: LimitProposal,
  limits: boolean,
  added: readonly string[],
): ApplyChange {
  const ref = refOf(manifest);
  const others = before === undefined ? [] : takenFrom(before);
  return {
    id: `quotas/${namespace}/LimitRange/${ref.name}`,
    kind: 'apply',
    ref,
    risk: limits ? 'rejectsWorkloads' : 'none',
    why:
      before === undefined
        ? `gives requests to containers of ${namespace} that have none`
        : `adds the defaults that LimitRange ${ref.name} lacks; its other fields stay as they are`,
    breaks: [
      ...added,
      ...(limits
        ? ['a container without a memory limit is killed once it uses more than the default limit']
        : []),
      ...notes,
      ...(others.length === 0
        ? []
        : [`takes its list over from ${others.join(', ')}: change it at its source as well`]),
    ],
    manifest,
    settles: 'stored',
    ...(before === undefined ? {} : { before }),
    ...(others.length === 0 ? {} : { force: true, takesOver: others }),
  };
}

function quotaChange(
  namespace: string,
  { manifest, before, amounts, notes }: QuotaProposal,
  limitRange: ApplyChange | undefined,
  unread: readonly string[],
  without: readonly string[],
): ApplyChange {
  const ref = refOf(manifest);
  const bounds = amounts.map(({ key, text }) => `${key} ${text}`).join(', ');
  return {
    id: `quotas/${namespace}/ResourceQuota/${ref.name}`,
    kind: 'apply',
    ref,
    risk: 'rejectsWorkloads',
    why:
      before === undefined
        ? `bounds what ${namespace} can take: ${bounds}`
        : `adds to ResourceQuota ${ref.name} what it leaves open: ${bounds}`,
    working: amounts.flatMap(({ working }) => working),
    breaks: [
      `new pods, claims and Services beyond these amounts are refused; ${unread.length === 0 ? 'all that runs' : 'what is seen to run'} fits in, rolled out at once`,
      ...unread,
      ...without,
      ...notes,
    ],
    manifest,
    settles: 'enforced',
    ...(before === undefined ? {} : { before }),
    ...(limitRange === undefined ? {} : { requires: [limitRange.id] }),
  };
}

/** All changes in their order; where the nodes may have too little left for all new requests, each one says so. */
function withCapacity(now: Snapshot, planned: readonly Planned[]): readonly Change[] {
  const added = planned.reduce<Amounts>((all, one) => sum(all, one.added), {});
  const free = unrequested(now);
  const short = Object.keys(free ?? {}).some((name) => (added[name] ?? 0n) > (free?.[name] ?? 0n));
  const warning =
    free !== undefined && short
      ? [
          `all namespaces of this plan together ask for ${amountsText(added)} more, the nodes have ${amountsText(free)} unrequested: some pods may find no node`,
        ]
      : [];
  return planned.flatMap(({ limitRange, quota, added: own }) => [
    ...(limitRange === undefined
      ? []
      : [
          Object.keys(own).length === 0
            ? limitRange
            : { ...limitRange, breaks: [...limitRange.breaks, ...warning] },
        ]),
    ...(quota === undefined ? [] : [quota]),
  ]);
}
