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
 * @returns undefined for a policy of another form.
 */
export function readCiliumPolicy(manifest: Manifest): Policy | undefined {
  const { spec, metadata } = manifest;
  const off = at(spec, 'enableDefaultDeny');
  if (at(off, 'ingress') !== false || at(off, 'egress') !== false) return undefined;
  if (!hasOnly(spec, ['endpointSelector', 'enableDefaultDeny', 'ingress', 'egress', 'description']))
    return undefined;
  const selector = selectorOf(at(spec, 'endpointSelector'));
  if (selector === undefined) return undefined;
  const namespace = metadata.namespace ?? 'default';
  const rules = (direction: Direction, entities: string) =>
    listAt(spec, direction).flatMap((rule, i) => ruleOf(rule, `${direction}[${i}]`, entities));
  return {
    ref: { ...refOf(manifest), namespace },
    tier: 'NetworkPolicy',
    priority: 0,
    subject: { kind: 'pods', namespace, pods: selector },
    ingress: rules('ingress', 'fromEntities'),
    egress: rules('egress', 'toEntities'),
    addsOnly: true,
  };
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
function ruleOf(raw: unknown, place: string, field: string): Rule[] {
  const portRules = listAt(raw, 'toPorts');
  if (!hasOnly(raw, [field, 'toPorts']) || !portRules.every((one) => hasOnly(one, ['ports']))) return [];
  const ports = portRules.flatMap((one) => listAt(one, 'ports').map(portOf));
  const peers = entitiesOf(listAt(raw, field)).map((name) => ({ kind: 'entity' as const, name }));
  if (peers.length === 0 || !ports.every((port) => port !== undefined)) return [];
  return [{ place, action: 'Allow', peers, ports: ports.length === 0 ? 'any' : ports }];
}

/** The nodes are the pod's own (`host`) and all others (`remote-node`); one of the two is not all of them. */
function entitiesOf(names: readonly unknown[]): readonly Entity[] {
  return [
    ...(names.includes('kube-apiserver') ? (['kube-apiserver'] as const) : []),
    ...(names.includes('host') && names.includes('remote-node') ? (['nodes'] as const) : []),
  ];
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
