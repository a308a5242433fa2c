import type { KindName } from '../../../src/model/kinds.js';
import {
  at,
  isRecord,
  listAt,
  type Manifest,
  type Ref,
  refOf,
  stringAt,
} from '../../../src/model/manifest.js';
import { objects, type Snapshot } from '../../../src/model/snapshot.js';
import { NAME_LABEL } from '../../default-deny/name-label.js';
import { matches } from '../../default-deny/selectors.js';
import { namedBy } from './annotations.js';
import { type Leaf, mapStrings, nameUses, placeUse, renamed, SOURCE } from './names.js';

/** Something that names what moves and that is not moved itself. */
export interface Reference {
  object: Ref;
  field: string;
  from: string;
  /** What it has to say once its clients are to reach the new one; absent where only a person can tell. */
  to?: string;
  why: string;
}

/** Kinds whose strings may hold host names. */
const TEXTS: readonly KindName[] = [
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'Job',
  'CronJob',
  'Pod',
  'ConfigMap',
  'Service',
  'Ingress',
  'Route',
  'HTTPRoute',
  'GRPCRoute',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
];

/** Kinds that name a Service or a service account by name and namespace. */
const REFERRING: readonly KindName[] = [
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'APIService',
  'CustomResourceDefinition',
  'HTTPRoute',
  'GRPCRoute',
  'TLSRoute',
  'TCPRoute',
  'UDPRoute',
  'RoleBinding',
  'ClusterRoleBinding',
];

/** What the references are read from, beside what is copied. */
export const REFERENCE_KINDS: readonly KindName[] = [...new Set([...TEXTS, ...REFERRING])];

/** What elsewhere names the Services and service accounts of `default` that move, in the order of kinds and names. */
export function referencesIn(
  now: Snapshot,
  target: string,
  moved: readonly Manifest[],
  secrets: readonly string[],
): readonly Reference[] {
  const names = (kind: string) =>
    new Set(moved.filter((o) => o.kind === kind).map(({ metadata }) => metadata.name));
  const services = names('Service');
  const accounts = new Set([...names('ServiceAccount'), 'default']);
  const outside = (kind: KindName) =>
    objects(now, kind)
      .filter(({ metadata }) => metadata.namespace !== SOURCE && metadata.namespace !== target)
      .filter(
        ({ metadata }) =>
          !listAt(metadata, 'ownerReferences').some((owner) => at(owner, 'controller') === true),
      )
      .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return [
    ...TEXTS.flatMap((kind) => outside(kind).flatMap((object) => hostsIn(object, target, services))),
    ...REFERRING.flatMap((kind) =>
      outside(kind).flatMap((object) => named(object, target, services, accounts)),
    ),
    ...ANNOTATED.flatMap((kind) =>
      outside(kind).flatMap((object) => namedByAnnotations(object, target, secrets)),
    ),
    ...outside('NetworkPolicy').flatMap((policy) => peersOf(now, policy, target)),
  ];
}

