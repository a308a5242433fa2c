import { type Agent, agents } from './agents.js';
import { type Manifest, refText, stringAt, stringsAt } from './manifest.js';
import { once } from './once.js';
import { notVisibleReason, objects, type Snapshot, visible } from './snapshot.js';

/** Whether NetworkPolicies have any effect. Custom resource definitions alone prove nothing either way. */
export type Enforcement = 'enforced' | 'notEnforced' | 'unknown';

export interface PluginVerdict {
  id: string;
  /** As its makers write it. */
  title: string;
  verdict: Enforcement;
  evidence: string;
}

/** The network plugin as far as the cluster's objects tell. */
export interface PluginFacts {
  /** Stable, as in the table below; `unknown` where none was recognised. */
  id: string;
  /** Title of the plugin that decides; `unknown` where none was recognised. */
  title: string;
  verdict: Enforcement;
  evidence: readonly string[];
  /** Parts of the cluster where policies have no effect although the plugin enforces them. */
  gaps: readonly string[];
  /**
   * Whether `ipBlock` also matches nodes and the API server. Where it does not (Cilium and its relatives), a policy
   * that allows address ranges still cuts those off; a plugin that is not known may be one of those.
   */
  ipBlockMatchesNodes: boolean;
  /** Whether `ipBlock` also matches pods, by their addresses; undefined where it is not known which plugin decides. */
  ipBlockMatchesPods: boolean | undefined;
  /** What a policy can say about address ranges, where the plugin takes less than the API. */
  ranges: RangeLimits;
}

export interface RangeLimits {
  /** Whether policies reach IPv6 at all; where they do not, it stays open. */
  ipv6: boolean;
  /** How many `ipBlock` of one policy the plugin's makers advise at most. */
  most?: number;
}

interface Row {
  id: string;
  title: string;
  /** Names of its DaemonSet. */
  daemonSets: readonly string[];
  ipBlockMatchesNodes?: false;
  /**
   * Plugins that compare the packet's addresses match pods by them, after the Service's address was replaced. Cilium takes
   * pods by their identity, which no address range holds (its issue 9209).
   */
  ipBlockMatchesPods?: false;
  ranges?: RangeLimits;
  judge(agent: Agent, now: Snapshot): readonly [Enforcement, string];
}

const always = (): readonly [Enforcement, string] => ['enforced', 'enforces NetworkPolicies'];

/**
 * Plugins by the DaemonSet that they run on every node. Sources: the manifests and charts that each project publishes,
 * and the network policy documentation of the managed offers.
 */
const ROWS: readonly Row[] = [
  { id: 'calico', title: 'Calico', daemonSets: ['calico-node'], judge: always },
  { id: 'canal', title: 'Canal', daemonSets: ['canal', 'rke2-canal'], judge: always },
  {
    id: 'cilium',
    title: 'Cilium',
    daemonSets: ['cilium'],
    ipBlockMatchesNodes: false,
    ipBlockMatchesPods: false,
    judge: cilium,
  },
  {
    id: 'dataplane-v2',
    title: 'GKE Dataplane V2',
    daemonSets: ['anetd'],
    ipBlockMatchesNodes: false,
    ipBlockMatchesPods: false,
    judge: always,
  },
  {
    id: 'azure-npm',
    title: 'Azure Network Policy Manager',
    daemonSets: ['azure-npm'],
    // AKS documentation: no IPv6, and four ranges or fewer.
    ranges: { ipv6: false, most: 4 },
    judge: always,
  },
  { id: 'aws-vpc-cni', title: 'AWS VPC CNI', daemonSets: ['aws-node'], judge: awsNode },
  { id: 'antrea', title: 'Antrea', daemonSets: ['antrea-agent'], judge: always },
  { id: 'ovn-kubernetes', title: 'OVN-Kubernetes', daemonSets: ['ovnkube-node'], judge: always },
  { id: 'kube-router', title: 'kube-router', daemonSets: ['kube-router'], judge: kubeRouter },
  {
    id: 'flannel',
    title: 'Flannel',
    daemonSets: ['kube-flannel-ds', 'kube-flannel', 'rke2-flannel'],
    judge: flannel,
  },
  { id: 'kindnet', title: 'kindnet', daemonSets: ['kindnet'], judge: kindnet },
  { id: 'weave', title: 'Weave Net', daemonSets: ['weave-net'], judge: weave },
  {
    id: 'kube-network-policies',
    title: 'kube-network-policies',
    daemonSets: ['kube-network-policies'],
    judge: always,
  },
];

