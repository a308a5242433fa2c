import { kindOf } from '../../src/model/kinds.js';
import { at, isRecord, type Manifest, refOf } from '../../src/model/manifest.js';
import { isOurs, otherManagers, ourLabels } from '../../src/model/ours.js';
import { type ApplyChange, canonical, type DeleteChange } from '../../src/model/plan.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { TemplateError, type Templates, template } from '../../src/model/template.js';
import type { Requirement } from '../default-deny/complement.js';
import { holds } from '../default-deny/guard-changes.js';
import { knownNamespaces } from '../default-deny/guard-live.js';
import { freeName } from '../default-deny/policy.js';
import { METADATA } from '../default-deny/state.js';
import { covers, type LiveBlock } from './blocks.js';
import type { ClusterWide } from './mechanisms.js';
import { freePriority } from './priority.js';
import { type Ports, SHAPES, type Subject, selectorText } from './shapes.js';

export interface Wish {
  mechanism: ClusterWide;
  live: readonly LiveBlock[];
  /** Namespaces that are to be kept away, beside those that are; of each the pods, as alternative lists of conditions. */
  namespaces: ReadonlyMap<string, readonly (readonly Requirement[])[]>;
  /** Namespaces that are created later too. */
  later: boolean;
  endpoints: readonly Ports[];
}

/**
 * The changes that keep pods of the wished namespaces from the metadata ports by policies for the whole cluster: what
 * they stand in, those of some pods of a namespace, those of whole namespaces, and removals of what is needed no more.
 * None where it is so already.
 * @throws TemplateError where a template would open or close more.
 */
export function clusterWideChanges(
  now: Snapshot,
  wish: Wish,
  templates: Templates,
): readonly (ApplyChange | DeleteChange)[] {
  const { mechanism, live, namespaces } = wish;
  if (namespaces.size === 0 && !wish.later) return [];
  const base = filled(mechanism.template, mechanism.fixed, templates);
  const wanted = named(now, wish, base);
  const first =
    mechanism.needs === undefined
      ? []
      : write(now, ourOwn(filled(mechanism.needs.template, mechanism.needs.fixed, templates)), {
          risk: 'none',
          why: 'What keeps pods from the metadata service stands in it; it decides nothing itself.',
          breaks: [],
        });
  const changes = wanted.flatMap(({ subject, name, priority }) => {
    const spec = {
      ...(isRecord(base.spec) ? base.spec : {}),
      ...priority,
      ...SHAPES[mechanism.id].fill(subject, wish.endpoints),
    };
    const manifest = ourOwn({ ...base, metadata: { ...base.metadata, name }, spec });
    return write(now, manifest, {
      risk: 'cutsTraffic',
      why: `Denies ${whoText(subject)} ${endpointsText(wish.endpoints)}, and nothing else.`,
      breaks: breaksOf(subject, live, namespaces),
      ...(subject.operator === 'NotIn' && { namespaces: knownNamespaces(now) }),
      ...(first.length > 0 && { requires: first.map(({ id }) => id) }),
    });
  });
  const names = new Set(wanted.map(({ name }) => name));
  const gone = live.filter(({ object }) => !names.has(object.metadata.name));
  const removals = gone.map(
    ({ object }): DeleteChange => ({
      kind: 'delete',
      id: idOf(object),
      ref: refOf(object),
      risk: 'none',
      why: 'Another policy of ours says what it says.',
      breaks: [],
      before: object,
      ...(changes.length > 0 && { requires: changes.map(({ id }) => id) }),
    }),
  );
  return [...first, ...changes, ...removals];
}

interface Named {
  subject: Subject;
  name: string;
  priority: Readonly<Record<string, unknown>>;
}

/** The subjects as objects: what is there keeps its name and place. Those of some pods come first. */
function named(now: Snapshot, wish: Wish, base: Manifest): readonly Named[] {
  const { mechanism, live } = wish;
  const { some, whole } = subjectsOf(now, wish);
  const taken = new Set(
    objects(now, mechanism.kind)
      .filter((object) => !isOurs(object, METADATA))
      .map(({ metadata }) => metadata.name),
  );
  const place = live.map(({ object }) => at(object.spec, 'priority')).find((n) => typeof n === 'number');
  const free = place ?? freePriority(now, mechanism, at(base.spec, 'priority'));
  const priority = mechanism.ownPriority === undefined || free === undefined ? {} : { priority: free };
  const mains = live.filter(({ says }) => says?.subject.pods.length === 0);
  const used = new Set(taken);
  for (const { object } of live) used.add(object.metadata.name);
  const naming = (known: LiveBlock | undefined, suffix: string): string => {
    const name = known?.object.metadata.name ?? freeName(`${base.metadata.name}${suffix}`, used);
    used.add(name);
    return name;
  };
  return [
    ...some.map((subject) => ({
      subject,
      name: naming(
        live.find(({ says }) => says !== undefined && canonical(says.subject) === canonical(subject)),
        `-${subject.namespaces[0]}`,
      ),
      priority,
    })),
    ...whole.map((subject, index) => ({ subject, name: naming(mains[index], ''), priority })),
  ];
}

