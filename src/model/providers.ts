import { type Manifest, stringAt, stringsAt } from './manifest.js';
import {
  awsControls,
  awsState,
  azureControls,
  azureState,
  type ControlState,
  concealed,
  gkeControls,
  type NodeControl,
  ociControls,
  ociState,
} from './node-controls.js';
import { once } from './once.js';
import { notVisibleReason, objects, type Snapshot } from './snapshot.js';

/** An address on which a cloud hands its nodes credentials and data; only these TCP ports of it are meant. */
export interface MetadataEndpoint {
  /** IPv4 or IPv6, canonical. */
  address: string;
  /** TCP, ascending. */
  ports: readonly number[];
  what: string;
}

export interface Provider {
  id: string;
  title: string;
  /** Schemes of `spec.providerID`, without `://`. */
  schemes: readonly string[];
  /** Node labels (a `/` at the end: prefix) by which the provider's own offer marks nodes. */
  labels: readonly string[];
  /** Suffix in `status.nodeInfo.kubeletVersion`. */
  kubelet?: string;
  /** Empty where pods cannot reach metadata at a fixed address. */
  endpoints: readonly MetadataEndpoint[];
  /** Host names of those addresses. */
  names?: readonly string[];
  /** Why there is no endpoint, where there is none. */
  without?: string;
  /** How nodes stand to those controls, as far as that can be told; left out where there are none. */
  state?(nodes: readonly Manifest[]): ControlState;
  /** The controls on the node's side, which no network plugin is needed for. */
  controls(nodes: readonly Manifest[]): readonly NodeControl[];
}

const METADATA = '169.254.169.254';
const imds = (what: string, address = METADATA, ...ports: number[]): MetadataEndpoint => ({
  address,
  ports: ports.length === 0 ? [80] : ports,
  what,
});
const noControls = (): readonly NodeControl[] => [];

const local = (id: string, title: string, schemes: readonly string[]): Provider => ({
  id,
  title,
  schemes,
  labels: [],
  endpoints: [],
  without: `${title} has no metadata address`,
  controls: noControls,
});

const plain = (id: string, title: string, scheme: string, labels: readonly string[] = []): Provider => ({
  id,
  title,
  schemes: [scheme],
  labels,
  endpoints: [imds('instance metadata')],
  controls: noControls,
});

/**
 * Clouds by the signs that their nodes carry, with the addresses of their metadata services. Sources: the prefixes that
 * the cloud controller managers write, and each provider's own documentation of its metadata service.
 */
