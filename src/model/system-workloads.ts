import { at, isRecord, listAt, stringAt } from './manifest.js';
import { ownerOf } from './owners.js';
import type { Workload } from './workloads.js';

/** Labels that parts of a cluster carry: components, add-ons, what distributions deploy themselves. */
const SYSTEM_LABELS = [
  'k8s-app',
  'component',
  'addonmanager.kubernetes.io/mode',
  'kubernetes.io/cluster-service',
  'kubernetes.azure.com/managedby',
  'eks.amazonaws.com/component',
  'objectset.rio.cattle.io/hash',
  'helmcharts.helm.cattle.io/chart',
];

/** Names of parts of clusters that run in kube-system under no sign but their name; `*` at the end: prefix. */
const SYSTEM_NAMES = [
  'aws-*',
  'azure-*',
  'calico-*',
  'cilium*',
  'cloud-*',
  'cluster-autoscaler*',
  'coredns*',
  'csi-*',
  'ebs-csi-*',
  'efs-csi-*',
  'etcd*',
  'gke-*',
  'helm-install-*',
  'konnectivity-*',
  'kube-*',
  'local-path-provisioner',
  'metrics-server*',
  'node-local-dns',
  'rke2-*',
  'snapshot-controller*',
  'svclb-*',
  'tiller-deploy',
  'traefik',
];

/**
 * Whether a workload in kube-system is evidently one of a user, and by which signs; undefined where it may be a part
 * of the cluster. Strict on purpose: it has no sign of a component or add-on, and a sign of a user besides.
 */
export function userSigns(workload: Workload): string | undefined {
  const { object, template, templateLabels, ref } = workload;
  if (object === undefined || isNamed(ref.name)) return undefined;
  for (const labels of [at(object, 'metadata', 'labels'), templateLabels])
    if (isRecord(labels) && SYSTEM_LABELS.some((label) => Object.hasOwn(labels, label))) return undefined;
  if (stringAt(template, 'priorityClassName')?.startsWith('system-')) return undefined;
  if (at(template, 'hostNetwork') === true || wantsControlPlane(template)) return undefined;
  if (stringAt(templateLabels, 'tier') === 'control-plane') return undefined;
  const owner = ownerOf(at(object, 'metadata', 'labels')) ?? ownerOf(templateLabels);
  const account = stringAt(template, 'serviceAccountName') ?? 'default';
  const signs = [
    ...(owner === undefined ? [] : [`label ${owner.key}=${owner.owner}`]),
    ...(account === 'default' ? ['ServiceAccount default'] : []),
  ];
  return signs.length === 0
    ? undefined
    : `${signs.join(', ')}; no component or add-on label, no system priority class`;
}

function isNamed(name: string): boolean {
  return SYSTEM_NAMES.some((known) =>
    known.endsWith('*') ? name.startsWith(known.slice(0, -1)) : name === known,
  );
}

/** Whether the pods are meant for control-plane nodes. */
function wantsControlPlane(template: unknown): boolean {
  const key = /^node-role\.kubernetes\.io\/(control-plane|master)$/;
  const selector = at(template, 'nodeSelector');
  return (
    (isRecord(selector) && Object.keys(selector).some((name) => key.test(name))) ||
    listAt(template, 'tolerations').some((toleration) => key.test(stringAt(toleration, 'key') ?? ''))
  );
}
