import { Document, isMap, isSeq } from 'yaml';
import { documentText } from '../model/hostfile.js';
import type { Need, Right } from '../model/rights.js';
import { jsonText } from './json.js';

/** Roles that are asked for. */
export interface RbacAsked {
  needs: readonly Need[];
  /** Name of every role and binding. */
  name: string;
  /** Ids of the steps that were chosen; empty: all. */
  steps: readonly string[];
  groups: readonly string[];
  users: readonly string[];
}

interface Rule {
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
  verbs: string[];
}

interface RbacObject {
  apiVersion: 'rbac.authorization.k8s.io/v1';
  kind: 'ClusterRole' | 'Role' | 'ClusterRoleBinding' | 'RoleBinding';
  metadata: { name: string; namespace?: string };
  rules?: Rule[];
  [field: string]: unknown;
}

const GROUP = 'rbac.authorization.k8s.io';

/** What of the rights goes into one role. */
interface Part {
  namespace: string | undefined;
  needs: readonly Need[];
}

/** The rights by the role that grants them: cluster-wide ones first, then a role for each namespace. */
function partsOf(needs: readonly Need[]): readonly Part[] {
  const wanted = needs.filter((need) => !needs.some((other) => other !== need && covers(other, need)));
  const namespaceOf = ({ right }: Need) => ('url' in right ? undefined : right.namespace);
  return [...Map.groupBy(wanted, namespaceOf)]
    .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))
    .map(([namespace, some]) => ({ namespace, needs: some }));
}

/** Whether whoever has the one right needs no other for the same: it is not bound to a name or a namespace. */
function covers({ right: wide }: Need, { right }: Need): boolean {
  if ('url' in wide || 'url' in right) return false;
  if (wide.verb !== right.verb || wide.group !== right.group || wide.resource !== right.resource)
    return false;
  const within = (outer: string | undefined, inner: string | undefined) =>
    outer === undefined || outer === inner;
  const same = wide.namespace === right.namespace && wide.name === right.name;
  return !same && within(wide.namespace, right.namespace) && within(wide.name, right.name);
}

/** Rules with what each is for: resources of a group with the same verbs together. */
function rulesOf(needs: readonly Need[]): readonly { rule: Rule; for: string }[] {
  const objectOf = (right: Right) =>
    'url' in right ? right.url : `${right.group}/${right.resource}/${right.name ?? ''}`;
  const objects = [...Map.groupBy(needs, ({ right }) => objectOf(right)).values()].map((some) => ({
    right: some[0]!.right,
    verbs: [...new Set(some.map(({ right }) => right.verb))].sort(),
    purposes: [...new Set(some.map((need) => need.for))],
  }));
  const kindOf = ({ right, verbs }: (typeof objects)[number]) =>
    ['url' in right ? 'url' : `${right.group}/${right.name ?? ''}`, ...verbs].join(' ');
  return [...Map.groupBy(objects, kindOf).values()].map((some) => {
    const { right, verbs } = some[0]!;
    const purposes = [...new Set(some.flatMap((one) => one.purposes))];
    const rule: Rule =
      'url' in right
        ? { nonResourceURLs: some.map((one) => ('url' in one.right ? one.right.url : '')).sort(), verbs }
        : {
            apiGroups: [right.group],
            resources: some.map((one) => ('url' in one.right ? '' : one.right.resource)).sort(),
            ...(right.name === undefined ? {} : { resourceNames: [right.name] }),
            verbs,
          };
    return { rule, for: purposes.join('; ') };
  });
}

/** Roles, and their bindings where somebody is named. */
export function rbacObjects(asked: RbacAsked): readonly RbacObject[] {
  const subjects = [
    ...asked.groups.map((name) => ({ kind: 'Group', apiGroup: GROUP, name })),
    ...asked.users.map((name) => ({ kind: 'User', apiGroup: GROUP, name })),
  ];
  return partsOf(asked.needs).flatMap((part) => [
    roleOf(part, asked.name),
    ...(subjects.length === 0 ? [] : [bindingOf(part, asked.name, subjects)]),
  ]);
}

function roleOf({ namespace, needs }: Part, name: string): RbacObject {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: namespace === undefined ? 'ClusterRole' : 'Role',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    rules: rulesOf(needs).map(({ rule }) => rule),
  };
}

function bindingOf({ namespace }: Part, name: string, subjects: readonly unknown[]): RbacObject {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { apiGroup: GROUP, kind: namespace === undefined ? 'ClusterRole' : 'Role', name },
    subjects,
  };
}

/** A List of roles and bindings as JSON, for `kubectl apply -f -`. */
export function rbacJson(asked: RbacAsked): string {
  return `${jsonText({ apiVersion: 'v1', kind: 'List', items: rbacObjects(asked) }, 2)}\n`;
}

/** The same as YAML documents, each rule with what it is for. */
export function rbacYaml(asked: RbacAsked): string {
  const named = asked.groups.length + asked.users.length > 0;
  const documents = rbacObjects(asked).map((object) => commented(object, asked.needs));
  const bindings = named ? [] : [unbound(asked)];
  return [headText(asked), ...documents, ...bindings].join('---\n');
}

function headText({ needs, steps }: RbacAsked): string {
  const on = (resource: string) =>
    needs.some(({ right }) => 'resource' in right && right.resource === resource && right.group === '');
  const lines = [
    `What kubectl harden needs for ${steps.length === 0 ? 'all steps' : `the step${steps.length > 1 ? 's' : ''} ${steps.join(', ')}`}, and nothing more.`,
    'Version, discovery and access reviews are open to every account that logs in (system:discovery, system:basic-user).',
    ...(on('secrets')
      ? [
          'RBAC knows no right to the names of Secrets alone: who may list or get them can read their values with another',
          'client. kubectl harden asks for tables without objects, and patches with nothing.',
        ]
      : []),
    ...(on('*')
      ? ['"*" serves to see that a namespace is empty before an undo removes it: Secrets included.']
      : []),
  ];
  return lines.map((line) => `# ${line}\n`).join('');
}

function commented(object: RbacObject, needs: readonly Need[]): string {
  const document = new Document(object);
  const rules = document.get('rules');
  const part = partsOf(needs).find(({ namespace }) => namespace === object.metadata.namespace);
  if (isSeq(rules) && part !== undefined)
    for (const [index, { for: what }] of rulesOf(part.needs).entries()) {
      const item = rules.items[index];
      if (isMap(item)) item.commentBefore = ` ${what}`;
    }
  return documentText(document);
}

/** Bindings to fill in, as a comment. */
function unbound(asked: RbacAsked): string {
  const flags = '--group NAME or --user NAME';
  const bindings = rbacObjects({ ...asked, groups: ['NAME'] }).filter(({ kind }) => kind.endsWith('Binding'));
  const text = bindings.map((one) => new Document(one).toString({ lineWidth: 0 })).join('---\n');
  return `# The roles bind nobody yet: ${flags} adds this.\n${text.replace(/^/gm, '# ').replace(/# $/, '')}`;
}
