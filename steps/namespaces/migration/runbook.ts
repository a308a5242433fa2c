import { printable, printableLines } from '../../../src/model/escape.js';
import { yamlText } from '../../../src/model/hostfile.js';
import { listAt, refText, stringAt } from '../../../src/model/manifest.js';
import { code, text } from '../../../src/model/markdown.js';
import { commandLine, quoted } from '../../../src/model/shell.js';
import type { ClusterInfo } from '../../../src/model/snapshot.js';
import type { StepFile } from '../../../src/model/step.js';
import { counted } from '../../../src/model/words.js';
import { about, type Copy, type Migration } from './migration.js';
import { SOURCE } from './names.js';
import { secretCommand, secretCommands } from './secrets.js';

const FOLDER = 'migration';
const SCRIPT = 'copy-secrets.sh';

/** The copies as files, the script that copies Secrets, and the runbook. */
export function migrationFiles(migration: Migration, cluster: ClusterInfo): readonly StepFile[] {
  const { copies, secrets, target } = migration;
  const named = copies.map((copy, index) => ({ copy, path: fileName(copy, index, copies.length) }));
  return [
    {
      path: `${FOLDER}/README.md`,
      text: runbook(migration, named, cluster),
      about: `how to move what runs in ${SOURCE} into ${target}, step by step, and back`,
    },
    ...named.map(
      ({ copy, path }): StepFile => ({
        path: `${FOLDER}/${path}`,
        text: `${about(copy)
          .map((line) => `# ${printable(line)}\n`)
          .join('')}${yamlText(copy.manifest)}`,
      }),
    ),
    ...(secrets.length === 0
      ? []
      : [
          {
            path: `${FOLDER}/${SCRIPT}`,
            commands: secretCommands(secrets, target),
            does: [
              `Copies Secrets from ${SOURCE} into ${target}, from kubectl to kubectl: no value reaches a file.`,
            ],
            verb: 'copy in',
            nothing: 'Nothing was copied.',
          },
        ]),
  ];
}

function fileName({ manifest }: Copy, index: number, count: number): string {
  const number = String(index + 1).padStart(Math.max(2, String(count).length), '0');
  const name = `${manifest.kind.toLowerCase()}-${manifest.metadata.name}`.replaceAll(/[^A-Za-z0-9._-]/g, '_');
  return `${number}-${name.slice(0, 180)}.yaml`;
}

interface Named {
  copy: Copy;
  path: string;
}

/** Order, checks and way back, as Markdown. Every command names the context; none of them was run. */
function runbook(
  migration: Migration,
  named: readonly Named[],
  { context, sandbox, files }: ClusterInfo,
): string {
  const { target, copies, secrets } = migration;
  const kubectl = sandbox || files === true ? 'kubectl' : commandLine(['kubectl', '--context', context]);
  const of = (kind: string) => copies.filter(({ manifest }) => manifest.kind === kind);
  const scaled = ['Deployment', 'StatefulSet', 'ReplicaSet', 'ReplicationController'].flatMap(of);
  const steps: (readonly string[])[] = [
    [
      `Create the namespace ${code(target)}: \`./apply.sh\` in the folder above does, or the wizard. Its quota, limits and policies come from the other steps of the wizard. Then look:`,
      block([`${kubectl} get namespace ${target}`]),
    ],
    ...(secrets.length === 0 ? [] : [secretStep(kubectl, secrets, target)]),
    ...volumeStep(copies),
    [
      'Create the copies, one after the other, in this order; look at what each file says at its top before. The old objects stay and go on working.',
      block(
        named.map(
          ({ path }) => `${kubectl} apply --server-side --field-manager=kubectl-harden -f ${quoted(path)}`,
        ),
      ),
      'The wizard does the same for those that are chosen in its question `migrateNow`: each has its difference and is confirmed by itself.',
    ],
    [
      'Wait until all pods run, and test them from within the namespace.',
      block([
        ...['Deployment', 'StatefulSet', 'DaemonSet'].flatMap((kind) =>
          of(kind).map(
            ({ manifest }) =>
              `${kubectl} rollout status ${quoted(`${kind.toLowerCase()}/${manifest.metadata.name}`)} --namespace ${target} --timeout 5m`,
          ),
        ),
        `${kubectl} get pods --namespace ${target}`,
      ]),
    ],
    ...clientStep(migration),
    ...cronStep(of('CronJob'), kubectl, target),
    [
      `Stop the old ones without removing them, one by one, and watch for some days. A client that was forgotten shows itself now; what is stopped is started again with its old number. DaemonSets and pods without a controller stop only when they are removed.`,
      block(
        scaled.map(
          ({ from }) =>
            `${kubectl} scale ${quoted(`${from.kind.toLowerCase()}/${from.metadata.name}`)} --namespace ${SOURCE} --replicas 0   # was ${String((from.spec as { replicas?: number } | undefined)?.replicas ?? 1)}`,
        ),
      ),
      ...(of('HorizontalPodAutoscaler').length === 0
        ? []
        : ['An autoscaler leaves what is scaled to 0 alone.']),
    ],
    [
      `Only then remove the old objects, one by one, clients first. Claims and Secrets come last: with a claim its data may go.`,
      block([
        ...copies
          .toReversed()
          .filter(({ manifest }) => manifest.kind !== 'PersistentVolumeClaim')
          .map(
            ({ from }) =>
              `${kubectl} delete ${from.kind.toLowerCase()} ${quoted(from.metadata.name)} --namespace ${SOURCE}`,
          ),
      ]),
    ],
  ];
  return `${[
    `# From ${SOURCE} to ${target}`,
    `${copies.length === 1 ? '1 copy' : `${copies.length} copies`} of what people put into the namespace ${code(SOURCE)}, for the namespace ${code(target)}. Objects cannot be moved: they are created anew, clients are pointed to them, and the old ones are removed at last. Nothing here was done yet.`,
    ...knowFirst(migration, named),
    '## Step by step',
    ...steps.map((parts, index) =>
      parts.map((part, place) => (place === 0 ? `${index + 1}. ${part}` : indented(part))).join('\n\n'),
    ),
    ...wayBack(named, kubectl, target),
  ].join('\n\n')}\n`;
}

function block(lines: readonly string[]): string {
  return `\`\`\`sh\n${lines.map((line) => printableLines(line)).join('\n')}\n\`\`\``;
}

