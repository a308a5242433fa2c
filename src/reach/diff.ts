import { atoms as cut, type Range, rangeText } from './address.js';
import type { Direction } from './policy.js';
import { NONE, type PortSet } from './portset.js';
import type { Connection, Reach } from './reach.js';

/** What differs between two analyses. `conn` of a line is what is new in it, or gone from it. */
export interface ReachDiff {
  opened: readonly Connection[];
  closed: readonly Connection[];
  /** Workloads that only one of the two has; their lines are among the others as well. */
  added: readonly string[];
  removed: readonly string[];
}

/** What may pass in `newer` and not in `older`, and the other way round. */
export function diffReach(older: Reach, newer: Reach): ReachDiff {
  return new Comparison(older, newer).run();
}

class Comparison {
  private readonly older: Reach;
  private readonly newer: Reach;
  private readonly opened: Connection[] = [];
  private readonly closed: Connection[] = [];
  /** Sets of the older analysis by their id, as ids of the newer one. */
  private readonly translated = new Map<PortSet, PortSet>();

  constructor(older: Reach, newer: Reach) {
    this.older = older;
    this.newer = newer;
  }

  run(): ReachDiff {
    const { older, newer } = this;
    const names = [...new Set([...newer.workloads, ...older.workloads].map((w) => w.name))];
    const index = (reach: Reach) => new Map(reach.workloads.map((w, i) => [w.name, i]));
    const [was, is] = [index(older), index(newer)];
    const workloads = names.map((name) => ({ name, was: was.get(name), is: is.get(name) }));
    for (const src of workloads)
      for (const dst of workloads)
        if (src !== dst)
          this.compare(
            src.name,
            dst.name,
            older.setBetweenWorkloads(src.was, dst.was),
            newer.setBetweenWorkloads(src.is, dst.is),
          );
    for (const { name, was, is } of workloads) {
      this.compareOutside('egress', name, was, is);
      this.compareOutside('ingress', name, was, is);
    }
    return {
      opened: this.opened,
      closed: this.closed,
      added: names.filter((name) => !was.has(name)),
      removed: names.filter((name) => !is.has(name)),
    };
  }

  /** Ranges that neither analysis tells apart, neighbours with the same answers taken together. */
  private compareOutside(
    direction: Direction,
    name: string,
    was: number | undefined,
    is: number | undefined,
  ): void {
    const { older, newer } = this;
    let run: { range: Range; before: PortSet; after: PortSet } | undefined;
    const flush = () => {
      if (run === undefined) return;
      const outside = `${rangeText(run.range)}[External]`;
      if (direction === 'egress') this.compare(name, outside, run.before, run.after);
      else this.compare(outside, name, run.before, run.after);
    };
    for (const range of cut([
      ...older.engine.peers.outside[direction],
      ...newer.engine.peers.outside[direction],
    ])) {
      if (range.family !== 4) continue;
      const before = older.setBetweenOutside(direction, was, range.from);
      const after = newer.setBetweenOutside(direction, is, range.from);
      if (run?.before === before && run.after === after) run.range = { ...run.range, to: range.to };
      else {
        flush();
        run = { range, before, after };
      }
    }
    flush();
  }

  private compare(src: string, dst: string, before: PortSet, after: PortSet): void {
    const { sets } = this.newer.engine;
    const old = this.translate(before);
    if (old === after) return;
    const more = sets.subtract(after, old);
    const less = sets.subtract(old, after);
    if (more !== NONE) this.opened.push({ src, dst, conn: sets.text(more) });
    if (less !== NONE) this.closed.push({ src, dst, conn: sets.text(less) });
  }

  private translate(set: PortSet): PortSet {
    let id = this.translated.get(set);
    if (id === undefined) {
      id = this.newer.engine.sets.copied(this.older.engine.sets, set);
      this.translated.set(set, id);
    }
    return id;
  }
}
