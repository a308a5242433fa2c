import {
  at,
  isRecord,
  listAt,
  type Manifest,
  type ObjectMeta,
  stringAt,
  stringsAt,
} from '../../../src/model/manifest.js';
import { NAME_LABEL } from '../../default-deny/name-label.js';
import { SOURCE } from './names.js';
import { subjectIn } from './references.js';

type Spec = Record<string, unknown>;

/** What the copy of an object lost or had changed, for people. */
export type Tell = (message: string) => void;

/**
 * Annotations that the server, controllers or kubectl write about one object: a copy starts without them. `*` at the
 * end: prefix.
 */
const SERVER_ANNOTATIONS = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'deployment.kubernetes.io/*',
  'deprecated.daemonset.template.generation',
  'autoscaling.alpha.kubernetes.io/conditions',
  'autoscaling.alpha.kubernetes.io/current-metrics',
  'control-plane.alpha.kubernetes.io/leader',
  'endpoints.kubernetes.io/last-change-trigger-time',
  'pv.kubernetes.io/*',
  'volume.kubernetes.io/*',
  'volume.beta.kubernetes.io/storage-provisioner',
  'cni.projectcalico.org/*',
  'k8s.v1.cni.cncf.io/network-status',
  'k8s.v1.cni.cncf.io/networks-status',
  'k8s.ovn.org/*',
  'field.cattle.io/*',
  'cloud.google.com/neg-status',
  'ingress.kubernetes.io/*-rule',
  'meta.helm.sh/*',
  'kubernetes.io/psp',
];

/** The object for another namespace, with nothing in it that belongs to the server or to the old one. */
export function copyOf(object: Manifest, target: string, tell: Tell): Manifest {
  const { apiVersion, kind, metadata, status: _status, ...rest } = structuredClone(object);
  const copy: Manifest = { apiVersion, kind, metadata: metadataOf(metadata, target, tell), ...rest };
  CHANGES[kind]?.(copy, target, tell);
  return copy;
}

/** Name, labels and annotations of people; owners and finalizers are those of the old object. */
function metadataOf(metadata: ObjectMeta, target: string, tell: Tell): ObjectMeta {
  const annotations = Object.entries(metadata.annotations ?? {}).filter(
    ([key]) =>
      !SERVER_ANNOTATIONS.some((known) =>
        known.endsWith('*') ? key.startsWith(known.slice(0, -1)) : key === known,
      ),
  );
  const by = managerOf(metadata);
  if (by !== undefined) tell(`${by} manages it: move it there too, or ${by} goes on with the old one only`);
  if ((metadata.ownerReferences ?? []).length > 0)
    tell('the copy has no owner: it is not removed with the object that owns the old one');
  return {
    name: metadata.name,
    namespace: target,
    ...(Object.keys(metadata.labels ?? {}).length === 0 ? {} : { labels: metadata.labels ?? {} }),
    ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
  };
}

/** Who deploys an object from a source of its own, as its labels and annotations tell. */
function managerOf({ labels, annotations }: ObjectMeta): string | undefined {
  if (annotations?.['meta.helm.sh/release-name'] !== undefined) return 'Helm';
  if (
    annotations?.['argocd.argoproj.io/tracking-id'] !== undefined ||
    labels?.['argocd.argoproj.io/instance'] !== undefined
  )
    return 'Argo CD';
  if (Object.keys(labels ?? {}).some((key) => key.endsWith('toolkit.fluxcd.io/name'))) return 'Flux';
  return undefined;
}

