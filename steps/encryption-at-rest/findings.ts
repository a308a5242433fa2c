import { type Distribution, distribution } from '../../src/model/distributions.js';
import type { Finding } from '../../src/model/finding.js';
import type { Answers } from '../../src/model/question.js';
import { commandLine } from '../../src/model/shell.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { configFindings, statements } from './config-findings.js';
import { coveredWithSecrets, SECRETS } from './goals.js';
import { FROM_COPY } from './instructions.js';
import { known } from './known.js';
import { rotationFindings, wayOf } from './own-commands.js';
import { planned } from './plan.js';
import { AGAINST } from './providers.js';
import { byFiles, changeable } from './questions.js';
import { type EncryptionState, encryptionState, providerIn } from './state.js';

/** What is found about encryption at rest; what cannot be seen is said. */
export function assess(now: Snapshot, answers: Answers): readonly Finding[] {
  const seen = configFindings(now);
  // A configuration that is seen says more than its lack of effect.
  const inGeneral = seen.some(({ severity }) => severity === 'high') ? 'encryption-without-effect' : '';
  return [
    ...judged(now).filter(
      ({ id }) =>
        id !== inGeneral && !(id === 'weak-encryption-provider' && seen.some((one) => one.id === id)),
    ),
    ...seen,
    ...rotationFindings(now, distribution(now)),
    ...outOfSight(now),
    ...heldBack(now, answers),
  ];
}

/** Something is in force, and what it is cannot be seen: from there nothing can be led on. */
function outOfSight(now: Snapshot): readonly Finding[] {
  const state = encryptionState(now);
  const where = distribution(now);
  const inForce = state.at !== 'plain' && (state.at !== 'unseen' || state.configured);
  if (!inForce || !byFiles(where) || changeable(now, state, where) !== undefined) return [];
  if (now.encryption?.apiServers?.some(({ problem }) => problem !== undefined)) return [];
  return [
    {
      id: 'configuration-not-visible',
      severity: 'info',
      evidence: statements(now).join('; ') || state.evidence,
      message: `Which providers and keys API servers have cannot be seen from here. To rotate the key, change the provider, take a round up or go back to plain text, run this on a control-plane node, or give a copy of the file that they have: ${FROM_COPY}.`,
    },
  ];
}

/** What was asked for and is not planned, or not to its end. */
function heldBack(now: Snapshot, answers: Answers): readonly Finding[] {
  const evidence = statements(now).join('; ') || encryptionState(now).evidence;
  const out: Finding[] = [];
  const kms = answers.goal === 'kms' || (answers.enable === true && answers.provider === 'kms');
  if (kms && (answers.kmsPlugin ?? '') === '')
    out.push({
      id: 'kms-plugin-not-named',
      severity: 'info',
      evidence: 'the answers',
      message: 'KMS v2 was chosen, but no plugin is named (kmsPlugin): nothing is planned.',
    });
  // Turning it on from nothing is never refused, and reads a template.
  const rounds = typeof answers.goal === 'string' ? planned(now, answers, new Map()) : undefined;
  if (rounds !== undefined && 'refused' in rounds)
    out.push({
      id: 'no-safe-way',
      severity: 'high',
      evidence,
      message: `Nothing is planned. ${rounds.refused}`,
    });
  if (rounds !== undefined && 'rounds' in rounds && answers.keyKept !== true)
    if (rounds.rounds.some((round) => round.do === 'keepKey'))
      out.push({
        id: 'key-not-kept',
        severity: 'info',
        evidence: 'the answers',
        message:
          'Nothing is written under the new key before somebody says that a copy of it is kept outside of the cluster (keyKept).',
      });
  return out;
}

