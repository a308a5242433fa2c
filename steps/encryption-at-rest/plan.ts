import { type Round, roundsTo } from '../../src/encryption/rounds.js';
import { type Distribution, distribution } from '../../src/model/distributions.js';
import type { Change, CloudChange } from '../../src/model/plan.js';
import type { Answers } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import type { Templates } from '../../src/model/template.js';
import { goalOf, SECRETS, unfinished } from './goals.js';
import { CONFIG, hostChanges } from './host.js';
import { known } from './known.js';
import { wayOf } from './own-commands.js';
import { byFiles, canEnable, changeable } from './questions.js';
import { rewriteOf } from './rewrites.js';
import { type EncryptionState, encryptionState } from './state.js';

/** The changes of the step, in the order in which they must be made; each requires the one before. */
export function plan(now: Snapshot, answers: Answers, templates: Templates): readonly Change[] {
  const state = encryptionState(now);
  const where = distribution(now);
  if (canEnable(now, state, where) && !byFiles(where))
    return answers.enable === true ? byCommands(now, where) : [];
  const rounds = planned(now, answers, templates);
  if (rounds !== undefined && 'rounds' in rounds) return changesOf(now, state, answers, rounds.rounds);
  if (rounds !== undefined || answers.rewrite !== true || !inForce(state)) return [];
  const stale = state.at === 'encrypted' ? [] : [SECRETS];
  return [...stale, ...unfinished(now)].map((one) => rewriteOf(now, state, answers, one));
}

/** Whether something encrypts, or may: then a re-write makes sense, whatever is seen of the configuration. */
function inForce(state: EncryptionState): boolean {
  return state.at === 'encrypted' || state.at === 'stale' || (state.at === 'unseen' && state.configured);
}

/** The rounds that the answers ask for, why there are none that are safe, or undefined where nothing is asked for. */
export function planned(
  now: Snapshot,
  answers: Answers,
  templates: Templates,
): ReturnType<typeof roundsTo> | undefined {
  const state = encryptionState(now);
  const where = distribution(now);
  const start =
    canEnable(now, state, where) && byFiles(where) ? known(now, state) : changeable(now, state, where);
  const goal = start === undefined ? undefined : goalOf(now, start, answers, templates);
  return start === undefined || goal === undefined ? undefined : roundsTo(start.situation, goal);
}

/** Rounds as changes, up to the first that an answer holds back. */
function changesOf(
  now: Snapshot,
  state: EncryptionState,
  answers: Answers,
  rounds: readonly Round[],
): readonly Change[] {
  const start = known(now, state);
  if (start === undefined) return [];
  const changes: Change[] = [];
  const removes = rounds.some((round) => round.do === 'configure' && round.phase === 'remove');
  let number = 0;
  for (const round of rounds) {
    // What comes after these is safe only once they are through.
    if (round.do === 'keepKey' && answers.keyKept !== true) break;
    if (round.do === 'rewrite' && answers.rewrite !== true) break;
    if (round.do !== 'configure' && round.do !== 'rewrite') continue;
    const folder = `${++number}-${round.do === 'configure' ? round.phase : 'rewrite'}`;
    const made: readonly Change[] =
      round.do === 'configure'
        ? hostChanges(now, start, round, folder)
        : [
            {
              ...rewriteOf(now, state, answers, round.resource, { under: round.under, folder }),
              ...(removes ? { mustBeProven: true as const } : {}),
            },
          ];
    const requires = changes.map(({ id }) => id);
    changes.push(...made.map((change) => (requires.length === 0 ? change : { ...change, requires })));
  }
  return changes;
}

/** How encryption is taken off again, as far as the configuration of the API servers is seen. */
export type Decryption = { evidence: string } & (
  | { is: 'planned'; changes: readonly Change[] }
  /** No API server has a configuration, and nothing is stored under a key. */
  | { is: 'nothing' }
  | { is: 'refused'; why: string }
  | { is: 'unseen' }
);

/** Undoing encryption: the rounds back to plain text. @param answers for `unreachedServers` */
export function decryption(
  now: Snapshot,
  answers: Answers = {},
  templates: Templates = new Map(),
): Decryption {
  const state = encryptionState(now);
  const { evidence } = state;
  if (state.at === 'plain') return { is: 'nothing', evidence };
  if (changeable(now, state, distribution(now)) === undefined) return { is: 'unseen', evidence };
  const all = { ...answers, goal: 'plainText', keyKept: true, rewrite: true, removeOld: true };
  const rounds = planned(now, all, templates);
  if (rounds !== undefined && 'refused' in rounds) return { is: 'refused', why: rounds.refused, evidence };
  const changes = plan(now, all, templates);
  return changes.length === 0 ? { is: 'nothing', evidence } : { is: 'planned', changes, evidence };
}

function byCommands(now: Snapshot, where: Distribution): readonly CloudChange[] {
  const way = wayOf(now, where);
  const commands = way?.enable ?? [];
  return commands.map((command, index) => ({
    kind: 'cloud',
    id: `encryption-at-rest/-/${CONFIG.kind}/${where.id}-${index + 1}`,
    ref: { ...CONFIG, name: `${where.id}-${index + 1}` },
    risk: 'restartsApiServer',
    command,
    why: `${where.title} turns encryption on by its own command (${index + 1} of ${commands.length}).`,
    breaks: way === undefined ? [] : [way.costs, way.undo],
  }));
}
