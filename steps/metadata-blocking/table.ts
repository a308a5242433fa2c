import { candidateNamespaces, systemNamespaces } from '../../src/model/namespaces.js';
import { once } from '../../src/model/once.js';
import { metadataEndpoints, providers } from '../../src/model/providers.js';
import { type Snapshot, visible } from '../../src/model/snapshot.js';
import { type Cell, cell, type FactTable } from '../../src/model/table.js';
import { endpointTexts, exposureOf, type NamespaceExposure } from './state.js';

const known = once(() => new WeakMap<Snapshot, readonly FactTable[]>());

/** Who reaches the metadata service, by which rule, and what is left of that with the changes. */
export function tables(now: Snapshot, then: Snapshot): readonly FactTable[] {
  const found = known(now).get(then) ?? exposureTables(now, then);
  known(now).set(then, found);
  return found;
}

function exposureTables(now: Snapshot, then: Snapshot): readonly FactTable[] {
  if (!visible(now, 'Namespace') || !visible(now, 'NetworkPolicy')) return [];
  const endpoints = metadataEndpoints(providers(now));
  if (endpoints.length === 0) return [];
  const every = endpointTexts(now);
  const rows = [...candidateNamespaces(now), ...systemNamespaces(now)].flatMap(({ metadata: { name } }) =>
    namespaceRows(name, every, exposureOf(now, name), then === now ? undefined : exposureOf(then, name)),
  );
  if (rows.length === 0) return [];
  const addresses = endpoints.map(({ address, ports }) => `${address} TCP ${ports.join('/')}`);
  return [
    {
      id: 'exposure',
      title: 'Who reaches the metadata service',
      columns: [
        { id: 'namespace', title: 'namespace' },
        { id: 'workload', title: 'workload' },
        { id: 'reaches', title: 'now', most: 12 },
        { id: 'by', title: 'by' },
        { id: 'after', title: 'after', most: 12 },
      ],
      rows,
      notes: [
        `all: ${addresses.join(', ')}. by: the rule that lets it; after: with the chosen changes. Pods to come have no labels that a policy knows.`,
        ...(rows.some(([, , , by]) => by?.text === HOST)
          ? ['No policy covers pods on the network of their node.']
          : []),
      ],
    },
  ];
}

const HOST = 'host network';

function namespaceRows(
  name: string,
  every: readonly string[],
  before: NamespaceExposure,
  after: NamespaceExposure | undefined,
): readonly (readonly Cell[])[] {
  const text = (reached: readonly string[]): Cell =>
    cell(
      reached.length === 0
        ? 'closed'
        : reached.length === every.length
          ? 'all'
          : `${reached.length} of ${every.length}`,
      reached,
    );
  const workloads = new Set([...before.sources, ...(after?.sources ?? [])].map(({ workload }) => workload));
  return [
    ...[...workloads].map((workload): readonly Cell[] => {
      const [was, is] = [before, after ?? before].map(({ sources }) =>
        sources.find((source) => source.workload === workload),
      );
      const rules = was?.by ?? [];
      return [
        cell(name),
        workload === undefined ? cell('pods to come', null) : cell(workload.slice(name.length + 1), workload),
        text(was?.reached ?? []),
        cell(was === undefined ? '' : rules.length === 0 ? 'no policy' : rules.join(', '), rules),
        text(is?.reached ?? []),
      ];
    }),
    ...before.hostNetwork.map((workload): readonly Cell[] => [
      cell(name),
      cell(workload.slice(name.length + 1), workload),
      cell('all', every),
      cell(HOST, [HOST]),
      cell('all', every),
    ]),
  ];
}
