import { type Manifest, stringAt, stringsAt } from './manifest.js';
import { objects, type Snapshot } from './snapshot.js';

/**
 * Who runs the API server:
 * - `kubeadm`: static pods that the administrator can patch;
 * - `own`: a distribution with commands of its own;
 * - `managed`: a provider, whose API has to be asked;
 * - `unknown`: nothing tells.
 */
export type ControlPlane = 'kubeadm' | 'own' | 'managed' | 'unknown';

export interface Distribution {
  id: string;
  title: string;
  controlPlane: ControlPlane;
  encryption?: EncryptionCommands;
}

/** How a distribution or a provider shows and turns on encryption of Secrets; words in capitals are to be filled in. */
export interface EncryptionCommands {
  /** Asks for the state. */
  ask: readonly string[];
  /** Turns it on, in this order. */
  enable: readonly (readonly string[])[];
  /** What it costs and does by itself, what has to be done between the commands. */
  costs: string;
  /** Whether and how it can be undone, and how its key is rotated. */
  undo: string;
  /** It re-writes stored Secrets itself. */
  rewrites: boolean;
}

interface Row extends Distribution {
  /** Text in the kubelet's version. */
  kubelet?: string;
  /** Labels of nodes; a `/` at the end: prefix. */
  labels?: readonly string[];
  annotations?: readonly string[];
  /** Start of `status.nodeInfo.osImage`. */
  osImage?: string;
}

const words = (text: string): readonly string[] => text.split(' ');

