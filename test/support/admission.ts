/**
 * A second, naive account of how an API server admits pods, in plain numbers (milli-cores and Mi), so that the
 * product's own arithmetic is checked against something that shares no code with it.
 */
export interface Amount {
  cpu?: number;
  memory?: number;
}
export interface Container {
  requests: Amount;
  limits: Amount;
  /** `init`: it ends before the next one begins. `sidecar`: it begins in their order and stays. */
  role?: 'init' | 'sidecar';
}
export interface Pod {
  /** In the order in which they begin. */
  containers: readonly Container[];
  /** What the pod says of itself as a whole. */
  level?: { requests: Amount; limits: Amount };
  overhead?: Amount;
  /** It has a deadline. */
  ends?: boolean;
  /** Name of its PriorityClass. */
  priority?: string;
}
/** An item of a LimitRange as it is stored. */
export interface Item {
  type: 'Container' | 'Pod';
  default?: Amount;
  defaultRequest?: Amount;
  max?: Amount;
  min?: Amount;
}
/** Which pods a quota counts: all that meet every scope. An object names the priorities that are counted. */
export type Scope =
  | 'BestEffort'
  | 'NotBestEffort'
  | 'Terminating'
  | 'NotTerminating'
  | { priorities: string[] };
/** `hard` of a quota: requests and limits, and a number of pods. */
export interface Hard {
  scopes?: readonly Scope[];
  requests: Amount;
  limits: Amount;
  pods?: number;
}

const RESOURCES = ['cpu', 'memory'] as const;

type Field = 'requests' | 'limits';
type Name = (typeof RESOURCES)[number];

/** The pod with what the API server fills in: of itself first, then into its containers. */
export function defaulted(pod: Pod, items: readonly Item[]): Pod {
  const level = pod.level === undefined ? {} : { level: ownRequests(pod, pod.level) };
  const containers = pod.containers.map((container) => {
    const requests = { ...container.limits, ...container.requests };
    let limits: Amount = { ...container.limits };
    let all: Amount = requests;
    for (const item of items.filter(({ type }) => type === 'Container')) {
      limits = { ...item.max, ...item.default, ...limits };
      all = { ...item.min, ...item.max, ...item.default, ...item.defaultRequest, ...all };
    }
    return { ...container, requests: all, limits };
  });
  return { ...pod, ...level, containers };
}

/** A pod that states limits requests what its containers do, or else its limits. */
function ownRequests(pod: Pod, { requests, limits }: NonNullable<Pod['level']>): NonNullable<Pod['level']> {
  if (Object.keys(limits).length === 0) return { requests, limits };
  const stated = pod.containers.map((one) => ({ ...one, requests: { ...one.limits, ...one.requests } }));
  const filled: Amount = { ...requests };
  for (const name of RESOURCES) {
    const own = requests[name] ?? together(stated, 'requests', name) ?? limits[name];
    if (own !== undefined) filled[name] = own;
  }
  return { requests: filled, limits };
}

/** Whether LimitRanges take a pod that has its defaults. */
export function withinLimits(pod: Pod, items: readonly Item[]): boolean {
  for (const { requests, limits } of [...pod.containers, ...(pod.level === undefined ? [] : [pod.level])])
    for (const name of RESOURCES) if ((requests[name] ?? 0) > (limits[name] ?? Infinity)) return false;
  for (const name of RESOURCES) {
    const [request, limit] = [pod.level?.requests[name], pod.level?.limits[name]];
    if ((together(pod.containers, 'requests', name) ?? 0) > (request ?? Infinity)) return false;
    if (pod.containers.some((one) => (one.limits[name] ?? 0) > (limit ?? Infinity))) return false;
  }
  return items.every((item) => {
    const judged = item.type === 'Container' ? pod.containers : [total(pod)];
    return judged.every(({ requests, limits }) =>
      RESOURCES.every((name) => {
        const [min, max] = [item.min?.[name], item.max?.[name]];
        const [request, limit] = [requests[name], limits[name]];
        if (min !== undefined && (request === undefined || request < min || (limit ?? min) < min))
          return false;
        return max === undefined || (limit !== undefined && limit <= max && (request ?? 0) <= max);
      }),
    );
  });
}

