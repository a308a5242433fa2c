import type { KindName } from '../model/kinds.js';
import { at, isRecord, listAt, type Manifest, type ObjectMeta, stringAt } from '../model/manifest.js';

/** What of a value is kept: all of it, some keys of a map, or the same of every element of a list. */
export type Shape = true | readonly [Shape] | { readonly [key: string]: Shape };

/** How a kind is read. */
export interface Keep {
  /** Top-level fields besides apiVersion, kind and metadata. */
  fields: Shape;
  /** Annotations by exact key, or by prefix with a `*` at the end; undefined: all but `last-applied`. */
  annotations?: readonly string[];
  /** Keep who manages its fields, by name: it tells our own objects from others with the same labels. */
  managers?: boolean;
  /** Keep kubectl's `last-applied` annotation: what somebody meant to apply is evidence there. */
  lastApplied?: boolean;
  /**
   * Ask for metadata only; `inFull` names objects that are read whole besides, `referenced` those besides that
   * workloads name.
   */
  metadataOnly?: { inFull: readonly string[]; referenced?: true };
  /** Objects of this namespace that nothing controls are kept whole: they may be moved into another one. */
  wholeIn?: string;
  /** Only objects with these fields are asked for. */
  fieldSelector?: string;
  /** Objects asked for at a time, where the usual page would be too large an answer. */
  page?: number;
}

/** The namespace that workloads are moved out of. */
const DEFAULT = 'default';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Metadata that the server keeps for itself or that is of no use to a reader. */
const DROPPED_METADATA = ['managedFields', 'selfLink', 'generation'];

const RUN: Shape = {
  name: true,
  image: true,
  command: true,
  args: true,
  ports: true,
  resources: true,
  env: true,
  envFrom: true,
  restartPolicy: true,
};

/** Of affinity, whether it reaches into other namespaces: some quotas count that. */
const TERM: Shape = { namespaces: true, namespaceSelector: true };
const TERMS: Shape = {
  requiredDuringSchedulingIgnoredDuringExecution: [TERM],
  preferredDuringSchedulingIgnoredDuringExecution: [{ podAffinityTerm: TERM }],
};

const POD_SPEC: Shape = {
  nodeName: true,
  nodeSelector: true,
  hostNetwork: true,
  hostname: true,
  subdomain: true,
  dnsPolicy: true,
  dnsConfig: { nameservers: true },
  serviceAccountName: true,
  automountServiceAccountToken: true,
  priorityClassName: true,
  runtimeClassName: true,
  affinity: { podAffinity: TERMS, podAntiAffinity: TERMS },
  overhead: true,
  resources: true,
  restartPolicy: true,
  tolerations: [{ key: true }],
  activeDeadlineSeconds: true,
  containers: [RUN],
  initContainers: [RUN],
  volumes: [
    {
      name: true,
      persistentVolumeClaim: true,
      ephemeral: true,
      secret: { secretName: true },
      configMap: { name: true, items: [{ key: true }] },
      projected: {
        sources: [
          {
            secret: { name: true },
            configMap: { name: true, items: [{ key: true }] },
            serviceAccountToken: true,
          },
        ],
      },
    },
  ],
};

const TEMPLATE: Shape = { metadata: { labels: true, annotations: true }, spec: POD_SPEC };

/** Annotations of pods and of what makes pods that say something about their network or about who made them. */
const POD_ANNOTATIONS = [
  'prometheus.io/*',
  'kubernetes.io/config.*',
  'k8s.v1.cni.cncf.io/*',
  'sidecar.istio.io/*',
  'traffic.sidecar.istio.io/*',
  'linkerd.io/*',
  'config.linkerd.io/*',
  'config.alpha.linkerd.io/*',
];

const POD: Keep = {
  fields: {
    spec: POD_SPEC,
    status: { phase: true, podIP: true, podIPs: true, hostIP: true, qosClass: true },
  },
  annotations: POD_ANNOTATIONS,
  wholeIn: DEFAULT,
};

const WORKLOAD: Keep = {
  fields: {
    spec: {
      replicas: true,
      parallelism: true,
      completions: true,
      suspend: true,
      selector: true,
      strategy: true,
      updateStrategy: true,
      serviceName: true,
      ordinals: true,
      volumeClaimTemplates: [
        { metadata: { name: true, annotations: true }, spec: { resources: true, storageClassName: true } },
      ],
      template: TEMPLATE,
    },
    status: {
      replicas: true,
      desiredNumberScheduled: true,
      numberReady: true,
      active: true,
      conditions: [{ type: true, status: true }],
    },
  },
  annotations: POD_ANNOTATIONS,
  wholeIn: DEFAULT,
};