/**
 * The plugin and whether it enforces NetworkPolicies, with evidence. Read from DaemonSets (pods where DaemonSets are not
 * visible), a few ConfigMaps and the nodes; what a live probe of this run found is the strongest evidence.
 */
export const networkPlugin = once(judgedPlugin);

function judgedPlugin(now: Snapshot): PluginFacts {
  const running = agents(now);
  const verdicts = ROWS.flatMap((row) =>
    running
      .filter((agent) => row.daemonSets.includes(agent.name))
      .map((agent) => ({ row, verdict: judged(row, agent, now) })),
  );
  const best =
    verdicts.find(({ verdict }) => verdict.verdict === 'enforced') ??
    verdicts.find(({ verdict }) => verdict.verdict === 'unknown') ??
    verdicts[0];
  const seen = best?.verdict ?? byNodes(now);
  const tried = byProbe(now);
  const verdict = tried === undefined ? seen : { ...seen, verdict: tried.verdict };
  const evidence = verdicts.length > 0 ? verdicts.map((v) => v.verdict.evidence) : [seen.evidence];
  return {
    id: verdict.id,
    title: tried !== undefined && seen.id === 'unknown' ? 'a plugin that is not recognised' : seen.title,
    verdict: verdict.verdict,
    evidence: tried === undefined ? evidence : [...tried.evidence, ...evidence],
    gaps: verdict.verdict === 'enforced' ? gaps(now, verdict.id) : [],
    ipBlockMatchesNodes:
      verdict.id !== 'unknown' && verdicts.every(({ row }) => row.ipBlockMatchesNodes !== false),
    ipBlockMatchesPods: matchesPods(
      verdict.id,
      verdicts.map(({ row }) => row),
    ),
    ranges: ROWS.find(({ id }) => id === verdict.id)?.ranges ?? { ipv6: true },
  };
}

/** What all plugins that run here agree on; those that work without a DaemonSet compare addresses as well. */
function matchesPods(id: string, rows: readonly Row[]): boolean | undefined {
  if (rows.length === 0) return ADDRESSES_WITHOUT_ROW.includes(id) ? true : undefined;
  const answers = new Set(rows.map((row) => row.ipBlockMatchesPods !== false));
  return answers.size === 1 ? answers.has(true) : undefined;
}

/** k3s runs kube-router's policy controller in its own process, EKS Auto Mode the agent of the AWS VPC CNI. */
const ADDRESSES_WITHOUT_ROW = ['k3s', 'eks-auto'];

/** What was tried out beats what can be read; a trial that found nothing says nothing. */
function byProbe({
  policyProbe: probe,
}: Snapshot): { verdict: Enforcement; evidence: readonly string[] } | undefined {
  if (probe === undefined || probe.verdict === 'inconclusive') return undefined;
  return { verdict: probe.verdict, evidence: probe.evidence.map((line) => `live probe: ${line}`) };
}

function judged(row: Row, agent: Agent, now: Snapshot): PluginVerdict {
  const { id, title } = row;
  const where = refText(agent.ref);
  if (agent.ready === 0)
    return { id, title, verdict: 'unknown', evidence: `${where}: no pod of it is ready` };
  const [verdict, why] = row.judge(agent, now);
  return { id, title, verdict, evidence: `${where}: ${why}` };
}

