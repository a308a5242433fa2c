import type { Declared, Peer } from '../../src/declared/index.js';
import { canonical } from '../../src/model/plan.js';
import { networkPlugin } from '../../src/model/plugins.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { parseAddress } from '../../src/reach/address.js';
import { apiServerEndpoints, apiServers, nodeAddresses } from './addresses.js';
import { apiServerOnNodes, type EntityName, EVERY_NODE, whyNoEntities } from './entities.js';
import { cidrOf, exceptedEndpoints } from './outside.js';
import { selectedWorkloads } from './selectors.js';
import { NAME_LABEL } from './state.js';

/** What one side of a connection needs in a policy of the workload on that side. */
export type Need =
  /** Peers as a rule's `from` or `to` lists them; `any`: whoever it is. `ports` as a rule lists them. */
  | { kind: 'rule'; peers: readonly unknown[] | 'any'; ports: readonly unknown[] }
  /** Peers that only Cilium's own policies can name. */
  | { kind: 'entities'; entities: readonly EntityName[]; ports: readonly unknown[] }
  /** Open anyway by what the policy holds for all. */
  | { kind: 'open' }
  /** No policy of this cluster's plugin can allow it; `depends`: of some plugins, and which one runs is not known. */
  | { kind: 'impossible'; reason: string; depends?: true };

const OPEN: Need = { kind: 'open' };

/** Whether a policy holds an allow for a need alone. */
export function hasAllow({ kind }: Need): boolean {
  return kind === 'rule' || kind === 'entities';
}

/**
 * The narrowest ingress rule that keeps a connection. From where calls of the API server, of nodes and of pods on their
 * node's network come differs by platform, and nodes come and go: any source is let in on that port, unless the plugin
 * knows those sources without addresses. The same for clients outside where the plugin takes a node's address for none
 * of an address range.
 */
export function ingressNeed(now: Snapshot, flow: Declared): Need {
  const { source } = flow;
  const ports = portsOf(flow);
  const entities = whyNoEntities(now) === undefined ? callers(now, source) : [];
  if (entities.length > 0) return { kind: 'entities', entities, ports };
  if (source.kind === 'workload') {
    const peer = podPeer(now, source, namespaceOf(flow.destination));
    return { kind: 'rule', peers: peer === undefined ? 'any' : [peer], ports };
  }
  if (source.kind === 'namespace') return { kind: 'rule', peers: [namespacePeer(source.namespace)], ports };
  if (source.kind === 'external' && 'address' in source)
    return { kind: 'rule', peers: [ipBlock(source.address)], ports };
  if (source.kind === 'outside' && networkPlugin(now).ipBlockMatchesNodes)
    return { kind: 'rule', peers: [ipBlock('0.0.0.0/0'), ipBlock('::/0')], ports };
  return { kind: 'rule', peers: 'any', ports };
}

/** The entities from which calls of a peer come, where that is certain. */
function callers(now: Snapshot, source: Peer): readonly EntityName[] {
  const onNode = source.kind === 'workload' && selectedWorkloads(now).get(source.name)?.hostNetwork === true;
  if (onNode || source.kind === 'nodes') return EVERY_NODE;
  // With tunnels between nodes, a call of the API server looks like one of its node.
  return source.kind === 'apiServer' && apiServerOnNodes(now) ? ['kube-apiserver', ...EVERY_NODE] : [];
}

/** The narrowest egress rule that keeps a connection. `outside`: addresses outside are open anyway. */
export function egressNeed(now: Snapshot, flow: Declared, outside: boolean): Need {
  const { destination } = flow;
  const rule = (...addresses: readonly string[]): Need => ({
    kind: 'rule',
    peers: addresses.map(ipBlock),
    ports: portsOf(flow),
  });
  switch (destination.kind) {
    case 'workload': {
      const peer = podPeer(now, destination, namespaceOf(flow.source));
      return peer === undefined
        ? onNodes(now, flow, outside)
        : { kind: 'rule', peers: [peer], ports: portsOf(flow) };
    }
    case 'namespace':
      return { kind: 'rule', peers: [namespacePeer(destination.namespace)], ports: portsOf(flow) };
    case 'nodes':
      return onNodes(now, flow, outside);
    case 'apiServer': {
      // Cilium's policies speak of the port behind the Service.
      if (!networkPlugin(now).ipBlockMatchesNodes)
        return byEntities(now, 'the Kubernetes API', ['kube-apiserver'], portsOfAll(apiServerEndpoints(now)));
      if (outside) return OPEN;
      const servers = apiServers(now);
      if (servers.length === 0)
        return { kind: 'impossible', reason: 'the addresses of the Kubernetes API are not visible' };
      return {
        kind: 'rule',
        peers: [...new Set(servers.map(({ address }) => address))].sort().map(ipBlock),
        ports: portsOfAll(servers),
      };
    }
    case 'external': {
      if ('host' in destination)
        return outside
          ? OPEN
          : { kind: 'impossible', reason: 'a host name cannot be written in a NetworkPolicy' };
      const excepted = exceptedEndpoints(now).some(({ address }) => address === destination.address);
      if (outside && !excepted) return OPEN;
      return parseAddress(destination.address.split('/')[0] ?? '') === undefined
        ? { kind: 'impossible', reason: 'it is no address' }
        : rule(destination.address);
    }
    case 'outside':
    case 'any':
      return outside ? OPEN : { kind: 'impossible', reason: 'its addresses are not known' };
  }
}

