import { at, listAt, type Manifest, refOf, stringAt } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import {
  BUILT_IN,
  candidateNamespaces,
  excluded,
  KIND_LABEL,
  NAMESPACE_KINDS,
  namespaceKind,
} from '../../src/model/namespaces.js';
import { isManaged } from '../../src/model/ours.js';
import { hasOwner, isOwnerKey, isPurposeKey, ownerOf, purposeOf } from '../../src/model/owners.js';
import type { ApplyChange, Change } from '../../src/model/plan.js';
import { type Answers, chosen, type Question } from '../../src/model/question.js';
import type { Write } from '../../src/model/rights.js';
import { objects, type Snapshot, visible } from '../../src/model/snapshot.js';
import { type Templates, template } from '../../src/model/template.js';
import { counted } from '../../src/model/words.js';
import { type Workload, workloadsIn } from '../../src/model/workloads.js';
import { NAME_LABEL } from '../default-deny/name-label.js';
import { ENFORCED, LEVELS, type Level, levelsOf, modeLabel, modeLabels } from './pod-security.js';

export const PROPOSAL_ASKS = ['labels', 'kinds', 'podSecurity', 'podSecurityEnforce', 'editors'];

export const PROPOSAL_WRITES: readonly Write[] = [
  { kind: 'RoleBinding', by: 'apply', for: 'groups that may edit a namespace', option: 'editors' },
];

const TEMPLATE = 'namespaces/namespace.yaml';
const BINDING = 'namespaces/rolebinding.yaml';

const NAME = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
const VALUE = '[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?';
/** Names of groups as identity providers give them; what a comma or white space is in cannot be said here. */
const GROUP = '[^\\s,=]{1,200}';

const listOf = (value: string) => {
  const pair = `\\s*${NAME}\\s*=\\s*${value}\\s*`;
  return new RegExp(`^\\s*$|^${pair}(?:,${pair})*$`);
};
const LABELS = listOf(`${VALUE}(?:\\s*/\\s*${VALUE})?`);
const KINDS = listOf(`(?:${NAMESPACE_KINDS.join('|')})`);
const GROUPS = listOf(GROUP);

/** Versions from which Pod Security Admission warns, and from which it is stable. */
const WARNS_FROM = 23;
const STABLE_FROM = 25;

const since = ({ cluster }: Snapshot, minor: number) =>
  cluster.version.major > 1 || cluster.version.minor >= minor;

export function proposalQuestions(now: Snapshot): readonly Question[] {
  if (!visible(now, 'Namespace')) return [];
  const hints = ownersSeen(now);
  const ready = enforceable(now);
  const typed = (id: string, message: string, help: string, pattern: RegExp, expected: string): Question => ({
    id,
    type: 'text',
    message,
    help,
    risk: 'none',
    pattern: { source: pattern.source, expected },
    recommended: '',
    cautious: '',
  });
  return [
    typed(
      'labels',
      'Label namespaces with owner and purpose? (name=owner or name=owner/purpose, separated by commas; empty: none)',
      hints === ''
        ? 'Labels of namespaces that exist. Policies that select namespaces by these labels see them too.'
        : `All workloads of these say so: ${hints}`,
      LABELS,
      'a list such as shop=team-web/storefront, mail=team-ops',
    ),
    typed(
      'kinds',
      'Namespaces of another kind than is shown? (name=user, name=infrastructure or name=system; empty: none)',
      'Becomes a label of the namespace, which every step and every run goes by.',
      KINDS,
      'a list such as monitoring=user, vendor=system',
    ),
    ...(since(now, WARNS_FROM)
      ? [
          {
            id: 'podSecurity',
            type: 'choice' as const,
            message: 'Warn of, and audit, pods that do not meet a Pod Security Standard?',
            help: 'Labels of namespaces of users that say nothing about it yet. Nothing is rejected.',
            risk: 'none' as const,
            choices: [
              { value: 'none', label: 'No' },
              { value: 'baseline', label: 'Baseline', note: 'no known way out of a container' },
              { value: 'restricted', label: 'Restricted', note: 'as hardened as pods can be' },
            ],
            recommended: 'none',
            cautious: 'none',
          },
        ]
      : []),
    ...(ready.length === 0
      ? []
      : [
          {
            id: 'podSecurityEnforce',
            type: 'choices' as const,
            message: 'Where shall the level that is warned of be enforced?',
            help: 'Written only where a dry run of the server warns of no pod that runs. Pods to come may be rejected.',
            risk: 'rejectsWorkloads' as const,
            choices: ready.map(({ name, level }) => ({ value: name, label: name, note: level })),
            recommended: [],
            cautious: [],
          },
        ]),
    typed(
      'editors',
      'Groups that may edit a namespace? (name=group, separated by commas; empty: none)',
      'A RoleBinding to the ClusterRole edit, which reads Secrets of that namespace as well.',
      GROUPS,
      'a list such as shop=team-web, mail=oidc:team-ops',
    ),
  ];
}

