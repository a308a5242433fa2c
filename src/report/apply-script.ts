import { printable } from '../model/escape.js';
import { kindOf } from '../model/kinds.js';
import { groupOf, type Ref, refText } from '../model/manifest.js';
import type { ClusterInfo } from '../model/snapshot.js';
import type { Item } from './items.js';
import { quoted } from './shell.js';

/**
 * `apply.sh`: every file in the order of the plan, by server-side apply as the wizard does it, and the removals. It
 * refuses a cluster other than the one that was planned for, and ends with what is left for a person. The embedded
 * cluster is another one at every start, and kubectl cannot reach it: with its plan every cluster is another one.
 */
export function applyScript(
  { context, id, sandbox }: Pick<ClusterInfo, 'context' | 'id' | 'sandbox'>,
  items: readonly Item[],
): string {
  const left = items.filter((item) => ['host', 'rewrite', 'cloud'].includes(item.change.kind));
  const lines = [
    ...items.flatMap(line),
    '',
    ...(left.length === 0
      ? ["echo 'All is applied.'"]
      : [
          "echo 'All that kubectl can apply is applied. Left for you, in this order:'",
          ...left.map(leftLine),
        ]),
  ];
  return `${frame(quoted(context), quoted(sandbox ? '' : id))}${lines.join('\n')}\n`;
}

/** What stands before the files: arguments and the check of the cluster. */
const frame = (context: string, id: string) => `#!/bin/sh
# Applies these patch files in the order of the plan; README.md has the reasons.
# usage: ./apply.sh [--context NAME] [--any-cluster]
#   --context NAME   context of the kubeconfig (or CONTEXT in the environment)
#   --any-cluster    also apply to a cluster other than the one that was planned for
set -eu

PLANNED_CONTEXT=${context}
PLANNED_CLUSTER=${id}
KUBECTL="\${KUBECTL:-kubectl}"
CONTEXT="\${CONTEXT:-$PLANNED_CONTEXT}"
ANY_CLUSTER=no
while [ $# -gt 0 ]; do
  case "$1" in
    --context)
      [ $# -gt 1 ] || { echo 'apply.sh: --context needs a name' >&2; exit 2; }
      CONTEXT="$2"
      shift 2
      ;;
    --any-cluster)
      ANY_CLUSTER=yes
      shift
      ;;
    *)
      echo 'usage: apply.sh [--context NAME] [--any-cluster]' >&2
      exit 2
      ;;
  esac
done
cd "$(dirname "$0")"

kube() {
  "$KUBECTL" --context "$CONTEXT" "$@"
}
apply() {
  kube apply --server-side --field-manager=kubectl-harden "$@"
}

if [ "$ANY_CLUSTER" = no ]; then
  # The UID of kube-system is the identity of a cluster, whatever its contexts are called.
  FOUND="$(kube get namespace kube-system -o 'jsonpath={.metadata.uid}')" || exit 2
  if [ "$FOUND" != "$PLANNED_CLUSTER" ]; then
    echo "apply.sh: context $CONTEXT is not the cluster that was planned for ($PLANNED_CONTEXT)." >&2
    echo 'Nothing was applied. Plan for this one, or give --any-cluster.' >&2
    exit 2
  fi
fi

`;

function line({ change, path, manifest, force }: Item): string[] {
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
