import { at, isRecord, listAt, stringAt } from '../../src/model/manifest.js';
import type { MetadataEndpoint } from '../../src/model/providers.js';
import type { Requirement } from '../default-deny/complement.js';
import { byFamily } from '../default-deny/guard-rules.js';
import { NAME_LABEL } from '../default-deny/name-label.js';
import { cidrOf } from '../default-deny/outside.js';
import type { ClusterWide } from './mechanisms.js';

type Fields = Readonly<Record<string, unknown>>;

/** The pods that an object keeps from the metadata ports. */
export interface Subject {
  /** Of these namespaces, or of all others, those that are created later included. */
  operator: 'In' | 'NotIn';
  namespaces: readonly string[];
  /** Conditions that the labels of a pod meet, all of them; empty: every pod. */
  pods: readonly Requirement[];
}

/** TCP ports of addresses. */
export type Ports = Pick<MetadataEndpoint, 'address' | 'ports'>;

/** How one kind of object says that pods may not connect to the metadata ports, and nothing else. */
export interface Shape {
  /** Fields of `spec` beside those of the template. */
  fill(subject: Subject, endpoints: readonly Ports[]): Fields;
  /** What an object of this form says; undefined where it has another form. */
  read(spec: unknown): { subject: Subject; endpoints: readonly Ports[] } | undefined;
  /** Longest list of names that fits, in characters of `selectorText`. */
  longest?: number;
}

/** Label by which Cilium knows the namespace of a pod. */
const POD_NAMESPACE = 'io.kubernetes.pod.namespace';
const RULE = 'metadata';

export const SHAPES: Readonly<Record<ClusterWide['id'], Shape>> = {
  'cluster-network-policy': upstream('protocols', 'tcp', ['destinationPort', 'number'], (port) => ({
    tcp: { destinationPort: { number: port } },
  })),
  'admin-network-policy': upstream('ports', 'portNumber', ['port'], (port) => ({
    portNumber: { protocol: 'TCP', port },
  })),
  cilium: {
    fill: (subject, endpoints) => ({
      endpointSelector: { matchExpressions: [named(subject, POD_NAMESPACE), ...subject.pods] },
      egressDeny: samePorts(endpoints).map(({ cidrs, ports }) => ({
        toCIDR: cidrs,
        toPorts: [{ ports: ports.map((port) => ({ port: String(port), protocol: 'TCP' })) }],
      })),
    }),
    read: (spec) => {
      const [names, ...pods] = requirementsIn(at(spec, 'endpointSelector'));
      return said(names, POD_NAMESPACE, pods, listAt(spec, 'egressDeny'), (rule) => ({
        cidrs: listAt(rule, 'toCIDR'),
        ports: listAt(rule, 'toPorts', 0, 'ports').map((port) => Number(stringAt(port, 'port'))),
      }));
    },
  },
  calico: {
    longest: 1024,
    fill: (subject, endpoints) => ({
      namespaceSelector: selectorText([named(subject, NAME_LABEL)]),
      ...(subject.pods.length > 0 && { selector: selectorText(subject.pods) }),
      types: ['Egress'],
      // A rule of Calico is about one family of addresses.
      egress: samePorts(endpoints).flatMap(({ cidrs, ports }) =>
        byFamily(cidrs).map((nets) => ({ action: 'Deny', protocol: 'TCP', destination: { nets, ports } })),
      ),
    }),
    read: (spec) => {
      const [names] = conditionsOf(stringAt(spec, 'namespaceSelector') ?? '') ?? [];
      const pods = conditionsOf(stringAt(spec, 'selector') ?? '') ?? [];
      return said(names, NAME_LABEL, pods, listAt(spec, 'egress'), (rule) => ({
        cidrs: listAt(rule, 'destination', 'nets'),
        ports: listAt(rule, 'destination', 'ports'),
      }));
    },
  },
  antrea: {
    fill: (subject, endpoints) => ({
      appliedTo: [
        {
          namespaceSelector: { matchExpressions: [named(subject, NAME_LABEL)] },
          ...(subject.pods.length > 0 && { podSelector: { matchExpressions: subject.pods } }),
        },
      ],
      egress: samePorts(endpoints).map(({ cidrs, ports }) => ({
        name: RULE,
        action: 'Drop',
        to: cidrs.map((cidr) => ({ ipBlock: { cidr } })),
        ports: ports.map((port) => ({ protocol: 'TCP', port })),
      })),
    }),
    read: (spec) => {
      const [names] = requirementsIn(at(spec, 'appliedTo', 0, 'namespaceSelector'));
      const pods = requirementsIn(at(spec, 'appliedTo', 0, 'podSelector'));
      return said(names, NAME_LABEL, pods, listAt(spec, 'egress'), (rule) => ({
        cidrs: listAt(rule, 'to').map((peer) => at(peer, 'ipBlock', 'cidr')),
        ports: listAt(rule, 'ports').map((port) => at(port, 'port')),
      }));
    },
  },
};