/** The first row that fits decides. Sources: each distribution's documentation of encryption at rest. */
const ROWS: readonly Row[] = [
  {
    id: 'eks',
    title: 'Amazon EKS',
    controlPlane: 'managed',
    kubelet: '-eks-',
    labels: ['eks.amazonaws.com/'],
    encryption: {
      ask: words('aws eks describe-cluster --name CLUSTER --query cluster.encryptionConfig'),
      enable: [
        [
          ...words('aws eks associate-encryption-config --cluster-name CLUSTER --encryption-config'),
          '[{"resources":["secrets"],"provider":{"keyArn":"ARN"}}]',
        ],
      ],
      costs:
        'From 1.28 all data of the API is encrypted with a key that AWS owns; a key of your own is billed by AWS KMS, and whoever deletes it loses the cluster.',
      undo: 'Cannot be undone. AWS KMS rotates the key by itself where that is set there.',
      rewrites: true,
    },
  },
  {
    id: 'gke',
    title: 'Google GKE',
    controlPlane: 'managed',
    kubelet: '-gke.',
    labels: ['cloud.google.com/gke-nodepool'],
    encryption: {
      ask: words(
        'gcloud container clusters describe CLUSTER --location LOCATION --format=value(databaseEncryption.currentState)',
      ),
      enable: [
        words(
          'gcloud container clusters update CLUSTER --location LOCATION --database-encryption-key projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY',
        ),
      ],
      costs:
        'GKE re-writes all Secrets itself; a webhook that refuses updates of Secrets blocks it. The key is billed by Cloud KMS, and whoever destroys it loses the Secrets.',
      undo: 'Can be undone: gcloud container clusters update CLUSTER --location LOCATION --disable-database-encryption.',
      rewrites: true,
    },
  },
  {
    id: 'aks',
    title: 'Azure AKS',
    controlPlane: 'managed',
    labels: ['kubernetes.azure.com/'],
    encryption: {
      ask: words('az aks show --resource-group GROUP --name CLUSTER --query securityProfile'),
      enable: [
        words('az aks update --resource-group GROUP --name CLUSTER --kms-infrastructure-encryption Enabled'),
      ],
      costs:
        'From 1.33. Stored Secrets have to be re-written afterwards. A key of your own adds --enable-azure-keyvault-kms and --azure-keyvault-kms-key-id, and is billed by Key Vault.',
      undo: 'Cannot be disabled again.',
      rewrites: false,
    },
  },
  {
    id: 'openshift',
    title: 'OpenShift',
    controlPlane: 'own',
    labels: ['node.openshift.io/os_id'],
    encryption: {
      ask: [
        ...words('oc get kubeapiserver cluster -o'),
        'jsonpath={range .status.conditions[?(@.type=="Encrypted")]}{.reason}{end}',
      ],
      enable: [
        [...words('oc patch apiserver cluster --type=merge -p'), '{"spec":{"encryption":{"type":"aesgcm"}}}'],
      ],
      costs:
        'Rolls out all API servers and re-writes by itself, 20 minutes or more; covers Secrets, ConfigMaps, Routes and OAuth tokens; done at reason EncryptionCompleted. Take no backup of etcd meanwhile.',
      undo: 'Can be undone the same way with type identity; done at reason DecryptionCompleted. Keys rotate weekly by themselves.',
      rewrites: true,
    },
  },
  {
    id: 'k3s',
    title: 'k3s',
    controlPlane: 'own',
    kubelet: '+k3s',
    encryption: {
      ask: words('k3s secrets-encrypt status'),
      enable: [words('k3s secrets-encrypt enable'), words('k3s secrets-encrypt reencrypt --force --skip')],
      costs:
        'For servers that were first started with --secrets-encryption, where it was disabled since; on a server node `kubectl harden` finds which commands it takes there. Each server is restarted after the first command; about 5 Secrets a second are re-written.',
      undo: 'Can be undone: k3s secrets-encrypt disable, restart each server, k3s secrets-encrypt reencrypt --force --skip. The key is rotated by k3s secrets-encrypt rotate-keys (from 1.30.5 and 1.31.1), then a restart of each server.',
      rewrites: true,
    },
  },
  {
    id: 'rke2',
    title: 'RKE2',
    controlPlane: 'own',
    kubelet: '+rke2',
    encryption: {
      ask: words('rke2 secrets-encrypt status'),
      enable: [words('rke2 secrets-encrypt enable'), words('rke2 secrets-encrypt reencrypt --force --skip')],
      costs:
        'On by default with an AES-CBC key, so somebody disabled it. Each server is restarted after the first command; about 5 Secrets a second are re-written.',
      undo: 'Can be undone: rke2 secrets-encrypt disable, restart each server, rke2 secrets-encrypt reencrypt --force --skip. The key is rotated by rke2 secrets-encrypt rotate-keys (from 1.30.5 and 1.31.1), then a restart of each server.',
      rewrites: true,
    },
  },
  {
    id: 'talos',
    title: 'Talos Linux',
    controlPlane: 'own',
    osImage: 'Talos',
    encryption: {
      // The whole configuration holds the keys: only how many there are is printed.
      ask: [
        'sh',
        '-c',
        'talosctl get machineconfig -o yaml --nodes CONTROL_PLANE_NODE | grep -c EncryptionSecret:',
      ],
      enable: [words('talosctl apply-config --nodes CONTROL_PLANE_NODE --file CONTROLPLANE.yaml')],
      costs:
        'cluster.secretboxEncryptionSecret in the machine configuration; it is generated by default. The API servers restart; stored Secrets have to be re-written afterwards.',
      undo: 'There is no command that undoes it: a key that is taken out of the machine configuration makes stored Secrets unreadable.',
      rewrites: false,
    },
  },
  {
    id: 'kops',
    title: 'kOps',
    controlPlane: 'own',
    labels: ['kops.k8s.io/instancegroup'],
    encryption: {
      ask: words('kops get secrets --type encryptionconfig'),
      enable: [
        words('kops create secret encryptionconfig -f encryption-config.yaml'),
        words('kops update cluster --yes'),
        words('kops rolling-update cluster --yes'),
      ],
      costs:
        'Needs spec.encryptionConfig: true in the cluster; the rolling update replaces nodes. Stored Secrets have to be re-written afterwards.',
      undo: 'Can be undone, and the key rotated, in rounds of the same three commands (the first with --force): a file with all keys, the new order, and only after a re-write one without the old.',
      rewrites: false,
    },
  },
  {
    id: 'doks',
    title: 'DigitalOcean Kubernetes',
    controlPlane: 'managed',
    labels: ['doks.digitalocean.com/'],
  },
  { id: 'lke', title: 'Linode Kubernetes Engine', controlPlane: 'managed', labels: ['lke.linode.com/'] },
  { id: 'vke', title: 'Vultr Kubernetes Engine', controlPlane: 'managed', labels: ['vke.vultr.com/'] },
  { id: 'microk8s', title: 'MicroK8s', controlPlane: 'own', labels: ['microk8s.io/cluster'] },
  {
    id: 'kubeadm',
    title: 'kubeadm',
    controlPlane: 'kubeadm',
    annotations: ['kubeadm.alpha.kubernetes.io/cri-socket'],
  },
];

