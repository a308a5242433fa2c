import { at, listAt, type Manifest, refOf, stringAt } from '../model/manifest.js';
import { namespaceOf } from './cluster.js';
import { type Collector, evidence } from './collect.js';
import { CLOUD_CONTROLLERS, ENTRANCES, running } from './programs.js';
import type { Target, WantedPort } from './services.js';
import type { Peer, Why } from './types.js';

const ANY: Peer = { kind: 'any' };
const OUTSIDE: Peer = { kind: 'outside', ranges: [] };
const GATEWAY_GROUP = 'gateway.networking.k8s.io';
const ROUTES = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'];

/**
 * Who comes in: through Ingress, OpenShift Route and Gateway routes (the controller's pods are the source), and through
 * Services of type LoadBalancer and NodePort, external IPs and host ports (the source is outside).
 */
export function entrances(collector: Collector): void {
  for (const group of ['networking.k8s.io', 'extensions'])
    for (const ingress of collector.cluster.of('Ingress', group)) ingressBackends(collector, ingress);
  for (const route of collector.cluster.of('Route', 'route.openshift.io')) openShiftRoute(collector, route);
  for (const kind of ROUTES)
    for (const route of collector.cluster.of(kind, GATEWAY_GROUP)) gatewayRoute(collector, route);
  for (const service of collector.cluster.of('Service')) published(collector, service);
  hostPorts(collector);
}

function ingressBackends(collector: Collector, ingress: Manifest): void {
  const sources = controllersOf(collector, ingressController(collector, ingress));
  const backend = (raw: unknown, field: string) => {
    const name = stringAt(raw, 'service', 'name') ?? stringAt(raw, 'serviceName');
    const port =
      at(raw, 'service', 'port', 'number') ?? at(raw, 'service', 'port', 'name') ?? at(raw, 'servicePort');
    if (name !== undefined) pass(collector, ingress, sources, { name, port, field, why: 'ingress' });
  };
  backend(at(ingress, 'spec', 'defaultBackend') ?? at(ingress, 'spec', 'backend'), 'spec.defaultBackend');
  listAt(ingress, 'spec', 'rules').forEach((rule, r) => {
    listAt(rule, 'http', 'paths').forEach((path, p) => {
      backend(at(path, 'backend'), `spec.rules[${r}].http.paths[${p}].backend`);
    });
  });
}

/** The controller of an Ingress's class, as IngressClass names it; the class's own name where there is no such object. */
function ingressController(collector: Collector, ingress: Manifest): string | undefined {
  const name =
    stringAt(ingress, 'spec', 'ingressClassName') ??
    ingress.metadata.annotations?.['kubernetes.io/ingress.class'];
  const classes = collector.cluster.of('IngressClass', 'networking.k8s.io');
  const found =
    name === undefined
      ? classes.find(
          (c) => c.metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true',
        )
      : classes.find((c) => c.metadata.name === name);
  return stringAt(found, 'spec', 'controller') ?? CLASS_NAMES[name ?? ''] ?? undefined;
}

/** What the class names of the annotation stand for where no IngressClass says it. */
const CLASS_NAMES: Readonly<Record<string, string>> = {
  nginx: 'k8s.io/ingress-nginx',
  traefik: 'traefik.io/ingress-controller',
  istio: 'istio.io/ingress-controller',
  kong: 'ingress-controllers.konghq.com/kong',
  haproxy: 'haproxy.org/ingress-controller',
  contour: 'projectcontour.io/ingress-controller',
  alb: 'ingress.k8s.aws/alb',
  gce: 'k8s.io/ingress-gce',
  'azure/application-gateway': 'azure/application-gateway',
};

/**
 * The peers from which a controller's requests come: its pods; for a load balancer of the cloud, outside; where its
 * pods are not known, those of every controller that is there; otherwise any.
 */
function controllersOf(collector: Collector, controller: string | undefined): readonly Peer[] {
  if (controller !== undefined && CLOUD_CONTROLLERS.some((prefix) => controller.startsWith(prefix)))
    return [OUTSIDE];
  const fitting = ENTRANCES.filter((program) =>
    program.controllers?.some((prefix) => controller?.startsWith(prefix)),
  );
  for (const programs of [fitting, ENTRANCES]) {
    const peers = running(collector, programs);
    if (peers.length > 0) return peers;
  }
  return [ANY];
}

