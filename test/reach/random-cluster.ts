import type { Manifest } from '../../src/model/manifest.js';
import type { End, NaiveOptions } from './naive.js';

export interface RandomCluster {
  objects: readonly Manifest[];
  options: NaiveOptions;
  ends: readonly End[];
}

export const NODE_ADDRESSES = ['192.168.0.1', '192.168.0.2'];
/** Addresses outside of the cluster, on both sides of the bounds of the blocks below. */
const OUTSIDE = ['172.16.0.9', '172.16.0.200', '8.8.8.8', '2001:db8::7', '2001:db8:1::7'];
const CIDRS = [
  '0.0.0.0/0',
  '::/0',
  '172.16.0.0/24',
  '172.16.0.128/25',
  '10.0.0.0/8',
  '10.0.1.0/24',
  '192.168.0.0/31',
  '192.168.0.2/32',
  '2001:db8::/32',
  '2001:db8:1::/48',
  'fd00::/8',
];
const INSIDE: Readonly<Record<string, readonly string[]>> = {
  '0.0.0.0/0': ['172.16.0.0/24', '10.0.0.0/8', '8.8.8.8/32', '192.168.0.1/32', '169.254.169.254/32'],
  '::/0': ['2001:db8::/32', 'fd00::/8', 'fd00:ec2::254/128'],
  '172.16.0.0/24': ['172.16.0.128/25', '172.16.0.9/32'],
  '10.0.0.0/8': ['10.0.1.0/24'],
  '2001:db8::/32': ['2001:db8:1::/48'],
};
export const PORTS = [53, 79, 80, 81, 443, 8080, 8081, 9000];
export const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;
const LABELS: Readonly<Record<string, readonly string[]>> = {
  app: ['web', 'db', ''],
  tier: ['x', 'y'],
  env: ['a', 'b'],
};
const NAMES = ['http', 'dns', 'sig'];

/** Repeatable random numbers from 0 to 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A small cluster with everything in it that the engine must know; the same seed makes the same cluster. */
export function randomCluster(seed: number): RandomCluster {
  return new Maker(randomFrom(seed)).make();
}

class Maker {
  private readonly random: () => number;
  private readonly namespaces = ['one', 'two', 'three'];

  constructor(random: () => number) {
    this.random = random;
  }

  make(): RandomCluster {
    const pods = this.times(3, 5, (i) => this.pod(i));
    const deployments = this.chance(0.3) ? [this.deployment()] : [];
    const flavour = this.random();
    const policies = this.times(0, 4, (i) => this.networkPolicy(i));
    if (flavour < 0.35) policies.push(...this.adminPolicies());
    else if (flavour < 0.7) policies.push(...this.clusterPolicies());
    const objects = [
      ...this.namespaces.map((name) => this.namespace(name)),
      ...NODE_ADDRESSES.map((address, i) => this.node(i, address)),
      ...pods,
      ...deployments,
      ...policies,
    ];
    const ends = [
      ...[...pods, ...deployments].map((object) => ({ object })),
      { address: this.pick(OUTSIDE) },
      { address: this.pick(OUTSIDE) },
      { address: this.pick(NODE_ADDRESSES) },
    ];
    return {
      objects: this.chance(0.5) ? objects : objects.toReversed(),
      options: {
        hostNetwork: this.chance(0.7) ? 'node' : 'pod',
        podAddresses: this.pick(['ignore', 'known', 'select']),
        namespaceLabel: this.chance(0.5) ? 'implied' : 'asIs',
      },
      ends,
    };
  }

  private namespace(name: string): Manifest {
    const labels = {
      ...this.labels(['env']),
      ...(this.chance(0.7) && { 'kubernetes.io/metadata.name': name }),
    };
    return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
  }

