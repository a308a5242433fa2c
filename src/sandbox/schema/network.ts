import { condition, labelSelector, object } from './meta.js';
import { any, atomic, int, intOrString, list, listBy, str, struct } from './types.js';

const port = struct({ protocol: str, port: intOrString, endPort: int });
const peer = struct({
  podSelector: labelSelector,
  namespaceSelector: labelSelector,
  ipBlock: struct({ cidr: str, except: list(str) }, { always: { cidr: '' } }),
});

export const networkPolicy = object(
  {
    spec: struct(
      {
        podSelector: labelSelector,
        ingress: list(struct({ ports: list(port), from: list(peer) })),
        egress: list(struct({ ports: list(port), to: list(peer) })),
        policyTypes: list(str),
      },
      { always: { podSelector: {} } },
    ),
    status: struct({ conditions: listBy('type', condition) }),
  },
  { always: { spec: {} } },
);

const backend = struct({
  service: struct({ name: str, port: atomic({ name: str, number: int }) }),
  resource: any,
});

export const ingress = object(
  {
    spec: struct({
      ingressClassName: str,
      defaultBackend: backend,
      tls: list(struct({ hosts: list(str), secretName: str })),
      rules: list(
        struct({
          host: str,
          http: struct({ paths: list(struct({ path: str, pathType: str, backend })) }),
        }),
      ),
    }),
    status: struct({ loadBalancer: any }),
  },
  { always: { spec: {}, status: {} } },
);

export const ingressClass = object({
  spec: struct({ controller: str, parameters: any }),
});
