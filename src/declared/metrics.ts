import { at, listAt, type Manifest, type Ref, refOf, stringAt } from '../model/manifest.js';
import { parseSelector, type Selector } from '../reach/selector.js';
import { KUBERNETES } from '../reach/semantics.js';
import { namespaceOf, type Variant } from './cluster.js';
import { type Collector, evidence } from './collect.js';
import { portNumber } from './names.js';
import { running, SCRAPERS } from './programs.js';
import { portOn, type Target } from './services.js';
import type { Evidence, Peer } from './types.js';

const GROUP = 'monitoring.coreos.com';

/** Who is scraped: by the annotations that Prometheus's examples use, by ServiceMonitor and PodMonitor. */
export function metrics(collector: Collector): void {
  const found = running(collector, SCRAPERS);
  // Nothing known scrapes here, but the annotation says that something is to.
  const sources: readonly Peer[] = found.length > 0 ? found : [{ kind: 'any' }];
  const add = (target: Target, proof: Evidence) => {
    for (const source of sources) collector.add(source, target, 'metrics', proof);
  };
  annotatedPods(collector, add);
  annotatedServices(collector, add);
  serviceMonitors(collector, add);
  podMonitors(collector, add);
}

type Add = (target: Target, proof: Evidence) => void;

function wantsScraping(annotations: unknown): boolean {
  return stringAt(annotations, 'prometheus.io/scrape') === 'true';
}

/** The port of the annotation; without it, every TCP port that the pod declares is asked. */
function annotatedPods(collector: Collector, add: Add): void {
  for (const made of collector.cluster.workloads)
    made.annotations.forEach((annotations, i) => {
      if (!wantsScraping(annotations)) return;
      const text = stringAt(annotations, 'prometheus.io/port');
      const named = portNumber(text);
      const spec = made.specs[i];
      const ports = named !== undefined ? [named] : declaredPorts(spec);
      const value = text === undefined ? 'prometheus.io/scrape' : `prometheus.io/port: ${text}`;
      for (const port of ports)
        add(
          { peer: made.peer, protocol: 'TCP', port },
          evidence(made.object, 'template.metadata.annotations', value),
        );
    });
}

function declaredPorts(spec: unknown): readonly number[] {
  return listAt(spec, 'containers').flatMap((container) =>
    listAt(container, 'ports').flatMap((port) => {
      const number = at(port, 'containerPort');
      return (stringAt(port, 'protocol') ?? 'TCP') === 'TCP' && typeof number === 'number' ? [number] : [];
    }),
  );
}

/** An annotated Service: its endpoints are asked on the annotation's port, which is the pods' own, or on their ports. */
function annotatedServices(collector: Collector, add: Add): void {
  for (const service of collector.cluster.of('Service')) {
    const { annotations } = service.metadata;
    if (!wantsScraping(annotations)) continue;
    const text = stringAt(annotations, 'prometheus.io/port');
    const port = portNumber(text);
    const value = text === undefined ? 'prometheus.io/scrape' : `prometheus.io/port: ${text}`;
    const proof = evidence(refOf(service), 'metadata.annotations', value);
    for (const target of collector.services.targets(service))
      if (target.peer.kind === 'workload' && target.protocol === 'TCP')
        add(port === undefined ? target : { ...target, port }, proof);
  }
}

/** A selector of a custom resource; what its API would refuse selects nothing. */
function selectorOf(raw: unknown): Selector | undefined {
  try {
    return parseSelector(raw, 'spec.selector');
  } catch {
    return undefined;
  }
}

function selects({ requirements }: Selector, labelOf: (key: string) => string | undefined): boolean {
  return requirements.every((requirement) => KUBERNETES.holds(requirement, labelOf(requirement.key)));
}

/** The namespaces in which a monitor looks (API: NamespaceSelector): its own, those it names, or any. */
function watched(monitor: Manifest, all: Iterable<string>): Iterable<string> {
  if (at(monitor, 'spec', 'namespaceSelector', 'any') === true) return all;
  const names = listAt(monitor, 'spec', 'namespaceSelector', 'matchNames').filter(
    (name): name is string => typeof name === 'string',
  );
  return names.length > 0 ? new Set(names) : [namespaceOf(monitor)];
}

function serviceMonitors(collector: Collector, add: Add): void {
  const services = Map.groupBy(collector.cluster.of('Service'), namespaceOf);
  for (const monitor of collector.cluster.of('ServiceMonitor', GROUP)) {
    const selector = selectorOf(at(monitor, 'spec', 'selector'));
    if (selector === undefined) continue;
    for (const namespace of watched(monitor, services.keys()))
      for (const service of services.get(namespace) ?? [])
        if (selects(selector, (key) => service.metadata.labels?.[key]))
          monitored(collector, monitor, service, add);
  }
}

function monitored(collector: Collector, monitor: Manifest, service: Manifest, add: Add): void {
  listAt(monitor, 'spec', 'endpoints').forEach((endpoint, i) => {
    const { value, field } = endpointText(endpoint, `spec.endpoints[${i}]`);
    const proof = evidence(refOf(monitor), field, `${value} of Service ${service.metadata.name}`);
    for (const target of scraped(collector, service, endpoint)) add(target, proof);
  });
}

/** `port` names the Service's port, `targetPort` the pods' own by number or name. */
function scraped(collector: Collector, service: Manifest, endpoint: unknown): Target[] {
  const name = stringAt(endpoint, 'port');
  if (name !== undefined) return collector.services.targets(service, { name });
  const variants = collector.cluster.selected(namespaceOf(service), at(service, 'spec', 'selector'));
  return onPods(collector, variants, at(endpoint, 'targetPort'));
}

function onPods(collector: Collector, variants: readonly Variant[], port: unknown): Target[] {
  return variants.flatMap((variant) => {
    const number = portOn(variant, port, 'TCP');
    return number === undefined
      ? []
      : [{ peer: collector.cluster.peer(variant.workload), protocol: 'TCP' as const, port: number }];
  });
}

function podMonitors(collector: Collector, add: Add): void {
  for (const monitor of collector.cluster.of('PodMonitor', GROUP)) {
    const selector = selectorOf(at(monitor, 'spec', 'selector'));
    if (selector === undefined) continue;
    const object: Ref = refOf(monitor);
    for (const namespace of watched(monitor, collector.cluster.inventory.namespaces.keys())) {
      const variants = collector.cluster
        .variantsIn(namespace)
        .filter(({ labels }) => selects(selector, (key) => labels.get(key)));
      listAt(monitor, 'spec', 'podMetricsEndpoints').forEach((endpoint, i) => {
        const { value, field } = endpointText(endpoint, `spec.podMetricsEndpoints[${i}]`);
        const port = at(endpoint, 'port') ?? at(endpoint, 'portNumber') ?? at(endpoint, 'targetPort');
        for (const target of onPods(collector, variants, port)) add(target, evidence(object, field, value));
      });
    }
  }
}

function endpointText(endpoint: unknown, field: string): { value: string; field: string } {
  for (const key of ['port', 'portNumber', 'targetPort']) {
    const port = at(endpoint, key);
    if (typeof port === 'string' || typeof port === 'number')
      return { value: `port ${port}`, field: `${field}.${key}` };
  }
  return { value: 'no port', field };
}