/** What of each kind has to change beside the namespace. */
const CHANGES: Readonly<Record<string, (copy: Manifest, target: string, tell: Tell) => void>> = {
  Service: service,
  ServiceAccount: account,
  RoleBinding: (copy, target, tell) => {
    copy.subjects = listAt(copy, 'subjects').map((subject) => {
      const name = stringAt(subject, 'name') ?? '';
      const there = subjectIn(at(subject, 'kind'), name, target);
      if (there !== undefined) {
        tell(`subject ${name} became ${there}`);
        return { ...(subject as Spec), name: there };
      }
      return at(subject, 'kind') === 'ServiceAccount' && at(subject, 'namespace') === SOURCE
        ? { ...(subject as Spec), namespace: target }
        : subject;
    });
  },
  PersistentVolumeClaim: (copy, _target, tell) => {
    const spec = specOf(copy);
    delete spec.volumeName;
    delete spec.dataSource;
    delete spec.dataSourceRef;
    tell('the copy claims a new, empty volume: the data has to be copied, or its volume bound anew');
  },
  StatefulSet: (copy, _target, tell) => {
    const claims = listAt(copy, 'spec', 'volumeClaimTemplates');
    for (const claim of claims)
      if (isRecord(claim)) {
        delete claim.status;
        if (isRecord(claim.metadata)) delete claim.metadata.creationTimestamp;
      }
    if (claims.length > 0) tell('its pods begin with new, empty volumes: the data has to be copied');
    pods(copy, tell);
  },
  Deployment: (copy, _target, tell) => pods(copy, tell),
  DaemonSet: (copy, _target, tell) => pods(copy, tell),
  ReplicaSet: (copy, _target, tell) => pods(copy, tell),
  ReplicationController: (copy, _target, tell) => pods(copy, tell),
  CronJob: (copy, _target, tell) => {
    specOf(copy).suspend = true;
    tell('the copy is suspended, so that no run happens twice: resume it when the old one is suspended');
    podSpec(at(copy, 'spec', 'jobTemplate', 'spec', 'template', 'spec'), tell);
  },
  Pod: (copy, _target, tell) => {
    barePod(specOf(copy));
    podSpec(copy.spec, tell);
    tell('no controller makes this pod again when it ends');
  },
  NetworkPolicy: policy,
  Ingress: (copy, _target, tell) => {
    const hosts = listAt(copy, 'spec', 'rules').map((rule) => stringAt(rule, 'host') ?? 'every host');
    tell(
      `${[...new Set(hosts)].join(', ')} is served by the old one until that is removed: some controllers refuse the same host and path twice, others send requests to either`,
    );
  },
};

function specOf(copy: Manifest): Spec {
  if (!isRecord(copy.spec)) copy.spec = {};
  return copy.spec as Spec;
}

