import { type Endpoint, type EndpointGroup, endpointGroups } from '../model/endpoints.js';
import { at, isRecord, listAt, type Manifest, stringAt } from '../model/manifest.js';
import { parseAddress } from '../reach/address.js';
import type { Protocol } from '../reach/index.js';
import { type Cluster, namespaceOf, protocolOf, type Variant } from './cluster.js';
import type { Peer } from './types.js';

/** Where a connection ends, after the address translation of a Service. */
export interface Target {
  peer: Peer;
  protocol: Protocol;
  port: number | undefined;
}

/** What the caller says about a Service's port: its number, its name, or nothing. */
export interface WantedPort {
  number?: number | undefined;
  name?: string | undefined;
  protocol?: Protocol | undefined;
}

/** Service default/kubernetes has no selector: behind it are the API servers. */
export function isApiServer(namespace: string, name: string): boolean {
  return namespace === 'default' && name === 'kubernetes';
}

/** Finds Services by name or address, and what is behind them. */
export class Services {
  private readonly cluster: Cluster;
  private readonly byAddress = new Map<string, Manifest>();
  private readonly endpoints: ReadonlyMap<string, readonly EndpointGroup[]>;
  /** Address and port of each API server, as Service default/kubernetes has them. */
  private readonly apiServers: ReadonlySet<string>;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    for (const service of cluster.of('Service'))
      for (const ip of [stringAt(service, 'spec', 'clusterIP'), ...listAt(service, 'spec', 'clusterIPs')])
        if (typeof ip === 'string' && ip !== 'None' && ip !== '') this.byAddress.set(ip, service);
    const groups = [...cluster.of('Endpoints'), ...cluster.of('EndpointSlice', 'discovery.k8s.io')];
    this.endpoints = Map.groupBy(groups.flatMap(endpointGroups), ({ service }) => service);
    this.apiServers = new Set(
      this.endpointsOf('default', 'kubernetes').flatMap(({ endpoints, ports }) =>
        endpoints.flatMap(({ address }) => ports.map((port) => `${address} ${String(at(port, 'port'))}`)),
      ),
    );
  }

  get(namespace: string, name: string): Manifest | undefined {
    return this.cluster.one('Service', namespace, name);
  }

  atAddress(address: string): Manifest | undefined {
    return this.byAddress.get(address);
  }

  /**
   * What is behind a Service's port. Ports that the Service does not have lead nowhere, except that a headless one
   * gives the pods' own addresses, so that any port is the pod's. Without a wanted port: behind all of them.
   */
  targets(service: Manifest, wanted: WantedPort = {}): Target[] {
    const namespace = namespaceOf(service);
    const { name } = service.metadata;
    if (isApiServer(namespace, name))
      return [{ peer: { kind: 'apiServer' }, protocol: 'TCP', port: undefined }];
    const external = stringAt(service, 'spec', 'externalName');
    if (stringAt(service, 'spec', 'type') === 'ExternalName') return this.externalName(external, wanted);
    const ports = chosenPorts(service, wanted);
    const selector = at(service, 'spec', 'selector');
    const written = this.behindEndpoints(service, ports, wanted);
    if (!isRecord(selector) || Object.keys(selector).length === 0) return written;
    const variants = this.cluster.selected(namespace, selector);
    if (isHeadless(service) && ports.length === 0 && wanted.name === undefined)
      return variants.flatMap((variant) => this.direct(variant, wanted));
    const behind = variants.flatMap((variant) => ports.flatMap((port) => this.behind(variant, port)));
    return distinct([...behind, ...written]);
  }

  private behind(variant: Variant, port: unknown): Target[] {
    const protocol = protocolOf(at(port, 'protocol'));
    if (protocol === undefined) return [];
    const number = portOn(variant, at(port, 'targetPort') || at(port, 'port'), protocol);
    return number === undefined
      ? []
      : [{ peer: this.cluster.peer(variant.workload), protocol, port: number }];
  }

  /** The pods of a workload without a Service between: on the wanted port, or on all that they declare. */
  podTargets(workload: number, wanted: WantedPort): Target[] {
    return distinct(this.cluster.variantsOf(workload).flatMap((variant) => this.direct(variant, wanted)));
  }

  /** A headless Service without the wanted port: the pod answers on it itself. */
  private direct(variant: Variant, wanted: WantedPort): Target[] {
    const peer = this.cluster.peer(variant.workload);
    if (wanted.number !== undefined)
      return [{ peer, protocol: wanted.protocol ?? 'TCP', port: wanted.number }];
    return variant.ports.map(({ protocol, port }) => ({ peer, protocol, port }));
  }

  private externalName(host: string | undefined, wanted: WantedPort): Target[] {
    if (host === undefined) return [];
    const name = host.toLowerCase().replace(/\.$/, '');
    const inCluster = /^([a-z0-9-]{1,63})\.([a-z0-9-]{1,63})\.svc(\.|$)/.exec(name);
    const service = inCluster === null ? undefined : this.get(inCluster[2] ?? '', inCluster[1] ?? '');
    // A name that leads to itself or on to a further one is followed once only.
    if (service !== undefined && stringAt(service, 'spec', 'type') !== 'ExternalName')
      return this.targets(service, wanted);
    return [
      { peer: { kind: 'external', host: name }, protocol: wanted.protocol ?? 'TCP', port: wanted.number },
    ];
  }

  /**
   * Behind a Service by what somebody wrote down in Endpoints or EndpointSlices. Where there is a selector, what they say
   * of pods is left out: the selector finds those, and those that come after them as well.
   */
  private behindEndpoints(service: Manifest, ports: readonly unknown[], wanted: WantedPort): Target[] {
    const names = new Set(ports.map((port) => stringAt(port, 'name') ?? ''));
    const limited = wanted.number !== undefined || wanted.name !== undefined;
    const selector = at(service, 'spec', 'selector');
    const selects = isRecord(selector) && Object.keys(selector).length > 0;
    return distinct(
      this.endpointsOf(namespaceOf(service), service.metadata.name).flatMap((group) =>
        group.ports
          .filter((port) => !limited || names.has(stringAt(port, 'name') ?? ''))
          .flatMap((port) => {
            const protocol = protocolOf(at(port, 'protocol'));
            const number = at(port, 'port');
            if (protocol === undefined || typeof number !== 'number') return [];
            return group.endpoints
              .filter(({ pod }) => !selects || pod === undefined)
              .map((endpoint) => ({ peer: this.peerOf(endpoint), protocol, port: number }));
          }),
      ),
    );
  }

  private endpointsOf(namespace: string, name: string): readonly EndpointGroup[] {
    return this.endpoints.get(`${namespace}/${name}`) ?? [];
  }

  private peerOf({ address, pod }: Endpoint): Peer {
    const workload = pod === undefined ? undefined : this.cluster.podNames.get(pod);
    return workload === undefined ? this.peerAt(address) : this.cluster.peer(workload);
  }

  /** Who has an address: a pod's workload, the API servers (on their port), the nodes, or something outside. */
  peerAt(address: string, port?: number): Peer {
    const workload = this.cluster.podAddresses.get(address);
    if (workload !== undefined) return this.cluster.peer(workload);
    if (port !== undefined && this.apiServers.has(`${address} ${port}`)) return { kind: 'apiServer' };
    if (this.cluster.nodeAddresses.has(address)) return { kind: 'nodes' };
    return parseAddress(address) === undefined
      ? { kind: 'external', host: address }
      : { kind: 'external', address };
  }
}

