import type { KindName } from '../../src/model/kinds.js';
import { at, isRecord, type Manifest, refOf } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { namespaceKind, excluded as outOfScope } from '../../src/model/namespaces.js';
import { once } from '../../src/model/once.js';
import { isOurs, labelledOurs, otherManagers, ourLabels } from '../../src/model/ours.js';
import { overlay } from '../../src/model/overlay.js';
import type { ApplyChange, Change } from '../../src/model/plan.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { TemplateError, type Templates, template } from '../../src/model/template.js';
import { isolation, REACH_KINDS, reachOf } from '../../src/reach/index.js';
import { dnsHere } from './dns-here.js';
import type { Flavour } from './guard-flavours.js';
import { guardHere } from './guard-here.js';
import { GUARD, includes, knownNamespaces, type LiveGuard } from './guard-live.js';
import { type GuardRules, guardRules } from './guard-rules.js';
import { SHAPES } from './guard-shapes.js';
import { denyPolicies, freeName } from './policy.js';
import { DENY } from './state.js';

/** What decides about a guard besides the cluster. */
export interface GuardWish {
  /** Changes of the step that come before it. */
  before: readonly Change[];
  /** Names of the namespaces that were chosen to be closed. */
  chosen: ReadonlySet<string>;
  /** Addresses outside stay open. */
  outside: boolean;
}

/**
 * The changes that create our guard of new namespaces, or amend it; none where there can be none, or it is as it should
 * be. It comes after the denies and requires those of the namespaces that it includes: without them it would close those
 * without what allows.
 * @throws TemplateError where a template is of another shape.
 */
export function guardChanges(now: Snapshot, wish: GuardWish, templates: Templates): readonly ApplyChange[] {
  const here = guardHere(now);
  if (here.flavour === undefined) return [];
  const { flavour, live } = here;
  const facts = dnsHere(now);
  const rules = guardRules(now, facts, wish.outside);
  // A guard that closes more than we could now, because DNS is not seen, is not loosened.
  const shape = SHAPES[flavour.id];
  const closesEgress = shape.closesEgress ?? ((spec: unknown) => at(spec, 'egress') !== undefined);
  if (!rules.egress && live !== undefined && closesEgress(live.object.spec)) return [];
  const excluded = excludedNames(overlay(now, wish.before), flavour, live, wish.chosen);
  const denySpec = () =>
    denyPolicies(
      {
        namespace: 'new',
        close: { ingress: true, egress: rules.egress },
        sameNamespace: false,
        outside: wish.outside,
        workloads: [],
        now,
        dns: facts,
        nameservers: [],
        existing: [],
      },
      templates,
    ).manifests.at(-1)?.spec;
  const found = template(templates, flavour.template);
  if (shape.fixed !== undefined && at(found.spec, shape.fixed[0]) !== shape.fixed[1])
    throw new TemplateError(
      `templates/${flavour.template}: expected spec.${shape.fixed[0]}: ${String(shape.fixed[1])}; in another tier it would go before NetworkPolicies`,
    );
  const spec = shape.fill(found.spec, excluded, rules, denySpec);
  const manifest = ours(now, flavour.kind, found, live?.object, spec);
  const { needs } = flavour;
  const first =
    needs === undefined
      ? []
      : write(now, needs.kind, ours(now, needs.kind, template(templates, needs.template)));
  const requires = [...wish.before.filter((c) => isNeeded(c, flavour, live, excluded)), ...first].map(
    (c) => c.id,
  );
  return [
    ...first,
    ...write(now, flavour.kind, manifest).map((change) => ({
      ...change,
      risk: 'cutsTraffic' as const,
      why: 'Closes namespaces that are created from now on; it names those that it leaves alone.',
      breaks: [...change.breaks, ...breaks(flavour, rules)],
      namespaces: knownNamespaces(now),
      ...(requires.length > 0 && { requires }),
    })),
  ];
}

/** A deny without which the guard would decide about a namespace, or no longer would. */
function isNeeded(
  change: Change,
  flavour: Flavour,
  live: LiveGuard | undefined,
  excluded: readonly string[],
): boolean {
  const { namespace } = change.ref;
  if (change.kind !== 'apply' || namespace === undefined || !labelledOurs(change.manifest, DENY))
    return false;
  return flavour.additive ? live !== undefined && includes(live, namespace) : !excluded.includes(namespace);
}

/**
 * The names that a guard leaves alone: all of the system and of infrastructure, and every namespace that was not chosen,
 * now or in an earlier run, or that is not closed by NetworkPolicies of its own. What was created since the guard was
 * written is what it is for, and stays in.
 */
