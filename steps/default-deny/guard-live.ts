import { KINDS, kindOf } from '../../src/model/kinds.js';
import { at, isRecord, listAt, type Manifest, stringAt } from '../../src/model/manifest.js';
import { BUILT_IN } from '../../src/model/namespaces.js';
import { once } from '../../src/model/once.js';
import { isOurs } from '../../src/model/ours.js';
import { canonical } from '../../src/model/plan.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { REACH_KINDS } from '../../src/reach/index.js';
import { FLAVOURS, type Flavour } from './guard-flavours.js';
import { OUTSIDE_RULE, SHAPES } from './guard-shapes.js';

/** Component by whose label we know our guard. */
export const GUARD = 'new-namespaces';

/** A guard of ours that is there. */
export interface LiveGuard {
  flavour: Flavour;
  object: Manifest;
  /** The names that it excludes; undefined where somebody gave it another form. */
  excluded: readonly string[] | undefined;
}

/** Our guards, in the order of the flavours; more than one where a plugin was exchanged. */
export const liveGuards = once((now): readonly LiveGuard[] =>
  FLAVOURS.flatMap((flavour) =>
    objects(now, flavour.kind)
      .filter((object) => isOurs(object, GUARD))
      .map((object) => ({ flavour, object, excluded: SHAPES[flavour.id].excluded(object.spec) })),
  ),
);

/** The flavour of an object that a guard is written as. */
export function flavourOf(manifest: { apiVersion: string; kind: string }): Flavour | undefined {
  return FLAVOURS.find(({ kind }) => KINDS[kind] === kindOf(manifest));
}

/** Every namespace that is known: those that are listed, that something stands in, and that Kubernetes makes. */
export const knownNamespaces = once((now): readonly string[] => {
  const names = new Set(BUILT_IN);
  for (const { metadata } of objects(now, 'Namespace')) names.add(metadata.name);
  for (const kind of REACH_KINDS)
    for (const { metadata } of objects(now, kind))
      if (metadata.namespace !== undefined) names.add(metadata.namespace);
  return [...names].sort();
});

/** Whether a guard's subject includes a namespace. */
export function includes({ excluded }: Pick<LiveGuard, 'excluded'>, namespace: string): boolean {
  return excluded !== undefined && !excluded.includes(namespace);
}

/** A guard of ours that includes a namespace and whose effect the engine does not compute. */
export function uncomputedGuard(now: Snapshot, namespace: string): LiveGuard | undefined {
  return liveGuards(now).find(
    (guard) => !guard.flavour.computed && guard.flavour.generates !== true && includes(guard, namespace),
  );
}

/** Whether a NetworkPolicy holds just what our guard has Kyverno write: a label would prove nothing. */
export function isGenerated(now: Snapshot, { spec }: Manifest): boolean {
  return liveGuards(now).some(
    ({ flavour, object }) =>
      flavour.generates === true &&
      listAt(object, 'spec', 'rules').some((rule) => {
        const data = at(rule, 'generate', 'data', 'spec');
        return isRecord(data) && canonical(data) === canonical(spec);
      }),
  );
}

/** Our guard as if it closed what is outside of the cluster too: what it closes beside that is what is judged. */
export function closedOutside(guard: Manifest): Manifest {
  const egress = listAt(guard.spec, 'egress').map((rule) =>
    stringAt(rule, 'name') === OUTSIDE_RULE && isRecord(rule) ? { ...rule, action: 'Deny' } : rule,
  );
  return { ...guard, spec: { ...(guard.spec as object), ...(egress.length > 0 && { egress }) } };
}
