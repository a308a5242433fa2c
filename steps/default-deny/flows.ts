import {
  type Declared,
  declarations,
  declaredText,
  type ObservedLog,
  type Peer,
} from '../../src/declared/index.js';
import { at, listAt, stringAt } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { once } from '../../src/model/once.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { type Endpoint, type Reach, UnknownEndpoint } from '../../src/reach/index.js';
import { selectedWorkloads } from './selectors.js';
import { reachIn, reachWithoutOurs } from './state.js';

/** Stands for any address outside of the cluster that nothing singles out (documentation range, RFC 5737). */
export const SOMEWHERE = '198.51.100.254';
const NOTHING = 'No Connections';

const said = once((now) => declarations(now));

/** The connections that the cluster's objects declare, and those that only flow logs show. */
export function declaredIn(now: Snapshot): readonly Declared[] {
  return said(now).connections;
}

/** What the flow logs that were given say, log by log. */
export function observedIn(now: Snapshot): readonly ObservedLog[] {
  return said(now).observed;
}

/** Those of them that pass as if no policy of ours were there: what closing a namespace must not cut. */
export const counted = once((now): readonly Declared[] =>
  declaredIn(now).filter((flow) => passes(now, reachWithoutOurs(now), flow, 'some')),
);

/** Those of them that policies of ours cut today. */
export const cutToday = once((now): readonly Declared[] =>
  reachIn(now) === reachWithoutOurs(now)
    ? []
    : counted(now).filter((flow) => !passes(now, reachIn(now), flow, 'some')),
);

/** Those that pass now and would not pass, for all their pods, with other policies. */
export function cutBy(now: Snapshot, before: Reach, after: Reach): readonly Declared[] {
  return declaredIn(now).filter((flow) => {
    if (!passes(now, before, flow, 'some')) return false;
    return passes(now, before, flow, 'every')
      ? !passes(now, after, flow, 'every')
      : !passes(now, after, flow, 'some');
  });
}

/** Text by which a person, and an answers file, names a connection. */
export function flowText(flow: Declared): string {
  return declaredText(flow);
}

/** Whether a declared connection may be opened, for some or for every pair of ends that it stands for. */
export function passes(now: Snapshot, reach: Reach, flow: Declared, how: 'some' | 'every'): boolean {
  const [sources, destinations] = [endsOf(now, flow.source), endsOf(now, flow.destination)];
  const pairs = sources.flatMap((src) => destinations.map((dst) => ({ src, dst })));
  const open = ({ src, dst }: { src: Endpoint; dst: Endpoint }) => {
    try {
      if (flow.port === undefined) return reach.between(src, dst) !== NOTHING;
      if (how === 'some') return reach.allows(src, dst, flow.protocol, flow.port);
      return reach.explain(src, dst, flow.protocol, flow.port).cases.every(({ allowed }) => allowed);
    } catch (error) {
      if (error instanceof UnknownEndpoint) return false;
      throw error;
    }
  };
  return pairs.length > 0 && (how === 'some' ? pairs.some(open) : pairs.every(open));
}

/** What the engine is asked about for a peer. From where calls of the API server come is not known: from anywhere. */
function endsOf(now: Snapshot, peer: Peer): readonly Endpoint[] {
  switch (peer.kind) {
    case 'workload':
      return selectedWorkloads(now).get(peer.name)?.hostNetwork === true
        ? nodeAddresses(now)
            .slice(0, 1)
            .concat(SOMEWHERE)
            .slice(0, 1)
            .map((address) => ({ address }))
        : [{ workload: peer.name }];
    case 'namespace':
      return [{ freshPod: peer.namespace }];
    case 'nodes':
      return [{ address: nodeAddresses(now)[0] ?? SOMEWHERE }];
    case 'apiServer':
      return [{ address: apiServers(now)[0]?.address ?? SOMEWHERE }];
    case 'external':
      return [{ address: 'host' in peer ? SOMEWHERE : (peer.address.split('/')[0] ?? SOMEWHERE) }];
    case 'outside':
    case 'any':
      return [{ address: SOMEWHERE }];
  }
}

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

/** Address and port of each API server, as the endpoints of Service default/kubernetes have them, and of the Service. */
export const apiServers = once((now): readonly { address: string; port: number }[] => {
  const service = objectsIn(now, 'Service', 'default').find(({ metadata }) => metadata.name === 'kubernetes');
  const groups = [
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
    ...(service === undefined
      ? []
      : [{ addresses: [stringAt(service, 'spec', 'clusterIP')], ports: listAt(service, 'spec', 'ports') }]),
  ];
  const out = new Map<string, { address: string; port: number }>();
  for (const { addresses, ports } of groups)
    for (const address of addresses)
      for (const entry of ports) {
        const port = at(entry, 'port');
        if (typeof address === 'string' && /^[0-9a-f.:]+$/i.test(address) && typeof port === 'number')
          out.set(`${address} ${port}`, { address, port });
      }
  return [...out.values()];
});