/** Who is kept away: what is already, and what is wished. */
function subjectsOf(
  now: Snapshot,
  { mechanism, live, namespaces, later }: Wish,
): { some: readonly Subject[]; whole: readonly Subject[] } {
  const subjects = live.flatMap(({ says }) => says?.subject ?? []);
  const covered = (name: string) => live.some((one) => covers(one, name));
  const added = [...namespaces].filter(([name]) => !covered(name));
  const some = [
    ...subjects.filter(({ pods }) => pods.length > 0),
    ...added.flatMap(([name, lists]) =>
      lists
        .filter((pods) => pods.length > 0)
        .map((pods): Subject => ({ operator: 'In', namespaces: [name], pods })),
    ),
  ];
  const wholes = subjects.filter(({ pods }) => pods.length === 0);
  const entire = added.flatMap(([name, lists]) => (lists.some((pods) => pods.length === 0) ? [name] : []));
  const open = wholes.find(({ operator }) => operator === 'NotIn');
  if (open !== undefined || later) {
    const isIn = (name: string) =>
      entire.includes(name) || wholes.some((subject) => covers({ says: { subject, endpoints: [] } }, name));
    const excluded =
      open === undefined
        ? knownNamespaces(now).filter((name) => !isIn(name))
        : open.namespaces.filter((name) => !entire.includes(name));
    return { some, whole: [{ operator: 'NotIn', namespaces: excluded, pods: [] }] };
  }
  const names = [...new Set([...wholes.flatMap((subject) => subject.namespaces), ...entire])].sort();
  return { some, whole: chunks(names, SHAPES[mechanism.id].longest) };
}

/** Names in as many lists as fit. */
function chunks(names: readonly string[], longest = Number.POSITIVE_INFINITY): readonly Subject[] {
  const lists: string[][] = [];
  for (const name of names) {
    const last = lists.at(-1);
    if (last !== undefined && lengthOf('In', [...last, name]) <= longest) last.push(name);
    else lists.push([name]);
  }
  return lists.map((namespaces) => ({ operator: 'In', namespaces, pods: [] }));
}

function lengthOf(operator: Subject['operator'], values: readonly string[]): number {
  return selectorText([{ key: 'kubernetes.io/metadata.name', operator, values }]).length;
}

/** Whether namespaces that are created later can be covered: the names of the others fit. */
export function canCoverLater(now: Snapshot, { id }: ClusterWide): boolean {
  return lengthOf('NotIn', knownNamespaces(now)) <= (SHAPES[id].longest ?? Number.POSITIVE_INFINITY);
}

/** A template with nothing in it that opens or closes more than what is added. */
function filled(
  path: string,
  fixed: readonly (readonly [string, unknown])[],
  templates: Templates,
): Manifest {
  const found = template(templates, path);
  const spec = isRecord(found.spec) ? found.spec : {};
  for (const [field, value] of fixed)
    if (canonical(spec[field]) !== canonical(value))
      throw new TemplateError(
        `templates/${path}: expected spec.${field}: ${JSON.stringify(value)}; otherwise it would open or close more than the metadata address`,
      );
  const known = [...fixed.map(([field]) => field), 'priority', 'order', 'description'];
  const stranger = Object.keys(spec).find((field) => !known.includes(field));
  if (stranger !== undefined)
    throw new TemplateError(`templates/${path}: spec.${stranger} is not for a template: the step writes it`);
  return found;
}

function ourOwn(manifest: Manifest): Manifest {
  const { metadata } = manifest;
  return { ...manifest, metadata: { ...metadata, labels: { ...metadata.labels, ...ourLabels(METADATA) } } };
}

function idOf({ kind, metadata }: Manifest): string {
  return `metadata-blocking/-/${kind}/${metadata.name}`;
}

/** The change that writes an object; none where the live one holds all that it says. */
function write(
  now: Snapshot,
  manifest: Manifest,
  about: Pick<ApplyChange, 'risk' | 'why' | 'breaks' | 'namespaces' | 'requires'>,
): readonly ApplyChange[] {
  const before = [...now.listings.values()]
    .flatMap((listing) => (listing.state === 'read' ? listing.items : []))
    .find((item) => item.metadata.name === manifest.metadata.name && kindOf(item) === kindOf(manifest));
  if (before !== undefined && holds(before.spec, manifest.spec)) return [];
  const others = before === undefined ? [] : otherManagers(before);
  return [
    {
      kind: 'apply',
      id: idOf(manifest),
      ref: refOf(manifest),
      ...about,
      breaks: [
        ...(others.length === 0
          ? []
          : [`Takes its fields over from ${others.join(', ')}, where it was changed since.`]),
        ...about.breaks,
      ],
      manifest,
      ...(before === undefined ? {} : { before }),
      ...(others.length === 0 ? {} : { force: true, takesOver: others }),
    },
  ];
}

function whoText({ operator, namespaces, pods }: Subject): string {
  const names = listed(namespaces);
  if (pods.length > 0)
    return `pods of ${names} that are not among those which keep it (${selectorText(pods)})`;
  return operator === 'In' ? `pods of ${names}` : `pods of every namespace but ${names}`;
}

/** `169.254.169.254 TCP 80, fd00:ec2::254 TCP 80`. */
export function endpointsText(endpoints: readonly Ports[]): string {
  return endpoints.map(({ address, ports }) => `${address} TCP ${ports.join('/')}`).join(', ');
}

function breaksOf(
  { operator, namespaces, pods }: Subject,
  live: readonly LiveBlock[],
  chosen: ReadonlyMap<string, unknown>,
): readonly string[] {
  const before = namespaces.filter((name) => !chosen.has(name) && live.some((one) => covers(one, name)));
  return [
    "Pods that take the node's own credentials from there lose them; identities of their own (IRSA, Pod Identity, workload identity) go on.",
    ...(operator === 'In' && pods.length === 0 && before.length > 0
      ? [`It goes on to cover ${listed(before)}, from an earlier run.`]
      : []),
    ...(operator === 'NotIn' ? ['Namespaces that are created later are covered from the start.'] : []),
  ];
}

function listed(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}
