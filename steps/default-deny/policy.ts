import type { DnsFacts, DnsService } from '../../src/model/dns.js';
import { at, isRecord, listAt, type Manifest } from '../../src/model/manifest.js';
import { isOurs, ourLabels } from '../../src/model/ours.js';
import { canonical } from '../../src/model/plan.js';
import { TemplateError, type Templates, template } from '../../src/model/template.js';
import { complement, type Requirement } from './complement.js';
import { refuseOpening } from './opening.js';
import { policyTypes } from './pretences.js';
import { DENY, OURS, SAME_NAMESPACE } from './state.js';

export const NAME_LABEL = 'kubernetes.io/metadata.name';

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

export interface Policies {
  /** In the order in which they are written: what allows first, the deny last; each is complete in itself. */
  manifests: readonly Manifest[];
  /** Traffic inside the namespace could not be kept to the pods that have it today: others gain it too. */
  widens: boolean;
}

const OWN_NAMESPACE = { podSelector: {} };

/**
 * The policies that close a namespace: one that selects every pod, with what must stay open in the same object, DNS and
 * if asked for traffic inside the namespace. Where policies of others narrow some pods already, that traffic is allowed
 * only to the pods that they leave out, by policies of their own: what was closed stays closed.
 * @throws TemplateError where a template is of another shape.
 */
export function denyPolicies(input: PolicyInput, templates: Templates): Policies {
  const { close, existing } = input;
  const inside = input.sameNamespace
    ? {
        ingress: outsideOf(existing, 'ingress', close.ingress),
        egress: outsideOf(existing, 'egress', close.egress),
      }
    : { ingress: [], egress: [] };
  const everywhere = (direction: keyof Closing) => inside[direction] === 'everything';
  const deny = filled('default-deny/networkpolicy.yaml', templates, input, DENY, {
    selector: {},
    close,
    inside: { ingress: everywhere('ingress'), egress: everywhere('egress') },
  });
  const parts = [...groups(inside)].map(([selector, directions]) =>
    filled('default-deny/same-namespace.yaml', templates, input, SAME_NAMESPACE, {
      selector: { matchExpressions: JSON.parse(selector) as Requirement[] },
      close: directions,
      inside: directions,
    }),
  );
  return {
    manifests: [...named(parts, existing, SAME_NAMESPACE), ...named([deny], existing, DENY)],
    widens: (['ingress', 'egress'] as const).some((d) => everywhere(d) && narrowing(existing, d).length > 0),
  };
}

/** Policies of others that cover a direction. */
function narrowing(existing: readonly Manifest[], direction: keyof Closing): readonly Manifest[] {
  return existing.filter(
    (policy) =>
      !OURS.some((component) => isOurs(policy, component)) && policyTypes(policy).includes(direction),
  );
}

/** The pods that no policy of others narrows in a direction, as selectors; `everything` where one object can say it. */
function outsideOf(
  existing: readonly Manifest[],
  direction: keyof Closing,
  closes: boolean,
): 'everything' | readonly (readonly Requirement[])[] {
  const others = narrowing(existing, direction);
  if (!closes) return [];
  if (others.length === 0) return 'everything';
  return complement(others.map((policy) => at(policy, 'spec', 'podSelector'))) ?? 'everything';
}

/** Directions by selector: pods that are left out in both directions get one policy. */
function groups(
  inside: Record<keyof Closing, 'everything' | readonly (readonly Requirement[])[]>,
): ReadonlyMap<string, Closing> {
  const out = new Map<string, Closing>();
  for (const direction of ['ingress', 'egress'] as const) {
    const terms = inside[direction];
    if (terms === 'everything') continue;
    for (const term of terms) {
      const key = canonical(term);
      out.set(key, { ...(out.get(key) ?? { ingress: false, egress: false }), [direction]: true });
    }
  }
  return out;
}

interface Filling {
  selector: Readonly<Record<string, unknown>>;
  close: Closing;
  /** Directions in which traffic inside the namespace is allowed. */
  inside: Closing;
}

/** A template filled in; rules that it holds are kept. */
function filled(
  path: string,
  templates: Templates,
  input: PolicyInput,
  component: string,
  { selector, close, inside }: Filling,
): Manifest {
  const found = template(templates, path);
  const spec = isRecord(found.spec) ? found.spec : {};
  if (
    found.kind !== 'NetworkPolicy' ||
    !isRecord(spec.podSelector) ||
    Object.keys(spec.podSelector).length > 0
  )
    throw new TemplateError(`templates/${path}: expected a NetworkPolicy with spec.podSelector: {}`);
  refuseOpening(path, spec);
  const ingress = [...listAt(spec, 'ingress'), ...(inside.ingress ? [{ from: [OWN_NAMESPACE] }] : [])];
  const egress = [
    ...listAt(spec, 'egress'),
    ...(inside.egress ? [{ to: [OWN_NAMESPACE] }] : []),
    ...dnsRules(input.dns, input.nameservers),
  ];
  return {
    ...found,
    metadata: {
      ...found.metadata,
      namespace: input.namespace,
      labels: { ...found.metadata.labels, ...ourLabels(component) },
    },
    spec: {
      podSelector: selector,
      policyTypes: [...(close.ingress ? ['Ingress'] : []), ...(close.egress ? ['Egress'] : [])],
      ...(close.ingress && ingress.length > 0 ? { ingress } : {}),
      ...(close.egress && egress.length > 0 ? { egress } : {}),
    },
  };
}

/** The policies that earlier runs of this step left, sorted by name. */
export function ourPolicies(existing: readonly Manifest[], component: string): readonly Manifest[] {
  return existing
    .filter((policy) => isOurs(policy, component))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** Our own policies keep their names; one of the wanted name that is not ours is never touched: ours is called otherwise. */
function named(
  manifests: readonly Manifest[],
  existing: readonly Manifest[],
  component: string,
): readonly Manifest[] {
  const known = ourPolicies(existing, component).map(({ metadata }) => metadata.name);
  const taken = new Set(existing.map(({ metadata }) => metadata.name));
  return manifests.map((manifest, index) => {
    const name = known[index] ?? freeName(manifest.metadata.name, taken);
    taken.add(name);
    return { ...manifest, metadata: { ...manifest.metadata, name } };
  });
}

/** The name, or the name with our own before it, or that with a number. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  const ours = `kubectl-harden-${wanted}`;
  const free = [wanted, ours].find((name) => !taken.has(name));
  if (free !== undefined) return free;
  let n = 2;
  while (taken.has(`${ours}-${n}`)) n++;
  return `${ours}-${n}`;
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
function ipBlock(address: string): { ipBlock: { cidr: string } } {
  return { ipBlock: { cidr: `${address}/${address.includes(':') ? 128 : 32}` } };
}
