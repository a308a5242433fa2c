import { at, listAt, stringAt } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { once } from '../../src/model/once.js';
import { networkPlugin } from '../../src/model/plugins.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { type Address, type Entity, parseAddress } from '../../src/reach/index.js';

/** Stands for any address outside of the cluster that nothing singles out (documentation range, RFC 5737). */
export const SOMEWHERE = '198.51.100.254';
/** Stand for a node and an API server whose addresses are not visible, where the plugin knows them without. */
const SOME_NODE = '198.51.100.253';
const SOME_API_SERVER = '198.51.100.252';

/** Addresses of all nodes, sorted. */
export const nodeAddresses = once((now): readonly string[] =>
  [
    ...new Set(
      objects(now, 'Node').flatMap((node) =>
        listAt(node, 'status', 'addresses')
          .filter((entry) => ['InternalIP', 'ExternalIP'].includes(stringAt(entry, 'type') ?? ''))
          .flatMap((entry) => stringAt(entry, 'address') ?? []),
      ),
    ),
  ].sort(),
);

interface Server {
  address: string;
  port: number;
}

const kubernetesService = once((now) =>
  objectsIn(now, 'Service', 'default').find(({ metadata }) => metadata.name === 'kubernetes'),
);

/** Address and port of each API server, as the endpoints of Service default/kubernetes have them. */
export const apiServerEndpoints = once((now): readonly Server[] =>
  servers([
    ...objectsIn(now, 'Endpoints', 'default')
      .filter(({ metadata }) => metadata.name === 'kubernetes')
      .flatMap((endpoints) =>
        listAt(endpoints, 'subsets').map((subset) => ({
          addresses: listAt(subset, 'addresses').map((entry) => at(entry, 'ip')),
          ports: listAt(subset, 'ports'),
        })),
      ),
    ...objectsIn(now, 'EndpointSlice', 'default')
      .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'kubernetes')
      .map((slice) => ({
        addresses: listAt(slice, 'endpoints').flatMap((entry) => listAt(entry, 'addresses')),
        ports: listAt(slice, 'ports'),
      })),
  ]),
);

/** The same with those of the Service itself, which some plugins see. */
export const apiServers = once((now): readonly Server[] => {
  const service = kubernetesService(now);
  const addresses = [stringAt(service, 'spec', 'clusterIP')];
  return [...apiServerEndpoints(now), ...servers([{ addresses, ports: listAt(service, 'spec', 'ports') }])];
});

function servers(
  groups: readonly { addresses: readonly unknown[]; ports: readonly unknown[] }[],
): readonly Server[] {
  const out = new Map<string, Server>();
  for (const { addresses, ports } of groups)
    for (const address of addresses)
      for (const entry of ports) {
        const port = at(entry, 'port');
        // No API server publishes a loopback address but the embedded one; no pod reaches another host by it.
        const isAddress =
          typeof address === 'string' && /^[0-9a-f.:]+$/i.test(address) && !/^(127\.|::1$)/.test(address);
        if (isAddress && typeof port === 'number') out.set(`${address} ${port}`, { address, port });
      }
  return [...out.values()];
}

/** An address of a node, for a question to the engine. */
export function someNode(now: Snapshot): string {
  return nodeAddresses(now)[0] ?? (networkPlugin(now).ipBlockMatchesNodes ? SOMEWHERE : SOME_NODE);
}

/** An address of an API server, for a question to the engine. */
export function someApiServer(now: Snapshot): string {
  return (
    apiServers(now)[0]?.address ?? (networkPlugin(now).ipBlockMatchesNodes ? SOMEWHERE : SOME_API_SERVER)
  );
}

/** Whether the plugin is one of those whose `ipBlock` does not match nodes and the API server. */
function hasEntities(now: Snapshot): boolean {
  const { id, ipBlockMatchesNodes } = networkPlugin(now);
  return id !== 'unknown' && !ipBlockMatchesNodes;
}

/** The addresses that the engine may not take for those of an `ipBlock`; none with plugins that match them. */
export function entityAddresses(now: Snapshot): ReadonlyMap<Entity, readonly Address[]> {
  return hasEntities(now) ? asEntities(now) : new Map();
}

/** The same as with a plugin whose `ipBlock` does not match them. */
export function asEntities(now: Snapshot): ReadonlyMap<Entity, readonly Address[]> {
  const parsed = (addresses: readonly string[]) => addresses.flatMap((text) => parseAddress(text) ?? []);
  return new Map<Entity, readonly Address[]>([
    ['nodes', parsed([...nodeAddresses(now), SOME_NODE])],
    ['kube-apiserver', parsed([...apiServers(now).map(({ address }) => address), SOME_API_SERVER])],
  ]);
}
