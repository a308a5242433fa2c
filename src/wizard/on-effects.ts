import { probeSentence } from '../model/policy-probe.js';
import type { Snapshot } from '../model/snapshot.js';
import { assemble, type Decisions, pending, UNDECIDED } from './assemble.js';
import type { Handlers, Setting, SystemEvent } from './events.js';
import { decided, leave, reading, replaced, toConfirm } from './moves.js';
import type { StepState, WizardState } from './state.js';

/** What the effects report. */
export const fromEffects: Handlers<SystemEvent> = {
  reading: (state, { progress }) => {
    if (state.screen.at !== 'reading') return undefined;
    const kinds = [...state.screen.kinds.filter((k) => k.kind !== progress.kind), progress];
    return [{ ...state, screen: { at: 'reading', kinds } }, []];
  },
  snapshot: (state, { snapshot: read }, setting) => {
    // What was tried out stays true for this run; a probe that found nothing may be made again.
    const { policyProbe } = state.snapshot ?? {};
    const kept = policyProbe !== undefined && policyProbe.verdict !== 'inconclusive';
    const snapshot = withAgreed(kept ? { ...read, policyProbe } : read, state);
    const steps = stepsOn(snapshot, state, setting);
    if (state.screen.at !== 'verifying')
      return [{ ...state, snapshot, steps, screen: { at: 'overview' } }, []];
    const at = steps[state.current];
    if (at === undefined) return undefined;
    const verified: StepState = { ...at, verified: at.findings };
    return [
      { ...state, snapshot, steps: steps.map((s) => (s === at ? verified : s)), screen: { at: 'result' } },
      [{ do: 'journal', entry: { type: 'verified', step: at.step.id, pending: pending(at).length } }],
    ];
  },
  checked: (state, { checked }, setting) => {
    const step = state.steps[state.current];
    if (state.screen.at !== 'checking' || step === undefined) return undefined;
    const fresh = new Map(checked.map((c) => [c.change, c]));
    const known = step.checked.filter((c) => !fresh.has(c.change));
    const next = { ...state, steps: replaced(state, { ...step, checked: [...known, ...checked] }) };
    if (state.screen.confirming !== true) return [{ ...next, screen: { at: 'review' } }, []];
    const refused = checked.filter((c) => c.check.by === 'refusal').length;
    if (refused === 0) return [toConfirm(next, { ...step, checked: [...known, ...checked] }, setting), []];
    const notice = `Asked again, the server refuses ${refused} of these changes: look at them before you confirm.`;
    return [{ ...next, notice, screen: { at: 'review' } }, []];
  },
  stale: (state, { objects }) => {
    if (state.screen.at !== 'applying') return undefined;
    const [after, effects] = reading(state);
    const notice = `Changed meanwhile: ${objects.join(', ')}. Nothing was written; the cluster was read again, and this is the new plan.`;
    return [{ ...after, notice }, effects];
  },
  noted: (state, { note }) => [{ ...state, notice: note }, []],
  applying: (state, { change }) =>
    state.screen.at === 'applying' ? [{ ...state, screen: { ...state.screen, now: change } }, []] : undefined,
  rewriting: (state, { progress }) =>
    state.screen.at === 'applying'
      ? [{ ...state, screen: { ...state.screen, rewrite: progress } }, []]
      : undefined,
  done: (state, { done }) => {
    const step = state.steps[state.current];
    if (state.screen.at !== 'applying' || step === undefined) return undefined;
    const { rewrite: _over, ...screen } = state.screen;
    return [
      {
        ...state,
        written: state.written || done.outcome === 'applied',
        steps: replaced(state, { ...step, done: [...step.done, done] }),
        screen: { ...screen, done: screen.done + 1 },
      },
      [],
    ];
  },
  applied: (state, { interrupted }) => {
    if (state.screen.at !== 'applying') return undefined;
    if (state.expired !== undefined) return leave(state, 1, 'interrupted');
    if (interrupted) return leave(state, 130, 'interrupted');
    const steps = state.steps.map((step, index) => (index === state.current ? askedAnew(step) : step));
    return [{ ...state, steps, screen: { at: 'verifying' } }, [{ do: 'read' }]];
  },
  scratch: (state, { namespace }) => [{ ...state, scratch: namespace }, []],
  probing: (state, { stage }) =>
    state.screen.at === 'probing' ? [{ ...state, screen: { ...state.screen, stage } }, []] : undefined,
  probed: (state, { facts }, setting) => {
    const { scratch, ...others } = state;
    const stays = facts.left.some(({ namespace }) => namespace === scratch);
    const rest: WizardState = stays ? state : others;
    if (rest.screen.at !== 'probing' || rest.snapshot === undefined) return undefined;
    const snapshot = { ...rest.snapshot, policyProbe: facts };
    if (facts.interrupted) return leave({ ...rest, snapshot }, 130, 'interrupted');
    // That it should be made was answered for this one alone.
    const steps = stepsOn(snapshot, rest, setting).map(({ unasked: _unasked, ...step }) => step);
    return [{ ...rest, snapshot, steps, notice: probeSentence(facts), screen: { at: 'questions' } }, []];
  },
  seen: (state, { sight: { waiting, kept, expired, now } }) => {
    if (state.screen.at === 'left' || state.expired !== undefined) return undefined;
    const { waiting: before, ...rest } = state;
    const named = (ids: readonly string[]) =>
      ids.map((id) => state.steps.find(({ step }) => step.id === id)?.step.title ?? id).join(', ');
    const fresh = kept.filter((id) => before?.all.some(({ step }) => step === id) === true);
    const now_: WizardState = {
      ...rest,
      ...(waiting.length === 0 ? {} : { waiting: { all: waiting, now } }),
      ...(fresh.length === 0 ? {} : { notice: `Kept: ${named(fresh)}.` }),
    };
    if (expired.length === 0) return [now_, []];
    const over: WizardState = { ...now_, expired };
    if (over.screen.at !== 'applying') return leave(over, 1, 'interrupted');
    return over.screen.stopping
      ? [over, []]
      : [{ ...over, screen: { ...over.screen, stopping: true } }, [{ do: 'stop' }]];
  },
  failure: (state, { message }) =>
    state.screen.at === 'left' ? undefined : [{ ...state, screen: { at: 'failed', message } }, []],
};

