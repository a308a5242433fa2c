import { isRecord, type Manifest, stringsAt } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { ourLabels } from '../../src/model/ours.js';
import { networkPlugin } from '../../src/model/plugins.js';
import { notVisibleReason, objects, type Snapshot } from '../../src/model/snapshot.js';
import { K8S_LABEL } from '../../src/reach/index.js';
import { apiServerEndpoints, nodeAddresses } from './addresses.js';
import { ciliumLeavesOpen, ciliumVersion } from './implemented.js';
import { ourName } from './policy.js';
import type { PodSelector } from './selectors.js';
import { ENTITIES } from './state.js';
import type { WorkloadAllows } from './workloads.js';

/** Peers of Cilium's policies that stand for addresses which no `ipBlock` matches. */
export type EntityName = 'host' | 'kube-apiserver' | 'remote-node';

/** Every node: the pod's own and the others, each with the pods on its network. */
export const EVERY_NODE: readonly EntityName[] = ['host', 'remote-node'];

/** What the schema of CiliumNetworkPolicy takes in one list of ports. */
const MOST_PORTS = 40;

/**
 * Why no CiliumNetworkPolicy can allow nodes and the API server here, as the end of a sentence; undefined where one can.
 * It has to leave its pods as open as they are: it is written before the NetworkPolicy that isolates them, so that
 * neither order of the two cuts what only one of them allows.
 */
export function whyNoEntities(now: Snapshot): string | undefined {
  const { id } = networkPlugin(now);
  if (id === 'unknown') return 'that is how some plugins work, and which one runs here is not known';
  if (id !== 'cilium') return 'and whether it takes a CiliumNetworkPolicy is not known';
  const hidden = notVisibleReason(now, 'CiliumNetworkPolicy');
  if (hidden !== undefined) return `and CiliumNetworkPolicies could not be read (${hidden})`;
  if (now.listings.get('CiliumNetworkPolicy')?.state !== 'read')
    return 'and the server does not serve CiliumNetworkPolicy';
  if (setting(now, 'enable-cilium-network-policy') === 'false')
    return 'and its ConfigMap has enable-cilium-network-policy: false';
  const version = ciliumVersion(now);
  if (version === undefined) return 'and the image of its agent does not tell its version';
  return ciliumLeavesOpen(now) === true
    ? undefined
    : `and a CiliumNetworkPolicy of version ${version.major}.${version.minor} would isolate its pods by itself (1.16 and later need not)`;
}

/** Whether pods are held from their own node like from any other (`auto` and `always` let its probes through). */
export function holdsOwnNode(now: Snapshot): boolean {
  return networkPlugin(now).id === 'cilium' && setting(now, 'allow-localhost') === 'policy';
}

function setting(now: Snapshot, key: string): string | undefined {
  const config = objectsIn(now, 'ConfigMap', 'kube-system').find(
    ({ metadata }) => metadata.name === 'cilium-config',
  );
  return stringsAt(config, 'data')[key];
}

/**
 * Whether calls of the API server reach pods from nodes of this cluster: it runs on them, and no tunnel (konnectivity)
 * carries its calls, which would arrive from the pods of that tunnel (Cilium documentation, entities: AKS and GKE).
 */
export function apiServerOnNodes(now: Snapshot): boolean {
  const nodes = new Set(nodeAddresses(now));
  const servers = apiServerEndpoints(now);
  return (
    servers.length > 0 &&
    servers.every(({ address }) => nodes.has(address)) &&
    !objects(now, 'Pod').some(({ metadata }) => metadata.name.startsWith('konnectivity-agent'))
  );
}

/**
 * For each workload, in their order, a CiliumNetworkPolicy beside its NetworkPolicy where it has peers that only an
 * entity can name; of the same name where that is free. It closes nothing by itself. Shape: Cilium documentation,
 * CiliumNetworkPolicy of cilium.io/v2.
 */
export function entityPolicies(
  namespace: string,
  workloads: readonly Pick<WorkloadAllows, 'name' | 'selector' | 'entities'>[],
  existing: readonly Manifest[],
): readonly (Manifest | undefined)[] {
  return workloads.map(({ name, selector, entities }) => {
    const ingress = entities.ingress.flatMap((rule) => entityRule(rule, 'from'));
    const egress = entities.egress.flatMap((rule) => entityRule(rule, 'to'));
    if (ingress.length === 0 && egress.length === 0) return undefined;
    return {
      apiVersion: 'cilium.io/v2',
      kind: 'CiliumNetworkPolicy',
      metadata: { name: ourName(name, existing, ENTITIES), namespace, labels: ourLabels(ENTITIES) },
      spec: {
        endpointSelector: ofKubernetes(selector),
        enableDefaultDeny: { ingress: false, egress: false },
        ...(ingress.length > 0 ? { ingress } : {}),
        ...(egress.length > 0 ? { egress } : {}),
      },
    };
  });
}

/** A rule as `rulesOf` makes it, in Cilium's words. Its ports are text, 0 for any; they are ports after translation. */
function entityRule(rule: unknown, side: 'from' | 'to'): readonly Record<string, unknown>[] {
  if (!isRecord(rule) || !Array.isArray(rule.ports)) return [];
  const ports = rule.ports.map(({ protocol, port }: { protocol: string; port?: number }) => ({
    port: String(port ?? 0),
    protocol,
  }));
  const lists = Array.from({ length: Math.ceil(ports.length / MOST_PORTS) }, (_, i) =>
    ports.slice(i * MOST_PORTS, (i + 1) * MOST_PORTS),
  );
  return [{ [`${side}Entities`]: rule[side], toPorts: lists.map((list) => ({ ports: list })) }];
}

/** The selector over labels of Kubernetes alone, as Cilium itself reads that of a NetworkPolicy. */
function ofKubernetes(selector: PodSelector): PodSelector {
  const labels = Object.entries(stringsAt(selector, 'matchLabels'));
  const expressions = Array.isArray(selector.matchExpressions) ? selector.matchExpressions : [];
  return {
    ...(labels.length > 0
      ? { matchLabels: Object.fromEntries(labels.map(([key, value]) => [`${K8S_LABEL}${key}`, value])) }
      : {}),
    ...(expressions.length > 0
      ? {
          matchExpressions: expressions.map((one: Record<string, unknown>) => ({
            ...one,
            key: `${K8S_LABEL}${String(one.key)}`,
          })),
        }
      : {}),
  };
}