export const PROVIDERS: readonly Provider[] = [
  {
    id: 'aws',
    title: 'AWS',
    schemes: ['aws'],
    labels: ['eks.amazonaws.com/'],
    kubelet: '-eks-',
    names: ['instance-data.ec2.internal'],
    endpoints: [imds('EC2 instance metadata'), imds('EC2 instance metadata', 'fd00:ec2::254')],
    controls: awsControls,
    state: awsState,
  },
  {
    id: 'gcp',
    title: 'Google Cloud',
    schemes: ['gce'],
    labels: ['cloud.google.com/gke-nodepool'],
    kubelet: '-gke.',
    names: ['metadata.google.internal', 'metadata.goog'],
    endpoints: [
      imds('Compute Engine metadata', METADATA, 80, 987, 988, 8080),
      imds('Compute Engine metadata', 'fd20:ce::254'),
    ],
    controls: gkeControls,
  },
  {
    id: 'azure',
    title: 'Azure',
    schemes: ['azure'],
    labels: ['kubernetes.azure.com/'],
    endpoints: [
      imds('Azure instance metadata'),
      imds('Azure wire server: goal state and certificates', '168.63.129.16', 80, 32526),
    ],
    controls: azureControls,
    state: azureState,
  },
  {
    id: 'oci',
    title: 'Oracle Cloud',
    schemes: ['oci'],
    labels: [],
    endpoints: [imds('OCI instance metadata'), imds('OCI instance metadata', 'fd00:c1::a9fe:a9fe')],
    controls: ociControls,
    state: ociState,
  },
  {
    id: 'alibaba',
    title: 'Alibaba Cloud',
    schemes: ['alicloud'],
    labels: ['alibabacloud.com/', 'node.alibabacloud.com/'],
    endpoints: [imds('ECS instance metadata', '100.100.100.200')],
    controls: noControls,
  },
  {
    id: 'tencent',
    title: 'Tencent Cloud',
    schemes: ['qcloud'],
    labels: ['cloud.tencent.com/'],
    names: ['metadata.tencentyun.com'],
    endpoints: [imds('CVM instance metadata', '169.254.0.23')],
    controls: noControls,
  },
  {
    id: 'scaleway',
    title: 'Scaleway',
    schemes: ['scaleway'],
    labels: ['k8s.scaleway.com/'],
    endpoints: [imds('instance metadata', '169.254.42.42'), imds('instance metadata', 'fd00:42::42')],
    controls: noControls,
  },
  {
    id: 'linode',
    title: 'Akamai (Linode)',
    schemes: ['linode'],
    labels: ['lke.linode.com/'],
    endpoints: [imds('instance metadata'), imds('instance metadata', 'fd00:a9fe:a9fe::1')],
    controls: noControls,
  },
  plain('digitalocean', 'DigitalOcean', 'digitalocean', ['doks.digitalocean.com/']),
  plain('hetzner', 'Hetzner Cloud', 'hcloud'),
  plain('openstack', 'OpenStack', 'openstack'),
  plain('vultr', 'Vultr', 'vultr', ['vke.vultr.com/']),
  plain('exoscale', 'Exoscale', 'exoscale'),
  plain('ibm', 'IBM Cloud', 'ibm', ['ibm-cloud.kubernetes.io/']),
  {
    id: 'equinix',
    title: 'Equinix Metal',
    schemes: ['equinixmetal', 'packet'],
    labels: [],
    endpoints: [],
    without: 'its metadata service has a public name and no fixed address that a policy could leave out',
    controls: noControls,
  },
  local('vsphere', 'vSphere', ['vsphere']),
  local('metal3', 'bare metal (Metal3)', ['metal3', 'baremetalhost']),
  local('kind', 'kind', ['kind']),
  local('k3s', 'k3s without a cloud controller', ['k3s']),
  local('rke2', 'RKE2 without a cloud controller', ['rke2']),
];

/** Nodes of one provider, with the sign by which the first of them was recognised. */
export interface Sighting {
  provider: Provider;
  nodes: readonly Manifest[];
  evidence: string;
}

/** What the nodes tell about the clouds they run on. A cluster may have nodes of several. */
export interface ProviderFacts {
  found: readonly Sighting[];
  /** Nodes whose providerID names a provider that the table does not know. */
  unknown: readonly { node: string; providerID: string }[];
  /** Nodes without providerID and without a label of any provider. */
  unmarked: readonly string[];
  /** Why nodes could not be seen at all. */
  notVisible: string | undefined;
}

/** The clouds of a cluster, judged by `spec.providerID`, then by labels; never by asking the network. */
export const providers = once(sighted);

function sighted(now: Snapshot): ProviderFacts {
  const found = new Map<Provider, { nodes: Manifest[]; evidence: string }>();
  const unknown: { node: string; providerID: string }[] = [];
  const unmarked: string[] = [];
  const said = PROVIDERS.find(({ id }) => id === now.unmarkedOn);
  for (const node of objects(now, 'Node')) {
    const own = providerOf(node);
    const silent = 'providerID' in own && own.providerID === '';
    const seen =
      silent && said !== undefined
        ? { provider: said, evidence: `Node ${node.metadata.name}: it does not tell; said in an answer` }
        : own;
    if ('provider' in seen) {
      const group = found.get(seen.provider) ?? { nodes: [], evidence: seen.evidence };
      group.nodes.push(node);
      found.set(seen.provider, group);
    } else if (seen.providerID === '') unmarked.push(node.metadata.name);
    else unknown.push({ node: node.metadata.name, providerID: seen.providerID });
  }
  return {
    found: PROVIDERS.flatMap((provider) => {
      const group = found.get(provider);
      return group === undefined ? [] : [{ provider, ...group }];
    }),
    unknown,
    unmarked,
    notVisible: notVisibleReason(now, 'Node'),
  };
}