function indented(part: string): string {
  return part
    .split('\n')
    .map((row) => (row === '' ? '' : `   ${row}`))
    .join('\n');
}

function list(rows: readonly string[]): string {
  return rows.map((row) => `- ${row}`).join('\n');
}

/** What has to be known before anything is done. */
function knowFirst({ copies, there, left, unseen, target }: Migration, named: readonly Named[]): string[] {
  const told = named.flatMap(({ copy, path }) => {
    const lines = about(copy);
    return lines.length === 0 ? [] : [`${code(path)}: ${lines.map(text).join('; ')}`];
  });
  return [
    '## Know first',
    list([
      `While old and new run side by side, both do the work: what takes jobs from a queue or writes into the same database outside does it twice. Where that must not be, create the copy when the old one is stopped.`,
      `The copies were made from what the cluster holds. Whoever deploys these objects (CI, Helm, GitOps) has to deploy into ${code(target)} from now on.`,
      `Custom resources and what is outside of the cluster (DNS, load balancers, dashboards, backups) are not looked into, and neither are values of Secrets: they may hold names of ${code(SOURCE)} as well.`,
      ...(copies.length === 0 ? ['Nothing is left to copy.'] : []),
    ]),
    ...(told.length === 0 ? [] : ['What differs from the old objects, and what to look at:', list(told)]),
    ...(there.length === 0
      ? []
      : [`In ${code(target)} already, left as they are:`, list(there.map((ref) => code(refText(ref))))]),
    ...(left.length === 0
      ? []
      : ['Not copied:', list(left.map(({ ref, why }) => `${code(refText(ref))}: ${text(why)}`))]),
    ...(unseen.length === 0 ? [] : ['Could not be seen, so more may be there:', list(unseen.map(text))]),
  ];
}

