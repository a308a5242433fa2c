import type { Change } from '../model/plan.js';
import { rightsText, type Uses, undoOf, type Write } from '../model/rights.js';
import { type Cluster, ClusterError } from './ports.js';

type Undo = Exclude<Write, { act: string }>;

/**
 * Why this account could not take changes back once they are written, in words by id of the change; nothing for those
 * that it can, and for what never goes back by itself. Where that cannot be asked it is not known, and counts as no.
 * @throws ClusterError where the cluster cannot be reached at all
 */
export async function whyNeverBack(
  cluster: Pick<Cluster, 'lacks'>,
  changes: readonly Change[],
): Promise<ReadonlyMap<string, string>> {
  const asked = changes.flatMap((change) => {
    const undo = undoOf(change);
    return undo === undefined ? [] : [{ id: change.id, undo }];
  });
  if (asked.length === 0) return new Map();
  try {
    // A right everywhere is one in each namespace: these are asked for one by one only where it is missing.
    const everywhere = await lackedBy(
      cluster,
      asked.map(({ undo: { namespace: _everywhere, ...undo } }) => undo),
    );
    const rest = asked.filter((_one, index) => everywhere[index] !== '');
    const lacked = await lackedBy(
      cluster,
      rest.map(({ undo }) => undo),
    );
    return new Map(
      rest.flatMap(({ id }, index): [string, string][] => {
        const rights = lacked[index] ?? '';
        return rights === '' ? [] : [[id, `this account may not ${rights}`]];
      }),
    );
  } catch (error) {
    if (!(error instanceof ClusterError) || ['unreachable', 'unauthorized'].includes(error.reason))
      throw error;
    const unknown = `whether this account may do so is not known: ${error.message.split('\n')[0]}`;
    return new Map(asked.map(({ id }) => [id, unknown]));
  }
}

/** The rights that are missing for each of these, as text; empty where there are none. */
async function lackedBy(cluster: Pick<Cluster, 'lacks'>, undos: readonly Undo[]): Promise<readonly string[]> {
  if (undos.length === 0) return [];
  // What is there is seen before it is taken back, by a list of its kind.
  const uses = undos.map(
    (undo): Uses => ({ reads: [{ kind: undo.kind, as: 'objects', for: undo.for }], writes: [undo] }),
  );
  const lacks = await cluster.lacks(uses);
  return undos.map(({ kind }, index) =>
    rightsText(
      (lacks[index] ?? [])
        .filter((need) => need.without === 'refused' || (need.kind === kind && need.without === 'notVisible'))
        .map(({ right }) => right),
    ),
  );
}