/** The policies of network-policy-api: rules in order, the first that matches decides, and what none matches goes on. */
function upstream(
  field: string,
  variant: string,
  number: readonly string[],
  port: (port: number) => unknown,
): Shape {
  return {
    fill: (subject, endpoints) => {
      const namespaceSelector = { matchExpressions: [named(subject, NAME_LABEL)] };
      return {
        subject:
          subject.pods.length === 0
            ? { namespaces: namespaceSelector }
            : { pods: { namespaceSelector, podSelector: { matchExpressions: subject.pods } } },
        egress: samePorts(endpoints).map(({ cidrs, ports }) => ({
          name: RULE,
          action: 'Deny',
          to: [{ networks: cidrs }],
          [field]: ports.map(port),
        })),
      };
    },
    read: (spec) => {
      const subject = at(spec, 'subject');
      const [names] = requirementsIn(at(subject, 'namespaces') ?? at(subject, 'pods', 'namespaceSelector'));
      const pods = requirementsIn(at(subject, 'pods', 'podSelector'));
      return said(names, NAME_LABEL, pods, listAt(spec, 'egress'), (rule) => ({
        cidrs: listAt(rule, 'to', 0, 'networks'),
        ports: listAt(rule, field).map((one) => at(one, variant, ...number)),
      }));
    },
  };
}

function named({ operator, namespaces }: Subject, key: string): Requirement {
  return { key, operator, values: namespaces };
}

/** Addresses with the same ports are one rule. */
function samePorts(endpoints: readonly Ports[]) {
  return [...Map.groupBy(endpoints, ({ ports }) => ports.join()).values()].map((same) => ({
    cidrs: same.map(({ address }) => cidrOf(address)),
    ports: same[0]?.ports ?? [],
  }));
}

/** What an object says, from its parts; undefined where one of them is of another form. */
function said(
  names: Requirement | undefined,
  key: string,
  pods: readonly Requirement[],
  rules: readonly unknown[],
  read: (rule: unknown) => { cidrs: readonly unknown[]; ports: readonly unknown[] },
): ReturnType<Shape['read']> {
  const { operator, values } = names ?? {};
  if (names?.key !== key || (operator !== 'In' && operator !== 'NotIn')) return undefined;
  const endpoints = rules.map(read).flatMap(({ cidrs, ports }) =>
    cidrs.map((cidr) => ({
      address: String(cidr).replace(/\/(32|128)$/, ''),
      ports: ports.filter((port) => typeof port === 'number'),
    })),
  );
  return { subject: { operator, namespaces: values ?? [], pods }, endpoints };
}

/** The conditions of a label selector that `Shape.fill` writes: expressions alone. */
function requirementsIn(selector: unknown): readonly Requirement[] {
  return listAt(selector, 'matchExpressions').filter(
    (one): one is Record<string, unknown> & Requirement =>
      isRecord(one) && typeof one.key === 'string' && typeof one.operator === 'string',
  );
}

/** Conditions in the language of Calico, where a label that is missing is `not in` every set. */
export function selectorText(conditions: readonly Requirement[]): string {
  return conditions.map(conditionText).join(' && ');
}

function conditionText({ key, operator, values }: Requirement): string {
  if (operator === 'Exists') return `has(${key})`;
  if (operator === 'DoesNotExist') return `!has(${key})`;
  const set = (values ?? []).map((value) => `'${value}'`).join(', ');
  return `${key} ${operator === 'In' ? 'in' : 'not in'} {${set}}`;
}

/** The same read back; undefined where it says something else. */
function conditionsOf(text: string): readonly Requirement[] | undefined {
  if (text === '') return [];
  const conditions = text.split(' && ').map((one): Requirement | undefined => {
    const [, key, not, set] = /^([\w./-]+)( not)? in \{(.*)\}$/.exec(one) ?? [];
    if (key !== undefined && set !== undefined) {
      const values = set === '' ? [] : set.split(', ').map((value) => value.slice(1, -1));
      return { key, operator: not === undefined ? 'In' : 'NotIn', values };
    }
    const [, absent, label] = /^(!)?has\(([\w./-]+)\)$/.exec(one) ?? [];
    if (label === undefined) return undefined;
    return { key: label, operator: absent === undefined ? 'Exists' : 'DoesNotExist' };
  });
  return conditions.every((one) => one !== undefined) ? conditions : undefined;
}