interface Backend {
  name: string;
  namespace?: string;
  port: unknown;
  field: string;
  why: Why;
}

function pass(collector: Collector, object: Manifest, sources: readonly Peer[], backend: Backend): void {
  const namespace = backend.namespace ?? namespaceOf(object);
  const service = collector.services.get(namespace, backend.name);
  const { port } = backend;
  const shown = `${backend.name}${typeof port === 'number' || typeof port === 'string' ? `:${port}` : ''}`;
  const proof = evidence(refOf(object), backend.field, shown);
  const wanted: WantedPort =
    typeof port === 'number'
      ? { number: port }
      : typeof port === 'string' && port !== ''
        ? { name: port }
        : {};
  const targets = service === undefined ? [] : collector.services.targets(service, wanted);
  if (targets.length === 0)
    collector.dangling({
      source: sources[0] ?? ANY,
      host: `${backend.name}.${namespace}`,
      port: wanted.number,
      evidence: proof,
      reason:
        service === undefined
          ? `there is no Service ${namespace}/${backend.name}`
          : `Service ${namespace}/${backend.name} leads nowhere on this port`,
    });
  for (const source of sources)
    for (const target of targets) collector.add(source, target, backend.why, proof);
}

/** A Route names its Service's port by name, or by the pods' own port. */
function openShiftRoute(collector: Collector, route: Manifest): void {
  const sources = controllersOf(collector, 'openshift.io/ingress-to-route');
  const port = at(route, 'spec', 'port', 'targetPort');
  const backends = [
    { raw: at(route, 'spec', 'to'), field: 'spec.to' },
    ...listAt(route, 'spec', 'alternateBackends').map((raw, i) => ({
      raw,
      field: `spec.alternateBackends[${i}]`,
    })),
  ];
  for (const { raw, field } of backends) {
    const name = stringAt(raw, 'name');
    const kind = stringAt(raw, 'kind') ?? 'Service';
    if (name === undefined || kind !== 'Service') continue;
    const service = collector.services.get(namespaceOf(route), name);
    const own = listAt(service, 'spec', 'ports').find(
      (p) =>
        port !== undefined && (at(p, 'name') === port || (at(p, 'targetPort') ?? at(p, 'port')) === port),
    );
    pass(collector, route, sources, { name, port: at(own, 'port'), field, why: 'ingress' });
  }
}

function gatewayRoute(collector: Collector, route: Manifest): void {
  const sources = listAt(route, 'spec', 'parentRefs').flatMap((parent) =>
    gatewayPods(collector, route, parent),
  );
  if (sources.length === 0) return;
  const backends = (list: readonly unknown[], field: string) => {
    list.forEach((raw, i) => {
      const name = stringAt(raw, 'name');
      if (name === undefined || (stringAt(raw, 'kind') ?? 'Service') !== 'Service') return;
      const namespace = stringAt(raw, 'namespace') ?? namespaceOf(route);
      pass(collector, route, sources, {
        name,
        namespace,
        port: at(raw, 'port'),
        field: `${field}[${i}]`,
        why: 'gateway',
      });
    });
  };
  listAt(route, 'spec', 'rules').forEach((rule, r) => {
    backends(listAt(rule, 'backendRefs'), `spec.rules[${r}].backendRefs`);
    listAt(rule, 'filters').forEach((filter, f) => {
      const mirror = at(filter, 'requestMirror', 'backendRef');
      if (mirror !== undefined) backends([mirror], `spec.rules[${r}].filters[${f}].requestMirror`);
    });
  });
}

/**
 * The pods of a Gateway: those with the label that the Gateway API gives them, otherwise its class's controller. A
 * route of a mesh (its parent is a Service) says nothing of who sends.
 */
