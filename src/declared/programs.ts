import { listAt, stringAt } from '../model/manifest.js';
import type { Made } from './cluster.js';
import type { Collector } from './collect.js';
import type { Peer } from './types.js';

/** A program that other objects count on without naming its workload: how its pods are known. */
export interface Program {
  /** Last parts of image names, without tag. */
  images: readonly string[];
  /** Values of the label `app.kubernetes.io/name`, or of `app` or `k8s-app`. */
  names: readonly string[];
  /** Strings of `IngressClass` or `GatewayClass` that stand for it, by their beginning. */
  controllers?: readonly string[];
}

/** Ingress and Gateway controllers whose pods pass requests on. */
export const ENTRANCES: readonly Program[] = [
  {
    images: ['ingress-nginx/controller', 'nginx-ingress-controller', 'ingress-nginx-controller'],
    names: ['ingress-nginx', 'rke2-ingress-nginx'],
    controllers: ['k8s.io/ingress-nginx'],
  },
  {
    images: ['nginx/nginx-ingress', 'nginx-gateway-fabric', 'nginx-gateway-fabric/nginx'],
    names: ['nginx-ingress', 'nginx-gateway'],
    controllers: ['nginx.org/', 'gateway.nginx.org/'],
  },
  { images: ['traefik'], names: ['traefik'], controllers: ['traefik.io/'] },
  {
    images: ['kubernetes-ingress', 'haproxy-ingress'],
    names: ['haproxy-ingress', 'kubernetes-ingress'],
    controllers: ['haproxy'],
  },
  {
    images: ['kong', 'kong/kong', 'kong-gateway'],
    names: ['kong', 'ingress-kong', 'gateway'],
    controllers: ['ingress-controllers.konghq.com/', 'konghq.com/'],
  },
  {
    images: ['contour/envoy'],
    names: ['contour', 'envoy'],
    controllers: ['projectcontour.io/', 'gateway.envoyproxy.io/'],
  },
  {
    images: [],
    names: ['istio-ingressgateway', 'istio-ingress'],
    controllers: ['istio.io/'],
  },
  { images: ['apisix'], names: ['apisix'], controllers: ['apisix.apache.org/'] },
  {
    images: ['emissary', 'ambassador'],
    names: ['emissary-ingress', 'ambassador'],
    controllers: ['getambassador.io/'],
  },
  { images: ['tyk-gateway'], names: ['tyk-gateway'] },
  {
    images: ['ose-haproxy-router', 'haproxy-router'],
    names: ['router-default'],
    controllers: ['openshift.io/'],
  },
];

/** Controllers that program a load balancer outside of the cluster, which then connects to nodes or pods itself. */
export const CLOUD_CONTROLLERS: readonly string[] = [
  'ingress.k8s.aws/',
  'gateway.k8s.aws/',
  'k8s.io/ingress-gce',
  'networking.gke.io/',
  'azure/application-gateway',
  'alb.networking.azure.io/',
  'oci.oraclecloud.com/',
  'ingress.cloud.ibm.com/',
];

/** What scrapes metrics. */
export const SCRAPERS: readonly Program[] = [
  {
    images: ['prom/prometheus', 'prometheus/prometheus', 'bitnami/prometheus', 'ose-prometheus'],
    names: ['prometheus', 'prometheus-server'],
  },
  { images: ['vmagent', 'vmsingle', 'victoria-metrics'], names: ['vmagent', 'vmsingle', 'victoria-metrics'] },
  { images: ['grafana/agent', 'grafana/alloy'], names: ['grafana-agent', 'alloy', 'k8s-monitoring'] },
  {
    images: ['opentelemetry-collector', 'opentelemetry-collector-contrib', 'opentelemetry-collector-k8s'],
    names: ['opentelemetry-collector'],
  },
  { images: ['datadog/agent', 'datadoghq/agent'], names: ['datadog', 'datadog-agent'] },
];

export const METRICS_SERVER: Program = { images: ['metrics-server'], names: ['metrics-server'] };

const known = new WeakMap<Collector, Map<Program, readonly Peer[]>>();

/** The workloads that run one of these programs. */
export function running(collector: Collector, programs: readonly Program[]): readonly Peer[] {
  const found = known.get(collector) ?? new Map<Program, readonly Peer[]>();
  known.set(collector, found);
  const peers = new Set<Peer>();
  for (const program of programs) {
    let own = found.get(program);
    if (own === undefined) {
      own = collector.cluster.workloads
        .filter((made) => runs(collector, made, program))
        .map(({ peer }) => peer);
      found.set(program, own);
    }
    for (const peer of own) peers.add(peer);
  }
  return [...peers];
}

const NAME_LABELS = ['app.kubernetes.io/name', 'app', 'k8s-app'];

function runs(collector: Collector, made: Made, program: Program): boolean {
  const images = made.specs.flatMap((spec) =>
    listAt(spec, 'containers').map((container) => imageName(stringAt(container, 'image') ?? '')),
  );
  if (images.some((image) => program.images.some((known) => image === known || image.endsWith(`/${known}`))))
    return true;
  // A part of the same application under the same label (an operator, a node exporter) is told apart by its image,
  // so that the label counts for the main workload only: where its component says nothing else.
  return collector.cluster
    .variantsOf(made.index)
    .some(
      ({ labels }) =>
        NAME_LABELS.some((label) => program.names.includes(labels.get(label) ?? '')) &&
        !HELPERS.some((word) =>
          (labels.get('app.kubernetes.io/component') ?? made.peer.ref.name).includes(word),
        ),
    );
}

const HELPERS = [
  'operator',
  'exporter',
  'alertmanager',
  'pushgateway',
  'webhook',
  'admission',
  'default-backend',
];

/** An image's name without registry port, tag and digest. */
export function imageName(image: string): string {
  const bare = image.split('@', 1)[0] ?? '';
  const colon = bare.lastIndexOf(':');
  return colon > bare.lastIndexOf('/') ? bare.slice(0, colon) : bare;
}