function excludedNames(
  after: Snapshot,
  flavour: Flavour,
  live: LiveGuard | undefined,
  chosen: ReadonlySet<string>,
): readonly string[] {
  const user = new Map(
    objects(after, 'Namespace')
      .filter((namespace) => namespaceKind(after, namespace) === 'user')
      .map(({ metadata }) => [metadata.name, metadata] as const),
  );
  const isIn = (name: string) => {
    if (!user.has(name)) return false;
    if (live !== undefined && includes(live, name)) return !(flavour.additive && chosen.has(name));
    if (flavour.additive || outOfScope(after, name)) return false;
    const closedByUs = objectsIn(after, 'NetworkPolicy', name).some((policy) => isOurs(policy, DENY));
    return (chosen.has(name) || closedByUs) && selectedByPolicies(after, name);
  };
  return knownNamespaces(after).filter((name) => !isIn(name));
}

/** The connections of NetworkPolicies alone. */
const namespaced = once((now) =>
  reachOf(
    REACH_KINDS.filter((kind) => kind === 'NetworkPolicy' || !kind.endsWith('NetworkPolicy')).flatMap(
      (kind) => objects(now, kind),
    ),
  ),
);

/** Whether NetworkPolicies select every pod of a namespace, new ones included, in both directions: no tier after them decides. */
function selectedByPolicies(now: Snapshot, namespace: string): boolean {
  const { ingress, egress } = isolation(namespaced(now), namespace);
  return [ingress, egress].every(
    ({ covered, open }) => covered && open.every(({ because }) => because !== 'unselected'),
  );
}

/** A template filled in, under the name that it has or can have. */
function ours(
  now: Snapshot,
  kind: KindName,
  found: Manifest,
  live?: Manifest,
  spec: Readonly<Record<string, unknown>> = {},
): Manifest {
  const taken = objects(now, kind).filter((object) => !isOurs(object, GUARD));
  const name =
    live?.metadata.name ?? freeName(found.metadata.name, new Set(taken.map((o) => o.metadata.name)));
  return {
    ...found,
    metadata: {
      ...found.metadata,
      name,
      labels: { ...found.metadata.labels, ...ourLabels(GUARD) },
    },
    spec: { ...(isRecord(found.spec) ? found.spec : {}), ...spec },
  };
}

/** The change that writes an object of ours; none where the live one holds all that it says. */
function write(now: Snapshot, kind: KindName, manifest: Manifest): readonly ApplyChange[] {
  const ref = refOf(manifest);
  const before = objects(now, kind).find(({ metadata }) => metadata.name === ref.name);
  if (before !== undefined && holds(before.spec, manifest.spec)) return [];
  const others = before === undefined ? [] : otherManagers(before);
  return [
    {
      kind: 'apply',
      id: `default-deny/-/${ref.kind}/${ref.name}`,
      ref,
      risk: 'none',
      why: 'The guard of new namespaces stands in it.',
      breaks:
        others.length === 0
          ? []
          : [`Takes its fields over from ${others.join(', ')}, where it was changed since.`],
      manifest,
      ...(before === undefined ? {} : { before }),
      ...(others.length === 0 ? {} : { force: true, takesOver: others }),
    },
  ];
}

/** Whether a live value holds a wanted one; servers add defaults to what was written. */
export function holds(live: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted))
    return (
      Array.isArray(live) &&
      live.length === wanted.length &&
      wanted.every((value, i) => holds(live[i], value))
    );
  if (isRecord(wanted))
    return isRecord(live) && Object.entries(wanted).every(([key, value]) => holds(live[key], value));
  return live === wanted;
}

/** What it means for those who create a namespace later, and what it cannot do. */
function breaks(flavour: Flavour, rules: GuardRules): readonly string[] {
  return [
    `Pods of namespaces that are created later reach no pod but DNS and are reached by none, until NetworkPolicies of theirs allow it${rules.egress ? '' : '; their egress stays open, as DNS is not known'}.`,
    ...(rules.egress
      ? [
          rules.outside
            ? 'Addresses outside of the cluster stay open to them, but not the metadata service.'
            : 'Addresses outside of the cluster are closed to them too.',
        ]
      : []),
    ...(flavour.computed
      ? ['Traffic from outside of the cluster still reaches them: this API names no addresses on the way in.']
      : []),
    'Platform parts that get a namespace of their own later are closed as well, unless it is added to the names.',
    'A namespace that is created before this is written would be closed unseen: apply looks again, a patch file does not.',
  ];
}
