import { type Blocked, blockedBy } from '../../src/model/blocked.js';
import type { Finding } from '../../src/model/finding.js';
import { at, listAt, type Manifest, refOf, refText, stringAt } from '../../src/model/manifest.js';
import { candidateNamespaces, namespaceKind } from '../../src/model/namespaces.js';
import { amountsOf, amountText } from '../../src/model/quantity.js';
import { unbounded } from '../../src/model/quota-proposal.js';
import { unknownScopes } from '../../src/model/quota-scopes.js';
import { refusals } from '../../src/model/refusals.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { counted, listed } from '../../src/model/words.js';
import { hidden, workloadsIn } from '../../src/model/workloads.js';
import { failedCreates, notInForce, usedElse } from './in-force.js';
import { invalidOverheads, invalidQuantities } from './invalid.js';
import { overuseFindings } from './overuse.js';
import { lackingDefaults } from './questions.js';
import { limitRangesIn, quotasIn, SIZING_KINDS, withoutRequests } from './seen.js';
import { unreadFindings } from './unread.js';

/** What is missing or wrong about LimitRanges and quotas in the namespaces that are not the cluster's own. */
export function assess(now: Snapshot): readonly Finding[] {
  const unseen = notVisible(now);
  if (hidden(now, ['Namespace', 'LimitRange', 'ResourceQuota']).length > 0) return unseen;
  return [
    ...unseen,
    ...invalidOverheads(now),
    ...candidateNamespaces(now).flatMap((namespace) => [
      ...limitRangeFindings(now, namespace),
      ...quotaFindings(now, namespace),
      ...overuseFindings(now, namespace),
      ...unreadFindings(now, namespace.metadata.name),
      ...invalidQuantities(now, namespace.metadata.name),
    ]),
  ];
}

function notVisible(now: Snapshot): readonly Finding[] {
  const reasons = hidden(now, ['Namespace', 'LimitRange', 'ResourceQuota', ...SIZING_KINDS]);
  if (reasons.length === 0) return [];
  return [
    {
      id: 'quotas-not-visible',
      severity: 'notVisible',
      evidence: reasons.join('; '),
      message:
        'What namespaces need could not be seen in full: no quota is proposed, and no default where a quota counts pods already.',
    },
  ];
}

function limitRangeFindings(now: Snapshot, namespace: Manifest): readonly Finding[] {
  const { name } = namespace.metadata;
  const ranges = limitRangesIn(now, name);
  const [own, ...others] = ranges;
  if (own === undefined) {
    const workloads = workloadsIn(now, name);
    const silent = withoutRequests(workloads).length;
    return [
      {
        id: 'namespace-without-limitrange',
        severity: severityFor(now, namespace),
        object: refOf(namespace),
        evidence: `Namespace ${name}: no LimitRange; ${silent} of ${counted(workloads.length, 'workload')} with containers that request no CPU or no memory`,
        message: `Nothing gives requests to containers of ${name} that have none: the scheduler places them blindly.`,
      },
    ];
  }
  if (others.length > 0)
    return [
      {
        id: 'limitrange-several',
        severity: 'medium',
        object: refOf(own),
        evidence: ranges.map((range) => refText(refOf(range))).join(', '),
        message: `${name} has ${ranges.length} LimitRanges: which default wins is undefined, and may differ from pod to pod. Merge them; they are left as they are.`,
      },
    ];
  const lacking = lackingDefaults(ranges);
  return [
    ...(lacking.length > 0
      ? [
          {
            id: 'limitrange-without-default-request',
            severity: 'low' as const,
            object: refOf(own),
            evidence: `${refText(refOf(own))}: no defaultRequest for ${listed(lacking)}`,
            message: `The LimitRange of ${name} gives no requests to containers that have none.`,
          },
        ]
      : []),
    ...requestFromMaximum(own),
  ];
}

/** The API server fills a missing default from `max`: then every silent container asks for the maximum. */
function requestFromMaximum(range: Manifest): readonly Finding[] {
  return listAt(range, 'spec', 'limits').flatMap((item) => {
    const [max, limit, request] = [
      amountsOf(at(item, 'max')),
      amountsOf(at(item, 'default')),
      amountsOf(at(item, 'defaultRequest')),
    ];
    if (stringAt(item, 'type') !== 'Container') return [];
    return Object.entries(max).flatMap(([name, value]): Finding[] =>
      (request[name] ?? limit[name] ?? value) !== value || (limit[name] ?? value) !== value
        ? []
        : [
            {
              id: 'limitrange-maximum-requested',
              severity: 'low',
              object: refOf(range),
              evidence: `${refText(refOf(range))}: max, default and defaultRequest of ${name} are all ${amountText(name, value)}`,
              message: `Every container without a ${name} request asks for the maximum; set defaultRequest to what they use.`,
            },
          ],
    );
  });
}

