import type { DnsPort } from '../../src/model/dns.js';
import { at, listAt, stringAt } from '../../src/model/manifest.js';
import type { FlavourId } from './guard-flavours.js';
import { byFamily, type GuardRules, metadataRanges } from './guard-rules.js';
import { NAME_LABEL } from './name-label.js';
import { allBut, type PolicyPort, SERVED } from './outside.js';

type Fields = Readonly<Record<string, unknown>>;
type Ports = readonly (DnsPort | PolicyPort)[];

/** How one kind of object says what a guard says. */
export interface Shape {
  /** Fields of `spec` beside those of the template. `denySpec` makes that of a NetworkPolicy that closes a namespace. */
  fill(template: unknown, excluded: readonly string[], rules: GuardRules, denySpec: () => unknown): Fields;
  /** The names that an object of this form excludes; undefined where it has another form. */
  excluded(spec: unknown): readonly string[] | undefined;
  /** Whether an object of this form closes egress; by its field `egress` where that is not said. */
  closesEgress?(spec: unknown): boolean;
  /** Why it cannot be written for these names. */
  refuses?(excluded: readonly string[]): string | undefined;
  /** What its template may not say otherwise: a path in `spec` and the value. */
  fixed?: readonly [string, unknown];
}

const EVERYWHERE = ['0.0.0.0/0', '::/0'];
const POD_NAMESPACE = 'io.kubernetes.pod.namespace';

/** A label selector of every namespace that is not named, and what it names. */
const notNamed = (key: string, names: readonly string[]) => ({
  matchExpressions: [{ key, operator: 'NotIn', values: names }],
});
const namesOf = (key: string, selector: unknown): readonly string[] | undefined => {
  const [only, ...others] = listAt(selector, 'matchExpressions');
  const values = listAt(only, 'values').filter((name): name is string => typeof name === 'string');
  const isIt = at(only, 'key') === key && at(only, 'operator') === 'NotIn';
  return isIt && others.length === 0 && at(selector, 'matchLabels') === undefined ? values : undefined;
};
const named = (name: string) => ({ matchLabels: { [NAME_LABEL]: name } });
const list = (value: unknown, key: string) => listAt(value, key);

export const SHAPES: Readonly<Record<FlavourId, Shape>> = {
  'cluster-network-policy': upstream('Accept', 'protocols', clusterPort, ['tier', 'Baseline']),
  'baseline-admin': upstream('Allow', 'ports', adminPort),
  antrea: {
    fixed: ['tier', 'baseline'],
    fill: (template, excluded, rules) => ({
      appliedTo: [{ namespaceSelector: notNamed(NAME_LABEL, excluded) }],
      ingress: [...list(template, 'ingress'), { name: 'everything', action: 'Drop' }],
      ...(rules.egress && { egress: [...list(template, 'egress'), ...antreaEgress(rules)] }),
    }),
    excluded: (spec) => namesOf(NAME_LABEL, at(spec, 'appliedTo', 0, 'namespaceSelector')),
  },
  calico: {
    fill: (template, excluded, rules) => ({
      namespaceSelector: calicoNot(excluded),
      types: ['Ingress', ...(rules.egress ? ['Egress'] : [])],
      ingress: [...list(template, 'ingress'), { action: 'Deny' }],
      ...(rules.egress && { egress: [...list(template, 'egress'), ...calicoEgress(rules)] }),
    }),
    excluded: (spec) => {
      const [, names] =
        /^kubernetes\.io\/metadata\.name not in \{(.*)\}$/.exec(stringAt(spec, 'namespaceSelector') ?? '') ??
        [];
      return names?.split(', ').map((name) => name.slice(1, -1));
    },
    refuses: (excluded) =>
      calicoNot(excluded).length > CALICO_SELECTOR
        ? `the names of ${excluded.length} namespaces do not fit into a selector of Calico (${CALICO_SELECTOR} characters)`
        : undefined,
  },
  cilium: {
    fill: (template, excluded, rules) => ({
      endpointSelector: notNamed(POD_NAMESPACE, excluded),
      // An empty rule allows nothing, and closes the direction.
      ingress: [...list(template, 'ingress'), {}],
      ...(rules.egress && { egress: [...list(template, 'egress'), ...ciliumEgress(rules)] }),
    }),
    excluded: (spec) => namesOf(POD_NAMESPACE, at(spec, 'endpointSelector')),
  },
  kyverno: {
    fill: (template, excluded, _rules, denySpec) => ({
      rules: listAt(template, 'rules').map((rule) => ({
        ...(rule as object),
        exclude: { any: [{ resources: { kinds: ['Namespace'], names: excluded } }] },
        generate: { ...(at(rule, 'generate') as object), data: { spec: denySpec() } },
      })),
    }),
    closesEgress: (spec) =>
      listAt(spec, 'rules', 0, 'generate', 'data', 'spec', 'policyTypes').includes('Egress'),
    excluded: (spec) => {
      const names = at(spec, 'rules', 0, 'exclude', 'any', 0, 'resources', 'names');
      return Array.isArray(names)
        ? names.filter((name): name is string => typeof name === 'string')
        : undefined;
    },
  },
};

