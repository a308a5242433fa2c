import { distribution } from '../../src/model/distributions.js';
import type { Finding } from '../../src/model/finding.js';
import type { Change } from '../../src/model/plan.js';
import type { Answers, Question } from '../../src/model/question.js';
import type { Write } from '../../src/model/rights.js';
import type { Query, Snapshot } from '../../src/model/snapshot.js';
import type { Templates } from '../../src/model/template.js';
import type { DeedWithImages } from '../../src/model/undo.js';
import { CONFIG } from '../encryption-at-rest/host.js';
import { decryption } from '../encryption-at-rest/plan.js';
import { byFiles, nowText, unreached } from '../encryption-at-rest/questions.js';
import { encryptionAtRest } from '../encryption-at-rest.js';

/** Whether a deed is one of encryption: a round on API servers, or a re-write of stored objects. */
export function isEncryption({ kind, step }: DeedWithImages): boolean {
  return kind === 'rewrite' || (kind === 'host' && step === encryptionAtRest.id);
}

/** Whether a run turned encryption on: before it nothing was written under a key. */
export function turnedOn(deeds: readonly DeedWithImages[]): boolean {
  return deeds.some((deed) => isEncryption(deed) && deed.turnsOn === true);
}

export const DECRYPT_READS: readonly Query[] = encryptionAtRest.reads;
export const DECRYPT_WRITES: readonly Write[] = encryptionAtRest.writes;

/** Ids of all questions that may be asked. */
export const DECRYPT_ASKS = ['decrypt', 'unreachedServers'] as const;

/**
 * Turning encryption on is undone by the rounds back to plain text, from whatever API servers have in force by now: never
 * by putting a file back. Nothing of it is asked where there is nothing to lead back, or no way that can be seen.
 */
export function decryptQuestions(now: Snapshot, given: Answers = {}): readonly Question[] {
  const back = decryption(now, YES);
  if (back.is !== 'planned') return [];
  const decrypt: Question = {
    id: 'decrypt',
    type: 'confirm',
    message: 'Take encryption off again, in rounds back to plain text?',
    help: `Each API server writes plain text first and reads every key, then all is re-written and proven, and only then the keys go; no file is put back. Now: ${nowText(now)}.`,
    risk: 'restartsApiServer',
    recommended: true,
    cautious: false,
  };
  return [decrypt, ...(given.decrypt === true || now.cluster.sandbox ? unreached(now) : [])];
}

const YES: Answers = { decrypt: true };

/** The rounds that the answers ask for. @see decryptQuestions */
export function decryptPlan(now: Snapshot, answers: Answers, templates: Templates): readonly Change[] {
  const back = answers.decrypt === true ? decryption(now, answers, templates) : undefined;
  return back?.is === 'planned' ? back.changes : [];
}

/** What of it stays, and why. */
export function decryptFindings(now: Snapshot, answers: Answers): readonly Finding[] {
  const back = decryption(now, YES);
  const found = (severity: Finding['severity'], message: string): readonly Finding[] => [
    { id: 'encryption-stays', severity, object: CONFIG, evidence: back.evidence, message },
  ];
  switch (back.is) {
    case 'nothing':
      return [];
    case 'planned':
      return answers.decrypt === true
        ? []
        : found(
            'medium',
            'The run turned encryption at rest on; it stays on unless `decrypt` is answered with yes.',
          );
    case 'refused':
      return found('high', `There is no safe way back to plain text. ${back.why}`);
    case 'unseen':
      return found('notVisible', unseenText(now));
  }
}

function unseenText(now: Snapshot): string {
  const where = distribution(now);
  if (!byFiles(where))
    return `${where.title} takes encryption off in its own way. ${where.encryption?.undo ?? ''}`;
  return 'Which configuration API servers have in force cannot be seen from here, so encryption stays on. Run this on a control-plane node, or give a copy of the file that they have: --encryption-config COPY.';
}