/** The purpose that all of some workloads say they have; undefined where one says none, or another. */
export function purposeOfAll(workloads: readonly Workload[]): string | undefined {
  const said = new Set(
    workloads.map(
      ({ object, templateLabels }) =>
        purposeOf(at(object, 'metadata', 'labels')) ?? purposeOf(templateLabels),
    ),
  );
  const [only] = said;
  return said.size === 1 ? only : undefined;
}

/** Keys of the labels for owner and purpose, as the template of namespaces has them. */
export function ownerKeys(made: Manifest): { owner: readonly string[]; purpose: readonly string[] } {
  const keys = Object.keys(made.metadata.labels ?? {});
  const or = (some: readonly string[], key: string) => (some.length > 0 ? some : [key]);
  return { owner: or(keys.filter(isOwnerKey), 'owner'), purpose: or(keys.filter(isPurposeKey), 'purpose') };
}

/** Owners that all workloads of a namespace without one agree on, with the purpose where they do too, as an answer. */
function ownersSeen(now: Snapshot): string {
  return candidateNamespaces(now)
    .filter((ns) => namespaceKind(now, ns) === 'user' && ns.metadata.name !== 'default' && !hasOwner(ns))
    .flatMap(({ metadata: { name } }) => {
      const owners = new Set(
        workloadsIn(now, name).map(
          ({ object, templateLabels }) =>
            (ownerOf(at(object, 'metadata', 'labels')) ?? ownerOf(templateLabels))?.owner,
        ),
      );
      const [only] = owners;
      const purpose = purposeOfAll(workloadsIn(now, name));
      return owners.size === 1 && only !== undefined
        ? [`${name}=${only}${purpose === undefined ? '' : `/${purpose}`}`]
        : [];
    })
    .slice(0, 8)
    .join(', ');
}

interface Enforceable {
  name: string;
  level: Level;
}

/** Namespaces whose level is warned of already, and not enforced; none where nothing would show that a server warns. */
function enforceable(now: Snapshot): readonly Enforceable[] {
  if (!since(now, STABLE_FROM) || now.cluster.files === true) return [];
  return candidateNamespaces(now).flatMap((namespace): Enforceable[] => {
    const { warn, enforce = 'privileged' } = levelsOf(namespace);
    if (warn === undefined || LEVELS.indexOf(warn) <= LEVELS.indexOf(enforce)) return [];
    const { name } = namespace.metadata;
    return canaryFor(now, name) === undefined ? [] : [{ name, level: warn }];
  });
}

/**
 * A namespace that the server has to warn of when a level is to be enforced there: a pod of it, running, shares the
 * network of its node, which no level but privileged allows, and no level is enforced there yet.
 */
function canaryFor(now: Snapshot, but: string): string | undefined {
  const free = new Set(
    objects(now, 'Namespace')
      .filter((ns) => (levelsOf(ns)[ENFORCED] ?? 'privileged') === 'privileged')
      .map(({ metadata }) => metadata.name),
  );
  const found = objects(now, 'Pod')
    .filter(
      (pod) => at(pod, 'spec', 'hostNetwork') === true && stringAt(pod, 'status', 'phase') === 'Running',
    )
    .map(({ metadata }) => metadata.namespace ?? '')
    .filter((name) => name !== but && free.has(name));
  return found.includes('kube-system') ? 'kube-system' : found.toSorted()[0];
}

