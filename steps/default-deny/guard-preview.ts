import { labelledOurs } from '../../src/model/ours.js';
import { overlay } from '../../src/model/overlay.js';
import type { Change } from '../../src/model/plan.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { diffReach, type Endpoint, type Reach } from '../../src/reach/index.js';
import { SOMEWHERE } from './addresses.js';
import { flavourOf, GUARD, knownNamespaces } from './guard-live.js';
import { SHAPES } from './guard-shapes.js';
import { NAME_LABEL } from './name-label.js';
import { reachesIn, reachIn } from './state.js';

const NOTHING = 'No Connections';

/**
 * What a guard among the changes does, in sentences: which namespaces that exist it includes, what changes for them, and
 * what a namespace will find that is created later. Computed by the engine where it knows the kind; elsewhere only what
 * its selector says.
 */
export function guardPreview(now: Snapshot, changes: readonly Change[]): readonly string[] {
  const guard = changes.find(
    (change) =>
      change.kind === 'apply' && labelledOurs(change.manifest, GUARD) && change.namespaces !== undefined,
  );
  if (guard?.kind !== 'apply') return [];
  const flavour = flavourOf(guard.manifest);
  if (flavour === undefined) return [];
  const after = overlay(now, changes);
  const excluded = SHAPES[flavour.id].excluded(guard.manifest.spec) ?? [];
  const covered = knownNamespaces(after).filter((name) => !excluded.includes(name));
  const who =
    covered.length === 0
      ? 'No namespace that exists is covered by the guard of new namespaces'
      : `Of the namespaces that exist the guard of new ones covers ${listed(covered)}`;
  if (!flavour.computed)
    return [
      `${who}; it covers every later one. The effect of ${flavour.title} is not computed here${flavour.generates === true ? ', until it has written a NetworkPolicy' : ''}.`,
    ];
  const bare = overlay(
    now,
    changes.filter((change) => change !== guard),
  );
  const [was, is] = [reachesIn(bare), reachesIn(after)];
  const closed = was.flatMap((one, reading) => diffReach(one, is[reading] ?? one).closed);
  const cut = [...new Set(closed.map(({ src, dst, conn }) => `${src} => ${dst} : ${conn}`))];
  const lines = cut.slice(0, MOST);
  return [
    `${who}; ${cut.length === 0 ? 'nothing is closed there that is not closed anyway' : `it closes there: ${lines.join('; ')}${cut.length > MOST ? ` and ${cut.length - MOST} more` : ''}`}.`,
    later(bare, after),
  ];
}

const MOST = 5;

/** What passes to and from a namespace that does not exist yet, before and after. */
function later(bare: Snapshot, after: Snapshot): string {
  const names = new Set(knownNamespaces(after));
  let name = 'new';
  while (names.has(name)) name += '-new';
  const [was, is] = [bare, after].map((now) => counts(reachIn(withNamespace(now, name)), name));
  if (was === undefined || is === undefined) return '';
  const of = (before: number, then: number) => `${then} of ${was.all} workloads (now ${before})`;
  const outside = (open: boolean) => (open ? 'open' : 'closed');
  return `A namespace that is created later: reached by ${of(was.from, is.from)}, reaches ${of(was.to, is.to)}; to addresses outside ${outside(is.out)}, from outside ${outside(is.in)}.`;
}

function counts(reach: Reach, name: string) {
  const fresh: Endpoint = { freshPod: name };
  const passes = (src: Endpoint, dst: Endpoint) => reach.between(src, dst) !== NOTHING;
  const pods = reach.workloads.filter(({ hostNetwork }) => !hostNetwork);
  return {
    all: pods.length,
    from: pods.filter((one) => passes({ workload: one.name }, fresh)).length,
    to: pods.filter((one) => passes(fresh, { workload: one.name })).length,
    out: passes(fresh, { address: SOMEWHERE }),
    in: passes({ address: SOMEWHERE }, fresh),
  };
}

function withNamespace(now: Snapshot, name: string): Snapshot {
  const listing = now.listings.get('Namespace');
  if (listing?.state !== 'read') return now;
  const added = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { [NAME_LABEL]: name } } };
  return {
    ...now,
    listings: new Map(now.listings).set('Namespace', { ...listing, items: [...listing.items, added] }),
  };
}

function listed(names: readonly string[]): string {
  return names.length > MOST
    ? `${names.slice(0, MOST).join(', ')} and ${names.length - MOST} more`
    : names.join(', ');
}
