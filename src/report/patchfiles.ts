import { roundFiles } from '../encryption/node-script.js';
import { printable } from '../model/escape.js';
import { holdsKey, hostFileText, instructionsText, yamlText } from '../model/hostfile.js';
import { overlay } from '../model/overlay.js';
import type { CloudChange } from '../model/plan.js';
import { commandLine } from '../model/shell.js';
import type { ClusterInfo, Snapshot } from '../model/snapshot.js';
import type { StepFile } from '../model/step.js';
import { pending } from '../wizard/assemble.js';
import type { StepState } from '../wizard/state.js';
import { applyScript } from './apply-script.js';
import { type Item, itemsOf } from './items.js';
import { readme } from './patch-readme.js';
import { rewriteScript } from './rewrite-script.js';
import { scriptFrame } from './script-frame.js';

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
  const aside = asideOf(now, steps);
  return [
    { path: 'README.md', mode: FILE, text: readme(now, steps, items, aside.flatMap(told)) },
    { path: 'apply.sh', mode: SCRIPT, text: applyScript(now.cluster, items) },
    ...(objects.length === 0
      ? []
      : [{ path: 'kustomization.yaml', mode: FILE, text: kustomization(objects.map((item) => item.path)) }]),
    ...items.flatMap((item) => filesOf(item, now.cluster)),
    ...aside.map((file) => asideFile(file, now.cluster)),
  ];
}

/** Files for people, of every step that is not left out, with the folder of their step. */
function asideOf(now: Snapshot, steps: readonly StepState[]): readonly StepFile[] {
  let ahead = now;
  return steps.flatMap((state) => {
    const { step, answers, skipped } = state;
    const files = skipped === undefined ? (step.files?.(ahead, answers) ?? []) : [];
    ahead = overlay(ahead, pending(state));
    return files.map((file) => ({ ...file, path: `${step.folder}/${file.path}` }));
  });
}

function told({ path, about }: StepFile): { path: string; about: string }[] {
  return about === undefined ? [] : [{ path, about }];
}

function asideFile(file: StepFile, cluster: ClusterInfo): PatchFile {
  const { path } = file;
  if ('text' in file) return { path, mode: FILE, text: file.text };
  const { does, verb, nothing, commands } = file;
  const frame = scriptFrame(cluster, {
    name: path.slice(path.lastIndexOf('/') + 1),
    about: does,
    verb,
    nothing,
  });
  return { path, mode: SCRIPT, text: `${frame}${commands}` };
}

/** Lists files and nothing else, so that kubectl with a kustomize as old as 2.0 reads it. */
function kustomization(resources: readonly string[]): string {
  return yamlText({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources });
}

function filesOf(item: Item, cluster: ClusterInfo): PatchFile[] {
  const { change, path, folder, manifest } = item;
  if (manifest !== undefined)
    return [{ path, mode: FILE, text: `${comment(item.why)}${yamlText(manifest)}` }];
  switch (change.kind) {
    case 'host':
      return [
        { path, mode: FILE, text: instructionsText(change) },
        ...[...change.files, ...roundFiles(change)].map(({ as, mode, content }) => ({
          path: `${folder}/${as}`,
          mode,
          ...(holdsKey(content) ? { keyed: content } : { text: hostFileText(content) }),
        })),
      ];
    case 'rewrite':
      return [{ path, mode: SCRIPT, text: rewriteScript(cluster, change) }];
    case 'cloud':
      return [{ path, mode: SCRIPT, text: script(change) }];
    default:
      return []; // a removal is a line of apply.sh
  }
}

function comment(lines: readonly string[]): string {
  return lines.map((line) => `# ${printable(line)}\n`).join('');
}

function script({ why, breaks, command }: CloudChange): string {
  return `#!/bin/sh\n${comment([why, ...breaks])}set -eu\n${commandLine(command)}\n`;
}
