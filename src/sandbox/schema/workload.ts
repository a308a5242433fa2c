import { condition, labelSelector, localReference, object, optionalKey, template } from './meta.js';
import {
  any,
  atomic,
  atomicMap,
  bool,
  flag,
  int,
  intOrString,
  list,
  listBy,
  map,
  quantity,
  str,
  struct,
  time,
} from './types.js';

const probe = struct({
  exec: struct({ command: list(str) }),
  httpGet: struct({
    path: str,
    port: intOrString,
    host: str,
    scheme: str,
    httpHeaders: list(struct({ name: str, value: str })),
  }),
  tcpSocket: struct({ port: intOrString, host: str }),
  grpc: struct({ port: int, service: str }),
  initialDelaySeconds: int,
  timeoutSeconds: int,
  periodSeconds: int,
  successThreshold: int,
  failureThreshold: int,
  terminationGracePeriodSeconds: int,
});

export const resources = struct({
  limits: map(quantity),
  requests: map(quantity),
  claims: listBy('name', struct({ name: str, request: str })),
});

const container = struct(
  {
    name: str,
    image: str,
    command: list(str),
    args: list(str),
    workingDir: str,
    ports: listBy(
      ['containerPort', 'protocol'],
      struct({ name: str, hostPort: int, containerPort: int, protocol: str, hostIP: str }),
      { patchKey: 'containerPort', keyDefaults: { protocol: 'TCP' } },
    ),
    envFrom: list(
      struct({ prefix: str, configMapRef: atomic({ name: str, optional: bool }), secretRef: any }),
    ),
    env: listBy(
      'name',
      struct({
        name: str,
        value: str,
        valueFrom: struct({
          fieldRef: atomic({ apiVersion: str, fieldPath: str }),
          resourceFieldRef: atomic({ containerName: str, resource: str, divisor: quantity }),
          configMapKeyRef: optionalKey,
          secretKeyRef: optionalKey,
        }),
      }),
    ),
    resources,
    resizePolicy: list(any),
    restartPolicy: str,
    volumeMounts: listBy(
      'mountPath',
      struct({
        name: str,
        readOnly: flag,
        mountPath: str,
        subPath: str,
        mountPropagation: str,
        subPathExpr: str,
        recursiveReadOnly: str,
      }),
    ),
    volumeDevices: listBy('devicePath', struct({ name: str, devicePath: str })),
    livenessProbe: probe,
    readinessProbe: probe,
    startupProbe: probe,
    lifecycle: any,
    terminationMessagePath: str,
    terminationMessagePolicy: str,
    imagePullPolicy: str,
    securityContext: any,
    stdin: flag,
    stdinOnce: flag,
    tty: flag,
  },
  { always: { resources: {} } },
);

export const podSpec = struct(
  {
    volumes: listBy('name', any),
    initContainers: listBy('name', container),
    containers: listBy('name', container),
    ephemeralContainers: listBy('name', any),
    restartPolicy: str,
    terminationGracePeriodSeconds: int,
    activeDeadlineSeconds: int,
    dnsPolicy: str,
    nodeSelector: atomicMap(str),
    serviceAccountName: str,
    serviceAccount: str,
    automountServiceAccountToken: bool,
    nodeName: str,
    hostNetwork: flag,
    hostPID: flag,
    hostIPC: flag,
    hostUsers: bool,
    shareProcessNamespace: bool,
    securityContext: any,
    imagePullSecrets: listBy('name', localReference),
    hostname: str,
    subdomain: str,
    affinity: any,
    schedulerName: str,
    tolerations: list(any),
    hostAliases: listBy('ip', struct({ ip: str, hostnames: list(str) })),
    priorityClassName: str,
    priority: int,
    dnsConfig: any,
    readinessGates: list(any),
    runtimeClassName: str,
    enableServiceLinks: bool,
    preemptionPolicy: str,
    overhead: map(quantity),
    topologySpreadConstraints: listBy(['topologyKey', 'whenUnsatisfiable'], any, { patchKey: 'topologyKey' }),
    setHostnameAsFQDN: bool,
    os: any,
    schedulingGates: listBy('name', struct({ name: str })),
    resourceClaims: listBy('name', any),
  },
  { always: { containers: [] } },
);

export const pod = object({ spec: podSpec, status: any }, { always: { spec: {}, status: {} } });

const podTemplate = template(podSpec);

export const deployment = object(
  {
    spec: struct(
      {
        replicas: int,
        selector: labelSelector,
        template: podTemplate,
        strategy: struct({
          type: str,
          rollingUpdate: struct({ maxUnavailable: intOrString, maxSurge: intOrString }),
        }),
        minReadySeconds: int,
        revisionHistoryLimit: int,
        paused: flag,
        progressDeadlineSeconds: int,
      },
      { always: { template: {}, strategy: {} } },
    ),
    status: any,
  },
  { always: { spec: {}, status: {} } },
);

export const replicaSet = object(
  {
    spec: struct(
      { replicas: int, minReadySeconds: int, selector: labelSelector, template: podTemplate },
      { always: { template: {} } },
    ),
    status: any,
  },
  { always: { spec: {}, status: {} } },
);

export const daemonSet = object(
  {
    spec: struct(
      {
        selector: labelSelector,
        template: podTemplate,
        updateStrategy: any,
        minReadySeconds: int,
        revisionHistoryLimit: int,
      },
      { always: { template: {}, updateStrategy: {} } },
    ),
    status: any,
  },
  { always: { spec: {}, status: {} } },
);

export const statefulSet = object(
  {
    spec: struct(
      {
        replicas: int,
        selector: labelSelector,
        template: podTemplate,
        volumeClaimTemplates: list(any),
        serviceName: str,
        podManagementPolicy: str,
        updateStrategy: any,
        revisionHistoryLimit: int,
        minReadySeconds: int,
        persistentVolumeClaimRetentionPolicy: any,
        ordinals: any,
      },
      { always: { template: {}, updateStrategy: {} } },
    ),
    status: any,
  },
  { always: { spec: {}, status: {} } },
);

const jobSpec = struct(
  {
    parallelism: int,
    completions: int,
    activeDeadlineSeconds: int,
    backoffLimit: int,
    selector: labelSelector,
    manualSelector: bool,
    template: podTemplate,
    ttlSecondsAfterFinished: int,
    completionMode: str,
    suspend: bool,
    podFailurePolicy: any,
    podReplacementPolicy: str,
  },
  { always: { template: {} } },
);

export const job = object({ spec: jobSpec, status: any }, { always: { spec: {}, status: {} } });

export const cronJob = object(
  {
    spec: struct(
      {
        schedule: str,
        timeZone: str,
        startingDeadlineSeconds: int,
        concurrencyPolicy: str,
        suspend: bool,
        jobTemplate: template(jobSpec),
        successfulJobsHistoryLimit: int,
        failedJobsHistoryLimit: int,
      },
      { always: { jobTemplate: {} } },
    ),
    status: struct({
      active: list(any),
      lastScheduleTime: time,
      lastSuccessfulTime: time,
      conditions: listBy('type', condition),
    }),
  },
  { always: { spec: {}, status: {} } },
);
