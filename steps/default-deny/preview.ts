import { refText } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import type { Change } from '../../src/model/plan.js';
import { OUTSIDE, type Passage, type Preview } from '../../src/model/preview.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import type { Reach } from '../../src/reach/index.js';
import { SOMEWHERE } from './addresses.js';
import { cutBy, declaredIn, flowText, passes } from './flows.js';
import { guardPreview } from './guard-preview.js';
import { reachIn } from './state.js';

const NOTHING = 'No Connections';

/** What changes do to the connections of a cluster: the engine's answers before and after them, compared. */
export function previewOf(now: Snapshot, changes: readonly Change[]): Preview {
  const then = overlay(now, changes);
  const [before, after] = [reachIn(now), reachIn(then)];
  const table = new Table(dnsWorkloads(now));
  compare(before, after, table);
  const namespaces = [...new Set(before.workloads.map(({ namespace }) => namespace))].sort();
  const places = [...namespaces, OUTSIDE];
  return {
    places,
    matrix: places.map((from) => places.map((to) => table.passage(from, to))),
    declared: declaredIn(now).filter((flow) => passes(now, before, flow, 'some')).length,
    cut: cutBy(now, then).map(({ flow, depends }) => ({
      connection: flowText(flow),
      severity: flow.severity,
      why: flow.why,
      depends,
      evidence: `${refText(flow.evidence.object)}, ${flow.evidence.field}: ${flow.evidence.value}`,
    })),
    pairsBefore: table.before,
    pairsAfter: table.after,
    pairsToDns: table.toDns,
    newNamespaces: guardPreview(now, changes),
  };
}

/** Workloads that serve names: every pod keeps its way to them, so that these pairs stay whatever is closed. */
function dnsWorkloads(now: Snapshot): ReadonlySet<string> {
  return new Set(
    declaredIn(now).flatMap(({ why, destination }) =>
      why === 'dns' && destination.kind === 'workload' ? [destination.name] : [],
    ),
  );
}

interface Cell {
  before: number;
  after: number;
  changed: boolean;
}

/** Counts of open pairs, by where they begin and end. */
class Table {
  before = 0;
  after = 0;
  toDns = 0;
  private readonly dns: ReadonlySet<string>;
  private readonly cells = new Map<string, Cell>();

  constructor(dns: ReadonlySet<string>) {
    this.dns = dns;
  }

  /** `destination`: the workload, where it is one. */
  add(from: string, to: string, was: string, is: string, destination?: string): void {
    const key = `${from} ${to}`;
    const cell = this.cells.get(key) ?? { before: 0, after: 0, changed: false };
    if (was !== NOTHING) cell.before++;
    if (is !== NOTHING) cell.after++;
    cell.changed ||= was !== is;
    this.cells.set(key, cell);
    if (from === OUTSIDE || to === OUTSIDE) return;
    if (was !== NOTHING) this.before++;
    if (is === NOTHING) return;
    this.after++;
    if (this.dns.has(destination ?? '')) this.toDns++;
  }

  passage(from: string, to: string): Passage {
    const cell = this.cells.get(`${from} ${to}`);
    if (cell === undefined || cell.before === 0) return 'none';
    if (cell.after === 0) return 'closed';
    return cell.changed ? 'narrowed' : 'open';
  }
}

/** Every ordered pair of workloads, one source at a time, and each with an address outside. */
function compare(before: Reach, after: Reach, table: Table): void {
  const places = new Map(before.workloads.map(({ name, namespace }) => [name, namespace]));
  const indexAfter = new Map(after.workloads.map(({ name }, index) => [name, index]));
  before.workloads.forEach(({ name, namespace }, index) => {
    const [was, is] = [linesFrom(before, index), linesFrom(after, indexAfter.get(name) ?? -1)];
    for (const dst of new Set([...was.keys(), ...is.keys()])) {
      const to = places.get(dst);
      if (to !== undefined) table.add(namespace, to, was.get(dst) ?? NOTHING, is.get(dst) ?? NOTHING, dst);
    }
    const [workload, address] = [{ workload: name }, { address: SOMEWHERE }];
    table.add(namespace, OUTSIDE, before.between(workload, address), after.between(workload, address));
    table.add(OUTSIDE, namespace, before.between(address, workload), after.between(address, workload));
  });
}

function linesFrom(reach: Reach, index: number): ReadonlyMap<string, string> {
  const lines = new Map<string, string>();
  reach.visitFrom(index, (dst, conn) => lines.set(dst, conn));
  return lines;
}
