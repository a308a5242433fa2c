import { type KindName, kindNameOf } from './kinds.js';
import type { Change } from './plan.js';
import type { Query, Snapshot } from './snapshot.js';

export type Verb = 'get' | 'list' | 'create' | 'patch' | 'delete';

/** One right on an API server, as RBAC grants it. */
export type Right =
  | {
      verb: Verb;
      /** API group; empty: the core group; `*`: every one. */
      group: string;
      /** Plural, e.g. `networkpolicies`; `*`: every one. */
      resource: string;
      /** In this namespace only. */
      namespace?: string;
      /** For the object of this name only. */
      name?: string;
    }
  /** A path of the server that is no resource, e.g. `/metrics`. */
  | { verb: 'get'; url: string };

/** What follows where a right is missing. */
export type Without =
  | 'refused' // what needs it is not written
  | 'notVisible' // what it shows is not visible, and never counted as fine
  | 'lessSafe'; // it is done all the same, with less protection: `for` says which

/** A right and what it is good for. */
export interface Need {
  right: Right;
  /** For people: what it is for, as in "to see what may connect to what". */
  for: string;
  without: Without;
  /** The kind that is read or written; a server that lacks it needs no right. */
  kind?: KindName;
  /** Needed only by those who ask for this part of the step. */
  option?: Option;
}

/** Parts of a step that have to be asked for: without the right nothing else of the step suffers. */
export type Option = 'guard' | 'clusterWide' | 'probe' | 'move' | 'editors';

/** What a step may write: kinds of objects, or an act that takes several requests. */
export type Write =
  /** `amend`: only where the object is there. */
  | { kind: KindName; by: 'apply' | 'amend' | 'delete'; for: string; option?: Option; namespace?: string }
  /** `resource` as encryption configurations name it: `secrets`, `widgets.example.com`. */
  | { act: 'rewrite'; resource: string; for: string; option?: Option }
  | { act: 'probe'; for: string; option?: Option };

/** What carrying out a change writes; undefined for what is not done on an API server. */
export function writeOf(change: Change): Write | undefined {
  const what = { for: change.why };
  switch (change.kind) {
    case 'apply':
    case 'delete': {
      const kind = kindNameOf(change.ref);
      const { namespace } = change.ref;
      if (kind === undefined) return undefined;
      const by = change.kind === 'apply' && change.before !== undefined ? 'amend' : change.kind;
      return { kind, by, ...what, ...(namespace === undefined ? {} : { namespace }) };
    }
    case 'rewrite':
      return { act: 'rewrite', resource: change.resource, ...what };
    default:
      return undefined;
  }
}

/** What taking a change back writes; undefined where nothing is taken back on an API server. */
export function undoOf(change: Change): Exclude<Write, { act: string }> | undefined {
  const write = writeOf(change);
  if (write === undefined || 'act' in write) return undefined;
  const by = change.kind === 'delete' ? 'apply' : write.by === 'apply' ? 'delete' : 'amend';
  return { ...write, by, for: 'taking it back' };
}

/** Whether a step has said that it may write what a change writes. */
export function declares({ writes }: Pick<Uses, 'writes'>, change: Change): boolean {
  const write = writeOf(change);
  // What a node or a provider does is no write to an API server.
  if (write === undefined) return change.kind === 'host' || change.kind === 'cloud';
  if ('act' in write) return writes.some((one) => 'act' in one && one.act === write.act);
  return writes.some(
    (one) =>
      !('act' in one) &&
      one.kind === write.kind &&
      (one.by === write.by || (one.by === 'apply' && write.by === 'amend')),
  );
}

/** What a step reads and writes: from this its rights are derived. */
export interface Uses {
  reads: readonly Query[];
  writes: readonly Write[];
}

/** What an account lacks for each step, by id; or why that could not be asked. */
export type Rights = { lacks: ReadonlyMap<string, readonly Need[]> } | { unknown: string };

/** Equal texts for equal rights. */
export function rightKey(right: Right): string {
  return 'url' in right
    ? `${right.verb} ${right.url}`
    : [right.verb, right.group, right.resource, right.namespace ?? '', right.name ?? ''].join(' ');
}

/** `networkpolicies.networking.k8s.io`, `leases.coordination.k8s.io kubectl-harden in kube-system`, `/metrics`. */
function whatOf(right: Right): string {
  if ('url' in right) return right.url;
  const resource = right.group === '' ? right.resource : `${right.resource}.${right.group}`;
  const name = right.name === undefined ? '' : ` ${right.name}`;
  return `${resource}${name}${right.namespace === undefined ? '' : ` in ${right.namespace}`}`;
}

/** `get, patch networkpolicies.networking.k8s.io; list pods`: rights in words, verbs of the same object together. */
export function rightsText(rights: readonly Right[]): string {
  const byObject = Map.groupBy(rights, whatOf);
  const byVerbs = Map.groupBy([...byObject], ([, some]) =>
    [...new Set(some.map(({ verb }) => verb))].join(', '),
  );
  return [...byVerbs]
    .map(([verbs, some]) => `${verbs} ${some.map(([object]) => object).join(', ')}`)
    .join('; ');
}

const FOLLOWS: Readonly<Record<Without, (what: string) => string>> = {
  refused: () => 'What needs it is refused before anything is written.',
  notVisible: (what) => `Not visible, and not counted as fine: ${what}.`,
  lessSafe: (what) => `Done without: ${what}.`,
};

/** Objects of a kind of right that are named before the rest is only counted. */
const NAMED = 6;

/**
 * What an account may not do in a step, and what follows from it: one text for each consequence, the worst first. What
 * has to be asked for is left out: who asks is told then.
 */
export function lackTexts(now: Pick<Snapshot, 'rights'>, step: string): readonly LackText[] {
  const { rights } = now;
  if (rights === undefined) return [];
  if ('unknown' in rights)
    return [
      {
        without: 'lessSafe',
        text: `Which rights this account has is not known: ${rights.unknown.replaceAll('\n', ' ')}`,
      },
    ];
  const needs = (rights.lacks.get(step) ?? []).filter(({ option }) => option === undefined);
  return ORDER.flatMap((without) => {
    const some = needs.filter((need) => need.without === without);
    if (some.length === 0) return [];
    const purposes = [...new Set(some.map((need) => need.for))];
    const few = some.slice(0, NAMED).map(({ right }) => right);
    const more = some.length > NAMED ? `, and ${some.length - NAMED} rights more` : '';
    return [
      {
        without,
        text: `This account may not ${rightsText(few)}${more}. ${FOLLOWS[without](shortened(purposes))}`,
      },
    ];
  });
}

export interface LackText {
  without: Without;
  text: string;
}

const ORDER: readonly Without[] = ['refused', 'notVisible', 'lessSafe'];

function shortened(purposes: readonly string[]): string {
  const rest = purposes.length - 4;
  return rest > 1 ? `${purposes.slice(0, 4).join('; ')}; and ${rest} more` : purposes.join('; ');
}
