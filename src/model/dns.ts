import { agents } from './agents.js';
import { at, listAt, type Manifest, type Ref, refOf, refText, stringAt, stringsAt } from './manifest.js';
import { objectsIn } from './namespaced.js';
import { once } from './once.js';
import { notVisibleReason, objects, type Snapshot } from './snapshot.js';
import { workloadsIn } from './workloads.js';

export interface DnsPort {
  protocol: 'UDP' | 'TCP';
  /** Port of the pods, after the Service's address translation; a name where no pod tells its number. */
  port: number | string;
}

/** A Service that answers the cluster's names, with the pods behind it. */
export interface DnsService {
  ref: Ref;
  /** Labels that its pods carry (the Service's selector). */
  podLabels: Readonly<Record<string, string>>;
  ports: readonly DnsPort[];
  clusterIPs: readonly string[];
  /** Addresses of its pods that share their node's network, which no pod selector matches. */
  hostAddresses: readonly string[];
  /** Pods that the selector finds, or workloads that would make such pods; 0 may mean that names are served elsewhere. */
  pods: number;
}

/** How names are resolved in a cluster, as its objects tell. */
export interface DnsFacts {
  services: readonly DnsService[];
  /** Addresses on which a DNS cache on each node listens; pods ask these instead of the Service. */
  nodeLocal: { addresses: readonly string[]; evidence: string } | undefined;
  /**
   * Why it is not known in full what pods ask, in words: no service, or pods that cannot be seen, which may ask a cache
   * on their node, a name server of their own, or DNS pods on the nodes' network. Undefined where it is.
   */
  missing: string | undefined;
  /** The reason is that Services or Pods could not be seen. */
  notVisible: boolean;
}

/** Default address of the cache, as its own manifest sets it. */
const NODE_LOCAL_DEFAULT = '169.254.20.10';
const DNS_PORT = 53;
const NO_SERVICE =
  'no Service in kube-system is labelled k8s-app=kube-dns or named like a DNS service, with port 53 and a selector';

/**
 * DNS Services: in kube-system by the label that every installer keeps for compatibility, or by the names that
 * distributions use; OpenShift and MicroShift have theirs in a namespace of its own.
 */
function servesDns({ metadata }: Manifest): boolean {
  const { name, namespace, labels } = metadata;
  if (namespace === 'openshift-dns') return name === 'dns-default';
  if (namespace !== 'kube-system') return false;
  return labels?.['k8s-app'] === 'kube-dns' || /^(kube-dns|coredns|rke2-coredns-.*)$/.test(name);
}

/** What answers DNS in this cluster: Services, their pods' labels and ports after translation, and node-local caches. */
export const dns = once(found);

function found(now: Snapshot): DnsFacts {
  const reason = notVisibleReason(now, 'Service');
  const nodeLocal = nodeLocalCache(now);
  if (reason !== undefined)
    return { services: [], nodeLocal, missing: `Services were not visible: ${reason}`, notVisible: true };
  const hidden = notVisibleReason(now, 'Pod');
  const unseenPods =
    hidden === undefined ? undefined : `Pods were not visible, so which name servers they ask: ${hidden}`;
  const services = objects(now, 'Service')
    .filter(servesDns)
    .flatMap((service) => dnsService(now, service))
    .toSorted((a, b) => (refText(a.ref) < refText(b.ref) ? -1 : 1));
  return {
    services,
    nodeLocal,
    missing: services.length === 0 ? NO_SERVICE : unseenPods,
    notVisible: services.length > 0 && unseenPods !== undefined,
  };
}

function dnsService(now: Snapshot, service: Manifest): DnsService[] {
  const podLabels = stringsAt(service, 'spec', 'selector');
  const ports = listAt(service, 'spec', 'ports').filter((port) => at(port, 'port') === DNS_PORT);
  if (Object.keys(podLabels).length === 0 || ports.length === 0) return [];
  const pods = podsBehind(now, service.metadata.namespace ?? '', podLabels);
  const resolved = new Map<string, DnsPort>();
  for (const protocol of ['UDP', 'TCP'] as const) {
    const own = ports.filter((port) => (stringAt(port, 'protocol') ?? 'TCP') === protocol);
    for (const port of (own.length > 0 ? own : ports).flatMap((p) => targetPorts(p, protocol, pods)))
      resolved.set(`${protocol} ${port}`, { protocol, port });
  }
  return [
    {
      ref: refOf(service),
      podLabels,
      ports: [...resolved.values()],
      clusterIPs: clusterIPs(service),
      hostAddresses: [
        ...new Set(
          pods
            .filter((pod) => at(pod, 'spec', 'hostNetwork') === true)
            .flatMap((pod) => stringAt(pod, 'status', 'hostIP') ?? stringAt(pod, 'status', 'podIP') ?? []),
        ),
      ].sort(),
      pods: pods.length,
    },
  ];
}

