import { assemble, type Decisions, pending, UNDECIDED } from './assemble.js';
import type { Handlers, SystemEvent } from './events.js';
import { confirmScreen, decided, leave, reading, replaced } from './moves.js';
import type { StepState } from './state.js';

/** What the effects report. */
export const fromEffects: Handlers<SystemEvent> = {
  reading: (state, { progress }) => {
    if (state.screen.at !== 'reading') return undefined;
    const kinds = [...state.screen.kinds.filter((k) => k.kind !== progress.kind), progress];
    return [{ ...state, screen: { at: 'reading', kinds } }, []];
  },
  snapshot: (state, { snapshot }, setting) => {
    const seeded = state.snapshot === undefined ? setting.decisions(snapshot) : undefined;
    const known = (id: string): Decisions => {
      const before = state.steps.find((s) => s.step.id === id);
      return before === undefined ? (seeded?.get(id) ?? UNDECIDED) : decided(before);
    };
    const steps = assemble(snapshot, setting.steps, setting.templates, known).map((fresh): StepState => {
      const before = state.steps.find((s) => s.step.id === fresh.step.id);
      return before === undefined
        ? fresh
        : {
            ...fresh,
            done: before.done,
            ...(before.verified === undefined ? {} : { verified: before.verified }),
          };
    });
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
  checked: (state, { checked }) => {
    const step = state.steps[state.current];
    if (state.screen.at !== 'checking' || step === undefined) return undefined;
    const fresh = new Map(checked.map((c) => [c.change, c]));
    const known = step.checked.filter((c) => !fresh.has(c.change));
    const next = { ...state, steps: replaced(state, { ...step, checked: [...known, ...checked] }) };
    if (state.screen.confirming !== true) return [{ ...next, screen: { at: 'review' } }, []];
    const refused = checked.filter((c) => c.check.by === 'refusal').length;
    if (refused === 0) return [{ ...next, screen: confirmScreen(state) }, []];
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
    if (interrupted) return leave(state, 130, 'interrupted');
    return [{ ...state, screen: { at: 'verifying' } }, [{ do: 'read' }]];
  },
  failure: (state, { message }) =>
    state.screen.at === 'left' ? undefined : [{ ...state, screen: { at: 'failed', message } }, []],
};
