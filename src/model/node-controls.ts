import { type Manifest, stringAt, stringsAt } from './manifest.js';

/** A command for the administrator's own terminal; words in capitals are to be filled in. Never run by us. */
export interface NodeControl {
  /** What it does, one sentence, with what it costs. */
  what: string;
  command: readonly string[];
}

/** Nodes whose metadata server hands a pod nothing but the pod's own identity (GKE Workload Identity). */
export function concealed(node: Manifest): boolean {
  return stringsAt(node, 'metadata', 'labels')['iam.gke.io/gke-metadata-server-enabled'] === 'true';
}

/** IMDSv2 with a token that does not leave the node. */
export function awsControls(nodes: readonly Manifest[]): readonly NodeControl[] {
  const instance = nodes.map((n) => stringAt(n, 'spec', 'providerID')?.split('/').at(-1)).find(Boolean);
  const region =
    nodes.map((n) => stringsAt(n, 'metadata', 'labels')['topology.kubernetes.io/region']).find(Boolean) ??
    'REGION';
  return [
    {
      what: `Demands a token that cannot leave the node (IMDSv2, hop limit 1), for each of ${nodes.length} instances; pods that need the node's role lose it.`,
      command:
        `aws ec2 modify-instance-metadata-options --region ${region} --instance-id ${instance ?? 'INSTANCE'} --http-endpoint enabled --http-tokens required --http-put-response-hop-limit 1`.split(
          ' ',
        ),
    },
    {
      what: 'The same as the default of new instances in the region; launch templates set it for node groups.',
      command:
        `aws ec2 modify-instance-metadata-defaults --region ${region} --http-tokens required --http-put-response-hop-limit 1`.split(
          ' ',
        ),
    },
  ];
}

/** The GKE metadata server, by node pool that has none yet. */
export function gkeControls(nodes: readonly Manifest[]): readonly NodeControl[] {
  const pools = new Set(
    nodes
      .filter((node) => !concealed(node))
      .map((node) => stringsAt(node, 'metadata', 'labels')['cloud.google.com/gke-nodepool'])
      .filter((pool) => pool !== undefined),
  );
  return [...pools].sort().map((pool) => ({
    what: `Puts the GKE metadata server before node pool ${pool}: pods get only their own identity (needs Workload Identity; nodes are re-created).`,
    command:
      `gcloud container node-pools update ${pool} --cluster CLUSTER --location LOCATION --workload-metadata=GKE_METADATA`.split(
        ' ',
      ),
  }));
}

/** AKS keeps pods from instance metadata by itself, where asked to. */
export function azureControls(): readonly NodeControl[] {
  return [
    {
      what: 'Keeps pods from instance metadata on AKS (preview; nodes are re-imaged, several add-ons stop working).',
      command: 'az aks update --resource-group GROUP --name CLUSTER --enable-imds-restriction'.split(' '),
    },
  ];
}

/** OCI: version 2 only. */
export function ociControls(): readonly NodeControl[] {
  return [
    {
      what: 'Allows only version 2 of instance metadata, which needs a header; for each instance.',
      command: [
        'oci',
        'compute',
        'instance',
        'update',
        '--instance-id',
        'INSTANCE',
        '--instance-options',
        '{"areLegacyImdsEndpointsDisabled": true}',
      ],
    },
  ];
}
