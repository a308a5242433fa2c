import ipaddr from 'ipaddr.js';
import { at, listAt, stringAt } from '../../model/manifest.js';
import { validateSelector } from '../../model/validation/labels.js';
import { isPort, PROTOCOLS, type Problems, portName } from '../../model/validation/rules.js';

const TYPES = ['Ingress', 'Egress'];

/** Source: `ValidateNetworkPolicySpec` of k8s.io/kubernetes pkg/apis/networking/validation. */
export function validateNetworkPolicy(object: Record<string, unknown>, problems: Problems): void {
  validateSelector(at(object, 'spec', 'podSelector'), 'spec.podSelector', problems);
  for (const [direction, peers] of [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const)
    for (const [index, rule] of listAt(object, 'spec', direction).entries()) {
      const here = `spec.${direction}[${index}]`;
      for (const [i, port] of listAt(rule, 'ports').entries())
        validatePort(port, `${here}.ports[${i}]`, problems);
      for (const [i, peer] of listAt(rule, peers).entries())
        validatePeer(peer, `${here}.${peers}[${i}]`, problems);
    }
  const types = listAt(object, 'spec', 'policyTypes');
  if (types.length > 2) {
    problems.invalid('spec.policyTypes', types, 'may not specify more than two policyTypes');
    return;
  }
  for (const [index, type] of types.entries())
    if (!TYPES.includes(String(type))) problems.unsupported(`spec.policyTypes[${index}]`, type, TYPES);
}

function validatePort(item: unknown, field: string, problems: Problems): void {
  const protocol = stringAt(item, 'protocol') ?? '';
  if (!PROTOCOLS.includes(protocol)) problems.unsupported(`${field}.protocol`, protocol, PROTOCOLS);
  const port = at(item, 'port');
  const end = at(item, 'endPort');
  if (typeof port === 'number') {
    if (!isPort(port)) problems.invalid(`${field}.port`, port, 'must be between 1 and 65535, inclusive');
    if (end !== undefined) {
      if (typeof end === 'number' && end < port)
        problems.invalid(`${field}.endPort`, end, 'must be greater than or equal to `port`');
      if (!isPort(end)) problems.invalid(`${field}.endPort`, end, 'must be between 1 and 65535, inclusive');
    }
    return;
  }
  if (typeof port === 'string') {
    if (end !== undefined)
      problems.invalid(`${field}.endPort`, end, 'may not be specified when `port` is non-numeric');
    for (const why of portName(port)) problems.invalid(`${field}.port`, port, why);
  } else if (end !== undefined)
    problems.invalid(`${field}.endPort`, end, 'may not be specified when `port` is not specified');
}

function validatePeer(peer: unknown, field: string, problems: Problems): void {
  let given = 0;
  for (const name of ['podSelector', 'namespaceSelector']) {
    const selector = at(peer, name);
    if (selector === undefined) continue;
    given += 1;
    validateSelector(selector, `${field}.${name}`, problems);
  }
  const block = at(peer, 'ipBlock');
  if (block !== undefined) {
    given += 1;
    validateBlock(block, `${field}.ipBlock`, problems);
  }
  if (given === 0) problems.required(field, 'must specify a peer');
  else if (given > 1 && block !== undefined)
    problems.forbidden(field, 'may not specify both ipBlock and another peer');
}

function validateBlock(block: unknown, field: string, problems: Problems): void {
  const cidr = stringAt(block, 'cidr') ?? '';
  if (cidr === '') {
    problems.required(`${field}.cidr`);
    return;
  }
  const range = parse(cidr);
  if (range === undefined) {
    problems.invalid(
      `${field}.cidr`,
      cidr,
      'must be a valid CIDR address, e.g. 10.9.8.0/24 or 2001:db8::/64',
    );
    return;
  }
  for (const [index, except] of listAt(block, 'except').entries()) {
    const here = `${field}.except[${index}]`;
    const inner = parse(String(except));
    if (inner === undefined) {
      problems.invalid(here, except, 'must be a valid CIDR address, e.g. 10.9.8.0/24 or 2001:db8::/64');
      return;
    }
    const within = inner[0].kind() === range[0].kind() && inner[0].match(range) && inner[1] > range[1];
    if (!within) problems.invalid(here, except, 'must be a strict subset of `cidr`');
  }
}

function parse(cidr: string): [ipaddr.IPv4 | ipaddr.IPv6, number] | undefined {
  try {
    return /^[0-9a-fA-F.:]+\/\d+$/.test(cidr) ? ipaddr.parseCIDR(cidr) : undefined;
  } catch {
    return undefined;
  }
}
