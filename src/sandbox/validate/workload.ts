import { at, isRecord, listAt, stringAt } from '../../model/manifest.js';
import { validateLabels, validateSelector } from '../../model/validation/labels.js';
import { validateContainerPorts } from '../../model/validation/ports.js';
import { configKey, dnsLabel, isPort, type Problems, portName } from '../../model/validation/rules.js';
import { nanoOf } from '../quantity.js';

/** Keys and required content of Secrets and ConfigMaps. Source: `ValidateSecret`, `ValidateConfigMap`. */
export function validateContent(object: Record<string, unknown>, problems: Problems): void {
  for (const field of ['data', 'binaryData']) {
    const data = object[field];
    if (!isRecord(data)) continue;
    for (const key of Object.keys(data))
      for (const why of configKey(key)) problems.invalid(`${field}[${key}]`, key, why);
  }
  for (const key of REQUIRED_KEYS[String(object.type)] ?? [])
    if (at(object, 'data', key) === undefined) problems.required(`data[${key}]`);
}

const REQUIRED_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
};

/** A workload's selector and pod template, as far as a plan can get them wrong. */
export function validateWorkload(object: Record<string, unknown>, problems: Problems): void {
  const selector = at(object, 'spec', 'selector');
  validateSelector(selector, 'spec.selector', problems);
  const labels = at(object, 'spec', 'template', 'metadata', 'labels');
  validateLabels(labels, 'spec.template.metadata.labels', problems);
  const wanted = at(selector, 'matchLabels');
  const empty = !isRecord(wanted) && listAt(selector, 'matchExpressions').length === 0;
  if (!isRecord(selector)) problems.required('spec.selector');
  else if (empty) problems.invalid('spec.selector', selector, 'empty selector is invalid for deployment');
  const matches =
    isRecord(wanted) && Object.entries(wanted).every(([key, value]) => at(labels, key) === value);
  if (!isRecord(selector) || (isRecord(wanted) && !matches))
    problems.invalid(
      'spec.template.metadata.labels',
      labels ?? null,
      '`selector` does not match template `labels`',
    );
  const strategy = at(object, 'spec', 'strategy');
  if (stringAt(strategy, 'type') === 'Recreate' && at(strategy, 'rollingUpdate') !== undefined)
    problems.forbidden(
      'spec.strategy.rollingUpdate',
      "may not be specified when strategy `type` is 'Recreate'",
    );
  const replicas = at(object, 'spec', 'replicas');
  if (typeof replicas === 'number' && replicas < 0)
    problems.invalid('spec.replicas', replicas, 'must be greater than or equal to 0');
  validatePodSpec(at(object, 'spec', 'template', 'spec'), 'spec.template.spec', problems);
}

/** Source: the parts of `ValidatePodSpec` that speak of containers, their ports and resources. */
export function validatePodSpec(spec: unknown, field: string, problems: Problems): void {
  const containers = listAt(spec, 'containers');
  if (containers.length === 0) problems.required(`${field}.containers`);
  const names = new Set<string>();
  for (const list of ['initContainers', 'containers'])
    for (const [index, container] of listAt(spec, list).entries()) {
      const here = `${field}.${list}[${index}]`;
      const name = stringAt(container, 'name') ?? '';
      if (name === '') problems.required(`${here}.name`);
      else {
        for (const why of dnsLabel(name)) problems.invalid(`${here}.name`, name, why);
        if (names.has(name)) problems.duplicate(`${here}.name`, name);
      }
      names.add(name);
      if (stringAt(container, 'image') === undefined) problems.required(`${here}.image`);
      validateContainerPorts(container, here, problems);
      validateProbes(container, here, problems);
      validateResources(at(container, 'resources'), `${here}.resources`, problems);
    }
}

function validateProbes(container: unknown, field: string, problems: Problems): void {
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'])
    for (const action of ['httpGet', 'tcpSocket']) {
      if (at(container, name, action) === undefined) continue;
      const port = at(container, name, action, 'port') ?? 0;
      const here = `${field}.${name}.${action}.port`;
      if (typeof port === 'string') for (const why of portName(port)) problems.invalid(here, port, why);
      else if (!isPort(port)) problems.invalid(here, port, 'must be between 1 and 65535, inclusive');
    }
}

function validateResources(resources: unknown, field: string, problems: Problems): void {
  const limits = at(resources, 'limits');
  const requests = at(resources, 'requests');
  for (const [group, amounts] of Object.entries({ limits, requests }))
    if (isRecord(amounts))
      for (const [name, amount] of Object.entries(amounts))
        if (nanoOf(amount) < 0n)
          problems.invalid(`${field}.${group}[${name}]`, amount, 'must be greater than or equal to 0');
  if (!isRecord(requests) || !isRecord(limits)) return;
  for (const [name, amount] of Object.entries(requests))
    if (limits[name] !== undefined && nanoOf(amount) > nanoOf(limits[name]))
      problems.invalid(`${field}.requests`, amount, `must be less than or equal to ${name} limit`);
}