/**
 * The policies of network-policy-api: rules in order, the first that matches decides, and what none matches passes.
 * Ingress rules cannot name addresses, so that traffic from outside is not closed.
 */
function upstream(
  allow: string,
  portsField: string,
  port: (port: DnsPort | PolicyPort) => unknown,
  fixed?: readonly [string, unknown],
): Shape {
  const rule = (name: string, action: string, to: readonly unknown[], ports: Ports = []) => ({
    name,
    action,
    to,
    ...(ports.length > 0 && { [portsField]: ports.map(port) }),
  });
  const everyPod = [{ namespaces: {} }];
  const egress = (rules: GuardRules) => [
    ...rules.dns.map(({ namespace, labels, ports }) =>
      rule(
        'dns',
        allow,
        [{ pods: { namespaceSelector: named(namespace), podSelector: { matchLabels: labels } } }],
        ports,
      ),
    ),
    ...rules.dnsAddresses.map(({ cidrs, ports }) =>
      rule('dns-by-address', allow, [{ networks: cidrs }], ports),
    ),
    rule('pods', 'Deny', everyPod),
    ...(rules.metadata.length === 0
      ? []
      : [
          rule('names-and-time', allow, [{ networks: metadataRanges(rules) }], SERVED),
          rule('metadata', 'Deny', [{ networks: metadataRanges(rules) }]),
        ]),
    rule(OUTSIDE_RULE, rules.outside ? allow : 'Deny', [{ networks: EVERYWHERE }]),
  ];
  return {
    ...(fixed && { fixed }),
    fill: (template, excluded, rules) => ({
      subject: { namespaces: notNamed(NAME_LABEL, excluded) },
      ingress: [...list(template, 'ingress'), { name: 'pods', action: 'Deny', from: everyPod }],
      ...(rules.egress && { egress: [...list(template, 'egress'), ...egress(rules)] }),
    }),
    excluded: (spec) => namesOf(NAME_LABEL, at(spec, 'subject', 'namespaces')),
  };
}

/** Name of the rule about addresses outside of the cluster. */
export const OUTSIDE_RULE = 'outside';

function clusterPort({ protocol, port }: DnsPort | PolicyPort): unknown {
  return typeof port === 'string'
    ? { destinationNamedPort: port }
    : { [protocol.toLowerCase()]: { destinationPort: { number: port } } };
}

function adminPort({ protocol, port }: DnsPort | PolicyPort): unknown {
  return typeof port === 'string' ? { namedPort: port } : { portNumber: { protocol, port } };
}

