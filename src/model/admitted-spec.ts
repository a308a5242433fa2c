import { at, isRecord, stringAt } from './manifest.js';
import { objects, type Snapshot } from './snapshot.js';

/** What admission fills into a pod's spec from objects of the cluster, before anything is counted. */
interface Fill {
  /** `overhead.podFixed` by name of the RuntimeClass. */
  overheads: ReadonlyMap<string, unknown>;
  /** Name of the PriorityClass that pods get which name none. */
  priority: string | undefined;
}

const fills = new WeakMap<Snapshot, Fill>();
const filled = new WeakMap<Snapshot, WeakMap<object, unknown>>();

/**
 * A pod's spec as admission completes it: the overhead of its RuntimeClass, and the PriorityClass that is the
 * default of the cluster. Source: plugins RuntimeClass and Priority.
 */
export function admittedSpec(now: Snapshot, spec: unknown): unknown {
  if (!isRecord(spec)) return spec;
  const { overheads, priority } = fillOf(now);
  const overhead = overheads.get(stringAt(spec, 'runtimeClassName') ?? '');
  const more = {
    ...(overhead !== undefined && spec.overhead === undefined ? { overhead } : {}),
    ...(priority !== undefined && spec.priorityClassName === undefined
      ? { priorityClassName: priority }
      : {}),
  };
  if (Object.keys(more).length === 0) return spec;
  // One object for one spec: what is computed of it is remembered by identity.
  const known = filled.get(now) ?? new WeakMap();
  filled.set(now, known);
  const done = known.get(spec) ?? { ...spec, ...more };
  known.set(spec, done);
  return done;
}

function fillOf(now: Snapshot): Fill {
  const known = fills.get(now);
  if (known !== undefined) return known;
  const fill: Fill = {
    overheads: new Map(
      objects(now, 'RuntimeClass').flatMap((one) => {
        const overhead = at(one, 'overhead', 'podFixed');
        return overhead === undefined ? [] : [[one.metadata.name, overhead] as const];
      }),
    ),
    priority: objects(now, 'PriorityClass').find((one) => at(one, 'globalDefault') === true)?.metadata.name,
  };
  fills.set(now, fill);
  return fill;
}
