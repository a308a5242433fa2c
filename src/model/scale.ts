import { at, listAt, type Manifest, stringAt } from './manifest.js';

/** How many pods a workload wants, and how many more a rolling update of it may add for a while. */
export interface Scale {
  replicas: number;
  surge: number;
}

/**
 * How many pods a controller wants and how it rolls (API defaults: apps/v1, batch/v1). `live`: its live pods.
 * `ceiling`: the most that an autoscaler may ask for.
 */
export function scaleOf(object: Manifest, live: number, ceiling: number | undefined): Scale {
  const wanted = Math.max(replicasOf(object), ceiling ?? 0);
  switch (object.kind) {
    case 'Deployment': {
      if (stringAt(object, 'spec', 'strategy', 'type') === 'Recreate') return { replicas: wanted, surge: 0 };
      const surge = at(object, 'spec', 'strategy', 'rollingUpdate', 'maxSurge');
      return { replicas: wanted, surge: share(surge ?? '25%', wanted) };
    }
    case 'DaemonSet': {
      const nodes = Math.max(count(at(object, 'status', 'desiredNumberScheduled')) ?? 0, live);
      const surge = at(object, 'spec', 'updateStrategy', 'rollingUpdate', 'maxSurge');
      return { replicas: nodes, surge: share(surge ?? 0, nodes) };
    }
    case 'Job':
      return { replicas: isOver(object) ? 0 : parallelism(at(object, 'spec')), surge: 0 };
    case 'CronJob': {
      // One run; with `Replace` the next one may start while the last one still ends, with `Allow` beside all that run.
      const policy = stringAt(object, 'spec', 'concurrencyPolicy') ?? 'Allow';
      const active = listAt(object, 'status', 'active').length;
      const runs = policy === 'Forbid' ? 1 : policy === 'Replace' ? 2 : Math.max(2, active + 1);
      return { replicas: runs * parallelism(at(object, 'spec', 'jobTemplate', 'spec')), surge: 0 };
    }
    case 'Pod':
      return { replicas: 1, surge: 0 };
    default:
      return { replicas: wanted, surge: 0 };
  }
}

/**
 * The same for a controller that is not read: what it wants shows in its live pods and in the sets that it makes, and
 * however it rolls, it makes no more pods than a full replacement takes.
 */
export function scaleOfUnread(made: readonly Manifest[], live: number, ceiling: number | undefined): Scale {
  const wanted = made.reduce((all, set) => all + replicasOf(set), 0);
  const replicas = Math.max(live, wanted, ceiling ?? 0);
  return { replicas, surge: replicas };
}

function replicasOf(object: Manifest): number {
  return count(at(object, 'spec', 'replicas')) ?? 1;
}

function parallelism(jobSpec: unknown): number {
  const parallel = count(at(jobSpec, 'parallelism')) ?? 1;
  const completions = count(at(jobSpec, 'completions'));
  return completions === undefined ? parallel : Math.min(parallel, completions);
}

/** Whether a Job has completed or failed for good. */
export function isOver(job: Manifest): boolean {
  return listAt(job, 'status', 'conditions').some(
    (c) => ['Complete', 'Failed'].includes(stringAt(c, 'type') ?? '') && stringAt(c, 'status') === 'True',
  );
}

/** A whole number or a percentage of a total, rounded up; 0 for anything else. */
function share(value: unknown, total: number): number {
  const number = count(value);
  if (number !== undefined) return number;
  const percent = typeof value === 'string' ? /^(\d{1,4})%$/.exec(value)?.[1] : undefined;
  return percent === undefined ? 0 : Math.ceil((Number(percent) * total) / 100);
}

/** A count of pods as objects write it; undefined for anything else. */
export function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