/** The provider of one node with the sign, or the providerID that no row knows (empty: none given). */
export function providerOf(
  node: Manifest,
): { provider: Provider; evidence: string } | { providerID: string } {
  const providerID = stringAt(node, 'spec', 'providerID') ?? '';
  const scheme = schemeOf(providerID);
  const { name } = node.metadata;
  const byId = PROVIDERS.find((provider) => scheme !== '' && provider.schemes.includes(scheme));
  if (byId !== undefined) return { provider: byId, evidence: `Node ${name}: spec.providerID ${providerID}` };
  if (providerID !== '') return { providerID };
  const labels = Object.keys(stringsAt(node, 'metadata', 'labels'));
  for (const provider of PROVIDERS) {
    const label = labels.find((key) =>
      provider.labels.some((sign) => (sign.endsWith('/') ? key.startsWith(sign) : key === sign)),
    );
    if (label !== undefined) return { provider, evidence: `Node ${name}: label ${label}` };
  }
  const kubelet = stringAt(node, 'status', 'nodeInfo', 'kubeletVersion') ?? '';
  const byKubelet = PROVIDERS.find((p) => p.kubelet !== undefined && kubelet.includes(p.kubelet));
  return byKubelet === undefined
    ? { providerID }
    : { provider: byKubelet, evidence: `Node ${name}: kubelet ${kubelet}` };
}

/** Some controllers write no scheme: Alibaba `<region>.i-<id>`, Oracle a bare `ocid1.instance...`. */
function schemeOf(providerID: string): string {
  const match = /^([a-z0-9.+-]+):\/\//i.exec(providerID);
  if (match !== null) return (match[1] ?? '').toLowerCase();
  if (providerID.startsWith('ocid1.instance.')) return 'oci';
  return /^[a-z]{2}-[a-z0-9-]+\.i-[a-z0-9]+$/.test(providerID) ? 'alicloud' : '';
}

/** Where it is not known whose a node is: the addresses that nearly all clouds use. */
export const USUAL: readonly MetadataEndpoint[] = [
  imds('metadata service'),
  imds('metadata service', 'fd00:ec2::254'),
];

/**
 * The metadata endpoints that may be blocked: the union over all providers, in the table's order, with the usual ones for
 * nodes of a provider that no row knows. Where some nodes of a provider conceal theirs, pods there get their own identity
 * from the same address, and it must stay reachable, also where another provider has its metadata on it.
 */
export function metadataEndpoints(facts: ProviderFacts): readonly MetadataEndpoint[] {
  const needed = sharedWithIdentity(facts);
  const union = new Map<string, MetadataEndpoint>();
  const rows = facts.found.filter(({ nodes }) => !nodes.some(concealed));
  for (const endpoint of [
    ...rows.flatMap(({ provider }) => provider.endpoints),
    ...(facts.unknown.length > 0 ? USUAL : []),
  ]) {
    if (needed.includes(endpoint.address)) continue;
    const same = union.get(endpoint.address);
    const ports = [...new Set([...(same?.ports ?? []), ...endpoint.ports])].sort((a, b) => a - b);
    union.set(endpoint.address, { ...(same ?? endpoint), ports });
  }
  return [...union.values()];
}

/** Addresses from which pods on some nodes get their own identity. */
export function sharedWithIdentity(facts: ProviderFacts): readonly string[] {
  return facts.found
    .filter(({ nodes }) => nodes.some(concealed))
    .flatMap(({ provider }) => provider.endpoints.map(({ address }) => address));
}