/** A destination on the nodes' own network: only addresses can allow it. */
function onNodes(now: Snapshot, flow: Declared, outside: boolean): Need {
  if (!networkPlugin(now).ipBlockMatchesNodes) return byEntities(now, 'nodes', EVERY_NODE, portsOf(flow));
  if (outside) return OPEN;
  const addresses = nodeAddresses(now);
  return addresses.length === 0
    ? { kind: 'impossible', reason: 'the addresses of the nodes are not visible' }
    : { kind: 'rule', peers: addresses.map(ipBlock), ports: portsOf(flow) };
}

/** A destination that no address range matches: entities, where policies that name them can be written. */
function byEntities(
  now: Snapshot,
  what: string,
  entities: readonly EntityName[],
  ports: readonly unknown[],
): Need {
  const without = whyNoEntities(now);
  if (without !== undefined) {
    const { id, title } = networkPlugin(now);
    const reason = `an address range does not match ${what}, ${without}`;
    return id === 'unknown'
      ? { kind: 'impossible', reason, depends: true }
      : { kind: 'impossible', reason: `on ${title} ${reason}` };
  }
  return ports.length === 0
    ? { kind: 'impossible', reason: `the port of ${what} is not visible` }
    : { kind: 'entities', entities, ports };
}

/** Pods of a workload as a peer; undefined where they are on their node's network, which no selector matches. */
function podPeer(now: Snapshot, peer: Peer & { kind: 'workload' }, own: string | undefined): unknown {
  const found = selectedWorkloads(now).get(peer.name);
  if (found === undefined || found.hostNetwork) return undefined;
  const podSelector = found.selector;
  return peer.namespace === own ? { podSelector } : { ...namespacePeer(peer.namespace), podSelector };
}

function namespaceOf(peer: Peer): string | undefined {
  return peer.kind === 'workload' || peer.kind === 'namespace' ? peer.namespace : undefined;
}

function namespacePeer(name: string): { namespaceSelector: unknown } {
  return { namespaceSelector: { matchLabels: { [NAME_LABEL]: name } } };
}

function ipBlock(address: string): unknown {
  return { ipBlock: { cidr: cidrOf(address) } };
}

function portsOfAll(servers: readonly { port: number }[]): readonly unknown[] {
  const ports = [...new Set(servers.map(({ port }) => port))].sort((a, b) => a - b);
  return ports.map((port) => ({ protocol: 'TCP', port }));
}

function portsOf({ protocol, port }: Declared): readonly unknown[] {
  return [port === undefined ? { protocol } : { protocol, port }];
}

/** Rules for the needs of entities, which stand as text where peers do: see `rulesOf`. */
export function entityRulesOf(needs: readonly Need[], side: 'from' | 'to'): readonly unknown[] {
  const asRules = needs.flatMap((need): Need[] =>
    need.kind === 'entities' ? [{ kind: 'rule', peers: need.entities, ports: need.ports }] : [],
  );
  return rulesOf(asRules, side);
}

/**
 * Rules for needs: every peer once, peers with the same ports in one rule, in an order that does not depend on that of
 * the needs. What any source may use is not listed for others again.
 */
export function rulesOf(needs: readonly Need[], side: 'from' | 'to'): readonly unknown[] {
  const byPeer = new Map<string, Map<string, unknown>>();
  for (const need of needs) {
    if (need.kind !== 'rule') continue;
    for (const peer of need.peers === 'any' ? ['any'] : need.peers) {
      const ports = byPeer.get(canonical(peer)) ?? new Map<string, unknown>();
      for (const port of need.ports) ports.set(portKey(port), port);
      byPeer.set(canonical(peer), ports);
    }
  }
  const any = byPeer.get(canonical('any')) ?? new Map<string, unknown>();
  byPeer.delete(canonical('any'));
  const byPorts = new Map<string, { peers: string[]; ports: readonly unknown[] }>();
  for (const [peer, ports] of byPeer) {
    const left = [...ports].filter(([key]) => !any.has(key)).sort(([a], [b]) => (a < b ? -1 : 1));
    if (left.length === 0) continue;
    const key = left.map(([port]) => port).join();
    const known = byPorts.get(key) ?? { peers: [], ports: left.map(([, port]) => port) };
    known.peers.push(peer);
    byPorts.set(key, known);
  }
  const open = [...any].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, port]) => port);
  return [
    ...(open.length === 0 ? [] : [{ ports: open }]),
    ...[...byPorts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { peers, ports }]) => ({
        [side]: peers.sort().map((peer) => JSON.parse(peer) as unknown),
        ports,
      })),
  ];
}

/** Sorts by protocol, then by number. */
function portKey(port: unknown): string {
  const { protocol, port: number } = port as { protocol: string; port?: number };
  return `${protocol} ${String(number ?? 0).padStart(5, '0')}`;
}
