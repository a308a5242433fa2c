import { quoted } from '../model/shell.js';
import type { ClusterInfo } from '../model/snapshot.js';

export interface ScriptFrame {
  /** File name, for messages. */
  name: string;
  /** What it does, a comment line each; it stands before the usage. */
  about: readonly string[];
  /** What it does, as in "also apply to a cluster other than ...". */
  verb: string;
  /** What did not happen where it refuses, as a sentence. */
  nothing: string;
}

/**
 * What stands before the commands of a script: arguments, `kube` for kubectl with the context, and a check that the
 * context is the cluster that was planned for. The embedded cluster is another one at every start, and kubectl cannot
 * reach it: with its plan every cluster is another one.
 */
export function scriptFrame(
  { context, id, sandbox }: Pick<ClusterInfo, 'context' | 'id' | 'sandbox'>,
  { name, about, verb, nothing }: ScriptFrame,
): string {
  return `#!/bin/sh
${about.map((line) => `${`# ${line}`.trimEnd()}\n`).join('')}# usage: ./${name} [--context NAME] [--any-cluster]
#   --context NAME   context of the kubeconfig (or CONTEXT in the environment)
#   --any-cluster    also ${verb} a cluster other than the one that was planned for
set -eu

PLANNED_CONTEXT=${quoted(context)}
PLANNED_CLUSTER=${quoted(sandbox ? '' : id)}
KUBECTL="\${KUBECTL:-kubectl}"
CONTEXT="\${CONTEXT:-$PLANNED_CONTEXT}"
ANY_CLUSTER=no
while [ $# -gt 0 ]; do
  case "$1" in
    --context)
      [ $# -gt 1 ] || { echo '${name}: --context needs a name' >&2; exit 2; }
      CONTEXT="$2"
      shift 2
      ;;
    --any-cluster)
      ANY_CLUSTER=yes
      shift
      ;;
    *)
      echo 'usage: ${name} [--context NAME] [--any-cluster]' >&2
      exit 2
      ;;
  esac
done
cd "$(dirname "$0")"

kube() {
  "$KUBECTL" --context "$CONTEXT" "$@"
}

if [ "$ANY_CLUSTER" = no ]; then
  # The UID of kube-system is the identity of a cluster, whatever its contexts are called.
  FOUND="$(kube get namespace kube-system -o 'jsonpath={.metadata.uid}')" || exit 2
  if [ "$FOUND" != "$PLANNED_CLUSTER" ]; then
    echo "${name}: context $CONTEXT is not the cluster that was planned for ($PLANNED_CONTEXT)." >&2
    echo '${nothing} Plan for this one, or give --any-cluster.' >&2
    exit 2
  fi
fi

`;
}