function gatewayPods(collector: Collector, route: Manifest, parent: unknown): readonly Peer[] {
  if ((stringAt(parent, 'kind') ?? 'Gateway') !== 'Gateway') return [];
  const namespace = stringAt(parent, 'namespace') ?? namespaceOf(route);
  const name = stringAt(parent, 'name') ?? '';
  const own = gatewayWorkloads(collector).get(`${namespace}/${name}`) ?? [];
  if (own.length > 0) return own;
  const gateway = collector.cluster.one('Gateway', namespace, name, GATEWAY_GROUP);
  const className = stringAt(gateway, 'spec', 'gatewayClassName');
  const found = collector.cluster
    .of('GatewayClass', GATEWAY_GROUP)
    .find((candidate) => candidate.metadata.name === className);
  return controllersOf(collector, stringAt(found, 'spec', 'controllerName') ?? CLASS_NAMES[className ?? '']);
}

const known = new WeakMap<Collector, ReadonlyMap<string, readonly Peer[]>>();

/** Workloads whose pods say of which Gateway they are: by the label of the API itself, or by Envoy Gateway's two. */
function gatewayWorkloads(collector: Collector): ReadonlyMap<string, readonly Peer[]> {
  let found = known.get(collector);
  if (found !== undefined) return found;
  const byGateway = new Map<string, Set<Peer>>();
  for (const { namespace, labels, workload } of collector.cluster.inventory.pods) {
    const own = labels.get(`${GATEWAY_GROUP}/gateway-name`);
    const name = own ?? labels.get('gateway.envoyproxy.io/owning-gateway-name');
    if (name === undefined) continue;
    const of =
      own === undefined
        ? (labels.get('gateway.envoyproxy.io/owning-gateway-namespace') ?? namespace)
        : namespace;
    const peers = byGateway.get(`${of}/${name}`) ?? new Set();
    byGateway.set(`${of}/${name}`, peers.add(collector.cluster.peer(workload)));
  }
  found = new Map([...byGateway].map(([key, peers]) => [key, [...peers]]));
  known.set(collector, found);
  return found;
}

/** Services that the outside can reach: LoadBalancer, NodePort, external IPs. */
function published(collector: Collector, service: Manifest): void {
  const type = stringAt(service, 'spec', 'type');
  const add = (why: Why, field: string, value: string, source: Peer) => {
    for (const target of collector.services.targets(service))
      if (target.peer.kind === 'workload')
        collector.add(source, target, why, evidence(refOf(service), field, value));
  };
  if (type === 'LoadBalancer') {
    const ranges = listAt(service, 'spec', 'loadBalancerSourceRanges').filter((r) => typeof r === 'string');
    const field = ranges.length > 0 ? 'spec.loadBalancerSourceRanges' : 'spec.type';
    add('load-balancer', field, ranges.length > 0 ? ranges.join(',') : type, { kind: 'outside', ranges });
  }
  if (type === 'NodePort') {
    const ports = listAt(service, 'spec', 'ports').flatMap((port) => {
      const number = at(port, 'nodePort');
      return typeof number === 'number' ? [String(number)] : [];
    });
    add('node-port', 'spec.type', [type, ...ports].join(' '), OUTSIDE);
  }
  const external = listAt(service, 'spec', 'externalIPs').filter((ip) => typeof ip === 'string');
  if (external.length > 0) add('external-ip', 'spec.externalIPs', external.join(','), OUTSIDE);
}

/** Ports of containers that the node passes on; pods on the node's own network are not covered by policies at all. */
function hostPorts(collector: Collector): void {
  for (const made of collector.cluster.workloads)
    for (const spec of made.specs) {
      if (at(spec, 'hostNetwork') === true) continue;
      for (const container of listAt(spec, 'containers'))
        for (const port of listAt(container, 'ports')) {
          const host = at(port, 'hostPort');
          const number = at(port, 'containerPort');
          const protocol = at(port, 'protocol') ?? 'TCP';
          if (typeof host !== 'number' || host === 0 || typeof number !== 'number') continue;
          if (protocol !== 'TCP' && protocol !== 'UDP' && protocol !== 'SCTP') continue;
          const target: Target = { peer: made.peer, protocol, port: number };
          const field = `containers[${stringAt(container, 'name') ?? ''}].ports.hostPort`;
          collector.add(OUTSIDE, target, 'host-port', evidence(made.object, field, String(host)));
        }
    }
}
