import { at, listAt, type Manifest, stringAt } from '../../src/model/manifest.js';

/** A packet of a pod to an address outside. */
export interface Packet {
  namespace: string;
  labels: Readonly<Record<string, string>>;
  address: string;
  protocol: string;
  port: number;
}

/** What policies of a plugin make of a packet before NetworkPolicies: `next` where they leave it to those. */
export type Verdict = 'denied' | 'allowed' | 'next';

const NAME = 'kubernetes.io/metadata.name';
const ARRAY = (value: unknown) => (Array.isArray(value) ? value : []);

/** A label selector of Kubernetes, as its documentation has it: what is missing is in no set. */
function selects(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  return (
    Object.entries((at(selector, 'matchLabels') ?? {}) as object).every(([key, v]) => labels[key] === v) &&
    ARRAY(at(selector, 'matchExpressions')).every(({ key, operator, values }) => {
      const value = labels[key];
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        default:
          return value === undefined;
      }
    })
  );
}

/** The addresses of these tests are single ones. */
function holds(cidr: unknown, address: string): boolean {
  const [ip, bits] = String(cidr).split('/');
  if (bits !== (ip?.includes(':') ? '128' : '32')) throw new Error(`not a single address: ${cidr}`);
  return ip === address;
}

/**
 * Cilium: a deny goes before every allow. A policy that selects a pod isolates it, unless `enableDefaultDeny` is off
 * (Cilium documentation: deny policies, policy enforcement modes).
 */
export function cilium(policies: readonly Manifest[], packet: Packet): Verdict {
  const labels = { ...packet.labels, 'io.kubernetes.pod.namespace': packet.namespace };
  const mine = policies.filter((policy) => selects(at(policy, 'spec', 'endpointSelector'), labels));
  const deny = mine
    .flatMap((policy) => listAt(policy, 'spec', 'egressDeny'))
    .some(
      (rule) =>
        listAt(rule, 'toCIDR').some((cidr) => holds(cidr, packet.address)) &&
        listAt(rule, 'toPorts').some((ports) =>
          listAt(ports, 'ports').some(
            (one) => at(one, 'port') === String(packet.port) && at(one, 'protocol') === packet.protocol,
          ),
        ),
    );
  if (deny) return 'denied';
  return mine.every((policy) => at(policy, 'spec', 'enableDefaultDeny', 'egress') === false)
    ? 'next'
    : 'denied';
}

/** One condition in the language of Calico's selectors. */
function calicoSelects(text: string, labels: Readonly<Record<string, string>>): boolean {
  return text.split(' && ').every((condition) => {
    const [, absent, only] = /^(!?)has\((.*)\)$/.exec(condition) ?? [];
    if (only !== undefined) return Object.hasOwn(labels, only) === (absent === '');
    const [, key = '', not, set = ''] = /^(\S+)( not)? in \{(.*)\}$/.exec(condition) ?? [];
    if (key === '') throw new Error(`not a condition: ${condition}`);
    const values = [...set.matchAll(/'([^']*)'/g)].map(([, value]) => value);
    return values.includes(labels[key]) !== (not !== undefined);
  });
}

/**
 * Calico: tiers by order, in each the policies that select the pod by order, in each the rules in order; the first that
 * matches decides, `Pass` goes to the next tier, and where none matches the tier's default action, which is a deny unless
 * it says otherwise. NetworkPolicies are the tier `default` of order 1,000,000 (Calico documentation: tiered policy).
 */
export function calico(objects: readonly Manifest[], packet: Packet): Verdict {
  const tiers = objects
    .filter(({ kind }) => kind === 'Tier')
    .toSorted((a, b) => Number(at(a.spec, 'order')) - Number(at(b.spec, 'order')));
  for (const tier of tiers) {
    if (Number(at(tier.spec, 'order')) >= 1_000_000) throw new Error('it comes after NetworkPolicies');
    const mine = objects
      .filter(
        ({ kind, spec }) =>
          kind === 'GlobalNetworkPolicy' &&
          at(spec, 'tier') === tier.metadata.name &&
          listAt(spec, 'types').includes('Egress') &&
          calicoSelects(stringAt(spec, 'namespaceSelector') ?? '', { [NAME]: packet.namespace }) &&
          (at(spec, 'selector') === undefined ||
            calicoSelects(stringAt(spec, 'selector') ?? '', packet.labels)),
      )
      .toSorted((a, b) => Number(at(a.spec, 'order')) - Number(at(b.spec, 'order')));
    if (mine.length === 0) continue;
    const rule = mine
      .flatMap(({ spec }) => listAt(spec, 'egress'))
      .find(
        (one) =>
          at(one, 'protocol') === packet.protocol &&
          listAt(one, 'destination', 'nets').some((net) => holds(net, packet.address)) &&
          listAt(one, 'destination', 'ports').includes(packet.port),
      );
    const action = rule === undefined ? (at(tier.spec, 'defaultAction') ?? 'Deny') : at(rule, 'action');
    if (action === 'Deny') return 'denied';
    if (action === 'Allow') return 'allowed';
  }
  return 'next';
}

const TIERS = ['emergency', 'securityops', 'networkops', 'platform', 'application'];

/**
 * Antrea: in tiers before `baseline` rules decide before NetworkPolicies, the first that matches; nothing is isolated
 * (Antrea documentation: Antrea-native policies).
 */
export function antrea(policies: readonly Manifest[], packet: Packet): Verdict {
  const mine = policies.filter(
    ({ spec }) =>
      TIERS.includes(stringAt(spec, 'tier') ?? 'application') &&
      listAt(spec, 'appliedTo').some(
        (one) =>
          selects(at(one, 'namespaceSelector'), { [NAME]: packet.namespace }) &&
          (at(one, 'podSelector') === undefined || selects(at(one, 'podSelector'), packet.labels)),
      ),
  );
  const rule = mine
    .flatMap(({ spec }) => listAt(spec, 'egress'))
    .find(
      (one) =>
        listAt(one, 'to').some((peer) => holds(at(peer, 'ipBlock', 'cidr'), packet.address)) &&
        listAt(one, 'ports').some(
          (port) => at(port, 'port') === packet.port && at(port, 'protocol') === packet.protocol,
        ),
    );
  const action = at(rule, 'action');
  return action === 'Drop' || action === 'Reject' ? 'denied' : action === 'Allow' ? 'allowed' : 'next';
}