function judged(now: Snapshot): readonly Finding[] {
  const state = encryptionState(now);
  const where = distribution(now);
  const { evidence } = state;
  const asked = where.encryption === undefined ? '' : ` Ask: ${commandLine(where.encryption.ask)}.`;
  switch (state.at) {
    case 'encrypted':
      return [
        ...otherServers(now, evidence),
        ...otherResources(now, state, evidence),
        ...weakProvider(state.writes, evidence),
      ];
    case 'stale':
      return [
        {
          id: 'secrets-stale',
          severity: 'high',
          evidence,
          message:
            state.writes === undefined
              ? `An encryption configuration is in force, but ${state.stale} stored Secrets are not under its key: they have to be re-written.`
              : `New Secrets are stored as ${state.writes}, but ${state.stale} stored ones are not: they have to be re-written.`,
        },
        ...otherServers(now, evidence),
        ...weakProvider(state.writes, evidence),
      ];
    case 'plain':
      return [
        {
          id: 'secrets-plain',
          severity: 'high',
          evidence,
          message: byFiles(where)
            ? 'Secrets are stored in plain text.'
            : `Secrets are stored in plain text. ${where.title} has its own way to turn encryption on${commandText(now, where)}.`,
        },
      ];
    case 'configured':
      return [
        {
          id: state.differ ? 'api-servers-differ' : 'encryption-without-effect',
          severity: 'high',
          evidence,
          message: state.differ
            ? 'Some API servers have an encryption configuration and others have none: what one writes another cannot read. Give all of them the same file, one after the other, before anything is re-written.'
            : byFiles(where)
              ? `${WITHOUT_EFFECT} Put a provider with a key first in that very file; keep the keys that are in it.`
              : `${WITHOUT_EFFECT} ${where.title} has its own way to turn encryption on${commandText(now, where)}.`,
        },
      ];
    case 'unseen':
      return [
        {
          id: 'encryption-not-visible',
          severity: 'notVisible',
          evidence: `${evidence}; ${where.evidence}`,
          message: !state.configured
            ? `Whether Secrets are encrypted cannot be seen from here (${where.title === 'unknown' ? 'unknown distribution' : where.title}).${asked}${noteText(where)}`
            : state.writes === undefined
              ? 'An encryption configuration is set; whether Secrets are stored under its key cannot be seen from here.'
              : `New Secrets are stored as ${state.writes}; how the others are stored cannot be seen from here.`,
        },
        ...weakProvider(state.writes, evidence),
      ];
  }
}

/** Storage was judged through one API server; the others may write in another form. */
function otherServers({ encryption }: Snapshot, evidence: string): readonly Finding[] {
  if (encryption?.servers === undefined || encryption.agreed !== undefined) return [];
  const { listed, seen } = encryption.servers;
  if (listed !== undefined && seen >= listed) return [];
  const how = 'write Secrets cannot be seen from here: compare the configuration of each.';
  return [
    {
      id: 'api-servers-not-visible',
      severity: 'notVisible',
      evidence,
      message:
        listed === undefined
          ? `How many API servers there are is not known, and how others than the one that answered ${how}`
          : `How ${listed - seen} of ${listed} API servers ${how}`,
    },
  ];
}

/** Only Secrets are counted by stored form; what shares their keys may have been left by a re-write that was stopped. */
function otherResources(now: Snapshot, state: EncryptionState, evidence: string): readonly Finding[] {
  const covered = coveredWithSecrets(known(now, state)?.situation.servers ?? []);
  const others = covered.filter((name) => name !== SECRETS);
  if (others.length === 0) return [];
  const command = commandLine([
    'kubectl',
    'harden',
    'rewrite-secrets',
    ...others.flatMap((one) => ['--resource', one]),
  ]);
  return [
    {
      id: 'other-resources-not-visible',
      severity: 'notVisible',
      evidence,
      message: `How ${others.join(', ')} are stored, which share the key of Secrets, cannot be seen from here: \`${command}\` re-writes what is in another form, and says how much that was.`,
    },
  ];
}

const WITHOUT_EFFECT =
  'An encryption configuration is set, but Secrets are still written in plain text: identity is its first provider for them, or it does not list them.';

function commandText(now: Snapshot, where: Distribution): string {
  const commands = wayOf(now, where)?.enable ?? [];
  return commands.length === 0 ? '' : `: ${commands.map(commandLine).join(', then ')}`;
}

function noteText(where: Distribution): string {
  return where.encryption === undefined ? '' : ` ${where.encryption.costs} ${where.encryption.undo}`;
}

function weakProvider(writes: string | undefined, evidence: string): readonly Finding[] {
  const provider = writes === undefined ? undefined : providerIn(writes);
  const against = provider === undefined ? undefined : AGAINST[provider];
  if (against === undefined) return [];
  return [
    {
      id: 'weak-encryption-provider',
      severity: 'low',
      evidence,
      message: `Secrets are encrypted with ${provider}: ${against}.`,
    },
  ];
}