function cilium(_agent: Agent, now: Snapshot): readonly [Enforcement, string] {
  const reason = notVisibleReason(now, 'ConfigMap');
  if (reason !== undefined) return ['unknown', `its ConfigMap cilium-config was not visible (${reason})`];
  const config = configMap(now, 'cilium-config');
  if (config === undefined || Object.keys(config).length === 0)
    return ['unknown', 'its ConfigMap cilium-config was not found, or its data not visible'];
  const off = Object.entries({
    'enable-policy': 'never',
    'policy-audit-mode': 'true',
    'enable-k8s-networkpolicy': 'false',
  }).find(([key, value]) => config[key] === value);
  return off === undefined
    ? ['enforced', 'ConfigMap cilium-config leaves policy enforcement on']
    : ['notEnforced', `ConfigMap cilium-config has ${off[0]}: ${off[1]}`];
}

function awsNode(agent: Agent, now: Snapshot): readonly [Enforcement, string] {
  const policyAgent = agent.containers.find((container) => container.name === 'aws-eks-nodeagent');
  if (policyAgent === undefined) return ['notEnforced', 'it runs no container aws-eks-nodeagent'];
  if (flag(policyAgent.args, 'enable-network-policy') !== 'true')
    return ['notEnforced', 'container aws-eks-nodeagent lacks --enable-network-policy=true'];
  const controller = configMap(now, 'amazon-vpc-cni')?.['enable-network-policy-controller'];
  if (controller === 'false')
    return ['notEnforced', 'ConfigMap amazon-vpc-cni has enable-network-policy-controller: false'];
  return ['enforced', 'container aws-eks-nodeagent has --enable-network-policy=true'];
}

function kubeRouter(agent: Agent): readonly [Enforcement, string] {
  return agent.containers.some((container) => flag(container.args, 'run-firewall') === 'false')
    ? ['notEnforced', 'it runs with --run-firewall=false']
    : ['enforced', 'its firewall is on'];
}

function flannel(agent: Agent): readonly [Enforcement, string] {
  return agent.containers.some((container) => container.name.includes('kube-network-policies'))
    ? ['enforced', 'it runs the container kube-network-policies']
    : ['notEnforced', 'Flannel alone enforces no NetworkPolicy'];
}

/** The kindnetd image that came with kind v0.24.0 is of 13 August 2024; policies entered its source on 23 July. */
function kindnet(agent: Agent): readonly [Enforcement, string] {
  const image = agent.containers.find((container) => container.image.includes('kindnetd'))?.image ?? '';
  const date = Number(/:v(\d{8})-/.exec(image)?.[1] ?? Number.NaN);
  if (date >= 20240813)
    return ['enforced', `image ${image} enforces NetworkPolicies (kind v0.24.0 and later)`];
  if (date < 20240723) return ['notEnforced', `image ${image} is older than kind v0.24.0`];
  return ['unknown', `image ${image === '' ? 'unknown' : image} does not tell whether it enforces policies`];
}

function weave(agent: Agent): readonly [Enforcement, string] {
  return agent.containers.some((container) => container.name === 'weave-npc')
    ? ['enforced', 'it runs the container weave-npc']
    : ['notEnforced', 'it runs no container weave-npc'];
}

/** The verdict where no plugin's DaemonSet was found: some distributions work without one. */
function byNodes(now: Snapshot): PluginVerdict {
  const nodes = objects(now, 'Node');
  const unknown = (evidence: string): PluginVerdict => ({
    id: 'unknown',
    title: 'unknown',
    verdict: 'unknown',
    evidence,
  });
  const kubelet = (node: Manifest) => stringAt(node, 'status', 'nodeInfo', 'kubeletVersion') ?? '';
  const k3s = nodes.filter((node) => kubelet(node).includes('+k3s'));
  if (k3s.length > 0) return k3sVerdict(k3s);
  if (!visible(now, 'DaemonSet') && !visible(now, 'Pod'))
    return unknown(`neither DaemonSets nor Pods were visible: ${notVisibleReason(now, 'DaemonSet')}`);
  const label = (node: Manifest, key: string) => stringsAt(node, 'metadata', 'labels')[key];
  const auto = nodes.find((node) => label(node, 'eks.amazonaws.com/compute-type') === 'auto');
  if (auto !== undefined) return eksAuto(now, auto.metadata.name);
  const without = (title: string, sign: (node: Manifest) => boolean): PluginVerdict | undefined => {
    const node = nodes.find(sign);
    return node === undefined
      ? undefined
      : {
          id: 'none',
          title: `${title} without a policy plugin`,
          verdict: 'notEnforced',
          evidence: `Node ${node.metadata.name} is of ${title}, and no policy plugin's DaemonSet was found`,
        };
  };
  return (
    without('GKE', (node) => label(node, 'cloud.google.com/gke-nodepool') !== undefined) ??
    without('AKS', (node) => label(node, 'kubernetes.azure.com/cluster') !== undefined) ??
    without('minikube', (node) => label(node, 'minikube.k8s.io/name') !== undefined) ??
    without('Docker Desktop', (node) => node.metadata.name === 'docker-desktop') ??
    unknown('no DaemonSet of a known network plugin was found')
  );
}

