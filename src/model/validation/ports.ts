import { at, listAt, stringAt } from '../manifest.js';
import { validateLabels } from './labels.js';
import { dnsLabel, dnsSubdomain, isPort, PROTOCOLS, type Problems, portName } from './rules.js';

const RANGE = 'must be between 1 and 65535, inclusive';
const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];

/** Source: the parts of `ValidateService` of k8s.io/kubernetes pkg/apis/core/validation that speak of name, type, selector and ports. */
export function validateService(object: Record<string, unknown>, problems: Problems): void {
  const spec = at(object, 'spec');
  validateLabels(at(spec, 'selector'), 'spec.selector', problems);
  const type = at(spec, 'type') ?? 'ClusterIP';
  if (!TYPES.includes(String(type))) problems.unsupported('spec.type', type, TYPES);
  const ports = listAt(spec, 'ports');
  if (ports.length === 0 && type !== 'ExternalName' && stringAt(spec, 'clusterIP') !== 'None')
    problems.required('spec.ports');
  if (type === 'ExternalName') validateExternalName(at(spec, 'externalName'), problems);
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const here = `spec.ports[${index}]`;
    const name = stringAt(port, 'name') ?? '';
    if (name === '' && ports.length > 1) problems.required(`${here}.name`);
    else if (name !== '' && names.has(name)) problems.duplicate(`${here}.name`, name);
    if (name !== '') for (const why of dnsLabel(name)) problems.invalid(`${here}.name`, name, why);
    names.add(name);
    const number = at(port, 'port');
    validateNumber(number ?? 0, `${here}.port`, problems);
    const protocol = validateProtocol(port, here, problems);
    const key = `${protocol} ${String(number)}`;
    if (numbers.has(key)) problems.duplicate(here, { protocol, port: number });
    numbers.add(key);
    // Nothing and 0 are the Service's own port.
    const target = at(port, 'targetPort') || number;
    if (target !== number) validateNumberOrName(target, `${here}.targetPort`, problems);
  }
}

function validateExternalName(name: unknown, problems: Problems): void {
  if (typeof name !== 'string' || name === '') problems.required('spec.externalName');
  else
    for (const why of dnsSubdomain(name.replace(/\.$/, ''))) problems.invalid('spec.externalName', name, why);
}

/** Source: `validateContainerPorts`. */
export function validateContainerPorts(container: unknown, field: string, problems: Problems): void {
  const names = new Set<string>();
  for (const [index, port] of listAt(container, 'ports').entries()) {
    const here = `${field}.ports[${index}]`;
    const number = at(port, 'containerPort');
    if (number === undefined || number === null) problems.required(`${here}.containerPort`);
    else validateNumber(number, `${here}.containerPort`, problems);
    const host = at(port, 'hostPort');
    if (host !== undefined && host !== null && host !== 0) validateNumber(host, `${here}.hostPort`, problems);
    validateProtocol(port, here, problems);
    const name = at(port, 'name');
    if (name === undefined || name === null || name === '') continue;
    if (typeof name !== 'string') problems.invalid(`${here}.name`, name, 'must be text (quote it in YAML)');
    else for (const why of portName(name)) problems.invalid(`${here}.name`, name, why);
    if (names.has(String(name))) problems.duplicate(`${here}.name`, name);
    names.add(String(name));
  }
}

/** Ports of the Services that an Ingress of networking.k8s.io/v1 leads to. Source: `validateIngressBackend`. */
export function validateIngress(object: Record<string, unknown>, problems: Problems): void {
  const spec = at(object, 'spec');
  validateBackend(at(spec, 'defaultBackend'), 'spec.defaultBackend', problems);
  for (const [r, rule] of listAt(spec, 'rules').entries())
    for (const [p, path] of listAt(rule, 'http', 'paths').entries())
      validateBackend(at(path, 'backend'), `spec.rules[${r}].http.paths[${p}].backend`, problems);
}

function validateBackend(backend: unknown, field: string, problems: Problems): void {
  const port = at(backend, 'service', 'port');
  const number = at(port, 'number');
  const name = at(port, 'name');
  if (number !== undefined && number !== null && number !== 0)
    validateNumber(number, `${field}.service.port.number`, problems);
  if (typeof name === 'string' && name !== '')
    for (const why of portName(name)) problems.invalid(`${field}.service.port.name`, name, why);
}

function validateNumberOrName(value: unknown, field: string, problems: Problems): void {
  if (typeof value !== 'string') validateNumber(value, field, problems);
  else for (const why of portName(value)) problems.invalid(field, value, why);
}

function validateNumber(value: unknown, field: string, problems: Problems): void {
  if (typeof value === 'string') problems.invalid(field, value, 'must be a number, without quotes');
  else if (!isPort(value)) problems.invalid(field, value, RANGE);
}

/** The protocol of a port, TCP where none is said. */
function validateProtocol(port: unknown, field: string, problems: Problems): unknown {
  const protocol = at(port, 'protocol') ?? 'TCP';
  if (!PROTOCOLS.includes(String(protocol))) problems.unsupported(`${field}.protocol`, protocol, PROTOCOLS);
  return protocol;
}
