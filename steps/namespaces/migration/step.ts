import type { Finding } from '../../../src/model/finding.js';
import { refOf, refText } from '../../../src/model/manifest.js';
import { excluded } from '../../../src/model/namespaces.js';
import type { Change } from '../../../src/model/plan.js';
import { type Answers, chosen, type Question } from '../../../src/model/question.js';
import { objects, type Snapshot, visible } from '../../../src/model/snapshot.js';
import type { StepFile } from '../../../src/model/step.js';
import { counted } from '../../../src/model/words.js';
import { about, copyId, type Migration, migrationTo, movable } from './migration.js';
import { SOURCE } from './names.js';
import { migrationFiles } from './runbook.js';

export const MIGRATION_ASKS = ['migrateTo', 'migrateNow'];

const NAME = '(?!kube-)(?!default(?:$|[\\s=]))[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
const OWNER = '[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?';
const TARGET = new RegExp(`^\\s*$|^\\s*${NAME}\\s*(?:=\\s*${OWNER}\\s*)?$`);

/** Whether, and where to, what runs in `default` is to be moved, then what of it now. Doing nothing is the default of both. */
export function migrationQuestions(now: Snapshot, given: Answers): readonly Question[] {
  if (!visible(now, 'Namespace') || excluded(now, SOURCE)) return [];
  const all = movable(now);
  if (all.length === 0) return [];
  const target = migrationTarget(given);
  return [
    {
      id: 'migrateTo',
      type: 'text',
      message: `Prepare a move of what runs in ${SOURCE}? (name or name=owner of the new namespace; empty: no)`,
      help: `Patch files then hold a copy of ${counted(all.length, 'object')} for that namespace and a runbook. The old ones stay.`,
      risk: 'none',
      pattern: { source: TARGET.source, expected: 'a namespace such as payments, or payments=team-pay' },
      recommended: '',
      cautious: '',
    },
    ...(target === undefined
      ? []
      : [
          {
            id: 'migrateNow',
            type: 'choices' as const,
            message: `Which copies shall be created in ${target.name} now?`,
            help: 'Each is confirmed by itself; old and new then run side by side.',
            risk: 'none' as const,
            choices: all.map((object) => ({
              value: copyId(object),
              label: copyId(object),
              apart: true as const,
            })),
            recommended: [],
            cautious: [],
          },
        ]),
  ];
}

/** The namespace that a move was asked for, and its owner; undefined where none was. */
export function migrationTarget(answers: Answers): { name: string; owner: string | undefined } | undefined {
  const said = answers.migrateTo;
  if (typeof said !== 'string' || said.trim() === '' || !TARGET.test(said)) return undefined;
  const [name = '', owner] = said.split('=').map((part) => part.trim());
  return { name, owner };
}

function wanted(now: Snapshot, answers: Answers): Migration | undefined {
  const target = migrationTarget(answers);
  if (target === undefined || !visible(now, 'Namespace')) return undefined;
  if (excluded(now, SOURCE) || excluded(now, target.name) || movable(now).length === 0) return undefined;
  return migrationTo(now, target.name);
}

/** The copies that were chosen, each a change of its own; `namespace` is the id of the change that creates their place. */
export function migrationChanges(
  now: Snapshot,
  answers: Answers,
  namespace: string | undefined,
): readonly Change[] {
  const migration = wanted(now, answers);
  if (migration === undefined) return [];
  const picked = new Set(chosen(answers, 'migrateNow'));
  return migration.copies
    .filter(({ id }) => picked.has(id))
    .map(
      (copy): Change => ({
        id: `namespaces/${migration.target}/${copy.manifest.kind}/${copy.manifest.metadata.name}`,
        kind: 'apply',
        ref: refOf(copy.manifest),
        risk: 'none',
        why: `a copy of ${refText(refOf(copy.from))}, which stays`,
        breaks: [
          ...(RUNS.includes(copy.manifest.kind)
            ? ['old and new do the same work side by side until the old one is stopped']
            : []),
          ...about(copy),
        ],
        manifest: copy.manifest,
        alone: true,
        ...(namespace === undefined ? {} : { requires: [namespace] }),
      }),
    );
}

const RUNS = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController', 'Pod'];

/** What a move means, once it is asked for: names that change elsewhere, Secrets, volumes, what is not copied. */
export function migrationFindings(now: Snapshot, answers: Answers): readonly Finding[] {
  const migration = wanted(now, answers);
  if (migration === undefined) return [];
  const { target, copies, secrets, references, left, unseen } = migration;
  const gone = objects(now, 'Namespace').find(({ metadata }) => metadata.name === target)?.metadata
    .deletionTimestamp;
  return [
    ...(gone === undefined
      ? []
      : [
          {
            id: 'migration-target-ends',
            severity: 'medium' as const,
            evidence: `Namespace ${target} is being deleted`,
            message: `Nothing can be created in ${target}; name another namespace.`,
          },
        ]),
    ...references.map(
      ({ object, field, from, to, why }): Finding => ({
        id: 'migration-name-elsewhere',
        severity: 'low',
        object,
        evidence: `${refText(object)} ${field}: ${from}${to === undefined ? '' : `, there ${to}`} (${why})`,
        message: `It names what moves out of ${SOURCE}; it is not changed.`,
      }),
    ),
    ...copies.flatMap((copy) =>
      about(copy).map(
        (note): Finding => ({
          id: 'migration-copy-differs',
          severity: 'info',
          object: refOf(copy.from),
          evidence: note,
          message: `The copy in ${target} differs, or has to be looked at.`,
        }),
      ),
    ),
    ...(secrets.length === 0
      ? []
      : [
          {
            id: 'migration-secrets',
            severity: 'low' as const,
            evidence: `Secret ${secrets.join(', ')}`,
            message: `${counted(secrets.length, 'Secret')} of ${SOURCE} ${secrets.length === 1 ? 'is' : 'are'} copied by copy-secrets.sh among the patch files, never by the wizard.`,
          },
        ]),
    ...left.map(
      ({ ref, why }): Finding => ({
        id: 'migration-not-copied',
        severity: 'low',
        object: ref,
        evidence: `${refText(ref)}: ${why}`,
        message: 'It is no part of the move.',
      }),
    ),
    ...(unseen.length === 0
      ? []
      : [
          {
            id: 'migration-not-visible',
            severity: 'notVisible' as const,
            evidence: unseen.join('; '),
            message: `More of ${SOURCE}, or what names it, may have to move.`,
          },
        ]),
  ];
}

/** The copies, the runbook and the script for Secrets, as patch files. */
export function migrationStepFiles(now: Snapshot, answers: Answers): readonly StepFile[] {
  const migration = wanted(now, answers);
  return migration === undefined ? [] : migrationFiles(migration, now.cluster);
}
