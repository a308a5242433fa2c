import { imageName } from '../../src/declared/programs.js';
import { globMatches } from '../../src/model/namespaces.js';

/** What is known to need addresses outside of the cluster, and how its pods are told. */
export interface Listed {
  what: string;
  /** Globs for the last part of an image's name, without tag. */
  images: readonly string[];
  /** Globs for the workload's name and for the values of the labels that name a program. */
  names: readonly string[];
  /** TCP ports of addresses that nobody can list. */
  ports: readonly number[];
  /** Without credentials of its own it uses those of its node, which the metadata service hands out. */
  metadata: boolean;
}

const HTTPS = 443;

/**
 * Programs of kube-system that call their cloud, by the names that their projects' manifests and charts give them.
 * CSI controllers and nodes are told by the sidecars that the Kubernetes CSI documentation has every driver run. Ports
 * are those of the clouds' APIs: HTTPS, for OpenStack the default ports of its services, for konnectivity those on which
 * its server waits for agents.
 */
export const LISTED: readonly Listed[] = [
  {
    what: 'OpenStack',
    images: [
      'openstack-cloud-controller-manager',
      'cinder-csi-plugin',
      'manila-csi-plugin',
      'octavia-ingress-controller',
    ],
    names: ['openstack-*', 'csi-cinder-*', 'openstack-manila-csi-*'],
    // Identity, compute, block storage, shared file systems, images, networking, load balancing.
    ports: [HTTPS, 5000, 8774, 8776, 8786, 9292, 9696, 9876],
    metadata: true,
  },
  {
    what: 'cloud controller manager',
    images: ['*cloud-controller-manager*', '*-ccm', 'cloud-node-manager'],
    names: ['*cloud-controller-manager*', '*-ccm', 'ccm-*', 'cloud-node-manager*'],
    ports: [HTTPS],
    metadata: true,
  },
  {
    what: 'CSI driver',
    images: [
      'csi-provisioner',
      'csi-attacher',
      'csi-resizer',
      'csi-snapshotter',
      'csi-node-driver-registrar',
      '*-csi-driver',
      '*-csi-plugin',
    ],
    names: ['csi-*', '*-csi-*', '*-csi'],
    ports: [HTTPS],
    metadata: true,
  },
  {
    what: 'autoscaler of nodes',
    images: ['cluster-autoscaler*', 'aws-node-termination-handler'],
    names: ['*cluster-autoscaler*', 'karpenter', 'aws-node-termination-handler*'],
    ports: [HTTPS],
    metadata: true,
  },
  {
    what: 'load balancer controller',
    images: ['aws-load-balancer-controller', 'aws-alb-ingress-controller', 'ingress-gce-*', 'alb-ingress-*'],
    names: [
      'aws-load-balancer-controller*',
      'alb-ingress-controller*',
      'ingress-appgw*',
      'alb-controller*',
      'l7-lb-controller*',
    ],
    ports: [HTTPS],
    metadata: true,
  },
  {
    what: 'external DNS',
    images: ['external-dns'],
    names: ['external-dns*'],
    ports: [HTTPS],
    metadata: true,
  },
  {
    what: 'agent of the cloud',
    images: ['aws-for-fluent-bit', 'cloudwatch-agent', 'prometheus-to-sd', 'event-exporter'],
    names: [
      'ama-*',
      'omsagent*',
      'azure-policy*',
      'event-exporter-gke*',
      'fluentbit-gke*',
      'gke-metrics-agent*',
      'stackdriver-*',
      'aws-for-fluent-bit*',
      'cloudwatch-agent*',
    ],
    ports: [HTTPS],
    metadata: true,
  },
  {
    what: 'konnectivity agent',
    images: ['proxy-agent', 'konnectivity-agent'],
    names: ['konnectivity-agent*'],
    ports: [HTTPS, 8091, 8132],
    metadata: false,
  },
  {
    what: 'installer of charts',
    images: ['klipper-helm'],
    names: ['helm-install-*', 'helm-delete-*'],
    ports: [HTTPS],
    metadata: false,
  },
];

/** Labels that name a program. */
const NAME_LABELS = ['app.kubernetes.io/name', 'k8s-app', 'app', 'app.kubernetes.io/component', 'component'];

export interface ProgramSigns {
  /** The workload's name. */
  name: string;
  /** As the containers have them. */
  images: readonly string[];
  labels: ReadonlyMap<string, string>;
}

/** The rows of the table that a workload is an example of. */
export function listedAs({ name, images, labels }: ProgramSigns): readonly Listed[] {
  const names = [name, ...NAME_LABELS.flatMap((label) => labels.get(label) ?? [])];
  const last = images.map((image) => imageName(image).split('/').at(-1) ?? '');
  const any = (globs: readonly string[], texts: readonly string[]) =>
    globs.some((glob) => texts.some((text) => globMatches(glob, text)));
  return LISTED.filter((row) => any(row.images, last) || any(row.names, names));
}