/** Pods with these labels; where none runs, as in files, the templates that make them. */
function podsBehind(
  now: Snapshot,
  namespace: string,
  wanted: Readonly<Record<string, string>>,
): readonly { metadata: unknown; spec?: unknown; status?: unknown }[] {
  const carries = (labels: unknown) =>
    Object.entries(wanted).every(([key, value]) => at(labels, key) === value);
  const running = objectsIn(now, 'Pod', namespace).filter(({ metadata }) => carries(metadata.labels));
  if (running.length > 0) return running;
  return workloadsIn(now, namespace)
    .filter(({ object, templateLabels }) => carries(templateLabels) && at(object, 'spec', 'replicas') !== 0)
    .map(({ template, templateLabels }) => ({ metadata: { labels: templateLabels }, spec: template }));
}

/** The pods' ports behind a Service's port: a number stays, a name is looked up in each pod (their images may differ). */
function targetPorts(
  port: unknown,
  protocol: string,
  pods: readonly unknown[],
): readonly (number | string)[] {
  const target = at(port, 'targetPort') || at(port, 'port');
  if (typeof target === 'number') return [target];
  if (typeof target !== 'string') return [];
  if (/^\d+$/.test(target)) return [Number(target)];
  const found = new Set<number>();
  for (const pod of pods)
    for (const container of listAt(pod, 'spec', 'containers'))
      for (const declared of listAt(container, 'ports')) {
        const number = at(declared, 'containerPort');
        const named = at(declared, 'name') === target || at(declared, 'name') === `${target}-tcp`;
        if (named && (stringAt(declared, 'protocol') ?? 'TCP') === protocol && typeof number === 'number')
          found.add(number);
      }
  return found.size > 0 ? [...found].sort((a, b) => a - b) : [target];
}

function clusterIPs(service: Manifest): readonly string[] {
  const all = [stringAt(service, 'spec', 'clusterIP'), ...listAt(service, 'spec', 'clusterIPs')];
  return [...new Set(all.filter((ip): ip is string => typeof ip === 'string' && ip !== '' && ip !== 'None'))];
}

/**
 * NodeLocal DNSCache: a DaemonSet on the nodes' own network, so that only addresses can allow it. It listens on the
 * addresses of its `-localip` argument, which may name the Service's address as well.
 */
function nodeLocalCache(now: Snapshot): DnsFacts['nodeLocal'] {
  const agent = agents(now).find(({ name }) => /^(node-local-dns|nodelocaldns)$/.test(name));
  if (agent === undefined) return undefined;
  const argument = agent.containers
    .flatMap(({ args }) => args.map((arg, index) => localIp(arg, args[index + 1])))
    .find((value) => value !== undefined);
  const addresses = (argument ?? NODE_LOCAL_DEFAULT).split(',').map((ip) => ip.trim());
  return {
    addresses: addresses.filter((ip) => /^[0-9a-f.:]+$/i.test(ip)),
    evidence:
      argument === undefined
        ? `${refText(agent.ref)}: no argument -localip, its default is ${NODE_LOCAL_DEFAULT}`
        : `${refText(agent.ref)}: -localip ${argument}`,
  };
}

function localIp(arg: string, next: string | undefined): string | undefined {
  const match = /^--?localip(?:=(.*))?$/.exec(arg);
  return match === null ? undefined : (match[1] ?? next);
}

/** Name servers that pods of a namespace ask by their own `dnsConfig`, sorted. */
export function ownNameservers(now: Snapshot, namespace: string): readonly string[] {
  const servers = objectsIn(now, 'Pod', namespace)
    .flatMap((pod) => listAt(pod, 'spec', 'dnsConfig', 'nameservers'))
    .filter((server): server is string => typeof server === 'string' && /^[0-9a-f.:]+$/i.test(server));
  return [...new Set(servers)].sort();
}
