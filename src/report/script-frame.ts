import { printable } from '../model/escape.js';
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
  cluster: Pick<ClusterInfo, 'context' | 'id' | 'sandbox' | 'files'>,
  frame: ScriptFrame,
): string {
  return cluster.files ? frameOfFiles(cluster, frame) : frameOfCluster(cluster, frame);
}

/** No cluster was read for manifests in files, so none can be known again: the context has to be named. */
function frameOfFiles(
  { context }: Pick<ClusterInfo, 'context'>,
  { name, about, nothing }: ScriptFrame,
): string {
  return `#!/bin/sh
${comments(about)}# usage: ./${name} --context NAME
#   --context NAME   context of the kubeconfig (or CONTEXT in the environment)
${comments([`Planned from the manifests in ${printable(context)}; no cluster was read, so none is assumed.`])}set -eu

KUBECTL="\${KUBECTL:-kubectl}"
CONTEXT="\${CONTEXT:-}"
while [ $# -gt 0 ]; do
  case "$1" in
    --context)
      [ $# -gt 1 ] || { echo '${name}: --context needs a name' >&2; exit 2; }
      CONTEXT="$2"
      shift 2
      ;;
    *)
      echo 'usage: ${name} --context NAME' >&2
      exit 2
      ;;
  esac
done
if [ -z "$CONTEXT" ]; then
  echo '${name}: this was planned from manifests, not from a cluster: name the context with --context NAME.' >&2
  echo '${nothing}' >&2
  exit 2
fi
cd "$(dirname "$0")"

kube() {
  "$KUBECTL" --context "$CONTEXT" "$@"
}

`;
}

function comments(lines: readonly string[]): string {
  return lines.map((line) => `${`# ${line}`.trimEnd()}\n`).join('');
}

function frameOfCluster(
  { context, id, sandbox }: Pick<ClusterInfo, 'context' | 'id' | 'sandbox'>,
  { name, about, verb, nothing }: ScriptFrame,
): string {
  return `#!/bin/sh
${comments(about)}# usage: ./${name} [--context NAME] [--any-cluster]
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
