import { stringAt } from '../model/manifest.js';
import type { Target } from './request.js';
import { ApiError, resourceText } from './status.js';

export type Verb = 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** Something that the embedded cluster's user may not do; `*` stands for all. */
export interface Denied {
  verb: Verb | '*';
  /** Plural name of the resource. */
  resource: string;
  /** Only in this namespace; everywhere where it is left out. */
  namespace?: string;
}

export const USER = 'sandbox-admin';

/** What the one user of the embedded cluster may do: all but what is denied. */
export class Access {
  readonly #denied: readonly Denied[];

  constructor(denied: readonly Denied[]) {
    this.#denied = denied;
  }

  /** Throws 403. */
  check(verb: Verb, { resource, namespace, name }: Target): void {
    if (!this.#isDenied(verb, resource.plural, namespace)) return;
    const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
    const subject = name === '' ? resourceText(resource) : `${resourceText(resource)} "${name}"`;
    throw new ApiError(
      403,
      'Forbidden',
      `${subject} is forbidden: User "${USER}" cannot ${verb} resource "${resource.plural}" in API group "${resource.group}" ${where}`,
      {
        ...(name === '' ? {} : { name }),
        ...(resource.group === '' ? {} : { group: resource.group }),
        kind: resource.plural,
      },
    );
  }

  /** A SelfSubjectAccessReview with its answer. */
  review(body: unknown): object {
    const verb = stringAt(body, 'spec', 'resourceAttributes', 'verb') ?? '';
    const resource = stringAt(body, 'spec', 'resourceAttributes', 'resource') ?? '';
    const namespace = stringAt(body, 'spec', 'resourceAttributes', 'namespace') ?? '';
    return {
      kind: 'SelfSubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      metadata: { creationTimestamp: null },
      spec: typeof body === 'object' && body !== null && 'spec' in body ? body.spec : {},
      status: { allowed: !this.#isDenied(verb, resource, namespace) },
    };
  }

  #isDenied(verb: string, resource: string, namespace: string): boolean {
    return this.#denied.some(
      (rule) =>
        (rule.verb === '*' || rule.verb === verb) &&
        rule.resource === resource &&
        (rule.namespace === undefined || rule.namespace === namespace),
    );
  }
}
