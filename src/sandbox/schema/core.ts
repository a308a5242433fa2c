import { condition, localReference, object, objectReference } from './meta.js';
import {
  any,
  atomic,
  atomicMap,
  bool,
  bytes,
  flag,
  int,
  intOrString,
  list,
  listBy,
  map,
  quantity,
  setOf,
  str,
  struct,
  time,
} from './types.js';

export const namespace = object(
  {
    spec: struct({ finalizers: list(str) }),
    status: struct({ phase: str, conditions: listBy('type', condition) }),
  },
  { always: { spec: {}, status: {} } },
);

export const secret = object({
  immutable: bool,
  data: map(bytes),
  stringData: map(str),
  type: str,
});

export const configMap = object({ immutable: bool, data: map(str), binaryData: map(bytes) });

export const serviceAccount = object({
  secrets: listBy('name', objectReference),
  imagePullSecrets: list(localReference),
  automountServiceAccountToken: bool,
});

export const limitRange = object(
  {
    spec: struct(
      {
        limits: list(
          struct({
            type: str,
            max: map(quantity),
            min: map(quantity),
            default: map(quantity),
            defaultRequest: map(quantity),
            maxLimitRequestRatio: map(quantity),
          }),
        ),
      },
      { always: { limits: null } },
    ),
  },
  { always: { spec: {} } },
);

export const resourceQuota = object(
  {
    spec: struct({
      hard: map(quantity),
      scopes: list(str),
      scopeSelector: atomic({
        matchExpressions: list(struct({ scopeName: str, operator: str, values: list(str) })),
      }),
    }),
    status: struct({ hard: map(quantity), used: map(quantity) }),
  },
  { always: { spec: {}, status: {} } },
);

export const service = object(
  {
    spec: struct({
      ports: listBy(
        ['port', 'protocol'],
        struct({
          name: str,
          protocol: str,
          appProtocol: str,
          port: int,
          targetPort: intOrString,
          nodePort: int,
        }),
        { patchKey: 'port', keyDefaults: { protocol: 'TCP' } },
      ),
      selector: atomicMap(str),
      clusterIP: str,
      clusterIPs: list(str),
      type: str,
      externalIPs: list(str),
      sessionAffinity: str,
      sessionAffinityConfig: any,
      loadBalancerIP: str,
      loadBalancerSourceRanges: list(str),
      loadBalancerClass: str,
      externalName: str,
      externalTrafficPolicy: str,
      internalTrafficPolicy: str,
      healthCheckNodePort: int,
      publishNotReadyAddresses: flag,
      ipFamilies: list(str),
      ipFamilyPolicy: str,
      allocateLoadBalancerNodePorts: bool,
      trafficDistribution: str,
    }),
    status: struct(
      { loadBalancer: any, conditions: listBy('type', condition) },
      { always: { loadBalancer: {} } },
    ),
  },
  { always: { spec: {}, status: {} } },
);

const endpointAddress = struct({ ip: str, hostname: str, nodeName: str, targetRef: objectReference });

export const endpoints = object({
  subsets: list(
    struct({
      addresses: list(endpointAddress),
      notReadyAddresses: list(endpointAddress),
      ports: list(atomic({ name: str, port: int, protocol: str, appProtocol: str })),
    }),
  ),
});

export const endpointSlice = object({
  addressType: str,
  endpoints: list(
    struct({
      addresses: setOf(str),
      conditions: any,
      hostname: str,
      targetRef: objectReference,
      nodeName: str,
      zone: str,
      hints: any,
      deprecatedTopology: map(str),
    }),
  ),
  ports: list(atomic({ name: str, port: int, protocol: str, appProtocol: str })),
});

export const lease = object({
  spec: struct({
    holderIdentity: str,
    leaseDurationSeconds: int,
    acquireTime: time,
    renewTime: time,
    leaseTransitions: int,
  }),
});