/** Addresses and node ports are given out by the server; those that people chose are in use by the old Service. */
function service(copy: Manifest, _target: string, tell: Tell): void {
  const spec = specOf(copy);
  const headless = spec.clusterIP === 'None';
  for (const key of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamily', 'healthCheckNodePort'])
    delete spec[key];
  if (headless) spec.clusterIP = 'None';
  // The server fills it in; what differs from that was chosen.
  if (spec.ipFamilyPolicy === 'SingleStack') delete spec.ipFamilyPolicy;
  for (const key of ['loadBalancerIP', 'externalIPs'] as const)
    if (key in spec && !(Array.isArray(spec[key]) && listAt(spec, key).length === 0)) {
      tell(`${key} ${[spec[key]].flat().join(', ')} is in use by the old Service, so the copy has none`);
      delete spec[key];
    }
  const numbers = listAt(spec, 'ports').flatMap((port) => {
    if (!isRecord(port) || typeof port.nodePort !== 'number') return [];
    const { nodePort } = port;
    delete port.nodePort;
    return nodePort === 0 ? [] : [nodePort];
  });
  if (numbers.length > 0)
    tell(`node port ${numbers.join(', ')} stays with the old Service; the copy gets others`);
  if (spec.type === 'LoadBalancer')
    tell('the copy gets a load balancer and an address of its own: DNS outside has to follow');
}

/** Its tokens are made anew; a cloud's trust in it names the old namespace. */
function account(copy: Manifest, target: string, tell: Tell): void {
  delete copy.secrets;
  const clouds = [
    'eks.amazonaws.com/role-arn',
    'iam.gke.io/gcp-service-account',
    'azure.workload.identity/client-id',
  ];
  const found = clouds.filter((key) => copy.metadata.annotations?.[key] !== undefined);
  if (found.length > 0)
    tell(
      `${found.join(', ')}: the cloud trusts ${SOURCE}/${copy.metadata.name}; let it trust ${target}/${copy.metadata.name} too`,
    );
}

function pods(copy: Manifest, tell: Tell): void {
  const meta = at(copy, 'spec', 'template', 'metadata');
  if (isRecord(meta)) delete meta.creationTimestamp;
  podSpec(at(copy, 'spec', 'template', 'spec'), tell);
}

/** What two copies of a pod cannot share. */
function podSpec(spec: unknown, tell: Tell): void {
  const ports = listAt(spec, 'containers').flatMap((container) =>
    listAt(container, 'ports').flatMap((port) => at(port, 'hostPort') ?? []),
  );
  if (ports.length > 0 || at(spec, 'hostNetwork') === true)
    tell(
      `it uses ${ports.length > 0 ? `port ${ports.join(', ')} of its node` : "its node's network"}: both cannot run on one node`,
    );
  const claims = listAt(spec, 'volumes').flatMap(
    (volume) => stringAt(volume, 'persistentVolumeClaim', 'claimName') ?? [],
  );
  if (claims.length > 0)
    tell(`its volume ${claims.join(', ')} begins empty: copy the data before clients write to it`);
}

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Without what admission and the scheduler put into a pod that exists. */
function barePod(spec: Spec): void {
  for (const key of ['nodeName', 'priority', 'preemptionPolicy', 'ephemeralContainers', 'serviceAccount'])
    delete spec[key];
  const containers = [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')].filter(isRecord);
  const tokens = new Set(
    containers.flatMap((container) =>
      listAt(container, 'volumeMounts').flatMap((mount) =>
        at(mount, 'mountPath') === TOKEN_PATH ? (stringAt(mount, 'name') ?? []) : [],
      ),
    ),
  );
  for (const container of containers) {
    const mounts = listAt(container, 'volumeMounts').filter(
      (mount) => !tokens.has(stringAt(mount, 'name') ?? ''),
    );
    if (mounts.length > 0) container.volumeMounts = mounts;
    else delete container.volumeMounts;
  }
  const volumes = listAt(spec, 'volumes').filter((volume) => !tokens.has(stringAt(volume, 'name') ?? ''));
  if (volumes.length > 0) spec.volumes = volumes;
  else delete spec.volumes;
  const given = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
  const tolerations = listAt(spec, 'tolerations').filter(
    (one) => !(given.includes(stringAt(one, 'key') ?? '') && at(one, 'tolerationSeconds') === 300),
  );
  if (tolerations.length > 0) spec.tolerations = tolerations;
  else delete spec.tolerations;
}

/** A peer that is `default` by its name label becomes both namespaces: clients move one after the other. */
function policy(copy: Manifest, target: string, tell: Tell): void {
  let both = false;
  const peer = (one: unknown): unknown => {
    const labels = stringsAt(one, 'namespaceSelector', 'matchLabels');
    if (!isRecord(one) || labels[NAME_LABEL] !== SOURCE) return one;
    both = true;
    const { [NAME_LABEL]: _name, ...others } = labels;
    const expressions = listAt(one, 'namespaceSelector', 'matchExpressions');
    return {
      ...one,
      namespaceSelector: {
        ...(Object.keys(others).length === 0 ? {} : { matchLabels: others }),
        matchExpressions: [...expressions, { key: NAME_LABEL, operator: 'In', values: [SOURCE, target] }],
      },
    };
  };
  const spec = specOf(copy);
  for (const [list, side] of [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const)
    if (Array.isArray(spec[list]))
      spec[list] = listAt(spec, list).map((rule) =>
        isRecord(rule) && Array.isArray(rule[side])
          ? { ...rule, [side]: listAt(rule, side).map(peer) }
          : rule,
      );
  if (both)
    tell(
      `where it names ${SOURCE}, the copy names ${SOURCE} and ${target}; take ${SOURCE} out once it is empty`,
    );
}
