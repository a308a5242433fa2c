import fc from 'fast-check';
import { loadTemplates } from '../../src/host/templates.js';
import { at, listAt, type Manifest } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import type { ApplyChange } from '../../src/model/plan.js';
import { quantityOf, whole } from '../../src/model/quantity.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { quotas as step } from '../../steps/quotas.js';
import {
  type Amount,
  type Container,
  defaulted,
  type Hard,
  type Item,
  type Pod,
  type Scope,
  World,
} from '../support/admission.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();

/** A workload of the generated namespace: `injected` containers are in its live pods but not in its template. */
interface Generated {
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'Pod';
  replicas: number;
  live: number;
  surge: number;
  template: Pod;
  injected: readonly Container[];
}
interface Case {
  workloads: readonly Generated[];
  ranges: readonly (readonly Item[])[];
  quotas: readonly Hard[];
  answers: { namespaces: string[]; headroom: number; limits: boolean; amendExisting: boolean };
  /** Decides whose turn it is. */
  turns: readonly number[];
}

const cpu = fc.constantFrom(0, 1, 5, 50, 100, 333, 1000, 2500);
const memory = fc.constantFrom(0, 1, 4, 64, 100, 128, 700, 3000, 20_000);
const amount: fc.Arbitrary<Amount> = fc.record({ cpu, memory }, { requiredKeys: [] });
/** A request is never above the limit: the API refuses such a template outright. */
const sized = (requests: Amount, limits: Amount): Container => ({
  limits,
  requests: Object.fromEntries(
    Object.entries(requests).map(([name, value]) => [name, Math.min(value, limits[name as 'cpu'] ?? value)]),
  ),
});
const container: fc.Arbitrary<Container> = fc.tuple(amount, amount).map(([r, l]) => sized(r, l));
const SILENT: Container = { requests: {}, limits: {} };
const first = fc
  .tuple(container, fc.constantFrom('init' as const, 'sidecar' as const))
  .map(([one, role]): Container => ({ ...one, role }));
/** Often more than the containers ask for: then defaults have something to collide with. */
const wide: fc.Arbitrary<Amount> = fc.record(
  { cpu: fc.constantFrom(100, 1000, 8000), memory: fc.constantFrom(100, 1000, 50_000) },
  { requiredKeys: [] },
);
const level = fc
  .tuple(wide, wide)
  .map(([requests, limits]) => sized(requests, limits))
  .filter(({ requests, limits }) => Object.keys({ ...requests, ...limits }).length > 0);
const sometimes = <T>(what: fc.Arbitrary<T>) => fc.option(what, { nil: undefined, freq: 3 });
const pod: fc.Arbitrary<Pod> = fc
  .record({
    first: fc.oneof(fc.constant([]), fc.array(first, { maxLength: 2 })),
    main: fc.oneof(fc.array(container, { minLength: 1, maxLength: 3 }), fc.constant([SILENT])),
    level: sometimes(level),
    overhead: sometimes(amount),
    ends: sometimes(fc.constant(true)),
    priority: sometimes(fc.constantFrom('high', 'low')),
  })
  .map(({ first, main, level, overhead, ends, priority }) => ({
    containers: [...first, ...main],
    ...(ends && { ends }),
    ...(priority && { priority }),
    ...(level && { level }),
    ...(overhead && { overhead }),
  }));
/** What is injected begins before the main containers, or is one. */
const together = (of: Pod, injected: readonly Container[]): Pod => ({
  ...of,
  containers: [...of.containers, ...injected].toSorted(
    (a, b) => Number(a.role === undefined) - Number(b.role === undefined),
  ),
});
const workload: fc.Arbitrary<Generated> = fc
  .record({
    kind: fc.constantFrom('Deployment', 'StatefulSet', 'DaemonSet', 'Pod'),
    replicas: fc.integer({ min: 0, max: 5 }),
    live: fc.integer({ min: 0, max: 6 }),
    surge: fc.integer({ min: 0, max: 3 }),
    template: pod,
    injected: fc.array(fc.oneof(container, first), { maxLength: 1 }),
  })
  // Without a live pod nobody can know what would be injected.
  .map((of) => (of.live === 0 && of.kind !== 'Pod' ? { ...of, injected: [] } : of));