const UNKNOWN: Distribution = { id: 'unknown', title: 'unknown', controlPlane: 'unknown' };
const KUBEADM: Distribution = ROWS.find((row) => row.id === 'kubeadm') ?? UNKNOWN;

/** The distribution, by the signs of its nodes, the server's version and the API server's static pods. */
export function distribution(now: Snapshot): Distribution & { evidence: string } {
  const git = now.cluster.version.git;
  for (const row of ROWS) {
    if (row.kubelet !== undefined && git.includes(row.kubelet))
      return { ...row, evidence: `the server's version is ${git}` };
    for (const node of objects(now, 'Node')) {
      const sign = signOf(row, node);
      if (sign !== undefined) return { ...row, evidence: `Node ${node.metadata.name}: ${sign}` };
    }
  }
  const [pod] = apiServerPods(now);
  return pod === undefined
    ? { ...UNKNOWN, evidence: 'neither nodes nor static pods tell the distribution' }
    : { ...KUBEADM, evidence: `Pod kube-system/${pod.metadata.name} is a static pod of the API server` };
}

/** Mirror pods of the API servers' static pods, by the label that kubeadm sets, or by name and mirror annotation. */
export function apiServerPods(now: Snapshot): readonly Manifest[] {
  return objects(now, 'Pod')
    .filter(
      ({ metadata }) =>
        metadata.namespace === 'kube-system' &&
        (metadata.labels?.component === 'kube-apiserver' ||
          metadata.labels?.['k8s-app'] === 'kube-apiserver'),
    )
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** Names of nodes that carry a control-plane role label, sorted. */
export function controlPlaneNodes(now: Snapshot): readonly string[] {
  const roles = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
  return objects(now, 'Node')
    .filter((node) => roles.some((role) => node.metadata.labels?.[role] !== undefined))
    .map((node) => node.metadata.name)
    .sort();
}

function signOf(row: Row, node: Manifest): string | undefined {
  const kubelet = stringAt(node, 'status', 'nodeInfo', 'kubeletVersion') ?? '';
  if (row.kubelet !== undefined && kubelet.includes(row.kubelet)) return `kubelet ${kubelet}`;
  const os = stringAt(node, 'status', 'nodeInfo', 'osImage') ?? '';
  if (row.osImage !== undefined && os.startsWith(row.osImage)) return `system ${os}`;
  const has = (keys: Record<string, string>, signs: readonly string[] | undefined) =>
    Object.keys(keys).find((key) =>
      signs?.some((sign) => (sign.endsWith('/') ? key.startsWith(sign) : key === sign)),
    );
  const label = has(stringsAt(node, 'metadata', 'labels'), row.labels);
  if (label !== undefined) return `label ${label}`;
  const annotation = has(stringsAt(node, 'metadata', 'annotations'), row.annotations);
  return annotation === undefined ? undefined : `annotation ${annotation}`;
}
