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

/**
 * Fields of a NetworkPolicy that its API does not have, by their place: a misspelt one narrows nothing, so that a rule
 * lets more pass than its author meant.
 */
export function unknownFields({ spec }: Manifest): readonly string[] {
  return unknownIn(spec, SPEC, 'spec');
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
