import { at, isRecord, listAt, stringAt } from '../../model/manifest.js';
import { type Problems, qualifiedName } from '../../model/validation/rules.js';
import { nanoOf } from '../quantity.js';

const CONTAINER_RESOURCES = /^(cpu|memory|ephemeral-storage|hugepages-.+|.+\/.+)$/;
const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];
const COUNTED = [
  'pods',
  'services',
  'services.loadbalancers',
  'services.nodeports',
  'configmaps',
  'secrets',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
];
const QUOTA_RESOURCES = [
  ...COUNTED,
  ...COMPUTE,
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'requests.storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
];
const ONE = 1_000_000_000n;

type Values = Record<string, unknown>;
const values = (item: unknown, key: string): Values => {
  const found = at(item, key);
  return isRecord(found) ? found : {};
};

/** Source: `ValidateLimitRange` of core validation. */
export function validateLimitRange(object: Record<string, unknown>, problems: Problems): void {
  const seen = new Set<string>();
  for (const [index, item] of listAt(object, 'spec', 'limits').entries()) {
    const here = `spec.limits[${index}]`;
    const type = stringAt(item, 'type') ?? '';
    const standard = ['Pod', 'Container', 'PersistentVolumeClaim'].includes(type);
    for (const why of qualifiedName(type)) problems.invalid(`${here}.type`, type, why);
    if (qualifiedName(type).length === 0 && !type.includes('/') && !standard)
      problems.invalid(`${here}.type`, type, 'must be a standard limit type or fully qualified');
    if (seen.has(type)) problems.duplicate(`${here}.type`, type);
    seen.add(type);
    validateItem(item, type, here, problems);
  }
}

function validateItem(item: unknown, type: string, here: string, problems: Problems): void {
  const [max, min, limit, request, ratio] = [
    'max',
    'min',
    'default',
    'defaultRequest',
    'maxLimitRequestRatio',
  ].map((key) => values(item, key)) as [Values, Values, Values, Values, Values];
  if (type === 'Pod' || type === 'Container')
    for (const [group, entries] of Object.entries({
      max,
      min,
      default: limit,
      defaultRequest: request,
      maxLimitRequestRatio: ratio,
    }))
      for (const name of Object.keys(entries))
        if (!CONTAINER_RESOURCES.test(name))
          problems.invalid(`${here}.${group}[${name}]`, name, 'must be a standard resource for containers');
  if (type === 'Pod') {
    if (Object.keys(limit).length > 0)
      problems.forbidden(`${here}.default`, "may not be specified when `type` is 'Pod'");
    if (Object.keys(request).length > 0)
      problems.forbidden(`${here}.defaultRequest`, "may not be specified when `type` is 'Pod'");
  }
  if (type === 'PersistentVolumeClaim' && max.storage === undefined && min.storage === undefined)
    problems.required(
      `${here}.limits`,
      'either minimum or maximum storage value is required, but neither was provided',
    );
  const names = new Set([max, min, limit, request, ratio].flatMap((entries) => Object.keys(entries)));
  for (const name of [...names].toSorted()) {
    const over = (low: Values, high: Values): boolean =>
      low[name] !== undefined && high[name] !== undefined && nanoOf(low[name]) > nanoOf(high[name]);
    const say = (field: string, value: unknown, why: string): void =>
      problems.invalid(`${here}.${field}[${name}]`, value, why);
    if (over(min, max))
      say('min', min[name], `min value ${min[name]} is greater than max value ${max[name]}`);
    if (over(min, request))
      say(
        'defaultRequest',
        request[name],
        `min value ${min[name]} is greater than default request value ${request[name]}`,
      );
    if (over(request, max))
      say(
        'defaultRequest',
        request[name],
        `default request value ${request[name]} is greater than max value ${max[name]}`,
      );
    if (over(request, limit))
      say(
        'defaultRequest',
        request[name],
        `default request value ${request[name]} is greater than default limit value ${limit[name]}`,
      );
    if (over(min, limit))
      say('default', limit[name], `min value ${min[name]} is greater than default value ${limit[name]}`);
    if (over(limit, max))
      say('default', limit[name], `default value ${limit[name]} is greater than max value ${max[name]}`);
    const most = ratio[name];
    if (most === undefined) continue;
    if (nanoOf(most) < ONE) say('maxLimitRequestRatio', most, `ratio ${most} is less than 1`);
    if (min[name] !== undefined && max[name] !== undefined && nanoOf(min[name]) > 0n)
      if (nanoOf(most) * nanoOf(min[name]) > nanoOf(max[name]) * ONE)
        say('maxLimitRequestRatio', most, `ratio ${most} is greater than max/min`);
  }
}

/** Source: `ValidateResourceQuotaSpec` of core validation. */
export function validateResourceQuota(object: Record<string, unknown>, problems: Problems): void {
  const hard = values(at(object, 'spec'), 'hard');
  for (const [name, amount] of Object.entries(hard)) {
    const here = `spec.hard[${name}]`;
    for (const why of qualifiedName(name)) problems.invalid(here, name, why);
    if (!name.includes('/') && qualifiedName(name).length === 0 && !isQuotaName(name)) {
      problems.invalid(here, name, 'must be a standard resource type or fully qualified');
      problems.invalid(here, name, 'must be a standard resource for quota');
    }
    if (nanoOf(amount) < 0n) problems.invalid(here, amount, 'must be greater than or equal to 0');
    if (COUNTED.includes(name) && nanoOf(amount) % ONE !== 0n)
      problems.invalid(here, amount, 'must be an integer');
  }
  validateScopes(listAt(object, 'spec', 'scopes').map(String), Object.keys(hard), problems);
}

function isQuotaName(name: string): boolean {
  return (
    QUOTA_RESOURCES.includes(name) || name.startsWith('hugepages-') || name.startsWith('requests.hugepages-')
  );
}

const SCOPES = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
];

function validateScopes(scopes: readonly string[], hard: readonly string[], problems: Problems): void {
  for (const scope of scopes) {
    if (!SCOPES.includes(scope)) problems.invalid('spec.scopes', scopes, 'unsupported scope');
    for (const name of hard) {
      if (!isQuotaName(name)) continue;
      const pods = name === 'pods' || COMPUTE.some((kind) => name.endsWith(kind));
      const fits = scope === 'BestEffort' ? name === 'pods' : pods;
      if (SCOPES.includes(scope) && !fits)
        problems.invalid('spec.scopes', scopes, 'unsupported scope applied to resource');
    }
  }
  for (const [one, other] of [
    ['BestEffort', 'NotBestEffort'],
    ['Terminating', 'NotTerminating'],
  ])
    if (scopes.includes(one!) && scopes.includes(other!))
      problems.invalid('spec.scopes', scopes, 'conflicting scopes');
}
