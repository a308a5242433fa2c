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
}
export type Pod = readonly Container[];
/** An item of a LimitRange as it is stored. */
export interface Item {
  type: 'Container' | 'Pod';
  default?: Amount;
  defaultRequest?: Amount;
  max?: Amount;
  min?: Amount;
}
/** `hard` of a quota: requests and limits, and a number of pods. */
export interface Hard {
  requests: Amount;
  limits: Amount;
  pods?: number;
}

const RESOURCES = ['cpu', 'memory'] as const;

/** The pod with what the API server fills in. */
export function defaulted(pod: Pod, items: readonly Item[]): Pod {
  return pod.map((container) => {
    const requests = { ...container.limits, ...container.requests };
    let limits: Amount = { ...container.limits };
    let all: Amount = requests;
    for (const item of items.filter(({ type }) => type === 'Container')) {
      limits = { ...item.max, ...item.default, ...limits };
      all = { ...item.min, ...item.max, ...item.default, ...item.defaultRequest, ...all };
    }
    return { requests: all, limits };
  });
}

/** Whether LimitRanges take a pod that has its defaults. */
export function withinLimits(pod: Pod, items: readonly Item[]): boolean {
  for (const { requests, limits } of pod)
    for (const name of RESOURCES) if ((requests[name] ?? 0) > (limits[name] ?? Infinity)) return false;
  return items.every((item) => {
    const judged = item.type === 'Container' ? pod : [total(pod)];
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

function total(pod: Pod): Container {
  const add = (field: 'requests' | 'limits', name: 'cpu' | 'memory') => {
    const values = pod.flatMap((container) => container[field][name] ?? []);
    return values.length === 0 ? {} : { [name]: values.reduce((a, b) => a + b, 0) };
  };
  return {
    requests: { ...add('requests', 'cpu'), ...add('requests', 'memory') },
    limits: { ...add('limits', 'cpu'), ...add('limits', 'memory') },
  };
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

function fits(quota: Hard, pods: readonly Pod[], pod: Pod): boolean {
  if (pods.length + 1 > (quota.pods ?? Infinity)) return false;
  return (['requests', 'limits'] as const).every((field) =>
    RESOURCES.every((name) => {
      const hard = quota[field][name];
      if (hard === undefined) return true;
      if (pod.some((container) => container[field][name] === undefined)) return false;
      const used = pods.reduce((sum, one) => sum + (total(one)[field][name] ?? 0), 0);
      return used + (total(pod)[field][name] ?? 0) <= hard;
    }),
  );
}