  private node(i: number, address: string): Manifest {
    return {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: `node-${i}`, labels: this.labels(['tier']) },
      status: { addresses: [{ type: 'InternalIP', address }] },
    };
  }

  private pod(i: number): Manifest {
    const hostNetwork = this.chance(0.15);
    const node = this.below(2);
    const ips = hostNetwork
      ? [NODE_ADDRESSES[node] ?? '']
      : [`10.0.${this.below(2)}.${i + 1}`, ...(this.chance(0.3) ? [`fd00::${i + 1}`] : [])];
    const scheduled = this.chance(0.85);
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `pod-${i}`,
        namespace: this.pick(this.namespaces),
        labels: this.labels(['app', 'tier']),
      },
      spec: {
        ...(hostNetwork && { hostNetwork }),
        ...(scheduled && { nodeName: `node-${node}` }),
        containers: [{ name: 'main', ports: this.containerPorts() }],
      },
      ...(scheduled && this.chance(0.9) && { status: { podIPs: ips.map((ip) => ({ ip })) } }),
    };
  }

  private deployment(): Manifest {
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'later', namespace: this.pick(this.namespaces) },
      spec: {
        template: {
          metadata: { labels: this.labels(['app', 'tier']) },
          spec: {
            ...(this.chance(0.1) && { hostNetwork: true }),
            containers: [{ name: 'main', ports: this.containerPorts() }],
          },
        },
      },
    };
  }

  private containerPorts(): unknown[] {
    return NAMES.filter(() => this.chance(0.6)).map((name) => ({
      name,
      containerPort: this.pick(PORTS),
      ...(this.chance(0.7) && { protocol: this.pick(PROTOCOLS) }),
    }));
  }

  private labels(keys: readonly string[]): Record<string, string> {
    return Object.fromEntries(
      keys.filter(() => this.chance(0.75)).map((key) => [key, this.pick(LABELS[key] ?? [''])]),
    );
  }

  private selector(keys: readonly string[]): Record<string, unknown> {
    if (this.chance(0.25)) return {};
    const expressions = this.times(0, 2, () => {
      const key = this.pick(keys);
      const operator = this.pick(['In', 'NotIn', 'Exists', 'DoesNotExist']);
      const values =
        operator === 'In' || operator === 'NotIn' ? { values: [this.pick(LABELS[key] ?? [''])] } : {};
      return { key, operator, ...values };
    });
    return {
      ...(this.chance(0.5) && { matchLabels: this.labels(keys) }),
      ...(expressions.length > 0 && { matchExpressions: expressions }),
    };
  }

  private namespaceSelector(): Record<string, unknown> {
    if (this.chance(0.3))
      return { matchLabels: { 'kubernetes.io/metadata.name': this.pick(this.namespaces) } };
    return this.selector(['env']);
  }

  private networkPolicy(i: number): Manifest {
    const types = this.pick([undefined, undefined, ['Ingress'], ['Egress'], ['Ingress', 'Egress']]);
    const ingress = this.chance(0.6);
    const egress = this.chance(0.6);
    const rules = (peers: string) => this.times(0, 2, () => this.rule(peers));
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `policy-${i}`, namespace: this.pick(this.namespaces) },
      spec: {
        podSelector: this.selector(['app', 'tier']),
        ...(types && { policyTypes: types }),
        ...(ingress && { ingress: rules('from') }),
        ...(egress && { egress: rules('to') }),
      },
    };
  }

  private rule(peers: string): unknown {
    return {
      ...(this.chance(0.85) && { [peers]: this.times(0, 2, () => this.peer()) }),
      ...(this.chance(0.65) && { ports: this.times(0, 2, () => this.port()) }),
    };
  }

  private peer(): unknown {
    const kind = this.random();
    if (kind < 0.35) {
      const cidr = this.pick(CIDRS);
      const except = INSIDE[cidr];
      return { ipBlock: { cidr, ...(except && this.chance(0.6) && { except: this.some(except) }) } };
    }
    if (kind < 0.55) return { podSelector: this.selector(['app', 'tier']) };
    if (kind < 0.75) return { namespaceSelector: this.namespaceSelector() };
    return { namespaceSelector: this.namespaceSelector(), podSelector: this.selector(['app', 'tier']) };
  }

  private port(): unknown {
    const protocol = this.chance(0.6) ? { protocol: this.pick(PROTOCOLS) } : {};
    const kind = this.random();
    if (kind < 0.15) return protocol;
    if (kind < 0.4) return { ...protocol, port: this.pick(NAMES) };
    const port = this.pick(PORTS);
    return { ...protocol, port, ...(kind < 0.65 && { endPort: this.upTo(port) }) };
  }

  private adminPolicies(): Manifest[] {
    const made = this.priorities().map(
      (priority, i): Manifest => ({
        apiVersion: 'policy.networking.k8s.io/v1alpha1',
        kind: 'AdminNetworkPolicy',
        metadata: { name: `admin-${i}` },
        spec: { priority, ...this.clusterSpec(['Allow', 'Deny', 'Pass'], 'ports', () => this.adminPort()) },
      }),
    );
    if (this.chance(0.6))
      made.push({
        apiVersion: 'policy.networking.k8s.io/v1alpha1',
        kind: 'BaselineAdminNetworkPolicy',
        metadata: { name: 'default' },
        spec: this.clusterSpec(['Allow', 'Deny'], 'ports', () => this.adminPort()),
      });
    return made;
  }

  private clusterPolicies(): Manifest[] {
    const make = (tier: string) =>
      this.priorities().map(
        (priority, i): Manifest => ({
          apiVersion: 'policy.networking.k8s.io/v1alpha2',
          kind: 'ClusterNetworkPolicy',
          metadata: { name: `${tier.toLowerCase()}-${i}` },
          spec: {
            tier,
            priority,
            ...this.clusterSpec(['Accept', 'Deny', 'Pass'], 'protocols', () => this.clusterPort()),
          },
        }),
      );
    return [...make('Admin'), ...make('Baseline')];
  }

  /** None to two different priorities: what equal ones mean is not defined. */
  private priorities(): number[] {
    return [...new Set(this.times(0, 2, () => this.below(1000)))];
  }

  private clusterSpec(
    actions: readonly string[],
    ports: string,
    port: () => unknown,
  ): Record<string, unknown> {
    const rules = (peers: 'from' | 'to') =>
      this.times(0, 3, () => ({
        action: this.pick(actions),
        [peers]: this.times(1, 2, () => this.clusterPeer(peers)),
        ...(this.chance(0.6) && { [ports]: this.times(1, 2, port) }),
      }));
    return { subject: this.clusterPods(), ingress: rules('from'), egress: rules('to') };
  }

  private clusterPods(): unknown {
    if (this.chance(0.5)) return { namespaces: this.namespaceSelector() };
    return {
      pods: { namespaceSelector: this.namespaceSelector(), podSelector: this.selector(['app', 'tier']) },
    };
  }

  private clusterPeer(peers: 'from' | 'to'): unknown {
    const kind = this.random();
    if (peers === 'to' && kind < 0.25) return { networks: this.some(CIDRS) };
    if (peers === 'to' && kind < 0.4) return { nodes: this.selector(['tier']) };
    return this.clusterPods();
  }

  private adminPort(): unknown {
    const protocol = this.pick(PROTOCOLS);
    const port = this.pick(PORTS);
    const kind = this.random();
    if (kind < 0.35) return { portNumber: { protocol, port } };
    if (kind < 0.7) return { portRange: { protocol, start: port, end: this.upTo(port) } };
    return { namedPort: this.pick(NAMES) };
  }

  private clusterPort(): unknown {
    const protocol = this.pick(PROTOCOLS).toLowerCase();
    const port = this.pick(PORTS);
    const kind = this.random();
    if (kind < 0.15) return { [protocol]: {} };
    if (kind < 0.4) return { [protocol]: { destinationPort: { number: port } } };
    if (kind < 0.7)
      return { [protocol]: { destinationPort: { range: { start: port, end: this.upTo(port) } } } };
    return { destinationNamedPort: this.pick(NAMES) };
  }

  /** A port from which on a range ends: often one that is asked about, so that its bounds count. */
  private upTo(port: number): number {
    return this.pick(PORTS.filter((other) => other >= port)) + this.below(2);
  }

  private below(n: number): number {
    return Math.floor(this.random() * n);
  }

  private chance(p: number): boolean {
    return this.random() < p;
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** One or two different ones. */
  private some<T>(list: readonly T[]): T[] {
    return [...new Set([this.pick(list), this.pick(list)])];
  }

  private times<T>(from: number, to: number, make: (i: number) => T): T[] {
    return Array.from({ length: from + this.below(to - from + 1) }, (_, i) => make(i));
  }
}