const ALL: Keep = { fields: true };

/** Whole, with who manages its fields: some of these are ours, and some are somebody else's to change. */
const OWNED: Keep = { fields: true, managers: true };

/** The status of routes and gateways grows with every controller that looks at them, and says nothing about peers. */
const ROUTE: Keep = { fields: { spec: true } };

const ENDPOINT: Shape = { port: true, portNumber: true, targetPort: true };

/** Credentials of scraping stand in the same objects: only what says who is asked on which port is kept. */
const MONITOR: Keep = {
  fields: {
    spec: {
      selector: true,
      namespaceSelector: true,
      endpoints: [ENDPOINT],
      podMetricsEndpoints: [ENDPOINT],
    },
  },
};

const HOOK: Shape = {
  name: true,
  clientConfig: { service: true, url: true },
  rules: true,
  failurePolicy: true,
  namespaceSelector: true,
  objectSelector: true,
  sideEffects: true,
  timeoutSeconds: true,
  matchConditions: true,
};

/** ConfigMaps of DNS, network plugins and cluster set-up. The others are known by name: theirs is not our business. */
const CLUSTER_CONFIG = [
  'coredns',
  'coredns-custom',
  'kube-dns',
  'node-local-dns',
  'nodelocaldns',
  'kube-proxy',
  'kubeadm-config',
  'kube-flannel-cfg',
  'calico-config',
  'canal-config',
  'cilium-config',
  'antrea-config',
  'weave-net',
  'kube-router-cfg',
  'amazon-vpc-cni',
  'ip-masq-agent',
  'azure-ip-masq-agent-config',
  'ovnkube-config',
];

const NAME_ONLY: Keep = { fields: {}, metadataOnly: { inFull: [] } };

/** What of each kind is read and kept. Kinds that changes are made to are kept whole: they are before-images. */
export const KEEP: Readonly<Record<KindName, Keep>> = {
  Namespace: OWNED,
  NetworkPolicy: { fields: true, lastApplied: true, managers: true },
  CiliumNetworkPolicy: { fields: true, managers: true },
  LimitRange: OWNED,
  ResourceQuota: OWNED,
  ClusterNetworkPolicy: OWNED,
  AdminNetworkPolicy: OWNED,
  BaselineAdminNetworkPolicy: OWNED,
  AntreaClusterNetworkPolicy: OWNED,
  CalicoTier: OWNED,
  CalicoGlobalNetworkPolicy: OWNED,
  CiliumClusterwideNetworkPolicy: OWNED,
  EC2NodeClass: { fields: { spec: { metadataOptions: true } } },
  KyvernoClusterPolicy: OWNED,
  CalicoNetworkPolicy: NAME_ONLY,
  CalicoStoredGlobalNetworkPolicy: NAME_ONLY,
  AntreaNetworkPolicy: NAME_ONLY,
  OvnEgressFirewall: NAME_ONLY,
  AwsApplicationNetworkPolicy: NAME_ONLY,
  AwsClusterNetworkPolicy: NAME_ONLY,
  Service: ALL,
  Ingress: ALL,
  Endpoints: ALL,
  EndpointSlice: ALL,
  PodDisruptionBudget: ALL,
  Role: ALL,
  RoleBinding: ALL,
  ClusterRoleBinding: ALL,
  Lease: ALL,
  Pod: POD,
  Deployment: WORKLOAD,
  ReplicaSet: WORKLOAD,
  StatefulSet: WORKLOAD,
  DaemonSet: WORKLOAD,
  Job: WORKLOAD,
  ReplicationController: WORKLOAD,
  CronJob: {
    fields: {
      spec: {
        schedule: true,
        suspend: true,
        concurrencyPolicy: true,
        jobTemplate: { spec: { parallelism: true, completions: true, template: TEMPLATE } },
      },
      status: { active: [{ name: true }] },
    },
    annotations: POD_ANNOTATIONS,
    wholeIn: DEFAULT,
  },
  HorizontalPodAutoscaler: {
    fields: {
      spec: { minReplicas: true, maxReplicas: true, scaleTargetRef: true },
      status: { currentReplicas: true },
    },
    wholeIn: DEFAULT,
  },
  Node: {
    fields: {
      spec: true,
      status: { addresses: true, capacity: true, allocatable: true, nodeInfo: true, daemonEndpoints: true },
    },
  },
  RuntimeClass: { fields: { overhead: true } },
  PriorityClass: { fields: { globalDefault: true } },
  PodMetrics: { fields: { timestamp: true, window: true, containers: true } },
  ServiceAccount: { fields: { automountServiceAccountToken: true }, wholeIn: DEFAULT },
  PersistentVolumeClaim: {
    fields: { spec: { resources: true, storageClassName: true }, status: { phase: true, capacity: true } },
    wholeIn: DEFAULT,
  },
  // The one reason that a step asks about: a busy cluster has tens of thousands of events.
  Event: {
    fieldSelector: 'reason=FailedCreate',
    fields: {
      involvedObject: true,
      reason: true,
      message: true,
      type: true,
      count: true,
      firstTimestamp: true,
      lastTimestamp: true,
    },
  },
  ValidatingWebhookConfiguration: { fields: { webhooks: [HOOK] } },
  MutatingWebhookConfiguration: { fields: { webhooks: [HOOK] } },
  APIService: {
    fields: {
      spec: { group: true, version: true, service: true, insecureSkipTLSVerify: true },
      status: true,
    },
  },
  ConfigMap: {
    fields: { data: true },
    metadataOnly: { inFull: CLUSTER_CONFIG, referenced: true },
    wholeIn: DEFAULT,
  },
  // Schemas make these the largest objects of a cluster; what is kept is whom the server calls to convert.
  CustomResourceDefinition: {
    fields: {
      spec: {
        group: true,
        conversion: { strategy: true, webhook: { clientConfig: { service: true, url: true } } },
      },
    },
    page: 50,
  },
  IngressClass: ALL,
  Route: ROUTE,
  Gateway: ROUTE,
  GatewayClass: ROUTE,
  HTTPRoute: ROUTE,
  GRPCRoute: ROUTE,
  TLSRoute: ROUTE,
  TCPRoute: ROUTE,
  UDPRoute: ROUTE,
  ServiceMonitor: MONITOR,
  PodMonitor: MONITOR,
  // Never read as objects; the row exists so that the table has no gap.
  Secret: NAME_ONLY,
};