/** What containers need at the height: while they all run, or while one of them still initialises. */
function together(containers: readonly Container[], field: Field, name: Name): number | undefined {
  const of = (all: readonly Container[]) => {
    const values = all.flatMap((one) => one[field][name] ?? []);
    return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0);
  };
  const moments = containers.map((one, index) =>
    one.role === undefined ? undefined : of([...sidecars(containers.slice(0, index)), one]),
  );
  const all = [of(containers.filter(({ role }) => role !== 'init')), ...moments].flatMap((one) => one ?? []);
  return all.length === 0 ? undefined : Math.max(...all);
}

function sidecars(containers: readonly Container[]): readonly Container[] {
  return containers.filter(({ role }) => role === 'sidecar');
}

function total(pod: Pod): Container {
  const of = (field: Field): Amount =>
    Object.fromEntries(
      RESOURCES.flatMap((name) => {
        const value = pod.level?.[field][name] ?? together(pod.containers, field, name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  return { requests: of('requests'), limits: of('limits') };
}

/** What a quota counts: overhead on top of every request, and of a limit where there is one. */
function charged(pod: Pod, field: Field, name: Name): number {
  const own = total(pod)[field][name] ?? 0;
  return field === 'limits' && own === 0 ? 0 : own + (pod.overhead?.[name] ?? 0);
}

/** A namespace with its rules and the pods in it. */
export class World {
  readonly #items: readonly Item[];
  readonly #quotas: readonly Hard[];
  #pods: Pod[];

  constructor(items: readonly Item[], quotas: readonly Hard[], live: readonly Pod[]) {
    this.#items = items;
    this.#quotas = quotas;
    this.#pods = [...live];
  }

  /** Creates a pod, if it is admitted. */
  create(pod: Pod): Pod | undefined {
    const full = defaulted(pod, this.#items);
    if (!withinLimits(full, this.#items)) return undefined;
    if (!this.#quotas.every((quota) => fits(quota, this.#pods, full))) return undefined;
    this.#pods.push(full);
    return full;
  }

  delete(pod: Pod): void {
    const index = this.#pods.indexOf(pod);
    if (index < 0) throw new Error('no such pod');
    this.#pods.splice(index, 1);
  }
}

function isCounted(pod: Pod, { scopes = [] }: Hard): boolean {
  const sizes = pod.level === undefined ? pod.containers : [pod.level];
  const asks = sizes.some(({ requests, limits }) =>
    RESOURCES.some((name) => (requests[name] ?? 0) > 0 || (limits[name] ?? 0) > 0),
  );
  return scopes.every((scope) => {
    if (typeof scope === 'object') return scope.priorities.includes(pod.priority ?? '');
    if (scope === 'BestEffort' || scope === 'NotBestEffort') return asks === (scope === 'NotBestEffort');
    return (pod.ends === true) === (scope === 'Terminating');
  });
}

function fits(quota: Hard, all: readonly Pod[], pod: Pod): boolean {
  if (!isCounted(pod, quota)) return true;
  const pods = all.filter((one) => isCounted(one, quota));
  if (pods.length + 1 > (quota.pods ?? Infinity)) return false;
  return (['requests', 'limits'] as const).every((field) =>
    RESOURCES.every((name) => {
      const hard = quota[field][name];
      if (hard === undefined) return true;
      const silent = pod.containers.some((container) => container[field][name] === undefined);
      if (silent && pod.level === undefined) return false;
      const own = charged(pod, field, name);
      const used = pods.reduce((sum, one) => sum + charged(one, field, name), 0);
      return own === 0 || used + own <= hard;
    }),
  );
}