export function isHeadless(service: Manifest): boolean {
  return stringAt(service, 'spec', 'clusterIP') === 'None';
}

/** The Service's ports that are meant. */
export function chosenPorts(service: Manifest, wanted: WantedPort): readonly unknown[] {
  const ports = listAt(service, 'spec', 'ports');
  return ports.filter(
    (port) =>
      (wanted.number === undefined || at(port, 'port') === wanted.number) &&
      (wanted.name === undefined || stringAt(port, 'name') === wanted.name) &&
      (wanted.protocol === undefined || protocolOf(at(port, 'protocol')) === wanted.protocol),
  );
}

/** The number behind a target port: a number is itself, a name is what the pod's containers declare under it. */
export function portOn(variant: Variant, target: unknown, protocol: Protocol): number | undefined {
  if (typeof target === 'number') return target;
  if (typeof target !== 'string') return undefined;
  if (/^[0-9]{1,5}$/.test(target)) return Number(target);
  return variant.ports.find((port) => port.name === target && port.protocol === protocol)?.port;
}

function distinct(targets: readonly Target[]): Target[] {
  const out = new Map<string, Target>();
  for (const target of targets) {
    const key = JSON.stringify([target.peer, target.protocol, target.port]);
    if (!out.has(key)) out.set(key, target);
  }
  return [...out.values()];
}
