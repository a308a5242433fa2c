import { needsAnswer } from '../model/question.js';
import { unread } from '../model/snapshot.js';
import { pending, pendingCount } from './assemble.js';
import { wantedProbe } from './probe.js';
import { forbiddenChanges, type Session, type StepState, type WizardState } from './state.js';
import { canTakeBack } from './waiting.js';

/** How often a step may be planned again because objects moved under it. */
const REPLANS = 3;

/**
 * Goes through all steps without anybody there: opens each step that has changes, confirms it, and leaves. What the
 * caller was given by `--confirm` is the confirmation. Resolves with the exit code: 0 nothing is left, 1 some changes
 * are, 2 an error or a step that this account lacks rights for, of which nothing is written then, 130 interrupted.
 * `only` are the ids of the steps that were confirmed; without it, all. Where everything is to take itself back unless it
 * is kept (`provisional`), what cannot is left. A step of which the server failed to show everything is not applied, and
 * never counts as done: half of what there is makes another plan.
 */
export async function applyUnattended(
  session: Session,
  only?: ReadonlySet<string>,
  provisional = false,
): Promise<number> {
  const meant = (step: StepState) => only === undefined || only.has(step.step.id);
  // Asked once, before anything is written: what is applied may well raise questions that nobody could have answered.
  let refused: boolean | undefined;
  // Steps of which nothing was written: this account lacks a right that they need.
  const forbidden = new Set<string>();
  const wantsProbe = (step: StepState) => wantedProbe(session.state, step) !== undefined;
  const tries = new Map<string, number>();
  const advance = () => {
    const { screen, steps, current, snapshot } = session.state;
    switch (screen.at) {
      case 'overview': {
        refused ??= unansweredQuestions({ snapshot, steps: steps.filter(meant) }).length > 0;
        if (refused) return session.send({ type: 'quit' });
        const at = steps.findIndex(
          (s) =>
            meant(s) &&
            (!provisional || canTakeBack(pending(s))) &&
            !forbidden.has(s.step.id) &&
            unreadBy({ snapshot, steps: [s] }).length === 0 &&
            (pending(s).length > 0 || wantsProbe(s)) &&
            (tries.get(s.step.id) ?? 0) < REPLANS &&
            s.verified === undefined,
        );
        const step = steps[at];
        if (step === undefined) return session.send({ type: 'quit' });
        tries.set(step.step.id, (tries.get(step.step.id) ?? 0) + 1);
        return session.send({ type: 'open', step: at });
      }
      case 'questions': {
        const step = steps[current];
        if (step !== undefined && forbidden.has(step.step.id)) return session.send({ type: 'back' });
        // A live probe may have found that nothing is worth writing.
        const goesOn = step !== undefined && (pending(step).length > 0 || wantsProbe(step));
        return session.send({ type: goesOn ? 'next' : 'back' });
      }
      case 'review': {
        const step = steps[current];
        if (step === undefined || pending(step).length === 0) return session.send({ type: 'quit' });
        if (forbiddenChanges(step).length > 0) forbidden.add(step.step.id);
        if (forbidden.has(step.step.id)) return session.send({ type: 'back' });
        session.send({ type: 'next' });
        // It does not go on where this account could not take it back as was asked for; the notice says why.
        if (session.state.screen.at === 'review') forbidden.add(step.step.id);
        return;
      }
      case 'confirm':
        return session.send({ type: 'confirm', typed: snapshot?.cluster.context ?? '' });
      case 'result':
        return session.send({ type: 'next' });
      case 'failed':
        return session.send({ type: 'quit' });
      default:
        return undefined;
    }
  };
  // One event at a time: sending from within a notification would nest.
  const stop = session.subscribe(() => queueMicrotask(advance));
  advance();
  const code = await session.ended;
  stop();
  if (code !== 0) return code;
  const unseen = unreadBy({ ...session.state, steps: session.state.steps.filter(meant) });
  if (refused === true || forbidden.size > 0 || unseen.length > 0) return 2;
  return pendingCount(session.state.steps.filter(meant)) > 0 ? 1 : 0;
}

/**
 * Questions whose answer can cut traffic, reject workloads or restart the API server, and that nobody has answered, as
 * `<step>.<question>`. On a real cluster nothing is applied unattended while there are any.
 */
export function unansweredQuestions(state: Pick<WizardState, 'snapshot' | 'steps'>): string[] {
  if (state.snapshot === undefined || state.snapshot.cluster.sandbox) return [];
  return state.steps
    .filter((step) => step.skipped === undefined)
    .flatMap(({ step, questions, answered }) =>
      questions.filter((q) => needsAnswer(q) && !answered.includes(q.id)).map((q) => `${step.id}.${q.id}`),
    );
}

/** What the server failed to show at the last reading, by step, and why, for people: `Quotas: could not list pods`. */
export function unreadBy({ snapshot, steps }: Pick<WizardState, 'snapshot' | 'steps'>): string[] {
  if (snapshot === undefined) return [];
  return steps
    .filter((step) => step.skipped === undefined)
    .flatMap(({ step }) => unread(snapshot, step.reads).map((reason) => `${step.title}: ${reason}`));
}
