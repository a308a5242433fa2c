import { isRecord, type Manifest } from '../model/manifest.js';

/** Which keys a map may have; `true`: anything. */
type Shape = true | readonly [Shape] | { readonly [key: string]: Shape };

const SELECTOR: Shape = {
  matchLabels: true,
  matchExpressions: [{ key: true, operator: true, values: true }],
};
const PEERS: Shape = [
  { podSelector: SELECTOR, namespaceSelector: SELECTOR, ipBlock: { cidr: true, except: true } },
];
const PORTS: Shape = [{ protocol: true, port: true, endPort: true }];

/** API documentation: NetworkPolicySpec. */
const SPEC: Shape = {
  podSelector: SELECTOR,
  policyTypes: true,
  ingress: [{ from: PEERS, ports: PORTS }],
  egress: [{ to: PEERS, ports: PORTS }],
};

/** network-policy-api: subjects and peers of v1alpha1 and v1alpha2, experimental ones included. */
const PODS: Shape = { namespaceSelector: SELECTOR, podSelector: SELECTOR };
const CLUSTER_PEERS: Shape = [
  { namespaces: SELECTOR, pods: PODS, networks: true, nodes: SELECTOR, domainNames: true },
];
const clusterSpec = (ports: { readonly [key: string]: Shape }): Shape => {
  const rule = { name: true as const, action: true as const, ...ports };
  return {
    tier: true,
    priority: true,
    subject: { namespaces: SELECTOR, pods: PODS },
    ingress: [{ ...rule, from: CLUSTER_PEERS }],
    egress: [{ ...rule, to: CLUSTER_PEERS }],
  };
};
const RANGE: Shape = { protocol: true, start: true, end: true };
const ADMIN = clusterSpec({
  ports: [{ portNumber: { protocol: true, port: true }, portRange: RANGE, namedPort: true }],
});
const BY_PROTOCOL: Shape = { destinationPort: { number: true, range: { start: true, end: true } } };
const SPECS: Readonly<Record<string, Shape>> = {
  NetworkPolicy: SPEC,
  AdminNetworkPolicy: ADMIN,
  BaselineAdminNetworkPolicy: ADMIN,
  ClusterNetworkPolicy: clusterSpec({
    protocols: [{ tcp: BY_PROTOCOL, udp: BY_PROTOCOL, sctp: BY_PROTOCOL, destinationNamedPort: true }],
  }),
};

/**
 * Fields of a policy that its API does not have, by their place: a misspelt one narrows nothing, so that a rule lets
 * more pass than its author meant.
 */
export function unknownFields({ kind, spec }: Manifest): readonly string[] {
  return unknownIn(spec, SPECS[kind] ?? true, 'spec');
}

function unknownIn(value: unknown, shape: Shape, place: string): readonly string[] {
  if (shape === true) return [];
  if (isList(shape))
    return Array.isArray(value)
      ? value.flatMap((item, i) => unknownIn(item, shape[0], `${place}[${i}]`))
      : [];
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const known = Object.hasOwn(shape, key) ? shape[key] : undefined;
    return known === undefined ? [`${place}.${key}`] : unknownIn(inner, known, `${place}.${key}`);
  });
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}