/** Changes of labels, one a namespace, and bindings. `created` are the ids of namespaces that this plan creates. */
export function proposalChanges(
  now: Snapshot,
  answers: Answers,
  templates: Templates,
  created: ReadonlyMap<string, string>,
): readonly Change[] {
  if (!visible(now, 'Namespace')) return [];
  const owners = pairsOf(answers.labels, LABELS);
  const kinds = pairsOf(answers.kinds, KINDS);
  const labels = candidateOrNamed(now, [...owners.keys(), ...kinds.keys()]).flatMap((namespace) =>
    labelled(now, namespace, { owners, kinds, answers, templates }),
  );
  return [...labels, ...bindings(now, answers, templates, created)];
}

/** Namespaces that may get labels: those of users and platform parts, and those that an answer names. */
function candidateOrNamed(now: Snapshot, named: readonly string[]): readonly Manifest[] {
  const candidates = new Set(candidateNamespaces(now).map(({ metadata }) => metadata.name));
  return objects(now, 'Namespace')
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined && !excluded(now, metadata.name))
    .filter(({ metadata }) => candidates.has(metadata.name) || named.includes(metadata.name))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

interface Asked {
  owners: ReadonlyMap<string, string>;
  kinds: ReadonlyMap<string, string>;
  answers: Answers;
  templates: Templates;
}

function labelled(
  now: Snapshot,
  namespace: Manifest,
  { owners, kinds, answers, templates }: Asked,
): readonly Change[] {
  const { name } = namespace.metadata;
  const live = namespace.metadata.labels ?? {};
  const wanted: Record<string, string> = {};
  const why: string[] = [];
  const said = owners.get(name);
  if (said !== undefined) {
    const [owner = '', purpose] = said.split('/').map((part) => part.trim());
    const keys = ownerKeys(template(templates, TEMPLATE));
    for (const key of keys.owner) wanted[key] = owner;
    if (purpose !== undefined) for (const key of keys.purpose) wanted[key] = purpose;
    why.push(`whose it is: ${owner}`);
  }
  const kind = kinds.get(name);
  if (kind !== undefined && !BUILT_IN.includes(name)) {
    wanted[KIND_LABEL] = kind;
    why.push(`its kind is said: ${kind}`);
  }
  const level = LEVELS.find((one) => one === answers.podSecurity);
  const levels = levelsOf(namespace);
  if (
    level !== undefined &&
    level !== 'privileged' &&
    since(now, WARNS_FROM) &&
    namespaceKind(now, namespace) === 'user'
  )
    for (const mode of ['warn', 'audit'] as const)
      if (levels[mode] === undefined && levels[ENFORCED] === undefined) {
        const labels = modeLabels(templates, mode, level);
        if (Object.keys(labels).length === 0) continue;
        Object.assign(wanted, labels);
        if (!why.includes(`pods that are not ${level} are warned of`))
          why.push(`pods that are not ${level} are warned of`);
      }
  const enforced = chosen(answers, 'podSecurityEnforce').includes(name)
    ? enforceable(now).find((one) => one.name === name)
    : undefined;
  if (enforced !== undefined) {
    Object.assign(wanted, modeLabels(templates, ENFORCED, enforced.level));
    why.push(`pods that are not ${enforced.level} are rejected`);
  }
  const fresh = Object.entries(wanted).filter(([key, value]) => live[key] !== value);
  if (fresh.length === 0) return [];
  const canary = enforced === undefined ? undefined : canaryFor(now, name);
  return [
    {
      id: `namespaces/-/Namespace/${name}`,
      kind: 'apply',
      ref: refOf(namespace),
      risk: enforced === undefined ? 'none' : 'rejectsWorkloads',
      why: why.join('; '),
      breaks: [
        ...selecting(
          now,
          fresh.map(([key]) => key),
        ),
        ...(enforced === undefined ? [] : unseenPods(now, name)),
      ],
      manifest: manifestFor(namespace, wanted),
      before: namespace,
      ...(enforced === undefined || canary === undefined
        ? {}
        : { unwarned: { canary: canaryOf(canary, enforced.level) } }),
    } satisfies ApplyChange,
  ];
}

