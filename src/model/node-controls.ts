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

/** What can be told of a provider's controls: by the nodes' own labels, or only by asking the provider. */
export interface ControlState {
  /** For sentences: what it is that pods are kept away by. */
  what: string;
  /** Nodes whose labels show that it is so, with the sign; undefined: no label shows it. */
  seen?: { on: number; sign: string };
  /** Shows how it stands, at the provider. */
  look: readonly string[];
}

/** Nodes of a compute type that EKS itself runs. */
const EKS_TYPE = 'eks.amazonaws.com/compute-type';

/** IMDSv2 with a token that does not leave the node. */
export function awsControls(nodes: readonly Manifest[]): readonly NodeControl[] {
  const { instance, region, instances } = awsNames(nodes);
  if (instances === 0) return [];
  return [
    {
      what: `Demands a token that cannot leave the node (IMDSv2, hop limit 1), for each of ${instances} instances; pods that need the node's role lose it.`,
      command: words(
        `aws ec2 modify-instance-metadata-options --region ${region} --instance-id ${instance} --http-endpoint enabled --http-tokens required --http-put-response-hop-limit 1`,
      ),
    },
    {
      what: 'The same for the instances to come of a node group, in the launch template that it then has to use.',
      command: [
        ...words(
          `aws ec2 create-launch-template-version --region ${region} --launch-template-id TEMPLATE --source-version $Latest --launch-template-data`,
        ),
        '{"MetadataOptions":{"HttpTokens":"required","HttpPutResponseHopLimit":1}}',
      ],
    },
    {
      what: 'The same as the default of new instances in the region, where no launch template says otherwise.',
      command: words(
        `aws ec2 modify-instance-metadata-defaults --region ${region} --http-tokens required --http-put-response-hop-limit 1`,
      ),
    },
  ];
}

/** How instances stand to IMDSv2; pods on Fargate have no instance whose metadata they could ask. */
export function awsState(nodes: readonly Manifest[]): ControlState {
  const { instance, region } = awsNames(nodes);
  const fargate = nodes.filter((node) => labelOf(node, EKS_TYPE) === 'fargate').length;
  return {
    what: 'IMDSv2 with hop limit 1',
    ...(fargate > 0 && { seen: { on: fargate, sign: `label ${EKS_TYPE}=fargate: no instance metadata` } }),
    look: [
      ...words(
        `aws ec2 describe-instances --region ${region} --instance-ids ${instance} --output table --query`,
      ),
      'Reservations[].Instances[].[InstanceId,MetadataOptions.HttpTokens,MetadataOptions.HttpPutResponseHopLimit]',
    ],
  };
}

function awsNames(nodes: readonly Manifest[]): { instance: string; region: string; instances: number } {
  const own = nodes.filter((node) => labelOf(node, EKS_TYPE) !== 'fargate');
  const ids = own.map((node) => stringAt(node, 'spec', 'providerID')?.split('/').at(-1));
  const regions = nodes.map((node) => labelOf(node, 'topology.kubernetes.io/region'));
  return {
    instance: ids.find(Boolean) ?? 'INSTANCE',
    region: regions.find(Boolean) ?? 'REGION',
    instances: own.length,
  };
}

function labelOf(node: Manifest, key: string): string | undefined {
  return stringsAt(node, 'metadata', 'labels')[key];
}

function words(command: string): readonly string[] {
  return command.split(' ');
}

/** No object tells whether AKS restricts instance metadata. */
export function azureState(): ControlState {
  return {
    what: 'the restriction of instance metadata on AKS',
    look: words('az aks show --resource-group GROUP --name CLUSTER --output yaml'),
  };
}

/** No object tells which versions of instance metadata an instance answers. */
export function ociState(nodes: readonly Manifest[]): ControlState {
  return {
    what: 'instance metadata of version 2 only',
    look: [
      ...words(`oci compute instance get --instance-id ${ociInstance(nodes)} --query`),
      'data."instance-options"',
    ],
  };
}

function ociInstance(nodes: readonly Manifest[]): string {
  const ids = nodes.map(
    (node) => /ocid1\.instance\.[\w.-]+/.exec(stringAt(node, 'spec', 'providerID') ?? '')?.[0],
  );
  return ids.find(Boolean) ?? 'INSTANCE';
}

/** OKE notes on each node of which pool it is. */
const OKE_POOL = 'oci.oraclecloud.com/node-pool-id';

function ociPools(nodes: readonly Manifest[]): readonly string[] {
  const pools = nodes.flatMap(({ metadata }) => metadata.annotations?.[OKE_POOL] ?? []);
  return [...new Set(pools)].toSorted();
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

/** OCI: version 2 only, of instances that are there and of those that a node pool of OKE makes later. */
export function ociControls(nodes: readonly Manifest[]): readonly NodeControl[] {
  return [
    {
      what: 'Allows only version 2 of instance metadata, which needs a header; for each instance.',
      command: [
        'oci',
        'compute',
        'instance',
        'update',
        '--instance-id',
        ociInstance(nodes),
        '--instance-options',
        '{"areLegacyImdsEndpointsDisabled": true}',
      ],
    },
    ...ociPools(nodes).map((pool) => ({
      what: 'The same for nodes to come of a node pool of OKE; it replaces what the pool has as metadata of nodes, so name all of that.',
      command: [
        ...words(`oci ce node-pool update --node-pool-id ${pool} --node-metadata`),
        '{"areLegacyImdsEndpointsDisabled": "true"}',
      ],
    })),
  ];
}
