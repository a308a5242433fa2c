import { ownChoice } from '../model/managed-by.js';
import { refText } from '../model/manifest.js';
import { code, text } from '../model/markdown.js';
import { RISKS } from '../model/risk.js';
import type { Snapshot } from '../model/snapshot.js';
import { pending } from '../wizard/assemble.js';
import type { StepState } from '../wizard/state.js';
import { removal } from './apply-script.js';
import type { Item } from './items.js';
import { countsOf, countsText } from './plan.js';

/** README.md of the patch directory: how to apply it, and for every file why it is there and what it can break. */
export function readme(
  now: Snapshot,
  steps: readonly StepState[],
  items: readonly Item[],
  aside: readonly { path: string; about: string }[] = [],
): string {
  const { context, version, id, sandbox, files } = now.cluster;
  return `${[
    `# Patch files for ${text(context)}`,
    files
      ? `Written by \`kubectl harden generate\` from the manifests in ${code(context)}. No cluster was read: what runs there may differ from the manifests, and whether its network plugin enforces policies was not seen.`
      : sandbox
        ? `Written by \`kubectl harden generate\` for the embedded cluster (Kubernetes ${text(version.git)}), which kubectl cannot reach: to try the files elsewhere, give \`apply.sh\` both \`--context NAME\` and \`--any-cluster\`.`
        : `Written by \`kubectl harden generate\` for context ${code(context)} (Kubernetes ${text(version.git)}, UID of kube-system ${code(id)}).`,
    `${countsText(countsOf(items.map((item) => item.change)))}. Each file holds one object, exactly as \`kubectl harden apply\` would write it.`,
    ...howTo(items, files === true),
    ...(aside.length === 0
      ? []
      : [
          `Besides, for you to read and to go by; \`apply.sh\` does nothing of it:\n\n${aside.map(({ path, about }) => `- ${code(path)}: ${text(about)}`).join('\n')}`,
        ]),
    '## Order and reasons',
    ...steps.flatMap((step, index) =>
      stepPart(
        step,
        index,
        items.filter((item) => item.step === step),
      ),
    ),
  ].join('\n\n')}\n`;
}

function howTo(items: readonly Item[], files: boolean): string[] {
  const objects = items.some((item) => item.manifest !== undefined);
  const removals = items.some((item) => item.change.kind === 'delete');
  const byHand = items.filter((item) => ['host', 'rewrite', 'cloud'].includes(item.change.kind));
  const keyed = items.some((item) => item.change.kind === 'host');
  return [
    '## How to apply',
    files
      ? 'Apply the manifests themselves first. Then see what these files would change, with `kubectl --context NAME diff -k .`, or plan again for the cluster itself with `kubectl harden plan --context NAME`. Then run `./apply.sh --context NAME`; it takes no context by itself. It goes in the order below and stops at the first error. It may be run again.'
      : 'Read the files, then run `./apply.sh`. It goes in the order below, stops at the first error, and refuses any other cluster than the one above. It may be run again.',
    ...(objects ? [shortcut(removals)] : []),
    ...(byHand.length === 0
      ? []
      : [
          `What neither of them can do, in this order:\n\n${byHand.map((item) => `- ${code(item.path)}: ${text(refText(item.change.ref))}`).join('\n')}`,
        ]),
    ...(keyed
      ? [
          'The encryption configuration holds a fresh key. It is the only file here that may not get into a repository, and the only one that is never written anew. Keep a copy outside of the cluster.',
        ]
      : []),
  ];
}

function shortcut(removals: boolean): string {
  const leaves = removals ? ' It removes nothing: the removals below are left to you.' : '';
  return `The shortcut is \`kubectl apply -k .\`, with a short window: it sorts by kind, so that for a moment a ResourceQuota may stand before the LimitRange that gives pods their requests (new pods are rejected), and a policy that denies before one that allows (connections are cut). It also takes over fields that somebody else owns without asking.${leaves}`;
}

function stepPart(state: StepState, index: number, items: readonly Item[]): string[] {
  const title = `### ${index + 1} ${text(state.step.title)}`;
  if (state.skipped !== undefined) return [title, `Skipped: ${text(state.skipped)}`];
  const untried = pending(state).filter((change) => change.kind === 'apply' && change.unwarned !== undefined);
  const left =
    untried.length === 0
      ? []
      : [
          `No file, since only the wizard looks at what the server warns of before it writes: ${untried.map((change) => `${text(refText(change.ref))} (${text(change.why)})`).join(', ')}.`,
        ];
  if (items.length === 0)
    return [
      title,
      pending(state).length === 0 ? 'Nothing to change.' : 'Its changes are part of the files above.',
      ...left,
    ];
  return [
    title,
    state.step.why.map(text).join(' '),
    items.map((item) => `- ${entry(item)}`).join('\n'),
    ...left,
  ];
}

function entry({ change, path, why }: Item): string {
  const choice = ownChoice(change);
  const risks = [
    ...(choice === undefined ? [] : [`${choice} \`apply.sh\` leaves it out.`]),
    ...(change.risk === 'none' ? [] : [RISKS[change.risk]]),
    ...change.breaks,
  ].map((risk) => `\n  - careful: ${text(risk)}`);
  const where = change.kind === 'delete' ? `removal, ${code(removal(change.ref))}` : code(path);
  return `${where}: ${text(refText(change.ref))}. ${why.map(text).join(' ')}${risks.join('')}`;
}
