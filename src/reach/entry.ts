import { at, isRecord, listAt, type Manifest, stringAt } from '../model/manifest.js';
import { addressKey, parseAddress } from './address.js';
import type { Labels, Pod } from './inventory.js';
import { NONE, type PortSet } from './portset.js';
import type { Connection, Reach } from './reach.js';

/** Source of the connections that Ingress and Route objects ask for; where the controller runs is not known. */
export const INGRESS_CONTROLLER = '{ingress-controller}';

/** A Service as the target of an entry; port undefined: all its ports. */
interface Backend {
  service: string;
  port: string | number | undefined;
}

/**
 * Lines from `{ingress-controller}` to the workloads that Ingress and Route objects expose through a Service: TCP, the
 * target ports that the pods declare, as far as policies let a pod of some other namespace in.
 */
export function* entryConnections(reach: Reach): Generator<Connection> {
  const { inventory, engine } = reach;
  if (inventory.entries.length === 0) return;
  const services = new Map(inventory.services.map((service) => [keyOf(service), service]));
  const byEndpoints = endpointPods(reach);
  const found = new Map<number, PortSet>();
  const add = (pod: Pod, index: number, ports: readonly number[]) => {
    const open = ports.reduce<PortSet>(
      (set, port) => engine.sets.union(set, engine.sets.range('TCP', port, port)),
      NONE,
    );
    let all = found.get(pod.workload) ?? NONE;
    for (const source of engine.peers.classes.elsewhere)
      for (const target of reach.classesOf(index))
        all = engine.sets.union(all, engine.sets.intersect(open, engine.between(source, target)));
    found.set(pod.workload, all);
  };
  for (const entry of inventory.entries)
    for (const backend of backendsOf(entry)) {
      const namespace = entry.metadata.namespace ?? 'default';
      const service = services.get(`${namespace}/${backend.service}`);
      if (service === undefined) continue;
      const ports = chosenPorts(service, backend.port);
      const targets = ports.flatMap(({ target }) => target ?? []);
      for (const { pod, index } of selectedPods(reach, service))
        add(
          pod,
          index,
          targets.flatMap((target) => declaredPort(pod, target)),
        );
      const names = new Set(ports.map(({ name }) => name ?? ''));
      for (const { pod, index, name, port } of byEndpoints.get(keyOf(service)) ?? [])
        if (names.has(name)) add(pod, index, [port]);
    }
  for (const [workload, set] of found)
    if (set !== NONE)
      yield {
        src: INGRESS_CONTROLLER,
        dst: reach.workloads[workload]?.name ?? '',
        conn: engine.sets.text(set),
      };
}

function keyOf(object: Manifest): string {
  return `${object.metadata.namespace ?? 'default'}/${object.metadata.name}`;
}

/** The pods that a Service selects; none where it has no selector. */
function selectedPods(reach: Reach, service: Manifest): readonly { pod: Pod; index: number }[] {
  const selector = at(service, 'spec', 'selector');
  if (!isRecord(selector)) return [];
  const namespace = service.metadata.namespace ?? 'default';
  const wanted = Object.entries(selector);
  if (wanted.length === 0) return [];
  const matches = (labels: Labels) => wanted.every(([key, value]) => labels.get(key) === value);
  return reach.inventory.pods.flatMap((pod, index) =>
    pod.namespace === namespace && matches(pod.labels) ? [{ pod, index }] : [],
  );
}

/**
 * Pods that EndpointSlices and Endpoints put behind each Service, by their name or address, on the ports that stand
 * there; of a Service without selector they are all that there is.
 */
function endpointPods({
  inventory,
}: Reach): ReadonlyMap<string, readonly { pod: Pod; index: number; name: string; port: number }[]> {
  const names = new Map<string, number>();
  const addresses = new Map<string, number>();
  inventory.pods.forEach((pod, index) => {
    if (pod.name !== undefined) names.set(pod.name, index);
    // A node's address is not that of one of the pods on its network.
    if (!pod.hostNetwork) for (const address of pod.addresses) addresses.set(addressKey(address), index);
  });
  const found = inventory.endpoints.flatMap(({ service, endpoints, ports }) =>
    endpoints.flatMap((endpoint) => {
      const byName = endpoint.pod === undefined ? undefined : names.get(endpoint.pod);
      const address = parseAddress(endpoint.address);
      const index = byName ?? (address === undefined ? undefined : addresses.get(addressKey(address)));
      const pod = index === undefined ? undefined : inventory.pods[index];
      if (index === undefined || pod === undefined) return [];
      return ports.flatMap((raw) => {
        const port = at(raw, 'port');
        const isTcp = (stringAt(raw, 'protocol') ?? 'TCP') === 'TCP';
        return isTcp && typeof port === 'number' && port >= 1 && port <= 65_535
          ? [{ service, pod, index, name: stringAt(raw, 'name') ?? '', port }]
          : [];
      });
    }),
  );
  return Map.groupBy(found, ({ service }) => service);
}

/**
 * Ports of a Service that a backend's port means, with the port or port name on the pods that each leads to. An Ingress names the Service's port by number or name;
 * a Route names it by name or by its target port.
 */
function chosenPorts(
  service: Manifest,
  port: Backend['port'],
): readonly { name: string | undefined; target: string | number | undefined }[] {
  const ports = listAt(service, 'spec', 'ports').map((raw) => {
    const number = at(raw, 'port');
    return { name: stringAt(raw, 'name'), number, target: portOf(at(raw, 'targetPort') || number) };
  });
  return port === undefined
    ? ports
    : ports.filter((p) => p.name === port || p.number === port || p.target === port).slice(0, 1);
}

/** The number of a target port, where a container of the pod declares it for TCP. */
function declaredPort(pod: Pod, target: string | number): readonly number[] {
  const port = pod.ports.find(
    (p) => p.protocol === 'TCP' && (typeof target === 'string' ? p.name === target : p.port === target),
  );
  return port === undefined ? [] : [port.port];
}

function backendsOf(entry: Manifest): readonly Backend[] {
  return entry.kind === 'Route' ? routeBackends(entry) : ingressBackends(entry);
}

/** OpenShift Route: `to` and `alternateBackends`, each a Service. */
function routeBackends(route: Manifest): readonly Backend[] {
  const port = portOf(at(route, 'spec', 'port', 'targetPort'));
  const targets = [at(route, 'spec', 'to'), ...listAt(route, 'spec', 'alternateBackends')];
  return targets.flatMap((target) => {
    const service = stringAt(target, 'name');
    const kind = stringAt(target, 'kind') ?? 'Service';
    return service === undefined || (kind !== 'Service' && kind !== '') ? [] : [{ service, port }];
  });
}

/** Ingress: the default backend and every path of every rule, in the forms of v1 and v1beta1. */
function ingressBackends(ingress: Manifest): readonly Backend[] {
  const paths = listAt(ingress, 'spec', 'rules').flatMap((rule) => listAt(rule, 'http', 'paths'));
  const backends = [
    at(ingress, 'spec', 'defaultBackend'),
    at(ingress, 'spec', 'backend'),
    ...paths.map((path) => at(path, 'backend')),
  ];
  return backends.flatMap((backend) => {
    const service = stringAt(backend, 'service', 'name') ?? stringAt(backend, 'serviceName');
    const port = at(backend, 'service', 'port', 'name') ?? at(backend, 'service', 'port', 'number');
    return service === undefined ? [] : [{ service, port: portOf(port ?? at(backend, 'servicePort')) }];
  });
}

function portOf(raw: unknown): Backend['port'] {
  return typeof raw === 'number' || (typeof raw === 'string' && raw !== '') ? raw : undefined;
}