function antreaEgress(rules: GuardRules): readonly unknown[] {
  const blocks = (cidrs: readonly string[]) => cidrs.map((cidr) => ({ ipBlock: { cidr } }));
  const ports = (of: Ports) => of.map(({ protocol, port }) => ({ protocol, port }));
  return [
    ...rules.dns.map(({ namespace, labels, ports: of }) => ({
      name: 'dns',
      action: 'Allow',
      to: [{ namespaceSelector: named(namespace), podSelector: { matchLabels: labels } }],
      ports: ports(of),
    })),
    ...rules.dnsAddresses.map(({ cidrs, ports: of }) => ({
      name: 'dns-by-address',
      action: 'Allow',
      to: blocks(cidrs),
      ports: ports(of),
    })),
    ...(rules.metadata.length === 0
      ? []
      : [
          {
            name: 'names-and-time',
            action: 'Allow',
            to: blocks(metadataRanges(rules)),
            ports: ports(SERVED),
          },
          { name: 'metadata', action: 'Drop', to: blocks(metadataRanges(rules)) },
        ]),
    rules.outside
      ? { name: 'pods', action: 'Drop', to: [{ namespaceSelector: {} }] }
      : { name: 'everything', action: 'Drop' },
  ];
}

/** Longest selector that its CRD takes. */
const CALICO_SELECTOR = 1024;

function calicoNot(names: readonly string[]): string {
  return `${NAME_LABEL} not in {${names.map((name) => `'${name}'`).join(', ')}}`;
}

/** A rule of Calico is about one protocol and one family of addresses. */
function calicoEgress(rules: GuardRules): readonly unknown[] {
  const perProtocol = (ports: Ports) => [...Map.groupBy(ports, ({ protocol }) => protocol)];
  const allow = (ports: Ports, destination: Fields) =>
    perProtocol(ports).map(([protocol, of]) => ({
      action: 'Allow',
      protocol,
      destination: { ...destination, ports: of.map(({ port }) => port) },
    }));
  return [
    ...rules.dns.flatMap(({ namespace, labels, ports }) =>
      allow(ports, {
        namespaceSelector: `${NAME_LABEL} == '${namespace}'`,
        selector: Object.entries(labels)
          .map(([key, value]) => `${key} == '${value}'`)
          .join(' && '),
      }),
    ),
    ...rules.dnsAddresses.flatMap(({ cidrs, ports }) =>
      byFamily(cidrs).flatMap((nets) => allow(ports, { nets })),
    ),
    ...byFamily(metadataRanges(rules)).flatMap((nets) => [
      ...allow(SERVED, { nets }),
      { action: 'Deny', destination: { nets } },
    ]),
    rules.outside ? { action: 'Deny', destination: { namespaceSelector: 'all()' } } : { action: 'Deny' },
  ];
}

/** For Cilium neither nodes nor the API server are addresses, but entities. */
function ciliumEgress(rules: GuardRules): readonly unknown[] {
  const toPorts = (ports: Ports) => [
    { ports: ports.map(({ protocol, port }) => ({ port: String(port), protocol })) },
  ];
  return [
    ...rules.dns.map(({ namespace, labels, ports }) => ({
      toEndpoints: [{ matchLabels: { [POD_NAMESPACE]: namespace, ...labels } }],
      toPorts: toPorts(ports),
    })),
    ...rules.dnsAddresses.flatMap(({ cidrs, ports }) => [
      { toEntities: ['host', 'remote-node'], toPorts: toPorts(ports) },
      { toCIDR: cidrs, toPorts: toPorts(ports) },
    ]),
    ...(rules.metadata.length === 0 ? [] : [{ toCIDR: metadataRanges(rules), toPorts: toPorts(SERVED) }]),
    ...(rules.outside
      ? [
          { toCIDRSet: EVERYWHERE.map((cidr) => at(allBut(cidr, rules.metadata), 'ipBlock')) },
          { toEntities: ['kube-apiserver'] },
        ]
      : []),
  ];
}