/** What a LimitRange holds once it is stored: in order, and with the API server's defaults. */
const item: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ max: amount, min: fc.constant({}) }).map((bounds): Item => ({ type: 'Pod', ...bounds })),
  fc.record({ request: amount, limit: amount, max: amount }).map(({ request, limit, max }): Item => {
    const capped = (value: Amount, by: Amount): Amount =>
      Object.fromEntries(Object.entries(value).map(([n, v]) => [n, Math.min(v, by[n as 'cpu'] ?? v)]));
    const limits = { ...max, ...capped(limit, max) };
    return {
      type: 'Container',
      max,
      default: limits,
      defaultRequest: { ...limits, ...capped(request, limits) },
    };
  }),
);
const bound = (cpu: number[], memory: number[]): fc.Arbitrary<Amount> =>
  fc.record({ cpu: fc.constantFrom(...cpu), memory: fc.constantFrom(...memory) }, { requiredKeys: [] });
const scope = fc.constantFrom<Scope[]>(
  'BestEffort',
  'NotBestEffort',
  'NotBestEffort',
  'Terminating',
  'NotTerminating',
  { priorities: ['high'] },
);
const hard: fc.Arbitrary<Hard> = fc
  .record({
    requests: bound([500, 5000, 50_000], [200, 3000, 100_000]),
    limits: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, bound([2000, 50_000], [1000, 100_000])),
    pods: fc.constantFrom(0, 3, 30),
    scopes: fc.uniqueArray(scope, { maxLength: 2 }),
  })
  // The API takes nothing but a number of pods beside this scope.
  .map((of) => (of.scopes.includes('BestEffort') ? { ...of, requests: {}, limits: {} } : of));
const cases: fc.Arbitrary<Case> = fc.record({
  workloads: fc.array(workload, { maxLength: 4 }),
  ranges: fc.array(fc.uniqueArray(item, { selector: ({ type }) => type, minLength: 1, maxLength: 2 }), {
    maxLength: 2,
  }),
  quotas: fc.array(hard, { maxLength: 2 }),
  answers: fc.record({
    namespaces: fc.constant(['a']),
    headroom: fc.constantFrom(0, 7, 50),
    limits: fc.boolean(),
    amendExisting: fc.boolean(),
  }),
  turns: fc.array(fc.nat(3), { minLength: 20, maxLength: 40 }),
});

const text = ({ cpu, memory }: Amount) => ({
  ...(cpu === undefined ? {} : { cpu: `${cpu}m` }),
  ...(memory === undefined ? {} : { memory: `${memory}Mi` }),
});
const specOf = ({ containers, level, overhead, ends, priority }: Pod) => {
  const of = (wanted: (one: Container) => boolean, name: string) =>
    containers.filter(wanted).map(({ requests, limits, role }, index) => ({
      name: `${name}${index}`,
      ...(role === 'sidecar' && { restartPolicy: 'Always' }),
      resources: { requests: text(requests), limits: text(limits) },
    }));
  return {
    initContainers: of(({ role }) => role !== undefined, 'i'),
    containers: of(({ role }) => role === undefined, 'c'),
    ...(level && { resources: { requests: text(level.requests), limits: text(level.limits) } }),
    ...(overhead && { overhead: text(overhead) }),
    ...(ends && { activeDeadlineSeconds: 60 }),
    ...(priority && { priorityClassName: priority }),
  };
};
/** The spec of a quota; scopes are written in their short form where that can say it. */
const quotaOf = ({ requests, limits, pods, scopes = [] }: Hard) => {
  const prefixed = (prefix: string, amount: Amount) =>
    Object.fromEntries(Object.entries(text(amount)).map(([name, value]) => [`${prefix}.${name}`, value]));
  const matchExpressions = scopes.map((scope) =>
    typeof scope === 'object'
      ? { scopeName: 'PriorityClass', operator: 'In', values: scope.priorities }
      : { scopeName: scope, operator: 'Exists' },
  );
  const short = scopes.every((scope) => typeof scope === 'string') && pods !== 3;
  return {
    hard: { ...prefixed('requests', requests), ...prefixed('limits', limits), pods: String(pods) },
    ...(scopes.length === 0 ? {} : short ? { scopes } : { scopeSelector: { matchExpressions } }),
  };
};
const itemOf = ({ type, ...rest }: Item) => ({
  type,
  ...Object.fromEntries(Object.entries(rest).map(([field, value]) => [field, text(value)])),
});