function nameOf({ metadata }: Manifest): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function hostsIn(object: Manifest, target: string, services: ReadonlySet<string>): readonly Reference[] {
  const out: Reference[] = [];
  const { metadata, ...rest } = object;
  const look = ({ field, value }: Leaf) => {
    const place = placeUse({ field, value }, target);
    if (place !== undefined)
      out.push({ object: refOf(object), field, from: place.written, to: place.becomes, why: place.why });
    for (const use of nameUses(value, services)) {
      const to = renamed(use.written, [{ ...use, at: use.service.length + 1 }], target);
      if (out.some((one) => one.field === field && one.from === use.written)) continue;
      const why = use.certain ? 'host name' : 'host name, if it is one';
      out.push({ object: refOf(object), field, from: use.written, to, why });
    }
    return value;
  };
  const pairs = ({ field, value }: { field: string; value: string }) => {
    for (const [, name = ''] of value
      .slice(0, 4_000)
      .matchAll(/(?<![\w./-])default\/([a-z0-9-]{1,63})(?![\w.-])/g))
      if (services.has(name) && /\.(?:args|command)\[/.test(field))
        out.push({
          object: refOf(object),
          field,
          from: `${SOURCE}/${name}`,
          to: `${target}/${name}`,
          why: 'Service',
        });
    return value;
  };
  mapStrings(rest, look);
  mapStrings(rest, pairs);
  mapStrings(metadata.annotations ?? {}, look, 'metadata.annotations');
  return out;
}

/** Maps with a name and the namespace `default`, wherever they stand in an object. */
function named(
  object: Manifest,
  target: string,
  services: ReadonlySet<string>,
  accounts: ReadonlySet<string>,
): readonly Reference[] {
  const out: Reference[] = [];
  const visit = (value: unknown, field: string): void => {
    if (Array.isArray(value))
      for (const [index, item] of value.entries())
        visit(item, `${field}[${stringAt(item, 'name') ?? index}]`);
    if (!isRecord(value)) return;
    const name = value.name;
    const subject = typeof name === 'string' ? subjectIn(value.kind, name, target) : undefined;
    if (subject !== undefined)
      out.push({
        object: refOf(object),
        field,
        from: String(name),
        to: subject,
        why: 'rights of service accounts',
      });
    if (value.namespace === SOURCE && typeof name === 'string') {
      const account = value.kind === 'ServiceAccount';
      if ((account ? accounts : services).has(name))
        out.push({
          object: refOf(object),
          field,
          from: `${SOURCE}/${name}`,
          to: `${target}/${name}`,
          why: account ? 'rights of a service account' : 'Service',
        });
    }
    for (const [key, inner] of Object.entries(value)) visit(inner, field === '' ? key : `${field}.${key}`);
  };
  const { metadata: _metadata, status: _status, ...rest } = object;
  visit(rest, '');
  return out;
}

/**
 * What a subject of a binding is in the new namespace, where it means service accounts of `default` by their group or
 * user name; undefined where it does not.
 */
export function subjectIn(kind: unknown, name: string, target: string): string | undefined {
  if (kind === 'Group' && name === `system:serviceaccounts:${SOURCE}`)
    return `system:serviceaccounts:${target}`;
  const user = `system:serviceaccount:${SOURCE}:`;
  return kind === 'User' && name.startsWith(user)
    ? `system:serviceaccount:${target}:${name.slice(user.length)}`
    : undefined;
}

/** Kinds whose annotations name Secrets for a controller. */
const ANNOTATED: readonly KindName[] = ['Ingress', 'Service'];

/** Secrets of `default` that annotations elsewhere name, and that are copied. */
function namedByAnnotations(
  object: Manifest,
  target: string,
  secrets: readonly string[],
): readonly Reference[] {
  return Object.entries(object.metadata.annotations ?? {}).flatMap(([key, value]): Reference[] => {
    const named = namedBy(key, value);
    if (named?.kind !== 'Secret' || named.namespace !== SOURCE || !secrets.includes(named.name)) return [];
    const [from, to] = [`${SOURCE}/${named.name}`, `${target}/${named.name}`];
    return [{ object: refOf(object), field: `metadata.annotations[${key}]`, from, to, why: 'Secret' }];
  });
}

/** Peers of policies elsewhere that mean `default` and would not mean the new namespace. */
function peersOf(now: Snapshot, policy: Manifest, target: string): readonly Reference[] {
  const labelsOf = (name: string) => {
    const found = objects(now, 'Namespace').find(({ metadata }) => metadata.name === name);
    const labels: Record<string, string> = { ...found?.metadata.labels, [NAME_LABEL]: name };
    return new Map(Object.entries(labels));
  };
  const [old, fresh] = [labelsOf(SOURCE), labelsOf(target)];
  const sides = [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const;
  return sides.flatMap(([list, side]) =>
    listAt(policy, 'spec', list).flatMap((rule, index) =>
      listAt(rule, side).flatMap((peer, place): Reference[] => {
        const selector = at(peer, 'namespaceSelector');
        if (!isRecord(selector) || !matches(selector, old) || matches(selector, fresh)) return [];
        return [
          {
            object: refOf(policy),
            field: `spec.${list}[${index}].${side}[${place}].namespaceSelector`,
            from: SOURCE,
            why: `it means ${SOURCE} and not ${target}: let it mean both before clients move`,
          },
        ];
      }),
    ),
  );
}
