import { printable } from '../model/escape.js';
import { holdsKey, hostFileText, instructionsText, yamlText } from '../model/hostfile.js';
import type { Change } from '../model/plan.js';
import type { Snapshot } from '../model/snapshot.js';
import type { StepState } from '../wizard/state.js';
import { applyScript } from './apply-script.js';
import { type Item, itemsOf } from './items.js';
import { readme } from './patch-readme.js';
import { commandLine, quoted } from './shell.js';

/** One file of the patch directory. `keyed` is content that waits for a key, which only the writer makes. */
export type PatchFile = { path: string; mode: number } & ({ text: string } | { keyed: unknown });

const SCRIPT = 0o755;
const FILE = 0o644;

/**
 * The plan as files: what would be applied, one object a file, numbered in the order of the plan; for each step a folder;
 * scripts where a command must run; `apply.sh`, `kustomization.yaml` and a README. Equal plans give equal files.
 */
export function patchFiles(now: Snapshot, steps: readonly StepState[]): readonly PatchFile[] {
  const items = itemsOf(steps);
  const objects = items.filter((item) => item.manifest !== undefined);
  return [
    { path: 'README.md', mode: FILE, text: readme(now, steps, items) },
    { path: 'apply.sh', mode: SCRIPT, text: applyScript(now.cluster, items) },
    ...(objects.length === 0
      ? []
      : [{ path: 'kustomization.yaml', mode: FILE, text: kustomization(objects.map((item) => item.path)) }]),
    ...items.flatMap((item) => filesOf(item, now.cluster.context)),
  ];
}

/** Lists files and nothing else, so that kubectl with a kustomize as old as 2.0 reads it. */
function kustomization(resources: readonly string[]): string {
  return yamlText({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources });
}

function filesOf(item: Item, context: string): PatchFile[] {
  const { change, path, folder, manifest } = item;
  if (manifest !== undefined)
    return [{ path, mode: FILE, text: `${comment(item.why)}${yamlText(manifest)}` }];
  switch (change.kind) {
    case 'host':
      return [
        { path, mode: FILE, text: instructionsText(change) },
        ...change.files.map(({ as, mode, content }) => ({
          path: `${folder}/${as}`,
          mode,
          ...(holdsKey(content) ? { keyed: content } : { text: hostFileText(content) }),
        })),
      ];
    case 'rewrite':
    case 'cloud':
      return [{ path, mode: SCRIPT, text: script(change, context) }];
    default:
      return []; // a removal is a line of apply.sh
  }
}

function comment(lines: readonly string[]): string {
  return lines.map((line) => `# ${printable(line)}\n`).join('');
}

function script(change: Change, context: string): string {
  const command = change.kind === 'cloud' ? `${commandLine(change.command)}\n` : rewriting(quoted(context));
  return `#!/bin/sh\n${comment([change.why, ...change.breaks])}set -eu\n${command}`;
}

const rewriting = (
  context: string,
) => `# The command of the Kubernetes documentation. It carries every value through this machine; the wizard and
# \`kubectl harden apply\` do the same without reading one. It may be run again: where somebody wrote at the same
# moment, it reports a conflict.
KUBECTL="\${KUBECTL:-kubectl}"
PLANNED_CONTEXT=${context}
CONTEXT="\${CONTEXT:-$PLANNED_CONTEXT}"
"$KUBECTL" --context "$CONTEXT" get secrets --all-namespaces -o json |
  "$KUBECTL" --context "$CONTEXT" replace -f -
`;