/** Labels that we set here; those that are ours already are named again, or the server would take them away. */
function manifestFor(
  { apiVersion, kind, metadata, ...rest }: Manifest,
  wanted: Record<string, string>,
): Manifest {
  const ours = [NAME_LABEL, KIND_LABEL, 'app.kubernetes.io/managed-by'];
  const before = Object.entries(metadata.labels ?? {}).filter(
    ([key]) =>
      ours.includes(key) ||
      isOwnerKey(key) ||
      isPurposeKey(key) ||
      key.startsWith('pod-security.kubernetes.io/'),
  );
  const kept = isManaged({ apiVersion, kind, metadata, ...rest }) ? Object.fromEntries(before) : {};
  // Servers below 1.21 do not set it, and default-deny would otherwise write it alone.
  const named = metadata.labels?.[NAME_LABEL] === undefined ? { [NAME_LABEL]: metadata.name } : {};
  return { apiVersion, kind, metadata: { name: metadata.name, labels: { ...kept, ...wanted, ...named } } };
}

function canaryOf(name: string, level: Level): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { [modeLabel(ENFORCED)]: level } },
  };
}

/** Who selects namespaces by one of these labels. */
function selecting(now: Snapshot, keys: readonly string[]): readonly string[] {
  const users = objects(now, 'NetworkPolicy').filter((policy) => {
    const text = JSON.stringify(policy.spec ?? {});
    return text.includes('"namespaceSelector"') && keys.some((key) => text.includes(JSON.stringify(key)));
  });
  return users.length === 0
    ? []
    : [
        `${counted(users.length, 'NetworkPolicy').replace('Policys', 'Policies')} may select namespaces by these labels: ${users
          .slice(0, 5)
          .map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`)
          .join(', ')}`,
      ];
}

/** A dry run looks at pods that run, not at what is to run. */
function unseenPods(now: Snapshot, name: string): readonly string[] {
  const idle = workloadsIn(now, name).filter(({ pods }) => pods.length === 0);
  return [
    'a dry run tells of pods that run now; a pod that is made later and does not meet the level is rejected',
    ...(idle.length === 0
      ? []
      : [
          `nothing of these runs now, so they were not looked at: ${idle.map(({ ref }) => `${ref.kind} ${ref.name}`).join(', ')}`,
        ]),
  ];
}

function bindings(
  now: Snapshot,
  answers: Answers,
  templates: Templates,
  created: ReadonlyMap<string, string>,
): readonly Change[] {
  const existing = new Set(objects(now, 'Namespace').map(({ metadata }) => metadata.name));
  return [...pairsOf(answers.editors, GROUPS)].flatMap(([namespace, group]): Change[] => {
    const place = created.get(namespace);
    if (
      (!existing.has(namespace) && place === undefined) ||
      excluded(now, namespace) ||
      BUILT_IN.includes(namespace)
    )
      return [];
    if (objectsIn(now, 'RoleBinding', namespace).some((binding) => binds(binding, group))) return [];
    const made = template(templates, BINDING);
    const name = `edit-${
      group
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-|-$/g, '')
        .slice(0, 58) || 'group'
    }`;
    const manifest: Manifest = {
      ...made,
      metadata: { ...made.metadata, name, namespace },
      subjects: listAt(made, 'subjects').map((subject) => ({ ...(subject as object), name: group })),
    };
    return [
      {
        id: `namespaces/${namespace}/RoleBinding/${name}`,
        kind: 'apply',
        ref: refOf(manifest),
        risk: 'none',
        why: `group ${group} may edit ${namespace}`,
        breaks: ['edit reads the Secrets of the namespace and runs pods under any of its service accounts'],
        manifest,
        ...(place === undefined ? {} : { requires: [place] }),
      },
    ];
  });
}

function binds(binding: Manifest, group: string): boolean {
  return (
    at(binding, 'roleRef', 'kind') === 'ClusterRole' &&
    at(binding, 'roleRef', 'name') === 'edit' &&
    listAt(binding, 'subjects').some(
      (subject) => at(subject, 'kind') === 'Group' && at(subject, 'name') === group,
    )
  );
}

/** The pairs of a typed list, the first of each name; none where it is not one. */
function pairsOf(answer: Answers[string] | undefined, pattern: RegExp): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  if (typeof answer !== 'string' || answer.trim() === '' || !pattern.test(answer)) return out;
  for (const pair of answer.split(',')) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at).trim();
    if (!out.has(name)) out.set(name, pair.slice(at + 1).trim());
  }
  return out;
}
