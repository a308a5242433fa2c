import {
  admitPod,
  exceeded,
  type Refused,
  type Rules,
  rulesOf,
  type Verdict,
  withPod,
} from '../../src/model/admission.js';
import { dialectOf } from '../../src/model/admission-dialect.js';
import { admittedSpec } from '../../src/model/admitted-spec.js';
import { possibleDefaults } from '../../src/model/limit-defaults.js';
import { claimViolations } from '../../src/model/limits.js';
import { at, type Manifest, stringAt } from '../../src/model/manifest.js';
import { type Amounts, amountsOf, sum } from '../../src/model/quantity.js';
import { claimCharge, classesIn, quotaAmounts, quotaKey, serviceCharge } from '../../src/model/quota.js';
import { refusals } from '../../src/model/refusals.js';
import { podsOf, workloadsIn } from '../../src/model/workloads.js';
import { type AdmissionCase, containersIn, podOf } from './admission-cases.js';
import type { Answer } from './rest.js';

/** A server on which a case is tried: the namespace, and requests to it. */
export interface Ground {
  post(plural: string, object: Manifest): Promise<Answer>;
  get(plural: string, name: string): Promise<unknown>;
}

/** What a server or the simulator says of one new object. */
export type Outcome =
  | { admitted: true; containers?: readonly { requests: Amounts; limits: Amounts }[] }
  | { admitted: false; by: 'invalid' | 'limits' }
  | { admitted: false; by: 'unspecified' | 'exceeded'; quota: string; keys: readonly string[] };

export interface Step {
  what: string;
  server: Outcome;
  /** What the simulator holds for possible: more than one only where several LimitRanges leave it open. */
  expected: readonly Outcome[];
}

export interface Trial {
  steps: readonly Step[];
  /** Whether everything of the full roll was admitted, and whether the simulator found nothing to refuse. */
  roll: { admitted: boolean; foreseen: boolean };
  /** `status.used` of each quota in the end. */
  used: readonly { quota: string; server: Amounts; expected: Amounts }[];
}

/**
 * Creates Services, claims and every pod of a full roll, then one more of each template, and holds each answer against
 * the simulator. The rules must be in force already.
 */
export async function trial(of: AdmissionCase, ground: Ground): Promise<Trial> {
  // With several LimitRanges it may be another one that wins for each pod.
  const variants = possibleDefaults(of.ranges);
  let rules = [rulesOf(of.ranges, of.quotas.map(fresh), variants[0], dialectOf(of.now.cluster.version))];
  const steps: Step[] = [];
  /** Keeps of all that is possible what agrees with the server. */
  const note = (what: string, server: Outcome, possible: readonly { outcome: Outcome; after: Rules }[]) => {
    steps.push({ what, server, expected: possible.map(({ outcome }) => outcome) });
    const agreeing = possible.filter(({ outcome }) => agrees(server, [outcome]));
    rules = distinct((agreeing.length > 0 ? agreeing : possible).map(({ after }) => after));
  };
  const classes = classesIn(of.quotas.flatMap((quota) => Object.keys(at(quota, 'spec', 'hard') as object)));
  for (const [plural, objects] of [
    ['services', of.services],
    ['persistentvolumeclaims', of.claims],
  ] as const)
    for (const object of objects) {
      const charge = plural === 'services' ? serviceCharge(object) : claimCharge(object, classes);
      const server = outcomeOf(await ground.post(plural, object), false);
      const limited = plural !== 'services' && claimViolations(object.spec, of.ranges).length > 0;
      note(
        `${plural} ${object.metadata.name}`,
        server,
        rules.flatMap((one) => chargeOutcomes(one, charge, limited)),
      );
    }
  let number = 0;
  const create = async (workload: Manifest): Promise<void> => {
    const pod = podOf(workload, `p${number++}`);
    const server = outcomeOf(await ground.post('pods', pod), true);
    const spec = admittedSpec(of.now, at(workload, 'spec', 'template', 'spec'));
    const each = rules.flatMap((one) => variants.map((defaults) => ({ ...one, defaults })));
    const possible = each.flatMap((one) => {
      const verdict = admitPod(spec, one);
      const after = verdict.refused.length === 0 ? withPod(one, verdict) : one;
      return verdictOutcomes(verdict).map((outcome) => ({ outcome, after }));
    });
    note(`a pod of ${workload.kind} ${workload.metadata.name}`, server, possible);
  };
  for (const workload of of.workloads) {
    const known = workloadsIn(of.now, 'a').find(({ ref }) => ref.name === workload.metadata.name)!;
    for (let i = 0; i < podsOf(known); i++) await create(workload);
  }
  const admitted = steps.every(({ server }) => server.admitted);
  for (const workload of of.workloads) await create(workload);
  return {
    steps,
    roll: { admitted, foreseen: refusals(of.now, 'a', of.ranges, of.quotas).length === 0 && claimsFit(of) },
    used: await Promise.all(
      of.quotas.map(async ({ metadata: { name } }, index) => ({
        quota: name,
        server: quotaAmounts(at(await ground.get('resourcequotas', name), 'status', 'used')),
        expected: masked(rules[0]?.quotas[index]?.used ?? {}, of.quotas[index]),
      })),
    ),
  };
}

