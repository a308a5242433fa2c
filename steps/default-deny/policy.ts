import { OBSERVED } from '../../src/declared/index.js';
import type { DnsFacts, DnsService } from '../../src/model/dns.js';
import { at, isRecord, listAt, type Manifest } from '../../src/model/manifest.js';
import { isOurs, ourLabels } from '../../src/model/ours.js';
import { canonical } from '../../src/model/plan.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { TemplateError, type Templates, template } from '../../src/model/template.js';
import { complement, type Requirement } from './complement.js';
import { refuseOpening } from './opening.js';
import { outsideRules } from './outside.js';
import { policyTypes } from './pretences.js';
import type { PodSelector } from './selectors.js';
import { DENY, NAME_LABEL, OURS, SAME_NAMESPACE, WORKLOAD } from './state.js';
import type { WorkloadAllows } from './workloads.js';

export interface Closing {
  ingress: boolean;
  egress: boolean;
}

export interface PolicyInput {
  namespace: string;
  /** Directions to close; at least one. */
  close: Closing;
  /** All traffic inside the namespace stays open. */
  sameNamespace: boolean;
  /** Addresses outside of the cluster stay open, metadata excepted. */
  outside: boolean;
  workloads: readonly WorkloadAllows[];
  now: Snapshot;
  dns: DnsFacts;
  /** Name servers that pods of the namespace ask by their own configuration. */
  nameservers: readonly string[];
  /** NetworkPolicies of the namespace. */
  existing: readonly Manifest[];
}

export interface Policies {
  /** One for each workload that ours decide about; written before all others. */
  workloads: readonly Manifest[];
  /** In the order in which they are written: what allows first, the deny last; each is complete in itself. */
  manifests: readonly Manifest[];
  /** Traffic inside the namespace could not be kept to the pods that have it today: others gain it too. */
  widens: boolean;
}

const OWN_NAMESPACE = { podSelector: {} };

/**
 * The policies that close a namespace: for each workload one that holds all that it needs, then one that selects every
 * pod, with what stays open for all in the same object: DNS, and if asked for traffic inside the namespace and to the
 * outside. Where policies of others narrow some pods already, these two are allowed only to the pods that they leave
 * out, by policies of their own: what was closed stays closed.
 * @throws TemplateError where a template is of another shape.
 */
export function denyPolicies(input: PolicyInput, templates: Templates): Policies {
  const { close, existing, outside, sameNamespace } = input;
  const free = {
    ingress: outsideOf(existing, 'ingress', close.ingress),
    egress: outsideOf(existing, 'egress', close.egress),
  };
  const whole = (direction: keyof Closing) =>
    free[direction] === 'everything' || free[direction] === 'unknown';
  const inside = (direction: keyof Closing) => sameNamespace && close[direction];
  const deny = filled('default-deny/networkpolicy.yaml', templates, input, DENY, {
    selector: {},
    close,
    ingress: inside('ingress') && whole('ingress') ? [{ from: [OWN_NAMESPACE] }] : [],
    egress: [
      ...(inside('egress') && whole('egress') ? [{ to: [OWN_NAMESPACE] }] : []),
      ...(outside && free.egress === 'everything' ? outsideRules(input.now) : []),
    ],
  });
  const parts = [...groups(free, { ingress: sameNamespace, egress: sameNamespace || outside })].map(
    ([selector, directions]) =>
      filled('default-deny/same-namespace.yaml', templates, input, SAME_NAMESPACE, {
        selector: { matchExpressions: JSON.parse(selector) as Requirement[] },
        close: directions,
        ...generalRules(input),
      }),
  );
  const workloads = input.workloads.map((workload) => {
    const general = generalRules(input);
    const manifest = filled('default-deny/workload.yaml', templates, input, WORKLOAD, {
      selector: workload.selector,
      close: workload.close,
      ingress: [...general.ingress, ...workload.ingress],
      egress: [...general.egress, ...workload.egress],
    });
    return asWorkload(manifest, workload, existing);
  });
  return {
    workloads,
    manifests: [...named(parts, existing, SAME_NAMESPACE), ...named([deny], existing, DENY)],
    widens: sameNamespace && (['ingress', 'egress'] as const).some((d) => free[d] === 'unknown'),
  };
}