function quotaFindings(now: Snapshot, namespace: Manifest): readonly Finding[] {
  const { name } = namespace.metadata;
  const quotas = quotasIn(now, name);
  const missing = unbounded(quotas, false);
  const without: Finding[] =
    missing.length === 0
      ? []
      : [
          {
            id: 'namespace-without-quota',
            severity: severityFor(now, namespace),
            object: refOf(namespace),
            evidence:
              quotas.length === 0
                ? `Namespace ${name}: no ResourceQuota`
                : `${quotas.map((quota) => refText(refOf(quota))).join(', ')}: ${missing.join(', ')} not bounded for all pods`,
            message: `Pods of ${name} can request all that the nodes have.`,
          },
        ];
  return [
    ...without,
    ...quotas.flatMap(unjudged),
    ...quotas.flatMap(notInForce),
    ...quotas.flatMap((quota) => usedElse(now, quota)),
    ...failedCreates(now, name),
    ...quotas.flatMap((quota) => usedUp(now, name, quota)),
    ...refused(now, name, quotas),
  ];
}

/** Amounts that are used up, or nearly so, with the workloads that cannot make one more pod. */
function usedUp(now: Snapshot, namespace: string, quota: Manifest): readonly Finding[] {
  return blockedBy(now, namespace, limitRangesIn(now, namespace), quota).map(
    (blocked): Finding => usedUpFinding(quota, blocked),
  );
}

function usedUpFinding(quota: Manifest, blocked: Blocked): Finding {
  const { key, used, hard, what } = blocked;
  return {
    id: used > hard ? 'quota-over' : used === hard ? 'quota-full' : 'quota-nearly-full',
    severity: 'medium',
    object: refOf(quota),
    evidence: `${refText(refOf(quota))}: ${key} ${amountText(key, used)} used of ${amountText(key, hard)}${blockedText(blocked)}`,
    message:
      used < hard
        ? `One more of what it blocks (${what}) does not fit into ${key}.`
        : `New objects that count for ${key} are refused until some are gone or the quota is raised.`,
  };
}

const NAMED = 5;

function blockedText({ refs, what, as }: Blocked): string {
  const named = refs.slice(0, NAMED).map(({ kind, name }) => `${kind} ${name}`);
  const names = `${named.join(', ')}${refs.length > NAMED ? ` and ${refs.length - NAMED} more` : ''}`;
  if (refs.length === 0) return `; blocks ${what}`;
  if (as === 'pods') return `; blocks ${names}`;
  return as === 'counted'
    ? `; blocks ${what}, it counts ${names}`
    : `; blocks ${what}, which ${names} ${refs.length === 1 ? 'makes' : 'make'}`;
}

/** A quota with a scope that we do not know is enforced, but nobody here can say against what. */
function unjudged(quota: Manifest): readonly Finding[] {
  const unknown = unknownScopes(quota);
  if (unknown.length === 0) return [];
  return [
    {
      id: 'quota-scope-unknown',
      severity: 'notVisible',
      object: refOf(quota),
      evidence: `${refText(refOf(quota))}: ${unknown.join(', ')}`,
      message: 'What this quota counts is not known here: nothing was held against it. Check it yourself.',
    },
  ];
}

/** What would be refused if everything were rolled out today; only said where all of it could be seen. */
function refused(now: Snapshot, namespace: string, quotas: readonly Manifest[]): readonly Finding[] {
  if (hidden(now, SIZING_KINDS).length > 0) return [];
  const all = refusals(now, namespace, limitRangesIn(now, namespace), quotas);
  return [...Map.groupBy(all, ({ ref }) => refText(ref))].flatMap(([text, [first, ...more]]): Finding[] => {
    if (first === undefined) return [];
    const reasons = [...new Set([first, ...more].map(({ message }) => message))].join('; ');
    if (first.ref.kind === 'ResourceQuota')
      return [
        {
          id: 'quota-smaller-than-roll',
          severity: 'medium',
          object: first.ref,
          evidence: `${text}: ${reasons}`,
          message:
            'A rolling update of all that runs would not fit: raise the quota, or roll out one by one.',
        },
      ];
    const by = [...new Set([first, ...more].flatMap((refusal) => refusal.by ?? []).map(refText))].join(', ');
    return [
      {
        id: 'workload-refused',
        severity: 'high',
        object: first.ref,
        evidence: `${text} against ${by}: ${reasons}`,
        message: `The next pod of ${first.ref.kind} ${first.ref.name} will be refused${first.like === undefined ? '' : ` if it is made like ${first.like.name}, for its template is not seen`}; correct its resources.`,
      },
    ];
  });
}

/** Namespaces of the platform are often bounded by their operators: less urgent. */
function severityFor(now: Snapshot, namespace: Manifest): 'medium' | 'low' {
  return namespaceKind(now, namespace) === 'user' ? 'medium' : 'low';
}
