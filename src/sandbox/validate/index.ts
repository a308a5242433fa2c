import { at } from '../../model/manifest.js';
import { validateService } from '../../model/validation/ports.js';
import { Problems } from '../../model/validation/rules.js';
import type { Resource } from '../resources.js';
import { invalid } from '../status.js';
import { validateLimitRange, validateResourceQuota } from './limits.js';
import { validateMetadata, validateUnchanged } from './metadata.js';
import { validateNetworkPolicy } from './network.js';
import { validateContent, validatePodSpec, validateWorkload } from './workload.js';

type Fields = Record<string, unknown>;

const BY_KIND: Readonly<Record<string, (object: Fields, problems: Problems) => void>> = {
  NetworkPolicy: validateNetworkPolicy,
  Service: validateService,
  LimitRange: validateLimitRange,
  ResourceQuota: validateResourceQuota,
  Secret: validateContent,
  ConfigMap: validateContent,
  Deployment: validateWorkload,
  ReplicaSet: validateWorkload,
  StatefulSet: validateWorkload,
  DaemonSet: validateWorkload,
  Pod: (object, problems) => validatePodSpec(at(object, 'spec'), 'spec', problems),
};

/** Throws 422 with one cause for each field that is wrong. `before` is the live object of an update. */
export function validate(resource: Resource, object: Fields, before?: Fields): void {
  const problems = new Problems();
  validateMetadata(resource, object, problems);
  BY_KIND[resource.kind]?.(object, problems);
  if (before !== undefined) validateUnchanged(resource, before, object, problems);
  if (problems.causes.length > 0)
    throw invalid(resource, String(at(object, 'metadata', 'name') ?? ''), problems.causes);
}
