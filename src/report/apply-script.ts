import { printable } from '../model/escape.js';
import { kindOf } from '../model/kinds.js';
import { ownChoice } from '../model/managed-by.js';
import { groupOf, type Ref, refText } from '../model/manifest.js';
import { without } from '../model/plan.js';
import { quoted } from '../model/shell.js';
import type { ClusterInfo } from '../model/snapshot.js';
import type { Item } from './items.js';
import { scriptFrame } from './script-frame.js';

/**
 * `apply.sh`: every file in the order of the plan, by server-side apply as the wizard does it, and the removals. It
 * refuses a cluster other than the one that was planned for, and ends with what is left for a person.
 */
export function applyScript(
  cluster: Pick<ClusterInfo, 'context' | 'id' | 'sandbox' | 'files'>,
  items: readonly Item[],
): string {
  const left = items.filter((item) => ['host', 'rewrite', 'cloud'].includes(item.change.kind));
  const changes = items.map(({ change }) => change);
  const own = changes.filter((change) => ownChoice(change) !== undefined).map(({ id }) => id);
  const kept = new Set(without(changes, own).map(({ id }) => id));
  const lines = [
    ...items.flatMap((item) => line(item, whyLeftOut(item, kept))),
    '',
    ...(left.length === 0
      ? ["echo 'All is applied.'"]
      : [
          "echo 'All that kubectl can apply is applied. Left for you, in this order:'",
          ...left.map(leftLine),
        ]),
  ];
  const frame = scriptFrame(cluster, {
    name: 'apply.sh',
    about: ['Applies these patch files in the order of the plan; README.md has the reasons.'],
    verb: 'apply to',
    nothing: 'Nothing was applied.',
  });
  return `${frame}${APPLY}${lines.join('\n')}\n`;
}

const APPLY = `apply() {
  kube apply --server-side --field-manager=kubectl-harden "$@"
}

`;

/** Why a person has to choose it: what takes a choice of its own, and what does harm without that. */
function whyLeftOut({ change }: Item, kept: ReadonlySet<string>): string | undefined {
  if (kept.has(change.id)) return undefined;
  return ownChoice(change) ?? 'It requires what is left out above: without that it does harm.';
}

function line(item: Item, left: string | undefined): string[] {
  const lines = commandOf(item);
  // What applies it stands there to be taken.
  return left === undefined ? lines : [`# Left out: ${printable(left)}`, ...lines.map((one) => `# ${one}`)];
}

function commandOf({ change, path, manifest, force }: Item): string[] {
  if (manifest !== undefined) return [`apply ${force ? '--force-conflicts ' : ''}-f ${quoted(path)}`];
  if (change.kind === 'delete') return [removal(change.ref).replace(/^kubectl /, 'kube ')];
  return [];
}

/** The command that removes an object. */
export function removal(ref: Ref): string {
  const group = groupOf(ref.apiVersion);
  const plural = kindOf(ref)?.plural ?? ref.kind.toLowerCase();
  const resource = group === '' ? plural : `${plural}.${group}`;
  const where = ref.namespace === undefined ? '' : ` --namespace ${quoted(ref.namespace)}`;
  return `kubectl delete ${quoted(resource)} ${quoted(ref.name)}${where} --ignore-not-found`;
}

function leftLine({ change, path }: Item): string {
  const what = {
    host: 'on each control-plane node: follow',
    rewrite: 'once every API server encrypts: run',
    cloud: 'at the provider: run',
  }[change.kind as string];
  return `echo ${quoted(`  ${printable(refText(change.ref))}: ${what} ${path}`)}`;
}
