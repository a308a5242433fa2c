import { at, isRecord, listAt, type Manifest, stringAt } from './manifest.js';
import type { PodSizes } from './size.js';

/** One condition under which a quota counts a pod. */
export interface Scope {
  name: string;
  operator: string;
  values: readonly string[];
}

/** The conditions of a quota, from `scopes` and `scopeSelector`; a pod must meet all of them. */
export function scopesOf(quota: Manifest): readonly Scope[] {
  const plain = listAt(quota, 'spec', 'scopes').map((name) => ({
    name: String(name),
    operator: 'Exists',
    values: [],
  }));
  const selected = listAt(quota, 'spec', 'scopeSelector', 'matchExpressions').map((one) => ({
    name: stringAt(one, 'scopeName') ?? '',
    operator: stringAt(one, 'operator') ?? '',
    values: listAt(one, 'values').map(String),
  }));
  return [...plain, ...selected];
}

/** Whether a quota counts only some objects. */
export function isScoped(quota: Manifest): boolean {
  return scopesOf(quota).length > 0;
}

type Meets = (podSpec: unknown, sizes: PodSizes, scope: Scope) => boolean;

/** The scopes that speak of pods. Source: the quota evaluator of pods, `podMatchesScopeFunc`. */
const SCOPES: Readonly<Record<string, Meets>> = {
  Terminating: (spec) => terminates(spec),
  NotTerminating: (spec) => !terminates(spec),
  BestEffort: (_spec, sizes) => isBestEffort(sizes),
  NotBestEffort: (_spec, sizes) => !isBestEffort(sizes),
  PriorityClass: (spec, _sizes, scope) => hasPriority(stringAt(spec, 'priorityClassName') ?? '', scope),
  CrossNamespacePodAffinity: (spec) => reachesOut(spec),
};

/** Scopes that speak of other objects than pods: a quota with one counts no pod. */
const NOT_OF_PODS = ['VolumeAttributesClass'];

/** Whether a quota counts a pod; undefined where it has a scope that we do not know. */
export function covers(scopes: readonly Scope[], podSpec: unknown, sizes: PodSizes): boolean | undefined {
  let all = true;
  for (const scope of scopes) {
    const meets = Object.hasOwn(SCOPES, scope.name) ? SCOPES[scope.name] : undefined;
    if (meets === undefined && !NOT_OF_PODS.includes(scope.name)) return undefined;
    all &&= meets?.(podSpec, sizes, scope) ?? false;
  }
  return all;
}

/** The scopes and operators of a quota that we do not know, as text. */
export function unknownScopes(quota: Manifest): readonly string[] {
  return scopesOf(quota).flatMap(({ name, operator }) => {
    if (!Object.hasOwn(SCOPES, name) && !NOT_OF_PODS.includes(name)) return [`scope ${JSON.stringify(name)}`];
    return OPERATORS.includes(operator) ? [] : [`operator ${JSON.stringify(operator)} of scope ${name}`];
  });
}

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

function terminates(podSpec: unknown): boolean {
  const deadline = at(podSpec, 'activeDeadlineSeconds');
  return typeof deadline === 'number' && deadline >= 0;
}

/** No container asks for or bounds CPU or memory; zero says nothing. Source: `qos.ComputePodQOS`. */
function isBestEffort({ containers, declared }: PodSizes): boolean {
  const sizes = declared === undefined ? containers.map(({ size }) => size) : [declared];
  return !sizes.some(({ requests, limits }) =>
    ['cpu', 'memory'].some((name) => (requests[name] ?? 0n) > 0n || (limits[name] ?? 0n) > 0n),
  );
}

function hasPriority(name: string, { operator, values }: Scope): boolean {
  if (operator === 'Exists') return name !== '';
  if (operator === 'DoesNotExist') return name === '';
  if (operator === 'In') return name !== '' && values.includes(name);
  return operator === 'NotIn' && !values.includes(name);
}

/** Whether some term of affinity or anti-affinity names other namespaces. */
function reachesOut(podSpec: unknown): boolean {
  return ['podAffinity', 'podAntiAffinity'].some((kind) => {
    const affinity = at(podSpec, 'affinity', kind);
    const required = listAt(affinity, 'requiredDuringSchedulingIgnoredDuringExecution');
    const preferred = listAt(affinity, 'preferredDuringSchedulingIgnoredDuringExecution');
    return [...required, ...preferred.map((one) => at(one, 'podAffinityTerm'))].some(
      (term) => listAt(term, 'namespaces').length > 0 || isRecord(at(term, 'namespaceSelector')),
    );
  });
}