/** A filled policy as that of a workload: with its name, and what only a flow log showed noted for the next run. */
export function asWorkload(
  manifest: Manifest,
  { name: wanted, note }: Pick<WorkloadAllows, 'name' | 'note'>,
  existing: readonly Manifest[],
): Manifest {
  const name = ourName(wanted, existing, WORKLOAD);
  const annotations = {
    ...manifest.metadata.annotations,
    ...(note === undefined ? {} : { [OBSERVED]: note }),
  };
  const annotated = Object.keys(annotations).length === 0 ? {} : { annotations };
  return { ...manifest, metadata: { ...manifest.metadata, name, ...annotated } };
}

/** What stays open for every pod that no policy of others narrows. */
function generalRules({ sameNamespace, outside, now }: PolicyInput): Rules {
  return {
    ingress: sameNamespace ? [{ from: [OWN_NAMESPACE] }] : [],
    egress: [...(sameNamespace ? [{ to: [OWN_NAMESPACE] }] : []), ...(outside ? outsideRules(now) : [])],
  };
}

/** Our policy of this name keeps it; one of somebody else is never touched: ours is called otherwise. */
export function ourName(wanted: string, existing: readonly Manifest[], component: string): string {
  const foreign = existing.filter((policy) => !isOurs(policy, component));
  return freeName(wanted, new Set(foreign.map(({ metadata }) => metadata.name)));
}

/** Policies of others that cover a direction. */
function narrowing(existing: readonly Manifest[], direction: keyof Closing): readonly Manifest[] {
  return existing.filter(
    (policy) =>
      !OURS.some((component) => isOurs(policy, component)) && policyTypes(policy).includes(direction),
  );
}

/** `everything`: every pod. `unknown`: too many selectors would be needed to say which. */
export type Free = 'everything' | 'unknown' | readonly (readonly Requirement[])[];

/** The pods that no policy of others narrows in a direction, as selectors. */
export function outsideOf(existing: readonly Manifest[], direction: keyof Closing, closes: boolean): Free {
  const others = narrowing(existing, direction);
  if (!closes) return [];
  if (others.length === 0) return 'everything';
  return complement(others.map((policy) => at(policy, 'spec', 'podSelector'))) ?? 'unknown';
}

/** Directions by selector: pods that are left out in both directions get one policy. */
function groups(free: Record<keyof Closing, Free>, wanted: Closing): ReadonlyMap<string, Closing> {
  const out = new Map<string, Closing>();
  for (const direction of ['ingress', 'egress'] as const) {
    const terms = free[direction];
    if (!wanted[direction] || typeof terms === 'string') continue;
    for (const term of terms) {
      const key = canonical(term);
      out.set(key, { ...(out.get(key) ?? { ingress: false, egress: false }), [direction]: true });
    }
  }
  return out;
}

interface Rules {
  ingress: readonly unknown[];
  egress: readonly unknown[];
}

interface Filling extends Rules {
  selector: PodSelector;
  close: Closing;
}

/**
 * A template filled in; rules that it holds are kept.
 * @param refuse throws where the template's own rules would close nothing
 * @throws TemplateError where the template is missing or of another shape
 */
export function filled(
  path: string,
  templates: Templates,
  input: Pick<PolicyInput, 'namespace' | 'dns' | 'nameservers'>,
  component: string,
  { selector, close, ...rules }: Filling,
  refuse: typeof refuseOpening = refuseOpening,
): Manifest {
  const found = template(templates, path);
  const spec = isRecord(found.spec) ? found.spec : {};
  if (
    found.kind !== 'NetworkPolicy' ||
    !isRecord(spec.podSelector) ||
    Object.keys(spec.podSelector).length > 0
  )
    throw new TemplateError(`templates/${path}: expected a NetworkPolicy with spec.podSelector: {}`);
  refuse(path, spec);
  const ingress = [...listAt(spec, 'ingress'), ...rules.ingress];
  const egress = [...listAt(spec, 'egress'), ...rules.egress, ...dnsRules(input.dns, input.nameservers)];
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
export function named(
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