/** Pods that run now: as the rules of today had them admitted, or as they were before those rules. */
function livePods({ ranges, workloads }: Case): readonly (readonly Pod[])[] {
  return workloads.map(({ kind, live, template, injected }) => {
    const pod = defaulted(together(template, injected), ranges.flat());
    return Array.from({ length: kind === 'Pod' ? 1 : live }, () => ({ ...pod }));
  });
}

function snapshot(of: Case): Snapshot {
  const pods = livePods(of);
  const objects: Manifest[] = [namespace('a')];
  for (const [index, { kind, replicas, surge, template, live }] of of.workloads.entries()) {
    const name = `w${index}`;
    const rolling = { maxSurge: surge };
    const spec = {
      replicas,
      template: { spec: specOf(template) },
      ...(kind === 'Deployment' ? { strategy: { rollingUpdate: rolling } } : {}),
      ...(kind === 'DaemonSet' ? { updateStrategy: { rollingUpdate: rolling } } : {}),
    };
    const status = kind === 'DaemonSet' ? { status: { desiredNumberScheduled: live } } : {};
    if (kind !== 'Pod') objects.push(object('apps/v1', kind, 'a', name, { spec, ...status }));
    const ownerReferences = [{ apiVersion: 'apps/v1', kind, name, uid: 'u', controller: true }];
    for (const [i, pod] of (pods[index] ?? []).entries())
      objects.push(
        object('v1', 'Pod', 'a', `${name}-${i}`, {
          metadata: kind === 'Pod' ? {} : { ownerReferences },
          spec: specOf(pod),
        }),
      );
  }
  for (const [i, range] of of.ranges.entries())
    objects.push(object('v1', 'LimitRange', 'a', `r${i}`, { spec: { limits: range.map(itemOf) } }));
  for (const [i, quota] of of.quotas.entries())
    objects.push(object('v1', 'ResourceQuota', 'a', `q${i}`, { spec: quotaOf(quota) }));
  return snapshotOf({ objects });
}

/** A quantity in thousandths. The generated amounts and all that is computed from them have no finer ones. */
const milli = (value: unknown) => Number(((quantityOf(value) ?? 0n) * 1000n) / whole(1));
const amountOf = (map: unknown): Amount => ({
  ...(at(map, 'cpu') === undefined ? {} : { cpu: milli(at(map, 'cpu')) }),
  ...(at(map, 'memory') === undefined ? {} : { memory: milli(at(map, 'memory')) / 1000 / 1024 ** 2 }),
});

/** The rules after the changes, read back from what would be applied. */
function rulesAfter(of: Case, changes: readonly ApplyChange[]): { items: Item[]; quotas: Hard[] } {
  const range = changes.find(({ ref }) => ref.kind === 'LimitRange')?.manifest;
  const quota = changes.find(({ ref }) => ref.kind === 'ResourceQuota')?.manifest;
  const items = range === undefined ? of.ranges.flat() : listAt(range, 'spec', 'limits').map(readItem);
  const map = at(quota, 'spec', 'hard');
  const pick = (prefix: string) =>
    amountOf({ cpu: at(map, `${prefix}.cpu`), memory: at(map, `${prefix}.memory`) });
  const pods = at(map, 'pods');
  const hard: Hard[] =
    quota === undefined
      ? []
      : [
          {
            requests: pick('requests'),
            limits: pick('limits'),
            ...(pods === undefined ? {} : { pods: Number(pods) }),
          },
        ];
  return { items, quotas: [...of.quotas, ...hard] };
}

function readItem(item: unknown): Item {
  const fields = (['default', 'defaultRequest', 'max', 'min'] as const).filter(
    (f) => at(item, f) !== undefined,
  );
  return {
    type: at(item, 'type') as Item['type'],
    ...Object.fromEntries(fields.map((field) => [field, amountOf(at(item, field))])),
  };
}

