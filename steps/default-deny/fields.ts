import { at, isRecord, type Manifest, stringAt } from '../../src/model/manifest.js';

/** Fields below a place: `any` for leaves and maps of labels, a list's shape in brackets. */
type Shape = 'any' | readonly [Shape] | { readonly [field: string]: Shape };

const SELECTOR: Shape = {
  matchLabels: 'any',
  matchExpressions: [{ key: 'any', operator: 'any', values: 'any' }],
};
const PEERS: Shape = [
  {
    podSelector: SELECTOR,
    namespaceSelector: SELECTOR,
    ipBlock: { cidr: 'any', except: 'any' },
  },
];
const PORTS: Shape = [{ protocol: 'any', port: 'any', endPort: 'any' }];

/** `spec` of networking.k8s.io/v1 NetworkPolicy. */
const SPEC: Shape = {
  podSelector: SELECTOR,
  policyTypes: 'any',
  ingress: [{ from: PEERS, ports: PORTS }],
  egress: [{ to: PEERS, ports: PORTS }],
};

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export interface UnknownField {
  /** Path from the object's root, e.g. `spec.policyType`. */
  path: string;
  /** Where it stands: in the object itself, or in what was last applied, in words. */
  where: string;
}

/**
 * Fields of a policy that the API does not know. A server drops them with no more than a warning, so that they are found
 * in manifests and in what `kubectl apply` noted, while the live object looks well.
 */
export function unknownFields(policy: Manifest): readonly UnknownField[] {
  const own = strangers(policy.spec, SPEC, 'spec').map((path) => ({ path, where: 'the object' }));
  const text = stringAt(policy, 'metadata', 'annotations', LAST_APPLIED);
  if (text === undefined) return own;
  const applied = strangers(at(parsed(text), 'spec'), SPEC, 'spec').map((path) => ({
    path,
    where: `annotation ${LAST_APPLIED}`,
  }));
  return [...own, ...applied.filter(({ path }) => !own.some((field) => field.path === path))];
}

function strangers(value: unknown, shape: Shape, path: string): string[] {
  if (shape === 'any') return [];
  if (Array.isArray(shape))
    return Array.isArray(value)
      ? value.flatMap((item, index) => strangers(item, shape[0], `${path}[${index}]`))
      : [];
  if (!isRecord(value)) return [];
  const fields = shape as { readonly [field: string]: Shape };
  return Object.keys(value).flatMap((key) => {
    const known = Object.hasOwn(fields, key) ? fields[key] : undefined;
    return known === undefined ? [`${path}.${key}`] : strangers(value[key], known, `${path}.${key}`);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