/** One for each different use of the quotas. */
function distinct(rules: readonly Rules[]): Rules[] {
  const used = ({ quotas }: Rules) =>
    JSON.stringify(quotas.map((quota) => Object.entries(quota.used).map(String).toSorted()));
  return [...new Map(rules.map((one) => [used(one), one])).values()];
}

function claimsFit(of: AdmissionCase): boolean {
  return of.claims.every((claim) => claimViolations(claim.spec, of.ranges).length === 0);
}

/** A quota that the server has computed: nothing is in use yet. */
function fresh(quota: Manifest): Manifest {
  return { ...quota, status: { hard: at(quota, 'spec', 'hard'), used: {} } };
}

/** All keys of a quota, zero where nothing is in use. */
function masked(used: Amounts, quota: Manifest | undefined): Amounts {
  const keys = Object.keys((at(quota, 'spec', 'hard') as object | undefined) ?? {}).map(quotaKey);
  return Object.fromEntries(keys.map((key) => [key, used[key] ?? 0n]));
}

/** Whether what a server did is one of the things that were expected. */
export function agrees(server: Outcome, expected: readonly Outcome[]): boolean {
  return expected.some((one) => JSON.stringify(plain(one)) === JSON.stringify(plain(server)));
}

/** An outcome as it is compared and shown: amounts as text, in order. */
export function plain(outcome: Outcome): unknown {
  if (!outcome.admitted || outcome.containers === undefined) return outcome;
  const sorted = (amounts: Amounts) =>
    Object.entries(amounts)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name} ${value}`);
  return outcome.containers.map(({ requests, limits }) => [sorted(requests), sorted(limits)]);
}

/** More than one where several quotas refuse: which of them is asked first is open. */
function verdictOutcomes({ sizes, refused }: Verdict): readonly Outcome[] {
  if (refused.length === 0) return [{ admitted: true, containers: sizes.containers.map(({ size }) => size) }];
  const violations = refused.flatMap((one) => (one.by === 'limits' ? [one.violation] : []));
  if (violations.some(({ field }) => field === 'invalid')) return [{ admitted: false, by: 'invalid' }];
  if (violations.length > 0) return [{ admitted: false, by: 'limits' }];
  return quotaOutcomes(refused);
}

/** All quotas are asked for what they demand before any is asked whether there is room. */
function quotaOutcomes(refused: readonly Refused[]): readonly Outcome[] {
  const by = refused.flatMap((one) => (one.by === 'quota' ? [one] : []));
  const kind = by.some((one) => one.kind === 'unspecified') ? 'unspecified' : 'exceeded';
  const quotas = Map.groupBy(
    by.filter((one) => one.kind === kind),
    ({ quota }) => quota.name,
  );
  return [...quotas].map(([quota, of]) => ({
    admitted: false,
    by: kind,
    quota,
    keys: [...new Set(of.map(({ key }) => key))].toSorted(),
  }));
}

function chargeOutcomes(
  rules: Rules,
  charge: Amounts,
  limited: boolean,
): readonly { outcome: Outcome; after: Rules }[] {
  if (limited) return [{ outcome: { admitted: false, by: 'limits' }, after: rules }];
  const counting = rules.quotas.map((quota) => (quota.scopes.length > 0 ? {} : charge));
  const refused = rules.quotas.flatMap((quota, index) => exceeded(counting[index] ?? {}, quota));
  if (refused.length > 0) return quotaOutcomes(refused).map((outcome) => ({ outcome, after: rules }));
  const quotas = rules.quotas.map((quota, index) => ({
    ...quota,
    used: sum(quota.used, counting[index] ?? {}),
  }));
  return [{ outcome: { admitted: true }, after: { ...rules, quotas } }];
}

/** What a server answered, in the terms of the simulator. */
function outcomeOf(answer: Answer, pod: boolean): Outcome {
  if (answer.status === 201) {
    if (!pod) return { admitted: true };
    const containers = containersIn(answer.json).map((one) => ({
      requests: amountsOf(at(one, 'resources', 'requests')),
      limits: amountsOf(at(one, 'resources', 'limits')),
    }));
    return { admitted: true, containers };
  }
  const message = stringAt(answer.json, 'message') ?? '';
  if (answer.status === 422) return { admitted: false, by: 'invalid' };
  if (answer.status !== 403) throw new Error(`${answer.status}: ${message}`);
  const over = /exceeded quota: (\S+), requested: (\S+), used:/.exec(message);
  if (over !== null)
    return { admitted: false, by: 'exceeded', quota: over[1]!, keys: keysIn(over[2]!, /([^,=]+)=/g) };
  const lacks = /failed quota: (\S+): must specify (.+)$/.exec(message);
  if (lacks !== null)
    return {
      admitted: false,
      by: 'unspecified',
      quota: lacks[1]!,
      keys: keysIn(lacks[2]!, /((?:requests|limits)\.\w+|cpu|memory)/g),
    };
  if (/ per (Container|Pod|PersistentVolumeClaim) is /.test(message))
    return { admitted: false, by: 'limits' };
  throw new Error(`403: ${message}`);
}

function keysIn(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => quotaKey(match[1]!)))].toSorted();
}