function k3sVerdict(nodes: readonly Manifest[]): PluginVerdict {
  const base = { id: 'k3s', title: 'k3s (embedded policy controller)' };
  const args = nodes.map((node) => ({
    node: node.metadata.name,
    args: stringAt(node, 'metadata', 'annotations', 'k3s.io/node-args'),
  }));
  const off = args.find((node) => node.args?.includes('--disable-network-policy'));
  if (off !== undefined)
    return {
      ...base,
      verdict: 'notEnforced',
      evidence: `Node ${off.node}: k3s.io/node-args has --disable-network-policy`,
    };
  const server = args.find((node) => node.args?.includes('"server"'));
  return server === undefined
    ? { ...base, verdict: 'unknown', evidence: 'no k3s server with annotation k3s.io/node-args was found' }
    : {
        ...base,
        verdict: 'enforced',
        evidence: `Node ${server.node}: k3s.io/node-args does not disable the policy controller`,
      };
}

function eksAuto(now: Snapshot, node: string): PluginVerdict {
  const base = { id: 'eks-auto', title: 'EKS Auto Mode' };
  const reason = notVisibleReason(now, 'ConfigMap');
  const controller = configMap(now, 'amazon-vpc-cni')?.['enable-network-policy-controller'];
  if (reason !== undefined)
    return { ...base, verdict: 'unknown', evidence: `ConfigMap amazon-vpc-cni was not visible (${reason})` };
  return controller === 'true'
    ? { ...base, verdict: 'enforced', evidence: 'ConfigMap amazon-vpc-cni turns the policy controller on' }
    : {
        ...base,
        verdict: 'notEnforced',
        evidence: `Node ${node} is of Auto Mode, and ConfigMap amazon-vpc-cni does not turn the policy controller on`,
      };
}

/** Nodes on which an enforcing plugin has no agent: Fargate (AWS VPC CNI), Windows (most plugins). */
function gaps(now: Snapshot, id: string): readonly string[] {
  const nodes = objects(now, 'Node');
  const having = (key: string, value: string) =>
    nodes.filter((node) => stringsAt(node, 'metadata', 'labels')[key] === value).length;
  const fargate = having('eks.amazonaws.com/compute-type', 'fargate');
  const windows = having('kubernetes.io/os', 'windows');
  return [
    ...(fargate > 0 ? [`${fargate} Fargate nodes: no plugin enforces policies there`] : []),
    ...(windows > 0 && id !== 'calico'
      ? [`${windows} Windows nodes: ${id} may not enforce policies there`]
      : []),
  ];
}

function configMap(now: Snapshot, name: string): Record<string, string> | undefined {
  const found = objects(now, 'ConfigMap').find(
    ({ metadata }) => metadata.name === name && metadata.namespace === 'kube-system',
  );
  return found === undefined ? undefined : stringsAt(found, 'data');
}

/** Value of `--name=value` or `--name value` among arguments; `true` for the bare flag; the last one counts. */
export function flag(args: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  args.forEach((arg, index) => {
    const match = /^--?([^=]+)(?:=(.*))?$/s.exec(arg);
    if (match?.[1] !== name) return;
    const next = args[index + 1];
    value = match[2] ?? (next === undefined || next.startsWith('-') ? 'true' : next);
  });
  return value;
}