/**
 * The part of an object that the table keeps, with apiVersion and kind (lists leave them out of their items).
 * Undefined for what is not an object with a name.
 */
export function pruned(item: unknown, keep: Keep, apiVersion: string, kind: string): Manifest | undefined {
  const name = stringAt(item, 'metadata', 'name');
  if (!isRecord(item) || !isRecord(item.metadata) || name === undefined) return undefined;
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = item;
  const whole = isWhole(metadata, keep);
  const fields = whole ? rest : kept(rest, keep.fields);
  return {
    apiVersion,
    kind,
    metadata: metadataOf({ ...metadata, name }, whole ? { fields: true } : keep),
    ...(isRecord(fields) ? fields : {}),
  };
}

/** Whether an object is kept with all that it says: what another object controls is made anew from that one. */
function isWhole(metadata: unknown, keep: Keep): boolean {
  return (
    keep.wholeIn !== undefined &&
    stringAt(metadata, 'namespace') === keep.wholeIn &&
    !listAt(metadata, 'ownerReferences').some((owner) => at(owner, 'controller') === true)
  );
}

function metadataOf(metadata: ObjectMeta, keep: Keep): ObjectMeta {
  const out: ObjectMeta = { name: metadata.name };
  for (const [key, value] of Object.entries(metadata))
    if (!DROPPED_METADATA.includes(key) && key !== 'annotations') out[key] = value;
  const managers = new Set(
    listAt(metadata, 'managedFields').flatMap((entry) => stringAt(entry, 'manager') ?? []),
  );
  if (keep.managers === true && managers.size > 0)
    out.managedFields = [...managers].map((manager) => ({ manager }));
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) =>
    keepsAnnotation(keep, key),
  );
  if (annotations.length > 0) out.annotations = Object.fromEntries(annotations);
  return out;
}

function keepsAnnotation(keep: Keep, key: string): boolean {
  if (key === LAST_APPLIED) return keep.lastApplied === true;
  return (
    keep.annotations === undefined ||
    keep.annotations.some((wanted) =>
      wanted.endsWith('*') ? key.startsWith(wanted.slice(0, -1)) : key === wanted,
    )
  );
}

function kept(value: unknown, shape: Shape): unknown {
  if (shape === true) return value;
  if (isList(shape))
    return Array.isArray(value) ? value.map((element) => kept(element, shape[0])) : undefined;
  if (!isRecord(value)) return undefined;
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(shape)) {
    const inner = Object.hasOwn(value, key) ? kept(value[key], shape[key] ?? true) : undefined;
    if (inner !== undefined) out[key] = inner;
  }
  return out;
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}
