import { at, groupOf, isRecord, listAt, type Manifest, refOf, stringAt } from '../model/manifest.js';
import type { Direction, Entity, Policy, Port, Rule } from './policy.js';
import { InvalidField, parseSelector, type Selector } from './selector.js';

/** Labels of Kubernetes, as Cilium's selectors name them beside those of other sources. */
export const K8S_LABEL = 'k8s:';

export function isCiliumPolicy({ apiVersion, kind }: Manifest): boolean {
  return kind === 'CiliumNetworkPolicy' && groupOf(apiVersion) === 'cilium.io';
}

/**
 * Reads a CiliumNetworkPolicy of the one form that only adds to NetworkPolicies: it isolates nothing
 * (`enableDefaultDeny` off, Cilium 1.16), denies nothing, and each rule names entities and plain ports. Of any other
 * form nothing counts as allowed. Source: Cilium documentation, Layer 3 policies (entities) and policy enforcement modes.
 * @returns undefined for a policy of another form; `unread`: rules of which more is allowed than is known, by their place
 */
export function readCiliumPolicy(
  manifest: Manifest,
): { policy: Policy; unread: readonly string[] } | undefined {
  const { spec, metadata } = manifest;
  const off = at(spec, 'enableDefaultDeny');
  if (at(off, 'ingress') !== false || at(off, 'egress') !== false) return undefined;
  if (!hasOnly(spec, ['endpointSelector', 'enableDefaultDeny', 'ingress', 'egress', 'description']))
    return undefined;
  const selector = selectorOf(at(spec, 'endpointSelector'));
  if (selector === undefined) return undefined;
  const namespace = metadata.namespace ?? 'default';
  const unread: string[] = [];
  const rules = (direction: Direction, entities: string) =>
    listAt(spec, direction).flatMap((raw, i) => {
      const place = `${direction}[${i}]`;
      const { rule, whole } = ruleOf(raw, place, entities);
      if (!whole) unread.push(place);
      return rule;
    });
  const policy: Policy = {
    ref: { ...refOf(manifest), namespace },
    tier: 'NetworkPolicy',
    priority: 0,
    subject: { kind: 'pods', namespace, pods: selector },
    ingress: rules('ingress', 'fromEntities'),
    egress: rules('egress', 'toEntities'),
    addsOnly: true,
  };
  return { policy, unread };
}

/** The selector over labels of Kubernetes; undefined where it asks for labels of another source. */
function selectorOf(raw: unknown): Selector | undefined {
  if (!isRecord(raw)) return undefined;
  const bare = (key: string) => (key.startsWith(K8S_LABEL) ? key.slice(K8S_LABEL.length) : key);
  const labels = isRecord(raw.matchLabels) ? raw.matchLabels : {};
  const selector = {
    matchLabels: Object.fromEntries(Object.entries(labels).map(([key, value]) => [bare(key), value])),
    matchExpressions: listAt(raw, 'matchExpressions').map((one) =>
      isRecord(one) ? { ...one, key: bare(stringAt(one, 'key') ?? '') } : one,
    ),
  };
  try {
    return parseSelector(selector, 'spec.endpointSelector');
  } catch (error) {
    if (error instanceof InvalidField) return undefined;
    throw error;
  }
}

/** A rule of entities and plain ports; none where it says more than that, since more would narrow it. */
function ruleOf(raw: unknown, place: string, field: string): { rule: readonly Rule[]; whole: boolean } {
  const none = { rule: [], whole: false };
  const portRules = listAt(raw, 'toPorts');
  if (!hasOnly(raw, [field, 'toPorts']) || !portRules.every((one) => hasOnly(one, ['ports']))) return none;
  const ports = portRules.flatMap((one) => listAt(one, 'ports').map(portOf));
  const names = listAt(raw, field);
  const peers = entitiesOf(names).map((name) => ({ kind: 'entity' as const, name }));
  if (peers.length === 0 || !ports.every((port) => port !== undefined)) return none;
  const read = peers.flatMap(({ name }) => NAMES[name]);
  return {
    rule: [{ place, action: 'Allow', peers, ports: ports.length === 0 ? 'any' : ports }],
    whole: names.every((name) => read.some((known) => known === name)),
  };
}

/** Cilium's names: the nodes are the pod's own and all others; one of the two is not all of them. */
const NAMES: Readonly<Record<Entity, readonly string[]>> = {
  'kube-apiserver': ['kube-apiserver'],
  nodes: ['host', 'remote-node'],
};

function entitiesOf(names: readonly unknown[]): readonly Entity[] {
  return (['kube-apiserver', 'nodes'] as const).filter((entity) =>
    NAMES[entity].every((name) => names.includes(name)),
  );
}

/** Port 0 stands for every port of the protocol. */
function portOf(raw: unknown): Port | undefined {
  const [text, protocol] = [stringAt(raw, 'port') ?? '', stringAt(raw, 'protocol')];
  const port = Number(text);
  const known = protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP';
  if (!known || !hasOnly(raw, ['port', 'protocol']) || !/^\d{1,5}$/.test(text) || port > 65_535)
    return undefined;
  return port === 0
    ? { kind: 'range', protocol, from: 1, to: 65_535 }
    : { kind: 'range', protocol, from: port, to: port };
}

function hasOnly(value: unknown, fields: readonly string[]): boolean {
  return isRecord(value) && Object.keys(value).every((key) => fields.includes(key));
}
