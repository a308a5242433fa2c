import { isRecord, type Manifest, stringAt } from '../../../src/model/manifest.js';
import { SOURCE } from './names.js';

/** What annotations of controllers name, by prefix; their values are a name, or `namespace/name`. */
const NAMING: readonly {
  kind: 'Secret' | 'ConfigMap';
  prefixes: readonly string[];
  keys: readonly string[];
}[] = [
  {
    kind: 'Secret',
    // ingress-nginx; under the bare prefix its early versions, Traefik 1 and early HAProxy Ingress.
    prefixes: ['nginx.ingress.kubernetes.io/', 'ingress.kubernetes.io/'],
    keys: ['auth-secret', 'auth-tls-secret', 'proxy-ssl-secret', 'secure-verify-ca-secret'],
  },
  {
    kind: 'ConfigMap',
    prefixes: ['nginx.ingress.kubernetes.io/'],
    keys: ['auth-proxy-set-headers', 'custom-headers', 'fastcgi-params-configmap'],
  },
  {
    kind: 'Secret',
    // HAProxy Ingress.
    prefixes: ['haproxy-ingress.github.io/'],
    keys: ['auth-secret', 'auth-tls-secret', 'secure-crt-secret', 'secure-verify-ca-secret'],
  },
  // HAProxy's own controller, F5's for NGINX, Voyager, Kong.
  { kind: 'Secret', prefixes: ['haproxy.org/'], keys: ['auth-secret', 'server-ca', 'server-crt'] },
  { kind: 'Secret', prefixes: ['nginx.org/', 'nginx.com/'], keys: ['basic-auth-secret', 'jwt-key'] },
  { kind: 'Secret', prefixes: ['ingress.appscode.com/'], keys: ['auth-secret', 'auth-tls-secret'] },
  { kind: 'Secret', prefixes: ['konghq.com/'], keys: ['client-cert'] },
];

/** AWS Load Balancer Controller: JSON with the name of a Secret of the Ingress's own namespace. */
const OIDC = 'alb.ingress.kubernetes.io/auth-idp-oidc';

/** What an annotation names. */
export interface NamedBy {
  kind: 'Secret' | 'ConfigMap';
  /** Undefined: of the object's own namespace. */
  namespace: string | undefined;
  name: string;
}

/** What an annotation of an Ingress or a Service names, where its key is known to name something. */
export function namedBy(key: string, value: string): NamedBy | undefined {
  if (key === OIDC) {
    const name = stringAt(json(value), 'secretName');
    return name === undefined ? undefined : { kind: 'Secret', namespace: undefined, name };
  }
  const row = NAMING.find(({ prefixes, keys }) =>
    prefixes.some((prefix) => key.startsWith(prefix) && keys.includes(key.slice(prefix.length))),
  );
  // HAProxy writes `secret://` before it where it takes files as well.
  const parts = /^\s*(?:secret:\/\/)?(?:([a-z0-9-]{1,63})\/)?([a-z0-9][a-z0-9.-]{0,252})\s*$/.exec(value);
  if (row === undefined || parts === null) return undefined;
  return { kind: row.kind, namespace: parts[1], name: parts[2] ?? '' };
}

/** The Secrets of `default` that annotations of an object of `default` name. */
export function secretsNamedBy({ metadata }: Manifest): readonly string[] {
  return Object.entries(metadata.annotations ?? {}).flatMap(([key, value]) => {
    const named = namedBy(key, value);
    return named?.kind === 'Secret' && [undefined, SOURCE].includes(named.namespace) ? [named.name] : [];
  });
}

/** The value of an annotation that names something in `default`, with the new namespace; undefined where it does not. */
export function movedName(key: string, value: string, target: string): string | undefined {
  return namedBy(key, value)?.namespace === SOURCE ? value.replace(`${SOURCE}/`, `${target}/`) : undefined;
}

/** Traefik names custom resources by namespace and name in one. */
const TRAEFIK = 'traefik.ingress.kubernetes.io/';

/** Custom resources of `default` that an annotation names, as they are written. */
export function resourcesNamedBy(key: string, value: string): readonly string[] {
  if (!key.startsWith(TRAEFIK)) return [];
  return value
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one.startsWith(`${SOURCE}-`) && one.endsWith('@kubernetescrd'));
}

function json(value: string): unknown {
  try {
    const parsed: unknown = JSON.parse(value);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