/** The step without the answers that were for what was just applied alone. */
function askedAnew(step: StepState): StepState {
  const once = step.questions.filter((question) => question.once === true).map(({ id }) => id);
  return once.length === 0 ? step : { ...step, answered: step.answered.filter((id) => !once.includes(id)) };
}

/**
 * A snapshot is read through one API server. Where the last thing that a step did was a re-write, and all of them were
 * tried before it, that is known of the others as well.
 */
function withAgreed(read: Snapshot, { steps }: WizardState): Snapshot {
  const last = steps.map(({ done }) => done.findLast(({ outcome }) => outcome !== 'left'));
  const agreed = last.find((done) => done?.agreed !== undefined)?.agreed;
  if (agreed === undefined || read.encryption === undefined) return read;
  const evidence = `before the re-write all ${agreed.length} API servers kept a scratch Secret in one stored form`;
  return {
    ...read,
    encryption: { ...read.encryption, agreed, evidence: [...read.encryption.evidence, evidence] },
  };
}

/** All steps on a new snapshot, with the decisions taken so far and what was done before. */
function stepsOn(snapshot: Snapshot, state: WizardState, setting: Setting): readonly StepState[] {
  const seeded = state.snapshot === undefined ? setting.decisions(snapshot) : undefined;
  const before = new Map(state.steps.map((step) => [step.step.id, step]));
  const known = (id: string): Decisions => {
    const old = before.get(id);
    return old === undefined ? (seeded?.get(id) ?? UNDECIDED) : decided(old);
  };
  return assemble(snapshot, setting.steps, setting.templates, known).map((fresh): StepState => {
    const old = before.get(fresh.step.id);
    if (old === undefined) return fresh;
    const verified = old.verified === undefined ? {} : { verified: old.verified };
    return { ...fresh, done: old.done, ...verified };
  });
}
