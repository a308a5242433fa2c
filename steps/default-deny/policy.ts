import type { DnsFacts, DnsService } from '../../src/model/dns.js';
import { isRecord, listAt, type Manifest } from '../../src/model/manifest.js';
import { isOurs, ourLabels } from '../../src/model/ours.js';
import { canonical } from '../../src/model/plan.js';
import { TemplateError, type Templates, template } from '../../src/model/template.js';

export const NAME_LABEL = 'kubernetes.io/metadata.name';
const TEMPLATE = 'default-deny/networkpolicy.yaml';
const COMPONENT = 'default-deny';

export interface Closing {
  ingress: boolean;
  egress: boolean;
}

export interface PolicyInput {
  namespace: string;
  /** Directions to close; at least one. */
  close: Closing;
  sameNamespace: boolean;
  dns: DnsFacts;
  /** Name servers that pods of the namespace ask by their own configuration. */
  nameservers: readonly string[];
  /** NetworkPolicies of the namespace. */
  existing: readonly Manifest[];
}

/**
 * One policy that selects every pod of a namespace and closes it, with what must stay open in the same object: DNS and,
 * if asked for, traffic inside the namespace. Written by itself it cuts nothing that it allows.
 * @throws TemplateError where the template selects less than every pod.
 */
export function denyPolicy(input: PolicyInput, templates: Templates): Manifest {
  const filled = template(templates, TEMPLATE);
  const spec = isRecord(filled.spec) ? filled.spec : {};
  if (
    filled.kind !== 'NetworkPolicy' ||
    !isRecord(spec.podSelector) ||
    Object.keys(spec.podSelector).length > 0
  )
    throw new TemplateError(`templates/${TEMPLATE}: expected a NetworkPolicy with spec.podSelector: {}`);
  const { close, sameNamespace } = input;
  const own = { podSelector: {} };
  const ingress = [...listAt(spec, 'ingress'), ...(sameNamespace ? [{ from: [own] }] : [])];
  const egress = [
    ...listAt(spec, 'egress'),
    ...(sameNamespace ? [{ to: [own] }] : []),
    ...dnsRules(input.dns, input.nameservers),
  ];
  return {
    ...filled,
    metadata: {
      ...filled.metadata,
      name: nameFor(filled.metadata.name, input.existing),
      namespace: input.namespace,
      labels: { ...filled.metadata.labels, ...ourLabels(COMPONENT) },
    },
    spec: {
      podSelector: {},
      policyTypes: [...(close.ingress ? ['Ingress'] : []), ...(close.egress ? ['Egress'] : [])],
      ...(close.ingress && ingress.length > 0 ? { ingress } : {}),
      ...(close.egress && egress.length > 0 ? { egress } : {}),
    },
  };
}

/** The policy that an earlier run of this step left in the namespace. */
export function ourPolicy(existing: readonly Manifest[]): Manifest | undefined {
  return existing
    .filter((policy) => isOurs(policy, COMPONENT))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))[0];
}

/** Our own policy keeps its name; one of the same name that is not ours is never touched: then another name is used. */
function nameFor(wanted: string, existing: readonly Manifest[]): string {
  const ours = ourPolicy(existing);
  if (ours !== undefined) return ours.metadata.name;
  const taken = new Set(existing.map(({ metadata }) => metadata.name));
  if (!taken.has(wanted)) return wanted;
  const base = `kubectl-harden-${wanted}`;
  if (!taken.has(base)) return base;
  for (let n = 2; n <= taken.size + 2; n++) if (!taken.has(`${base}-${n}`)) return `${base}-${n}`;
  return base;
}

/** Egress rules for DNS: by pod labels and the pods' own port; by address where no selector can match. */
function dnsRules(dns: DnsFacts, nameservers: readonly string[]): readonly unknown[] {
  const byPods = dns.services.map((service) => ({
    to: [
      {
        namespaceSelector: { matchLabels: { [NAME_LABEL]: service.ref.namespace ?? '' } },
        podSelector: { matchLabels: { ...service.podLabels } },
      },
      ...service.hostAddresses.map(ipBlock),
    ],
    ports: service.ports.map(({ protocol, port }) => ({ protocol, port })),
  }));
  const addresses = new Set([
    ...(dns.nodeLocal === undefined ? [] : [...dns.nodeLocal.addresses, ...serviceAddresses(dns.services)]),
    ...nameservers,
  ]);
  const byAddress = {
    to: [...addresses].sort().map(ipBlock),
    ports: [
      { protocol: 'UDP', port: 53 },
      { protocol: 'TCP', port: 53 },
    ],
  };
  const rules = addresses.size > 0 ? [...byPods, byAddress] : byPods;
  return [...new Map(rules.map((rule) => [canonical(rule), rule])).values()];
}

function serviceAddresses(services: readonly DnsService[]): readonly string[] {
  return services.flatMap((service) => service.clusterIPs);
}

/** One address as an `ipBlock`. */
export function ipBlock(address: string): { ipBlock: { cidr: string } } {
  return { ipBlock: { cidr: `${address}/${address.includes(':') ? 128 : 32}` } };
}
