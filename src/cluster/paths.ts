import { KINDS, type Kind, type KindName, kindOf } from '../model/kinds.js';
import { groupOf, type Ref } from '../model/manifest.js';
import { ClusterError } from '../wizard/ports.js';

/** `/api/v1` for the core group, `/apis/<group>/<version>` for all others. */
export function groupPath(apiVersion: string): string {
  return groupOf(apiVersion) === '' ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
}

/** Path of the list of a kind, in all namespaces or in one. */
export function listPath(kind: Kind, apiVersion: string, namespace?: string): string {
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${groupPath(apiVersion)}${within}/${kind.plural}`;
}

/**
 * Path of one object.
 * @throws ClusterError `invalid` for kinds that we do not speak and for namespaced ones without a namespace
 */
export function objectPath(ref: Ref): string {
  const kind = kindOf(ref);
  if (kind === undefined)
    throw new ClusterError(
      'invalid',
      `${ref.apiVersion} ${ref.kind} is not a kind that kubectl-harden knows.`,
    );
  if (kind.namespaced && (ref.namespace ?? '') === '')
    throw new ClusterError('invalid', `${ref.kind} ${ref.name} lacks its namespace.`);
  const namespace = kind.namespaced ? ref.namespace : undefined;
  return `${listPath(kind, ref.apiVersion, namespace)}/${encodeURIComponent(ref.name)}`;
}

/** `pods`, or `deployments.apps`: how rights and messages name a resource. */
export function resourceName(kind: Kind): string {
  const group = groupOf(kind.apiVersions[0] ?? '');
  return group === '' ? kind.plural : `${kind.plural}.${group}`;
}

/** API group and plural of a kind, as rights name it. */
export function resourceOf(name: KindName): { group: string; resource: string } {
  const { plural, apiVersions } = row(name);
  return { group: groupOf(apiVersions[0] ?? ''), resource: plural };
}

/** A path with a query string. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`],
  );
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

/** The row of a kind with a type that allows every field. */
export function row(name: KindName): Kind {
  return KINDS[name];
}
