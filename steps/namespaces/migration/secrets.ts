import { quoted } from '../../../src/model/shell.js';
import { SOURCE } from './names.js';

/**
 * What `kubectl get -o go-template` prints of a Secret: an object with its name, labels, type and values, and nothing that belongs to the server or to the old namespace. Annotations stay behind: `last-applied-configuration` may hold the
 * values, and the others are notes of whoever made the old one. Every text is quoted, so that YAML takes it as it is.
 */
export function secretTemplate(target: string): string {
  const pairs = (of: string) => `{ {{range $key, $value := ${of}}}{{printf "%q: %q, " $key $value}}{{end}}}`;
  return [
    'apiVersion: v1',
    'kind: Secret',
    `metadata: {name: {{printf "%q" .metadata.name}}, namespace: "${target}", labels: ${pairs('.metadata.labels')}}`,
    'type: {{printf "%q" .type}}',
    'immutable: {{if .immutable}}true{{else}}false{{end}}',
    `data: ${pairs('.data')}`,
  ].join('{{"\\n"}}');
}

/** One Secret copied from hand to hand: no file, no argument and no annotation ever holds a value. */
export function secretCommand(kubectl: string, name: string, target: string): string {
  return `${kubectl} get secret ${quoted(name)} --namespace ${SOURCE} -o go-template=${quoted(secretTemplate(target))} | ${kubectl} create -f -`;
}

/** Commands of the script that copies these Secrets; those that are there already stay as they are. */
export function secretCommands(names: readonly string[], target: string): string {
  return `TARGET=${quoted(target)}
FORM=${quoted(secretTemplate(target))}

# create, never apply: apply would write the values into an annotation.
copy() {
  if [ -n "$(kube get secret "$1" --namespace "$TARGET" --ignore-not-found -o name)" ]; then
    echo "$1 is in $TARGET already: it stays as it is."
  else
    kube get secret "$1" --namespace ${SOURCE} -o go-template="$FORM" | kube create -f -
  fi
}

${names.map((name) => `copy ${quoted(name)}\n`).join('')}`;
}