function secretStep(kubectl: string, secrets: readonly string[], target: string): readonly string[] {
  return [
    `Copy ${counted(secrets.length, 'Secret')} by name (${secrets.map(code).join(', ')}): \`./${SCRIPT}\` does, and needs nothing but kubectl with the right to read Secrets in ${code(SOURCE)} and to create them in ${code(target)}. For each of them it runs:`,
    block([secretCommand(kubectl, secrets[0] ?? '', target)]),
    'The values go from one kubectl to the other: not to a file, and not through `apply`, which would write them into an annotation. Name, labels, type and values are copied, annotations are not. A Secret that an operator makes (cert-manager, External Secrets, Sealed Secrets) is better made by it in the new namespace: leave it out of the script.',
  ];
}

/** Data comes before what would begin on an empty volume. */
function volumeStep(copies: readonly Copy[]): (readonly string[])[] {
  const claims = copies.flatMap(({ manifest }) => {
    const { kind, metadata, spec } = manifest;
    if (kind === 'PersistentVolumeClaim') return [metadata.name];
    if (kind !== 'StatefulSet') return [];
    return listAt(spec, 'volumeClaimTemplates').map(
      (claim) => `${stringAt(claim, 'metadata', 'name') ?? ''}-${metadata.name}-0`,
    );
  });
  if (claims.length === 0) return [];
  return [
    [
      `Bring the data before you create what writes to it: these claims begin empty, and a database that starts on an empty volume makes itself a new one: ${claims.map(code).join(', ')}${claims.some((name) => name.endsWith('-0')) ? ' (and those of further replicas of a StatefulSet, which takes claims of these names that are there already)' : ''}. Stop the writers, then copy (a dump, a backup restored, a snapshot of the volume), or bind the old volume anew: set its reclaim policy to Retain, remove the old claim, clear the volume's claimRef, and name it in the new claim as volumeName.`,
    ],
  ];
}

function clientStep({ references }: Migration): (readonly string[])[] {
  if (references.length === 0)
    return [
      [
        `Nothing in other namespaces was found to name what moves. Clients outside of the cluster follow when Ingresses, load balancers and DNS do.`,
      ],
    ];
  const names = references.filter(
    ({ why }) => why.startsWith('host name') || ['Service', 'Secret'].includes(why),
  );
  const others = references.filter((one) => !names.includes(one));
  const row = ({ object, field, from, to }: (typeof references)[number]) =>
    `${code(refText(object))} ${code(field)}: ${code(from)}${to === undefined ? '' : ` becomes ${code(to)}`}`;
  return [
    ...(others.length === 0
      ? []
      : [
          [
            'Before clients move, let these mean the new namespace as well:',
            list(others.map((one) => `${row(one)} (${text(one.why)})`)),
          ],
        ]),
    ...(names.length === 0
      ? []
      : [
          [
            'Point the clients to the new names, one after the other, each with a test; nothing of this was changed:',
            list(
              names.map((one) =>
                one.why.endsWith('if it is one') ? `${row(one)} (if it is a host name)` : row(one),
              ),
            ),
          ],
        ]),
  ];
}

function cronStep(jobs: readonly Copy[], kubectl: string, target: string): (readonly string[])[] {
  if (jobs.length === 0) return [];
  const patch = (name: string, namespace: string, suspend: boolean) =>
    `${kubectl} patch cronjob ${quoted(name)} --namespace ${namespace} --type merge --patch '{"spec":{"suspend":${suspend}}}'`;
  return [
    [
      'Switch the CronJobs: the old one off, then the new one on, so that no run happens twice.',
      block(
        jobs.flatMap(({ from }) => {
          const { name } = from.metadata;
          const was = (from.spec as { suspend?: boolean } | undefined)?.suspend === true;
          return was
            ? [`# ${name} was suspended before: both stay so`]
            : [patch(name, SOURCE, true), patch(name, target, false)];
        }),
      ),
    ],
  ];
}

function wayBack(named: readonly Named[], kubectl: string, target: string): string[] {
  return [
    '## The way back',
    `Until the old objects are removed, all of it can be taken back: point clients to the old names, scale the old ones up to the numbers above, resume their CronJobs, then remove the copies:`,
    block(named.toReversed().map(({ path }) => `${kubectl} delete --ignore-not-found -f ${quoted(path)}`)),
    `Data that was written into the new volumes since has to be brought back first. Secrets that were copied stay until they are deleted by name, or the namespace ${code(target)} is: with it goes everything in it, its volumes' data as well.`,
  ];
}