/**
 * Rolls out every workload at once, turn by turn in a random order, in two worlds: under today's rules and under the
 * new ones. Returns the pods that only the new rules refuse.
 */
function newlyRefused(of: Case, after: { items: readonly Item[]; quotas: readonly Hard[] }): Pod[] {
  const live = livePods(of);
  const today = new World(of.ranges.flat(), of.quotas, live.flat());
  const then = new World(after.items, after.quotas, live.flat());
  const refused: Pod[] = [];
  const rolls = of.workloads.map(({ kind, replicas, surge, template, injected }, index) => {
    const old = [...(live[index] ?? [])].map((pod) => ({ before: pod, after: pod }));
    const wanted = kind === 'Pod' ? 1 : kind === 'DaemonSet' ? old.length : replicas;
    const extra = kind === 'Deployment' || kind === 'DaemonSet' ? surge : 0;
    return {
      old,
      fresh: 0,
      ceiling: Math.max(wanted, old.length) + extra,
      pod: together(template, injected),
      wanted,
    };
  });
  const step = (roll: (typeof rolls)[number]): void => {
    const running = roll.old.length + roll.fresh;
    if (running < roll.ceiling && roll.fresh < Math.max(roll.wanted, 1)) {
      const [now, next] = [today.create(roll.pod), then.create(roll.pod)];
      if (now !== undefined && next === undefined) refused.push(roll.pod);
      // What only the new rules admit is no refusal, and takes its room from others under them.
      if (next !== undefined) roll.fresh++;
      else {
        if (now !== undefined) today.delete(now);
        roll.ceiling = 0;
      }
      return;
    }
    const gone = roll.old.pop();
    if (gone === undefined) return;
    today.delete(gone.before);
    then.delete(gone.after);
  };
  for (let round = 0; round < 4; round++)
    for (const turn of of.turns) {
      const roll = rolls[turn];
      if (roll !== undefined) step(roll);
    }
  return refused;
}

const planOf = (of: Case, now: Snapshot) => step.plan(now, of.answers, templates) as readonly ApplyChange[];

test('whatever runs, a full roll under the proposal is admitted wherever it is today', () => {
  let proposed = 0;
  fc.assert(
    fc.property(cases, (of) => {
      const changes = planOf(of, snapshot(of));
      proposed += changes.length;
      expect(newlyRefused(of, rulesAfter(of, changes))).toEqual([]);
    }),
    { numRuns: 1000 },
  );
  expect(proposed).toBeGreaterThan(400);
});

test('the trial notices a quota that is one milli-core too small', () => {
  const of: Case = {
    workloads: [
      {
        kind: 'Deployment',
        replicas: 4,
        live: 4,
        surge: 1,
        template: { containers: [{ requests: { cpu: 1000 }, limits: {} }] },
        injected: [],
      },
    ],
    ranges: [],
    quotas: [],
    answers: { namespaces: ['a'], headroom: 0, limits: false, amendExisting: true },
    turns: [0, 0, 0],
  };
  const rules = (cpu: number) => ({ items: [], quotas: [{ requests: { cpu }, limits: {} }] });
  expect(newlyRefused(of, rules(5000))).toEqual([]);
  expect(newlyRefused(of, rules(4999))).not.toEqual([]);
});

test('after the changes there are no more', () => {
  fc.assert(
    fc.property(cases, (of) => {
      const now = snapshot(of);
      const changes = planOf(of, now);
      expect(planOf(of, overlay(now, changes))).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test('a new LimitRange never makes a pod ask for what only a limit, maximum or minimum says', () => {
  fc.assert(
    fc.property(cases, (of) => {
      const range = planOf(of, snapshot(of)).find(({ ref, before }) => ref.kind === 'LimitRange' && !before);
      for (const item of listAt(range?.manifest, 'spec', 'limits'))
        if (at(item, 'type') === 'Container')
          for (const field of ['default', 'max', 'min'])
            for (const name of Object.keys((at(item, field) as object | undefined) ?? {}))
              expect(at(item, 'defaultRequest', name)).toBeDefined();
    }),
    { numRuns: 100 },
  );
});
